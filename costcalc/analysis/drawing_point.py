"""Report with open symbols -> the report at sizes that are worth drawing: the largest where there is a limit, an
example elsewhere.

Extents that depend on data (boxes, trips of a Loop) stand at their upper bounds: the worst case. A sequence that the
model limits (`seq <= 1,024`) stands at its limit. Any other open symbol stands at an example: an image of 224 pixels, a
sequence of 128, or the nearest multiple of what the model divides it by; a batch at its smallest size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from costcalc.analysis.report import Report
from costcalc.analysis.smallest_sizes import smallest_sizes
from costcalc.core.dim import Dim, Poly, limited_range, symbols
from costcalc.core.errors import CostcalcError

PIXELS = 224
"""Example of an open height or width of an image."""

POSITIONS = 128
"""Example of another open extent: tokens, frames, samples."""

POSITION_NAME = re.compile(r"seq|time|len|tok|frame|step|sample", re.IGNORECASE)
"""Names of first axes that count positions; others count examples of a batch."""


@dataclass(frozen=True, slots=True)
class DrawingPoint:
    """A report whose figures are numbers where they could be made so. limits are the symbols at the largest number that
    they can be, of data_limits those that depend on data; examples are the symbols at a size that stands for others."""

    report: Report
    limits: Mapping[str, int] = field(default_factory=dict)
    data_limits: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, int] = field(default_factory=dict)

    @property
    def sizes(self) -> dict[str, int]:
        """Every symbol that was open -> its size."""
        return {**self.limits, **self.data_limits, **self.examples}

    @property
    def is_worst_case(self) -> bool:
        """Whether there were open symbols and each stands at its limit."""
        return bool(self.sizes) and not self.examples

    def upper_bound(self, total: Dim | None) -> int | None:
        """A formula of the open report -> a number that it does not exceed; None where there is none, or it is a number
        already."""
        if not isinstance(total, Poly):
            return None
        high = limited_range(total, {**self.limits, **self.data_limits})[1]
        return int(high) if high != float("inf") else None


def drawing_point(report: Report) -> DrawingPoint:
    """Report -> the point to draw it at; of a report that has no open symbol, or none that can be sized, the report as
    it is."""
    if not report.open_symbols:
        return DrawingPoint(report)
    limits = _input_limits(report)
    smallest = smallest_sizes(report)
    wanted = {name: limits.get(name, _example_size(report, name, size)) for name, size in smallest.items()}
    for sizes in (wanted, smallest):
        point = _bind_point(report, sizes, limits)
        if point is not None:
            return point
    return DrawingPoint(report)


def _bind_point(report: Report, sizes: Mapping[str, int], limits: Mapping[str, int]) -> DrawingPoint | None:
    """Sizes of inputs -> the point with what depends on data at its upper bound; None where the model refuses them,
    which is no failure: it is then drawn at other sizes."""
    try:
        bound = report.bind(sizes)
        data_limits = bound.symbol_limits
        bound = bound.bind(data_limits)
        counts = dict.fromkeys(bound.open_symbols, 1)  # a Loop whose trips nothing limits runs once
        bound = bound.bind(counts)
    except CostcalcError:
        return None
    at_limits = {name: size for name, size in sizes.items() if limits.get(name) == size}
    examples = {name: size for name, size in sizes.items() if name not in at_limits}
    return DrawingPoint(bound, at_limits, data_limits, {**examples, **counts})


def _input_limits(report: Report) -> dict[str, int]:
    """Report -> symbols that its assumptions limit (`seq <= 1,024`), with the smallest limit of each."""
    limits: dict[str, int] = {}
    for assumption in report.assumptions:
        name, limit = assumption.largest() or ("", 0)
        if name:
            limits[name] = min(limit, limits.get(name, limit))
    return limits


def _example_size(report: Report, name: str, smallest: int) -> int:
    """Symbol of an input and its smallest size -> the largest multiple of it up to a usual size."""
    for _, kind in report.inputs:
        shape = kind.shape or ()
        for axis, extent in enumerate(shape):
            if name not in symbols(extent):
                continue
            if axis == 0 and (len(shape) > 1 and not POSITION_NAME.search(name)):
                return smallest
            usual = PIXELS if len(shape) > 3 and axis > 0 else POSITIONS
            return max(1, usual // smallest) * smallest
    return smallest
