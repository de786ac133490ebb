"""Every one-operator model of ONNX's backend tests is analysed, and its outputs have the expected types."""

from __future__ import annotations

from typing import Any

from onnx import ModelProto
from support.onnx_cases import as_proto, node_cases, with_inputs_stored
from support.paths import ROOT

from costcalc.analysis.report import analyze_graph
from costcalc.core.ir import Graph, SequenceType, TensorType
from costcalc.frontends.onnx.reader import load_onnx

CASES = 1884
"""Models of onnx 1.23."""
AGREE = 1847
"""Those whose every output has the expected element type and shape, the inputs' values given."""
BY_DATA = ("ImageDecoder", "NonMaxSuppression", "StringNormalizer", "StringSplit", "Unique")
"""The outputs of all others depend on data that costcalc does not read: pixels, scores, words."""


def analysed(model: ModelProto) -> Graph:
    graph = load_onnx(model.SerializeToString())
    analyze_graph(graph).to_dict()
    return graph


def differs(found: TensorType, expected: Any) -> str:
    """What is wrong about an output's type; "" where nothing is."""
    if isinstance(expected, list):
        if not isinstance(found, SequenceType) or found.items is None:
            return ""  # a sequence that is an input has an open length
        pairs = [differs(item, value) for item, value in zip(found.items, expected, strict=True)]
        return next(filter(None, pairs), "")
    proto = as_proto(expected)
    if proto is None:
        return ""
    if found.shape is None or any(not isinstance(d, int) for d in found.shape):
        return "open"
    if found.shape != tuple(proto.dims) or found.dtype.code != proto.data_type:
        return f"{found[:2]} instead of {proto.data_type} {list(proto.dims)}"
    return ""


def declares_zero(model: ModelProto) -> bool:
    """A declared extent of 0 is what exporters write for one that is open."""
    return any(d.dim_value == 0 for i in model.graph.input for d in i.type.tensor_type.shape.dim)


def test_backend_models() -> None:
    """As they are, no output has another shape than the expected one: it has that, or symbols where it depends on an
    input's values. With these given, it has that, unless it depends on data that costcalc does not read."""
    wrong: list[str] = []
    still_open: set[str] = set()
    agree = 0
    for case in node_cases():
        inputs, outputs = case.data_sets[0]
        for given, model in ((False, case.model), (True, with_inputs_stored(case.model, inputs))):
            if not given and declares_zero(model):
                continue
            graph = analysed(model)
            found = [differs(graph.types[o.name], e) for o, e in zip(model.graph.output, outputs, strict=True)]
            wrong += [f"{case.name}: {what}" for what in found if what not in ("", "open")]
            if given and any(found):
                still_open.add(model.graph.node[0].op_type)
            agree += given and not any(found)
    assert not wrong
    assert still_open == set(BY_DATA)
    if len(node_cases()) == CASES:
        assert agree == AGREE
    else:
        assert agree > 0.97 * len(node_cases())


def test_the_documentation_quotes_these_numbers() -> None:
    page = " ".join((ROOT / "docs" / "how-to" / "export-models.md").read_text(encoding="utf-8").split())
    assert f"{CASES:,} one-operator models" in page
    assert f"{AGREE:,} agree" in page
