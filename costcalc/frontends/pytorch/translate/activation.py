"""Activation functions and dropout: ATen's calls -> ONNX nodes, as PyTorch's own exporter writes them."""

from __future__ import annotations

from typing import Any

from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.elementwise import compute, register_table
from costcalc.frontends.pytorch.translate.operand import (
    Expression,
    ExpressionNodes,
    cast,
    emit_own,
)

ACTIVATIONS: dict[str, Expression] = {
    "relu": ("Relu", "self"),
    "selu": ("Selu", "self"),
    "silu": ("Mul", "self", ("Sigmoid", "self")),
    "mish": ("Mish", "self"),
    "hardswish": ("HardSwish", "self"),
    "hardsigmoid": ("HardSigmoid", "self", (("alpha", 1 / 6), ("beta", 0.5))),
    "log_sigmoid": ("Log", ("Sigmoid", "self")),
    "threshold": ("Where", ("Greater", "self", "threshold"), "self", "value"),
}

ATTRIBUTES: dict[str, tuple[str, dict[str, tuple[str, Any]]]] = {
    "celu": ("Celu", {"alpha": ("alpha", 1.0)}),
    "gelu": ("Gelu", {"approximate": ("approximate", "none")}),
    "leaky_relu": ("LeakyRelu", {"alpha": ("negative_slope", 0.01)}),
    "softshrink": ("Shrink", {"bias": ("lambd", 0.5), "lambd": ("lambd", 0.5)}),
    "hardshrink": ("Shrink", {"lambd": ("lambd", 0.5)}),
}
"""Operator -> ONNX's, and where its attributes come from: (argument, default)."""

register_table(ACTIVATIONS, compute)


def _attributed(call: CallSite, row: tuple[str, dict[str, tuple[str, Any]]]) -> None:
    operator, sources = row
    attributes = tuple([(name, call.get(argument, default)) for name, (argument, default) in sources.items()])
    compute(call, (operator, "self", attributes))


register_table(ATTRIBUTES, _attributed)


@translates("elu")
def elu(call: CallSite) -> None:
    """scale · (x where x > 0, else alpha · (exp(input_scale · x) − 1))."""
    alpha, scale, input_scale = (call.number(name, 1.0) for name in ("alpha", "scale", "input_scale"))
    scaled: Expression = "self" if input_scale == 1 else ("Mul", "self", input_scale)
    expression: Expression = ("Elu", scaled, (("alpha", alpha),))
    if input_scale != 1:  # only what lies below 0 is scaled
        expression = ("Where", ("Greater", "self", 0.0), "self", expression)
    compute(call, expression if scale == 1 else ("Mul", expression, scale))


@translates("softplus")
def softplus(call: CallSite) -> None:
    """ln(1 + exp(beta · x)) / beta. Above the threshold PyTorch gives x, which differs by less than its rounding."""
    beta = call.number("beta", 1.0)
    compute(call, ("Softplus", "self") if beta == 1 else ("Div", ("Softplus", ("Mul", "self", beta)), beta))


@translates("prelu", "_prelu_kernel")
def prelu(call: CallSite) -> None:
    """x where x ≥ 0, else slope · x; one slope, or one for each channel, the second axis."""
    x, slope = call.tensor("self"), call.tensor("weight")
    rank, extents = len(call.shape(x)), call.shape(slope)
    if len(extents) == 1 and extents[0] != 1 and rank > 2:
        shape = call.constant((*extents, *(1,) * (rank - 2)), "slope_shape")
        slope = call.emit("Reshape", [slope, shape], suffix="slope")
    elif rank == 0 and extents:
        slope = call.emit("Reshape", [slope, call.constant((), "slope_shape")], suffix="slope")
    call.emit("PRelu", [x, cast(call, slope, call.type(x).dtype)])


@translates("glu")
def glu(call: CallSite) -> None:
    """The first half of the input times the sigmoid of the second, along an axis."""
    x = call.tensor("self")
    axis = call.axis("dim", x, -1)
    halves = [f"{call.name}/first", f"{call.name}/second"]
    call.emit("Split", [x], {"axis": axis, "num_outputs": 2}, outputs=halves, suffix="split")
    nodes = ExpressionNodes(call, dict(zip(("first", "second"), halves, strict=True)), call.out_type().dtype)
    nodes.output(("Mul", "first", ("Sigmoid", "second")))


@translates("logit", "special_logit")
def logit(call: CallSite) -> None:
    """ln(x / (1 − x)), x limited to eps … 1 − eps where the call gives it."""
    eps = call.get("eps")
    x: Expression = "self" if eps is None else ("Clip", "self", float(eps), 1.0 - float(eps))
    compute(call, ("Log", ("Div", x, ("Sub", 1.0, x))))


@translates("log_sigmoid_forward")
def log_sigmoid_forward(call: CallSite) -> None:
    """ln(sigmoid(x)); the buffer that the backward pass reads is left out."""
    compute(call, ACTIVATIONS["log_sigmoid"])


@translates("rrelu", "rrelu_with_noise")
def rrelu(call: CallSite) -> None:
    """A LeakyRelu whose slope lies between two limits: the middle, while training a random one for each element."""
    if call.flag("training"):
        emit_own(call, "rrelu", call.tensor("self"))
        return
    slope = (call.number("lower", 0.125) + call.number("upper", 1 / 3)) / 2
    compute(call, ("LeakyRelu", "self", (("alpha", slope),)))


@translates("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "native_dropout")
def dropout(call: CallSite) -> None:
    """The input; while training some elements are set to 0, at random."""
    x = call.optional_tensor("input") or call.tensor("self")  # the in-place form's name
    if call.flag("train", call.operator == "native_dropout") and call.number("p", 0.5) != 0:
        emit_own(call, "dropout", x)
        return
    call.alias(x)
