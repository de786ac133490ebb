"""Call to the terms that torchprofile 0.1.0 counts: operators of a traced graph.

Convolutions, matrix products and F.scaled_dot_product_attention without bias, one for each output of a normalisation
with learned scales, of an average pool, a mean and an elementwise product. It stops with an error at the fused operator
of nn.MultiheadAttention. An einsum is the product of all its indices' extents, of three operands too.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import OUTPUTS_FACTOR, Counter, Term, contraction_term, count_term, mac_terms
from costcalc.studies.reconcile.call import KIND_NAMES, ModuleCall

PER_OUTPUT = frozenset(("avg_pool", "global_pool", "mean", "mul", "sizes", "leaky_relu"))

NORMALISATIONS = frozenset(("batch_norm", "layer_norm", "group_norm", "instance_norm"))


def count(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms that torchprofile counts of it."""
    name = KIND_NAMES[call.kind]
    if call.kind == "einsum" or (call.has("combinations") and call.size("combinations") != call.macs.value):
        yield from count_term(contraction_term(call), call.size("combinations"), factor="#combinations of indices")
    elif call.kind in ("conv", "linear", "matmul", "contraction", "attention"):
        yield from mac_terms(call)
    elif call.kind == "conv_transpose":
        square = call.size("channels") == call.size("filters")
        inputs = call.size("filters") if square else call.size("channels")
        yield from count_term(
            name, call.output_elements * inputs * call.size("kernel"), factor="#outputs × C_in × ∏kernel"
        )
    elif call.kind in PER_OUTPUT or (call.kind in NORMALISATIONS and call.weight != 0):
        yield from count_term(name, call.output_elements, factor=OUTPUTS_FACTOR)
    elif call.kind == "upsample" and call.sizes[0][0] == "bilinear2d":
        yield from count_term(name, call.output_elements, 4, OUTPUTS_FACTOR)
    elif call.kind == "recurrent" and call.size("gates") == 4:
        yield from count_term(name, call.size("steps") * call.weight, factor="#steps × #weights")


def failure(call: ModuleCall) -> str:
    """Why torchprofile gives no figure."""
    inside = call.kind == "attention" and call.form == "module"
    return "it stops with an error at the fused operator of nn.MultiheadAttention" if inside else ""


TORCHPROFILE = Counter("torchprofile", "0.1.0", "MACs", count, failure=failure)
