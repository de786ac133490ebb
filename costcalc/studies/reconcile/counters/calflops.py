"""calflops 0.3.2: patched functions of torch.nn.functional; it gives multiply-accumulates and FLOPs.

MACs are convolutions, F.linear (which nn.Linear calls) and torch.matmul, without bias. FLOPs are twice those, one for
each output of a convolution with a bias (a linear layer's bias is left out), 2 for each element of a batch
normalisation, 5 of the other normalisations, one for each input of an activation, a softmax, a pool or an upsampling,
and what numpy.einsum_path prints of torch.einsum, in four digits. nn.ReLU6, the hard-swish and the sigmoids are not
patched, nor is the operator @, nor fused attention.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from costcalc.core.formula import Factor, Product
from costcalc.studies.reconcile.account import BIAS, Part, Tool, bias, counted, macs
from costcalc.studies.reconcile.call import WORDS, Call
from costcalc.studies.reconcile.call_sizes import ROUNDED, numpys

ACTIVATIONS = frozenset(("relu", "leaky_relu", "prelu", "elu", "silu", "gelu"))

POOLS = frozenset(("max_pool", "avg_pool", "global_pool", "global_max_pool"))

NORMALISATIONS = {"batch_norm": 2, "layer_norm": 5, "group_norm": 5, "instance_norm": 5}


def rule(call: Call) -> Iterator[Part]:
    """The MACs that calflops counts of a call."""
    if call.form in ("inside", "operator"):
        return
    if call.kind in ("conv", "linear", "matmul"):
        yield from macs(call)
    elif call.kind == "conv_transpose":
        filters = call.size("filters") // call.size("group")
        positions = call.reads // call.size("channels")
        factor = call.size("kernel") * call.size("channels") * filters
        yield from counted(WORDS[call.kind], factor * positions, of="#filter params × #input positions")


def flops(call: Call) -> Iterator[Part]:
    """The FLOPs that calflops counts of a call."""
    yield from doubled(rule(call))
    name = WORDS[call.kind]
    if call.kind == "conv":
        yield from bias(call)
    elif call.kind == "contraction" and call.has("combinations"):
        yield from doubled(macs(call))
        yield from counted(ROUNDED, numpys(call) - 2 * call.macs.value, of="what numpy prints - 2 × #MACs")
    elif call.kind == "einsum":
        yield from counted(name, numpys(call), of="#operations")
    elif call.kind == "conv_transpose" and call.bias != 0:
        yield from counted(
            BIAS, call.size("filters") * call.size("as_convolution"), of="#filters × #positions of a convolution"
        )
    elif call.kind == "recurrent":
        yield from _recurrent(call)
    elif call.kind in NORMALISATIONS:
        yield from counted(name, call.reads, NORMALISATIONS[call.kind])
    elif call.kind in ACTIVATIONS | POOLS | {"upsample"} or (
        call.kind == "softmax" and call.form in ("module", "function")
    ):
        yield from counted(name, call.reads)


def doubled(parts: Iterable[Part]) -> Iterator[Part]:
    """Multiply-accumulates as FLOPs."""
    for part in parts:
        yield Product((Factor("2", 2), *part.factors), part.name)


def _recurrent(call: Call) -> Iterator[Part]:
    """Products with one addition less for each gate, biases, and what a unit does besides: 1 (a simple cell), 7 (a GRU)
    or 10 (an LSTM)."""
    steps, gates = call.size("steps"), call.size("gates")
    units = steps * call.size("directions") * call.size("hidden")
    yield from counted(
        WORDS["recurrent"], 2 * (steps * call.weight - gates * units), of="2 × (#steps × #weights - #gates)"
    )
    yield from counted(BIAS, steps * call.bias, of="#steps × #biases")
    yield from counted("cells", units, {4: 10, 3: 7, 1: 1}[gates], "#units")  # type: ignore[index]


TOOL = Tool("calflops", "0.3.2", "MACs", rule, ("fused attention is nothing to it",))

FLOPS = Tool("calflops_flops", "0.3.2", "FLOPs", flops, ("the other figure that calflops prints",), "flops")
