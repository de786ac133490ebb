"""What pictures of charts share: colours with signs that tell kinds apart too, titles, labels that do not meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from costcalc.render.layout import middle
from costcalc.render.untrusted import printable

MARKS = ("#2667a8", "#d17a1f", "#0c7a68", "#8f78cf", "#b0453a", "#7aa636", "#c9a000", "#8a939e")
SHAPES = "osD^vPX."
"""A sign for each colour, so that a picture without colours says the same."""
INK, FAINT = "#1c2127", "#66707c"


def title(axes: Any, name: str, what: str) -> None:
    """The name, and in a lighter weight what is shown of it."""
    axes.set_title(label(name, 60), loc="left", fontweight="bold", fontsize=11, pad=18)
    axes.text(0, 1, label(what, 110), transform=axes.transAxes, fontsize=9, color=FAINT, va="bottom")


def label(text: str, most: int = 40) -> str:
    """A name as words, with its middle left out where it is long."""
    return middle(printable(text), most)


def colours(kinds: Iterable[str]) -> dict[str, int]:
    """A number for each kind in order of first use; all from the eighth on share the last."""
    return {kind: min(i, len(MARKS) - 1) for i, kind in enumerate(dict.fromkeys(kinds))}


def legend(axes: Any, numbers: dict[str, int], **place: Any) -> None:
    """Which sign is which kind; those that share the last are others."""
    from matplotlib.lines import Line2D

    shared = [kind for kind, i in numbers.items() if i == len(MARKS) - 1]
    named = {kind: i for kind, i in numbers.items() if i < len(MARKS) - 1}
    if shared:
        named[shared[0] if len(shared) == 1 else f"{len(shared)} others"] = len(MARKS) - 1
    signs = [Line2D([], [], linestyle="", marker=SHAPES[i], color=MARKS[i], markersize=6, label=label(kind, 30))
             for kind, i in named.items()]  # fmt: skip
    axes.legend(
        handles=signs, frameon=False, fontsize=8.5, handletextpad=0.2, columnspacing=1.2, labelcolor=FAINT, **place
    )


def spread(
    axes: Any, places: Sequence[tuple[float, float]], words: Sequence[str], sides: Sequence[str], **style: Any
) -> None:
    """A word beside each place, on the first of its sides where it meets no other word and no place; left out where
    there is none."""
    figure = axes.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    points = axes.transData.transform([tuple(map(float, place)) for place in places])
    inside = axes.get_window_extent(renderer)
    taken: list[Any] = []
    for place, (px, py), word, where in zip(places, points, words, sides, strict=True):
        if not word:
            continue
        for dx, dy, across, up in map(SIDES.__getitem__, where):
            made = axes.annotate(word, place, xytext=(dx, dy), textcoords="offset points", ha=across, va=up, **style)
            made.set_in_layout(False)
            box = made.get_window_extent(renderer)
            hidden = any(box.overlaps(other) for other in taken) or any(
                box.x0 < x < box.x1 and box.y0 < y < box.y1 for x, y in points if (x, y) != (px, py)
            )
            if not hidden and box.x0 >= inside.x0 and box.x1 <= inside.x1 + 4 and box.y1 <= inside.y1 + 12:
                taken.append(box)
                break
            made.remove()


SIDES = {
    "r": (7, 0, "left", "center"), "l": (-7, 0, "right", "center"), "a": (0, 6, "center", "bottom"),
    "b": (0, -7, "center", "top"), "c": (6, 7, "left", "bottom"), "d": (-6, 7, "right", "bottom"),
    "e": (6, -8, "left", "top"), "f": (-6, -8, "right", "top"), "A": (0, 20, "center", "bottom"),
}  # fmt: skip
"""Offsets of a word in points, and how it is aligned there: right, left, above, below, the corners, further off."""
