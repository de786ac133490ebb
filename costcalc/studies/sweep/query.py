"""Conditions and figures over the columns of a sweep: `macs < 300M and alpha in [0.5, 1]`, `time.t4 < 5ms`.

Names are columns; `and or not`, comparisons (chains too: `1M < macs < 2M`), `in` lists, `+ - * / // % **`, min max abs
round floor ceil, numbers with units, words in quotes, true and false. Numbers are exact. A comparison with a figure
that is not known is neither true nor false: a point without figures meets no condition.

A quantity of a device is its key, a dot and the device's name: letters, digits and `_`, with single `-` and `.` between
them (`time.pixel-1-big-core`). A minus behind it therefore stands behind a space: `time.t4 - 1ms`. A name of other
letters, such as the path of a profile, stands in quotes: `time.'my/device.yaml'`; so may the whole: `'time.t4'`.

A number may carry a unit, with a space or without: k, M, GiB … of costcalc.core.units, s, ms, us (µs), ns, and J, mJ,
uJ (µJ), nJ, pJ, which are seconds and joules. Everything else is the syntax of Python's comparisons and arithmetic,
read by its own parser and evaluated by none of it.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from costcalc.core.arithmetic import FUNCTIONS, OPERATORS
from costcalc.core.errors import ExpressionError, ShapeError, UsageError, did_you_mean
from costcalc.core.quantities import CATALOGUE, parse_quantity
from costcalc.core.quantity import QuantityRef
from costcalc.core.units import FACTORS, JOULES, SECONDS, exact_decimal
from costcalc.studies.sweep.axes import exact_number, value_text
from costcalc.studies.sweep.columns import DEVICE_KEYS, device_column

UNIT_PARTS = {unit: count for unit, count in (*SECONDS.items(), *JOULES.items()) if unit}
"""Units of time and energy: how many make a second or a joule. Upper and lower case differ: M is mega."""

TOKEN = re.compile(
    rf"(?<![\w.])(?P<device>(?:{'|'.join(DEVICE_KEYS)})\.(?:\w+(?:[-.]\w+)*|'[^']*'|\"[^\"]*\"))"
    r"|(?P<quoted>'[^']*'|\"[^\"]*\")"
    r"|(?<![\w.])(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    rf"(?:\s*(?P<unit>[kKmMgGtTpPeE](?:i?[bB])?|[bB]|{'|'.join(UNIT_PARTS)})(?!\w))?"
)

PLACEHOLDER = "ǂ"
"""A letter that begins the names of numbers and of devices' quantities, and none of a column."""

MAX_LENGTH = 2000

MAX_DEPTH = 60


