"""What each operator does: shape, value, cost and gradient rules and traits, one family a file.

A family registers its rules when it is imported: COMMON_FAMILIES with this package, TFLITE_FAMILIES with a `.tflite`
file, the others one after another when an operator is met that these do not know (importing all takes some 40 ms). All
rules of an operator stand in one family, but those of TFLITE_FAMILIES.
"""

from functools import cache
from importlib import import_module

from costcalc.core.registry import SHAPE_RULES

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
    "indexing",
    "join_split",
    "layout",
    "unary",
    "reduce",
    "attention",
    "contrib.moe",
    "aten.elementwise",
    "aten.image",
    "aten.indexing",
    "aten.linear_algebra",
    "aten.product",
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
    "resize",
    "retired",
    "sequence",
    "signal",
    "strings",
    *TFLITE_FAMILIES,
    "unknown",
    "vision",
)
"""In the order in which they are asked for an operator: the most frequent first."""

FOLDERS = {"com.microsoft": "contrib", "aten": "aten", "ai.onnx.ml": "ml", "costcalc.llm": "llm"}
"""The folder with most families of a domain; that of a domain which is not here is this one."""


@cache
def load_families(families: tuple[str, ...] = COMMON_FAMILIES + OTHER_FAMILIES) -> None:
    """Registers the rules of families, of all unless named; once, for every operator without a rule asks."""
    for family in families:
        import_module(f"costcalc.ops.{family}")


@cache
def load_operator(domain: str, op_type: str) -> None:
    """Registers the rules of families until one has the operator's shape rule: those in its domain's folder first, all
    where none has it."""
    if domain == "tflite":
        load_families(TFLITE_FAMILIES)
    folder = FOLDERS.get(domain, "")
    for family in sorted(OTHER_FAMILIES, key=lambda family: family.rpartition(".")[0] != folder):
        import_module(f"costcalc.ops.{family}")
        if (domain, op_type) in SHAPE_RULES:
            return


load_families(COMMON_FAMILIES)
