"""The Python API."""

from __future__ import annotations

import pytest
from made import separable, standard_conv, unknown

import costcalc
from costcalc import analyze
from costcalc.errors import UsageError


def test_analyze_a_graph() -> None:
    report = costcalc.analyze(separable())
    assert isinstance(report, costcalc.Report)
    assert (report.macs, report.params, len(report.layers)) == (672, 42, 3)
    assert report.to_dict()["totals"]["macs"] == 672


def test_compare_graphs_and_reports() -> None:
    comparison = costcalc.compare(separable(), costcalc.analyze(standard_conv()))
    assert comparison.totals()["macs"] == (672, 2160)
    assert comparison.names == ("depthwise_separable", "standard_conv")


def test_equal_names_are_told_apart() -> None:
    assert costcalc.compare(separable(), separable()).names == ("made (1)", "made (2)")


def test_explain() -> None:
    assert "432 + 240 = 672" in str(costcalc.explain(separable()))


def test_load_is_a_function_whatever_was_imported_before() -> None:
    import costcalc.load

    graph = standard_conv()
    assert costcalc.load(graph) is graph


import pytest
from made import separable, standard_conv, unknown
