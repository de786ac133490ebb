"""A diff as tables, JSON and CSV: totals, causes that sum to them, the layers that changed, and hostile names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from support import cli
from support.graphs import unknown
from support.versions import net, versions, words

import costcalc
from costcalc.rules import DType, Graph, GraphBuilder

STEM = "conv: {filters: 4, kernel: 3, pad: same, bias: false}"
HOSTILE = "\x1b[31m[red]|<b>`x`\n::set-output name=a::b=HYPERLINK(1)"
BEFORE = (STEM, "relu", "batch_norm", "{conv: {filters: 6, kernel: 1}, as: last}", "relu")
AFTER = (
    STEM.replace("3", "5"),
    "batch_norm",
    "{conv: {filters: 6, kernel: 1}, as: head}",
    "relu",
    "max_pool: {kernel: 2}",
)
"""A kernel and a channel change; a layer is renamed, one is new, one is gone."""


@pytest.fixture
def example(here: Path) -> tuple[str, str]:
    """The names of two files, with those layers."""
    for name, layers in (("net.yaml", BEFORE), ("new.yaml", AFTER)):
        lines = "".join(f"\n  - {layer}" for layer in layers)
        Path(name).write_text(f"name: Net\ninput: [N, 8, 16, 16]\nlayers:{lines}\n", encoding="utf-8")
    return "net.yaml", "new.yaml"


def tables(before: Any, after: Any, top: int | None = None) -> tuple[Any, ...]:
    return costcalc.diff(before, after).tables(top)


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_as_tables(
    form: str, example: tuple[str, str], gold: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    gold(f"diff_{form}.txt", cli.ok("diff", *example, "--format", form).rstrip("\n"))


def check_sums(found: tuple[Any, ...]) -> None:
    """The rows of each table, and the one for the rest, add up to its last line, and that says what the totals say."""
    totals, *others = found
    rises = {row[0]: row[3] for row in totals.rows}
    for one in others:
        for i, column in enumerate(one.columns):
            if column.kind == "change" and one.total_row is not None:
                rows = [*one.rows, *([one.remainder_row] if one.remainder_row else [])]
                assert sum(row[i] for row in rows) == one.total_row[i] == rises.get(column.title.removeprefix("Δ "), 0)


def test_the_parts_sum_to_the_totals() -> None:
    for before, after in ((net(*BEFORE), net(*AFTER)), ("resnet34", "resnet50")):
        check_sums(tables(before, after))


@settings(max_examples=25)
@given(versions())
def test_they_do_after_random_edits(pair: tuple[list[str], list[str], int, int]) -> None:
    old, new, size, new_size = pair
    check_sums(tables(net(*old, size=size), net(*new, size=new_size) if new else net("relu", size=new_size), 3))


def test_the_largest_of_a_long_list_and_a_row_for_the_rest() -> None:
    *_, whole = tables("resnet34", "resnet50")
    *_, cut = tables("resnet34", "resnet50", 5)
    assert len(cut.rows) == 5 and cut.remainder_row is not None
    assert [row for row in whole.rows if row in cut.rows] == list(cut.rows)
    assert cut.remainder_row[1] == f"({len(whole.rows) - 5} more)"
    assert cut.total_row == whole.total_row
    assert all(row[0] in ("added", "removed", "changed") for row in cut.rows)


def test_no_difference() -> None:
    (only,) = tables("lenet5", "lenet5")
    assert [row[3] for row in only.rows] == [0, 0]
    assert only.notes[0] == ("No difference", "all 15 layers are the same", False)


def test_what_is_not_known_is_no_number() -> None:
    """The operator behind a convolution is one that nobody knows in the second version."""
    b = GraphBuilder("unknown", "made", {"": 17})
    x, w = b.add_input("x", DType.FLOAT32, (1, 3, 6, 6)), b.add_initializer("w", DType.FLOAT32, (5, 3, 3, 3))
    (y,) = b.add("Conv", [x, w], name="conv")
    for name in ("mystery", "relu"):
        (y,) = b.add("Relu", [y], name=name)
    found = costcalc.diff(b.build([y]), unknown())
    total = found.to_dict()["totals"]["flops"]
    assert (total["difference"], total["lower_bound"]) == (None, True)
    assert "FLOPs" in str(found) and "≥" in str(found) and "?" in str(found)
    assert "com.acme:Mystery × 1 after: totals marked ≥ are lower bounds" in str(found)


def test_json() -> None:
    content = json.loads(json.dumps(costcalc.diff(net(*BEFORE), net(*AFTER)).to_dict()))
    assert content["counts"] == {"added": 1, "removed": 1, "changed": 1, "follows": 0, "renamed": 1, "same": 2}
    assert content["totals"]["macs"] == {
        "before": 16 * 16 * (4 * 8 * 9 + 6 * 4),
        "after": 16 * 16 * (4 * 8 * 25 + 6 * 4),
        "difference": 16 * 16 * 4 * 8 * 16,
        "ratio": 16 * 4 * 8 / (4 * 8 * 9 + 6 * 4),
        "lower_bound": False,
        "certainty": {"before": "exact", "after": "exact"},
    }
    assert content["causes"]["macs"] == {"kernel": 16 * 16 * 4 * 8 * 16}
    by_status = {layer["status"]: layer for layer in content["layers"]}
    assert (by_status["renamed"]["before"], by_status["renamed"]["after"]) == ("last", "head")
    assert by_status["changed"]["change"] == "kernel 3×3 → 5×5"
    assert by_status["added"]["before"] is None


def test_csv_has_a_row_for_each_layer_that_changed(example: tuple[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(cli.ok("diff", *example, "--format", "csv"))))
    assert [row["status"] for row in rows] == ["changed", "removed", "renamed", "added"]
    assert (rows[0]["model"], rows[0]["layer"], rows[0]["change"]) == ("Net", "conv", "kernel 3×3 → 5×5")
    assert int(rows[0]["macs_after"]) - int(rows[0]["macs_before"]) == 16 * 16 * 4 * 8 * 16


def one_layer(name: str) -> Graph:
    b = GraphBuilder(name, name, {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 3, 6, 6))
    return b.build(b.add("Relu", [x], {f"__{name}": name}, name=name))


@pytest.mark.parametrize("columns", [None, *range(40, 130, 10)])
def test_hostile_names(columns: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """At no width does a line begin with what the log of a CI takes for a command."""
    if columns is not None:
        monkeypatch.setenv("COLUMNS", str(columns))
    found = costcalc.diff(one_layer("plain"), one_layer(HOSTILE))
    for text in (str(found), found._repr_html_()):
        assert "\x1b" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "<b>" not in found._repr_html_()
    assert json.dumps(found.to_dict())


def test_in_the_api() -> None:
    found = costcalc.diff("resnet34", "resnet50")
    assert repr(found) == f"<Diff resnet34 → resnet50: {len(found.changes)} of {len(found.layers)} layers>"
    assert str(found).startswith("ResNet-34 → ResNet-50  resnet34 → resnet50\n")
    assert "<table" in found._repr_html_()
    assert found.to_dict()["totals"]["macs"]["after"] == costcalc.analyze("resnet50").macs
    batch = costcalc.diff("lenet5", costcalc.analyze("lenet5"), dims={"N": 2})
    assert batch.causes["macs"].keys() == {"batch"}


def test_a_cause_that_its_name_does_not_tell_is_told_below() -> None:
    relu, biased = "conv: {filters: 8, kernel: 3, bias: false}", "conv: {filters: 8, kernel: 3}"
    causes = tables(net(relu), net(biased, size=20))[1]
    assert [remark.label for remark in causes.notes] == ["resolution", "other"]
    assert tables(net(relu), net(relu, relu))[1].notes == ()


def test_inputs_that_changed_are_named_and_nothing_is_said_of_no_difference() -> None:
    text = str(costcalc.diff(net("relu", size=128), net("relu", size=256)))
    assert "1×8×128×128 → 1×8×256×256" in text
    swapped = str(costcalc.diff(net("relu"), net("gelu")))
    assert "Relu → Gelu" in swapped and "Δ" not in swapped


def test_padding_that_keeps_up_with_a_kernel_is_no_change_by_itself() -> None:
    def said(before: str, after: str) -> list[str]:
        return words(costcalc.diff(net(before), net(after)))

    one, wide = "conv: {filters: 8, kernel: 1}", "conv: {filters: 8, kernel: 3, pad: same}"
    assert said(wide, one) == ["kernel 3×3 → 1×1"]
    assert said(wide, wide.replace("same", "same, dilation: 2")) == ["dilation 1 → 2"]
    assert said("conv: {filters: 8, kernel: 3, pad: 2}", "conv: {filters: 8, kernel: 3, pad: 1}") == ["pad 2 → 1"]
