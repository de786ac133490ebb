"""DFT, STFT, MelWeightMatrix, Det: shapes by ONNX, sums by definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.operator_rules import cost, onnx_shapes, run, scalar, shape, t, work

from costcalc.core.dim import symbol


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize("length", [None, 8, 20])
@pytest.mark.parametrize("opset", [17, 20])
def test_dft(onesided: int, length: int | None, opset: int) -> None:
    inputs = [t(3, 16, 5, 1)] + ([scalar(length)] if length else [])
    how: Any = {"onesided": onesided, "opset": opset}
    expected = onnx_shapes("DFT", *inputs, **how)[0]
    assert shape("DFT", *inputs, **how) == expected
    n = length or (16 if opset == 17 else 5)
    bins = n // 2 + 1 if onesided else n
    others = 3 * 5 if opset == 17 else 3 * 16
    assert cost("DFT", *inputs, **how).flops == 2 * (others * bins * 2) * n


def test_one_sided_inverse() -> None:
    x = t(3, 9, 2)
    assert shape("DFT", x, None, scalar(1), onesided=1, inverse=1) == (3, 16, 1)
    assert cost("DFT", x, None, scalar(1), onesided=1, inverse=1).flops == 2 * 3 * 16 * 9 * 2


def test_complex_dft_by_its_definition() -> None:
    assert cost("DFT", t(1, 8, 2)).flops == 2 * (8 * 2) * (8 * 2)


@pytest.mark.parametrize("onesided", [0, 1])
def test_stft(onesided: int) -> None:
    inputs = [t(2, 400, 1), scalar(16), t(64)]
    expected = onnx_shapes("STFT", *inputs, scalar(64), onesided=onesided)[0]
    assert shape("STFT", *inputs, onesided=onesided) == expected
    frames, bins = (400 - 64) // 16 + 1, 33 if onesided else 64
    found = work(cost("STFT", *inputs, onesided=onesided))
    assert found["multiply", "elementwise"] == 2 * frames * bins * 2 * 64 + 2 * frames * 64
    assert found["add", "elementwise"] == 2 * frames * bins * 2 * 64


def test_open_signal() -> None:
    n = symbol("n")
    assert shape("STFT", t(1, n, 1), scalar(10), None, scalar(20)) == (1, (n - 20) // 10 + 1, 11, 2)


def test_mel() -> None:
    inputs = [scalar(8), scalar(16), scalar(8192), t(value=(0.0,)), t(value=(4096.0,))]
    assert shape("MelWeightMatrix", *inputs) == onnx_shapes("MelWeightMatrix", *inputs)[0] == (9, 8)
    assert cost("MelWeightMatrix", *inputs).flops == 2 * 72


@pytest.mark.parametrize("m", [1, 2, 3, 6])
def test_det(m: int) -> None:
    assert run("Det", t(4, m, m))[0].shape == onnx_shapes("Det", t(4, m, m))[0] == (4,)
    updates = quotients = 0
    a = np.eye(m)
    for k in range(m):
        for i in range(k + 1, m):
            quotients += 1
            updates += len(a[i, k + 1 :])
    assert cost("Det", t(4, m, m)).flops == 4 * (2 * updates + quotients + m - 1)
