"""A diff as tables, JSON and CSV: totals, causes that sum to them, the layers that changed, and hostile names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from support.snapshots import net, of

import costcalc
from costcalc.render import render_tables as render
from costcalc.render.terminal import Screen
from costcalc.studies.diff.diff import Diff, diff
from costcalc.studies.diff.snapshot import Snapshot
from costcalc.views.diff import diff_tables
from costcalc.views.diff_document import diff_document, layer_changes_table
from costcalc.views.table import Column, Table

STEM = "conv: {filters: 4, kernel: 3, pad: same, bias: false}"
HOSTILE = "\x1b[31m[red]|<b>`x`\n::set-output name=a::b=HYPERLINK(1)"


def named(snapshot: Snapshot, name: str = "Net") -> Snapshot:
    return replace(snapshot, name=name, source=f"{name.lower()}.yaml")


def example() -> Diff:
    """A kernel and a channel change; a layer is renamed, one is new, one is gone."""
    before = named(net(STEM, "relu", "batch_norm", "{conv: {filters: 6, kernel: 1}, as: last}", "relu"))
    after = named(
        net(
            STEM.replace("3", "5"),
            "batch_norm",
            "{conv: {filters: 6, kernel: 1}, as: head}",
            "relu",
            "max_pool: {kernel: 2}",
        )
    )
    return diff(before, replace(after, source="new.yaml"))


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_as_tables(form: str, gold: Callable[[str, str], None]) -> None:
    gold(f"diff_{form}.txt", render(form, diff_tables(example()), Screen(100)))


def test_the_parts_sum_to_the_totals() -> None:
    for found in (example(), diff(of("resnet34"), of("resnet50"))):
        totals, causes, layers = diff_tables(found)
        rises = {row[0]: row[3] for row in totals.rows}
        assert causes.total_row is not None and layers.total_row is not None
        for column, total in zip(causes.columns[1:], causes.total_row[1:], strict=True):
            assert total == rises[column.title]
            at = causes.columns.index(column)
            assert sum(row[at] for row in causes.rows) == total
        assert layers.total_row[6] == rises["MACs"] == sum(row[6] for row in layers.rows)


def test_the_largest_of_a_long_list_and_a_row_for_the_rest() -> None:
    found = diff(of("resnet34"), of("resnet50"))
    *_, whole = diff_tables(found)
    *_, cut = diff_tables(found, 5)
    assert len(cut.rows) == 5 and cut.remainder_row is not None
    assert [row for row in whole.rows if row in cut.rows] == list(cut.rows)
    assert cut.remainder_row[1] == f"({len(whole.rows) - 5} more)"
    assert (
        cut.remainder_row[6] + sum(row[6] for row in cut.rows)
        == found.after.totals["macs"] - found.before.totals["macs"]
    )
    assert cut.total_row == whole.total_row
    assert all(row[0] in ("added", "removed", "changed") for row in cut.rows)


def test_no_difference() -> None:
    (only,) = diff_tables(diff(of("lenet5"), of("lenet5")))
    assert [row[3] for row in only.rows] == [0, 0]
    assert only.notes[0] == ("No difference", "all 15 layers are the same", False)


def test_a_model_that_is_new_or_gone() -> None:
    model = of("lenet5")
    nothing = replace(model, source="", layers=(), totals=dict.fromkeys(model.totals, 0))
    totals, layers = diff_tables(diff(nothing, model))
    assert (totals.title, totals.subtitle) == ("LeNet-5", "new: lenet5")
    assert layers.subtitle == "+ 15 added"
    totals, layers = diff_tables(diff(model, nothing))
    assert totals.subtitle == "no longer there: lenet5"
    assert totals.rows[0][1:4] == (model.totals["macs"], 0, -model.totals["macs"])
    assert diff_document(diff(model, nothing))["after"] is None


def test_what_is_not_known_is_no_number() -> None:
    before = named(net(STEM, "relu"))
    unknown = {**before.layers[1].amounts, "macs": None, "flops": None}
    odd = replace(before.layers[1], op_type="Mystery", domain="acme", amounts=unknown, state="unknown")
    after = replace(before, layers=(before.layers[0], odd), unknown={"acme:Mystery": 1})
    totals = diff_document(diff(before, after))["totals"]
    assert (totals["flops"]["difference"], totals["flops"]["lower_bound"]) == (None, True)
    text = render("table", diff_tables(diff(before, after)), Screen(100))
    assert "FLOPs" in text and "≥" in text and "?" in text
    assert "acme:Mystery × 1 after: totals marked ≥ are lower bounds" in text


def test_json() -> None:
    found = example()
    content = json.loads(json.dumps(diff_document(found)))
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


def test_csv_has_a_row_for_each_layer_of_all_models() -> None:
    found = example()
    rows = list(csv.DictReader(io.StringIO(render("csv", [layer_changes_table([found, found])], Screen()))))
    assert len(rows) == 2 * len(found.changes)
    assert (rows[0]["model"], rows[0]["status"], rows[0]["layer"], rows[0]["change"]) == (
        "Net",
        "changed",
        "conv",
        "kernel 3×3 → 5×5",
    )
    assert int(rows[0]["macs_after"]) - int(rows[0]["macs_before"]) == 16 * 16 * 4 * 8 * 16


@pytest.mark.parametrize("form", ["table", "markdown", "html", "csv"])
def test_hostile_names(form: str) -> None:
    model = net(STEM)
    (layer,) = model.layers
    hostile = replace(layer, name=HOSTILE, attributes={**layer.attributes, HOSTILE: HOSTILE})
    found = diff(named(model), replace(named(model, HOSTILE), layers=(hostile,)))
    text = render(form, [layer_changes_table([found])] if form == "csv" else diff_tables(found), Screen(200))
    assert "\x1b" not in text
    assert form in ("table", "csv") or "<b>" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert json.dumps(diff_document(found))


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
    causes = diff_tables(diff(net(relu), net(biased, size=20)))[1]
    assert [remark.label for remark in causes.notes] == ["resolution", "other"]
    assert diff_tables(diff(net(relu), net(relu, relu)))[1].notes == ()


def test_what_changed_is_told_whole_in_a_narrow_line() -> None:
    columns = (Column("name", "Layer", "name", 100), Column("change", "What changed", "prose", 85))
    rows = (("conv", "filters 64 → 96, input 64×64×64 → 96×64×64, was stem"), ("relu", "input 64 → 96"))
    text = render("table", [Table("Net", "", columns, rows, total_row=("Total of 2", ""))], Screen(42))
    assert text.splitlines()[2:6] == [
        "Layer       What changed",
        "conv        filters 64 → 96, input",
        "            64×64×64 → 96×64×64, was stem",
        "relu        input 64 → 96",
    ]


def test_inputs_that_changed_are_named_and_nothing_is_said_of_no_difference() -> None:
    text = render("table", diff_tables(diff(named(net("relu", size=128)), named(net("relu", size=256)))), Screen(80))
    assert "1×8×128×128 → 1×8×256×256" in text
    swapped = render("table", diff_tables(diff(named(net("relu")), named(net("gelu")))), Screen(100))
    assert "Relu → Gelu" in swapped and "Δ" not in swapped


def test_padding_that_keeps_up_with_a_kernel_is_no_change_by_itself() -> None:
    def said(before: str, after: str) -> list[str]:
        return [layer["change"] for layer in diff_document(diff(named(net(before)), named(net(after))))["layers"]]

    one, wide = "conv: {filters: 8, kernel: 1}", "conv: {filters: 8, kernel: 3, pad: same}"
    assert said(wide, one) == ["kernel 3×3 → 1×1"]
    assert said(wide, wide.replace("same", "same, dilation: 2")) == ["dilation 1 → 2"]
    assert said("conv: {filters: 8, kernel: 3, pad: 2}", "conv: {filters: 8, kernel: 3, pad: 1}") == ["pad 2 → 1"]
