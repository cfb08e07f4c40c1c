"""The configuration of a stack: what Pulumi.yaml declares, and the stack's own file.

The rules are the engine's (workspace/config.go and workspace/loaders.go in pulumi/pulumi).
tests/local/stack_files.py has a table of files and the engine's verdict on each.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import pulumi

from . import document
from .document import DocumentError, parse
from .scalars import to_text

PROJECT_FILE: Final = "Pulumi.yaml"
# Keys of a stack's file beside `config`. The engine reads them as text.
_TEXT_KEYS: Final = ("secretsprovider", "encryptedkey", "encryptionsalt")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")


class StackConfig:
    """The values of a stack's configuration, and where each is set. All are by qualified key.

    Attributes:
        values: Values as the text that the program gets.
        found: Values with their types in YAML: str, int, float, bool, list or document.Mapping.
        places: Places, such as "Pulumi.dev.yaml, line 3".
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.found: dict[str, Any] = {}
        self.places: dict[str, str] = {}

    def set(self, key: str, value: Any, place: str) -> None:
        """Set a key.

        Args:
            key: Qualified name.
            value: With its type in YAML.
            place: File and line of the value, for error messages.

        Raises:
            pulumi.RunError: The value contains a number that is not finite.
        """
        try:
            self.values[key] = to_text(value)
        except ValueError:
            # The program gets numbers as JSON, which has neither infinity nor NaN.
            raise pulumi.RunError(
                f"{place}: {key} contains a number that is not finite. Use a finite one."
            ) from None
        self.found[key] = value
        self.places[key] = place


class _File:
    """A YAML file that contains a mapping or nothing. Errors name the file and the line."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.content = document.Mapping()
        try:
            content = parse(path.read_bytes())
        except OSError as error:
            raise pulumi.RunError(f"{self.name} cannot be read: {error.strerror}.") from error
        except DocumentError as error:
            self.fail(error.line, error.problem)
        if content is None:
            return
        if not isinstance(content, document.Mapping):
            self.fail(1, "The file is not a mapping. Begin it with a key such as config:.")
        if content.other_key:
            self.fail(content.other_key, "This key is not text. Remove it, or put it in quotes.")
        self.content = content

    def place(self, line: int) -> str:
        return f"{self.name}, line {line}"

    def fail(self, line: int, problem: str) -> NoReturn:
        raise pulumi.RunError(f"{self.place(line)}: {problem}")

    def mapping(self, key: str) -> document.Mapping:
        """The mapping of a key, or an empty one if the key is missing or has no value."""
        value = self.content.get(key)
        if value is None:
            return document.Mapping()
        if not isinstance(value, document.Mapping):
            self.fail(self.content.lines[key], f"{key} is not a mapping of keys and values.")
        return value


def project_name(root: Path) -> str:
    """Name of the project.

    Raises:
        pulumi.RunError: Pulumi.yaml is wrong.
    """
    return _name(_File(root / PROJECT_FILE))


def qualified(key: str, project: str) -> str:
    """The key with its namespace, which is the project's name for a key without one."""
    return key if ":" in key else f"{project}:{key}"


def read(stack: str, root: Path) -> StackConfig:
    """Read the configuration of a stack.

    Raises:
        pulumi.RunError: There is no such stack, or a file is wrong. The message names the line.
    """
    project_file = _File(root / PROJECT_FILE)
    project = _name(project_file)
    path = root / f"Pulumi.{stack}.yaml"
    if not path.exists():
        names = (each.name for each in root.glob("Pulumi.*.yaml"))
        known = sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in names)
        raise pulumi.RunError(f"There is no stack {stack!r}. Use one of {', '.join(known)}.")
    file = _File(path)
    _check_other_keys(file)
    config = StackConfig()
    for key, (line, value) in _stack_values(file, project).items():
        config.set(key, value, file.place(line))
    _apply(project_file, project, config)
    return config


