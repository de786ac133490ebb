"""Call to the terms that fvcore 0.1.5 (post 20221221) counts: operators of a traced graph, modules and functions alike.

Convolutions and every matrix product without bias, 2 for each element of a batch normalisation, 5 of the other
normalisations (with learned scales), one for each input of an adaptive average pool over maps. torch.einsum is half of
what numpy.einsum_path prints, in four digits, but for `abc,abd->acd` and `abc,adc->adb`. Not means, activations, other
pools, elementwise operations, nor the fused attention of nn.MultiheadAttention or F.scaled_dot_product_attention.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import OUTPUTS_FACTOR, Counter, Term, count_term, mac_terms
from costcalc.studies.reconcile.call import KIND_NAMES, MAP_RANK, ModuleCall
from costcalc.studies.reconcile.call_sizes import ROUNDING_TERM, einsum_path_operations

UPSAMPLE = {"nearest2d": 1, "bilinear2d": 4}
"""Operations for each output, of the operators in its table."""


def count(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms that fvcore counts of it."""
    name = KIND_NAMES[call.kind]
    affine = call.weight != 0
    if call.form == "inside":
        return
    if call.kind in ("conv", "conv_transpose", "linear", "matmul", "contraction"):
        yield from mac_terms(call)
        if call.has("plain") and not call.size("plain"):
            yield from count_term(
                ROUNDING_TERM,
                einsum_path_operations(call) // 2 - call.macs.value,
                factor="half of what numpy prints - #MACs",
            )
    elif call.kind == "einsum":
        yield from count_term(name, einsum_path_operations(call) // 2, factor="#operations ÷ 2")
    elif call.kind == "batch_norm":
        yield from count_term(name, call.input_elements, 2 if affine else 1)
    elif call.kind in ("layer_norm", "group_norm", "instance_norm"):
        yield from count_term(name, call.input_elements, 5 if affine else 4)
    elif call.kind == "global_pool":
        yield from count_term(name, call.input_elements if call.sizes == MAP_RANK else 0)
    elif call.kind == "upsample":
        operations = UPSAMPLE.get(call.sizes[0][0], 0)
        yield from count_term(name, call.output_elements if operations else 0, operations, OUTPUTS_FACTOR)


FVCORE = Counter(
    "fvcore",
    "0.1.5.post20221221",
    "flops",
    count,
    ("it calls a multiply-accumulate a flop", "fused attention is nothing to it"),
)
