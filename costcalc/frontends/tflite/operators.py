"""TensorFlow Lite's builtin operators and the tables of their options -> names, and attributes of a node.

Names, numbers and fields are those of the schema (schema.fbs of LiteRT, version 3). Attributes have ONNX's names and
forms where ONNX has them (`strides`, `dilations`, `kernel_shape`, `auto_pad`, `axis`), else those of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import isfinite
from typing import Any

from costcalc.core.ir import DType
from costcalc.frontends.tflite.flatbuffer import FlatTable

_NAMES = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH
SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL
FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL
REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND
HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE
STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE
STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG
STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT
STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT
STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL
STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE
STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
"""

BUILTIN_OPERATORS: tuple[str, ...] = tuple(_NAMES.split())
"""The builtin operators in the order of their codes."""

CUSTOM = BUILTIN_OPERATORS.index("CUSTOM")

ELEMENT_TYPES: tuple[DType, ...] = (
    *(DType.FLOAT32, DType.FLOAT16, DType.INT32, DType.UINT8, DType.INT64, DType.STRING, DType.BOOL, DType.INT16),
    *(DType.COMPLEX64, DType.INT8, DType.FLOAT64, DType.COMPLEX128, DType.UINT64, DType.UNDEFINED, DType.UNDEFINED),
    *(DType.UINT32, DType.UINT16, DType.INT4, DType.BFLOAT16, DType.INT2, DType.UINT4, DType.FLOAT8E4M3FN),
    DType.FLOAT8E5M2,
)
"""Element types in the order of their codes; a resource and a variant have none."""

ACTIVATIONS = ("", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
"""Fused activations in the order of their codes."""

_WINDOW = "padding:b stride_w:i stride_h:i"

_OPTIONS: Mapping[str, tuple[int, str]] = {
    "CONV_2D": (1, f"{_WINDOW} activation:b dilation_w:i=1 dilation_h:i=1"),
    "DEPTHWISE_CONV_2D": (2, f"{_WINDOW} depth_multiplier:i activation:b dilation_w:i=1 dilation_h:i=1"),
    **dict.fromkeys(
        ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"), (5, f"{_WINDOW} filter_w:i filter_h:i activation:b")
    ),
    "SVDF": (6, "rank:i activation:b"),
    "RNN": (7, "activation:b"),
    "FULLY_CONNECTED": (8, "activation:b weights_format:b keep_num_dims:?"),
    "SOFTMAX": (9, "beta:f"),
    "CONCATENATION": (10, "axis:i activation:b"),
    "ADD": (11, "activation:b"),
    "L2_NORMALIZATION": (12, "activation:b"),
    "LOCAL_RESPONSE_NORMALIZATION": (13, "radius:i bias:f alpha:f beta:f"),
    "LSTM": (14, "activation:b cell_clip:f proj_clip:f kernel_type:b"),
    "RESIZE_BILINEAR": (15, "- - align_corners:? half_pixel_centers:?"),
    "CALL": (16, "subgraph:I"),
    "RESHAPE": (17, "new_shape:[i"),
    "SPACE_TO_DEPTH": (19, "blocksize:i"),
    "EMBEDDING_LOOKUP_SPARSE": (20, "combiner:b"),
    "MUL": (21, "activation:b"),
    "GATHER": (23, "axis:i batch_dims:i"),
    **dict.fromkeys(
        ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL"), (27, "keepdims:?")
    ),
    "SUB": (28, "activation:b"),
    "DIV": (29, "activation:b"),
    "SQUEEZE": (30, "axes:[i"),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (31, "time_major:? activation:b"),
    "STRIDED_SLICE": (
        32,
        "begin_mask:i end_mask:i ellipsis_mask:i new_axis_mask:i shrink_axis_mask:i offset:?",
    ),
    "SPLIT": (35, "num_splits:i"),
    "CAST": (37, "- to:t"),
    "ARG_MAX": (40, "to:t"),
    "TRANSPOSE_CONV": (49, f"{_WINDOW} activation:b"),
    "SHAPE": (55, "to:t"),
    "ARG_MIN": (57, "to:t"),
    "FAKE_QUANT": (58, "min:f max:f num_bits:i"),
    "PACK": (59, "values_count:i axis:i"),
    "ONE_HOT": (61, "axis:i"),
    "UNPACK": (64, "num:i axis:i"),
    "BIDIRECTIONAL_SEQUENCE_LSTM": (69, "activation:b cell_clip:f proj_clip:f merge_outputs:? time_major:?=1"),
    "BIDIRECTIONAL_SEQUENCE_RNN": (70, "time_major:? activation:b merge_outputs:?"),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        71,
        "activation:b cell_clip:f proj_clip:f time_major:? - diagonal_recurrent_tensors:?",
    ),
    "RESIZE_NEAREST_NEIGHBOR": (74, "align_corners:? half_pixel_centers:?"),
    "LEAKY_RELU": (75, "alpha:f"),
    "MIRROR_PAD": (77, "mode:b"),
    "SPLIT_V": (79, "num_splits:i"),
    "UNIQUE": (80, "to:t=2"),
    "REVERSE_SEQUENCE": (87, "seq_dim:i batch_dim:i"),
    "IF": (92, "then_subgraph:i else_subgraph:i"),
    "WHILE": (93, "cond_subgraph:i body_subgraph:i"),
    "DEPTH_TO_SPACE": (94, "blocksize:i"),
    "BATCH_MATMUL": (101, "adj_x:? adj_y:?"),
    "CUMSUM": (102, "exclusive:? reverse:?"),
    "CALL_ONCE": (103, "init_subgraph:i"),
    **dict.fromkeys(
        ("CONV_3D", "CONV_3D_TRANSPOSE"),
        (
            106,
            "padding:b stride_d:i stride_w:i stride_h:i activation:b dilation_d:i=1 dilation_w:i=1 dilation_h:i=1",
        ),
    ),
    "VAR_HANDLE": (111, "container:s shared_name:s"),
    "BUCKETIZE": (115, "boundaries:[f"),
    "GELU": (116, "approximate:?"),
}
"""By operator: the number of its options' table among BuiltinOptions, and the fields of that in order, `name:code` with
a code of the struct module, `[` before that of a vector's items, `t` of an element type, `s` of text; `-` is a field
that is not read."""

