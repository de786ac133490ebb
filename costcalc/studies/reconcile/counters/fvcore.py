"""fvcore 0.1.5 (post 20221221): operators of a traced graph, modules and functions alike.

Convolutions and every matrix product without bias, 2 for each element of a batch normalisation, 5 of the other
normalisations (with learned scales), one for each input of an adaptive average pool over maps. torch.einsum is half of
what numpy.einsum_path prints, in four digits, but for `abc,abd->acd` and `abc,adc->adb`. Not means, activations, other
pools, elementwise operations, nor the fused attention of nn.MultiheadAttention or F.scaled_dot_product_attention.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import OUTPUTS, Part, Tool, counted, macs
from costcalc.studies.reconcile.call import PLANE, WORDS, Call
from costcalc.studies.reconcile.call_sizes import ROUNDED, numpys

UPSAMPLE = {"nearest2d": 1, "bilinear2d": 4}
"""Operations for each output, of the operators in its table."""


def rule(call: Call) -> Iterator[Part]:
    """What fvcore counts of a call."""
    name = WORDS[call.kind]
    affine = call.weight != 0
    if call.form == "inside":
        return
    if call.kind in ("conv", "conv_transpose", "linear", "matmul", "contraction"):
        yield from macs(call)
        if call.has("plain") and not call.size("plain"):
            yield from counted(ROUNDED, numpys(call) // 2 - call.macs.value, of="half of what numpy prints - #MACs")
    elif call.kind == "einsum":
        yield from counted(name, numpys(call) // 2, of="#operations ÷ 2")
    elif call.kind == "batch_norm":
        yield from counted(name, call.reads, 2 if affine else 1)
    elif call.kind in ("layer_norm", "group_norm", "instance_norm"):
        yield from counted(name, call.reads, 5 if affine else 4)
    elif call.kind == "global_pool":
        yield from counted(name, call.reads if call.also == PLANE else 0)
    elif call.kind == "upsample":
        each = UPSAMPLE.get(call.also[0][0], 0)
        yield from counted(name, call.gives if each else 0, each, OUTPUTS)


TOOL = Tool(
    "fvcore",
    "0.1.5.post20221221",
    "flops",
    rule,
    ("it calls a multiply-accumulate a flop", "fused attention is nothing to it"),
)
