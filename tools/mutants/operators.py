"""What a mutant is: the source of one module with one operator, number or statement changed."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: What stands in for an operator. A comparison has two: its border moved, and its opposite.
COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    **{ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt)},
    **{ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)},
    **{ast.In: (ast.NotIn,), ast.NotIn: (ast.In,)},
}
ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult},
    **{ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.BitXor: ast.BitOr},
    **{ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.MatMult: ast.Mult},
}
#: Functions that stand in for one another, by the last part of their name.
CALLS: Final = {
    **{"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"},
    **{"floor": "ceil", "ceil": "floor", "argmin": "argmax", "argmax": "argmin", "zeros": "ones", "ones": "zeros"},
    **{"zeros_like": "ones_like", "ones_like": "zeros_like", "sum": "max", "mean": "max"},
}

_SKIPPED: Final = (ast.Import, ast.ImportFrom, ast.Raise, ast.Assert, ast.arguments, ast.JoinedStr)
_SKIPPED_FIELDS: Final = frozenset({"decorator_list", "annotation", "returns"})


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes:
        file: of the module, relative to the project's root.
        function: its qualified name; empty for the module's own statements.
        line: from 1, where the changed piece begins.
        statement: line of the innermost statement that holds it; 0 outside functions.
        text: of that line, stripped.
        was: what is changed.
        becomes: what it becomes.
        nth: from 1, which of the changes that read alike.
        node: the changed node's number, in the order of ``ast.walk``.
    """

    file: str
    function: str
    line: int
    statement: int
    text: str
    was: str
    becomes: str
    nth: int
    node: int

    @property
    def key(self) -> str:
        """Name of the mutant that outlives changes elsewhere in the file, and goes stale when its own line changes."""
        nth = f" ({self.nth})" if self.nth > 1 else ""
        return f"{self.file} {self.function or '(module)'}: {self.text} | {self.was} -> {self.becomes}{nth}"


def mutants(file: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source.

    Left out: imports, decorators (how a rule is compiled), annotations, error messages, texts, fields of classes, and
    what only a type checker reads.

    Args:
        file: of the module, relative to the project's root.
        source: its text.
    """
    tree, lines = ast.parse(source), source.splitlines()
    number = {id(node): i for i, node in enumerate(ast.walk(tree))}
    seen, found = Counter[tuple[str, ...]](), []
    for function, statement, node in _places(tree, "", 0):
        text, was = lines[node.lineno - 1].strip(), _words(node)
        for becomes in map(_words, _changes(node)):
            if becomes == was:  # a number too large for one more to count
                continue
            alike = function, text, was, becomes
            seen[alike] += 1
            found.append(Mutant(file, function, node.lineno, statement, *alike[1:], seen[alike], number[id(node)]))
    return found


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The module's tree with the mutant's one change."""
    tree = ast.parse(source)
    old = list(ast.walk(tree))[mutant.node]
    new = next(changed for changed in _changes(old) if _words(changed) == mutant.becomes)

    class Change(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else self.generic_visit(node)

    Change().visit(tree)  # in place, since what changes is never the module
    return tree


def _words(node: ast.AST) -> str:
    """The piece of code in one line; of a statement that holds others, its head."""
    return ast.unparse(node).splitlines()[0]


def _places(node: ast.AST, function: str, statement: int) -> Iterator[tuple[str, int, ast.stmt | ast.expr]]:
    """Every node below that may be changed, with its function and the line of its statement there."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, _SKIPPED) or field in _SKIPPED_FIELDS:
                continue
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                yield from _places(child, f"{function}.{child.name}".strip("."), 0)
            elif not isinstance(node, ast.ClassDef) and not _for_checkers(child):
                inner = child.lineno if isinstance(child, ast.stmt) and function else statement
                if isinstance(child, ast.stmt | ast.expr):
                    yield function, inner, child
                yield from _places(child, function, inner)


def _for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """Every change of this very node; those of its parts come with the parts."""
    for changed in _changed(node):
        yield ast.fix_missing_locations(ast.copy_location(copy.deepcopy(changed), node))


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                for other in COMPARISONS[type(op)]:
                    twin = copy.deepcopy(node)
                    twin.ops[i] = other()
                    yield twin
        case ast.BinOp(left=left, op=op, right=right):
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)
        case ast.AugAssign(target=target, op=op, value=value):
            yield ast.AugAssign(target, ARITHMETIC[type(op)](), value)
            yield ast.Assign([target], value)
            yield ast.Pass()
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as truth):
            yield ast.Constant(not truth)
        case ast.Constant(value=int() | float() as number):
            yield ast.Constant(number + 1)
            if number == 1:
                yield ast.Constant(number - 1)
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            yield ast.Call(ast.Name(CALLS[name], ast.Load()), node.args, node.keywords)
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in CALLS:
            yield ast.Call(ast.Attribute(value, CALLS[name], ast.Load()), node.args, node.keywords)
        case ast.If(body=body, orelse=orelse):
            yield ast.If(ast.Constant(True), body, orelse)
            yield ast.If(ast.Constant(False), body, orelse)
        case ast.IfExp(body=body, orelse=orelse):
            yield ast.IfExp(ast.Constant(True), body, orelse)
            yield ast.IfExp(ast.Constant(False), body, orelse)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(0))
