"""Elementwise arithmetic, functions, comparisons, logic and selection: ATen's calls -> ONNX nodes.

What ONNX has no operator for is written as the formula that PyTorch's own exporter writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from costcalc.core.errors import LoadError
from costcalc.core.ir import DTYPES, DType
from costcalc.frontends.pytorch.translate.call import TRANSLATIONS, CallSite, Translation, translates
from costcalc.frontends.pytorch.translate.operand import (
    COMPLEX,
    Expression,
    ExpressionNodes,
    cast,
    emit_own,
    has_tensor,
    promoted_type,
    read_operand,
)
from costcalc.ops.aten.elementwise import ARITHMETIC, SPECIAL_FUNCTIONS

TRUNCATED = ("Mul", ("Sign", "self"), ("Floor", ("Abs", "self")))
"""The whole part of a number: sign(x) · ⌊|x|⌋."""

FUNCTIONS: dict[str, Expression] = {
    "abs absolute": ("Abs", "self"),
    "acos arccos": ("Acos", "self"),
    "acosh arccosh": ("Acosh", "self"),
    "asin arcsin": ("Asin", "self"),
    "asinh arcsinh": ("Asinh", "self"),
    "atan arctan": ("Atan", "self"),
    "atanh arctanh": ("Atanh", "self"),
    "cos": ("Cos", "self"),
    "cosh": ("Cosh", "self"),
    "deg2rad": ("Mul", "self", math.pi / 180),
    "erf special_erf": ("Erf", "self"),
    "erfc special_erfc": ("Sub", 1.0, ("Erf", "self")),
    "exp": ("Exp", "self"),
    "exp2 special_exp2": ("Pow", 2.0, "self"),
    "expm1 special_expm1": ("Sub", ("Exp", "self"), 1.0),
    "log": ("Log", "self"),
    "log10": ("Div", ("Log", "self"), math.log(10)),
    "log1p special_log1p": ("Log", ("Add", "self", 1.0)),
    "log2": ("Div", ("Log", "self"), math.log(2)),
    "neg negative": ("Neg", "self"),
    "rad2deg": ("Mul", "self", 180 / math.pi),
    "reciprocal": ("Reciprocal", "self"),
    "rsqrt": ("Reciprocal", ("Sqrt", "self")),
    "sigmoid special_expit": ("Sigmoid", "self"),
    "sign sgn": ("Sign", "self"),
    "sin": ("Sin", "self"),
    "sinh": ("Sinh", "self"),
    "sqrt": ("Sqrt", "self"),
    "square": ("Mul", "self", "self"),
    "tan": ("Tan", "self"),
    "tanh": ("Tanh", "self"),
}

ROUNDINGS: dict[str, Expression] = {
    "ceil": ("Ceil", "self"),
    "floor": ("Floor", "self"),
    "frac": ("Sub", "self", TRUNCATED),
    "round": ("Round", "self"),
    "trunc fix": TRUNCATED,
}
"""Functions that give whole numbers as they are."""

COMPARISONS: dict[str, Expression] = {
    "eq": ("Equal", "self", "other"),
    "ne not_equal": ("Not", ("Equal", "self", "other")),
    "lt less": ("Less", "self", "other"),
    "le less_equal": ("LessOrEqual", "self", "other"),
    "gt greater": ("Greater", "self", "other"),
    "ge greater_equal": ("GreaterOrEqual", "self", "other"),
}

TESTS: dict[str, Expression] = {
    "isnan": ("IsNaN", "self"),
    "isinf": ("IsInf", "self"),
    "isposinf": ("IsInf", "self", (("detect_negative", 0),)),
    "isneginf": ("IsInf", "self", (("detect_positive", 0),)),
    "isfinite": ("And", ("Not", ("IsInf", "self")), ("Not", ("IsNaN", "self"))),
    "signbit": ("Less", "self", 0.0),
}

LOGIC: dict[str, Expression] = {
    "logical_and": ("And", "self", "other"),
    "logical_or": ("Or", "self", "other"),
    "logical_xor": ("Xor", "self", "other"),
    "logical_not": ("Not", "self"),
}

BINARY: dict[str, Expression] = {
    "mul multiply": ("Mul", "self", "other"),
    "maximum fmax max.other": ("Max", "self", "other"),
    "minimum fmin min.other": ("Min", "self", "other"),
    "bitwise_and __and__": ("BitwiseAnd", "self", "other"),
    "bitwise_or __or__": ("BitwiseOr", "self", "other"),
    "bitwise_xor __xor__": ("BitwiseXor", "self", "other"),
    "bitwise_not": ("BitwiseNot", "self"),
    "fmod": ("Mod", "self", "other", (("fmod", 1),)),
    "hypot": ("Sqrt", ("Add", ("Mul", "self", "self"), ("Mul", "other", "other"))),
    "ldexp": ("Mul", "self", ("Pow", 2.0, "other")),
    "logaddexp": ("Log", ("Add", ("Exp", "self"), ("Exp", "other"))),
    "logaddexp2": ("Div", ("Log", ("Add", ("Pow", 2.0, "self"), ("Pow", 2.0, "other"))), math.log(2)),
    "pow float_power": ("Pow", "self", "exponent"),
    "xlogy special_xlogy": ("Where", ("Equal", "self", 0.0), 0.0, ("Mul", "self", ("Log", "other"))),
    "special_xlog1py": ("Where", ("Equal", "self", 0.0), 0.0, ("Mul", "self", ("Log", ("Add", "other", 1.0)))),
    "masked_fill": ("Where", "mask", "value", "self"),
    "where.self where.ScalarOther where.ScalarSelf where.Scalar": ("Where", "condition", "self", "other"),
    "lerp": ("Add", "self", ("Mul", "weight", ("Sub", "end", "self"))),
}
"""Operators that compute in the type of their result."""

BOOLEAN_OPERANDS = ("mask", "condition")

ALIASES = {
    "arctan2": "atan2",
    "special_digamma": "digamma",
    "special_erfinv": "erfinv",
    "special_gammainc": "igamma",
    "special_gammaincc": "igammac",
    "special_gammaln": "lgamma",
    "special_i0": "i0",
    "special_multigammaln": "mvlgamma",
    "special_polygamma": "polygamma",
    "special_psi": "digamma",
    "special_sinc": "sinc",
}
"""Further names of ATen for functions without a formula in ONNX's operators."""


