"""Reads and checks values of the stack's configuration."""

import difflib
import json
import re
from collections.abc import Collection
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class ConfigReader:
    """Reads the keys of one namespace, such as `aws:` or the project's own.

    Every method raises ConfigurationError when a value is wrong.

    Args:
        config: The namespace.
    """

    def __init__(self, config: pulumi.Config) -> None:
        self._config = config

    def text(self, key: str, pattern: str, requirement: str) -> str:
        """The value, which must match the whole pattern.

        Args:
            requirement: What the error message asks for, such as "an e-mail address".
        """
        value = self._value(key)
        if not re.fullmatch(pattern, value):
            self._fail_value(key, value, requirement)
        return value

    def optional_text(self, key: str, pattern: str, requirement: str) -> str:
        """Like `text`, but the value may also be empty."""
        return self.text(key, rf"({pattern})?", f"{requirement}, or empty")

    def flag(self, key: str) -> bool:
        """A boolean: true or false, as Pulumi stores it."""
        value = self._value(key)
        if value not in ("true", "false"):
            self._fail_value(key, value, "true or false")
        return value == "true"

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        value = self._value(key)
        if not re.fullmatch(r"-?\d+", value) or not low <= int(value) <= high:
            self._fail_value(key, value, f"a whole number from {low} to {high}")
        return int(value)

    def one_of(self, key: str, choices: tuple[int, ...]) -> int:
        """A whole number that is one of the choices."""
        value = self.integer(key, min(choices), max(choices))
        if value not in choices:
            self._fail_value(key, str(value), "one of " + ", ".join(map(str, choices)))
        return value

    def url(self, key: str) -> str:
        """An https URL without a trailing slash, or an empty value."""
        value = self._value(key)
        parts = urlsplit(value)
        is_usable = parts.scheme == "https" and parts.hostname
        if value and (not is_usable or parts.query or parts.fragment):
            self._fail_value(key, value, "an https URL such as https://login.example.com, or empty")
        return value.rstrip("/")

    def json_list(self, key: str, example: str) -> list[Any]:
        """A list, which Pulumi stores as JSON. The example is for the error message."""
        value = self._value(key)
        try:
            entries = json.loads(value)
        except ValueError:
            entries = None
        if not isinstance(entries, list):
            self._fail_value(key, value, f"a list such as {example}")
        return entries

    def origins(self, key: str) -> tuple[str, ...]:
        """Origins as browsers send them: lower case, no default port, no path."""
        entries = self.json_list(key, '["https://www.example.com"]')
        return tuple(self._origin(key, entry) for entry in entries)

    def refuse_unknown_keys(self, known: Collection[str], advice: str) -> None:
        """Raise for a key that is not in `known`, because its value would be ignored."""
        prefix = f"{self._config.name}:"
        for name in _names():
            key = name.removeprefix(prefix)
            if name.startswith(prefix) and key not in known:
                fail(f"{self._label(key)} is unknown. {advice}", name)

    def _value(self, key: str) -> str:
        value = self._config.get(key)
        if value is None:
            fail(
                f"{self._label(key)} has no value. Pulumi.yaml declares its default, so update the "
                "Pulumi CLI.",
                self._qualified(key),
            )
        return value.strip()

    def _origin(self, key: str, entry: object) -> str:
        parts = urlsplit(entry) if isinstance(entry, str) else urlsplit("")
        try:
            port = parts.port
        except ValueError:
            port = -1
        is_bare = parts.path in ("", "/") and not (
            parts.query or parts.fragment or "@" in parts.netloc
        )
        is_usable = (
            parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and is_bare and port != -1
        )
        if not is_usable or "*" in parts.netloc:
            fail(
                f"{self._label(key)} contains {entry!r}, but each entry must be an origin such as "
                "https://www.example.com.",
                self._qualified(key),
            )
        suffix = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
        return f"{parts.scheme}://{parts.hostname}{suffix}"

    def _fail_value(self, key: str, value: str, requirement: str) -> NoReturn:
        fail(f"{self._label(key)} is {value!r}, but must be {requirement}.", self._qualified(key))

    def _qualified(self, key: str) -> str:
        return f"{self._config.name}:{key}"

    def _label(self, key: str) -> str:
        # Pulumi's commands take the project's own keys without a namespace.
        namespace = self._config.name
        return key if namespace == pulumi.get_project() else f"{namespace}:{key}"


def refuse_unknown_namespaces(known: Collection[str]) -> None:
    """Raise for a key in a namespace that is not in `known`, because its value would be ignored."""
    for name in _names():
        namespace, _, key = name.partition(":")
        if namespace not in known:
            similar = difflib.get_close_matches(namespace, sorted(known), n=1)
            advice = f"Write it as {similar[0]}:{key}" if similar else "Remove it"
            fail(f"{name} is in a namespace that this program does not read. {advice}.", name)


def _names() -> list[str]:
    return sorted({*CONFIG.get(), *get_config_env()})


class ConfigurationError(pulumi.RunError):
    """A value of the configuration is wrong.

    Pulumi prints the message without a traceback, and deploys nothing.

    Attributes:
        key: The qualified key that is wrong, or None if more than one is involved.
    """

    def __init__(self, message: str, key: str | None) -> None:
        super().__init__(message)
        self.key = key


def fail(sentences: str, key: str | None = None) -> NoReturn:
    """Raise ConfigurationError.

    Args:
        sentences: What is wrong and what to do, as whole sentences.
        key: The qualified key that is wrong.
    """
    raise ConfigurationError(f"Configuration: {sentences}", key)
