"""A node of a `.tflite` graph -> NpuCall: types, constants, quantisation and window of a call, as the rules of NPU
compilers ask for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from costcalc.core.ir import DType, Graph, Node, Quantisation, TensorType

NpuRule = Callable[["NpuCall"], str]
"""A call -> why an NPU does not run it; "" where the rule allows it."""


class NpuCall(NamedTuple):
    """A node with its graph."""

    graph: Graph
    node: Node

    def input(self, position: int) -> TensorType | None:
        """The type of an input; None where it is absent."""
        names = self.node.inputs
        return self.graph.types[names[position]] if position < len(names) and names[position] else None

    def is_stored(self, position: int) -> bool:
        """Whether an input is a stored tensor, or absent."""
        names = self.node.inputs
        return position >= len(names) or not names[position] or names[position] in self.graph.initializers

    def quantisation(self, position: int) -> Quantisation | None:
        """The quantisation of an input; None where it has none."""
        names = self.node.inputs
        return self.graph.quantisation.get(names[position]) if position < len(names) else None

    def value(self, position: int) -> tuple[Any, ...] | None:
        """The elements of a small stored input; None where they are not known."""
        type_ = self.input(position)
        return type_.value if type_ is not None else None

    @property
    def output(self) -> TensorType:
        """The type of the first output."""
        return self.graph.types[self.node.outputs[0]]

    @property
    def output_quantisation(self) -> Quantisation | None:
        """The quantisation of the first output."""
        return self.graph.quantisation.get(self.node.outputs[0])

    @property
    def image_position(self) -> int:
        """The position of the input that is the feature map: its own of a few operators, else the first."""
        return IMAGE_POSITIONS.get(self.node.op_type, 0)

    @property
    def image(self) -> TensorType | None:
        """The type of the feature map that it reads."""
        return self.input(self.image_position)

    @property
    def feature_maps(self) -> tuple[tuple[str, TensorType], ...]:
        """(name, type) of the feature maps that it reads and of its outputs; a parameter, such as a shape, is none."""
        count = FEATURE_INPUTS.get(self.node.op_type, 1)
        names = self.node.inputs[self.image_position :][:count] if count else self.node.inputs
        return tuple([(name, self.graph.types[name]) for name in (*names, *self.node.outputs) if name])

    @property
    def strides(self) -> tuple[int, int]:
        """Strides along height and width."""
        return _pair(self.node.attributes.get("strides", (1, 1)))

    @property
    def dilations(self) -> tuple[int, int]:
        """Dilations along height and width."""
        return _pair(self.node.attributes.get("dilations", (1, 1)))

    @property
    def is_valid_padding(self) -> bool:
        """Whether the window stays inside of the image."""
        return bool(self.node.attributes.get("auto_pad", "VALID") == "VALID")

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of a pool's window, or of a convolution's filters."""
        if "kernel_shape" in self.node.attributes:
            return _pair(self.node.attributes["kernel_shape"])
        weights = self.input(1)
        shape = weights.shape if weights is not None else None
        return _pair(shape[1:3]) if shape is not None and len(shape) == 4 else (1, 1)

    @property
    def padding(self) -> tuple[int, int]:
        """Elements that are added along height and width, both sides together."""
        image, output = extents(self.image), extents(self.output)
        if self.is_valid_padding or len(image) != 4 or len(output) != 4:
            return 0, 0
        pads = [
            (output[axis] - 1) * stride + (size - 1) * dilation + 1 - image[axis]
            for axis, stride, size, dilation in zip((1, 2), self.strides, self.kernel, self.dilations, strict=True)
        ]
        return max(0, pads[0]), max(0, pads[1])


IMAGE_POSITIONS = {"TRANSPOSE_CONV": 2, "SPLIT": 1}
"""Operators whose feature map is not their first input."""

FEATURE_INPUTS = {
    **dict.fromkeys(("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "BATCH_MATMUL", "DIV"), 2),
    **dict.fromkeys(("CONCATENATION", "PACK"), 0),
}
"""How many inputs are feature maps: one unless it says otherwise; 0 stands for all."""


def extents(type_: TensorType | None) -> tuple[int, ...]:
    """A type -> its extents; () where they are not all numbers."""
    if type_ is None or type_.shape is None or not all(isinstance(extent, int) for extent in type_.shape):
        return ()
    return tuple([extent for extent in type_.shape if isinstance(extent, int)])


def image_extents(type_: TensorType | None) -> tuple[int, int, int, int]:
    """A type -> its extents as [N, H, W, C], ones before those that it has; more than four are joined into N."""
    shape = extents(type_)
    n = 1
    for extent in shape[:-4]:
        n *= extent
    h, w, c = (1, 1, 1, *shape[-3:])[-3:]
    return n * (shape[-4] if len(shape) >= 4 else 1), h, w, c


def type_names(dtypes: Sequence[DType]) -> str:
    """Element types -> `int8, int16 or int32`."""
    labels = [dtype.label for dtype in dtypes]
    return " or ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def _pair(values: Sequence[Any]) -> tuple[int, int]:
    numbers = [value if isinstance(value, int) else 1 for value in values]
    return (numbers[0], numbers[1]) if len(numbers) >= 2 else (1, 1)
