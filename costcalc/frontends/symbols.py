"""Dimension parameters, the strings that exporters write for extents -> Dims, and which symbols have a default.

A name is a symbol; `197*batch`, `past_seq + seq`, `(((s0 - 1)//16)) + 1` and `Min(512, s12)` are arithmetic over names.
A minus between letters without blanks is part of a name (`batch-size`). Text that is no arithmetic is one symbol, as it
stands; so is arithmetic that would take long to evaluate, and an extent below 0.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from costcalc.core.dim import Dim, Poly, maximum, minimum, symbol
from costcalc.core.errors import CostcalcError, UsageError

BATCH = frozenset(("n", "b", "bs", "batch"))

IMAGE = {4: "NCHW", 5: "NCDHW"}

IMAGE_LAST = {4: "NHWC", 5: "NDHWC"}

IMAGE_SYMBOLS = frozenset("NDHW")
"""What symbolic_shape calls the extents of images that it opens."""


def has_batch_default(name: str) -> bool:
    """Whether a symbol at dimension 0 is a batch, 1 unless bound: it is called N, B, BS, or has `batch` in it."""
    lower = name.lower()
    return lower in BATCH or "batch" in lower


def unknown_symbol_remedy(name: str, value: Dim, known: Sequence[str], inputs: Mapping[str, Sequence[Dim]]) -> str:
    """A symbol that a model does not have and its value, the symbols that it has, and the shapes of its inputs → what
    to write: its own batch for a batch, a whole shape where every extent is a number; "" where the name is just
    unknown."""
    batches = [symbol for symbol in known if has_batch_default(symbol)]
    if known and has_batch_default(name) and len(batches) == 1:
        return f"its batch is {batches[0]}: write --dim {batches[0]}={value}"
    shapes = {key: shape for key, shape in inputs.items() if shape}
    if known or not shapes:
        return ""
    key, shape = next(iter(shapes.items()))
    extents = ",".join(map(str, (value, *shape[1:]) if has_batch_default(name) else shape))
    return f"its extents are all numbers: write a whole shape, --shape {key}={extents}"


def symbolic_shape(shape: Sequence[Dim], dims: Mapping[str, Dim], layout: str = "channels_first") -> list[Dim]:
    """The input's shape with batch and spatial extents left open: [N, C, H, W], [N, C, D, H, W], or with channels last;
    of other ranks only the batch. Symbols that are there already stand; dims binds the new ones."""
    images = IMAGE_LAST if layout == "channels_last" else IMAGE
    names = images.get(len(shape), "N" + "C" * len(shape))
    extents = list(shape)
    for i, extent in enumerate(shape):
        if names[i] != "C" and not isinstance(extent, Poly):
            extents[i] = dims.get(names[i], symbol(names[i]))
    return extents


_NAME = r"[^\W\d]\w*\Z"

_ARITHMETIC = r"[\w\s+\-*/%(),]+\Z"

_JOINED = r"\w-[^\W\d]|[^\W\d]\w*-\d"

_UNNAMED = frozenset(("", "?", "-1", "0", "None", "none", "unk", "unknown"))

_MAX_LENGTH, _MAX_DEPTH, _MAX_POWER = 200, 20, 8

_MAX_TERMS, _MAX_BITS = 32, 64


def parse_expression(text: str) -> Dim | None:
    """An expression over whole numbers by sympy, `64*s0 + 1` or `Add(Symbol('s0', positive=True), Integer(1))`,
    -> the extent; None where it is another expression, or too large a one."""
    try:
        return _evaluate(ast.parse(text.strip(), mode="eval").body, 0)
    except (SyntaxError, ValueError, ZeroDivisionError, MemoryError, RecursionError, CostcalcError):
        return None


def parse_dim_param(param: str) -> Dim:
    """The extent that a dim_param names."""
    if re.match(_NAME, param):
        return symbol(param)
    if len(param) <= _MAX_LENGTH and re.match(_ARITHMETIC, param) and not re.search(_JOINED, param):
        try:
            extent = _evaluate(ast.parse(param.strip(), mode="eval").body, 0)
            if not _is_negative(extent):
                return extent
        except (SyntaxError, ValueError, ZeroDivisionError, CostcalcError):
            pass  # no arithmetic that we know: the text itself names the extent
    return symbol(param)


def declared_dim(entry: int | str | None, unnamed: str, dim_params: Mapping[str, Dim] | None = None) -> Dim:
    """An entry of a declared shape -> the extent; the symbol `unnamed` where the exporter left it open without a name.
    dim_params says what names stand for; another is read as arithmetic, and is the symbol of that name where it holds
    no symbol (`"2"`)."""
    if isinstance(entry, int) and entry > 0:
        return entry
    if isinstance(entry, str) and entry.strip() not in _UNNAMED:
        if dim_params and entry in dim_params:
            return dim_params[entry]
        extent = parse_dim_param(entry)
        return extent if isinstance(extent, Poly) else symbol(entry)
    return symbol(unnamed)


_AXIS_OF_INPUT = r"(.+) \(axis (\d+)\)"


def option_name(name: str, origins: Mapping[str, str]) -> str:
    """A symbol and where symbols come from (Graph.data_symbols) -> the name that --dim takes for it: of an axis of an
    input, `ids.0`, which says more than PyTorch's `s23`; else its own."""
    match = re.fullmatch(_AXIS_OF_INPUT, origins.get(name, ""))
    return f"{match[1]}.{match[2]}" if match and re.fullmatch(r"[su]\d+", name) else name


