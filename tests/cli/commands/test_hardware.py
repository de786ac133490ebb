"""--hardware and `costcalc hardware` on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli import call, ok

BOARD = """
name: Board
kind: npu
variant: rev 2
seen: 2026-01-31
peak:
  float32: {value: 1 G, source: "datasheet, page 3"}
bandwidth: {value: 1 GB, source: "datasheet, page 4"}
energy:
  mac: {float32: {value: 10, source: "paper, table 1"}}
"""


pytestmark = pytest.mark.usefixtures("plain_terminal")


def models(*args: str) -> Any:
    return json.loads(ok(*args, "--format", "json"))["models"]


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    code, out, error = call(capsys, *args)
    assert (code, out) == (2, "")
    return error


def test_a_table_with_a_device(gold: Callable[[str, str], None]) -> None:
    gold("hardware_analyze.txt", ok("analyze", "lenet5", "--hardware", "cortex-m7").rstrip("\n"))


def test_the_working_of_a_bound(gold: Callable[[str, str], None]) -> None:
    args = ("--dtype", "fp16", "--act-dtype", "fp16")
    text = ok("explain", "resnet50", "--hardware", "a100", *args)
    assert "of the definition's 4,089,184,256 MACs" in " ".join(text.split())
    assert "2 × multiplications / peak = 2 × " in text
    gold("hardware_explain.txt", ok("explain", "lenet5", "--hardware", "t4").rstrip("\n"))


def test_the_working_of_a_layers_bound() -> None:
    text = ok("explain", "lenet5", "C3", "--hardware", "cortex-m7")
    assert "traffic / bandwidth" in text and "FLOP/byte" in text
    assert "max(compute, memory)" in text
    assert "Lower bound" not in text


def test_mobilenet_on_a_microcontroller_shows_its_working() -> None:
    text = ok("explain", "mobilenet_v2", "--hardware", "cortex-m7", "--dtype", "int8", "--act-dtype", "int8")
    assert "2 × multiplications / peak = 2 × 280,095,783 / 1.92 GOP/s" in text
    assert "Does not fit" in text and "SMLAD" in text


def test_json_is_only_added_to() -> None:
    (plain,), (timed,) = models("analyze", "lenet5"), models("analyze", "lenet5", "--hardware", "t4,a100")
    hardware, certainty = timed.pop("hardware"), timed.pop("certainty")
    assert timed.pop("settings") == {"devices": ["t4", "a100"]}
    assert certainty == {"time.t4": "lower", "energy.t4": "estimate", "time.a100": "lower", "energy.a100": "estimate"}
    added = {key: timed["totals"].pop(key) for key in list(timed["totals"]) if "." in key}
    assert timed == plain
    assert list(added) == ["time.t4", "energy.t4", "fits.t4", "time.a100", "energy.a100", "fits.a100"]
    assert [one["name"] for one in hardware] == ["t4", "a100-sxm-80gb"]
    first = hardware[0]
    assert 0 < first["compute_s"] < 2 * 416_520 / 8.141e12
    assert first["time_bound_s"] == max(first["compute_s"], first["memory_s"])
    assert first["bound_by"] in ("compute", "memory")
    assert first["macs"] == {"float32": 416_520} and isinstance(first["macs"]["float32"], int)
    assert isinstance(first["compulsory_bytes"], int)
    assert [layer["name"] for layer in first["layers"]] == [layer["name"] for layer in plain["layers"]]
    assert first["fits"][0]["fits"] is True
    assert sum(layer["time_s"] for layer in first["layers"]) == pytest.approx(first["unfused_estimate_s"])


def test_open_symbols_name_the_remedy() -> None:
    assert "depends on seq (bind with --dim seq=…)" in ok("analyze", "gpt2", "--hardware", "t4", "--top", "1")
    assert "depends on seq" in ok("explain", "gpt2", "--hardware", "t4")
    (one,) = models("analyze", "gpt2", "--hardware", "t4")[0]["hardware"]
    assert one["time_bound_s"] is None and one["open"] == ["seq"]


def test_columns_of_devices() -> None:
    text = ok(
        "analyze", "lenet5", "--hardware", "t4", "--columns", "name,time,bound,utilisation,intensity", "--format", "csv"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == ["name", "time", "bound", "utilisation", "intensity"]
    assert float(rows[0]["time"]) > 0 and rows[0]["bound"] == "memory"
    both = ok(
        "analyze", "lenet5", "--hardware", "t4", "--hardware", "a100", "--columns", "name,time", "--format", "csv"
    )
    assert both.splitlines()[0] == "name,time:t4,time:a100-sxm-80gb"
    order = ok(
        "analyze", "lenet5", "--hardware", "t4", "--sort", "time", "--columns", "time", "--format", "csv"
    ).split()[1:]
    times = [float(time) for time in order]
    assert times == sorted(times, reverse=True)
    for by in ("op", "block"):
        assert "Bound by" in ok("analyze", "mobilenet_v1", "--hardware", "t4", "--by", by)
    for form in ("markdown", "html"):
        assert "Lower bound" in ok("analyze", "lenet5", "--hardware", "t4", "--format", form)


def test_a_time_needs_a_device(capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(capsys, "analyze", "lenet5", "--columns", "name,time")
    assert "there is no time without a device; add --hardware NAME" in error
    assert "--hardware NAME" in refused(capsys, "analyze", "lenet5", "--sort", "time")


def test_ones_own_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = tmp_path / "board.yaml"
    board.write_text(BOARD)
    text = ok("analyze", "lenet5", "--hardware", str(board))
    assert "Board (board): rev 2" in text and "Lower bound" in text
    assert "4.17 µJ" in text, "416,520 MACs of 10 pJ"
    assert "datasheet, page 3" in ok("hardware", str(board))
    board.write_text(BOARD.replace("peak:", "peek:"))
    assert "board.yaml: peek: is not a key of a profile; did you mean 'peak'?" in refused(
        capsys, "analyze", "lenet5", "--hardware", str(board)
    )
    assert "there is no hardware profile 't44'; did you mean t4" in refused(capsys, "hardware", "t44")


def test_a_precision_without_a_peak_is_a_warning() -> None:
    text = " ".join(
        ok("analyze", "resnet18", "--hardware", "pixel-1", "--dtype", "int8", "--act-dtype", "int8").split()
    )
    assert "no peak for int8, its MACs take no time here; there are float32 (--act-dtype)" in text
    assert "Layer by layer" not in text


def test_the_list_of_devices(gold: Callable[[str, str], None]) -> None:
    gold("hardware_list.txt", ok("hardware").rstrip("\n"))
    gold("hardware_t4.txt", ok("hardware", "t4").rstrip("\n"))
    listed = json.loads(ok("hardware", "--format", "json"))["hardware"]
    assert {"a100-sxm-80gb", "stm32h743", "t4"} <= {row["id"] for row in listed}
    assert all(row["source"] for row in listed)


def test_figures_are_numbers_for_programs() -> None:
    listed = {row["id"]: row for row in json.loads(ok("hardware", "--format", "json"))["hardware"]}
    assert listed["a100-sxm-80gb"]["bfloat16"] == 312 * 10**12 and listed["t4"]["tf32"] is None
    assert listed["ethos-u55-256"]["int16"] == 128 * 10**9 and listed["t4"]["int4"] == 26052 * 10**10
    first = json.loads(ok("hardware", "t4", "--format", "json"))["t4"][0]
    assert (first["figure"], first["value"], first["unit"]) == ("peak float32", 8141 * 10**9, "operations/s")
    assert "1,590 MHz" in first["source"]
    rows = list(csv.DictReader(io.StringIO(ok("hardware", "t4", "--format", "csv"))))
    assert rows[0]["value"] == "8141000000000" and all(row["source"] for row in rows)


def test_energy_without_a_figure_is_no_zero() -> None:
    """No figure for int4; all of ResNet-18's bytes stay in a cache of 40 MiB, and are read there."""
    args = ("analyze", "resnet18", "--hardware", "a100", "--dtype", "int4", "--act-dtype", "int4")
    line = next(line for line in ok(*args).splitlines() if line.strip().startswith("Energy"))
    assert "≥" in line and "≈" not in line and "without" in line and "arithmetic ?" in " ".join(ok(*args).split())
    (one,) = models(*args)[0]["hardware"]
    assert one["energy_without"] == ["int4"]
    assert one["energy_j"] == pytest.approx(one["compulsory_bytes"] * 1.25e-12)


