"""Reads the scalars of YAML as Go's yaml.v3 does, and writes them as the engine passes them on.

The rules are those of YAML 1.2 with a few of YAML 1.1: `yes` is text, `017` is octal, and
`2026-01-01` is a time. See resolve.go in gopkg.in/yaml.v3.
"""

import base64
import binascii
import json
import math
import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

PLAIN: Final = "plain"  # tag of a scalar that is neither quoted nor tagged
_PREFIX: Final = "tag:yaml.org,2002:"
STRING: Final = f"{_PREFIX}str"
_BINARY: Final = f"{_PREFIX}binary"
_TYPES: Final = {
    f"{_PREFIX}bool": bool,
    f"{_PREFIX}int": int,
    f"{_PREFIX}float": float,
    f"{_PREFIX}null": type(None),
}

# `resolveMap` in resolve.go.
_WORDS: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{f"{sign}.{word}": math.inf for sign in ("", "+") for word in ("inf", "Inf", "INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
# yaml.v3 reads both forms of octal: 0o17 of YAML 1.2 and 017 of YAML 1.1.
_INTEGERS: Final = (
    (re.compile(r"([-+]?)0[xX]([0-9a-fA-F]+)"), 16),
    (re.compile(r"([-+]?)0[bB]([01]+)"), 2),
    (re.compile(r"([-+]?)0[oO]?([0-7]+)"), 8),
    (re.compile(r"([-+]?)(0|[1-9][0-9]*)"), 10),
)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TIME: Final = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})"
    r"(?:(?P<t>[Tt ])(\d{1,2}:\d{1,2}:\d{1,2})(\.\d+)?(?P<zone>Z|[-+]\d\d:\d\d)?)?"
)


class ScalarError(Exception):
    """The scalar does not have the type of its tag. The message is a whole sentence."""


def resolve(tag: str, text: str) -> str | float | bool | None:
    """The value of a scalar.

    Args:
        tag: `PLAIN`, `STRING`, or the explicit tag.
        text: The scalar without quotes.

    Raises:
        ScalarError: The scalar does not have the type that its explicit tag names.
    """
    if tag == _BINARY:
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode(errors="replace")
        except binascii.Error as error:
            raise ScalarError("A !!binary value is not base64.") from error
    if tag == f"{_PREFIX}timestamp" and (time := _time(text)):
        return time
    if tag == PLAIN:
        return _time(text) or _plain(text)
    if tag not in _TYPES:
        return text
    value = _plain(text)
    if tag.endswith("float") and type(value) is int:
        return float(value)
    if type(value) is not _TYPES[tag]:
        raise ScalarError(f"{text!r} is not of its tag's type, {tag.removeprefix(_PREFIX)}.")
    return value


def _plain(text: str) -> str | float | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    # yaml.v3 ignores underscores in what begins like a number.
    digits = text.replace("_", "") if re.match(r"[-+0-9]", text) else text
    for pattern, base in _INTEGERS:
        if match := pattern.fullmatch(digits):
            value = int(match[1] + match[2], base)
            # yaml.v3 reads a number with a sign as int64, and one without as uint64.
            if -(2**63) <= value < (2**63 if match[1] else 2**64):
                return value
    if _FLOAT.fullmatch(digits) and math.isfinite(number := float(digits)):
        return number
    return text


def _time(text: str) -> str | None:
    """The time as Go prints it, or None if the text is not a time."""
    # Go's formats: with T and a zone, with a space and no zone, or only a date.
    match = _TIME.fullmatch(text)
    if match is None or (match["zone"] and match["t"] == " "):
        return None
    if match["t"] in ("T", "t") and not match["zone"]:
        return None
    date = "-".join(part.zfill(2) for part in match[1].split("-"))
    clock = ":".join(part.zfill(2) for part in (match[3] or "00:00:00").split(":"))
    try:
        datetime.fromisoformat(f"{date}T{clock}")
    except ValueError:
        return None
    fraction = (match[4] or "")[:10].rstrip("0").removesuffix(".")  # at most nanoseconds
    zone = (match["zone"] or "Z").replace(":", "")
    return f"{date} {clock}{fraction} " + ("+0000 UTC" if zone == "Z" else f"{zone} {zone}")


def to_text(value: Any) -> str:
    """The text that the program gets for a value: text unchanged, and other values as Go's JSON.

    Raises:
        ValueError: The value contains a number that is not finite, which JSON does not have.
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    if isinstance(value, dict):
        # Go sorts the keys.
        pairs = (f"{_json(key)}:{_json(value[key])}" for key in sorted(value))
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, float) and math.isfinite(value):
        return _number(value)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # Go escapes these characters, so that its JSON can be embedded in HTML.
    return re.sub(r"[<>&\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _number(value: float) -> str:
    # Go writes an exponent only outside this range, and without Python's leading zero.
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return re.sub(r"e-0(\d)", r"e-\1", repr(value))
