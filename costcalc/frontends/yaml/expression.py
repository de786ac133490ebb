"""Text of an expression and values of names -> its exact value: a number (int, Fraction, symbolic extent), a word, true
or false, null, or a list of those.

Expressions are names, numbers, words in quotes, lists, `+ - * / // % **`, comparisons, `in`, `and`, `or`, `not`,
`a if condition else b`, `list[index]`, `[item for i in list]`, and the functions min, max, round, floor, ceil,
make_divisible, len, range, count and numbers. An expression is parsed by Python's own parser and evaluated by walking
the tree.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Union

from costcalc.core.arithmetic import FUNCTIONS, MAX_BITS, OPERATORS, reduce_fraction
from costcalc.core.budget import spend
from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import ExpressionError, did_you_mean
from costcalc.core.units import parse_digits

if TYPE_CHECKING:
    from fractions import Fraction

Number = Union[Dim, "Fraction"]

MAX_LENGTH = 500

MAX_ELEMENTS = 10_000
"""Elements of the longest list that an expression makes, with those of the lists in it: no network has as many
layers."""

SCAN_ELEMENTS = 16
"""Elements that are made or compared in a step of work."""

MAX_SHOWN = 60
"""Characters of a value that an error shows."""

CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
"""Names that have a value in every file, where the file gives them none."""


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """An expression and values of names -> its value; a single name may stand for any value (a word, a list).

    ExpressionError for a name that is not known (with the nearest that is), for anything outside the language, and for
    numbers above 2^256.
    """
    if (number := parse_digits(text)) is not None:
        return number
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
    nodes = list(ast.walk(tree))
    function_ids = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    counters = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names = {node.id: None for node in nodes if isinstance(node, ast.Name) and id(node) not in function_ids}
    return tree, tuple([name for name in names if name not in counters and name not in CONSTANTS])


def is_expression(text: str) -> bool:
    """Whether the text parses as an expression."""
    try:
        _parse(text)
    except ExpressionError:
        return False
    return True


def _walk(node: ast.expr, names: Mapping[str, Any], text: str) -> Any:
    rule = _RULES.get(type(node))
    if rule is None:
        raise ExpressionError(
            f"{text!r} is outside the language",
            "use names, numbers, + - * / // % **, lists and " + ", ".join(FUNCTIONS),
        )
    return rule(node, names, text)


def _name(node: ast.Name, names: Mapping[str, Any], text: str) -> Any:
    if node.id in names:
        return names[node.id]
    if node.id in CONSTANTS:
        return CONSTANTS[node.id]
    remedy = did_you_mean(node.id, names) or "define it in `params:`"
    raise ExpressionError(f"the name {node.id!r} is not known", remedy)


def _unary(node: ast.UnaryOp, names: Mapping[str, Any], text: str) -> Any:
    value = _walk(node.operand, names, text)
    if isinstance(node.op, ast.Not):
        return not _truth(value, text)
    if isinstance(node.op, ast.Invert):
        raise ExpressionError(f"{text!r} has a ~", "use not")
    value = _number(value, text)
    return -value if isinstance(node.op, ast.USub) else value


def _binary(node: ast.BinOp, names: Mapping[str, Any], text: str) -> Any:
    a, b = _walk(node.left, names, text), _walk(node.right, names, text)
    if isinstance(a, list) and isinstance(node.op, ast.Mult) and type(b) is int:
        _check_elements(count_elements(a) * b, text)
        return a * b if a and b > 0 else []
    if isinstance(a, list) and isinstance(node.op, ast.Add) and isinstance(b, list):
        _check_elements(count_elements(a) + count_elements(b), text)
        return a + b
    a, b = _number(a, text), _number(b, text)
    if type(node.op) not in OPERATORS:
        raise ExpressionError(f"{text!r} has an operator that is not known", "use + - * / // % **")
    try:
        return _check_size(OPERATORS[type(node.op)](a, b), text)
    except ZeroDivisionError as error:
        raise ExpressionError(f"{text!r} divides by zero", "check its parts") from error


def _call(node: ast.Call, names: Mapping[str, Any], text: str) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) and not node.keywords else ""
    if name in LIST_FUNCTIONS:
        values = [_walk(a, names, text) for a in node.args]
        try:
            return LIST_FUNCTIONS[name](*values)
        except TypeError as error:
            raise _other_arguments(name, LIST_FUNCTIONS[name], text) from error
    function = FUNCTIONS.get(name)
    if function is None:
        known = [*FUNCTIONS, *LIST_FUNCTIONS]
        shown = name or ast.unparse(node.func)
        raise ExpressionError(
            f"there is no function {shown!r}", did_you_mean(shown, known) or "use " + ", ".join(known)
        )
    arguments = [_number(_walk(a, names, text), text) for a in node.args]
    try:
        return _check_size(function(*arguments), text)
    except TypeError as error:
        raise _other_arguments(name, function, text) from error


def _other_arguments(name: str, function: Callable[..., Any], text: str) -> ExpressionError:
    """The name of a function and the call of it -> the error that says what it takes."""
    from inspect import Parameter, signature

    parameters = signature(function).parameters.values()
    words = [f"{p.name}, …" if p.kind is Parameter.VAR_POSITIONAL else p.name for p in parameters]
    return ExpressionError(f"{name} takes other arguments in {text!r}", f"write it as {name}({', '.join(words)})")


def _compare(node: ast.Compare, names: Mapping[str, Any], text: str) -> bool:
    """`a == b`, `a < b <= c`, `a in b`: numbers with numbers, anything for equality."""
    values = [_walk(part, names, text) for part in (node.left, *node.comparators)]
    for operator, a, b in zip(node.ops, values, values[1:], strict=False):
        if isinstance(operator, (ast.In, ast.NotIn)):
            if not isinstance(b, (list, str)) or (isinstance(b, str) and not isinstance(a, str)):
                raise ExpressionError(f"{text!r} looks for {_show(a)} in {_show(b)}", "`in` takes a list")
            spend(count_elements(b) // SCAN_ELEMENTS)
            holds = (a in b) == isinstance(operator, ast.In)
        elif isinstance(operator, (ast.Eq, ast.NotEq)):
            spend(min(count_elements(a), count_elements(b)) // SCAN_ELEMENTS)
            holds = (_closed(a, text) == _closed(b, text)) == isinstance(operator, ast.Eq)
        elif type(operator) in _ORDERS:
            holds = _ORDERS[type(operator)](*[_number(_closed(value, text), text) for value in (a, b)])
        else:
            raise ExpressionError(f"{text!r} has a comparison that is not known", "use == != < <= > >= in")
        if not holds:
            return False
    return True


_ORDERS: Mapping[type, Callable[[Any, Any], bool]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}


def _boolean(node: ast.BoolOp, names: Mapping[str, Any], text: str) -> bool:
    stops = isinstance(node.op, ast.Or)
    return stops if any(_truth(_walk(part, names, text), text) == stops for part in node.values) else not stops


def _choice(node: ast.IfExp, names: Mapping[str, Any], text: str) -> Any:
    return _walk(node.body if _truth(_walk(node.test, names, text), text) else node.orelse, names, text)


def _list(node: ast.List, names: Mapping[str, Any], text: str) -> list[Any]:
    elements = [_walk(item, names, text) for item in node.elts]
    _check_elements(count_elements(elements), text)
    return elements


def _subscript(node: ast.Subscript, names: Mapping[str, Any], text: str) -> Any:
    """An element of a list, or a letter of a word; the last at -1."""
    value, index = _walk(node.value, names, text), _walk(node.slice, names, text)
    if not isinstance(value, (list, str)) or type(index) is not int:
        fact = f"{text!r} takes the element {_show(index)} of {_show(value)}"
        raise ExpressionError(fact, "a list has elements 0, 1, …")
    if not -len(value) <= index < len(value):
        raise ExpressionError(f"{text!r} takes the element {index} of {len(value)}", "elements count from 0")
    return value[index]


def _comprehension(node: ast.ListComp, names: Mapping[str, Any], text: str) -> list[Any]:
    """`[item for i in list]`, with `if`; one `for`, and none within it, so that the work is that of one list."""
    (generator, *others) = node.generators
    inner = [child for part in (node.elt, *generator.ifs) for child in ast.walk(part)]
    if others or not isinstance(generator.target, ast.Name) or any(isinstance(child, ast.ListComp) for child in inner):
        raise ExpressionError(f"{text!r} has a for within a for", "write one `for` with one name")
    values = _walk(generator.iter, names, text)
    if not isinstance(values, list):
        raise ExpressionError(f"{text!r} goes through {_show(values)}, which is no list", "use range(n) or a list")
    elements: list[Any] = []
    count = 0
    for value in values:
        spend(1)
        scope = {**names, generator.target.id: value}
        if all(_truth(_walk(test, scope, text), text) for test in generator.ifs):
            elements.append(_walk(node.elt, scope, text))
            count += count_elements(elements[-1])
            _check_elements(count, text)
    return elements


def _range(*bounds: Any) -> list[int]:
    if not all(type(bound) is int for bound in bounds):
        raise ExpressionError(f"range takes {', '.join(map(str, bounds))}", "give whole numbers")
    if 0 in bounds[2:]:
        raise ExpressionError("range has the step 0", "use another step")
    numbers = range(*bounds)
    _check_elements((numbers.stop - numbers.start) // numbers.step, "range")  # its len() ends at 2^63
    return list(numbers)


def _length(value: Any) -> int:
    if not isinstance(value, (list, str)):
        raise ExpressionError(f"{_show(value)} has no length", "len takes a list or a word")
    return len(value)


def _count(values: Any, wanted: Any) -> int:
    if not isinstance(values, (list, str)):
        raise ExpressionError(f"{_show(values)} is no list", "write count(list, value)")
    spend(count_elements(values) // SCAN_ELEMENTS)
    return values.count(wanted)


def _numbers(value: Any) -> list[Any]:
    """A word of whole numbers with commas between -> their list; a list stays as it is."""
    if isinstance(value, list):
        return value
    parts = value.split(",") if isinstance(value, str) else [""]
    if not all(part.strip().isdecimal() and len(part) < 19 for part in parts):
        raise ExpressionError(f"{value!r} holds no numbers", "write whole numbers with commas between: '3,4,5'")
    _check_elements(len(parts), "numbers")
    return [int(part) for part in parts]


def _each(value: Any, count: Any) -> list[Any]:
    """A value and a number of layers -> the value of each layer: those of a list, another value for all."""
    if type(count) is not int:
        raise ExpressionError(f"each takes {_show(count)}", "give a whole number: each(3, layers)")
    if not isinstance(value, list):
        _check_elements(count, "each")
        return [value] * count
    if len(value) != count:
        raise ExpressionError(f"{_show(value)} has {len(value)} values for {count} layers", "give one, or one for each")
    return value


LIST_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "len": _length,
    "range": _range,
    "count": _count,
    "numbers": _numbers,
    "each": _each,
}


def _truth(value: Any, text: str) -> bool:
    """Whether a condition holds: true, a number other than 0, a list or a word with elements."""
    return bool(_closed(value, text))


def _closed(value: Any, text: str) -> Any:
    if isinstance(value, Poly):
        raise ExpressionError(f"{text!r} asks for {value}, which is open", "bind it with --dim")
    return value


def count_elements(value: Any) -> int:
    """A value -> the elements of a list and of the lists in it, counted no further than just above MAX_ELEMENTS; the
    letters of a word; 1 of another value."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, list):
        return 1
    pending, count = [value], 0
    while pending and count <= MAX_ELEMENTS:
        items = pending.pop()
        count += len(items)
        pending += [item for item in items if isinstance(item, list)]
    spend(count // SCAN_ELEMENTS)
    return count


def _check_elements(count: int, text: str) -> None:
    """ExpressionError where a list has more elements than MAX_ELEMENTS."""
    if count > MAX_ELEMENTS:
        raise ExpressionError(f"{text!r} makes a list of {count:,} elements", f"at most {MAX_ELEMENTS:,}")


def _literal(node: ast.Constant, names: Mapping[str, Any], text: str) -> Any:
    value = node.value
    if isinstance(value, str):
        return value
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


def _show(value: Any) -> str:
    """A value as an error shows it."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _number(value: Any, text: str) -> Any:
    if isinstance(value, (bool, str, list, tuple)) or value is None:
        raise ExpressionError(f"{text!r} calculates with {_show(value)}", "only numbers can be calculated with")
    return value


def _check_size(value: Any, text: str) -> Any:
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ExpressionError(f"{text!r} is larger than 2^{MAX_BITS}", "use a smaller number")
        return value
    return value if isinstance(value, Poly) else reduce_fraction(value)


_RULES: Mapping[type, Callable[[Any, Mapping[str, Any], str], Any]] = {
    ast.Constant: _literal,
    ast.Name: _name,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Call: _call,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.IfExp: _choice,
    ast.List: _list,
    ast.Subscript: _subscript,
    ast.ListComp: _comprehension,
}
"""What an expression is made of."""
