"""Call to the terms that calflops 0.3.2 counts, of its MACs and of its FLOPs: it patches functions of
torch.nn.functional.

MACs are convolutions, F.linear (which nn.Linear calls) and torch.matmul, without bias. FLOPs are twice those, one for
each output of a convolution with a bias (a linear layer's bias is left out), 2 for each element of a batch
normalisation, 5 of the other normalisations, one for each input of an activation, a softmax, a pool or an upsampling,
and what numpy.einsum_path prints of torch.einsum, in four digits. nn.ReLU6, the hard-swish and the sigmoids are not
patched, nor are torch.mm and bmm, the operators @, * and +, nor fused attention; torch.mul and torch.add are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from costcalc.core.formula import Factor, Product
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
from costcalc.studies.reconcile.call_sizes import ROUNDING_TERM, einsum_path_operations

ACTIVATIONS = frozenset(("relu", "leaky_relu", "prelu", "elu", "silu", "gelu"))

FUNCTIONS_ONLY = frozenset(("relu6",))
"""Functions that the module of this name does not call."""

POOLS = frozenset(("max_pool", "avg_pool", "global_pool", "global_max_pool"))

NORMALISATIONS = {"batch_norm": 2, "layer_norm": 5, "group_norm": 5, "instance_norm": 5}


def count_macs(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms of the MACs that calflops counts of it."""
    if call.form in ("inside", "operator"):
        return
    if call.kind in ("conv", "linear", "matmul") and not (call.has("mm") or call.has("bmm")):
        yield from mac_terms(call)
    elif call.kind == "conv_transpose":
        filters = call.size("filters") // call.size("group")
        positions = call.input_elements // call.size("channels")
        factor = call.size("kernel") * call.size("channels") * filters
        yield from count_term(KIND_NAMES[call.kind], factor * positions, factor="#filter params × #input positions")


def count_flops(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms of the FLOPs that calflops counts of it."""
    yield from macs_to_flops(count_macs(call))
    name = KIND_NAMES[call.kind]
    if call.form == "operator":
        return
    if call.kind == "conv":
        yield from bias_term(call)
    elif call.kind == "linear" and call.has("addmm"):
        yield from count_term(BIAS_TERM, call.bias)
    elif call.kind in ("add", "mul") and call.form == "function":
        yield from count_term(name, call.output_elements, factor=OUTPUTS_FACTOR)
    elif call.kind == "contraction" and call.has("combinations"):
        yield from macs_to_flops(mac_terms(call))
        yield from count_term(
            ROUNDING_TERM, einsum_path_operations(call) - 2 * call.macs.value, factor="what numpy prints - 2 × #MACs"
        )
    elif call.kind == "einsum":
        yield from count_term(name, einsum_path_operations(call), factor="#operations")
    elif call.kind == "conv_transpose" and call.bias != 0:
        yield from count_term(
            BIAS_TERM,
            call.size("filters") * call.size("as_convolution"),
            factor="#filters × #positions of a convolution",
        )
    elif call.kind == "recurrent":
        yield from _recurrent(call)
    elif call.kind in NORMALISATIONS:
        yield from count_term(name, call.input_elements, NORMALISATIONS[call.kind])
    elif (
        call.kind in ACTIVATIONS | POOLS | {"upsample"}
        or (call.kind in FUNCTIONS_ONLY and call.form == "function")
        or (call.kind == "softmax" and call.form in ("module", "function"))
    ):
        yield from count_term(name, call.input_elements)


def macs_to_flops(terms: Iterable[Term]) -> Iterator[Term]:
    """Multiply-accumulates as FLOPs."""
    for term in terms:
        yield Product((Factor("2", 2), *term.factors), term.name)


def _recurrent(call: ModuleCall) -> Iterator[Term]:
    """Products with one addition less for each gate, biases, and what a unit does besides: 1 (a simple cell), 7 (a GRU)
    or 10 (an LSTM)."""
    steps, gates = call.size("steps"), call.size("gates")
    units = steps * call.size("directions") * call.size("hidden")
    yield from count_term(
        KIND_NAMES["recurrent"], 2 * (steps * call.weight - gates * units), factor="2 × (#steps × #weights - #gates)"
    )
    yield from count_term(BIAS_TERM, steps * call.bias, factor="#steps × #biases")
    yield from count_term("cells", units, {4: 10, 3: 7, 1: 1}[gates], "#units")  # type: ignore[index]


CALFLOPS = Counter("calflops", "0.3.2", "MACs", count_macs, ("fused attention is nothing to it",))

CALFLOPS_FLOPS = Counter(
    "calflops_flops", "0.3.2", "FLOPs", count_flops, ("the other figure that calflops prints",), "flops"
)
