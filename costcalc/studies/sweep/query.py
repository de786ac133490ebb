"""Conditions and figures over the columns of a sweep: `macs < 300M and alpha in [0.5, 1]`, `macs / params`.

Names are columns; `and or not`, comparisons (chains too: `1M < macs < 2M`), `in` lists, `+ - * / // % **`, min max abs
round floor ceil, numbers with units, words in quotes, true and false. Numbers are exact. A comparison with a figure
that is not known is neither true nor false: a point without figures meets no condition.

The text of a condition -> Python's syntax tree, with quantities as users write them: `macs < 300M and n <= 1.5 k`.

A number may carry a unit of costcalc.core.units, with a space or without. Everything else is the syntax of Python's
comparisons and arithmetic, read by its own parser and evaluated by none of it.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from costcalc.core.arithmetic import FUNCTIONS, OPERATORS
from costcalc.core.errors import ExpressionError, ShapeError, UsageError, did_you_mean
from costcalc.core.units import FACTORS
from costcalc.studies.sweep.axes import shown

QUANTITY = re.compile(
    r"(?P<quoted>'[^']*'|\"[^\"]*\")"
    r"|(?<![\w.])(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\s*(?P<unit>[kKmMgGtTpPeE](?:i?[bB])?|[bB])(?!\w))?"
)

MARK = "ǂ"
"""A letter that begins the names of numbers, and none of a column."""

LONGEST = 2000

DEEPEST = 60


def tree_of(text: str) -> tuple[ast.expr, dict[str, Any]]:
    """The tree, and the numbers by the names that stand for them in it. UsageError where it is no expression."""
    if len(text) > LONGEST:
        raise UsageError(f"a condition of {len(text)} characters is too long", f"at most {LONGEST}")
    numbers: dict[str, Any] = {}

    def named(match: re.Match[str]) -> str:
        if match["quoted"]:
            return match[0]
        if len(match["number"].lower().partition("e")[2].lstrip("+-0")) > 2:
            raise UsageError(f"{match['number']} has a huge exponent", "write it with at most two digits: 1e12")
        value = Fraction(match["number"].replace("_", "")) * FACTORS[(match["unit"] or "").lower()]
        name = f"{MARK}{len(numbers)}"
        numbers[name] = value.numerator if value.denominator == 1 else value
        return f" {name} "

    if MARK in text:
        raise UsageError(f"{text!r} is not understood", "no column has this name")
    if re.search(r"(?<![<>=!])=(?!=)", re.sub(r"'[^']*'|\"[^\"]*\"", "", text)):
        raise UsageError(f"{text!r} has a single `=`", "write == to compare")
    written = QUANTITY.sub(named, text.replace("\n", " ")).replace("&&", " and ").replace("||", " or ")
    try:
        tree = ast.parse(written.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        remedy = "write comparisons such as 'macs < 300M and peak_activation_bytes < 512KiB'"
        raise UsageError(f"{text!r} is not understood", remedy) from error
    if _depth(tree) > DEEPEST:
        raise UsageError("the condition is nested too deeply", f"at most {DEEPEST} levels")
    return tree, numbers


def _depth(tree: ast.AST) -> int:
    """How deeply a tree is nested, found level by level."""
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


Read = Callable[[Sequence[Any]], Any]
"""The value of an expression for a row."""

COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}

CALLS = {"abs": abs, **{name: FUNCTIONS[name] for name in ("min", "max", "round", "floor", "ceil")}}

MOST_BITS = 4096


def condition(text: str, columns: Sequence[str]) -> Callable[[Sequence[Any]], bool]:
    """Whether a row meets a condition. UsageError for what is none, and for a row that it does not fit."""
    read = expression(text, columns)

    def holds(row: Sequence[Any]) -> bool:
        value = read(row)
        if value is not None and not isinstance(value, bool):
            raise UsageError(f"{text!r} gives {value}, which is neither true nor false", "compare it: … < 300M")
        return bool(value)

    return holds


def expression(text: str, columns: Sequence[str]) -> Read:
    """The value of an expression for a row, None where a figure of it is not known."""
    tree, numbers = tree_of(text)
    read = _read(tree, {name: i for i, name in enumerate(columns)}, numbers, text)

    def checked(row: Sequence[Any]) -> Any:
        try:
            return read(row)
        except ZeroDivisionError as error:
            raise UsageError(f"{text!r} divides by zero", f"where {_where(columns, row)}") from error
        except (TypeError, ExpressionError, ShapeError) as error:
            raise UsageError(f"{text!r} does not fit the values", f"where {_where(columns, row)}") from error

    return checked


def _where(columns: Sequence[str], row: Sequence[Any]) -> str:
    return ", ".join(
        f"{name} is {shown(value)}" for name, value in zip(columns, row, strict=False) if value is not None
    )


def _read(node: ast.expr, columns: Mapping[str, int], numbers: Mapping[str, Any], text: str) -> Read:
    def of(inner: ast.expr) -> Read:
        return _read(inner, columns, numbers, text)

    if isinstance(node, ast.Name):
        return _name(node.id, columns, numbers)
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bool)):
        fixed = node.value
        return lambda row: fixed
    if isinstance(node, ast.BoolOp):
        parts = [of(value) for value in node.values]
        return _until(isinstance(node.op, ast.Or), parts)
    if isinstance(node, ast.UnaryOp):
        operand = of(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda row: None if (value := operand(row)) is None else not value
        if isinstance(node.op, ast.USub):
            return lambda row: None if (value := operand(row)) is None else -value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return _both(_calculated(OPERATORS[type(node.op)]), of(node.left), of(node.right))
    if isinstance(node, ast.Compare) and all(type(op) in COMPARISONS for op in node.ops):
        sides = [of(side) for side in (node.left, *node.comparators)]
        links = [COMPARISONS[type(op)] for op in node.ops]
        pairs = [_both(link, a, b) for link, a, b in zip(links, sides, sides[1:], strict=False)]
        return pairs[0] if len(pairs) == 1 else _until(False, pairs)
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [of(item) for item in node.elts]
        return lambda row: [item(row) for item in items]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords and node.args:
        function = CALLS.get(node.func.id)
        if function is None:
            raise UsageError(
                f"there is no function {node.func.id!r}", did_you_mean(node.func.id, CALLS) or "use " + ", ".join(CALLS)
            )
        arguments = [of(argument) for argument in node.args]
        return lambda row: None if None in (values := [a(row) for a in arguments]) else function(*values)
    raise UsageError(
        f"{text!r} is outside the language", "use columns, numbers, and or not, comparisons, + - * / // % **"
    )


def _name(name: str, columns: Mapping[str, int], numbers: Mapping[str, Any]) -> Read:
    if name in numbers:
        number = numbers[name]
        return lambda row: number
    if name in columns:
        return operator.itemgetter(columns[name])
    if name.lower() in ("true", "false"):
        truth = name.lower() == "true"
        return lambda row: truth
    hint = did_you_mean(name, columns)
    remedy = hint or f"there are {', '.join(columns)}; a word stands in quotes"
    raise UsageError(f"there is no column {name!r}", remedy)


def _both(f: Callable[[Any, Any], Any], left: Read, right: Read) -> Read:
    def result(row: Sequence[Any]) -> Any:
        a, b = left(row), right(row)
        return None if a is None or b is None else f(a, b)

    return result


def _calculated(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operation on numbers only, whole where it is, and not beyond all bounds."""

    def result(a: Any, b: Any) -> Any:
        for value in (a, b):
            if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
                raise TypeError(value)
        value = f(a, b)
        if isinstance(value, Fraction):
            return value.numerator if value.denominator == 1 else value
        if value.bit_length() > MOST_BITS:
            raise ExpressionError("a number is too large")
        return value

    return result


def _until(end: bool, parts: Sequence[Read]) -> Read:
    """Conditions up to the first that is `end`: False makes it `and`, True `or`. None where one that is not known
    decides."""

    def result(row: Sequence[Any]) -> Any:
        known = True
        for part in parts:
            value = part(row)
            if value is None:
                known = False
            elif bool(value) is end:
                return end
        return not end if known else None

    return result
