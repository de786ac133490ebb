"""Short names of layers that move and reshape values, of bare parameters and of constants -> ONNX nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.dim import Dim, Poly, prod
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DTYPES
from costcalc.frontends.yaml.layers.base import LayerKey, Site, add_constant, layer
from costcalc.frontends.yaml.layers.layout import note_layout


@layer("flatten", axis=LayerKey("int", 1, "first axis that is joined"))
def flatten(site: Site, axis: int) -> str:
    """Joins the axes before and from `axis` on into two."""
    if axis == 1:
        note_layout(site.builder, site.x, only_batch=True)
    return site.op("Flatten", [site.x], {"axis": axis})


@layer("reshape", shape=LayerKey("shape", doc="new extents; 0 keeps one, -1 is what is left"))
def reshape(site: Site, shape: Sequence[Dim]) -> str:
    """The same elements under another shape."""
    return site.op("Reshape", [site.x, site.ints(shape, "shape")])


@layer("transpose", perm=LayerKey("axes", doc="the input's axes in their new order"))
def transpose(site: Site, perm: Sequence[int]) -> str:
    """Puts the axes in another order."""
    return site.op("Transpose", [site.x], {"perm": tuple(perm)})


@layer("squeeze", axes=LayerKey("axes", doc="axes of extent 1"))
def squeeze(site: Site, axes: Sequence[int]) -> str:
    """Removes axes of extent 1."""
    return site.op("Squeeze", [site.x, site.ints(axes, "axes")])


@layer("unsqueeze", axes=LayerKey("axes", doc="where the new axes stand"))
def unsqueeze(site: Site, axes: Sequence[int]) -> str:
    """Adds axes of extent 1."""
    return site.op("Unsqueeze", [site.x, site.ints(axes, "axes")])


@layer("concat", axis=LayerKey("int", 1, "axis along which the values are joined"))
def concat(site: Site, axis: int) -> str:
    """Joins values along an axis."""
    return site.op("Concat", site.inputs, {"axis": axis})


@layer(
    "split",
    axis=LayerKey("int", 1, "axis that is cut"),
    parts=LayerKey("any", 2, "number of equal parts, or their extents"),
)
def split(site: Site, axis: int, parts: Any) -> tuple[str, ...]:
    """Cuts a value; name the parts with `as: [a, b]`."""
    if isinstance(parts, int):
        if parts < 1:
            raise ShapeError(f"it is cut into {parts} parts", "give at least 1")
        extent = site.extent(axis)
        if extent % parts != 0:
            raise ShapeError(f"{extent} does not divide into {parts} parts", "give the parts' extents as a list")
        parts = [extent // parts] * parts
    if not isinstance(parts, list) or not all(isinstance(p, (int, Poly)) and not isinstance(p, bool) for p in parts):
        raise ShapeError(f"parts is {parts!r}", "give a number of equal parts, or their extents as a list")
    names = (site.name, *(f"{site.name}.{i}" for i in range(1, len(parts))))
    site.op("Split", [site.x, site.ints(parts, "parts")], {"axis": axis}, outputs=names)
    return names


@layer(
    "slice",
    axis=LayerKey("int", doc="axis that is cut"),
    start=LayerKey("int", 0, "first index"),
    end=LayerKey("any", None, "index behind the last (the end unless given)"),
    step=LayerKey("int", 1, "distance between two indices"),
)
def slice_(site: Site, axis: int, start: int, end: Dim | None, step: int) -> str:
    """A part of an axis."""
    end = 2**63 - 1 if end is None else end
    if not isinstance(end, (int, Poly)):
        raise ShapeError(f"end is {end!r}", "give a whole number or an expression")
    bounds = (
        site.ints([start], "start"),
        site.ints([end], "end"),
        site.ints([axis], "axis"),
        site.ints([step], "step"),
    )
    return site.op("Slice", [site.x, *bounds])


@layer("select", axis=LayerKey("int", doc="axis that goes"), index=LayerKey("int", 0, "which element of it is kept"))
def select(site: Site, axis: int, index: int) -> str:
    """One element of an axis; the axis is gone."""
    return site.op("Gather", [site.x, site.ints([index], "index", scalar=True)], {"axis": axis})


@layer(
    "pad",
    pads=LayerKey("axes", doc="one number for all sides of the spatial axes, or all begins then all ends of all axes"),
)
def pad(site: Site, pads: Sequence[int]) -> str:
    """Surrounds a value with zeros."""
    rank = len(site.shape())
    if len(pads) == 1:
        pads = [0, 0, *[pads[0]] * (rank - 2)] * 2
    return site.op("Pad", [site.x, site.ints(pads, "pads")])


@layer("pad_channels", to=LayerKey("extent", doc="channels after padding"))
def pad_channels(site: Site, to: Dim) -> str:
    """Fills up the channels with zeros, half before, half behind (the shortcut A of arXiv:1512.03385)."""
    rank = len(site.shape())
    missing = to - site.channels()
    if isinstance(missing, int) and missing < 0:
        raise ShapeError(f"it has {site.shape()[1]} channels already, more than {to}", "raise `to`")
    before = missing // 2
    pads = [0, before, *[0] * (rank - 2), 0, missing - before, *[0] * (rank - 2)]
    return site.op("Pad", [site.x, site.ints(pads, "pads")])


@layer(
    "upsample",
    scale=LayerKey("extent", 2, "factor of every spatial axis"),
    mode=LayerKey("word", "nearest", "how new values are made", ("nearest", "linear", "cubic")),
)
def upsample(site: Site, scale: int, mode: str) -> str:
    """Enlarges the spatial axes."""
    scales = site.floats([1.0, 1.0] + [float(scale)] * site.spatial(), "scales")
    attributes = {"mode": mode}
    if mode == "nearest":
        attributes |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return site.op("Resize", [site.x, "", scales], attributes)


@layer("depth_to_space", block=LayerKey("extent", doc="factor"))
def depth_to_space(site: Site, block: int) -> str:
    """Moves channels into positions (pixel shuffle)."""
    return site.op("DepthToSpace", [site.x], {"blocksize": block, "mode": "CRD"})


@layer("space_to_depth", block=LayerKey("extent", doc="factor"))
def space_to_depth(site: Site, block: int) -> str:
    """Moves positions into channels."""
    return site.op("SpaceToDepth", [site.x], {"blocksize": block})


@layer("channel_shuffle", groups=LayerKey("extent", doc="groups that are mixed"))
def channel_shuffle(site: Site, groups: int) -> str:
    """Interleaves the channels of groups (arXiv:1707.01083)."""
    channels, spatial = site.channels(), site.shape()[2:]
    if channels % groups != 0:
        raise ShapeError(f"{channels} channels do not divide into {groups} groups", "change groups")
    split_up = site.op(
        "Reshape", [site.x, site.ints([0, groups, channels // groups, *spatial], "groups")], suffix="split"
    )
    axes = list(range(3, 3 + len(spatial)))
    mixed = site.op("Transpose", [split_up], {"perm": (0, 2, 1, *axes)}, suffix="mix")
    return site.op("Reshape", [mixed, site.ints([0, channels, *spatial], "channels")])


@layer("mean", axes=LayerKey("axes", doc="axes that go"), keep=LayerKey("bool", False, "keep them with extent 1"))
def mean(site: Site, axes: Sequence[int], keep: bool) -> str:
    """The mean over axes."""
    return site.op("ReduceMean", [site.x, site.ints(axes, "axes")], {"keepdims": int(keep)})


@layer("cast", to=LayerKey("word", doc="element type", choices=tuple(DTYPES)))
def cast(site: Site, to: str) -> str:
    """Converts the elements to another type."""
    return site.op("Cast", [site.x], {"to": DTYPES[to].code})


@layer(
    "parameter",
    shape=LayerKey("shape", doc="extents"),
    dtype=LayerKey("word", None, "element type (that of the other weights unless given)", tuple(DTYPES)),
    learned=LayerKey("bool", True, "false for what is stored and not learned (a table of sines): a buffer"),
)
def parameter(site: Site, shape: Sequence[Dim], dtype: str | None, learned: bool) -> str:
    """A learned tensor of its own; name it with `as:` and read it with `from:`."""
    if site.share:
        return site.weight("", shape)
    name = site.stored_name()
    element_type = DTYPES[dtype] if dtype else site.style.dtype
    if learned:
        site.builder.parameters.add(name)
    elif element_type.is_float:
        site.builder.stored_kinds[name] = "buffer"
    return site.builder.add_initializer(name, element_type, shape)


@layer("unused_parameter", shape=LayerKey("shape", doc="extents"))
def unused_parameter(site: Site, shape: Sequence[Dim]) -> str:
    """A learned tensor that is stored and that no layer reads at inference (the vector of masked patches); it counts
    for the layer before it. Gives what it reads."""
    if not site.builder.nodes:
        raise ShapeError("no layer stands before it", "move it behind one")
    name = site.weight("", shape)
    site.builder.owners[name] = site.builder.nodes[-1].name
    return site.x


@layer("constant", value=LayerKey("any", doc="a number or a list"))
def constant(site: Site, value: Any) -> str:
    """A fixed number or list of whole numbers (int64) or decimals (float32)."""
    return add_constant(site.builder, site.name, value)


@layer("expand", shape=LayerKey("shape", doc="extents to broadcast to"))
def expand(site: Site, shape: Sequence[Dim]) -> str:
    """Broadcasts to a shape."""
    if prod(shape) == 0:
        raise ShapeError("an extent is 0", "extents are positive")
    return site.op("Expand", [site.x, site.ints(shape, "shape")])
