"""An operator -> what its reference kernel allocates: persistent buffers and scratch buffers, in bytes.

The rules are those of `Init` and `Prepare` in tensorflow/lite/micro/kernels/*.cc, and of the parsers of options in
tensorflow/lite/core/api/flatbuffer_conversions.cc. An operator that is not among them has no figure: it is not counted
as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Union

from costcalc.analysis.memory.tflm.build import TflmBuild
from costcalc.core.flat_model import FlatOperator, FlatTensor

ELEMENT_BYTES = {
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 2),
    **dict.fromkeys(("float32", "int32", "uint32", "resource"), 4),
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 8),
    **dict.fromkeys(("int8", "uint8", "bool", "int4"), 1),
    "complex128": 16,
}
"""Bytes of an element in the arena (TfLiteTypeSizeOf of memory_helpers.cc: int4 is unpacked). Types that are not here
are none that the interpreter allocates."""

LUT_ENTRIES = 513
"""int16 entries of a look-up table of 16-bit inputs (LUTSize of kernels/internal/common.h)."""


def tensor_bytes(tensor: FlatTensor) -> int:
    """A tensor -> its bytes in the arena."""
    return tensor.elements * ELEMENT_BYTES[tensor.element]


class KernelMemory(NamedTuple):
    """What a kernel allocates, in order: persistent buffers of `init` and of `prepare`, and scratch buffers; bytes."""

    persistent: tuple[int, ...] = ()
    scratch: tuple[int, ...] = ()


class KernelCall(NamedTuple):
    """A call of an operator with its tensors (None of an absent one), for a build."""

    operator: FlatOperator
    inputs: Sequence[FlatTensor | None]
    outputs: Sequence[FlatTensor | None]
    build: TflmBuild

    def input(self, position: int) -> FlatTensor:
        """An input that the operator cannot do without. IndexError where it has none: the model is not run."""
        tensor = self.inputs[position]
        if tensor is None:
            raise IndexError(position)
        return tensor

    def output(self, position: int = 0) -> FlatTensor:
        """As input."""
        tensor = self.outputs[position]
        if tensor is None:
            raise IndexError(position)
        return tensor

    def sizes(self, *structures: str) -> tuple[int, ...]:
        """Structures -> their bytes in the build."""
        return tuple([self.build.size_of(structure) for structure in structures])

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The operator's attributes."""
        return self.operator.attributes


Kernel = Callable[[KernelCall], Union[KernelMemory, None]]
"""A call -> what its kernel allocates; None where the published code leaves that open."""

QUANTISED = ("int8", "int16")


def dims_bytes(tensor: FlatTensor) -> int:
    """A tensor -> the bytes of a TfLiteIntArray of its extents."""
    return 4 + 4 * len(tensor.shape)


def _structure(name: str) -> Kernel:
    return lambda call: KernelMemory(call.sizes(name))


def _nothing(call: KernelCall) -> KernelMemory:
    return KernelMemory()


def channel_multipliers(channels: int) -> tuple[int, int]:
    """The multiplier and the shift of each channel, 4 bytes each."""
    return 4 * channels, 4 * channels


def unpacked_filter(call: KernelCall) -> tuple[int, ...]:
    """The scratch buffer that a filter of int4 is unpacked into."""
    weights = call.input(1)
    return (weights.elements,) if weights.element == "int4" else ()


def _conv(call: KernelCall) -> KernelMemory:
    multipliers = channel_multipliers(call.input(1).shape[0])
    return KernelMemory((*call.sizes("OpDataConv"), *multipliers), unpacked_filter(call))


def _depthwise_conv(call: KernelCall) -> KernelMemory:
    multipliers = channel_multipliers(call.input(1).shape[3])
    return KernelMemory((*call.sizes("OpDataConv"), *multipliers), unpacked_filter(call))


