"""The operators' rules, one family a file. A family registers its rules when it is imported: the common ones with this
package, the others when an operator is met that the common ones do not know (they take some 40 ms)."""

from functools import cache
from importlib import import_module

COMMON = (
    "activation",
    "control",
    "conv",
    "elementwise",
    "matmul",
    "norm",
    "pool",
    "reshape",
    "softmax",
)

OTHERS = (
    "attention",
    "cast",
    "compare",
    "cumulative",
    "einsum",
    "gather",
    "generate",
    "layout",
    "linear_algebra",
    "linear_attention",
    "ml",
    "ml_features",
    "ml_trees",
    "movement",
    "ms_attention",
    "ms_conv",
    "ms_grouped",
    "ms_heads",
    "ms_matmul",
    "ms_moe",
    "ms_norm",
    "ms_numeric",
    "ms_other",
    "ms_packed",
    "ms_packed_weights",
    "ms_pointwise",
    "ms_pool",
    "ms_quant",
    "ms_quant_joins",
    "ms_quant_matmul",
    "norm_fixed",
    "optimiser",
    "quant",
    "quant_products",
    "recurrent",
    "reduce",
    "resize",
    "select",
    "sequence",
    "signal",
    "slicing",
    "text",
    "unary",
    "vision",
)


@cache
def load(families: tuple[str, ...] = COMMON + OTHERS) -> None:
    """Registers the rules of families, of all unless named; once, for every operator without a rule asks."""
    for family in families:
        import_module(f"costcalc.ops.{family}")


load(COMMON)
