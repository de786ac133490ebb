"""Short names of activations and other elementwise functions -> ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from costcalc.core.errors import ShapeError
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer

UNARY = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "hard_swish": "HardSwish",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "mish": "Mish",
    "selu": "Selu",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "abs": "Abs",
    "neg": "Neg",
    "erf": "Erf",
    "identity": "Identity",
}


BINARY = {"add": "Add", "mul": "Mul", "sub": "Sub", "div": "Div"}


def _unary(name: str, op_type: str) -> Callable[[Site], str]:
    def emit(site: Site) -> str:
        return site.op(op_type, [site.x])

    emit.__doc__ = f"ONNX {op_type} of every element."
    layer(name)(emit)
    return emit


def _binary(name: str, op_type: str) -> None:
    def emit(site: Site) -> str:
        if len(site.inputs) < 2:
            raise ShapeError("it reads one value", "give `from: [a, b]`")
        value = site.inputs[0]
        for i, operand in enumerate(site.inputs[1:]):
            is_last = i == len(site.inputs) - 2
            value = site.op(op_type, [value, operand], suffix="" if is_last else f"part{i + 1}")
        return value

    emit.__doc__ = f"ONNX {op_type} of two or more values, with broadcasting."
    layer(name)(emit)


UNARY_LAYERS = {name: _unary(name, op_type) for name, op_type in UNARY.items()}

for _name, _op_type in BINARY.items():
    _binary(_name, _op_type)


@layer("relu6")
def relu6(site: Site) -> str:
    """min(max(x, 0), 6)."""
    return site.op("Clip", [site.x, site.floats([0.0], "min", scalar=True), site.floats([6.0], "max", scalar=True)])


@layer("hard_sigmoid", alpha=LayerKey("number", 0.2, "slope"), beta=LayerKey("number", 0.5, "value at 0"))
def hard_sigmoid(site: Site, alpha: float, beta: float) -> str:
    """min(max(alpha · x + beta, 0), 1); the MobileNet papers' alpha is 1/6."""
    return site.op("HardSigmoid", [site.x], {"alpha": alpha, "beta": beta})


@layer("silu", "swish")
def silu(site: Site) -> str:
    """x · sigmoid(x)."""
    gate = site.op("Sigmoid", [site.x], suffix="sigmoid")
    return site.op("Mul", [site.x, gate])


@layer("gelu", approximate=LayerKey("word", "none", "how it is computed", ("none", "tanh")))
def gelu(site: Site, approximate: str) -> str:
    """x · Φ(x)."""
    return site.op("Gelu", [site.x], {"approximate": approximate})


@layer("leaky_relu", slope=LayerKey("number", 0.01, "factor of negative values"))
def leaky_relu(site: Site, slope: float) -> str:
    """x, or slope · x where x is negative."""
    return site.op("LeakyRelu", [site.x], {"alpha": slope})


@layer("elu", alpha=LayerKey("number", 1.0, "factor of the negative branch"))
def elu(site: Site, alpha: float) -> str:
    """x, or alpha · (exp(x) - 1) where x is negative."""
    return site.op("Elu", [site.x], {"alpha": alpha})


@layer("prelu")
def prelu(site: Site) -> str:
    """A leaky ReLU whose slope is learned for each channel."""
    channels = site.channels()
    spatial = site.shape()[2:]
    return site.op("PRelu", [site.x, site.weight("weight", (channels, *[1] * len(spatial)))])


@layer("softmax", axis=LayerKey("int", -1, "axis that sums to 1"))
def softmax(site: Site, axis: int) -> str:
    """exp(x) / Σ exp(x) along an axis."""
    return site.op("Softmax", [site.x], {"axis": axis})


@layer("log_softmax", axis=LayerKey("int", -1, "axis that sums to 1"))
def log_softmax(site: Site, axis: int) -> str:
    """The logarithm of softmax."""
    return site.op("LogSoftmax", [site.x], {"axis": axis})


@layer("dropout", rate=LayerKey("number", 0.5, "share that training drops"))
def dropout(site: Site, rate: float) -> str:
    """Sets elements to 0 in training; at inference the identity, which is free."""
    return site.op("Dropout", [site.x, site.floats([float(rate)], "ratio", scalar=True)])


def _squared_relu(site: Site) -> str:
    positive = site.op("Relu", [site.x], suffix="relu")
    return site.op("Mul", [positive, positive])


def _quick_gelu(site: Site) -> str:
    scaled = site.op("Mul", [site.x, site.floats([1.702], "scale", scalar=True)], suffix="scale")
    return site.op("Mul", [site.x, site.op("Sigmoid", [scaled], suffix="sigmoid")])


def _exact_gelu(site: Site) -> str:
    return gelu(site, "none")


def _tanh_gelu(site: Site) -> str:
    return gelu(site, "tanh")


ACTIVATIONS: Mapping[str, Callable[[Site], str]] = {
    **dict.fromkeys(("silu", "swish"), silu),
    **dict.fromkeys(("gelu", "gelu_python", "gelu_10"), _exact_gelu),
    **dict.fromkeys(("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_python_tanh", "gelu_accurate"), _tanh_gelu),
    "quick_gelu": _quick_gelu,
    "relu2": _squared_relu,
    "relu6": relu6,
    "linear": UNARY_LAYERS["identity"],
    **UNARY_LAYERS,
}
"""Activations by the names that configurations of networks give them (transformers' ACT2FN)."""


@layer("activation", function=LayerKey("word", doc="its name in configurations", choices=tuple(ACTIVATIONS)))
def activation(site: Site, function: str) -> str:
    """The activation of this name: silu, gelu, gelu_new, gelu_pytorch_tanh, relu2 …"""
    return ACTIVATIONS[function](site)


@layer("scale", by=LayerKey("number", doc="the number"))
def scale(site: Site, by: float) -> str:
    """Multiplies every element by a number."""
    return site.op("Mul", [site.x, site.floats([by], "factor", scalar=True)])


@layer("softcap", limit=LayerKey("number", doc="the largest absolute value"))
def softcap(site: Site, limit: float) -> str:
    """limit · tanh(x / limit)."""
    bound = site.floats([limit], "limit", scalar=True)
    angle = site.op("Tanh", [site.op("Div", [site.x, bound], suffix="quotient")], suffix="tanh")
    return site.op("Mul", [angle, bound])
