"""Quantities beyond the totals in a sweep, settings of all groups, and settings as axes."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper
from support.cli import ok
from support.onnx_models import info, model, weight

import costcalc
from costcalc import CostcalcError
from costcalc.rules import UsageError

WIDTHS: dict[str, Any] = {"alpha": [Fraction(1, 4), 1]}
ASKED = ("time.t4", "energy.t4", "fits.t4", "arena_bytes", "compulsory_bytes", "intensity", "training_bytes")


def figure(key: str, alpha: float) -> Any:
    """A figure with its certainty, as a diff of the model with itself has it."""
    return costcalc.diff("mobilenet", "mobilenet", quantities=ASKED, params={"alpha": alpha}).figures(key)[0]


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_point_has_the_figures_of_a_measurement(jobs: int) -> None:
    options: dict[str, Any] = {"execution": {"fuse": True}, "act_dtype": "float16", "dtype": "float16"}
    params = {"alpha": "0.25:1:0.01"} if jobs == 2 else WIDTHS  # 76 points are work for several processes
    found = costcalc.sweep("mobilenet", params=params, quantities=ASKED, jobs=jobs, **options)
    for row in list(found)[:: 25 if jobs == 2 else 1]:
        params = {"alpha": row["alpha"]}
        alone = costcalc.diff("mobilenet", "mobilenet", quantities=ASKED, params=params, **options)
        for key in (*ASKED, "peak_activation_bytes", "macs"):
            _, figure = alone.figures(key)
            assert not isinstance(figure, CostcalcError)
            assert row[key] == (float(figure.value) if isinstance(figure.value, Fraction) else figure.value), key
            assert (row["certainty"] or {}).get(key, "exact") == figure.certainty
        assert row["refused"] is None and row["error"] is None


def test_columns_follow_from_the_names() -> None:
    found = costcalc.sweep("lenet5", where="time.t4 < 1s", pareto="intensity:max", quantities="macs")
    assert found.columns[8:] == ("time.t4", "intensity", "lower_bound", "upper_bound", "certainty", "refused", "error")
    asked = costcalc.sweep("lenet5", devices="t4", training=True, execution={"align": 64}).columns
    assert asked[8:11] == ("arena_bytes", "backward_macs", "training_macs") and "fits.t4" in asked
    assert len(costcalc.sweep("lenet5").columns) == 8 + 5


def test_conditions_and_goals_measure_what_they_name() -> None:
    found = costcalc.sweep("mobilenet", params={"alpha": "0.25:1:0.25"}, sort="-time.t4", where="arena_bytes < 4MiB")
    times = [figure("time.t4", n / 4).value for n in (4, 3, 2, 1)]
    arenas = [figure("arena_bytes", n / 4).value for n in (4, 3, 2, 1)]
    kept = [float(time) for time, arena in zip(times, arenas, strict=True) if arena < 4 * 2**20]
    assert found["time.t4"] == kept and 0 < len(kept) < 4
    limit = f"time.t4 <= {float(times[1]) * 1e6 + 1e-6:.9f} us"
    fastest = costcalc.sweep("mobilenet", params={"alpha": "0.25:1:0.25"}, maximize="alpha", subject_to=limit)
    assert fastest["alpha"] == [0.75]


def test_rows_compete_in_a_quantity_by_what_is_better() -> None:
    """More operations for each byte are better; where a direction is written it counts."""
    params = {"alpha": "0.25:1:0.25"}
    found = costcalc.sweep("mobilenet", params=params, pareto="intensity")
    values = costcalc.sweep("mobilenet", params=params, sort="intensity")["intensity"]
    assert values == sorted(values) and found["intensity"] == [values[-1]]
    assert costcalc.sweep("mobilenet", params=params, pareto="intensity:min")["intensity"] == [values[0]]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"where": "time < 5ms"}, UsageError, "write time.t4"),
        ({"where": "time.t5 < 5ms"}, CostcalcError, "t5"),
        ({"where": "time.t4-1ms < 5ms"}, CostcalcError, "t4-1ms"),
        ({"where": "time.t4 < 5MS"}, UsageError, "is not understood"),
        ({"pareto": "arena_byte,params"}, UsageError, "did you mean 'arena_bytes'"),
        ({"quantities": ["speed"]}, UsageError, "there is no quantity 'speed'"),
        ({"vary": {"fuze": [True]}}, UsageError, "did you mean 'fuse'"),
        ({"vary": {"fuse": "1,2"}}, UsageError, "give True or False"),
        ({"vary": {"optimizer": "sgd,lion"}}, UsageError, "use one of sgd"),
        ({"vary": {"dtype": "int8,float7"}}, UsageError, "float7"),
        ({"vary": {"dims": "1"}}, UsageError, "there is no setting 'dims' to vary"),
    ],
)
def test_what_is_refused(options: dict[str, Any], error: type[CostcalcError], words: str) -> None:
    with pytest.raises(error, match=words):
        costcalc.sweep("lenet5", **options)


def test_a_quantity_that_the_model_does_not_have_is_an_empty_cell_with_its_reason() -> None:
    found = costcalc.sweep("lenet5", dims={"N": [1, 2]}, quantities=["kv_cache_bytes", "time.ethos-u55-256"])
    for row in found:
        assert row["kv_cache_bytes"] is None and row["time.ethos-u55-256"] is None and row["macs"] > 0
        assert list(row["refused"]) == ["kv_cache_bytes", "time.ethos-u55-256"] and row["error"] is None
        assert "has no figure for float32" in row["refused"]["time.ethos-u55-256"]
    printed = " ".join(str(found).split())
    assert "N=1 and 1 more: time.ethos-u55-256: the profile" in printed and "2 of 2 combinations " in printed
    assert len(costcalc.sweep("lenet5", where="kv_cache_bytes < 1")) == 0


def test_settings_are_axes() -> None:
    """Each combination is what the same settings give alone; an axis of training asks for it."""
    vary = {"dtype": ["int8", None], "fuse": "false,true", "optimizer": "sgd,adam"}
    found = costcalc.sweep("lenet5", vary=vary, params={"classes": [10, 20]})
    assert found.columns[:4] == ("classes", "dtype", "fuse", "optimizer") and len(found) == 2 * 2 * 2 * 2
    for row in list(found)[::3]:
        report = costcalc.analyze(
            "lenet5",
            params={"classes": row["classes"]},
            dtype=row["dtype"],
            execution={"fuse": row["fuse"] == "true" or row["fuse"] is True},
            training={"optimizer": row["optimizer"]},
        )
        for key in ("weight_bytes", "peak_activation_bytes", "training_bytes", "optimizer_bytes"):
            assert row[key] == report.totals[key], key
    assert costcalc.sweep("lenet5", vary={"symbolic": "false"}).columns[0] == "symbolic"


def test_notes_of_a_setting_that_varies_are_left_out() -> None:
    assert costcalc.sweep("lenet5", vary={"dtype": "int8,float16"}).notes == costcalc.sweep("lenet5").notes


def test_the_peak_of_an_execution_by_symbols() -> None:
    """Formulas give the totals; what is fused at a size is looked at at each."""
    dims = {"N": "1:80"}
    found = costcalc.sweep("lenet5", dims=dims, execution={"fuse": True, "in_place": True})
    for row in list(found)[::40]:
        one = costcalc.analyze("lenet5", dims={"N": row["N"]}, execution={"fuse": True, "in_place": True})
        assert row["peak_activation_bytes"] == one.totals["peak_activation_bytes"]


def test_what_a_decoder_generates_leaves_the_text_open() -> None:
    rows = costcalc.sweep("gpt2", vary={"prompt": [16, 32]}, generation={"generate": 4}, quantities="time.t4")
    for row, prompt in zip(rows, (16, 32), strict=True):
        alone = ok("llm", "gpt2", f"--prompt={prompt}", "--generate=4", "--format", "json")
        found = json.loads(alone)["generation"]
        figures = (found["cache"]["bytes"], found["prefill"]["macs"], found["steps"]["macs"], found["memory_bytes"])
        assert tuple(row[key] for key in ("kv_cache_bytes", "prompt_macs", "step_macs", "memory_bytes")) == figures
        assert row["macs"] is None and "it depends on seq" in row["refused"]["macs"]
        assert row["params"] == found["params"]


def test_certainty_is_told_for_each_figure(tmp_path: Path) -> None:
    """Parameters are exact beside an operator without a rule; its MACs are missing in a lower bound."""
    x = info("x", TensorProto.FLOAT, ["N", 3, 6, 6])
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"]), helper.make_node("Mystery", ["y"], ["z"], domain="com.acme")]
    path = tmp_path / "odd.onnx"
    path.write_bytes(model(nodes, [x], ["z"], [weight("w", 5, 3, 3, 3)], opsets={"com.acme": 1}))
    plain, more = (costcalc.sweep(path, dims={"N": [1, 2]}, quantities=q) for q in ((), ("time.t4", "arena_bytes")))
    for row in (*plain, *more):
        words = row["certainty"]
        assert words["macs"] == words["peak_activation_bytes"] == "lower" and "params" not in words
    assert [words.get("time.t4") for words in more["certainty"]] == ["lower", "lower"]
    said = str(plain).split("\n")
    assert f"≥ {5 * 16 * 27:,}" in said[3] and "≥ 135" not in said[3]


def test_a_graph_that_is_built_already_is_measured_too() -> None:
    graph = costcalc.load("lenet5")
    assert (
        costcalc.sweep(graph, quantities="time.t4")["time.t4"]
        == costcalc.sweep("lenet5", where="time.t4 > 0s")["time.t4"]
    )
    with pytest.raises(UsageError, match="a graph is built already"):
        costcalc.sweep(graph, vary={"dtype": "int8"})


BOARD = """\
name: Board
kind: microcontroller
variant: rev 1
seen: 2026-01-31
peak:
  float32: {value: 1 G, source: datasheet}
