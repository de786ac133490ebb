"""Nothing that is printed as text is wider than the terminal, with long names and long symbols too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from costcalc.cli.group import cli
from costcalc.render.layout import text_width

LONG = "a_model_whose_name_is_as_long_as_those_of_exported_networks_are_in_practice"

MODEL = f"""
name: {LONG}
input: [number_of_samples_in_a_batch, 3, height_of_the_image_in_pixels, width_of_the_image_in_pixels]
layers:
  - conv: {{filters: 64, kernel: 3, as: {LONG}.first}}
  - batch_norm: {{as: {LONG}.norm1}}
  - relu
  - conv: {{filters: 64, kernel: 3, as: {LONG}.second}}
  - batch_norm: {{as: {LONG}.norm2}}
  - global_avg_pool
  - flatten
  - linear: {{units: 1000, as: {LONG}.head}}
"""

LARGE = """
name: large
params: {k: 3}
input: [N, 3, 1000000007, 1000000009]
layers:
  - conv: {filters: 1000000021, kernel: k, bias: false, pad: same}
  - relu
  - conv: {filters: 1000000021, kernel: k, bias: false, pad: same}
"""
"""A model whose MACs have 37 digits."""

COMMANDS = (
    "analyze MODEL",
    "analyze MODEL --by op",
    "analyze MODEL --training --hardware t4",
    "analyze MODEL --columns name,op,output,macs,flops,params,activation_bytes,traffic_bytes,share",
    "explain MODEL",
    f"explain MODEL {LONG}.second",
    "memory MODEL --dim *=32",
    "compare MODEL resnet18",
    "compare MODEL resnet18 vgg16 lenet5",
    "diff MODEL lenet5",
    "diff resnet18 resnet34",
    "diff mobilenet_v2 mobilenet",
    "suggest MODEL",
    "reconcile MODEL",
    "check MODEL --max macs=1",
    "plot MODEL --dim *=32",
    "plot MODEL --kind memory --dim *=32",
    "models",
    "hardware",
)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_wider_than_the_terminal(
    command: str, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(tmp_path)
    Path("m.yaml").write_text(MODEL)
    arguments = ["m.yaml" if word == "MODEL" else word for word in command.split()]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code in (0, 1), result.output
    wide = [line for line in result.stdout.splitlines() if text_width(line) > width]
    assert wide == []


LARGE_COMMANDS = (
    "analyze MODEL",
    "analyze MODEL --by op",
    "analyze MODEL --symbolic",
    "analyze MODEL --columns name,macs,flops,traffic_bytes,params",
    "compare MODEL MODEL resnet18",
    "compare MODEL resnet18 --symbolic",
    "diff resnet18 MODEL",
    "diff MODEL resnet18 --symbolic",
    "memory MODEL",
    "reconcile MODEL",
    "suggest MODEL",
    "sweep MODEL --set k=3,5",
)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("command", LARGE_COMMANDS)
def test_large_numbers_are_rounded_or_wrapped_and_never_cut(
    command: str, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(tmp_path)
    Path("m.yaml").write_text(LARGE)
    arguments = ["m.yaml" if word == "MODEL" else word for word in command.split()]
    text = CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout
    assert [line for line in text.splitlines() if text_width(line) > width] == []
    assert not re.search(r"(?<![\w.])\d[\d,]*…", text), "a formula ends behind a factor or a term"
    if command == "analyze MODEL":
        digits = f"{9 * 1000000007 * 1000000009 * 1000000021 * (3 + 1000000021):,}"
        assert digits in re.sub(r"\s", "", text), "the total is exact, in as many lines as it needs"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_ratios_of_separable_convolutions_of_open_extents_are_wrapped(
    width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many pairs the sum is a fraction of long formulas."""
    monkeypatch.setenv("COLUMNS", str(width))
    pair = "  - depthwise_conv: {{kernel: 3, stride: 2, pad: 1}}\n  - pointwise_conv: {{filters: {}}}\n"
    layers = "".join(pair.format(8 * 2**i) for i in range(7))
    (tmp_path / "net.yaml").write_text(f"input: [N, 3, H, W]\nlayers:\n{layers}", encoding="utf-8")
    result = CliRunner().invoke(cli, ["explain", str(tmp_path / "net.yaml"), "--symbolic"], catch_exceptions=False)
    assert "(all 7 pairs)" in " ".join(result.stdout.split())
    assert [line for line in result.stdout.splitlines() if text_width(line) > width] == []


@pytest.mark.parametrize("command", ["analyze", "sweep", "llm"])
def test_help_and_its_examples_are_not_wider_either(command: str) -> None:
    line = [sys.executable, "-m", "costcalc", command, "--help"]
    page = subprocess.run(line, env={**os.environ, "COLUMNS": "60"}, capture_output=True, text=True, check=True).stdout
    assert [line for line in page.splitlines() if text_width(line) > 60] == []


@pytest.mark.parametrize("width", [60, 70, 80, 100])
def test_the_first_column_says_what_a_row_is_and_stays(width: int) -> None:
    devices = "raspberry-pi-4,jetson-orin-nano-8gb,stm32h743,t4"
    arguments = ["analyze", "mobilenet_v2", "--hardware", devices, "--by", "op"]
    table = CliRunner().invoke(cli, arguments, env={"COLUMNS": str(width)}).stdout.splitlines()
    head = next(i for i, line in enumerate(table) if line.startswith("Operator"))
    operators = [line.split()[0] for line in table[head + 1 : head + 9]]
    assert operators[:2] == ["Conv", "Gemm"] and len(set(operators)) == 8


@pytest.mark.parametrize(("width", "shown"), [(50, 2), (80, 4), (200, 4)])
def test_devices_whose_times_find_no_room_are_named(width: int, shown: int) -> None:
    """Of four devices each has its column, with the name in the head's second line, or is said to have none."""
    devices = ("stm32h743", "nrf52840", "esp32-s3", "arduino-nano-33-ble")
    run = ("analyze", "lenet5", "--dtype", "int8", "--hardware", ",".join(devices))
    text = CliRunner().invoke(cli, run, env={"COLUMNS": str(width)}).stdout
    (header,) = [line for line in text.splitlines() if line.startswith("Layer ")]
    said = " ".join(text.partition("No room here for ")[2].partition("\n\n")[0].split())
    times = [header.replace("Bound by ", "").count(device) + (f"Time {device}" in said) for device in devices]
    bounds = [f"Bound by {device}" in said for device in devices]
    assert [device in header for device in devices] == [True] * shown + [False] * (4 - shown)
    if width == 200:
        assert not said and times == [2, 2, 2, 2]
    else:
        assert "--format csv" in said and times == [1, 1, 1, 1] and all(bounds)


@pytest.mark.parametrize("command", ["reconcile resnet50", "analyze resnet50", "explain gpt2 macs", "explain vit_b_16"])
def test_nothing_is_wider_than_forty_columns(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    result = CliRunner().invoke(cli, command.split(), catch_exceptions=False)
    assert [line for line in result.stdout.splitlines() if text_width(line) > 40] == []
