"""The words of the command line as functions of the package, and results that save themselves."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli import ok

import costcalc
from costcalc.analysis.options import ExecutionOptions
from costcalc.cli.group import MODULES
from costcalc.core.errors import CostcalcError, HardwareError, UsageError
from costcalc.core.settings import settings_of
from costcalc.studies.options import GROUPS, LlmArguments, SettingsArguments

OTHER_WORDS = {"ops": "operators"}
"""Commands whose function has another name: costcalc.ops is a package."""

NO_FUNCTIONS = {"badge", "server"}
"""Commands that only a shell needs: a picture for a README, and what runs until its input ends."""


def test_every_command_is_a_function_of_the_package() -> None:
    for command in set(MODULES) - NO_FUNCTIONS:
        function = getattr(costcalc, OTHER_WORDS.get(command, command))
        assert callable(function) and function.__doc__, command
        assert OTHER_WORDS.get(command, command) in dir(costcalc)


SAME: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "analyze": (lambda: costcalc.analyze("lenet5"), ("analyze", "lenet5")),
    "devices": (lambda: costcalc.analyze("lenet5", devices="t4"), ("analyze", "lenet5", "--hardware", "t4")),
    "compare": (lambda: costcalc.compare("lenet5", "alexnet"), ("compare", "lenet5", "alexnet")),
    "memory": (lambda: costcalc.memory("lenet5", fuse=True), ("memory", "lenet5", "--fuse")),
    "diff": (
        lambda: costcalc.diff("depthwise_separable", "standard_conv"),
        ("diff", "depthwise_separable", "standard_conv"),
    ),
    "suggest": (lambda: costcalc.suggest("lenet5"), ("suggest", "lenet5")),
    "sweep": (lambda: costcalc.sweep("lenet5", dims={"N": [1, 2]}), ("sweep", "lenet5", "--dim", "N=1,2")),
    "reconcile": (lambda: costcalc.reconcile("lenet5"), ("reconcile", "lenet5")),
    "llm": (
        lambda: costcalc.llm("gpt2", prompt=64, generate=8, devices="t4"),
        ("llm", "gpt2", "--prompt", "64", "--generate", "8", "--hardware", "t4"),
    ),
    "largest": (
        lambda: costcalc.llm("gpt2", max_batch=True, devices="t4"),
        ("llm", "gpt2", "--max-batch", "--hardware", "t4"),
    ),
    "rule": (lambda: costcalc.rule(), ("rule",)),
    "models": (lambda: costcalc.models(), ("models",)),
    "hardware": (lambda: costcalc.hardware("t4"), ("hardware", "t4")),
    "explain": (lambda: costcalc.explain("lenet5"), ("explain", "lenet5")),
    "check": (lambda: costcalc.check("lenet5", limits={"macs": "1M"}), ("check", "lenet5", "--max", "macs=1M")),
    "plot": (lambda: costcalc.plot("lenet5", top=3), ("plot", "lenet5", "--top", "3")),
    "pareto": (
        lambda: costcalc.plot("lenet5", "alexnet", kind="pareto"),
        ("plot", "lenet5", "alexnet", "--kind", "pareto"),
    ),
    "report": (lambda: costcalc.report("lenet5", devices="t4"), ("report", "lenet5", "--hardware", "t4")),
}

ENDINGS = {
    **dict.fromkeys(SAME, ("html", "md", "csv", "json", "svg")),
    "explain": ("json",),
    "check": ("md", "json", "svg"),
    "plot": ("html", "svg"),
    "pareto": ("html",),
    "report": ("html",),
    "sweep": ("html", "md", "csv", "json"),
    "reconcile": ("html", "md", "csv", "json"),
    "hardware": ("html", "md", "csv", "json"),
    "llm": ("html", "md", "json", "svg"),
}
"""What both the command and the function write."""


@pytest.mark.parametrize(("name", "ending"), [(name, ending) for name in SAME for ending in ENDINGS[name]])
def test_a_result_is_saved_as_the_command_writes_it(tmp_path: Path, name: str, ending: str) -> None:
    if ending == "svg" and name in ("plot", "pareto"):
        pytest.importorskip("matplotlib", reason="no matplotlib")
    make, arguments = SAME[name]
    saved, written = tmp_path / f"saved.{ending}", tmp_path / f"written.{ending}"
    make().save(saved)
    ok(*arguments, "-o", str(written))
    assert saved.read_bytes() == written.read_bytes()


@pytest.mark.parametrize(
    ("limits", "ok", "text"),
    [
        ({"macs": 1}, False, "1 model: 1 of 1 limits exceeded, exit code 1"),
        ({"macs": "1G", "params": 1}, False, "1 model: 1 of 2 limits exceeded, exit code 1"),
        ({"macs": "1G"}, True, "1 model: 0 of 1 limits exceeded, exit code 0"),
        ({"macs": "2G"}, False, "1 model: 0 of 1 limits exceeded, 1 unknown, exit code 2"),
    ],
)
def test_a_check_can_be_asserted(limits: dict[str, Any], ok: bool, text: str) -> None:
    checked = costcalc.check("gpt2" if limits == {"macs": "2G"} else "lenet5", limits=limits)
    assert checked.ok is ok and bool(checked) is ok
    assert repr(checked) == f"<CheckResult of {text}>"


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("hardware", "write devices=…, which is --hardware of the command line"),
        ("set", "write params=…, which is --set of the command line"),
        ("fuse", "write execution={'fuse': …}"),
        ("optimizer", "write training={'optimizer': …}"),
        ("tp", "write parallel={'tp': …}"),
        ("dim", "did you mean 'dims'?"),
        ("quantise", "there are dims, shapes"),
    ],
)
def test_a_word_of_the_command_line_is_told_its_argument(word: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"there is no setting {word!r}; {remedy}")):
        costcalc.analyze("lenet5", **{word: True})  # type: ignore[arg-type]


def test_help_names_all_formats() -> None:
    for words in (("--help",), ("analyze", "--help")):
        told = ok(*words)
        assert [
            form for form in (".yaml", ".onnx", ".pt2", ".tflite", ".gguf", "Hugging Face") if form not in told
        ] == []


def test_a_table_has_the_rows_of_the_command() -> None:
    table = costcalc.table("lenet5", "alexnet", columns="name,macs,time.t4")
    written = ok("table", "lenet5", "alexnet", "--columns", "name,macs,time.t4", "--format", "json")
    assert table.to_dict()["Models"] == json.loads(written)["Models"]
    assert "724,406,816" in str(table)


def test_a_path_says_the_format(tmp_path: Path) -> None:
    report = costcalc.analyze("lenet5")
    for path, message in {
        "x.pdf": r"x\.pdf has the ending \.pdf, which names no format; end it in \.html",
        "x": "has no ending",
        "no/such/folder/x.md": "cannot be written",
    }.items():
        with pytest.raises(UsageError, match=message):
            report.save(tmp_path / path)
    with pytest.raises(UsageError, match=r"would be csv, which this result is not written in; end it in \.html"):
        costcalc.report("lenet5").save(tmp_path / "x.csv")
    report.save(tmp_path / "x.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text())))
    assert sum(int(row["macs"]) for row in rows) == report.macs
    report.save(str(tmp_path / "x.txt"))
    assert (tmp_path / "x.txt").read_text() == f"{report}\n"


def test_export_writes_onnx(tmp_path: Path) -> None:
    costcalc.export("lenet5", tmp_path / "net.onnx")
    assert costcalc.analyze(tmp_path / "net.onnx").macs == costcalc.analyze("lenet5").macs


def test_hardware_takes_a_model_a_device_or_nothing() -> None:
    rooflines = costcalc.hardware("lenet5", "t4", "a100-sxm-80gb")
    assert [roofline.profile.id for roofline in rooflines] == ["t4", "a100-sxm-80gb"]
    (head,) = [line for line in str(rooflines).splitlines() if line.startswith("Layer")]
    assert "Time t4" in head and "a100-sxm-80gb" in head
    assert rooflines[0].to_dict() == costcalc.on_hardware("lenet5", "t4")[0].to_dict()
    assert "stm32h743" in str(costcalc.hardware()) and "Tflop" not in repr(costcalc.hardware())
    with pytest.raises(HardwareError, match="lenet5"):
        costcalc.hardware("lenet5")
    with pytest.raises(UsageError, match="no device is named"):
        costcalc.on_hardware("lenet5")


def test_llm_takes_the_options_of_generation_and_of_devices_by_name() -> None:
    one = costcalc.llm("gpt2", prompt=64, generate=8, tp=2, devices="h100-sxm x2")
    other = costcalc.llm("gpt2", generation={"prompt": 64, "generate": 8}, parallel={"tp": 2}, devices="h100-sxm x2")
    assert one.to_dict() == other.to_dict()
    assert one.to_dict()["generation"]["parallel"]["tp"] == 2
    with pytest.raises(UsageError, match="no setting 'promt'"):
        costcalc.llm("gpt2", promt=3)  # type: ignore[call-arg]
    with pytest.raises(CostcalcError):
        costcalc.llm("lenet5")


def test_the_type_of_the_options_of_llm_has_them_all() -> None:
    names = {setting.name for group in ("generation", "parallel") for setting in settings_of(GROUPS[group])}
    assert set(LlmArguments.__annotations__) - set(SettingsArguments.__annotations__) == names


@pytest.mark.parametrize("function", [costcalc.table, costcalc.plot, costcalc.report])
def test_a_model_is_named(function: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="no model is named"):
        function()


def test_lock_writes_what_check_compares_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "costcalc.yaml"
    config.write_text("models: [lenet5]\n")
    plan = costcalc.lock(config=config, check=True)
    assert plan.changes and not (tmp_path / "costcalc.lock.json").exists()
    assert "costcalc.lock.json: new" in repr(costcalc.lock(config=config))
    assert "is up to date" in ok("lock")
    assert not costcalc.lock(config=config).changes
    with pytest.raises(UsageError, match="dims does not go with the config"):
        costcalc.lock(config=config, dims={"N": 2})


def test_reprs_fit_a_line_and_print_is_a_table() -> None:
    for name, (make, _) in SAME.items():
        result = make()
        assert len(repr(result)) <= 100 and "\n" not in repr(result), name
        assert name == "report" or str(result).count("\n") >= 2, name
        assert result._repr_html_()


def test_memory_takes_its_execution_by_name_and_as_a_whole() -> None:
    by_name = costcalc.memory("lenet5", fuse=True, align=16).to_dict()
    assert costcalc.memory("lenet5", execution={"fuse": True, "align": 16}).to_dict() == by_name
    assert costcalc.memory("lenet5", execution=ExecutionOptions(fuse=True), align=16).to_dict() == by_name
    assert costcalc.memory("lenet5").to_dict() != by_name
    for wrong in ({"align": 0}, {"execution": 3}, {"execution": {"fused": True}}):
        with pytest.raises(UsageError):
            costcalc.memory("lenet5", **wrong)
