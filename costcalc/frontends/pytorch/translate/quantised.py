"""The dialects of quantised programs (quantized_decomposed, torchao, PT2E): calls -> ONNX nodes."""

from __future__ import annotations

from costcalc.core.errors import LoadError
from costcalc.core.ir import DType, TensorType
from costcalc.frontends.pytorch.program import REMEDY
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import emit_cast, emit_own
from costcalc.ops.aten import ATEN

DIALECTS = ("quantized_decomposed::", "torchao::", "pt2e::", "pt2e_quant::")

GRANULARITIES = ("per_tensor", "per_channel", "per_token", "per_channel_group", "affine")


def _names(*operators: str) -> list[str]:
    return [f"{dialect}{operator}" for dialect in DIALECTS for operator in operators]


@translates(
    *_names(*(f"quantize_{granularity}" for granularity in GRANULARITIES)),
    *_names("quantize_affine_no_zero_point", "quantize_affine_float8"),
    "quantize_per_tensor",
    "quantize_per_channel",
)
def quantize(call: CallSite) -> None:
    """Floats, a scale and a zero point -> integers: one of each; one per channel, row or block."""
    _add_conversion(call, "QuantizeLinear", call.out_type())


@translates(
    *_names(*(f"dequantize_{granularity}" for granularity in GRANULARITIES)),
    *_names("dequantize_affine_no_zero_point", "dequantize_affine_float8"),
)
def dequantize(call: CallSite) -> None:
    """Integers, a scale and a zero point -> floats."""
    _add_conversion(call, "DequantizeLinear", call.out_type())


def _add_conversion(call: CallSite, op_type: str, out: TensorType) -> None:
    x = call.optional_tensor("input") or call.tensor("self")
    if not call.type(x).dtype.is_float and op_type == "QuantizeLinear":
        raise LoadError(f"{call.target} quantises {call.type(x).dtype}", "give it floats")
    stored = (out if op_type == "QuantizeLinear" else call.type(x)).dtype
    scale = _tensor_or_constant(call, ("scale", "scales"), DType.FLOAT32)
    zero_point = _tensor_or_constant(call, ("zero_point", "zero_points"), stored)
    attributes = {"axis": call.axis("axis", x)} if "axis" in call.arguments else {}
    if "group_size" in call.arguments:
        attributes = {"axis": len(call.shape(x)) - 1, "block_size": call.integer("group_size")}
    inputs = (x, scale, zero_point) if zero_point else (x, scale)
    call.emit(op_type, inputs, attributes, types=[out])


def _tensor_or_constant(call: CallSite, names: tuple[str, ...], dtype: DType) -> str:
    """The tensor of the first name that the call has, a number as a constant; "" where it has none."""
    for name in names:
        value = call.arguments.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return call.constant((value,), name, dtype, True)
        if value is not None:
            return call.tensor(name)
    return ""


@translates(
    *_names(
        "choose_qparams",
        "choose_qparams_symmetric",
        "choose_qparams_per_token",
        "choose_qparams_per_token_asymmetric",
        "_choose_qparams_per_token_asymmetric_impl",
        "choose_qparams_affine",
        "choose_qparams_affine_with_min_max",
    )
)
def choose_parameters(call: CallSite) -> None:
    """Floats -> a scale and a zero point, from the smallest and the largest of all, of each row or block."""
    outputs = tuple(filter(None, call.outputs))
    x = call.optional_tensor("input") or call.operands(1)[0]
    call.emit("choose_qparams", (x,), outputs=outputs, domain=ATEN, types=call.out_types(outputs))


@translates(
    *_names("fake_quant_per_channel", "fake_quantize_affine"),
    "fake_quantize_per_tensor_affine",
    "fake_quantize_per_channel_affine",
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
    "fake_quantize_per_tensor_affine_cachemask",
    "fake_quantize_per_channel_affine_cachemask",
)
def fake_quantize(call: CallSite) -> None:
    """Floats, quantised and dequantised at once; and which of them the range holds."""
    outputs = tuple(filter(None, call.outputs))
    call.emit("fake_quantize", call.tensor_inputs(), outputs=outputs, domain=ATEN, types=call.out_types(outputs))


@translates(*_names("convert_element_type"))
def convert(call: CallSite) -> None:
    """A conversion to another element type."""
    x = call.tensor("input")
    if call.type(x).dtype is call.out_type().dtype:
        call.alias(x)
    else:
        emit_cast(call, x, call.out_type().dtype)


@translates("_int_mm")
def int_mm(call: CallSite) -> None:
    """A product of integer matrices, in int32."""
    call.emit("MatMulInteger", (call.tensor("self"), call.tensor("mat2")))


@translates("_scaled_mm")
def scaled_mm(call: CallSite) -> None:
    """A product of float8 matrices, with a scale for each, of the whole or of each row or column."""
    inputs = [call.tensor(name) for name in ("self", "mat2", "scale_a", "scale_b")]
    bias = call.optional_tensor("bias")
    emit_own(call, "scaled_mm", *inputs, *([bias] if bias else []))


@translates("_weight_int8pack_mm")
def int8_mm(call: CallSite) -> None:
    """x [M, K] · weight [N, K] in int8, with a scale for each column of the result."""
    inputs = [call.tensor(name) for name in ("self", "mat2", "scales")]
    emit_own(call, "weight_int8pack_mm", *inputs)


@translates("_weight_int4pack_mm", "_weight_int4pack_mm_for_cpu", "_weight_int4pack_mm_with_scales_and_zeros")
def int4_mm(call: CallSite) -> None:
    """x [M, K] · weight [N, K] in 4 bits, with a scale and a zero point for each group of a row."""
    x, weight = call.tensor("self"), call.tensor("mat2")
    scale, zeros = call.optional_tensor("qScale"), call.optional_tensor("qZeros")
    scale = scale or call.tensor("qScaleAndZeros")
    shape = call.out_shape()
    if not shape or not call.shape(x):
        raise LoadError(f"{call.target} multiplies scalars", REMEDY)
    k = call.extent(x, -1)
    attributes = {"K": k, "N": shape[-1], "bits": 4, "block_size": call.integer("qGroupSize")}
    inputs = (x, weight, scale, zeros or scale)
    call.emit("MatMulNBits", inputs, attributes, domain="com.microsoft", types=[call.out_type()])


@translates("_dyn_quant_matmul_4bit")
def dynamic_int4_mm(call: CallSite) -> None:
    """x [..., K], quantised by row as it comes · weight [N, K] in 4 bits, packed with its scales."""
    x, weight = call.tensor("inp"), call.tensor("packed_weights")
    k, n = call.integer("in_features"), call.integer("out_features")
    emit_own(call, "dynamic_int4_mm", x, weight, attributes={"K": k, "N": n})
