"""explain, report, plot and table take the settings that analyze takes, and show what they ask for."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from support.cli import call, ok

from costcalc.cli.commands.markdown_tables import update_tables
from costcalc.cli.commands.table import parse_marker
from costcalc.cli.group import cli
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import Quantity
from costcalc.rules import UsageError
from costcalc.studies.options import all_settings

pytestmark = pytest.mark.usefixtures("plain_terminal")

SETTINGS = ("--training", "--fuse", "--align", "16", "--hardware", "t4")


@pytest.mark.parametrize("name", ["analyze", "compare", "explain", "report", "plot", "table"])
def test_a_command_has_an_option_for_each_setting(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    found = {option for parameter in command.params for option in parameter.opts if isinstance(parameter, click.Option)}
    assert {one.option for group in all_settings().values() for one in group} | {"--training", "--hardware"} <= found


def test_explain_shows_what_the_settings_ask_for() -> None:
    plain, asked = (
        json.loads(ok("explain", "lenet5", *options, "--format", "json"))["explanation"] for options in ((), SETTINGS)
    )
    assert [key for key in asked if key not in plain] == ["settings", "execution", "training", "bounds"]
    assert asked["execution"][-1]["what"] == "Arena" and asked["training"][-1]["what"] == "Training bytes"
    assert ok("explain", "lenet5", "C3", *SETTINGS).count("Backward MACs") == 1


def test_a_table_has_any_quantity_as_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = json.loads(ok("table", "lenet5", *SETTINGS, "--format", "json"))["Models"]
    assert list(row)[5:11] == ["arena_bytes", "backward_macs", "training_macs", "kept_activation_bytes"] + [
        "gradient_bytes",
        "optimizer_bytes",
    ]
    assert row["training_macs"] == row["macs"] + row["backward_macs"] and row["fits.t4"] is True
    named = ok("table", "lenet5", "--columns", "name,training_macs,time.t4,kv_cache_bytes").splitlines()
    assert named[0] == "| Model | Training MACs | Time t4 | KV cache |"
    assert named[2].startswith(f"| LeNet-5 | {row['training_macs']:,} | ≥ ") and named[2].endswith(" | – |")
    code, _, error = call(capsys, "table", "lenet5", "--columns", "tme.t4")
    assert code == 2 and "no column 'tme.t4'; did you mean 'time'?" in error


def test_a_marker_may_say_any_setting_but_no_code(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("<!-- costcalc:table lenet5 --columns peak_activation_bytes --fuse --in-place -->\n" + CLOSED)
    found = update_tables(path, parse_marker)
    peak = json.loads(ok("analyze", "lenet5", "--fuse", "--in-place", "--format", "json"))["models"][0]["totals"]
    assert f"| {peak['peak_activation_bytes'] / 1024:.1f} KiB |".encode() in found.after
    with pytest.raises(UsageError, match="--rules"):
        parse_marker(["lenet5", "--rules", "rules.py"])


CLOSED = "<!-- /costcalc:table -->\n"


def test_a_page_has_the_quantities_of_the_settings() -> None:
    page = ok("report", "lenet5", "alexnet", *SETTINGS)
    data = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    facts = [fact[0] for fact in data["models"][0]["facts"]]
    assert {"Arena bytes", "Training bytes", "Time on t4", "Energy on t4", "Fits on t4"} <= set(facts)
    rows = {label: amounts for label, _, amounts, _ in data["comparison"]["totals"]}
    assert rows["Fits on t4"] == [{"text": "yes", "order": [-1, 0]}] * 2
    assert rows["Training MACs"] == [model["totals"]["training_macs"] for model in data["models"]]
    assert ["backward_macs", "Backward MACs"] in data["quantities"]
    assert sum(data["models"][0]["layers"]["backward_macs"]) == data["models"][0]["totals"]["backward_macs"]
    assert data["models"][0]["memory"]["execution"] == "fuse"
    assert [device["id"] for device in data["models"][0]["devices"]] == ["t4"]


def test_plots_are_of_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Backward MACs by layer" in ok("plot", "lenet5", "--quantity", "backward_macs")
    assert ok("plot", "lenet5", "--kind", "memory", "--fuse").startswith(
        "LeNet-5 (fuse)  peak 23.0 KiB at step 2 of 11"
    )
    text = ok("plot", "lenet5", "alexnet", "--kind", "pareto", "--x", "time.t4", "--y", "intensity")
    assert "Time on t4 (lower bound)" in text and "Arithmetic intensity (more is better)" in text and " ns" in text
    code, _, error = call(capsys, "plot", "lenet5", "alexnet", "--kind", "pareto", "--x", "kv_cache_bytes")
    assert code == 2 and "kv_cache_bytes: the model generates nothing" in error


@pytest.mark.parametrize("quantity", CATALOGUE.values(), ids=CATALOGUE)
def test_bars_are_of_a_sum_over_layers_or_refused_with_the_reason(
    quantity: Quantity, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, error = call(capsys, "plot", "lenet5_modern", "--quantity", quantity.key, "--hardware", "t4")
    if quantity.additive:
        assert code == 0 and f"{quantity.label} by layer" in out
    else:
        assert code == 2 and "is of the whole model and no sum over its layers" in error
        assert f"{quantity.key}{'.t4' if quantity.per_device else ''}" in error.partition(";")[2]


BARE_NAMES = {
    "table": ("lenet5", "--columns", "name,time"),
    "sweep": ("lenet5", "--columns", "macs,time", "--where", "time < 1s", "--sort", "time"),
    "suggest": ("lenet5", "--sort", "time"),
    "plot": ("lenet5", "alexnet", "--kind", "pareto", "--x", "time", "--y", "params"),
    "check": ("lenet5", "--max", "time=1s"),
    "diff": ("lenet5", "alexnet", "--fail-on", "time>+1s"),
}
"""A quantity of a device that names none, with --hardware."""


@pytest.mark.parametrize("command", BARE_NAMES)
def test_a_quantity_is_of_the_device_of_the_command_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = BARE_NAMES[command]
    with_device = ["time.t4".join(text.split("time")) for text in arguments]
    bare = call(capsys, command, *arguments, "--hardware", "t4")
    assert bare == call(capsys, command, *with_device, "--hardware", "t4") and bare[0] == 0 and bare[1]
    code, _, error = call(capsys, command, *arguments)
    assert code == 2 and ("time is of a device; write time.t4" in error or command == "check")
    code, out, error = call(capsys, command, *arguments, "--hardware", "a100,t4")
    if command in ("sweep", "suggest", "plot"):  # which order by one figure
        assert code == 2 and "time is of a device; write time.a100" in error
    else:
        assert code == 0 and out


def test_a_threshold_is_held_on_each_device(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = call(capsys, "diff", "lenet5", "alexnet", "--fail-on", "time>+1ns", "--hardware", "t4,a100")
    assert code == 1 and "Time on t4" in error and "Time on a100" in error


def test_a_column_of_training_asks_for_training() -> None:
    text = ok("analyze", "lenet5", "--columns", "name,backward_macs", "--sort", "backward_macs", "--format", "csv")
    assert text.splitlines()[:2] == ["name,backward_macs", f"C3,{2 * 240_000}"]
