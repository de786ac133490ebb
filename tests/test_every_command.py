"""Every command with its options on models of each kind: an answer, or a refusal that says what to do, within limits.

`make test-models` does the same for a folder of models."""

from __future__ import annotations

import sys

import pytest
from support.paths import DATA, ONNX_FILES, ROOT
from support.sandbox import run_process

MODELS = (
    "hand_local_functions",
    "ortfused_bert_tiny__ts",
    "resnet18__ts_dynhw",
    "toy_cond__dyn",
    "toy_lstm__ts_dynamic",
    "toy_loop__ts",
)
TFLITE = ("control", "quantised", "selection", "trained_weights")
BUILTIN = ("gpt2", "mobilenet")


@pytest.mark.skipif(sys.platform != "linux", reason="limits and peaks of processes are Linux's")
def test_every_command_on_models_of_each_kind() -> None:
    files = [str(ONNX_FILES / f"{name}.onnx") for name in MODELS]
    files += [str(DATA / "tflite" / f"{name}.tflite") for name in TFLITE]
    done = run_process([str(ROOT / "tests" / "every_command.py"), *files, *BUILTIN, "--whole", "40"], 600)
    assert done.returncode == 0, done.stdout + done.stderr