def operand_names(expression: Expression) -> tuple[str, ...]:
    """The operands that a formula names, each once."""
    if isinstance(expression, str):
        return (expression,)
    if not isinstance(expression, tuple) or isinstance(expression[0], tuple):
        return ()
    return tuple(dict.fromkeys([name for item in expression[1:] for name in operand_names(item) if name]))


def read_operands(call: CallSite, names: Iterable[str], dtype: DType) -> dict[str, str]:
    """Names of arguments -> their values, in this element type; masks in booleans."""
    return {name: read_operand(call, name, DType.BOOL if name in BOOLEAN_OPERANDS else dtype) for name in names}


def compute(call: CallSite, expression: Expression, dtype: DType | None = None) -> None:
    """Adds a formula over the call's arguments as its output, computed in the type of the output unless another is
    given."""
    dtype = call.out_type().dtype if dtype is None else dtype
    operands = read_operands(call, operand_names(expression), dtype)
    ExpressionNodes(call, operands, dtype).output(expression)


def _float_type(call: CallSite) -> DType:
    own = call.type(call.tensor("self")).dtype
    return own if own.is_float else DType.FLOAT32


def _function(call: CallSite, expression: Expression) -> None:
    """A function; of complex numbers too where the result is real (a magnitude)."""
    own = call.type(call.tensor("self")).dtype
    compute(call, expression, own if own in COMPLEX else None)


def _rounding(call: CallSite, expression: Expression) -> None:
    compute(call, expression if call.out_type().dtype.is_float else "self")


def _comparison(call: CallSite, expression: Expression) -> None:
    compute(call, expression, promoted_type(call, "self", "other"))


def _test(call: CallSite, expression: Expression) -> None:
    compute(call, expression, _float_type(call))


