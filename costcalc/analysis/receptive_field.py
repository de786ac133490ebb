"""Graph to the sliding windows of its nodes and to the receptive fields of its values.

A window is a kernel with stride, pads and dilation along each spatial axis; its output extent is written out as a
formula. The receptive field of a value grows along a chain of windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.core.traits import traits_of
from costcalc.core.units import format_count
from costcalc.ops.common.window import dilated_kernel

AXIS_NAMES = {1: "w", 2: "hw", 3: "dhw"}
"""Number of spatial axes -> their names."""


class WindowAxis(NamedTuple):
    """A window along one spatial axis: extent and out are those of input and output, begin and end the pads."""

    name: str
    extent: Dim
    kernel: Dim
    stride: int
    begin: Dim
    end: Dim
    dilation: int
    output_padding: int
    out: Dim


class Window(NamedTuple):
    """A node's window. rule says how the output extents follow: floor, ceil, same, transposed, or given by the node."""

    axes: tuple[WindowAxis, ...]
    rule: str


def window_of(node: Node, types: Mapping[str, TensorType]) -> Window | None:
    """Convolution or pool -> its window; None for other operators, unknown shapes, and where an operator of PyTorch's
    own has attributes for other axes than its tensors."""
    attributes, operator = node.attributes, traits_of(node)
    if operator.kind not in ("convolution", "transposed_convolution", "pool"):
        return None
    x, out = types[node.inputs[0]].shape, types[node.outputs[0]].shape
    if x is None or out is None or len(x) < 3:
        return None
    if operator.kind != "pool":
        weight = types[node.inputs[operator.factors[1]]].shape
        if weight is None or len(weight) != len(x):
            return None
        kernel = operator.filter_shape(weight)[2:]
    elif "kernel_shape" in attributes:
        kernel = tuple(attributes["kernel_shape"])
    else:
        return None
    rank = len(x) - 2
    strides, dilations = attributes.get("strides") or (1,) * rank, attributes.get("dilations") or (1,) * rank
    output_padding = attributes.get("output_padding") or (0,) * rank
    auto = attributes.get("auto_pad", "NOTSET")
    pads = (0,) * (2 * rank) if auto == "VALID" else attributes.get("pads") or (0,) * (2 * rank)
    lengths = {len(out) - 2, len(kernel), len(strides), len(dilations), len(output_padding), len(pads) // 2}
    if lengths != {rank}:
        return None
    names, channels_last = AXIS_NAMES.get(rank, ""), operator.layout_of(attributes) == "channels_last"
    inside, outside = (shape[1:-1] if channels_last else shape[2:] for shape in (x, out))
    axes = tuple(
        WindowAxis(
            names[i] if names else f"axis {i}",
            inside[i],
            kernel[i],
            strides[i],
            pads[i],
            pads[rank + i],
            dilations[i],
            output_padding[i],
            outside[i],
        )
        for i in range(rank)
    )
    if operator.kind == "transposed_convolution":
        return Window(axes, "given" if auto.startswith("SAME") or attributes.get("output_shape") else "transposed")
    rule = "same" if auto.startswith("SAME") else "ceil" if attributes.get("ceil_mode") else "floor"
    return Window(axes, rule)


def extent_formulas(window: Window) -> tuple[str, ...]:
    """Window -> the formula of each output extent, equal axes in one line: `h, w: ⌊(6 + 0 + 0 - 3) / 1⌋ + 1 = 4`."""
    lines: dict[str, list[str]] = {}
    for axis in window.axes:
        lines.setdefault(_extent_text(axis, window.rule), []).append(axis.name)
    return tuple(f"{', '.join(names)}: {text}" for text, names in lines.items())


def _extent_text(axis: WindowAxis, rule: str) -> str:
    out = format_count(axis.out)
    if rule == "given":
        return out
    if rule == "same":
        return f"⌈{format_count(axis.extent)} / {axis.stride}⌉ = {out}"
    span, note = str(format_count(dilated_kernel(axis.kernel, axis.dilation))), ""
    if axis.dilation != 1:
        note = f", the kernel's reach {axis.dilation} × ({format_count(axis.kernel)} - 1) + 1 = {span}"
    if rule == "transposed":
        pads = f"({format_count(axis.begin)} + {format_count(axis.end)})"
        product = f"{axis.stride} × ({format_count(axis.extent)} - 1)"
        return f"{product} + {span} + {axis.output_padding} - {pads} = {out}{note}"
    total = f"{format_count(axis.extent)} + {format_count(axis.begin)} + {format_count(axis.end)}"
    inside = f"({total} - {span}) / {axis.stride}"
    if rule == "ceil":
        uncut = -((kernel_reach(axis) - axis.extent - axis.begin - axis.end) // axis.stride) + 1
        cut = "" if uncut == axis.out else ", less a window that would start behind the input"
        return f"⌈{inside}⌉ + 1 = {format_count(uncut)}{cut}{f' = {out}' if cut else ''}{note}"
    return f"⌊{inside}⌋ + 1 = {out}{note}"


def kernel_reach(axis: WindowAxis) -> Dim:
    """Axis -> the extent that its dilated kernel spans."""
    return dilated_kernel(axis.kernel, axis.dilation)


class ReceptiveField(NamedTuple):
    """Receptive field of a value in the input, per axis: size is the number of positions, jump the distance between
    those of neighbouring values. covers_input: it is all of the input."""

    size: tuple[int, ...] = ()
    jump: tuple[Fraction, ...] = ()
    covers_input: bool = False


WHOLE_INPUT = ReceptiveField(covers_input=True)

WINDOW_KINDS = ("convolution", "transposed_convolution", "pool")


def receptive_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """Graph -> the receptive field of every value that has one: behind windows, elementwise operators and their
    branches."""
    fields: dict[str, ReceptiveField] = {}
    for name in graph.inputs:
        shape = graph.types[name].shape
        if shape is not None and len(shape) >= 3:
            rank = len(shape) - 2
            fields[name] = ReceptiveField((1,) * rank, (Fraction(1),) * rank)
    for node in graph.nodes:
        field = _node_field(node, graph.types, fields)
        if field is not None:
            fields.update(dict.fromkeys(filter(None, node.outputs), field))
    return fields


def _node_field(
    node: Node, types: Mapping[str, TensorType], fields: Mapping[str, ReceptiveField]
) -> ReceptiveField | None:
    input_fields = [fields[name] for name in node.inputs if name in fields]
    operator = traits_of(node)
    if not input_fields or operator.positions == "lost":
        return WHOLE_INPUT if any(field.covers_input for field in input_fields) else None
    if operator.positions == "mixed" or any(field.covers_input for field in input_fields):
        return WHOLE_INPUT
    window = window_of(node, types)
    if window is not None:
        return _field_behind(window, input_fields[0])
    if operator.kind in WINDOW_KINDS or len({len(field.size) for field in input_fields}) != 1:
        return None
    sizes = tuple(map(max, zip(*(field.size for field in input_fields), strict=True)))
    return ReceptiveField(sizes, input_fields[0].jump)


def _field_behind(window: Window, field: ReceptiveField) -> ReceptiveField | None:
    """Field in front of a window -> the field behind it: size + (reach - 1) · jump, jump · stride; a transposed window
    reads ⌈reach / stride⌉ positions and divides the jump."""
    if len(window.axes) != len(field.size):
        return None
    sizes, jumps = [], []
    for axis, size, jump in zip(window.axes, field.size, field.jump, strict=True):
        reach = kernel_reach(axis)
        if not isinstance(reach, int):
            return None
        if window.rule in ("transposed", "given"):
            reach, step = -(-reach // axis.stride), jump / axis.stride
        else:
            step = jump * axis.stride
        sizes.append(size + int((reach - 1) * jump))
        jumps.append(step)
    return ReceptiveField(tuple(sizes), tuple(jumps))


def receptive_field_text(field: ReceptiveField) -> str:
    """Field -> text: `7×7 of the input, jump 2×2`."""
    if field.covers_input:
        return "the whole input"
    size, jump = "×".join(map(str, field.size)), "×".join(map(str, field.jump))
    return f"{size} of the input, jump {jump}"
