"""Node to the terms that onnx-tool 1.0.1 counts: the operators of an ONNX graph, each element at what its instructions
cost.

Its MACs are instructions: a product, an addition or a comparison 1, a division 4, an exponential or a power 32, a
square root 24, a logarithm 43. A convolution or a matrix product is its multiply-accumulates and one for each output
with a bias inside the operator; what it does not know is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import BIAS_TERM, OUTPUTS_FACTOR, Counter, Term, count_term, mac_terms
from costcalc.studies.reconcile.call import ModuleCall

CONTRACTIONS = frozenset(("Conv", "Gemm", "MatMul", "Einsum"))

DIV, EXP, LOG, SQRT, SIN = 4, 32, 43, 24, 39

TANH = EXP + 2 + DIV

PER_OUTPUT = {
    "Add": 1,
    "Sub": 1,
    "Mul": 1,
    "Min": 1,
    "Max": 1,
    "Neg": 1,
    "Abs": 1,
    "Ceil": 1,
    "Mod": 1,
    "Sign": 1,
    "Div": DIV,
    "Reciprocal": DIV,
    "Exp": EXP,
    "Sigmoid": EXP,
    "Pow": EXP,
    "Sqrt": SQRT,
    "Log": LOG,
    "Sin": SIN,
    "Cos": SIN,
    "Softmax": EXP + DIV,
    "LogSoftmax": EXP + DIV + 1 + LOG,
    "Softplus": EXP + 1 + LOG,
    "Tanh": 2 * TANH,
    "Relu": 1,
    "LeakyRelu": 2,
    "PRelu": 2,
    "Elu": 3 + EXP,
    "Clip": 2,
    "HardSigmoid": 4,
    "HardSwish": 5,
    "Gelu": EXP + 2,
    "BatchNormalization": 1 + SQRT + DIV + 2,
    "InstanceNormalization": 3 + DIV,
    "CumSum": 1,
    "DequantizeLinear": 2,
    "QuantizeLinear": 2,
}
"""Operations for each output."""

CELL = {"LSTM": 4 + 3 * EXP + 2 * TANH + 4, "GRU": 3 + 2 * EXP + TANH + 5}

RECURRENT = frozenset(CELL)
"""Operations of a cell for each unit of one direction."""

PER_INPUT = {"ReduceMean": 1, "ReduceSum": 1, "ReduceProd": 1, "ReduceMin": 1, "ReduceMax": 1, "ReduceL2": 1 + SQRT}
"""Operations for each input."""


def count(call: ModuleCall) -> Iterator[Term]:
    """Node as a call -> the terms that onnx-tool counts of it."""
    op = call.kind
    if op in CONTRACTIONS:
        yield from mac_terms(call)
        if call.bias != 0:
            yield from count_term(BIAS_TERM, call.output_elements, factor=OUTPUTS_FACTOR)
    elif op == "ConvTranspose":
        yield from count_term(op, call.output_elements * call.size("filter"), factor="#outputs × #filter params")
        if call.bias != 0:
            yield from count_term(BIAS_TERM, call.output_elements, factor=OUTPUTS_FACTOR)
    elif op in PER_OUTPUT:
        yield from count_term(op, call.output_elements, PER_OUTPUT[op], OUTPUTS_FACTOR)
    elif op in PER_INPUT:
        yield from count_term(op, call.input_elements, PER_INPUT[op])
    elif op in ("MaxPool", "AveragePool"):
        yield from count_term(op, call.output_elements * call.size("kernel"), factor="#outputs × ∏kernel")
    elif op == "GlobalAveragePool":
        yield from count_term(op, call.input_elements)
        yield from count_term(op, call.output_elements, DIV, OUTPUTS_FACTOR)
    elif op == "LayerNormalization":
        yield from count_term(op, call.input_elements, 7)
        yield from count_term(op, call.input_elements // call.size("last"), 1 + SQRT + DIV, "#normalised vectors")
    elif op == "LRN":
        yield from count_term(
            op, call.output_elements * (DIV + EXP + 1 + call.size("window")), factor="#outputs × (37 + #window)"
        )
    elif op == "Resize":
        yield from count_term(
            op, call.output_elements * {"linear": 4, "cubic": 8}.get(call.sizes[0][0], 0), factor="#outputs × 4 or 8"
        )
    elif op == "Sum":
        yield from count_term(op, call.output_elements * (call.size("inputs") - 1), factor="#outputs × (#inputs - 1)")
    elif op in RECURRENT:
        yield from count_term(op, call.size("steps") * call.weight, factor="#steps × #weights")
        yield from count_term(BIAS_TERM, call.size("steps") * call.bias, factor="#steps × #biases")
        yield from count_term("cells", call.size("steps") * call.size("hidden"), CELL[op], "#units")


def failure(call: ModuleCall) -> str:
    """Why onnx-tool gives no figure."""
    return (
        "it stops with an error at the operator Attention, which it does not know" if call.kind == "Attention" else ""
    )


ONNX_TOOL = Counter(
    "onnx_tool",
    "1.0.1",
    "MACs",
    count,
    ("it counts instructions: a division 4, an exponential 32, a square root 24",),
    failure=failure,
    onnx_nodes=True,
)
