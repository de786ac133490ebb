"""Call to the terms that thop 0.1.1 (post 2209072238, pytorch-OpCounter) counts: it hooks the leaf modules that it
knows, by their exact class.

Convolutions and linear layers without their bias, 4 for each element that a normalisation reads (2, and twice that with
learned scales), one for each output of an average pool, one for each input and each output of an adaptive one. What is
no module of a class in its table is nothing: functions, operators, attention, subclasses, group normalisation.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import OUTPUTS_FACTOR, Counter, Term, count_term, mac_terms
from costcalc.studies.reconcile.call import KIND_NAMES, ModuleCall

NORMALISATIONS = frozenset(("batch_norm", "layer_norm", "instance_norm"))

UPSAMPLE = {"nearest1d": 1, "nearest2d": 1, "nearest3d": 1, "linear1d": 5, "bilinear2d": 11, "bicubic2d": 259}
"""Operations for each output."""


def count(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms that thop counts of it."""
    if call.form != "module":
        return
    name = KIND_NAMES[call.kind]
    if call.kind in ("conv", "linear"):
        yield from mac_terms(call)
    elif call.kind == "conv_transpose":
        positions = call.size("channels") // call.size("group") * call.size("kernel")
        yield from count_term(name, call.output_elements * positions, factor="#outputs × C_in/group × ∏kernel")
    elif call.kind in NORMALISATIONS:
        yield from count_term(name, call.input_elements, 4 if call.weight != 0 else 2)
    elif call.kind == "avg_pool":
        yield from count_term(name, call.output_elements, factor=OUTPUTS_FACTOR)
    elif call.kind == "global_pool":
        yield from count_term(name, call.input_elements)
        yield from count_term(name, call.output_elements, factor=OUTPUTS_FACTOR)
    elif call.kind == "prelu":
        yield from count_term(name, call.input_elements)
    elif call.kind == "softmax":
        yield from count_term(
            name, call.input_elements * 3 - call.size("rows"), factor="(3 × #elements - #distributions)"
        )
    elif call.kind == "upsample":
        operations = UPSAMPLE.get(call.sizes[0][0], 0)
        yield from count_term(name, call.output_elements if operations else 0, operations, OUTPUTS_FACTOR)
    elif call.kind == "recurrent":
        yield from count_term(name, _recurrent(call), factor="#steps × #directions × #operations of a cell")


def _recurrent(call: ModuleCall) -> int:
    """Products and additions of a cell, its biases, and its elementwise products: of a simple cell none, of a GRU 4, of
    an LSTM 4 for each unit."""
    hidden, gates = call.size("hidden"), call.size("gates")
    state = hidden * (call.size("features") + hidden) + hidden * (3 if call.bias != 0 else 1)
    products = {4: 4, 3: 4}.get(gates, 0) * hidden  # type: ignore[arg-type]
    return call.size("steps") * call.size("directions") * (gates * state + products)  # type: ignore[return-value]


THOP = Counter(
    "thop", "0.1.1.post2209072238", "MACs", count, ("what is no module of a class in its table is nothing to it",)
)