SIZES = IMAGE_SYMBOLS | {"C", "height", "width", "channels", "*"}
"""Symbols of an image's size; `*` stands for all that are open."""


def refuse_empty(name: str, value: object) -> None:
    """UsageError where a symbol of a batch or of an image's size is bound to 0: nothing would be computed, and every
    limit be kept. Other symbols may be 0 (a cache that is empty, no images beside a text)."""
    if value == 0 and not isinstance(value, bool) and (name in SIZES or is_batch_name(name)):
        raise UsageError(f"{name} is bound to 0, so that nothing is computed", "give a whole number of at least 1")


def is_batch_name(name: str) -> bool:
    """Whether a symbol's name says that it counts independent samples: it has `batch` in it, or is N, B or bs."""
    return "batch" in name.lower() or name in ("N", "B", "b", "bs")


def symbol_name(d: Dim) -> str | None:
    """The name where d is one symbol and nothing else."""
    if isinstance(d, Poly) and len(d.terms) == 1:
        ((monomial, c),) = d.terms.items()
        if c == 1 and len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0].op == "symbol":
            return monomial[0][0].key
    return None


_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}

_CALLS: Mapping[str, Callable[[Any, Any], Any]] = {
    "min": minimum,
    "max": maximum,
    "mod": operator.mod,
    "pythonmod": operator.mod,
    "floordiv": operator.floordiv,
    "cleandiv": operator.floordiv,
    "ceildiv": lambda a, b: (a + b - 1) // b,
    "add": operator.add,
    "mul": operator.mul,
}


def _evaluate(node: ast.expr, depth: int) -> Dim:
    """The value of parsed arithmetic; ValueError where it is something else."""
    if depth > _MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(node, ast.Name):
        return symbol(node.id)
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return _check_size(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand, depth + 1)
    if isinstance(node, ast.BinOp):
        left, right = _evaluate(node.left, depth + 1), _evaluate(node.right, depth + 1)
        if isinstance(node.op, ast.Pow) and isinstance(right, int) and 0 <= right <= _MAX_POWER:
            power: Dim = 1
            for _ in range(right):
                power = _check_size(power * left)
            return power
        function = _BINARY.get(type(node.op))
        if function is not None:
            return _check_size(function(left, right))
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and (not node.keywords or node.func.id == "Symbol")
    ):
        return _evaluate_call(node.func.id.lower(), node.args, depth)
    raise ValueError("no arithmetic")


