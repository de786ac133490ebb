"""Exported models against what ONNX Runtime showed when it ran them: MACs, MACs per operator, every tensor's shape."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.paths import ONNX_FILES, SHARED

from costcalc.analysis.report import analyze_graph
from costcalc.frontends.onnx.reader import load_onnx

FIGURES: dict[str, Any] = json.loads((ONNX_FILES / "figures.json").read_text())
OPEN = {"NonZero", "NonMaxSuppression", "If", "Loop"}


def disagreements(path: Path, truth: dict[str, Any]) -> list[str]:
    declared = truth.get("inputs_declared") or {}
    shapes = {k: v for k, v in (truth.get("inputs") or {}).items() if v and v != declared.get(k)}
    report = analyze_graph(load_onnx(str(path), {}, shapes, truth.get("values") or {}))
    by_data = "values" not in truth and not OPEN.isdisjoint(row.op_type for row in report.rows)
    found: list[str] = []
    by_op: Counter[str] = Counter()
    for row in report.rows:
        macs = row["macs"]
        if isinstance(macs, int):
            by_op[row.op_type] += macs
        for output in row.outputs:
            shape = list(output.type.shape or (None,))
            want = truth["tensor_shapes"].get(output.name)
            if output.type.shape == ():
                shape = []
            if want is not None and shape != want and not (by_data and not all(isinstance(d, int) for d in shape)):
                found.append(f"{output.name}: {shape} != {want}")
    if not by_data:
        if report.macs != truth["macs"]:
            found.append(f"macs {report.macs} != {truth['macs']}")
        found += [f"{op}: {by_op[op]} != {n}" for op, n in (truth.get("macs_by_op") or {}).items() if by_op[op] != n]
    return found


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_figures(name: str) -> None:
    assert disagreements(ONNX_FILES / f"{name}.onnx", FIGURES[name]) == []


@pytest.mark.parametrize("name", sorted(n for n in FIGURES if "params_headline" in FIGURES[n] and "quant" not in n))
def test_parameters(name: str) -> None:
    """Learned values and buffers together are what the files store as floats."""
    truth = FIGURES[name]
    shapes = {k: v for k, v in truth["inputs"].items() if v}
    totals = analyze_graph(load_onnx(str(ONNX_FILES / f"{name}.onnx"), {}, shapes, truth.get("values") or {})).totals
    assert totals["params"] + totals["buffers"] == truth["params_headline"]


def shared() -> list[Any]:
    truths = sorted((SHARED / "truth" / "onnx").glob("*.json")) if SHARED.is_dir() else []
    return [pytest.param(path, id=path.stem) for path in truths]


@pytest.mark.skipif(not shared(), reason="no ../shared")
@pytest.mark.parametrize("path", shared())
def test_shared_models(path: Path) -> None:
    truth = json.loads(path.read_text())
    assert disagreements(SHARED / "models" / f"{truth['model']}.onnx", truth) == []
