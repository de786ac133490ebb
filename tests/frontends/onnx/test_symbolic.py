"""Open extents: totals as formulas, and what a bound formula gives is what the bound model gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from onnx import helper as h
from support.onnx_models import info, model, weight
from support.paths import ONNX_FILES, SHARED

import costcalc
from costcalc.analysis.report import Report, analyze_graph
from costcalc.core.dim import symbol
from costcalc.core.errors import CostcalcError
from costcalc.frontends.onnx.reader import load_onnx

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def analysed(source: str | bytes, **dims: Any) -> Report:
    return analyze_graph(load_onnx(source, dims))


def open_report(path: Path) -> Report:
    """A model with every extent open that can be, the batch too."""
    by_default = [n.removesuffix(" = 1 (default)") for n in analysed(str(path)).notes if n.endswith(" = 1 (default)")]
    return analysed(str(path), **{name: symbol(name) for name in by_default})


def assert_same(symbolic: Report, path: Path, dims: dict[str, int]) -> None:
    try:
        bound = analyze_graph(load_onnx(str(path), dims))
    except CostcalcError:
        with pytest.raises(CostcalcError):  # what does not fit is an assumption that does not hold
            symbolic.bind(dims)
        return
    found = symbolic.bind(dims)
    assert found.totals == bound.totals
    for a, b in zip(found.rows, bound.rows, strict=True):
        assert [o.type.shape for o in a.outputs] == [o.type.shape for o in b.outputs], a.name
        assert a.figures == b.figures, a.name


OPEN = re.compile(r"dyn(amic|hw|batch)$|llama7b_like_dyn$|ssdlite|fasterrcnn|toy_loop")
"""Files with open extents, or extents that depend on data."""
DYNAMIC = [path for path in sorted(ONNX_FILES.glob("*.onnx")) if OPEN.search(path.stem)]


def test_there_are_dynamic_models() -> None:
    assert len(DYNAMIC) >= 5


@pytest.mark.parametrize("path", DYNAMIC, ids=lambda p: p.stem)
def test_bind_then_cost_is_cost_then_bind(path: Path) -> None:
    symbolic = open_report(path)
    sizes = st.one_of(st.integers(1, 12), st.sampled_from([32, 64, 224]), st.integers(13, 700))

    @settings(max_examples=8, deadline=None, database=None)
    @given(st.fixed_dictionaries(dict.fromkeys(symbolic.open_symbols, sizes)))
    def check(dims: dict[str, int]) -> None:
        assert_same(symbolic, path, dims)

    check()


def shared() -> list[Any]:
    found = sorted((SHARED / "models").glob("*.onnx"))
    return [pytest.param(path, id=path.stem) for path in found if OPEN.search(path.stem)]


@pytest.mark.skipif(not shared(), reason="no ../shared")
@pytest.mark.parametrize("path", shared())
def test_every_shared_model(path: Path) -> None:
    symbolic = open_report(path)
    for sizes in ((1, 3, 5), (2, 128, 96), (3, 77, 51)):
        dims = {name: sizes[i % 3] for i, name in enumerate(symbolic.open_symbols)}
        assert_same(symbolic, path, dims)


def test_a_transformer_is_a_formula_in_its_sequence() -> None:
    """T5 small, 6 layers of 8 heads of 64: per layer 2·B·8·S²·64 MACs of attention; 4·512² + 2·512·2048 per token."""
    report = open_report(ONNX_FILES / "t5_small_encoder_eager__ts_dynamic.onnx")
    batch, seq = symbol("batch"), symbol("seq")
    layers, heads, size, width, hidden = 6, 8, 64, 512, 2048
    per_token = 4 * width * width + 2 * width * hidden
    assert report.macs == layers * batch * (2 * heads * size * seq * seq + per_token * seq)
    assert "6,144·batch·seq² + 18,874,368·batch·seq" in str(report)


def test_a_network_of_images_is_a_formula_in_height_and_width() -> None:
    """The first convolution of ResNet-18: 64 filters of 3·7·7 at every second position; the last layer: 512·1000."""
    report = open_report(ONNX_FILES / "resnet18__ts_dynhw.onnx")
    assert report.open_symbols == ("batch", "height", "width")
    batch, height, width = map(symbol, ("batch", "height", "width"))
    first = next(row for row in report.rows if row.op_type == "Conv")
    assert first["macs"] == batch * 64 * 3 * 7 * 7 * ((height + 1) // 2) * ((width + 1) // 2)
    assert report.bind({"batch": 1, "height": 224, "width": 224}).macs == 1_814_073_344


def test_a_decoder_with_a_cache_is_a_formula_in_past_and_new_positions() -> None:
    """One layer of 4 heads of 16: Q, K, V and output projections of seq tokens; scores against past_seq + seq keys."""
    shape = [h.make_tensor("heads", INT, [4], [0, 0, 4, 16])]
    nodes: list[Any] = []
    for name in "qkv":
        nodes.append(h.make_node("MatMul", ["x", f"w{name}"], [f"{name}0"]))
        nodes.append(h.make_node("Reshape", [f"{name}0", "heads"], [f"{name}1"]))
        nodes.append(h.make_node("Transpose", [f"{name}1"], [f"{name}2"], perm=[0, 2, 1, 3]))
    nodes += [
        h.make_node("Concat", ["past_k", "k2"], ["k"], axis=2),
        h.make_node("Concat", ["past_v", "v2"], ["v"], axis=2),
        h.make_node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        h.make_node("MatMul", ["q2", "kt"], ["scores"], name="scores"),
        h.make_node("Softmax", ["scores"], ["p"]),
        h.make_node("MatMul", ["p", "v"], ["mixed"], name="mixed"),
        h.make_node("Transpose", ["mixed"], ["m1"], perm=[0, 2, 1, 3]),
        h.make_node("Reshape", ["m1", "flat"], ["m2"]),
        h.make_node("MatMul", ["m2", "wo"], ["y"]),
    ]
    shape.append(h.make_tensor("flat", INT, [3], [0, 0, 64]))
    weights = [weight(f"w{n}", 64, 64) for n in "qkvo"]
    inputs = [info("x", FLOAT, ["batch", "seq", 64])]
    inputs += [info(f"past_{n}", FLOAT, ["batch", 4, "past_seq", 16]) for n in "kv"]
    data = model(nodes, inputs, ["y", "k", "v"], [*shape, *weights])
    report = analysed(data)
    past, seq = symbol("past_seq"), symbol("seq")
    assert report.macs == 4 * seq * 64 * 64 + 2 * 4 * 16 * seq * (past + seq)
    assert report.graph.types["k"].shape == (1, 4, past + seq, 16)
    assert "128·past_seq·seq + 128·seq² + 16,384·seq" in str(report)
    one_token = analysed(data, seq=1, past_seq=511)
    assert report.bind({"seq": 1, "past_seq": 511}).totals == one_token.totals
    assert one_token.macs == 4 * 64 * 64 + 2 * 4 * 16 * 512


def test_a_digit_that_is_no_number_is_a_name() -> None:
    assert "²" in str(costcalc.analyze("gpt2", dims={"seq": "²"}).macs)