def _evaluate_call(name: str, args: list[ast.expr], depth: int) -> Dim:
    """A call as sympy prints it: `Min(a, b, …)` and the like, `Symbol('a', …)`, `Integer(2)`, `Pow(a, 2)`; `floor(a/b)`
    and `ceiling(a/b)` are integer divisions."""
    if name == "symbol" and args and isinstance(args[0], ast.Constant) and isinstance(args[0].value, str):
        return symbol(args[0].value)
    if name in ("integer", "identity") and len(args) == 1:
        return _evaluate(args[0], depth + 1)
    if name in ("pow", "powbynatural") and len(args) == 2:
        return _evaluate(ast.BinOp(args[0], ast.Pow(), args[1]), depth + 1)
    if name in ("floor", "ceiling", "ceil", "trunctoint", "floortoint", "ceiltoint") and len(args) == 1:
        a, b = _evaluate_ratio(args[0], depth + 1)
        return _check_size(_check_size(a + b - 1) // b if name.startswith("ceil") else a // b)
    function = _CALLS.get(name)
    if function is None or len(args) < 2:
        raise ValueError("no function that we know")
    total = _evaluate(args[0], depth + 1)
    for arg in args[1:]:
        total = _check_size(function(total, _evaluate(arg, depth + 1)))
    return total


def _evaluate_ratio(ratio: ast.expr, depth: int) -> tuple[Dim, Dim]:
    """A quotient, `a/b` or `IntTrueDiv(a, b)`, or a number times an extent, `0.5*ToFloat(a)` or `Mul(Float('0.5', …),
    ToFloat(a))`, -> its numerator and its denominator. The number is taken as a simple fraction near it."""
    parts: Sequence[ast.expr] = ()
    if isinstance(ratio, ast.Call) and isinstance(ratio.func, ast.Name):
        name, parts = ratio.func.id, ratio.args
    elif isinstance(ratio, ast.BinOp):
        name = {ast.Div: "IntTrueDiv", ast.Mult: "Mul"}.get(type(ratio.op), "")
        parts = (ratio.left, ratio.right)
    if len(parts) != 2 or name not in ("IntTrueDiv", "Mul"):
        raise ValueError("no whole division")
    if name == "IntTrueDiv":
        return _evaluate(parts[0], depth), _evaluate(parts[1], depth)
    factor, extent = parts if _is_float(parts[0]) else parts[::-1]
    if isinstance(factor, ast.Call):
        factor = factor.args[0]
    if not (isinstance(factor, ast.Constant) and isinstance(factor.value, (float, str))):
        raise ValueError("no number times an extent")
    if isinstance(extent, ast.Call) and isinstance(extent.func, ast.Name) and extent.func.id == "ToFloat":
        extent = extent.args[0]
    numerator, denominator = simple_fraction(float(factor.value))
    return _check_size(_evaluate(extent, depth) * numerator), denominator


def simple_fraction(x: float) -> tuple[int, int]:
    """The fraction of a denominator up to 1000 that float32 does not distinguish from x, or x exactly. ValueError where
    x is no number."""
    from fractions import Fraction  # its import takes longer than that of this module, and few programs need it

    if not math.isfinite(x):
        raise ValueError("no number")
    exact = Fraction(x)
    simple = exact.limit_denominator(1000)
    return (simple if abs(simple - exact) <= abs(exact) / 2**24 else exact).as_integer_ratio()


def _is_float(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "Float" and bool(node.args)
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _check_size(value: Any) -> Dim:
    """An extent -> the same; ValueError where it has too many terms, too large a coefficient or too high a power."""
    assert isinstance(value, (int, Poly))
    terms = value.terms if isinstance(value, Poly) else {(): value}
    if len(terms) > _MAX_TERMS or any(c.bit_length() > _MAX_BITS for c in terms.values()):
        raise ValueError("too large")
    if any(sum(power for _, power in monomial) > _MAX_POWER for monomial in terms):
        raise ValueError("too high a power")
    return value


def _is_negative(value: Dim) -> bool:
    """Whether it is no extent for any value of its names."""
    return all(c < 0 for c in (value.terms.values() if isinstance(value, Poly) else (value,)))
