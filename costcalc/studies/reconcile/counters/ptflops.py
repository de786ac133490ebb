"""ptflops 0.7.5 with its pytorch backend: hooks on modules, and patched functions of torch.nn.functional.

A module that calls a patched function counts twice: nn.ReLU (the hook and F.relu), nn.GELU, nn.MaxPool2d and the
average pools, each one for each input. nn.SiLU has only the function, nn.ReLU6 only the hook. Convolutions and linear
layers count with their bias, nn.BatchNorm2d 2 and nn.LayerNorm 1 for each element. F.linear is not patched. The
products of nn.MultiheadAttention count, with its projections, the scaling of the queries, and one for each score.

ptflops 0.7.5 with its aten backend: the matrix products and convolutions that reach torch's dispatcher.

Convolutions and matrix products, one for each output of a layer with a bias. nn.MultiheadAttention is one operator
there in evaluation, F.scaled_dot_product_attention another, and so is an nn.LSTM on a CPU (nn.GRU and nn.RNN are made
of matrix products); none of these is in its table.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import BIAS, OUTPUTS, Part, Tool, bias, counted, macs
from costcalc.studies.reconcile.call import WORDS, Call

TWICE = frozenset(("relu", "prelu", "elu", "gelu", "max_pool", "avg_pool", "global_pool", "global_max_pool"))
"""Modules with a hook whose function is patched too."""

ONCE = frozenset(("relu6", "leaky_relu", "silu"))
"""A hook without a patched function, or the other way round."""

NORMALISATIONS = {"batch_norm": 2, "group_norm": 2, "layer_norm": 1, "instance_norm": 2}


def rule(call: Call) -> Iterator[Part]:
    """What ptflops' pytorch backend counts of a call."""
    name, module = WORDS[call.kind], call.form == "module"
    if call.kind in ("conv", "conv_transpose") or (call.kind == "linear" and call.form != "function"):
        yield from macs(call)
        yield from bias(call)
    elif call.kind == "matmul" and call.form == "function":
        yield from macs(call)
    elif call.kind == "attention" and module:
        yield from macs(call)
        yield from counted("attention's softmax", call.size("scores"), of="#scores")
        yield from counted("attention's scaling", call.reads, of="#queries")
    elif call.kind in TWICE:
        yield from counted(name, call.reads, 2 if module else 1)
    elif call.kind in ONCE or (call.kind == "softmax" and call.form in ("module", "function")):
        yield from counted(name, call.reads)
    elif call.kind in NORMALISATIONS and module:
        yield from counted(name, call.reads, NORMALISATIONS[call.kind])
    elif call.kind == "upsample":
        yield from counted(name, call.gives, 2, OUTPUTS)
    elif call.kind == "recurrent":
        yield from _recurrent(call)


def _recurrent(call: Call) -> Iterator[Part]:
    """Products and biases, and for each unit 1 (a simple cell), 7 (a GRU) or 10 (an LSTM) additions and products."""
    steps = call.size("steps")
    yield from counted(WORDS["recurrent"], steps * call.weight, of="#steps × #weights")
    yield from counted(BIAS, steps * call.bias, of="#steps × #biases")
    each = {4: 10, 3: 7, 1: 1}[call.size("gates")]  # type: ignore[index]
    yield from counted("cells", steps * call.size("directions") * call.size("hidden"), each, "#units")


TOOL = Tool(
    "ptflops_pytorch",
    "0.7.5",
    "MACs",
    rule,
    ("it runs a batch of 1", "a module that calls a patched function counts twice: its hook and the function"),
)


def aten_rule(call: Call) -> Iterator[Part]:
    """What ptflops' aten backend counts of a call."""
    if call.form == "inside":
        return
    if call.kind in ("conv", "conv_transpose", "linear", "matmul", "contraction"):
        yield from macs(call)
        yield from bias(call)
    elif call.kind == "recurrent" and call.size("gates") != 4:
        yield from counted(WORDS["recurrent"], call.size("steps") * call.weight, of="#steps × #weights")
        yield from counted(BIAS, call.size("steps") * call.bias, of="#steps × #biases")


ATEN_TOOL = Tool("ptflops_aten", "0.7.5", "MACs", aten_rule, ("it runs a batch of 1",))
