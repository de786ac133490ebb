"""Limits on any quantity under any settings: on the command line, in a config, from Python; and what a lock holds of it."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.check_results import FULL_FORMATS
from support.cli import call
from support.paths import DATA
from support.small_models import NET, mystery, write

import costcalc
from costcalc.analysis.hardware.catalogue import PROFILE_FOLDER
from costcalc.rules import UsageError
from costcalc.studies.check.lock_file import read_lock


def test_settings_of_the_command_line_hold_for_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    asked: dict[str, Any] = {"execution": {"fuse": True, "in_place": True}, "training": {"optimizer": "sgd"}}
    figures = ("arena_bytes", "peak_activation_bytes", "training_bytes")
    (right,) = costcalc.sweep("lenet5", quantities=figures, act_dtype="int8", **asked)
    options = ["--fuse", "--in-place", "--act-dtype", "int8", "--training", "--optimizer", "sgd"]

    def limits(less: int) -> list[str]:
        return [word for name in figures for word in ("--max", f"{name}={right[name] - less}")]

    assert call(capsys, "check", "lenet5", *options, *limits(0))[0] == 0
    code, out, _ = call(capsys, "check", "lenet5", *options, *limits(1))
    assert code == 1 and out.count("over") == 3
    assert call(capsys, "check", "lenet5", "--max", f"arena_bytes={right['arena_bytes']}")[0] == 1
    code, _, err = call(capsys, "check", "lenet5", "--optimizer", "sgd", "--max", "macs=1G")
    assert code == 2 and "add --training" in err


def test_a_quantity_that_a_model_does_not_have_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "check", "lenet5", "--max", "kv_cache_bytes=1EiB", "--max", "macs=1G")
    assert code == 2 and "the model generates nothing" in out
    code, out, _ = call(capsys, "check", "lenet5", "--require", "fits.stm32h743")
    assert code == 0 and "fits stm32h743  yes of yes" in out
    code, out, _ = call(capsys, "check", "mobilenet", "--require", "fits.stm32h743")
    assert code == 1 and "need 17,015,456 bytes of flash" in " ".join(out.split())


MEASURED = """
energy:
  measured:
    float32: {value: 3000, source: "a board, over its MACs"}
"""


def measured(folder: Path, name: str = "board.yaml") -> str:
    """The profile of stm32h743 with an energy that was measured, 3,000 pJ for a MAC."""
    (folder / name).write_text((PROFILE_FOLDER / "stm32h743.yaml").read_text() + MEASURED)
    return f"./{name}"


def test_a_limit_without_a_device_holds_for_each_of_the_settings(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--hardware", "t4,stm32h743", "--max", "time=1s", "--require", "fits"]
    code, out, _ = call(capsys, "check", "lenet5", *options)
    assert (
        code == 0 and [f"{key} {name}" in out for key in ("time", "fits") for name in ("t4", "stm32h743")] == [True] * 4
    )
    assert call(capsys, "check", "lenet5", "--max", "time=1s")[0] == 2


def test_an_energy_that_was_not_measured_is_no_limit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LeNet-5 has 416,520 MACs: 1.25 mJ at 3,000 pJ, and some thousandth of that in the circuits alone."""
    code, out, _ = call(capsys, "check", "lenet5", "--max", "energy.stm32h743=1J")
    assert code == 2 and "no measured energy of the whole device" in " ".join(out.split())
    board = measured(here)
    assert call(capsys, "check", "lenet5", "--max", f"energy.{board}=1.25mJ")[0] == 0
    assert call(capsys, "check", "lenet5", "--max", f"energy.{board}=1.24mJ")[0] == 1
    (entry,) = json.loads(call(capsys, "analyze", "lenet5", "--hardware", board, "--format", "json")[1])["models"]
    assert entry["hardware"][0]["energy_j"] == pytest.approx(416_520 * 3000e-12)
    assert entry["hardware"][0]["energy_of"] == "the whole device, measured"
    half = call(capsys, "check", "lenet5", "--act-dtype", "int8", "--dtype", "int8", "--max", f"energy.{board}=1J")
    assert half[0] == 2, "int8 was not measured"
    narrow = ("--act-dtype", "int8", "--dtype", "int8")
    code, _, err = call(capsys, "diff", "lenet5", "lenet5", *narrow, "--fail-on", f"energy.{board}>1J")
    assert code == 2 and "no measured energy of the whole device in int8" in " ".join(err.split())


