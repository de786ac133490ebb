"""Every operator that has a rule, with something wrong about its node: an answer or a refusal, in every analysis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.mutated_nodes import find_valid, make_model, mutants, operators, random_nodes

from costcalc.analysis.memory.footprint import measure_footprint
from costcalc.analysis.options import ExecutionOptions, TrainingOptions
from costcalc.analysis.report import Report, analyze_graph
from costcalc.analysis.training.step import cost_training
from costcalc.core.dim import Poly, symbols
from costcalc.core.errors import CostcalcError
from costcalc.core.ir import Graph
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.frontends.onnx.writer import serialize_graph
from costcalc.studies.diff.diff import diff
from costcalc.studies.diff.snapshot import snapshot
from costcalc.studies.reconcile.reconcile import reconcile_graph
from costcalc.studies.suggest.find import suggest
from costcalc.views.explain import explain_report, explanation_document
from costcalc.views.report import report_document

PARTS = 16
"""Parts of the list of operators, so that processes can share it."""

MAX_SYMBOLS = 3
"""Open extents of a model that is analysed: the limits of formulas have tests of their own."""

FUSED = ExecutionOptions(in_place=True, fuse=True, fuse_blocks=True, reorder=True, align=16)

ANALYSES: dict[str, Callable[[bytes, Graph, Report], Any]] = {
    "report": lambda data, graph, report: report_document(report),
    "explain": lambda data, graph, report: explanation_document(explain_report(report)),
    "memory": lambda data, graph, report: measure_footprint(graph),
    "fused memory": lambda data, graph, report: measure_footprint(graph, FUSED),
    "training": lambda data, graph, report: cost_training(report, TrainingOptions()),
    "diff": lambda data, graph, report: diff(snapshot(report), snapshot(report)),
    "reconcile": lambda data, graph, report: reconcile_graph(graph),
    "suggest": lambda data, graph, report: suggest(data),
    "export": lambda data, graph, report: serialize_graph(graph),
}


def check_figures(report: Report) -> None:
    """No figure is below 0 or no whole number."""
    for row in report.rows:
        for key in ("macs", "flops", "params", "weight_bytes", "activation_bytes", "traffic_bytes"):
            value = row[key]
            assert value is None or isinstance(value, Poly) or (type(value) is int and value >= 0), (
                row.name,
                key,
                value,
            )


def analyze_all(data: bytes, wirings: set[Any]) -> bool:
    """The bytes of a model -> whether it is read. Each analysis answers or refuses; of models whose second node differs
    in its attributes' values alone one is analysed, and added to wirings."""
    try:
        graph = load_onnx(data)
        if len(symbols(*(d for t in graph.types.values() for d in t.shape or ()))) > MAX_SYMBOLS:
            return True
        report = analyze_graph(graph)
    except CostcalcError:
        return False
    check_figures(report)
    node = graph.nodes[1]
    names = [name for name in (*node.inputs, *node.outputs) if name]
    wiring = (node.domain, node.inputs, node.outputs, tuple(graph.types[name][:2] for name in names))
    if wiring in wirings:
        return True
    wirings.add(wiring)
    for name, analysis in ANALYSES.items():
        try:
            analysis(data, graph, report)
        except CostcalcError as error:
            assert error.fact, name
    return True


@pytest.mark.parametrize("part", range(PARTS))
def test_every_analysis_of_mutated_nodes(part: int) -> None:
    for key in operators()[part::PARTS]:
        valid = find_valid(key)
        if valid is None:
            continue
        wirings: set[Any] = set()
        assert analyze_all(make_model(*valid).SerializeToString(), wirings), key
        for model in mutants(*valid):
            try:
                analyze_all(model.SerializeToString(), wirings)
            except Exception as error:
                raise AssertionError(f"{key}: {model.graph.node[1]}") from error


@pytest.mark.parametrize("part", range(PARTS))
def test_no_rule_fails_on_other_shapes(part: int) -> None:
    """Nodes with the inputs and attributes that the schema asks for, of any rank and extent: a refusal says what is
    wrong with them, not that a rule broke."""
    for key in operators()[part::PARTS]:
        for model in random_nodes(key, 12):
            try:
                analyze_graph(load_onnx(model.SerializeToString()))
            except CostcalcError as error:
                assert "fails with" not in str(error), (key, model.graph)


def test_a_valid_node_of_most_operators_is_known() -> None:
    assert sum(find_valid(key) is None for key in operators()) <= 24
