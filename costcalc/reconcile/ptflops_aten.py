"""ptflops 0.7.5 with its aten backend: the matrix products and convolutions that reach torch's dispatcher.

Convolutions and matrix products, one for each output of a layer with a bias. nn.MultiheadAttention is one operator
there in evaluation, F.scaled_dot_product_attention another, and so is an nn.LSTM on a CPU (nn.GRU and nn.RNN are made
of matrix products); none of these is in its table.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.reconcile.call import WORDS, Call
from costcalc.reconcile.part import BIAS, Part, bias, counted, macs
from costcalc.reconcile.tool import Tool


def rule(call: Call) -> Iterator[Part]:
    """What ptflops' aten backend counts of a call."""
    if call.form == "inside":
        return
    if call.kind in ("conv", "conv_transpose", "linear", "matmul", "contraction"):
        yield from macs(call)
        yield from bias(call)
    elif call.kind == "recurrent" and call.size("gates") != 4:
        yield from counted(WORDS["recurrent"], call.size("steps") * call.weight, of="#steps × #weights")
        yield from counted(BIAS, call.size("steps") * call.bias, of="#steps × #biases")


TOOL = Tool("ptflops_aten", "0.7.5", "MACs", rule, ("it runs a batch of 1",))
