"""torchinfo 1.8.0: every leaf module's parameters called weight and bias, times what its output tells.

A convolution's parameters, bias included, times its output positions. Every other module's times the first extent of
its output only: a linear layer over 197 tokens counts as one over a single token, a normalisation and an embedding as
their parameters. What is no leaf module is nothing: functions, layer scales, nn.MultiheadAttention.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import BIAS, OUTPUTS, Part, Tool, bias, counted, macs
from costcalc.studies.reconcile.call import WORDS, Call

LEARNED = frozenset(("batch_norm", "layer_norm", "group_norm", "instance_norm", "embedding", "prelu"))


def rule(call: Call) -> Iterator[Part]:
    """What torchinfo counts of a call."""
    name = WORDS[call.kind]
    if call.form not in ("module", "own"):
        return
    if call.kind == "conv":
        yield from macs(call)
        yield from bias(call)
    elif call.kind == "conv_transpose":
        positions = call.gives // (call.size("filters") * call.size("group"))
        yield from counted(name, call.weight * positions, of="#weights × #output positions")
        yield from counted(BIAS, call.bias * positions, of=OUTPUTS)
    elif call.kind == "linear":
        yield from counted(name, call.batch * call.weight, of="#batch × #weights")
        yield from counted(BIAS, call.batch * call.bias, of="#batch × #biases")
    elif call.kind in LEARNED:
        yield from counted(name, call.batch * (call.weight + call.bias), of="#batch × #params")
    elif call.kind == "recurrent":
        yield from counted(name, call.size("steps") * call.weight, of="#steps × #weights")
        yield from counted(BIAS, call.size("steps") * call.bias, of="#steps × #biases")


TOOL = Tool(
    "torchinfo",
    "1.8.0",
    "mult-adds",
    rule,
    ("a linear layer counts once for each image, not for each position or token",),
)
