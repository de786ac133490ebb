"""The arithmetic of YAML models: names, numbers, `+ - * / // % **`, min max round floor ceil make_divisible.

An expression is parsed by Python's own parser and evaluated by walking the tree; numbers are exact (int or Fraction),
extents may hold symbols.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Union

from costcalc.dim import Dim, Poly, divide, maximum, minimum
from costcalc.errors import ExpressionError

if TYPE_CHECKING:
    from fractions import Fraction

Number = Union[Dim, "Fraction"]
MAX_LENGTH = 500
MAX_BITS = 256


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression; a lone name may stand for any value (a word, a list).

    ExpressionError for a name that is not known (with the nearest that is), for anything outside the language, and
    for numbers above 2^256.
    """
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    if text in names:
        return names[text]
    return _walk(_parse(text), names, text)


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression of {len(text)} characters is too long", "use params for its parts")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{text!r} is not an expression", "use names, numbers and + - * / // % **") from error


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
                f"the name {node.id!r} is not known", suggest(node.id, names) or "define it in `params:`"
            )
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _number(_walk(node.operand, names, text), text)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        a = _number(_walk(node.left, names, text), text)
        b = _number(_walk(node.right, names, text), text)
        try:
            return _bounded(_OPERATORS[type(node.op)](a, b), text)
        except ZeroDivisionError as error:
            raise ExpressionError(f"{text!r} divides by zero", "check its parts") from error
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = _FUNCTIONS.get(node.func.id)
        if function is None:
            known = suggest(node.func.id, _FUNCTIONS) or "use " + ", ".join(_FUNCTIONS)
            raise ExpressionError(f"there is no function {node.func.id!r}", known)
        arguments = [_number(_walk(a, names, text), text) for a in node.args]
        try:
            return _bounded(function(*arguments), text)
        except TypeError as error:
            raise ExpressionError(f"{node.func.id} takes other arguments in {text!r}", "see the README") from error
    raise ExpressionError(
        f"{text!r} is outside the language", "use names, numbers, + - * / // % ** and " + ", ".join(_FUNCTIONS)
    )


def _literal(node: ast.Constant, text: str) -> Number:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ExpressionError(f"{text!r} is no number", "use names and numbers")
    if isinstance(value, int):
        _bounded(value, text)
        return value
    return fraction(repr(value), text)


def fraction(number: str, text: str) -> Number:
    """A decimal as it is written, exactly; an int where it is whole."""
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


def _bounded(value: Any, text: str) -> Any:
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ExpressionError(f"{text!r} is larger than 2^{MAX_BITS}", "use a smaller number")
        return value
    return value if isinstance(value, Poly) else whole(value)


def whole(value: Any) -> Any:
    """A Fraction that is a whole number as an int; all else as it is."""
    return value.numerator if not isinstance(value, (int, Poly)) and value.denominator == 1 else value


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, Poly) or isinstance(b, Poly):
        result = divide(a, b) if isinstance(a, (int, Poly)) and isinstance(b, (int, Poly)) else None
        if result is None:
            raise ExpressionError(f"{a} / {b} is not a whole number for every size", "use //")
        return result
    from fractions import Fraction

    return Fraction(a) / Fraction(b)


def _power(a: Any, b: Any) -> Any:
    if not isinstance(b, int) or abs(b) > MAX_BITS:
        raise ExpressionError(f"the exponent {b} is not a small whole number", "use a smaller one")
    if isinstance(a, int) and a.bit_length() * abs(b) > 4 * MAX_BITS:
        raise ExpressionError(f"{a} ** {b} is too large", "use a smaller exponent")
    if isinstance(a, int) and b < 0:
        return _divide(1, a**-b)
    return a**b


def _exact(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def checked(a: Any, b: Any) -> Any:
        if (isinstance(a, Poly) or isinstance(b, Poly)) and not (
            isinstance(a, (int, Poly)) and isinstance(b, (int, Poly))
        ):
            raise ExpressionError(f"{a} and {b} do not mix", "an extent that is a symbol takes whole numbers only")
        return f(a, b)

    return checked


_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: _exact(lambda a, b: a + b),
    ast.Sub: _exact(lambda a, b: a - b),
    ast.Mult: _exact(lambda a, b: a * b),
    ast.Div: _divide,
    ast.FloorDiv: _exact(lambda a, b: a // b),
    ast.Mod: _exact(lambda a, b: a % b),
    ast.Pow: _power,
}


def make_divisible(value: Any, divisor: Any = 8, least: Any = None) -> Any:
    """The nearest multiple of divisor, not below `least` (divisor) and not more than 10 % below the value
    (the MobileNet papers' rounding of channels)."""
    least = divisor if least is None else least
    rounded = max(least, int(value + _divide(divisor, 2)) // divisor * divisor)
    return rounded + divisor if rounded * 10 < value * 9 else rounded


def _fold(f: Callable[[Dim, Dim], Dim], plain: Callable[..., Any]) -> Callable[..., Any]:
    def over(first: Any, *rest: Any) -> Any:
        if any(isinstance(x, Poly) for x in (first, *rest)):
            for x in rest:
                first = f(first, x)
            return first
        return plain((first, *rest))

    return over


def _rounding(name: str) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        if isinstance(value, (int, Poly)):
            return value
        if name == "round":
            return round(value)
        return value.__floor__() if name == "floor" else value.__ceil__()

    return apply


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": _fold(minimum, min),
    "max": _fold(maximum, max),
    "round": _rounding("round"),
    "floor": _rounding("floor"),
    "ceil": _rounding("ceil"),
    "make_divisible": make_divisible,
}


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or "" where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""