def _logic(call: CallSite, expression: Expression) -> None:
    compute(call, expression, DType.BOOL)


def register_table(table: Mapping[str, Any], translate: Callable[[CallSite, Any], None]) -> None:
    """Registers each row of a table, names -> formula: translate(call, formula) translates its calls."""
    for names, row in table.items():
        for name in names.split():
            TRANSLATIONS[f"aten.{name}"] = _bind_row(translate, row)


def _bind_row(translate: Callable[[CallSite, Any], None], row: Any) -> Translation:
    return lambda call: translate(call, row)


for _table, _translate in (
    (FUNCTIONS, _function),
    (ROUNDINGS, _rounding),
    (COMPARISONS, _comparison),
    (TESTS, _test),
    (LOGIC, _logic),
    (BINARY, compute),
):
    register_table(_table, _translate)


def _own(call: CallSite, name: str) -> None:
    dtype = call.out_type().dtype
    names = [n for n in ("self", "other", "values") if n in call.arguments]
    emit_own(call, name, *read_operands(call, names, dtype).values())


register_table({name: name for name in (*ARITHMETIC, *SPECIAL_FUNCTIONS)} | ALIASES, _own)


@translates("add", "sub", "rsub", "subtract")
def sum_or_difference(call: CallSite) -> None:
    """self ± alpha · other; rsub gives other − alpha · self."""
    dtype = call.out_type().dtype
    operands = read_operands(call, ("self", "other"), dtype)
    left, right = ("other", "self") if call.operator == "rsub" else ("self", "other")
    scaled: Expression = right
    alpha = call.get("alpha", 1)
    if alpha != 1:
        number = call.get(right)
        if not has_tensor(call, right) and isinstance(number, (int, float)):
            scaled = number * alpha
        else:
            operands["alpha"] = read_operand(call, "alpha", dtype)
            scaled = ("Mul", right, "alpha")
    operator = "Add" if call.operator == "add" else "Sub"
    ExpressionNodes(call, operands, dtype).output((operator, left, scaled))


QUOTIENT = ("Div", "self", "other")

QUOTIENTS: dict[tuple[str, bool], Expression] = {
    ("floor", True): ("Floor", QUOTIENT),
    ("trunc", True): ("Mul", ("Sign", QUOTIENT), ("Floor", ("Abs", QUOTIENT))),
    ("floor", False): ("Div", ("Sub", "self", ("Mod", "self", "other")), "other"),
    ("trunc", False): QUOTIENT,
}
"""(rounding, whether the numbers are decimal) -> formula. ONNX's division of whole numbers truncates, its Mod has the
divisor's sign."""


@translates("div", "divide", "true_divide", "floor_divide")
def quotient(call: CallSite) -> None:
    """self / other, rounded down or towards 0 where the call says so."""
    mode = call.get("rounding_mode", "floor" if call.operator == "floor_divide" else "")
    if not mode:
        compute(call, QUOTIENT)
        return
    dtype = call.out_type().dtype
    expression = QUOTIENTS.get((mode, dtype.is_float))
    if expression is None:
        raise LoadError(f"rounding_mode of {call.target} is {mode!r}", "PyTorch knows floor and trunc")
    compute(call, QUOTIENT if mode == "floor" and str(dtype).startswith("uint") else expression)


@translates("remainder")
def remainder(call: CallSite) -> None:
    """self − ⌊self / other⌋ · other; of whole numbers ONNX's Mod."""
    if call.out_type().dtype.is_float:
        compute(call, ("Sub", "self", ("Mul", ("Floor", QUOTIENT), "other")))
    else:
        compute(call, ("Mod", "self", "other"))


@translates("addcmul", "addcdiv")
def scaled_addition(call: CallSite) -> None:
    """self + value · tensor1 · tensor2, or · tensor1 / tensor2; a value of 1 multiplies nothing."""
    operator = "Mul" if call.operator == "addcmul" else "Div"
    product: Expression = (operator, "tensor1", "tensor2")
    if call.get("value", 1) != 1:
        product = ("Mul", product, "value")
    compute(call, ("Add", "self", product))