def fully_connected_multipliers(call: KernelCall) -> tuple[int, ...]:
    """A quantised FULLY_CONNECTED whose filter has a scale for each channel has multipliers and shifts for each."""
    weights = call.input(1)
    is_quantised = call.input(0).element != "float32" and weights.scales > 1
    return channel_multipliers(weights.scales) if is_quantised and weights.zero_points else ()


def _fully_connected(call: KernelCall) -> KernelMemory:
    data = call.sizes("OpDataFullyConnected")
    return KernelMemory((*data, *fully_connected_multipliers(call)), unpacked_filter(call))


def _transpose_conv(call: KernelCall) -> KernelMemory:
    element, output = call.input(2).element, call.output()
    scratch = [output.elements * {"int8": 4, "int16": 8}[element]] if element in QUANTISED else []
    scratch += converted_bias(call)
    multipliers = channel_multipliers(call.input(1).shape[0])
    return KernelMemory((*call.sizes("OpDataTransposeConv"), *multipliers), tuple(scratch))


def converted_bias(call: KernelCall) -> list[int]:
    """The scratch buffer of int64 for a bias of int16 behind inputs of int16."""
    bias = call.inputs[3] if len(call.inputs) > 3 else None
    is_converted = bias is not None and call.input(2).element == "int16" == bias.element
    return [8 * bias.elements] if is_converted and bias is not None else []


def _softmax(call: KernelCall) -> KernelMemory:
    return KernelMemory((*call.sizes("SoftmaxParams"), *softmax_tables(call)))


def softmax_tables(call: KernelCall) -> tuple[int, ...]:
    """Two look-up tables where the input is int16."""
    return (2 * LUT_ENTRIES, 2 * LUT_ENTRIES) if call.input(0).element == "int16" else ()


def _mean_or_sum(call: KernelCall) -> KernelMemory:
    x, axes = call.input(0), call.input(1)
    sums = (4 * call.output().elements,) if x.element in QUANTISED else ()
    return KernelMemory(call.sizes("OpDataReduce"), (*sums, 4 * len(x.shape), 4 * axes.elements))


def _reduce(call: KernelCall) -> KernelMemory:
    return KernelMemory(call.sizes("OpDataReduce"), (4 * len(call.input(0).shape), 4 * call.input(1).elements))


def _add_n(call: KernelCall) -> KernelMemory:
    data = call.sizes("OpDataAddN") if call.output().element == "int8" else ()
    return KernelMemory(data, (call.build.pointer * len(call.inputs),))


def transposed_tensor(call: KernelCall, tensor: FlatTensor) -> tuple[int, ...]:
    """A persistent copy of an input of BATCH_MATMUL: its structure, its extents, its data."""
    return (*call.sizes("TfLiteEvalTensor"), dims_bytes(tensor), tensor_bytes(tensor))


def _batch_matmul(call: KernelCall) -> KernelMemory:
    left, right = call.input(0), call.input(1)
    persistent = call.sizes("OpDataBatchMatmul")
    if left.element in QUANTISED:
        persistent += call.sizes("QuantizationOpDataBatchMatmul")
    persistent += transposed_operands(call, left, right)
    return KernelMemory((*persistent, dims_bytes(call.output())))


def transposed_operands(call: KernelCall, left: FlatTensor, right: FlatTensor) -> tuple[int, ...]:
    """The left operand is transposed where the attribute says so, the right one where it does not."""
    copies = transposed_tensor(call, left) if call.attributes.get("adj_x") else ()
    return copies if call.attributes.get("adj_y") else (*copies, *transposed_tensor(call, right))


def _writable_dims(call: KernelCall) -> KernelMemory:
    return KernelMemory((dims_bytes(call.output()),))


def _embedding_lookup(call: KernelCall) -> KernelMemory:
    return KernelMemory((dims_bytes(call.output()), *call.sizes("OpDataEmbeddingLookup")))


def _assign_variable(call: KernelCall) -> KernelMemory:
    nbytes = call.build.size_of("OpDataAssignVariable")
    return KernelMemory((nbytes,) if nbytes else ())


