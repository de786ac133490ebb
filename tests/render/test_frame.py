"""Results as data frames: the types of columns, what is not known, numbers beyond 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.graphs import unknown

import costcalc
from costcalc.core.dim import symbol
from costcalc.core.errors import UsageError
from costcalc.render import frame
from costcalc.render.frame import find_type
from costcalc.views.table import Column, Table

LARGE = 3 * 10**19
"""More than int64 holds."""


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("number", [1, None, 2], "integer"),
        ("number", [2**63 - 1, -(2**63)], "integer"),
        ("number", [1, 2**63], "large"),
        ("number", [1, symbol("seq") * 3], "mixed"),
        ("number", [None, None], "integer"),
        ("bytes", [], "integer"),
        ("share", [0.5, None], "real"),
        ("figure", [1, 0.5], "real"),
        ("figure", [2**53 + 1, 0.5], "mixed"),
        ("figure", [True, None], "flag"),
        ("figure", [1, "yes"], "mixed"),
        ("name", ["a", ""], "text"),
        ("text", [None], "text"),
    ],
)
def test_a_column_has_the_narrowest_exact_type(kind: str, values: list[Any], expected: str) -> None:
    assert find_type(Column("x", "X", kind, 1), values) == expected


RESULTS: dict[str, tuple[Callable[[], Any], int]] = {
    "report": (lambda: costcalc.analyze("lenet5"), 15),
    "measured": (lambda: costcalc.analyze("lenet5", devices="t4", training=True), 15),
    "roofline": (lambda: costcalc.hardware("lenet5", "t4")[0], 15),
    "rooflines": (lambda: costcalc.hardware("lenet5", "t4", "a100"), 15),
    "comparison": (lambda: costcalc.compare("lenet5", "alexnet", devices="t4"), 2),
    "sweep": (lambda: costcalc.sweep("lenet5", dims={"N": [1, 2, 4]}), 3),
    "diff": (lambda: costcalc.diff("resnet18", "resnet34"), 56),
    "footprint": (lambda: costcalc.memory("lenet5"), 15),
    "reconciliation": (lambda: costcalc.reconcile("lenet5", tools=["thop"]), 3),
    "suggestions": (lambda: costcalc.suggest("lenet5"), 6),
    "check": (lambda: costcalc.check("lenet5", limits={"macs": "600k", "time.t4": "1s"}), 2),
    "table": (lambda: costcalc.table("lenet5", "alexnet"), 2),
    "llm": (lambda: costcalc.llm("gpt2", prompt=64, generate=8), 4),
    "rules": (lambda: costcalc.rule("CC001"), 1),
}

PANDAS_TYPES = {"Int64", "Float64", "boolean", "string", "object"}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_with_rows_is_a_pandas_frame(name: str) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    make, rows = RESULTS[name]
    made = make().to_pandas()
    assert len(made) == rows
    assert {str(kind) for kind in made.dtypes} <= PANDAS_TYPES
    assert made.columns.is_unique


@pytest.mark.parametrize("name", RESULTS)
def test_both_libraries_have_the_same_rows(name: str) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("polars", reason="polars is not installed")
    result = RESULTS[name][0]()
    one, other = result.to_pandas(), result.to_polars()
    assert list(one.columns) == other.columns
    for key in other.columns:
        assert [None if pandas.isna(value) else value for value in one[key]] == other[key].to_list()


def test_layers_sum_to_the_totals_of_the_report() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    report = costcalc.analyze("resnet18")
    made = report.to_pandas()
    assert str(made.dtypes["macs"]) == "Int64"
    assert {key: int(made[key].sum()) for key in ("macs", "flops", "params")} == {
        key: report.totals[key] for key in ("macs", "flops", "params")
    }
    blocks = report.to_pandas(by="op", columns="op,macs")
    assert list(blocks.columns) == ["op", "macs"] and int(blocks["macs"].sum()) == report.macs


def test_what_is_unknown_is_no_number() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    made = costcalc.analyze(unknown()).to_pandas()
    assert str(made.dtypes["macs"]) == "Int64"
    assert made.loc[made["state"] == "unknown", "macs"].isna().all()
    assert made["macs"].isna().any() and pandas.NA is made["macs"][made["macs"].isna()].iloc[0]


def test_a_formula_is_its_text() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    made = costcalc.analyze("bert_base").to_pandas()
    assert "589824*seq" in set(made["macs"]) and str(made.dtypes["macs"]) == "object"


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_number_beyond_64_bits_stays_exact(library: str) -> None:
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    table = Table("large", "", (Column("macs", "MACs", "number", 1),), ((LARGE,), (None,), (1,)))
    values = list(frame.make_frame(table, library)["macs"])
    assert int(values[0]) == LARGE and int(values[2]) == 1
    assert values[1] is (module.NA if library == "pandas" else None)


def test_a_lower_bound_is_told_in_a_column_of_its_own() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    made = costcalc.table(unknown(), "lenet5", columns="name,macs").to_pandas()
    assert list(made["certainty"]) == ["macs lower", ""]


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    report = costcalc.analyze("lenet5")
    for name in ("pandas", "polars"):
        with pytest.raises(UsageError, match=rf"needs {name}, which is not installed; pip install {name}"):
            getattr(report, f"to_{name}")()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_broken_library_is_not_said_to_be_missing(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ImportError("numpy has another ABI", name="numpy")

    monkeypatch.setattr("costcalc.render.frame.import_module", broken)
    with pytest.raises(ImportError, match="another ABI"):
        getattr(costcalc.analyze("lenet5"), f"to_{library}")()


def test_a_result_without_rows_is_refused() -> None:
    with pytest.raises(UsageError, match="Explanation has no rows"):
        costcalc.explain("lenet5").to_pandas()
    with pytest.raises(UsageError, match="no rows by 'layr'"):
        costcalc.analyze("lenet5").to_pandas(by="layr")
