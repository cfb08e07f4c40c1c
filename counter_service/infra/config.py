"""Reads single configuration values, each with the one sentence that says what is wrong with it."""

import json
import re
from typing import Final, NoReturn
from urllib.parse import urlsplit

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def text(config: pulumi.Config, key: str, pattern: str, expected: str) -> str:
    """The value, whole matches of the pattern only."""
    value = _required(config, key)
    if not re.fullmatch(pattern, value):
        wrong(f"{key} {value!r}", expected)
    return value


def flag(config: pulumi.Config, key: str) -> bool:
    value = _required(config, key)
    if value not in ("true", "false"):
        wrong(f"{key} {value!r}", "true or false")
    return value == "true"


def integer(config: pulumi.Config, key: str, low: int, high: int) -> int:
    value = _required(config, key)
    if not re.fullmatch(r"-?\d+", value) or not low <= int(value) <= high:
        wrong(f"{key} {value!r}", f"a whole number from {low} to {high}")
    return int(value)


def one_of(config: pulumi.Config, key: str, choices: tuple[int, ...]) -> int:
    value = integer(config, key, min(choices), max(choices))
    if value not in choices:
        wrong(f"{key} {value}", "one of " + ", ".join(map(str, choices)))
    return value


def origins(config: pulumi.Config, key: str) -> tuple[str, ...]:
    """Origins as browsers send them: lower case, no default port, no path."""
    value = _required(config, key)
    try:
        entries = json.loads(value)
    except ValueError:
        entries = None
    if not isinstance(entries, list):
        wrong(f"{key} {value!r}", 'a list, such as ["https://www.example.com"]')
    return tuple(_origin(key, entry) for entry in entries)


def url(config: pulumi.Config, key: str) -> str:
    """An https URL without a trailing slash, or nothing."""
    value = _required(config, key)
    parts = urlsplit(value)
    if value and (parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment):
        wrong(f"{key} {value!r}", "an https URL, such as https://login.example.com")
    return value.rstrip("/")


def refuse_unknown_keys(project: str, known: frozenset[str]) -> None:
    """A misspelt key would otherwise be ignored, and its default deployed."""
    prefix = f"{project}:"
    given = {*CONFIG.get(), *get_config_env()}
    for name in sorted(given):
        if name.startswith(prefix) and name.removeprefix(prefix) not in known:
            wrong(name.removeprefix(prefix), "a key that Pulumi.yaml declares")


def wrong(what: str, expected: str) -> NoReturn:
    """Raises pulumi.RunError: Pulumi prints its one sentence, and nothing is registered."""
    raise pulumi.RunError(f"Configuration: {what} is not {expected}.")


def _origin(key: str, entry: object) -> str:
    parts = urlsplit(entry) if isinstance(entry, str) else urlsplit("")
    try:
        port = parts.port
    except ValueError:
        port = -1
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    usable = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and bare and port != -1
    if not usable or "*" in parts.netloc:
        wrong(f"{key} entry {entry!r}", "an origin, such as https://www.example.com")
    suffix = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{parts.hostname}{suffix}"


def _required(config: pulumi.Config, key: str) -> str:
    value = config.get(key)
    if value is None:
        wrong(key, "set; Pulumi.yaml has its default, so update the Pulumi CLI")
    return value.strip()