def _of_int8(name: str) -> Kernel:
    return lambda call: KernelMemory(call.sizes(name) if call.input(0).element == "int8" else ())


def _mirror_pad(call: KernelCall) -> KernelMemory:
    return KernelMemory(call.sizes("OpDataMirrorPad"), (4 * len(call.input(0).shape),) * 2)


def _svdf(call: KernelCall) -> KernelMemory:
    return KernelMemory(call.sizes("OpDataSvdf"), svdf_scratch(call))


def svdf_scratch(call: KernelCall) -> tuple[int, ...]:
    """The sums of all filters and, quantised, those of all units, 4 bytes each."""
    x, filters = call.input(0), call.input(1).shape[0]
    sums = (4 * x.shape[0] * filters,)
    return (*sums, 4 * x.shape[0] * (filters // call.attributes.get("rank", 1))) if x.element == "int8" else sums


def _lstm(call: KernelCall) -> KernelMemory:
    return KernelMemory(call.sizes("OpDataLSTM"), lstm_scratch(call, 4))


def lstm_scratch(call: KernelCall, buffers: int) -> tuple[int, ...]:
    """Buffers of batch × state elements of the cell state's type; input 18 is the output state, 19 the cell state."""
    x, state, cell = call.input(0), call.input(18), call.input(19)
    batch = x.shape[1] if call.attributes.get("time_major") else x.shape[0]
    return (batch * state.shape[1] * ELEMENT_BYTES[cell.element],) * buffers


STRUCTURE_OF = {
    "ABS": "OpDataAbsRsqrt",
    "ADD": "OpDataAdd",
    "AVERAGE_POOL_2D": "OpDataPooling",
    "CALL_ONCE": "OpDataCallOnce",
    "CONCATENATION": "OpDataConcatenation",
    "DEQUANTIZE": "DequantizeOpData",
    "DIV": "OpDataDiv",
    "ELU": "OpDataElu",
    "HARD_SWISH": "HardSwishParams",
    "IF": "OpDataIf",
    "L2_NORMALIZATION": "L2NormalizationParams",
    "LEAKY_RELU": "LeakyReluOpData",
    "LOGISTIC": "OpDataLogistic",
    "MAX_POOL_2D": "OpDataPooling",
    "MUL": "OpDataMul",
    "PAD": "OpDataPad",
    "PADV2": "OpDataPad",
    "PRELU": "PreluParams",
    "QUANTIZE": "OpDataQuantizeReference",
    "RELU": "ReluOpData",
    "RELU6": "Relu6OpData",
    "RSQRT": "OpDataAbsRsqrt",
    "SELECT_V2": "OpDataSelect",
    "SPACE_TO_BATCH_ND": "SpaceToBatchParams",
    "SQUARED_DIFFERENCE": "OpDataSquaredDifference",
    "STRIDED_SLICE": "StridedSliceParams",
    "SUB": "OpDataSub",
    "TANH": "OpDataTanh",
    "VAR_HANDLE": "OpDataVarHandle",
    "WHILE": "OpDataWhile",
    **dict.fromkeys(("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"), "OpDataComparison"),
}
"""Operators whose kernel allocates one structure."""

_WITHOUT_MEMORY = """
ARG_MAX ARG_MIN BATCH_TO_SPACE_ND BROADCAST_ARGS BROADCAST_TO CAST CEIL COS DYNAMIC_UPDATE_SLICE EXP
EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR MAXIMUM MINIMUM NEG PACK READ_VARIABLE
RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND SHAPE SIN SLICE SPLIT SPLIT_V SQRT SQUARE SQUEEZE
TRANSPOSE UNPACK ZEROS_LIKE
"""

REFERENCE: dict[str, Kernel] = {
    **dict.fromkeys(_WITHOUT_MEMORY.split(), _nothing),
    **{operator: _structure(name) for operator, name in STRUCTURE_OF.items()},
    **dict.fromkeys(("DEPTH_TO_SPACE", "GATHER", "GATHER_ND", "L2_POOL_2D", "SPACE_TO_DEPTH"), _writable_dims),
    **dict.fromkeys(("MEAN", "SUM"), _mean_or_sum),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL"), _reduce),
    "ADD_N": _add_n,
    "ASSIGN_VARIABLE": _assign_variable,
    "BATCH_MATMUL": _batch_matmul,
    "CONV_2D": _conv,
    "CUMSUM": _of_int8("OpDataCumSum"),
    "DEPTHWISE_CONV_2D": _depthwise_conv,
    "EMBEDDING_LOOKUP": _embedding_lookup,
    "FULLY_CONNECTED": _fully_connected,
    "LOG_SOFTMAX": _of_int8("LogSoftmaxOpData"),
    "MIRROR_PAD": _mirror_pad,
    "SOFTMAX": _softmax,
    "SVDF": _svdf,
    "TRANSPOSE_CONV": _transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
"""Builtin operators of the interpreter -> the rule of their reference kernel."""

CUSTOM: dict[str, Kernel] = {"CIRCULAR_BUFFER": _structure("OpDataCircularBuffer")}
"""Custom operators of the interpreter with a figure."""

_REDUCER, _POOL = "TfLiteReducerParams", "TfLitePoolParams"

OPTIONS: dict[str, str] = {
    "ADD": "TfLiteAddParams",
    "ARG_MAX": "TfLiteArgMaxParams",
    "ARG_MIN": "TfLiteArgMinParams",
    "AVERAGE_POOL_2D": _POOL,
    "L2_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "BATCH_MATMUL": "TfLiteBatchMatMulParams",
    "CALL_ONCE": "TfLiteCallOnceParams",
    "CAST": "TfLiteCastParams",
    "CONCATENATION": "TfLiteConcatenationParams",
    "CONV_2D": "TfLiteConvParams",
    "CUMSUM": "TfLiteCumsumParams",
    "DEPTH_TO_SPACE": "TfLiteDepthToSpaceParams",
    "DEPTHWISE_CONV_2D": "TfLiteDepthwiseConvParams",
    "DIV": "TfLiteDivParams",
    "FULLY_CONNECTED": "TfLiteFullyConnectedParams",
    "GATHER": "TfLiteGatherParams",
    "IF": "TfLiteIfParams",
    "L2_NORMALIZATION": "TfLiteL2NormParams",
    "LEAKY_RELU": "TfLiteLeakyReluParams",
    "MIRROR_PAD": "TfLiteMirrorPaddingParams",
    "MUL": "TfLiteMulParams",
    "PACK": "TfLitePackParams",
    **dict.fromkeys(("MEAN", "REDUCE_ALL", "REDUCE_MAX", "REDUCE_MIN", "SUM"), _REDUCER),
    "RESHAPE": "TfLiteReshapeParams",
    "RESIZE_BILINEAR": "TfLiteResizeBilinearParams",
    "RESIZE_NEAREST_NEIGHBOR": "TfLiteResizeNearestNeighborParams",
    "SHAPE": "TfLiteShapeParams",
    "SOFTMAX": "TfLiteSoftmaxParams",
    "SPACE_TO_DEPTH": "TfLiteSpaceToDepthParams",
    "SPLIT": "TfLiteSplitParams",
    "SPLIT_V": "TfLiteSplitVParams",
    "SQUEEZE": "TfLiteSqueezeParams",
    "SUB": "TfLiteSubParams",
    "STRIDED_SLICE": "TfLiteStridedSliceParams",
    "SVDF": "TfLiteSVDFParams",
    "UNPACK": "TfLiteUnpackParams",
    "TRANSPOSE_CONV": "TfLiteTransposeConvParams",
    "VAR_HANDLE": "TfLiteVarHandleParams",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "TfLiteUnidirectionalSequenceLSTMParams",
    "WHILE": "TfLiteWhileParams",
}
"""Operators -> the structure that their options are parsed into; the options of the others are not kept."""