class Expression(NamedTuple):
    """The syntax tree of a text; numbers and quantities of devices by the names that stand for them in it. units are
    those that numbers were written with: bytes, seconds or joules."""

    text: str
    tree: ast.expr
    numbers: dict[str, Any]
    quantities: dict[str, QuantityRef]
    units: dict[str, str]

    def names(self) -> Iterator[str]:
        """The names of columns in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and node.id not in self.numbers:
                ref = self.quantities.get(node.id)
                yield node.id if ref is None else ref.key


def parse_expression(text: str) -> Expression:
    """The expression that a text writes. UsageError where it is none."""
    if len(text) > MAX_LENGTH:
        raise UsageError(f"a condition of {len(text)} characters is too long", f"at most {MAX_LENGTH}")
    if PLACEHOLDER in text:
        raise UsageError(f"{text!r} is not understood", "no column has this name")
    if re.search(r"(?<![<>=!])=(?!=)", re.sub(r"'[^']*'|\"[^\"]*\"", "", text)):
        raise UsageError(f"{text!r} has a single `=`", "write == to compare")
    numbers: dict[str, Any] = {}
    quantities: dict[str, QuantityRef] = {}
    units: dict[str, str] = {}

    def substitute(match: re.Match[str]) -> str:
        reference = match["device"] or (match["quoted"] or "")[1:-1]
        if reference.partition(".")[0] in DEVICE_KEYS and "." in reference:
            name = f"{PLACEHOLDER}q{len(quantities)}"
            quantities[name] = device_quantity(reference)
        elif match["quoted"]:
            return match[0]
        else:
            name = f"{PLACEHOLDER}{len(numbers)}"
            numbers[name] = _parse_number(match["number"], match["unit"] or "")
            units[name] = _dimension(match["unit"] or "")
        return f" {name} "

    python_text = TOKEN.sub(substitute, text.replace("\n", " ")).replace("&&", " and ").replace("||", " or ")
    try:
        tree = ast.parse(python_text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        remedy = "write comparisons such as 'macs < 300M and time.t4 < 5ms'"
        raise UsageError(f"{text!r} is not understood", remedy) from error
    if _depth(tree) > MAX_DEPTH:
        raise UsageError("the condition is nested too deeply", f"at most {MAX_DEPTH} levels")
    return Expression(text, tree, numbers, quantities, units)


def device_quantity(reference: str) -> QuantityRef:
    """`time.t4` or `time.'my/device.yaml'` -> the quantity and its device."""
    key, _, device = reference.partition(".")
    return parse_quantity(f"{key}.{device[1:-1] if device[:1] in QUOTES and len(device) > 1 else device}")


QUOTES = ("'", '"')


def _parse_number(digits: str, unit: str) -> int | Fraction:
    if len(digits.lower().partition("e")[2].lstrip("+-0")) > 2:
        raise UsageError(f"{digits} has a huge exponent", "write it with at most two digits: 1e12")
    value = exact_decimal(digits)
    return exact_number(value / UNIT_PARTS[unit] if unit in UNIT_PARTS else value * FACTORS[unit.lower()])


def _dimension(unit: str) -> str:
    """Unit of a number -> its dimension: seconds, joules, bytes, or number where that is open."""
    for dimension, factors in (("seconds", SECONDS), ("joules", JOULES)):
        if unit and unit in factors:
            return dimension
    return "bytes" if unit.lower().endswith("b") else "number"


def _check_units(left: ast.expr, right: ast.expr, expression: Expression) -> None:
    """UsageError where a quantity is compared with an amount of another unit: arena_bytes < 5ms, macs < 5MiB."""
    for column, amount in ((left, right), (right, left)):
        if not isinstance(column, ast.Name) or not isinstance(amount, ast.Name):
            return
        ref = expression.quantities.get(column.id)
        quantity = CATALOGUE.get(column.id) if ref is None else ref.quantity
        dimension = expression.units.get(amount.id, "number")
        if quantity is not None and dimension not in ("number", quantity.unit):
            name = column.id if ref is None else ref.key
            raise UsageError(
                f"{expression.text!r} compares {name} with an amount in {dimension}",
                f"write it as {name} < {quantity.example}",
            )


def _depth(tree: ast.AST) -> int:
    """Syntax tree -> the number of its levels."""
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


RowFunction = Callable[[Sequence[Any]], Any]
"""Row -> the value of an expression."""

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

MAX_BITS = 4096


def compile_condition(text: str, columns: Sequence[str]) -> Callable[[Sequence[Any]], bool]:
    """Text of a condition -> whether a row meets it. UsageError for what is none, and for a row that it does not
    fit."""
    evaluate = compile_expression(text, columns)

    def holds(row: Sequence[Any]) -> bool:
        value = evaluate(row)
        if value is not None and not isinstance(value, bool):
            raise UsageError(f"{text!r} gives {value}, which is neither true nor false", "compare it: … < 300M")
        return bool(value)

    return holds


def compile_expression(text: str, columns: Sequence[str]) -> RowFunction:
    """Text of an expression -> its value for a row, None where a figure of it is not known."""
    expression = parse_expression(text)
    compute = _compile_node(expression.tree, expression, {name: i for i, name in enumerate(columns)})

    def evaluate(row: Sequence[Any]) -> Any:
        try:
            return compute(row)
        except ZeroDivisionError as error:
            raise UsageError(f"{text!r} divides by zero", f"where {_describe_row(columns, row)}") from error
        except (TypeError, ExpressionError, ShapeError) as error:
            raise UsageError(f"{text!r} does not fit the values", f"where {_describe_row(columns, row)}") from error

    return evaluate


def _describe_row(columns: Sequence[str], row: Sequence[Any]) -> str:
    return ", ".join(
        f"{name} is {value_text(value)}" for name, value in zip(columns, row, strict=False) if value is not None
    )


def _compile_node(node: ast.expr, expression: Expression, columns: Mapping[str, int]) -> RowFunction:
    def compile_node(inner: ast.expr) -> RowFunction:
        return _compile_node(inner, expression, columns)

    if isinstance(node, ast.Name):
        return _compile_name(node.id, expression, columns)
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bool)):
        constant = node.value
        return lambda row: constant
    if isinstance(node, ast.BoolOp):
        conditions = [compile_node(value) for value in node.values]
        return _short_circuit(isinstance(node.op, ast.Or), conditions)
    if isinstance(node, ast.UnaryOp):
        operand = compile_node(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda row: None if (value := operand(row)) is None else not value
        if isinstance(node.op, ast.USub):
            return lambda row: None if (value := operand(row)) is None else -value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return _apply_operator(
            _exact_operator(OPERATORS[type(node.op)]), compile_node(node.left), compile_node(node.right)
        )
    if isinstance(node, ast.Compare) and all(type(op) in COMPARISONS for op in node.ops):
        for left, right in pairwise((node.left, *node.comparators)):
            _check_units(left, right, expression)
        operands = [compile_node(term) for term in (node.left, *node.comparators)]
        comparisons = [COMPARISONS[type(op)] for op in node.ops]
        pairs = [
            _apply_operator(compare, a, b) for compare, a, b in zip(comparisons, operands, operands[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else _short_circuit(False, pairs)
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [compile_node(item) for item in node.elts]
        return lambda row: [item(row) for item in items]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords and node.args:
        function = CALLS.get(node.func.id)
        if function is None:
            raise UsageError(
                f"there is no function {node.func.id!r}", did_you_mean(node.func.id, CALLS) or "use " + ", ".join(CALLS)
            )
        arguments = [compile_node(argument) for argument in node.args]
        return lambda row: None if None in (values := [a(row) for a in arguments]) else function(*values)
    raise UsageError(
        f"{expression.text!r} is outside the language", "use columns, numbers, and or not, comparisons, + - * / // % **"
    )


def _compile_name(name: str, expression: Expression, columns: Mapping[str, int]) -> RowFunction:
    if name in expression.numbers:
        number = expression.numbers[name]
        return lambda row: number
    ref = expression.quantities.get(name)
    name = name if ref is None else ref.key
    if name in columns:
        return operator.itemgetter(columns[name])
    if name.lower() in ("true", "false"):
        truth = name.lower() == "true"
        return lambda row: truth
    column = device_column(name, tuple(columns), "; a word stands in quotes")
    return operator.itemgetter(columns[column])


def _apply_operator(f: Callable[[Any, Any], Any], left: RowFunction, right: RowFunction) -> RowFunction:
    def evaluate(row: Sequence[Any]) -> Any:
        a, b = left(row), right(row)
        return None if a is None or b is None else f(a, b)

    return evaluate


def _exact_operator(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operation on numbers only, whole where it is, and not beyond all bounds."""

    def calculate(a: Any, b: Any) -> Any:
        for value in (a, b):
            if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
                raise TypeError(value)
        value = f(a, b)
        if isinstance(value, Fraction):
            return value.numerator if value.denominator == 1 else value
        if value.bit_length() > MAX_BITS:
            raise ExpressionError("a number is too large")
        return value

    return calculate


def _short_circuit(stop: bool, conditions: Sequence[RowFunction]) -> RowFunction:
    """Conditions up to the first that is `stop`: False makes it `and`, True `or`. None where one that is not known
    decides."""

    def evaluate(row: Sequence[Any]) -> Any:
        all_known = True
        for condition in conditions:
            value = condition(row)
            if value is None:
                all_known = False
            elif bool(value) is stop:
                return stop
        return not stop if all_known else None

    return evaluate
