"""A sweep gives what one analysis after the other gives, whichever way its points are computed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper
from support.builtin import NAMES
from support.onnx_models import info, model, weight

import costcalc
from costcalc import CostcalcError
from costcalc.rules import LoadError, ShapeError, UnknownNameError, UsageError
from costcalc.studies.sweep import batches as batch
from costcalc.studies.sweep import executor
from costcalc.studies.sweep.recipe import prepare_sweep


def alone(model: Any, **options: Any) -> dict[str, Any]:
    """The figures of one analysis."""
    return dict(costcalc.analyze(model, **options).totals)


TOTALS = tuple(costcalc.analyze("lenet5").totals)


def figures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in TOTALS}


@pytest.mark.parametrize("name", NAMES)
def test_totals_are_those_of_a_report(name: str) -> None:
    report = costcalc.analyze(name, dims={"seq": 100} if "seq" in costcalc.analyze(name).open_symbols else {})
    (found,) = costcalc.sweep(report.graph, jobs=1)
    assert figures(found) == dict(report.totals)
    assert (found["lower_bound"], found["upper_bound"]) == (report.lower_bound, report.upper_bound)


def test_a_grid_of_mobilenets_equals_one_by_one() -> None:
    found = costcalc.sweep(
        "mobilenet_v2",
        params={"alpha": "0.5:1.5:0.25", "resolution": range(96, 225, 32), "expansion": [1, 3, 6]},
        jobs=1,
    )
    assert len(found) == found.points == 5 * 5 * 3 and found.invalid == 0
    assert found["alpha"][:15] == [0.5] * 15 and found["expansion"][:3] == [1, 3, 6]
    rows = list(found)
    for row in random.Random(5).sample(rows, 12):
        params = {k: row[k] for k in ("alpha", "resolution", "expansion")}
        assert figures(row) == alone("mobilenet_v2", params=params)
    paper = next(r for r in rows if (r["alpha"], r["resolution"], r["expansion"]) == (1, 224, 6))
    assert (paper["macs"], paper["params"]) == (300_774_272, 3_504_872)


def test_several_processes_give_the_same_in_the_same_order() -> None:
    asked: dict[str, Any] = {"params": {"alpha": "0.5:1:0.25", "resolution": "32:224:4"}}
    one, two = costcalc.sweep("mobilenet", jobs=1, **asked), costcalc.sweep("mobilenet", jobs=2, **asked)
    assert one == two and len(one) == 3 * 49


def test_formulas_give_what_is_built() -> None:
    dims: dict[str, Any] = {"N": "1,2,100000000007", "H": "32:71:13", "W": "33:230:29"}
    found = costcalc.sweep("resnet18", dims=dims)
    assert found.points == 3 * 4 * 7 >= batch.MIN_FORMULA_POINTS
    for row in random.Random(1).sample(list(found), 9):
        bound = {name: row[name] for name in dims}
        assert figures(row) == alone("resnet18", dims=bound, symbolic=True)
    assert max(found["flops"]) > 2**63  # the column of N = 100,000,000,007 is of Python's integers


@pytest.mark.parametrize("name", ["googlenet", "unet", "vit_b_16", "bert_base", "lstm_classifier", "densenet121"])
def test_open_symbols_of_other_models(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak of most has no formula: it is the greatest of what the steps need."""
    monkeypatch.setattr(batch, "MIN_FORMULA_POINTS", 4)
    graph = costcalc.load(name, symbolic=True, dims={} if name not in ("bert_base", "lstm_classifier") else {"N": "N"})
    dims = {
        "N": [1, 3],
        **({"H": [64, 97], "W": [224, 161]} if "image" in name or _is_image(graph) else {"seq": [5, 128]}),
    }
    found = costcalc.sweep(name, dims=dims, jobs=1)
    every = [(row, {k: row[k] for k in dims}) for row in found]
    assert len(every) == found.points
    for row, bound in every[::3]:
        if row["error"] is None:
            assert figures(row) == alone(name, dims=bound, symbolic=_is_image(graph))
        else:
            with pytest.raises(CostcalcError):
                alone(name, dims=bound, symbolic=_is_image(graph))


def _is_image(graph: Any) -> bool:
    return len(graph.types[graph.inputs[0]].shape) == 4


def test_a_point_that_breaks_an_assumption_is_its_own() -> None:
    """gpt2 has 1,024 positions: `seq <= 1024` is assumed of the open graph, and a longer text is no model."""
    found = costcalc.sweep("gpt2", dims={"seq": "1000:1100"})
    assert found.invalid == 1100 - 1024 and len(found) == 101
    for row in list(found)[20:30]:
        assert (row["error"] is None) == (row["seq"] <= 1024)
        if row["error"] is None:
            assert figures(row) == alone("gpt2", dims={"seq": row["seq"]})
        else:
            assert row["macs"] is None and "gpt2.yaml:" in row["error"]
    with pytest.raises(ShapeError):
        costcalc.sweep("gpt2", dims={"seq": "1000:1100"}, strict=True)


def test_a_first_combination_that_is_invalid_loses_none_of_the_others() -> None:
    """What the model has is learnt from one that is valid: its name, its open extents, the batch."""
    found = costcalc.sweep("resnet18", params={"classes": ["x", 10]}, dims={"H": [64, 128], "W": 64})
    assert (found.name, found.invalid, len(found)) == ("ResNet-18", 2, 4)
    assert found.notes == ("N = 1 by default (--dim N=…)",)
    assert figures(list(found)[3]) == alone(
        "resnet18", params={"classes": 10}, dims={"H": 128, "W": 64, "N": 1}, symbolic=True
    )


