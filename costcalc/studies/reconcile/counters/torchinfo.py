"""Call to the terms that torchinfo 1.8.0 counts: every leaf module's parameters called weight and bias, times an extent
of its output.

A convolution's parameters, bias included, times its output positions. Every other module's times the first extent of
its output only: a linear layer over 197 tokens counts as one over a single token, a normalisation and an embedding as
their parameters. What is no leaf module is nothing: functions, layer scales, nn.MultiheadAttention.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import (
    BIAS_TERM,
    OUTPUTS_FACTOR,
    Counter,
    Term,
    bias_term,
    count_term,
    mac_terms,
)
from costcalc.studies.reconcile.call import KIND_NAMES, ModuleCall

LEARNED_KINDS = frozenset(("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "embedding", "prelu"))


def count(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms that torchinfo counts of it."""
    name = KIND_NAMES[call.kind]
    if call.form not in ("module", "own"):
        return
    if call.kind == "conv":
        yield from mac_terms(call)
        yield from bias_term(call)
    elif call.kind == "conv_transpose":
        positions = call.output_elements // (call.size("filters") * call.size("group"))
        yield from count_term(name, call.weight * positions, factor="#weights × #output positions")
        yield from count_term(BIAS_TERM, call.bias * positions, factor=OUTPUTS_FACTOR)
    elif call.kind == "linear":
        yield from count_term(name, call.batch * call.weight, factor="#batch × #weights")
        yield from count_term(BIAS_TERM, call.batch * call.bias, factor="#batch × #biases")
    elif call.kind in LEARNED_KINDS:
        yield from count_term(name, call.batch * (call.weight + call.bias), factor="#batch × #params")
    elif call.kind == "recurrent":
        yield from count_term(name, call.size("steps") * call.weight, factor="#steps × #weights")
        yield from count_term(BIAS_TERM, call.size("steps") * call.bias, factor="#steps × #biases")


TORCHINFO = Counter(
    "torchinfo",
    "1.8.0",
    "mult-adds",
    count,
    ("a linear layer counts once for each image, not for each position or token",),
)
