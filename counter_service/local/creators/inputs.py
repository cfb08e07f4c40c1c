"""The inputs of a resource, with a record of which of them were read."""

from collections.abc import Iterator, Mapping
from typing import Any


class Inputs:
    """The inputs of a resource, by their pulumi-aws names (camelCase). Records which are read.

    An input that is an object is an `Inputs` too, and a list of objects is a list of `Inputs`. A
    number is a float, because Pulumi sends inputs as protobuf structs.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._plain = values
        self._values = {key: _wrapped(value) for key, value in values.items()}
        self._read: set[str] = set()
        self._read_whole: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Whether the resource has the input. Asking does not count as reading it."""
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return self._values[key]

    def get(self, key: str, default: Any = None) -> Any:
        """The input, or `default` if the resource has none. Counts as reading it."""
        self._read.add(key)
        return self._values.get(key, default)

    def whole(self, key: str) -> Any:
        """The input as plain dictionaries and lists. Counts as reading everything in it.

        For objects that are passed on unchanged, such as the environment of a function.
        """
        self._read_whole.add(key)
        return self._plain[key]

    def unread(self) -> Iterator[str]:
        """The inputs that were not read, such as "timeout" or "origins.customHeaders"."""
        for key, value in self._values.items():
            if key in self._read_whole:
                continue
            if key not in self._read:
                yield key
                continue
            for nested in value if isinstance(value, list) else [value]:
                if isinstance(nested, Inputs):
                    yield from (f"{key}.{inner}" for inner in nested.unread())


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return Inputs(value)
    if isinstance(value, list):
        return [_wrapped(each) for each in value]
    return value