@pytest.mark.parametrize("name", ["", "a100,,t4", " "])
def test_an_empty_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--hardware has an empty name" in refused(capsys, "analyze", "lenet5", "--hardware", name)
    assert "--hardware has an empty name" in refused(capsys, "llm", "gpt2", "--hardware", name)


def test_a_figure_out_of_range_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = tmp_path / "board.yaml"
    board.write_text(BOARD.replace("{value: 1 GB,", "{value: 1e400,"))
    assert "'1e400' is out of range" in refused(capsys, "analyze", "lenet5", "--hardware", str(board))


def test_the_python_api() -> None:
    import costcalc

    report = costcalc.analyze("resnet50", dtype="float16", act_dtype="float16")
    first, second = costcalc.on_hardware(report, "a100", "t4")
    assert first.model.compute == 2 * first.multiplications["float16"] / (312 * 10**12)
    assert (first.model.bound_by, second.model.bound_by) == ("compute", "memory")
    (same,) = costcalc.on_hardware("resnet50", "a100", dtype="float16", act_dtype="float16")
    assert same.model == first.model


@pytest.mark.parametrize(
    ("device", "is_summed"), [("t4", True), ("stm32h743", True), ("hailo-8", False), ("max78000", False)]
)
def test_times_of_layers_are_added_up_where_published_times_tell_how_far_they_lie_above(
    device: str, is_summed: bool
) -> None:
    text = ok("analyze", "lenet5", "--dtype", "int8", "--act-dtype", "int8", "--hardware", device)
    total = next(line for line in text.splitlines() if line.startswith("Total of"))
    assert (" ? " not in total) == is_summed == ("not summed up" not in " ".join(text.split()))
