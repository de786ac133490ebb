"""onnx-tool 1.0.1: the operators of an ONNX graph, each element at what its instructions cost.

Its MACs are instructions: a product, an addition or a comparison 1, a division 4, an exponential or a power 32, a
square root 24, a logarithm 43. A convolution or a matrix product is its multiply-accumulates and one for each output
with a bias inside the operator; what it does not know is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import BIAS, OUTPUTS, Part, Tool, counted, macs
from costcalc.studies.reconcile.call import Call

CONTRACTIONS = frozenset(("Conv", "Gemm", "MatMul", "Einsum"))

DIV, EXP, LOG, SQRT, SIN = 4, 32, 43, 24, 39

TANH = EXP + 2 + DIV

EACH = {
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

READ = {"ReduceMean": 1, "ReduceSum": 1, "ReduceProd": 1, "ReduceMin": 1, "ReduceMax": 1, "ReduceL2": 1 + SQRT}
"""Operations for each input."""


def rule(call: Call) -> Iterator[Part]:
    """What onnx-tool counts of a node."""
    op = call.kind
    if op in CONTRACTIONS:
        yield from macs(call)
        if call.bias != 0:
            yield from counted(BIAS, call.gives, of=OUTPUTS)
    elif op == "ConvTranspose":
        yield from counted(op, call.gives * call.size("filter"), of="#outputs × #filter params")
        if call.bias != 0:
            yield from counted(BIAS, call.gives, of=OUTPUTS)
    elif op in EACH:
        yield from counted(op, call.gives, EACH[op], OUTPUTS)
    elif op in READ:
        yield from counted(op, call.reads, READ[op])
    elif op in ("MaxPool", "AveragePool"):
        yield from counted(op, call.gives * call.size("kernel"), of="#outputs × ∏kernel")
    elif op == "GlobalAveragePool":
        yield from counted(op, call.reads)
        yield from counted(op, call.gives, DIV, OUTPUTS)
    elif op == "LayerNormalization":
        yield from counted(op, call.reads, 7)
        yield from counted(op, call.reads // call.size("last"), 1 + SQRT + DIV, "#normalised vectors")
    elif op == "LRN":
        yield from counted(op, call.gives * (DIV + EXP + 1 + call.size("window")), of="#outputs × (37 + #window)")
    elif op == "Resize":
        yield from counted(op, call.gives * {"linear": 4, "cubic": 8}.get(call.also[0][0], 0), of="#outputs × 4 or 8")
    elif op == "Sum":
        yield from counted(op, call.gives * (call.size("inputs") - 1), of="#outputs × (#inputs - 1)")
    elif op in RECURRENT:
        yield from counted(op, call.size("steps") * call.weight, of="#steps × #weights")
        yield from counted(BIAS, call.size("steps") * call.bias, of="#steps × #biases")
        yield from counted("cells", call.size("steps") * call.size("hidden"), CELL[op], "#units")


def fails(call: Call) -> str:
    """Why onnx-tool gives no figure."""
    return (
        "it stops with an error at the operator Attention, which it does not know" if call.kind == "Attention" else ""
    )


TOOL = Tool(
    "onnx_tool",
    "1.0.1",
    "MACs",
    rule,
    ("it counts instructions: a division 4, an exponential 32, a square root 24",),
    fails=fails,
    nodes=True,
)