@translates("round.decimals")
def round_decimals(call: CallSite) -> None:
    """Rounded to `decimals` places: scaled by a power of ten, rounded, scaled back."""
    scale = 10.0 ** call.integer("decimals", 0)
    compute(call, ("Div", ("Round", ("Mul", "self", scale)), scale))


@translates("clamp", "clip", "clamp_min", "clamp_max", "hardtanh", "relu6")
def clamp(call: CallSite) -> None:
    """A Clip where the limits are numbers; Max and Min where they are tensors."""
    dtype = call.out_type().dtype
    x = cast(call, call.tensor("self"), dtype)
    low_name, high_name = ("min_val", "max_val") if call.operator == "hardtanh" else ("min", "max")
    defaults = {"hardtanh": (-1, 1), "relu6": (0, 6)}.get(call.operator, (None, None))
    limits = []
    for name, default in zip((low_name, high_name), defaults, strict=True):
        given = has_tensor(call, name) or call.get(name, default) is not None
        limits.append(read_operand(call, name, dtype, default) if given else "")
    low, high = limits
    nodes = ExpressionNodes(call, {"self": x, "low": low, "high": high}, dtype)
    if has_tensor(call, low_name) or has_tensor(call, high_name):
        expression: Expression = ("Max", "self", "low") if low else "self"
        nodes.output(("Min", expression, "high") if high else expression)
    else:
        nodes.output(("Clip", "self", "low" if low else "", *(["high"] if high else [])))


@translates("nan_to_num")
def nan_to_num(call: CallSite) -> None:
    """NaN and the infinities replaced by numbers, by 0 and the largest ones unless the call names others."""
    dtype = call.out_type().dtype
    if not dtype.is_float:
        compute(call, "self")
        return
    largest = _LARGEST.get(dtype, 3.4028234663852886e38)
    expression: Expression = ("Where", ("IsNaN", "self"), call.get("nan", 0.0), "self")
    for name, direction, default in (("posinf", "negative", largest), ("neginf", "positive", -largest)):
        test = ("IsInf", "self", ((f"detect_{direction}", 0),))
        expression = ("Where", test, call.get(name, default), expression)
    compute(call, expression)


_LARGEST = {DType.FLOAT16: 65504.0, DType.FLOAT64: 1.7976931348623157e308, DType.BFLOAT16: 3.3895313892515355e38}


@translates("bitwise_left_shift", "__lshift__", "bitwise_right_shift", "__rshift__")
def shift(call: CallSite) -> None:
    """self · 2ⁿ, or ⌊self / 2ⁿ⌋. ONNX shifts numbers without a sign: to the left that gives the same bits."""
    dtype, is_left = call.out_type().dtype, call.operator in ("bitwise_left_shift", "__lshift__")
    if str(dtype).startswith("uint"):
        compute(call, ("BitShift", "self", "other", (("direction", "LEFT" if is_left else "RIGHT"),)))
    elif is_left:
        compute(call, ("BitShift", "self", "other", (("direction", "LEFT"),)), DTYPES[f"u{dtype}"])
    else:
        emit_own(call, "bitwise_right_shift", *read_operands(call, ("self", "other"), dtype).values())


@translates("isclose")
def is_close(call: CallSite) -> None:
    """|self − other| ≤ atol + rtol · |other|."""
    limit = ("Add", call.number("atol", 1e-8), ("Mul", call.number("rtol", 1e-5), ("Abs", "other")))
    compute(call, ("LessOrEqual", ("Abs", ("Sub", "self", "other")), limit), promoted_type(call, "self", "other"))


@translates("isin")
def is_in(call: CallSite) -> None:
    """Whether each element is one of several."""
    inputs = [read_operand(call, n, call.type(call.tensor_inputs()[0]).dtype) for n in call.arguments if "element" in n]
    emit_own(call, "isin", *inputs)


@translates("where.default")
def places(call: CallSite) -> None:
    """The places of the elements that are not 0, an output for each axis."""
    emit_own(call, "where", call.tensor("condition"))
