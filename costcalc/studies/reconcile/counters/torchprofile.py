"""torchprofile 0.1.0: operators of a traced graph.

Convolutions, matrix products and F.scaled_dot_product_attention without bias, one for each output of a normalisation
with learned scales, of an average pool, a mean and an elementwise product. It stops with an error at the fused operator
of nn.MultiheadAttention. An einsum is the product of all its indices' extents, of three operands too.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import OUTPUTS, Part, Tool, counted, macs, part_of
from costcalc.studies.reconcile.call import WORDS, Call

OUTPUT = frozenset(("avg_pool", "global_pool", "mean", "mul", "sizes", "leaky_relu"))

NORMALISATIONS = frozenset(("batch_norm", "layer_norm", "group_norm", "instance_norm"))


def rule(call: Call) -> Iterator[Part]:
    """What torchprofile counts of a call."""
    name = WORDS[call.kind]
    if call.kind == "einsum" or (call.has("combinations") and call.size("combinations") != call.macs.value):
        yield from counted(part_of(call), call.size("combinations"), of="#combinations of indices")
    elif call.kind in ("conv", "linear", "matmul", "contraction", "attention"):
        yield from macs(call)
    elif call.kind == "conv_transpose":
        square = call.size("channels") == call.size("filters")
        inputs = call.size("filters") if square else call.size("channels")
        yield from counted(name, call.gives * inputs * call.size("kernel"), of="#outputs × C_in × ∏kernel")
    elif call.kind in OUTPUT or (call.kind in NORMALISATIONS and call.weight != 0):
        yield from counted(name, call.gives, of=OUTPUTS)
    elif call.kind == "upsample" and call.also[0][0] == "bilinear2d":
        yield from counted(name, call.gives, 4, OUTPUTS)
    elif call.kind == "recurrent" and call.size("gates") == 4:
        yield from counted(name, call.size("steps") * call.weight, of="#steps × #weights")


def fails(call: Call) -> str:
    """Why torchprofile gives no figure."""
    inside = call.kind == "attention" and call.form == "module"
    return "it stops with an error at the fused operator of nn.MultiheadAttention" if inside else ""


TOOL = Tool("torchprofile", "0.1.0", "MACs", rule, fails=fails)