energy:
  measured:
    float32: {value: 950, source: power analyser}
"""


@pytest.mark.parametrize(
    "limit",
    [
        {"where": "energy.stm32h743 < 1mJ"},
        {"where": "params < 1G and energy < 1mJ"},
        {"minimize": "macs", "subject_to": "energy.stm32h743 < 1mJ"},
    ],
)
def test_a_condition_on_an_energy_needs_a_measured_one(limit: Any, tmp_path: Path) -> None:
    """As in check and diff: the circuits' energy is no limit's figure. It may be a column, and rows go in its order."""
    board = tmp_path / "board.yaml"
    board.write_text(BOARD, encoding="utf-8")
    with pytest.raises(UsageError, match=r"energy\.stm32h743: the profile stm32h743 has no measured energy"):
        costcalc.sweep("lenet5", devices=["stm32h743"], **limit)
    measured = {key: text.replace("energy.stm32h743", f"energy.'{board}'") for key, text in limit.items()}
    assert len(costcalc.sweep("lenet5", devices=[str(board)], **measured).rows) == 1
    assert len(costcalc.sweep("lenet5", quantities=["energy.stm32h743"], sort="energy.stm32h743").rows) == 1


def test_an_energy_is_measured_in_each_combination_or_not_known(tmp_path: Path) -> None:
    """416,520 MACs at 950 pJ in float32; the profile has no measured energy of int8, and its circuits' is no stand-in."""
    board = tmp_path / "board.yaml"
    board.write_text(BOARD, encoding="utf-8")
    vary = {"dtype": ["float32", "int8"], "act_dtype": ["float32", "int8"]}
    column = f"energy.'{board}'"
    sweep = costcalc.sweep("lenet5", vary=vary, quantities=[f"energy.{board}"])
    amounts = {(row["dtype"], row["act_dtype"]): row[f"energy.{board}"] for row in sweep}
    assert amounts["float32", "float32"] == float(Fraction(416_520 * 950, 10**12))
    assert amounts["int8", "int8"] is None
    kept = costcalc.sweep("lenet5", vary=vary, where=f"{column} < 1J")
    assert ("int8", "int8") not in {(row["dtype"], row["act_dtype"]) for row in kept}
