"""Call to the terms that ptflops 0.7.5 counts, with its pytorch and with its aten backend.

The pytorch backend hooks modules and patches functions of torch.nn.functional. A module that calls a patched function
counts twice: nn.ReLU (the hook and F.relu), nn.GELU, nn.MaxPool2d and the average pools, each one for each input.
nn.SiLU has only the function, nn.ReLU6 and nn.LeakyReLU only the hook. Of operators, torch.matmul, mm, bmm, addmm,
mul and add are patched, and the tensor's methods of these names, but not @, * and +. Convolutions and linear layers
count with their bias, nn.BatchNorm2d 2 and nn.LayerNorm 1 for each element. F.linear is not patched. The products of
nn.MultiheadAttention count, with its projections, the scaling of the queries, and one for each score.

The aten backend counts the matrix products and convolutions that reach torch's dispatcher, and one for each output of a
layer with a bias. nn.MultiheadAttention is one operator there in evaluation, F.scaled_dot_product_attention another,
and so is an nn.LSTM on a CPU (nn.GRU and nn.RNN are made of matrix products); none of these is in its table.
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

HOOK_AND_FUNCTION = frozenset(
    ("relu", "prelu", "elu", "gelu", "max_pool", "avg_pool", "global_pool", "global_max_pool")
)
"""Modules with a hook whose function is patched too."""

HOOK_OR_FUNCTION = frozenset(("relu6", "silu", "softmax"))
"""A hook beside a function that the module does not call, or the function only."""

LINEAR_FORMS = ("module", "inside")

NORMALISATIONS = {"batch_norm": 2, "group_norm": 2, "layer_norm": 1, "instance_norm": 2}


def count_hooks(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms that ptflops' pytorch backend counts of it."""
    name, module = KIND_NAMES[call.kind], call.form == "module"
    if (call.kind in ("conv", "conv_transpose") and module) or (call.kind == "linear" and call.form in LINEAR_FORMS):
        yield from mac_terms(call)
        yield from bias_term(call)
    elif call.kind == "linear" and call.has("addmm"):
        yield from mac_terms(call)
        yield from count_term(BIAS_TERM, call.bias)
    elif call.kind == "matmul" and call.form == "function":
        yield from mac_terms(call)
    elif call.kind == "attention" and module:
        yield from mac_terms(call)
        yield from count_term("attention's softmax", call.size("scores"), factor="#scores")
        yield from count_term("attention's scaling", call.input_elements, factor="#queries")
    elif call.kind in HOOK_AND_FUNCTION and call.form != "operator":
        yield from count_term(name, call.input_elements, 2 if module else 1)
    elif call.kind in ("add", "mul") and call.form == "function":
        yield from count_term(name, call.output_elements, factor=OUTPUTS_FACTOR)
    elif (call.kind in HOOK_OR_FUNCTION and call.form in ("module", "function")) or (
        call.kind == "leaky_relu" and module
    ):
        yield from count_term(name, call.input_elements)
    elif call.kind in NORMALISATIONS and module:
        yield from count_term(name, call.input_elements, NORMALISATIONS[call.kind])
    elif call.kind == "upsample":
        yield from count_term(name, call.output_elements, 2 if module else 1, OUTPUTS_FACTOR)
    elif call.kind == "recurrent":
        yield from _recurrent(call)


def _recurrent(call: ModuleCall) -> Iterator[Term]:
    """Products and biases, and for each unit 1 (a simple cell), 7 (a GRU) or 10 (an LSTM) additions and products."""
    steps = call.size("steps")
    yield from count_term(KIND_NAMES["recurrent"], steps * call.weight, factor="#steps × #weights")
    yield from count_term(BIAS_TERM, steps * call.bias, factor="#steps × #biases")
    operations = {4: 10, 3: 7, 1: 1}[call.size("gates")]  # type: ignore[index]
    yield from count_term("cells", steps * call.size("directions") * call.size("hidden"), operations, "#units")


PTFLOPS_PYTORCH = Counter(
    "ptflops_pytorch",
    "0.7.5",
    "MACs",
    count_hooks,
    ("it runs a batch of 1", "a module that calls a patched function counts twice: its hook and the function"),
)


def count_aten(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms that ptflops' aten backend counts of it."""
    if call.form == "inside":
        return
    if call.kind in ("conv", "conv_transpose", "linear", "matmul", "contraction"):
        yield from mac_terms(call)
        yield from bias_term(call)
    elif call.kind == "recurrent" and call.size("gates") != 4:
        yield from count_term(KIND_NAMES["recurrent"], call.size("steps") * call.weight, factor="#steps × #weights")
        yield from count_term(BIAS_TERM, call.size("steps") * call.bias, factor="#steps × #biases")


PTFLOPS_ATEN = Counter("ptflops_aten", "0.7.5", "MACs", count_aten, ("it runs a batch of 1",))
