"""Reads a YAML document as Pulumi's engine does, which uses Go's yaml.v3.

libyaml parses it, because yaml.v3 is a translation of libyaml to Go and accepts the same syntax.
This module has the rest: duplicate keys, merge keys, aliases, and the tree of values (scalars.py
has the scalars).
"""

import re
from typing import Any, Final

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # not in its stubs
from yaml.resolver import BaseResolver

from .scalars import PLAIN, STRING, ScalarError, resolve

# Git marks a merge conflict with these lines.
_MERGE_MARKER: Final = re.compile(rb"^(<{7}|\|{7}|={7}|>{7})( .*)?\r?$", re.MULTILINE)
# libyaml also accepts 1.2, which yaml.v3 rejects.
_OTHER_VERSION: Final = re.compile(rb"^%YAML[ \t]+(?!1\.1(\s|$))", re.MULTILINE)


class DocumentError(Exception):
    """The document is wrong.

    Attributes:
        line: Number of the line, from 1.
        problem: What is wrong and what to do, as whole sentences.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class Mapping(dict[str, Any]):
    """A mapping of the document. A key that is not text is kept as the document writes it.

    Attributes:
        lines: Line of each key, from 1.
        other_key: Line of a key that is not text, or None if all keys are text.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}
        self.other_key: int | None = None


def parse(content: bytes) -> Any:
    """The value of the first document: Mapping, list, str, int, float, bool, or None.

    Raises:
        DocumentError: The content is not YAML, or yaml.v3 rejects it.
    """
    # A directive precedes the first document. Within a document the line is text.
    head = content.partition(b"\n---")[0]
    if version := _OTHER_VERSION.search(head):
        line = head.count(b"\n", 0, version.start()) + 1
        raise DocumentError(line, "The engine only reads YAML 1.1. Remove this line.")
    try:
        parser = _Parser(content)
        node = parser.get_node() if parser.check_node() else None
        return None if node is None else _Tree().value(node)
    except yaml.reader.ReaderError as error:
        line = content.count(b"\n", 0, error.position) + 1
        raise DocumentError(
            line, "The file has bytes that are not text. Save it as UTF-8."
        ) from error
    except yaml.MarkedYAMLError as error:
        if marker := _MERGE_MARKER.search(content):
            line = content.count(b"\n", 0, marker.start()) + 1
            problem = f"{marker[1].decode()} marks a merge conflict. Resolve it."
            raise DocumentError(line, problem) from error
        mark = error.problem_mark or error.context_mark
        # libyaml places a mistake at the end of the file after the last line.
        line = min(mark.line + 1 if mark else 1, len(content.splitlines()))
        raise DocumentError(line, f"It is not valid YAML: {error.problem}.") from error
    except RecursionError as error:
        raise DocumentError(1, "The file is nested too deeply.") from error


class _Parser(CParser, BaseResolver):
    def __init__(self, content: bytes) -> None:
        CParser.__init__(self, content)
        BaseResolver.__init__(self)

    def resolve(self, kind: type[yaml.Node], _value: Any, implicit: Any) -> str:
        """The tag of a node without an explicit one."""
        return PLAIN if kind is yaml.ScalarNode and implicit[0] else STRING


class _Tree:
    """Turns nodes into values, within yaml.v3's limits for aliases.

    Attributes:
        reached: Nodes that were reached before. A node that is reached again is an alias.
        open: Nodes that contain the current one.
        count: Values so far.
        alias_count: Those of them that are in an alias.
        alias_depth: Number of aliases that contain the current node.
    """

    def __init__(self) -> None:
        self.reached: set[yaml.Node] = set()
        self.open: set[yaml.Node] = set()
        self.count = 0
        self.alias_count = 0
        self.alias_depth = 0

    def value(self, node: yaml.Node) -> Any:
        if node in self.open:
            raise _error(node, "An anchor contains itself.")
        is_alias = node in self.reached
        self.reached.add(node)
        self.open.add(node)
        self.alias_depth += is_alias
        self._limit_aliases(node)
        try:
            return self._value(node)
        except ScalarError as error:
            raise _error(node, str(error)) from error
        finally:
            self.alias_depth -= is_alias
            self.open.remove(node)

    def _limit_aliases(self, node: yaml.Node) -> None:
        # A few aliases of aliases can stand for billions of values. The limits are those of
        # yaml.v3 (decode.go) for documents of this size.
        self.count += 1
        self.alias_count += self.alias_depth > 0
        if self.count > 1000 and self.alias_count > 0.99 * self.count:
            raise _error(node, "The document contains too many aliases.")

    def _value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return resolve(node.tag, node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(entry) for entry in node.value]
        return self._mapping(node)

    def _mapping(self, node: yaml.Node) -> Mapping:
        _refuse_duplicates(node)
        mapping = Mapping()
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == PLAIN and key_node.value == "<<":
                is_list = isinstance(value_node, yaml.SequenceNode)
                merged += value_node.value if is_list else [value_node]
                continue
            line = key_node.start_mark.line + 1
            key = self.value(key_node)
            if isinstance(key, list | Mapping):
                raise DocumentError(line, "A list or a mapping cannot be a key.")
            if not isinstance(key, str):
                mapping.other_key = line
                key = str(key_node.value)
            mapping[key] = self.value(value_node)
            mapping.lines[key] = line
        for source in merged:
            if not isinstance(source, yaml.MappingNode):
                raise _error(source, "The merge key << requires a mapping or a list of mappings.")
            self._merge(mapping, self.value(source))
        return mapping

    def _merge(self, mapping: Mapping, source: Mapping) -> None:
        # The mapping's own keys take precedence, then its sources in their order.
        for key in source.keys() - mapping.keys():
            mapping[key] = source[key]
            mapping.lines[key] = source.lines[key]
        mapping.other_key = mapping.other_key or source.other_key


def _refuse_duplicates(node: yaml.Node) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in lines:
                first = lines[key.value]
                raise _error(key, f"{key.value} is already set in line {first}. Remove one.")
            lines[key.value] = key.start_mark.line + 1


def _error(node: yaml.Node, problem: str) -> DocumentError:
    return DocumentError(node.start_mark.line + 1, problem)