def _apply(project_file: _File, project: str, config: StackConfig) -> None:
    """Add the project's defaults, and check the types that it declares."""
    declarations = project_file.mapping("config")
    for key, declared in declarations.items():
        declaration = declared if isinstance(declared, dict) else {"default": declared}
        name = qualified(key, project)
        default = declaration.get("default", declaration.get("value"))
        if name not in config.values and default is not None:
            config.set(name, default, project_file.place(declarations.lines[key]))
        type_name = declaration.get("type")
        if type_name and name in config.values and not _has_type(config.found[name], declaration):
            items = (declaration.get("items") or {}).get("type")
            requirement = f"{type_name} of type {items}" if items else type_name
            raise pulumi.RunError(
                f"{config.places[name]}: {key} is {config.values[name]!r}, but must be of type "
                f"{requirement}."
            )


def _name(project_file: _File) -> str:
    name = project_file.content.get("name")
    if not isinstance(name, str) or not name:
        project_file.fail(
            project_file.content.lines.get("name", 1),
            "The project has no name. Write one, such as name: counter-service.",
        )
    return name


def _check_other_keys(file: _File) -> None:
    for key in _TEXT_KEYS:
        if isinstance(file.content.get(key), list | dict):
            file.fail(file.content.lines[key], f"{key} is not text. Write it as a single value.")
    if file.content.get("environment"):
        file.fail(
            file.content.lines["environment"],
            "The local run cannot open environments of Pulumi ESC. Remove them, or use a stack "
            "without them.",
        )


def _stack_values(file: _File, project: str) -> dict[str, tuple[int, Any]]:
    """Line and value of each qualified key."""
    config = file.mapping("config")
    if config.other_key:
        file.fail(config.other_key, "This key is not text. Put it in quotes.")
    found: dict[str, tuple[int, Any]] = {}
    for written, value in config.items():
        line = config.lines[written]
        match qualified(written, project).split(":"):
            case [namespace, name]:
                key = f"{namespace}:{name}"
            # The older form of a key, which the engine still accepts.
            case [namespace, "config", name] if namespace and name:
                key = f"{namespace}:{name}"
            case _:
                file.fail(line, f"{written} is not a key. Write it as <namespace>:<name>.")
        if key in found:
            file.fail(line, f"{key} is already set in line {found[key][0]}. Remove one.")
        found[key] = (line, _readable(file, line, key, value, project))
    return found


def _readable(file: _File, line: int, key: str, value: Any, project: str) -> Any:
    """The value. Fails if it is encrypted and in the project's own namespace.

    The credentials of `aws:` may be encrypted, because the emulator accepts any credentials.
    """
    if not _is_encrypted(value):
        return value
    if key.startswith(f"{project}:"):
        file.fail(
            line,
            f"{key} is encrypted, and the local run cannot decrypt it. Write it as a plain value, "
            "or use another stack.",
        )
    return value["secure"] if _is_ciphertext(value) else value


def _is_ciphertext(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"secure"} and type(value["secure"]) is str


def _is_encrypted(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return _is_ciphertext(value) or any(map(_is_encrypted, parts))


def _has_type(value: Any, declaration: Mapping[str, Any]) -> bool:
    type_name = declaration["type"]
    if isinstance(value, list):
        items = declaration.get("items") or {"type": None}
        return type_name == "array" and all(_is_item(each, items) for each in value)
    if isinstance(value, dict):
        return bool(type_name == "object")
    return _is_scalar(to_text(value), type_name)


def _is_item(value: Any, declaration: Mapping[str, Any]) -> bool:
    # The engine compares a whole value as text, but the entries of a list with their YAML types.
    type_name = declaration["type"]
    if value is None or (type_name == "string") != isinstance(value, str):
        return False
    return _has_type(value, declaration)


def _is_scalar(text: str, type_name: str) -> bool:
    match type_name:
        case "integer":
            return bool(_INTEGER.fullmatch(text)) and -(2**63) <= int(text) < 2**63
        case "boolean":
            return text in ("true", "false")
        case _:
            return type_name == "string"
