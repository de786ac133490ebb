"""The shape of an input → whether its axes stand as in other tools: channels last, without the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DType, Node, TensorType, WarningNote
from costcalc.core.traits import traits_of
from costcalc.graph.builder import GraphBuilder

IMAGE_CHANNELS = (1, 3, 4)
"""What images have; MIN_SIDE is what their sides have at least."""

MIN_SIDE = 16

DEFAULT_INPUT = "input"
"""The name of an input that the file gives none."""


INDEX_TYPES = (DType.INT32, DType.INT64)
"""Elements of token ids and positions, which are no pixels or samples."""


def foreign_axes(t: TensorType) -> tuple[str, Sequence[Dim]]:
    """A type → what its axes look like, where they do not stand as here, and the extents behind the batch as they are
    to be written; ("", …) where they look like [N, C, spatial…], are not known, or are those of indices."""
    if t.shape is None or t.dtype in INDEX_TYPES:
        return "", ()
    return {5: _video_channels_last, 4: _channels_last, 3: _three_axes, 2: _two_axes}.get(len(t.shape), _none)(t.shape)


def layout_text(name: str, t: TensorType) -> str:
    """An input's name and its type → what its axes look like and how to write them; "" where they stand as here."""
    axes, sides = foreign_axes(t)
    if not axes:
        return ""
    subject = "the input" if name == DEFAULT_INPUT else f"the input {name!r}"
    order = {2: "sequences are [N, C, L]", 3: "images are [N, C, H, W]", 4: "videos are [N, C, T, H, W]"}[len(sides)]
    return f"{subject} looks like {axes}; {order} here: write its shape as [N, {', '.join(map(str, sides))}]"


def _none(shape: Sequence[Dim]) -> tuple[str, Sequence[Dim]]:
    return "", ()


def _video_channels_last(shape: Sequence[Dim]) -> tuple[str, Sequence[Dim]]:
    """[N, T, H, W, C] → (these axes, [C, T, H, W]); ("", …) where the shape is none."""
    _, length, height, width, channels = shape
    if channels in IMAGE_CHANNELS and length not in IMAGE_CHANNELS and _is_image(height, width, channels != 1):
        return "[N, T, H, W, C]", (channels, length, height, width)
    return "", ()


def _channels_last(shape: Sequence[Dim]) -> tuple[str, Sequence[Dim]]:
    """[N, H, W, C] → (these axes, [C, H, W]); ("", …) where the shape is none: few channels stand at the end, and many
    where they belong."""
    _, height, width, channels = shape
    if channels in IMAGE_CHANNELS and _is_image(height, width, of_any_sides=channels != 1):
        return "[N, H, W, C]", (channels, height, width)
    if isinstance(channels, int) and height == width != channels and height not in IMAGE_CHANNELS:
        return "[N, H, W, C]", (channels, height, width)  # a square feature map
    return "", ()


def _three_axes(shape: Sequence[Dim]) -> tuple[str, Sequence[Dim]]:
    """[C, H, W], [H, W, C], [N, H, W] → (these axes, [C, H, W]), [N, L, C] of one channel → (these axes, [C, L]);
    ("", …) where the shape is none of them."""
    first, middle, last = shape
    if isinstance(first, int) and _is_image(middle, last, of_any_sides=first == IMAGE_CHANNELS[1]):
        if first in IMAGE_CHANNELS[1:]:
            return "[C, H, W]", (first, middle, last)
        return "[N, H, W]", (1, middle, last)
    if last in IMAGE_CHANNELS and _is_image(first, middle, of_any_sides=last == IMAGE_CHANNELS[1]):
        return "[H, W, C]", (last, first, middle)
    if last == 1 and isinstance(middle, int) and middle >= MIN_SIDE**2:
        return "[N, L, C]", (last, middle)
    return "", ()


def _two_axes(shape: Sequence[Dim]) -> tuple[str, Sequence[Dim]]:
    """[H, W] of a square image → (these axes, [1, H, W]), [1, L] or [L, 1] of a signal → (these axes, [1, L]);
    ("", …) where the shape is none of them."""
    first, last = shape
    if not isinstance(first, int) or not isinstance(last, int):
        return "", ()
    if _is_image(first, last, of_any_sides=False):
        return "[H, W]", (1, first, last)
    if min(shape) != 1 or max(first, last) < MIN_SIDE**2:
        return "", ()
    return "[C, L]" if first == 1 else "[L, C]", (1, max(first, last))


def _is_image(height: Dim, width: Dim, of_any_sides: bool) -> bool:
    """Whether two extents may be the sides of an image: both open, or both large; of_any_sides: they may differ."""
    if not isinstance(height, int) or not isinstance(width, int):
        return of_any_sides and not isinstance(height, int) and not isinstance(width, int)
    return min(height, width) >= MIN_SIDE and (of_any_sides or height == width)


NEAR = 8
"""Among so many nodes before a layer it is looked for what gives its input."""

KEEPS_AXES = frozenset(("Dropout", "Identity", "Cast", "Pad", "Resize", "Concat", "Slice"))
"""Operators, beside those that work element by element, whose output has the axes of their first input."""


def trace_axes(builder: GraphBuilder, value: str) -> tuple[str, Node | None]:
    """A value → the value whose axes it has, and the node that gives that: an input has None. It is followed through
    operators that keep the axes."""
    for node in reversed(builder.nodes[-NEAR:]):
        if value not in node.outputs:
            continue
        traits = traits_of(node)
        if (
            not traits.in_place
            and traits.kind not in ("activation", "normalisation")
            and node.op_type not in KEEPS_AXES
        ):
            return value, node
        value = node.inputs[0]
    return value, None


def note_layout(builder: GraphBuilder, value: str, only_batch: bool = False) -> None:
    """Notes where a value is an input, or has the axes of one, whose axes look like those of another tool; with
    only_batch, where they lack the batch. Behind the first NEAR nodes only a value that is an input itself is looked
    at."""
    if len(builder.nodes) > NEAR and value not in builder.inputs:
        return
    source, _ = trace_axes(builder, value)
    if source not in builder.inputs:
        return
    axes, _ = foreign_axes(builder.types[source])
    if only_batch and (axes.startswith("[N") or axes == "[C, L]"):
        return
    text = layout_text(source, builder.types[source])
    if text and text not in builder.notes:
        builder.notes.append(WarningNote(text))


def with_layout(error: ShapeError, builder: GraphBuilder) -> ShapeError:
    """An error of shapes → the same; where an input's axes look like those of another tool, the remedy begins with
    that."""
    texts = list(filter(None, _input_texts(builder)))
    return ShapeError(error.fact, "; else ".join([*texts, error.remedy]), error.place) if texts else error


def _input_texts(builder: GraphBuilder) -> Iterable[str]:
    for name in builder.inputs:
        yield layout_text(name, builder.types[name])
