"""Bytes over steps as an area of characters: no peak is lost, whatever the width."""

from __future__ import annotations

from costcalc.render import area as plot
from costcalc.render.terminal import Screen
from costcalc.views.table import StepPlot


def test_the_plot_loses_no_peak() -> None:
    values = [1] * 1000
    values[617] = 64
    for screen in (Screen(60), Screen(60, unicode=False)):
        lines = plot.area_lines(StepPlot("t", tuple(values)), screen)
        assert len(lines) == plot.HEIGHT + 3
        assert all(len(line) <= 60 for line in lines)
        assert sum(c in "█#" for c in lines[1]) == 1
    assert lines[-1].endswith("1,000") and "│" not in "".join(lines)


def test_few_steps_are_wide() -> None:
    lines = plot.area_lines(StepPlot("t", (8, 4)), Screen(40))
    assert lines[1].endswith("████") and lines[-3].count("█") == 8


def test_nothing_to_plot() -> None:
    assert len(plot.area_lines(StepPlot("t", (0, 0)), Screen(20))) == plot.HEIGHT + 3
    assert plot.area_svg(None) == plot.area_svg(StepPlot("t", ())) == ""