def test_settings_beside_a_config_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, net_yaml=NET, costcalc_yaml="models: [net.yaml]")
    for options in (["--fuse"], ["--training"], ["--prompt", "512"], ["--hardware", "t4"], ["--dim", "N=1"]):
        code, _, err = call(capsys, "check", *options)
        assert code == 2 and f"{options[0]} does not go with the config" in err


def test_from_python_limits_stand_for_a_config() -> None:
    outcome = costcalc.check(
        None,
        "lenet5",
        limits={"macs": 416_520, "arena_bytes": "22 KiB", "fits.stm32h743": True},
        minimums={"intensity": "1.5"},
        execution={"fuse": True},
    )
    assert [v.outcome for v in outcome.verdicts] == ["kept", "exceeded", "kept", "kept"]
    with pytest.raises(UsageError, match="limits are for models that are named"):
        costcalc.check(limits={"macs": 1})
    with pytest.raises(UsageError, match="execution does not go with a config"):
        costcalc.check(execution={"fuse": True})


def test_all_formats_show_all_quantities_with_their_units(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = ("--max", f"energy.{measured(here)}=1uJ", "--max", "arena_bytes=1", "--min", "intensity=1000")
    shown = {form: call(capsys, "check", "lenet5", *limits, "--format", form)[1] for form in FULL_FORMATS}
    for form, text in shown.items():
        assert "2.25" in text, form
        if form not in ("json", "sarif", "svg"):
            assert "FLOP/byte" in text and "mJ" in text, form
    entries = json.loads(shown["json"])["models"][0]["verdicts"]
    assert {v["kind"]: (v.get("minimum"), v.get("certainty")) for v in entries} == {
        "bytes": (None, None),
        "flop_per_byte": (True, None),
        "joules": (None, "estimate"),
    }


def test_a_lock_of_settings_without_new_quantities_is_what_it_was(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """tests/data/lock/costcalc.lock.json was written before a lock held figures."""
    shutil.copytree(DATA / "lock", here / "old")
    written = read_lock(here / "old" / "costcalc.lock.json").entries
    assert "is up to date" in call(capsys, "lock", "--check", "--config", "old/costcalc.yaml")[1]
    (here / "old" / "costcalc.lock.json").unlink()
    assert call(capsys, "lock", "--config", "old/costcalc.yaml")[0] == 0
    assert read_lock(here / "old" / "costcalc.lock.json").entries == written


LOCKED = """\
models:
  - path: net.yaml
    fuse: true
    devices: [stm32h743]
max_increase: {time: {t4: 0}, training_bytes: 2%, arena_bytes: 10%}
min_delta: {time: {t4: 0}}
"""


def locked() -> Any:
    """The entry of the only model in the lock file."""
    ((scenarios,),) = [json.loads(Path("costcalc.lock.json").read_text(encoding="utf-8"))["models"].values()]
    return scenarios[""]


def test_a_lock_holds_the_settings_and_the_figures_of_its_increases(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, net_yaml=NET, costcalc_yaml=LOCKED)
    assert call(capsys, "lock")[0] == 0
    entry = locked()
    assert entry["settings"] == {"devices": ["stm32h743"], "execution": {"fuse": True}, "training": True}
    asked: dict[str, Any] = {"devices": "stm32h743", "execution": {"fuse": True}, "training": True}
    (right,) = costcalc.sweep("net.yaml", quantities=tuple(entry["figures"]), **asked)
    for key, figure in entry["figures"].items():
        assert float(Fraction(figure["value"])) == pytest.approx(float(right[key])), key
        assert figure.get("certainty", "exact") == right["certainty"].get(key, "exact")
    own = ["time", "fits"]
    assert set(entry["figures"]) == {
        *("time.t4", "training_bytes", "arena_bytes"),
        *(f"{key}.stm32h743" for key in own),
    }
    assert call(capsys, "check")[0] == 0
    assert call(capsys, "lock", "--check")[0] == 0


def test_growth_of_any_quantity_is_held_to_its_baseline(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, net_yaml=NET, costcalc_yaml=LOCKED)
    call(capsys, "lock")
    write(here, net_yaml=NET.replace("filters: 2", "filters: 8"))
    outcome = costcalc.check()
    assert {v.code for v in outcome.verdicts if v.outcome == "exceeded"} == {"CC209", "CC223"}
    time = next(v for v in outcome.verdicts if v.code == "CC209")
    assert time.quantity == "time t4 increase" and time.layer and "grew by" in time.fact
    assert outcome.notes == ("CC301: costcalc.lock.json is stale: net.yaml: macs 4,000 → 6,400 and 8 more",)
    write(here, net_yaml=NET, costcalc_yaml=LOCKED.replace("arena_bytes: 10%", "step_macs: 0, intensity: 0"))
    found = {v.code: v for v in costcalc.check().verdicts}
    assert "CC107" in found and "the model generates nothing" in found["CC107"].fact
    assert found["CC104"].fact == "intensity increase: the baseline has no such figure"


def test_a_first_config_has_the_settings(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, net_yaml=NET)
    options = ["--fuse", "--training", "--optimizer", "sgd", "--hardware", "t4", "--act-dtype", "int8"]
    assert call(capsys, "check", "--init", "net.yaml", *options)[0] == 0
    assert call(capsys, "lock")[0] == 0
    settings = {"act_dtype": "int8", "execution": {"fuse": True}, "training": {"optimizer": "sgd"}, "devices": ["t4"]}
    assert locked()["settings"] == settings
    assert call(capsys, "check")[0] == 0


def test_an_allowed_operator_leaves_no_bound(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mystery(here / "m.onnx")
    limits = ["--max", "arena_bytes=1GiB", "--max", "time.t4=1s"]
    assert call(capsys, "check", "m.onnx", *limits)[0] == 2
    assert call(capsys, "check", "m.onnx", *limits, "--allow", "com.acme:Mystery")[0] == 0


def test_what_warns_of_a_model_is_told_and_what_is_decided_by_default_is_not(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """[N, H, W, C] is another network than the one that was meant; its figures keep the limit all the same."""
    write(here, net_yaml="input: [N, 32, 32, 3]\nlayers: [conv: {filters: 4, kernel: 3}, linear: {units: 2}]\n")
    code, out, _ = call(capsys, "check", "net.yaml", "--max", "macs=1G")
    text = " ".join(out.split())
    assert code == 0 and text.count("the input looks like [N, H, W, C]") == 1
    assert "put `- flatten` before it" in text and "by default" not in text
    notes = json.loads(call(capsys, "check", "net.yaml", "--max", "macs=1G", "--format", "json")[1])["notes"]
    assert [note.partition(":")[0] for note in notes] == ["net.yaml", "net.yaml"]


def test_a_broken_arena_names_the_layer_that_holds_the_peak(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """6 × 28 × 28 floats go into the first Tanh and as many come out of it: 18,816 of 37,632 bytes each."""
    code, out, _ = call(capsys, "check", "lenet5", "--max", "arena_bytes=1KiB")
    text = " ".join(out.split())
    assert code == 1 and "CC013: where activations peak, the largest output is of tanh1 (50.0%)" in text
    assert "make tanh1 cheaper, or raise the limit" in text


@pytest.mark.parametrize(
    ("model", "options", "remark"),
    [
        (
            "kws.tflite",
            [],
            "arena needs 16,000 bytes of sram, which has 262,144; tensors alone: an interpreter's arena",
        ),
        ("kws.tflite", ["--runtime", "tflm:cortex-m"], ""),
        ("kws.tflite", ["--runtime", "tflm:cmsis-nn-m0"], ""),
        ("lenet5", [], "tensors alone: an interpreter's arena is larger (--runtime tflm tells it of a .tflite file)"),
    ],
)
def test_a_verdict_says_which_memory_was_held_to_which(
    model: str, options: list[str], remark: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a runtime an arena is that of the tensors; a kept limit says so, in every form that has room for it."""
    shutil.copy(DATA / "npu" / "kws_ref_model.tflite", here / "kws.tflite")
    limits = ["--require", "fits.rp2040", "--max", "arena_bytes=1MiB"]
    for form in ("table", "json", "markdown"):
        code, out, _ = call(capsys, "check", model, *options, *limits, "--format", form)
        text = " ".join(out.replace("\\", "").split())
        assert code == 0 and remark in text
        assert "of flash, which has 2,097,152" in text
        assert ("tensors alone" in text) == bool(remark)
    assert ("arena_bytes" in text) and text.count("tensors alone") == (0 if not remark else 2 if "kws" in model else 1)