_OPTIONS_2: Mapping[str, tuple[int, str]] = {
    "STABLEHLO_CONCATENATE": (1, "axis:q"),
    "STABLEHLO_BROADCAST_IN_DIM": (2, "broadcast_dimensions:[q"),
    "STABLEHLO_SLICE": (3, "starts:[q ends:[q steps:[q"),
    "STABLEHLO_CONVOLUTION": (
        4,
        "window_strides:[q pads:[q lhs_dilation:[q rhs_dilation:[q - input_batch:q - input_spatial:[q - "
        "kernel_output_feature:q kernel_spatial:[q output_batch:q output_feature:q output_spatial:[q - "
        "batch_group_count:q",
    ),
    "STABLEHLO_CUSTOM_CALL": (5, "call_target_name:s"),
    "STABLEHLO_REDUCE": (6, "dimensions:[q body:i"),
    "STABLEHLO_SCATTER": (7, "- - - - - - body:i"),
    "STABLEHLO_DYNAMIC_SLICE": (9, "slice_sizes:[q"),
    "STABLEHLO_PAD": (10, "edge_padding_low:[q edge_padding_high:[q interior_padding:[q"),
    "STABLEHLO_IOTA": (11, "iota_dimension:q"),
    "STABLEHLO_DOT_GENERAL": (
        12,
        "lhs_batching_dimensions:[q rhs_batching_dimensions:[q lhs_contracting_dimensions:[q "
        "rhs_contracting_dimensions:[q",
    ),
    "STABLEHLO_REDUCE_WINDOW": (
        13,
        "window_dimensions:[q window_strides:[q base_dilations:[q window_dilations:[q pads:[q body:i",
    ),
    "STABLEHLO_SORT": (14, "dimension:q"),
    "STABLEHLO_WHILE": (15, "cond_subgraph:i body_subgraph:i"),
    "STABLEHLO_GATHER": (
        16,
        "offset_dims:[q collapsed_slice_dims:[q start_index_map:[q index_vector_dim:q slice_sizes:[q",
    ),
    "STABLEHLO_TRANSPOSE": (17, "perm:[q"),
    "REDUCE_WINDOW": (20, "reduce_function:i"),
    "STABLEHLO_COMPOSITE": (21, "name:s subgraph:i"),
    "STABLEHLO_CASE": (23, "branch_subgraphs:[i"),
}
"""The same of BuiltinOptions2."""

