"""What each operator does: shape, value, cost and gradient rules and traits, one family a file.

A family registers its rules when it is imported: COMMON_FAMILIES with this package, TFLITE_FAMILIES with a `.tflite`
file, the others when an operator is met that these do not know (importing them takes some 40 ms).
"""

from functools import cache
from importlib import import_module

COMMON_FAMILIES = (
    "activation",
    "conv",
    "elementwise",
    "matmul",
    "norm",
    "pool",
    "reshape",
    "softmax",
)

TFLITE_FAMILIES = (
    "tflite.arrangement",
    "tflite.control",
    "tflite.convolution",
    "tflite.counterparts",
    "tflite.custom",
    "tflite.filter",
    "tflite.numeric",
    "tflite.product",
    "tflite.recurrent",
    "tflite.segment",
    "tflite.selection",
    "tflite.signal",
    "tflite.stablehlo",
    "tflite.stablehlo_window",
)

OTHER_FAMILIES = (
    "aten.elementwise",
    "aten.image",
    "aten.indexing",
    "aten.linear_algebra",
    "aten.product",
    "attention",
    "contrib.activation",
    "contrib.attention",
    "contrib.attention_lstm",
    "contrib.conv",
    "contrib.fused_matmul",
    "contrib.gates",
    "contrib.grouped_query",
    "contrib.image",
    "contrib.internal_nhwc",
    "contrib.language_model",
    "contrib.matmul",
    "contrib.mixes",
    "contrib.moe",
    "contrib.multi_head",
    "contrib.nchwc",
    "contrib.norm",
    "contrib.numeric",
    "contrib.ordered",
    "contrib.pool",
    "contrib.quantized",
    "contrib.quantized_matmul",
    "creation",
    "einsum",
    "indexing",
    "join_split",
    "layout",
    "linear_attention",
    "llm.latent_attention",
    "llm.causal_attention",
    "llm.causal_convolution",
    "llm.compressed_attention",
    "llm.diagonal_recurrence",
    "llm.grouped_linear_attention",
    "llm.hyper_connection",
    "llm.sparse_indexer",
    "ml.features",
    "ml.models",
    "optimizers",
    "quantize",
    "recurrent",
    "reduce",
    "resize",
    "retired",
    "sequence",
    "signal",
    "strings",
    *TFLITE_FAMILIES,
    "unary",
    "unknown",
    "vision",
)


ONNX_FAMILIES = tuple([family for family in (*COMMON_FAMILIES, *OTHER_FAMILIES) if "." not in family])
"""Those of ONNX's own domain. The others change nothing of them; they add what some exporters write into it."""


@cache
def load_families(families: tuple[str, ...] = COMMON_FAMILIES + OTHER_FAMILIES) -> None:
    """Registers the rules of families, of all unless named; once, for every operator without a rule asks."""
    for family in families:
        import_module(f"costcalc.ops.{family}")


load_families(COMMON_FAMILIES)
