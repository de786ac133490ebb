"""The shape of an input → whether its axes stand as in other tools: channels last, without the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.ir import WarningNote
from costcalc.graph.builder import GraphBuilder

IMAGE_CHANNELS = (1, 3, 4)
"""What images have; MIN_SIDE is what their sides have at least."""

MIN_SIDE = 16

DEFAULT_INPUT = "input"
"""The name of an input that the file gives none."""


def layout_text(name: str, shape: Sequence[Dim]) -> str:
    """An input's name and its shape → what its axes look like and how to write them, or "" where they look like
    [N, C, spatial…]."""
    axes, sides = {4: _channels_last, 3: _without_batch}.get(len(shape), lambda _: ("", ()))(shape)
    if not axes:
        return ""
    subject = "the input" if name == DEFAULT_INPUT else f"the input {name!r}"
    advice = f"images are [N, C, H, W] here: write its shape as [N, {', '.join(map(str, sides))}]"
    return f"{subject} looks like {axes}; {advice}"


def _channels_last(shape: Sequence[Dim]) -> tuple[str, Sequence[Dim]]:
    """[N, H, W, C] → (these axes, [C, H, W]); ("", …) where the shape is none: few channels stand at the end, and many
    where they belong."""
    _, height, width, channels = shape
    if channels in IMAGE_CHANNELS and _is_image(height, width, of_any_sides=channels != 1):
        return "[N, H, W, C]", (channels, height, width)
    return "", ()


def _without_batch(shape: Sequence[Dim]) -> tuple[str, Sequence[Dim]]:
    """[C, H, W], [H, W, C], [N, H, W] → (these axes, [C, H, W]); ("", …) where the shape is none of them."""
    first, middle, last = shape
    if isinstance(first, int) and _is_image(middle, last, of_any_sides=first == IMAGE_CHANNELS[1]):
        if first in IMAGE_CHANNELS[1:]:
            return "[C, H, W]", (first, middle, last)
        return "[N, H, W]", (1, middle, last)
    if last in IMAGE_CHANNELS and _is_image(first, middle, of_any_sides=last == IMAGE_CHANNELS[1]):
        return "[H, W, C]", (last, first, middle)
    return "", ()


def _is_image(height: Dim, width: Dim, of_any_sides: bool) -> bool:
    """Whether two extents may be the sides of an image: both open, or both large; of_any_sides: they may differ."""
    if not isinstance(height, int) or not isinstance(width, int):
        return of_any_sides and not isinstance(height, int) and not isinstance(width, int)
    return min(height, width) >= MIN_SIDE and (of_any_sides or height == width)


def note_layout(builder: GraphBuilder, value: str) -> None:
    """Notes where a value is an input whose axes look like those of another tool."""
    shape = builder.types[value].shape if value in builder.inputs else None
    text = layout_text(value, shape) if shape is not None else ""
    if text and text not in builder.notes:
        builder.notes.append(WarningNote(text))


def with_layout(error: ShapeError, builder: GraphBuilder) -> ShapeError:
    """An error of shapes → the same; where an input's axes look like those of another tool, the remedy begins with
    that."""
    texts = list(filter(None, _input_texts(builder)))
    return ShapeError(error.fact, "; else ".join([*texts, error.remedy]), error.place) if texts else error


def _input_texts(builder: GraphBuilder) -> Iterable[str]:
    for name in builder.inputs:
        shape = builder.types[name].shape
        yield layout_text(name, shape) if shape is not None else ""
