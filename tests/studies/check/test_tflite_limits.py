"""Limits on `.tflite` models: arenas that need more while they are set up or of which a part is not known, and the layer
that a broken limit of memory or of an NPU points at."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import call
from support.paths import DATA

FILES = DATA / "tflite"
KWS = str(DATA / "npu" / "kws_ref_model.tflite")
CMSIS_NN = ("--runtime", "tflm:cmsis-nn")


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """(exit code, what is printed, its white space made single)."""
    code, out, _ = call(capsys, "check", *arguments)
    return code, " ".join(out.split())


@pytest.mark.parametrize(
    ("limit", "code", "words"),
    [
        (2_448, 0, "2,288 B of 2,448 B"),
        (2_447, 1, "2,448 B of 2,447 B"),
        (2_288, 1, "must have as many while it is set up; then it uses 2,288 bytes"),
        (2_287, 1, "2,288 B of 2,287 B"),
    ],
)
def test_an_arena_limit_must_allow_what_its_set_up_needs(
    capsys: pytest.CaptureFixture[str], limit: int, code: int, words: str
) -> None:
    """quantised.tflite uses 2,288 bytes, and its plan cannot be made in fewer than 2,448."""
    found, out = check(capsys, str(FILES / "quantised.tflite"), *CMSIS_NN, "--max", f"tflm_arena_bytes={limit}")
    assert found == code and words in out


def test_an_arena_of_which_a_part_is_not_known_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(FILES / "arithmetic.tflite")
    code, out = check(capsys, file, *CMSIS_NN, "--max", "tflm_arena_bytes=1MiB")
    assert code == 2 and "ATAN2" in out and "allocate in the arena is not known" in out and "hold arena_bytes" in out
    assert check(capsys, file, *CMSIS_NN, "--max", "tflm_arena_bytes=1KiB")[0] == 1, "it is known to be more"
    file, custom = str(FILES / "custom.tflite"), "tflite.custom:TFLite_Detection_PostProcess"
    assert check(capsys, file, *CMSIS_NN, "--max", "tflm_arena_bytes=1MiB", "--allow", custom)[0] == 0


def test_a_limit_of_memory_points_at_a_layer(capsys: pytest.CaptureFixture[str]) -> None:
    limits = ["--max", "tflm_arena_bytes=20KiB", "--max", "flash_bytes=50KiB"]
    code, out = check(capsys, KWS, *CMSIS_NN, *limits)
    assert code == 1
    assert "the largest buffer at its peak is of functional_1/conv2d (35.1%)" in out, "8,000 of 22,820 bytes"
    assert "the largest weights are of functional_1/conv2d_1 (8.1%)" in out, "4,352 of 53,936 bytes"
    tail = check(capsys, str(FILES / "quantised.tflite"), *CMSIS_NN, "--max", "tflm_arena_bytes=1KiB")
    assert tail[0] == 1 and "CC031: raise the limit" in tail[1], "structures are most of that arena, no layer's"


MEMORY = """
name: Board
kind: microcontroller
variant: Cortex-M4
seen: 2026-01-01
peak: {{int8: {{value: 128 M, source: sheet}}}}
memory: {{flash: {{value: {flash}, source: sheet}}, sram: {{value: {sram}, source: sheet}}}}
"""


@pytest.mark.parametrize(
    ("flash", "sram", "runtime", "words"),
    [
        (50_000, 65_536, (), "model file needs 53,936 bytes of flash, which has 50,000"),
        (65_536, 10_000, (), "arena needs 16,000 bytes of sram, which has 10,000"),
        (65_536, 20_000, CMSIS_NN, "TFLM arena needs 22,820 bytes of sram, which has 20,000"),
    ],
)
def test_a_model_that_does_not_fit_points_at_a_layer(
    here: Path, capsys: pytest.CaptureFixture[str], flash: int, sram: int, runtime: tuple[str, ...], words: str
) -> None:
    (here / "board.yaml").write_text(MEMORY.format(flash=flash, sram=sram))
    code, out = check(capsys, KWS, *runtime, "--require", "fits.board.yaml")
    assert (
        code == 1
        and words in out
        and "the largest part is of" in out
        and "cheaper, or name another device, or take it out" in out
    )


def test_operators_on_the_cpu_are_told_with_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(FILES / "separable.tflite")
    code, out = check(capsys, file, "--max", "cpu_operators.ethos-u55-128=0")
    assert code == 1 and "the first is" in out and "is float32, not int8" in out and "→ replace" in out
