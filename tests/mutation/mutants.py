"""Mutants of a module: copies of it with one change that some test should notice."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

_OPERATORS: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
    ast.Break: ast.Continue,
    ast.Continue: ast.Break,
}
_FUNCTIONS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_NOTHING: Final = ("None", "False", "True")  # the last is changed as a constant
# Fields that say nothing about what a statement does.
_IGNORED: Final = {"annotation", "returns", "decorator_list", "type_params", "bases", "keywords"}

Put = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module.

    Attributes:
        name: The function, the first line of its statement before and after the change, and a
            number if the function has several such changes.
        lines: The lines of the statement. None if it runs when the module is imported.
        source: Returns the text of the whole module, with the change.
    """

    name: str
    lines: range | None
    source: Callable[[], str]


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, each with a name of its own."""
    tree = ast.parse(source)
    numbers = Counter[str]()
    for scope, statement, put_statement in _statements(tree, _Scope("", is_function=False)):
        before = _head(statement)
        # A function's default values belong to the import, too.
        runs_later = scope.is_function and not isinstance(statement, ast.FunctionDef)
        lines = _lines(statement) if runs_later else None
        for node, put in [(statement, put_statement), *_expressions(statement)]:
            for changed in _changes(node):
                put(changed)
                after = _head(changed if node is statement else statement)
                put(node)
                name = f"{scope.prefix}{before} -> {after}"
                numbers[name] += 1
                if numbers[name] > 1:
                    name += f" ({numbers[name]})"
                yield Mutant(name, lines, partial(_with_change, tree, put, node, changed))


def _with_change(tree: ast.AST, put: Put, node: ast.AST, changed: ast.AST) -> str:
    put(changed)
    source = ast.unparse(tree)
    put(node)
    return source


@dataclass(frozen=True, slots=True)
class _Scope:
    prefix: str  # "Class.method: ", and "" for the module
    is_function: bool

    def inner(self, name: str, *, is_function: bool) -> "_Scope":
        outer = self.prefix.removesuffix(": ")
        return _Scope(f"{outer}.{name}: ".lstrip("."), is_function=is_function)


def _statements(parent: ast.AST, scope: _Scope) -> Iterator[tuple[_Scope, ast.stmt, Put]]:
    """Every statement with the function or class that contains it, and a way to replace it."""
    for node, put in _children(parent):
        if isinstance(node, ast.stmt) and not _is_text(node):
            yield scope, node, put
        inner = scope
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inner = scope.inner(node.name, is_function=isinstance(node, ast.FunctionDef))
        if isinstance(node, ast.stmt | ast.excepthandler):
            yield from _statements(node, inner)


def _expressions(parent: ast.AST) -> Iterator[tuple[ast.AST, Put]]:
    """Every expression of a statement, without those of the statements in it."""
    if isinstance(parent, ast.Assign) and ast.unparse(parent.targets[0]) == "__slots__":
        return
    for node, put in _children(parent):
        if not isinstance(node, ast.stmt | ast.excepthandler):
            yield node, put
            yield from _expressions(node)


def _children(parent: ast.AST) -> Iterator[tuple[ast.AST, Put]]:
    for name, value in ast.iter_fields(parent):
        if name in _IGNORED and not isinstance(parent, ast.Call):
            continue
        if isinstance(parent, ast.keyword) and parent.arg == "strict":
            continue  # zip(strict=True) asserts what holds anyway
        if isinstance(value, ast.AST):
            yield value, _setter(parent, name)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield item, _item_setter(value, index)


def _setter(parent: ast.AST, name: str) -> Put:
    return lambda node: setattr(parent, name, node)


def _item_setter(items: list[Any], index: int) -> Put:
    def put(node: Any) -> None:
        items[index] = node

    return put


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    if type(node) in _OPERATORS:
        yield _OPERATORS[type(node)]()
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)) if value:
            yield ast.Constant(f"{value}~")
        case ast.Constant(value=bytes(value)) if value:
            yield ast.Constant(value + b"~")
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Call(func=ast.Name(id=name), args=args) if name in _FUNCTIONS:
            yield ast.Call(ast.Name(_FUNCTIONS[name]), args, node.keywords)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.If(test=test, body=body, orelse=orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Return(value=value) if value and ast.unparse(value) not in _NOTHING:
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Assign(targets=[ast.Attribute()]):
            yield ast.Pass()


def _is_text(node: ast.stmt) -> bool:
    """Whether this is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _head(node: ast.AST) -> str:
    ast.fix_missing_locations(node)
    return ast.unparse(node).lstrip("\n").splitlines()[0]


def _lines(statement: ast.stmt) -> range:
    ends = [node.end_lineno for node, _ in _expressions(statement) if isinstance(node, ast.expr)]
    return range(statement.lineno, max([statement.lineno, *(end or 0 for end in ends)]) + 1)
