"""Tensors from numbers, shapes and random numbers: ATen's calls -> ONNX nodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from costcalc.core.dim import Dim, Poly
from costcalc.core.ir import DType, TensorType
from costcalc.frontends.pytorch.translate.call import TRANSLATIONS, CallSite, translates
from costcalc.frontends.pytorch.translate.operand import (
    COMPLEX,
    ExpressionNodes,
    add_scalar,
    cast,
    constant_element,
    emit_own,
    has_tensor,
    read_operand,
)

FILLED = {
    "zeros": 0,
    "zeros_like": 0,
    "new_zeros": 0,
    "_efficientzerotensor": 0,
    "ones": 1,
    "ones_like": 1,
    "new_ones": 1,
    "empty": 0,
    "empty_like": 0,
    "new_empty": 0,
    "new_empty_strided": 0,
    "empty_strided": 0,
    "empty_permuted": 0,
}
"""Operator -> what it fills the tensor with; what is not filled counts as zeros."""


def emit_filled(call: CallSite, number: Any) -> None:
    """Adds a tensor of one repeated number, of the output's shape; one element is a constant."""
    out = call.out_type()
    element = constant_element(number, out.dtype)
    value = None if element is None else (element,)
    if out.shape == ():
        call.alias(call.builder.add_constant(f"{call.name}.value", out.dtype, (), value))
        return
    attributes = {"value": TensorType(out.dtype, (1,), value)}
    call.emit("ConstantOfShape", [call.constant(out.shape or (), "shape")], attributes)


for _name, _number in FILLED.items():
    TRANSLATIONS[f"aten.{_name}"] = partial(emit_filled, number=_number)


@translates("full", "full_like", "new_full", "scalar_tensor")
def full(call: CallSite) -> None:
    """A tensor of one repeated number, which may itself be a tensor of one element."""
    if has_tensor(call, "fill_value"):
        value = cast(call, call.tensor("fill_value"), call.out_type().dtype)
        call.emit("Expand", [value, call.constant(call.out_shape(), "shape")])
    else:
        emit_filled(call, call.get("s" if call.operator == "scalar_tensor" else "fill_value"))


@translates("arange")
def arange(call: CallSite) -> None:
    """start, start + step, …, below end. Of decimal numbers the length is the one that the program says, since
    PyTorch rounds it."""
    out = call.out_type()
    numbers = [call.get("start", 0), call.get("end"), call.get("step", 1)]
    is_whole = out.dtype.is_integer
    if not all(isinstance(n, (int, Poly) if is_whole else (int, float, Poly)) for n in numbers):
        emit_own(call, "arange")
        return
    dtype = DType.INT64 if is_whole and out.dtype not in (DType.INT16, DType.INT32) else out.dtype
    inputs = [add_scalar(call, n, dtype, word) for n, word in zip(numbers, ("start", "end", "step"), strict=True)]
    if dtype is out.dtype:
        call.emit("Range", inputs, types=None if is_whole else [out])
    else:
        values = call.emit("Range", inputs, suffix="range")
        call.emit("Cast", [values], {"to": out.dtype.code})


@translates("linspace")
def linspace(call: CallSite) -> None:
    """start + i · (end − start) / (steps − 1)."""
    out, steps = call.out_type(), call.integer("steps")
    if steps < 2 or out.dtype in COMPLEX:
        emit_own(call, "linspace", *call.tensor_inputs())
        return
    dtype = out.dtype if out.dtype.is_float else DType.FLOAT64
    limits = [add_scalar(call, n, dtype, word) for n, word in ((0, "first"), (steps, "steps"), (1, "one"))]
    places = call.emit("Range", limits, suffix="range", types=[TensorType(dtype, (steps,))])
    start, end = call.get("start"), call.get("end")
    operands = {"places": places, "start": read_operand(call, "start", dtype)}
    if isinstance(start, (int, float)) and isinstance(end, (int, float)) and not isinstance(start, str):
        distance: Any = float(end - start) / (steps - 1)
    else:
        operands["end"] = read_operand(call, "end", dtype)
        distance = ("Div", ("Sub", "end", "start"), float(steps - 1))
    ExpressionNodes(call, operands, dtype).output(("Add", "start", ("Mul", "places", distance)))


@translates("eye")
def eye(call: CallSite) -> None:
    """Ones on the diagonal of a matrix, zeros elsewhere."""
    out = call.out_type()
    attributes = {"value": TensorType(out.dtype, (1,), (constant_element(0, out.dtype),))}
    zeros = call.emit("ConstantOfShape", [call.constant(out.shape or (), "shape")], attributes, suffix="zeros")
    call.emit("EyeLike", [zeros])


@translates("tril", "triu")
def triangle(call: CallSite) -> None:
    """The lower or the upper triangle of each matrix, zeros elsewhere."""
    diagonal = add_scalar(call, call.get("diagonal", 0), DType.INT64, "diagonal")
    call.emit("Trilu", [call.tensor("self"), diagonal], {"upper": int(call.operator == "triu")})