MAX_ITEMS = 64
"""Items of the longest vector that becomes an attribute: an axis or two each."""


@cache
def _parse_fields(text: str) -> tuple[tuple[int, str, str, int], ...]:
    """Fields as text -> (position, name, code, default) of those that are read."""
    fields = []
    for position, field in enumerate(text.split()):
        name, _, code = field.partition(":")
        code, _, default = code.partition("=")
        if name != "-":
            fields.append((position, name, code, int(default or 0)))
    return tuple(fields)


def read_attributes(operator: str, call: FlatTable) -> dict[str, Any]:
    """An operator's name and its table in the file -> the attributes of its node. Options of another operator, or
    none, count as the defaults of its own, as in the interpreter. LoadError where they are damaged."""
    if operator in _OPTIONS:
        number, text = _OPTIONS[operator]
        kind, options = call.number(3, "B"), call.table(4)
    elif operator in _OPTIONS_2:
        number, text = _OPTIONS_2[operator]
        kind, options = call.number(11, "B"), call.table(12)
    else:
        return {}
    table = options if kind == number else None
    raw = {name: _read_field(table, position, code, d) for position, name, code, d in _parse_fields(text)}
    return _name_attributes(raw)


def _read_field(table: FlatTable | None, position: int, code: str, default: int) -> Any:
    """A field of a table; its default where there is no table."""
    if code.startswith("["):
        vector = table.vector(position, 8 if code == "[q" else 4) if table is not None else None
        if table is None or vector is None or vector.length > MAX_ITEMS:
            return ()
        return table.reals(position) if code == "[f" else table.numbers(position, code[1])
    if code == "s":
        return table.text(position) if table is not None else ""
    if code == "f":
        value = table.real(position) if table is not None else 0.0
        return value if isfinite(value) else 0.0
    number = table.number(position, "b" if code == "t" else code, default) if table is not None else default
    if code == "t":
        return ELEMENT_TYPES[number].code if 0 <= number < len(ELEMENT_TYPES) else 0
    return number


def _name_attributes(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Options by the schema's names -> attributes: extents along axes as one tuple, what does nothing left out."""
    attributes: dict[str, Any] = {}
    axes = "dhw" if "stride_d" in raw else "hw"
    for name, attribute in (("stride", "strides"), ("dilation", "dilations"), ("filter", "kernel_shape")):
        if f"{name}_h" in raw:
            extents = tuple([raw[f"{name}_{axis}"] for axis in axes])
            if attribute == "kernel_shape" or set(extents) != {1}:
                attributes[attribute] = extents
    for name, value in raw.items():
        if name == "padding":
            attributes["auto_pad"] = "VALID" if value == 1 else "SAME_UPPER"
        elif name == "activation":
            if value:
                attributes[name] = ACTIVATIONS[value] if 0 < value < len(ACTIVATIONS) else str(value)
        elif name[:-2] not in ("stride", "dilation", "filter") and (value not in (0, "", ()) or name in _ALWAYS):
            attributes[name] = value
    return attributes


_ALWAYS = frozenset(
    ("axis", "keepdims", "new_shape", "blocksize", "merge_outputs", "subgraph")
    + ("then_subgraph", "else_subgraph", "cond_subgraph", "body_subgraph", "branch_subgraphs")
)
"""Attributes that say something where they are 0 or empty, too."""
