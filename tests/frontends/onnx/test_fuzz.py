"""Thousands of damaged models in a process of its own: a report or a refusal, in bounded time and memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from onnx import TensorProto
from onnx import helper as h
from support import fuzz
from support.cli import environment
from support.onnx_models import info, model
from support.paths import ONNX_FILES, SHARED

from costcalc.core.errors import CostcalcError
from costcalc.frontends.onnx.reader import load_onnx

SECONDS = 6


@pytest.mark.skipif(sys.platform != "linux", reason="the process's memory is limited by Linux's means")
def test_damaged_models() -> None:
    """The seed is new in every run; what fails is kept in a file whose path is printed."""
    shared = [p for p in (SHARED / "models").glob("*.onnx") if p.stat().st_size < 60_000]
    files = [str(p) for p in (*sorted(ONNX_FILES.glob("*.onnx")), *shared)]
    seed = int.from_bytes(os.urandom(4), "big")
    done = subprocess.run(
        [sys.executable, fuzz.__file__, str(SECONDS), str(seed), *files],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert done.returncode == 0, f"seed {seed}: {done.stdout[-4000:]}{done.stderr[-2000:]}"


def test_elements_in_a_field_of_another_type_are_refused() -> None:
    """Floats in an int64 shape would be taken for extents."""
    shape = TensorProto(name="shape", data_type=TensorProto.INT64, dims=[1], double_data=[2.5])
    nodes = [h.make_node("Reshape", ["x", "shape"], ["y"])]
    with pytest.raises(CostcalcError, match="of another type than int64"):
        load_onnx(model(nodes, [info("x", TensorProto.FLOAT, [4])], ["y"], [shape]))


def test_extents_are_integers() -> None:
    """A shape in a float tensor."""
    shape = h.make_tensor("shape", TensorProto.FLOAT, [1], [2.5])
    nodes = [h.make_node("Expand", ["x", "shape"], ["y"])]
    with pytest.raises(CostcalcError, match=r"integer|whole number"):
        load_onnx(model(nodes, [info("x", TensorProto.FLOAT, [1])], ["y"], [shape]))