RANDOM = {
    "rand": "RandomUniform",
    "rand_like": "RandomUniform",
    "uniform": "RandomUniform",
    "randn": "RandomNormal",
    "randn_like": "RandomNormal",
    "normal_functional": "RandomNormal",
}
"""Operator -> ONNX's that draws the same distribution into a tensor of a shape."""


def _random(call: CallSite, operator: str) -> None:
    out = call.out_type()
    shape: Sequence[Dim] = out.shape or ()
    if out.dtype in COMPLEX or not out.dtype.is_float:
        emit_own(call, "random")
    elif all(isinstance(extent, int) for extent in shape):
        call.emit(operator, [], {"shape": tuple(shape), "dtype": out.dtype.code, **_distribution(call, operator)})
    else:
        like = call.emit("ConstantOfShape", [call.constant(shape, "shape")], suffix="like")
        call.emit(f"{operator}Like", [like], {"dtype": out.dtype.code, **_distribution(call, operator)})


def _distribution(call: CallSite, operator: str) -> dict[str, float]:
    """The limits, or the mean and the deviation, that the call gives."""
    names = (("from", "low"), ("to", "high")) if operator == "RandomUniform" else (("mean", "mean"), ("std", "scale"))
    return {attribute: call.number(name) for name, attribute in names if isinstance(call.get(name), (int, float))}


for _name, _operator in RANDOM.items():
    TRANSLATIONS[f"aten.{_name}"] = partial(_random, operator=_operator)


@translates(
    "binomial",
    "cauchy",
    "exponential",
    "geometric",
    "log_normal",
    "poisson",
    "randint",
    "randint_like",
    "random",
    "randperm",
)
def random_numbers(call: CallSite) -> None:
    """Numbers of another distribution; drawing them is no counted arithmetic."""
    emit_own(call, "random", *[v for v in call.tensor_inputs() if call.operator in ("poisson", "binomial")])


@translates("normal")
def normal(call: CallSite) -> None:
    """Normal numbers with a mean and a deviation, either of which may be a tensor."""
    tensors = [name for name in ("mean", "std") if has_tensor(call, name)]
    if not tensors:
        _random(call, "RandomNormal")
        return
    out = call.out_type()
    shape = call.constant(out.shape or (), "shape")
    like = call.emit("ConstantOfShape", [shape], suffix="like")
    noise = call.emit("RandomNormalLike", [like], {"dtype": out.dtype.code}, suffix="noise")
    operands = {"noise": noise}
    operands |= {name: read_operand(call, name, out.dtype, 1.0) for name in ("mean", "std")}
    ExpressionNodes(call, operands, out.dtype).output(("Add", "mean", ("Mul", "noise", "std")))


@translates("bernoulli")
def bernoulli(call: CallSite) -> None:
    """Ones with the probabilities that the input holds."""
    call.emit("Bernoulli", [call.tensor("self")], {"dtype": call.out_type().dtype.code})


@translates("bernoulli.p", "bernoulli.float", "bernoulli.Tensor")
def bernoulli_over(call: CallSite) -> None:
    """Ones, written over the input, with one probability for all, or with those that a tensor holds."""
    emit_own(call, "bernoulli", *([call.tensor("p")] if has_tensor(call, "p") else []))


@translates("multinomial")
def multinomial(call: CallSite) -> None:
    """Places drawn with the probabilities of each row."""
    emit_own(call, "multinomial", call.tensor("self"))


@translates(
    "logspace",
    "fft_fftfreq",
    "fft_rfftfreq",
    "tril_indices",
    "triu_indices",
    "hamming_window",
    "bartlett_window",
    "kaiser_window",
    "vander",
)
def own(call: CallSite) -> None:
    """Tensors without a counterpart in ONNX that no arithmetic is counted for."""
    emit_own(call, call.operator, *call.tensor_inputs())


@translates("hann_window", "blackman_window")
def window(call: CallSite) -> None:
    """A window function, a sum of cosines."""
    words = call.operator.partition("_")[0]
    size = add_scalar(call, call.integer("window_length"), DType.INT64, "size")
    attributes = {"output_datatype": call.out_type().dtype.code, "periodic": int(call.flag("periodic", True))}
    call.emit(f"{words.capitalize()}Window", [size], attributes)


@translates("meshgrid")
def meshgrid(call: CallSite) -> None:
    """Vectors -> one grid for each, with its values along its own axis; "xy" exchanges the first two axes."""
    tensors = call.tensors("tensors")
    axes = list(range(len(tensors)))
    if call.get("indexing", "ij") == "xy" and len(axes) > 1:
        axes[0], axes[1] = 1, 0
    for position, (tensor, axis) in enumerate(zip(tensors, axes, strict=True)):
        out = call.out_type(position)
        shape = [1] * len(tensors)
        target: list[Dim] = list(shape)
        target[axis] = call.out_shape(position, axis + 1)[axis]
        column = call.constant(target, f"column{position}")
        line = call.emit("Reshape", [tensor, column], suffix=f"line{position}")
        whole = call.constant(out.shape or (), f"shape{position}")
        suffix = f"grid{position}" if position else ""
        call.emit("Expand", [line, whole], outputs=[call.output(position)], suffix=suffix)
