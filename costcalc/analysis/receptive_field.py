"""Sliding windows of a graph's nodes: their kernel, stride, pads and dilation, how those give the output's extent, in
words, and the receptive fields that a chain of them builds up.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.core.traits import traits_of
from costcalc.core.units import exact
from costcalc.ops.common.window import reach

AXIS_NAMES = {1: "w", 2: "hw", 3: "dhw"}


class WindowAxis(NamedTuple):
    """A window along one spatial axis."""

    name: str
    extent: Dim
    kernel: Dim
    stride: int
    begin: Dim
    end: Dim
    dilation: int
    more: int
    out: Dim


class Window(NamedTuple):
    """A node's window; rule says how its extents follow: floor, ceil, same or transposed."""

    axes: tuple[WindowAxis, ...]
    rule: str


def window(node: Node, types: Mapping[str, TensorType]) -> Window | None:
    """The window of a convolution or a pool; None for other operators and unknown shapes."""
    x, out = types[node.inputs[0]].shape if node.inputs else None, types[node.outputs[0]].shape
    if x is None or out is None or len(x) < 3:
        return None
    given, operator = node.attributes, traits_of(node)
    if operator.kind in ("convolution", "transposed_convolution"):
        weight = types[node.inputs[operator.factors[1]]].shape
        if weight is None or len(weight) != len(x):
            return None
        kernel = weight[2:]
    elif operator.kind == "pool" and "kernel_shape" in given:
        kernel = tuple(given["kernel_shape"])
    else:
        return None
    rank = len(x) - 2
    strides, dilations = given.get("strides") or (1,) * rank, given.get("dilations") or (1,) * rank
    more = given.get("output_padding") or (0,) * rank
    auto = given.get("auto_pad", "NOTSET")
    pads = (0,) * (2 * rank) if auto == "VALID" else given.get("pads") or (0,) * (2 * rank)
    names, last = AXIS_NAMES.get(rank, ""), operator.layout_of(given) == "channels_last"
    inside, outside = (shape[1:-1] if last else shape[2:] for shape in (x, out))
    axes = tuple(
        WindowAxis(
            names[i] if names else f"axis {i}",
            inside[i],
            kernel[i],
            strides[i],
            pads[i],
            pads[rank + i],
            dilations[i],
            more[i],
            outside[i],
        )
        for i in range(rank)
    )
    if operator.kind == "transposed_convolution":
        return Window(axes, "given" if auto.startswith("SAME") or given.get("output_shape") else "transposed")
    rule = "same" if auto.startswith("SAME") else "ceil" if given.get("ceil_mode") else "floor"
    return Window(axes, rule)


def extent_lines(found: Window) -> tuple[str, ...]:
    """How each output extent follows, one line per axis, equal axes together: `h, w: ⌊(6 + 0 + 0 - 3) / 1⌋ + 1 = 4`."""
    lines: dict[str, list[str]] = {}
    for axis in found.axes:
        lines.setdefault(_extent_text(axis, found.rule), []).append(axis.name)
    return tuple(f"{', '.join(names)}: {text}" for text, names in lines.items())


def _extent_text(a: WindowAxis, rule: str) -> str:
    out = exact(a.out)
    if rule == "given":
        return out
    if rule == "same":
        return f"⌈{exact(a.extent)} / {a.stride}⌉ = {out}"
    wide, over = str(exact(reach(a.kernel, a.dilation))), ""
    if a.dilation != 1:
        over = f", the kernel's reach {a.dilation} × ({exact(a.kernel)} - 1) + 1 = {wide}"
    if rule == "transposed":
        pads = f"({exact(a.begin)} + {exact(a.end)})"
        return f"{a.stride} × ({exact(a.extent)} - 1) + {wide} + {a.more} - {pads} = {out}{over}"
    inside = f"({exact(a.extent)} + {exact(a.begin)} + {exact(a.end)} - {wide}) / {a.stride}"
    if rule == "ceil":
        plain = -((kernel_reach(a) - a.extent - a.begin - a.end) // a.stride) + 1
        cut = "" if plain == a.out else ", less a window that would start behind the input"
        return f"⌈{inside}⌉ + 1 = {exact(plain)}{cut}{f' = {out}' if cut else ''}{over}"
    return f"⌊{inside}⌋ + 1 = {out}{over}"


def kernel_reach(a: WindowAxis) -> Dim:
    """The dilated kernel's reach."""
    return reach(a.kernel, a.dilation)


class Field(NamedTuple):
    """What one output value sees of the input, per axis: how many positions, and how far the next value's are from
    its own. whole: all of the input."""

    size: tuple[int, ...] = ()
    jump: tuple[Fraction, ...] = ()
    whole: bool = False


WHOLE_INPUT = Field(whole=True)

WINDOW_KINDS = ("convolution", "transposed_convolution", "pool")


def fields(graph: Graph) -> dict[str, Field]:
    """The receptive field of every value that has one: of windows, of what is elementwise, and of their branches."""
    found: dict[str, Field] = {}
    for name in graph.inputs:
        shape = graph.types[name].shape
        if shape is not None and len(shape) >= 3:
            rank = len(shape) - 2
            found[name] = Field((1,) * rank, (Fraction(1),) * rank)
    for node in graph.nodes:
        field = _node_field(node, graph.types, found)
        if field is not None:
            found.update(dict.fromkeys(filter(None, node.outputs), field))
    return found


def _node_field(node: Node, types: Mapping[str, TensorType], found: Mapping[str, Field]) -> Field | None:
    read = [found[name] for name in node.inputs if name in found]
    operator = traits_of(node)
    if not read or operator.positions == "lost":
        return WHOLE_INPUT if any(field.whole for field in read) else None
    if operator.positions == "mixed" or any(field.whole for field in read):
        return WHOLE_INPUT
    slid = window(node, types)
    if slid is not None:
        return _field_behind(slid, read[0])
    if operator.kind in WINDOW_KINDS or len({len(field.size) for field in read}) != 1:
        return None
    sizes = tuple(map(max, zip(*(field.size for field in read), strict=True)))
    return Field(sizes, read[0].jump)


def _field_behind(slid: Window, field: Field) -> Field | None:
    """size + (reach - 1) · jump, jump · stride; a transposed window reads ⌈reach / stride⌉ positions and divides."""
    if len(slid.axes) != len(field.size):
        return None
    sizes, jumps = [], []
    for axis, size, jump in zip(slid.axes, field.size, field.jump, strict=True):
        wide = kernel_reach(axis)
        if not isinstance(wide, int):
            return None
        if slid.rule in ("transposed", "given"):
            wide, step = -(-wide // axis.stride), jump / axis.stride
        else:
            step = jump * axis.stride
        sizes.append(size + int((wide - 1) * jump))
        jumps.append(step)
    return Field(tuple(sizes), tuple(jumps))


def field_text(field: Field) -> str:
    """The field in words."""
    if field.whole:
        return "the whole input"
    size, jump = "×".join(map(str, field.size)), "×".join(map(str, field.jump))
    return f"{size} of the input, jump {jump}"
