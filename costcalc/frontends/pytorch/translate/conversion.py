"""Casts, copies and complex numbers: ATen's calls -> ONNX nodes.

A copy of a value that has another place in memory, another layout or no gradient is the value.
"""

from __future__ import annotations

from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.creation import emit_filled
from costcalc.frontends.pytorch.translate.elementwise import compute
from costcalc.frontends.pytorch.translate.operand import COMPLEX, cast, emit_cast, emit_own, has_tensor


@translates(
    "_conj",
    "_neg_view",
    "alias",
    "alias_copy",
    "clone",
    "conj",
    "contiguous",
    "detach",
    "detach_copy",
    "lift",
    "lift_fresh",
    "lift_fresh_copy",
    "pin_memory",
    "positive",
    "resolve_conj",
    "resolve_neg",
)
def identity(call: CallSite) -> None:
    """The input; a conjugate or a negative that is a view is computed by the operator that reads it."""
    call.alias(call.tensor("self"))


@translates(
    "to",
    "_to_copy",
    "type_as",
    "_cast_Float",
    "_cast_Half",
    "_cast_Double",
    "_cast_Int",
    "_cast_Long",
    "_cast_Byte",
    "_cast_Char",
    "_cast_Short",
)
def conversion(call: CallSite) -> None:
    """The input in the element type of the output: a Cast where that is another one."""
    compute(call, "self", call.type(call.tensor("self")).dtype)


@translates("copy")
def copy(call: CallSite) -> None:
    """What is copied, in the shape and the element type of what it is written over."""
    source = call.tensor("src" if "src" in call.arguments else "other")
    _expand(call, source)


def _expand(call: CallSite, source: str) -> None:
    out = call.out_type()
    if call.type(source).shape == out.shape:
        if call.type(source).dtype is out.dtype:
            call.alias(source)
        else:
            emit_cast(call, source, out.dtype)
        return
    source = cast(call, source, out.dtype)
    call.emit("Expand", [source, call.constant(out.shape or (), "shape")])


@translates("fill", "zero")
def fill(call: CallSite) -> None:
    """The input's shape, filled with one number."""
    if has_tensor(call, "value"):
        _expand(call, call.tensor("value"))
    else:
        emit_filled(call, call.get("value", 0))


@translates("view_as_complex", "view_as_complex_copy", "view_as_real", "view_as_real_copy", "imag")
def complex_view(call: CallSite) -> None:
    """Pairs of numbers as complex numbers, these as pairs, or one part of them: the same memory."""
    emit_own(call, call.operator.removesuffix("_copy"), call.tensor("self"))


@translates("real")
def real_part(call: CallSite) -> None:
    """The real part of complex numbers; a real number itself."""
    x = call.tensor("self")
    if call.type(x).dtype in COMPLEX:
        emit_own(call, "real", x)
    else:
        call.alias(x)


@translates("complex", "polar")
def complex_parts(call: CallSite) -> None:
    """Complex numbers from their real and imaginary parts, or from magnitudes and angles."""
    emit_own(call, call.operator, *call.tensor_inputs())


@translates("angle")
def angle(call: CallSite) -> None:
    """The angle of complex numbers; of real ones 0 or π by their signs."""
    x = call.tensor("self")
    if call.type(x).dtype in COMPLEX:
        emit_own(call, "complex_angle", x)
    else:
        compute(call, ("Where", ("Less", "self", 0.0), 3.141592653589793, 0.0))


@translates("conj_physical", "_conj_physical")
def conjugate(call: CallSite) -> None:
    """The conjugate, written to memory: the sign of each imaginary part changes."""
    x = call.tensor("self")
    if call.type(x).dtype in COMPLEX:
        emit_own(call, "conjugate", x)
    else:
        call.alias(x)