def test_a_file_that_is_no_model_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.write_bytes(b"")
    with pytest.raises(LoadError, match="the file is empty"):
        costcalc.sweep(path, dims={"N": [1, 2]})


def test_choices_block_by_block(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("""
params: {kernels: [3, 3, 3], acts: [relu, relu, relu]}
input: [N, 3, 8, 8]
layers:
  - repeat:
      for: [k, act]
      in: [kernels, acts]
      layers: [{conv: {filters: 4, kernel: k, pad: same, bias: false}}, act]
""")
    found = costcalc.sweep(path, params={"kernels[*]": "1,3,5", "acts.2": "relu,identity"})
    assert found.columns[:4] == ("kernels_0", "kernels_1", "kernels_2", "acts_2") and found.points == 3 * 3 * 3 * 2
    for row in found:
        k = [row[f"kernels_{i}"] for i in range(3)]
        assert row["macs"] == 8 * 8 * (k[0] ** 2 * 3 * 4 + (k[1] ** 2 + k[2] ** 2) * 4 * 4)
    drawn = costcalc.sweep(path, params={"kernels[*]": "1,3,5", "acts.2": "relu,identity"}, sample=7, seed=3)
    assert len(drawn) == 7 and set(drawn.rows) <= set(found.rows)
    assert drawn == costcalc.sweep(path, params={"kernels[*]": "1,3,5", "acts.2": "relu,identity"}, sample=7, seed=3)


def test_a_graph_that_is_built_already() -> None:
    graph = costcalc.load("bert_base")
    found = costcalc.sweep(graph, dims={"seq": [7, 128]})
    assert [figures(row) for row in found] == [alone("bert_base", dims={"seq": n}) for n in (7, 128)]


@pytest.mark.parametrize(
    ("model", "options", "error", "said"),
    [
        ("mobilenet_v2", {"params": {"alfa": [1, 2]}}, UnknownNameError, "did you mean 'alpha'"),
        ("mobilenet_v2", {"params": {"alfa.1": [1, 2]}}, UnknownNameError, "no parameter 'alfa'"),
        ("resnet50", {"dims": {"Q": [1, 2]}}, UnknownNameError, "no symbol 'Q'"),
        ("resnet50", {"dims": {"H": [64, 128]}}, UsageError, "W is open.*--dim W="),
        ("gpt2", {"params": {"depth": [1, 2]}}, UsageError, "seq is open"),
        ("-", {}, UsageError, "standard input comes once"),
        ("nothing", {}, CostcalcError, "no file and no built-in model"),
        ("lenet5", {"where": "macz < 1"}, UsageError, "did you mean 'macs'"),
        ("lenet5", {"subject_to": "macs < 1"}, UsageError, "stands alone"),
        ("lenet5", {"params": {"classes": range(10**6)}, "dims": {"N": "1:100000"}}, UsageError, "take a sample"),
    ],
)
def test_what_is_wrong_with_the_whole(model: str, options: Any, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        costcalc.sweep(model, **options)


def test_the_result_is_plain_data() -> None:
    found = costcalc.sweep("mobilenet", params={"alpha": [0.25, 1], "classes": [10]})
    assert found.axes[0].values == (Fraction(1, 4), 1)
    assert [type(row["alpha"]) for row in found] == [float, float]
    assert "2 of 2 combinations" in str(found) and "<table" in found._repr_html_()
    assert repr(found) == "<Sweep MobileNet v1: 2 rows of 2 combinations>"
    with pytest.raises(UsageError, match="did you mean 'params'"):
        found["parms"]


def test_points_that_no_formula_stands_for_come_as_they_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 sizes in one block by formulas, in batches of 16 where each is built; the same rows."""
    recipe = prepare_sweep("lenet5", {}, {"N": "1:100"}).recipe
    by_formula = list(executor.row_blocks(recipe, range(100), 1))
    assert [len(block) for block in by_formula] == [100]
    monkeypatch.setattr(batch, "find_formulas", lambda *_: None)
    built = list(executor.row_blocks(prepare_sweep("lenet5", {}, {"N": "1:100"}).recipe, range(100), 1))
    assert [len(block) for block in built] == [batch.BATCH_POINTS] * 6 + [4]
    assert [row for block in built for row in block] == by_formula[0]


def test_figures_without_an_unknown_operator_are_marked_and_said_to_be_lower_bounds(tmp_path: Path) -> None:
    """A condition cannot tell more than the figure: the row stays, and the reader is told."""
    x = info("x", TensorProto.FLOAT, ["N", 3, 6, 6])
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"]), helper.make_node("Mystery", ["y"], ["z"], domain="com.acme")]
    path = tmp_path / "odd.onnx"
    path.write_bytes(model(nodes, [x], ["z"], [weight("w", 5, 3, 3, 3)], opsets={"com.acme": 1}))
    said = " ".join(str(costcalc.sweep(path, dims={"N": [1, 2]}, where="macs < 3000")).split())
    assert f"≥ {5 * 16 * 27:,}" in said and "Rows 1 of 2" in said
    assert "an operator has no rule in some: figures marked ≥ are lower bounds" in said
    assert "lower bounds" not in str(costcalc.sweep("lenet5", dims={"N": [1, 2]}))
