"""Text of an expression and values of names -> its exact value (int, Fraction or symbolic extent).

Expressions are names, numbers, `+ - * / // % **`, min, max, round, floor, ceil and make_divisible. An expression is
parsed by Python's own parser and evaluated by walking the tree.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Union

from costcalc.core.arithmetic import FUNCTIONS, MAX_BITS, OPERATORS, reduce_fraction
from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import ExpressionError, did_you_mean

if TYPE_CHECKING:
    from fractions import Fraction

Number = Union[Dim, "Fraction"]

MAX_LENGTH = 500


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """An expression and values of names -> its value; a single name may stand for any value (a word, a list).

    ExpressionError for a name that is not known (with the nearest that is), for anything outside the language, and for
    numbers above 2^256.
    """
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    if text in names:
        return names[text]
    tree, free = _parse(text)
    try:
        return _evaluate_cached(text, *[names[name] for name in free])
    except (KeyError, TypeError):  # a name that is not known, a list that has no hash: the walk tells
        return _walk(tree, names, text)


@lru_cache(maxsize=4096, typed=True)
def _evaluate_cached(text: str, *values: Any) -> Any:
    """The value for the names' values, in the order that _parse gives them; cached, because networks repeat their
    layers."""
    tree, free = _parse(text)
    return _walk(tree, dict(zip(free, values, strict=True)), text)


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[ast.expr, tuple[str, ...]]:
    """The tree, and the names that it reads."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression of {len(text)} characters is too long", "use params for its parts")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{text!r} is not an expression", "use names, numbers and + - * / // % **") from error
    function_ids = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {node.id: None for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in function_ids}
    return tree, tuple(names)


def is_expression(text: str) -> bool:
    """Whether the text parses as an expression."""
    try:
        _parse(text)
    except ExpressionError:
        return False
    return True


def _walk(node: ast.expr, names: Mapping[str, Any], text: str) -> Any:
    if isinstance(node, ast.Constant):
        return _literal(node, text)
    if isinstance(node, ast.Name):
        if node.id not in names:
            raise ExpressionError(
                f"the name {node.id!r} is not known", did_you_mean(node.id, names) or "define it in `params:`"
            )
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _number(_walk(node.operand, names, text), text)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        a = _number(_walk(node.left, names, text), text)
        b = _number(_walk(node.right, names, text), text)
        try:
            return _check_size(OPERATORS[type(node.op)](a, b), text)
        except ZeroDivisionError as error:
            raise ExpressionError(f"{text!r} divides by zero", "check its parts") from error
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = FUNCTIONS.get(node.func.id)
        if function is None:
            remedy = did_you_mean(node.func.id, FUNCTIONS) or "use " + ", ".join(FUNCTIONS)
            raise ExpressionError(f"there is no function {node.func.id!r}", remedy)
        arguments = [_number(_walk(a, names, text), text) for a in node.args]
        try:
            return _check_size(function(*arguments), text)
        except TypeError as error:
            raise ExpressionError(f"{node.func.id} takes other arguments in {text!r}", "see the README") from error
    raise ExpressionError(
        f"{text!r} is outside the language", "use names, numbers, + - * / // % ** and " + ", ".join(FUNCTIONS)
    )


def _literal(node: ast.Constant, text: str) -> Number:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ExpressionError(f"{text!r} is no number", "use names and numbers")
    if isinstance(value, int):
        _check_size(value, text)
        return value
    return parse_decimal(repr(value), text)


def parse_decimal(number: str, text: str) -> Number:
    """The text of a decimal -> its exact value as a Fraction; an int where it is whole."""
    from fractions import Fraction

    try:
        value = Fraction(number)
    except (ValueError, OverflowError) as error:
        raise ExpressionError(f"{text!r} is not a finite number", "use a finite number") from error
    if abs(value) > 1e30 or (value and abs(value) < 1e-30):
        raise ExpressionError(f"{text!r} is too large or too small", "use another number")
    return value.numerator if value.denominator == 1 else value


def _number(value: Any, text: str) -> Any:
    if isinstance(value, (bool, str, list, tuple)) or value is None:
        raise ExpressionError(f"{text!r} calculates with {value!r}", "only numbers can be calculated with")
    return value


def _check_size(value: Any, text: str) -> Any:
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ExpressionError(f"{text!r} is larger than 2^{MAX_BITS}", "use a smaller number")
        return value
    return value if isinstance(value, Poly) else reduce_fraction(value)
