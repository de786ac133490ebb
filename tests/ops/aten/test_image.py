"""ATen's and torchvision's operators on images that ONNX does not have: their costs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.operator_rules import t, work

from costcalc.core import registry
from costcalc.core.dim import Dim, substitute, symbol
from costcalc.core.formula import Cost
from costcalc.core.ir import TensorType
from costcalc.ops.aten.image import adaptive_elements

P = "pooling"


def aten_cost(op_type: str, inputs: list[TensorType], out: TensorType, domain: str = "aten", **how: Any) -> Cost | None:
    rule = registry.COST_RULES[domain, op_type]
    return registry.infer_cost(rule, inputs, how, {"out": out, "outs": (out,), "n_outputs": 1})


def known(*arguments: Any, **how: Any) -> Cost:
    found = aten_cost(*arguments, **how)
    assert found is not None
    return found


def elements(extent: int, windows: int) -> int:
    """The elements of all windows, one by one."""
    return sum(-(-(i + 1) * extent // windows) - i * extent // windows for i in range(windows))


@given(st.integers(1, 60), st.integers(1, 60))
def test_elements_of_adaptive_windows(extent: int, windows: int) -> None:
    assert adaptive_elements(extent, windows) == elements(extent, windows)
    found = adaptive_elements(symbol("h"), windows)
    assert found is not None and substitute(found, {"h": extent}) == elements(extent, windows)


def test_adaptive_pools() -> None:
    x, out = t(2, 3, 5, 6), t(2, 3, 3, 4)
    windows = 2 * 3 * (2 + 3 + 2) * (2 + 2 + 2 + 2)  # 0-1 1-3 3-4; 0-1 1-2 3-4 4-5
    combined = windows - 2 * 3 * 3 * 4
    assert work(known("adaptive_max_pool", [x], out, axes=2)) == {("compare", P): combined}
    found = work(known("adaptive_avg_pool", [x], out, axes=2))
    assert found == {("add", P): combined, ("divide", P): 2 * 3 * 3 * 4}


@pytest.mark.parametrize("windows", [symbol("out"), 200])
def test_adaptive_pools_of_open_extents_may_be_unknown(windows: Dim) -> None:
    assert aten_cost("adaptive_avg_pool", [t(1, 3, symbol("h"))], t(1, 3, windows), axes=1) is None


def test_an_image_of_open_extent_that_keeps_it() -> None:
    h = symbol("h")
    assert work(known("adaptive_avg_pool", [t(1, 3, h, 7)], t(1, 3, h, 1), axes=2)) == {
        ("add", P): 3 * h * 7 - 3 * h,
        ("divide", P): 3 * h,
    }


def test_time_first_convolution() -> None:
    found = known("conv_tbc", [t(10, 2, 4), t(3, 4, 6), t(6)], t(10, 2, 6))
    assert found.macs.value == 10 * 2 * 3 * 4 * 6
    assert work(found) == {("add", "bias"): 10 * 2 * 6}


def test_fractional_max_pool() -> None:
    found = known("fractional_max_pool", [t(2, 4, 9, 9), t(2, 4, 2)], t(2, 4, 5, 4), kernel_shape=(2, 3))
    assert work(found) == {("compare", P): 2 * 4 * 5 * 4 * (2 * 3 - 1)}


def test_lanczos() -> None:
    found = work(known("upsample_lanczos", [t(1, 3, 9, 9)], t(1, 3, 5, 6), axes=2))
    assert found == {("multiply", "elementwise"): 3 * 5 * 6 * 36, ("add", "elementwise"): 3 * 5 * 6 * 35}


def test_regions() -> None:
    x, rois, out = t(2, 8, 16, 20), t(12, 5), t(12, 2, 2, 2)
    points = 12 * 2 * 2 * 2 * 2**2
    found = work(known("ps_roi_align", [x, rois], out, "torchvision", sampling_ratio=2))
    assert found == {("multiply", "elementwise"): 4 * points, ("add", "elementwise"): 3 * points, ("add", P): points}
    assert known("ps_roi_pool", [x, rois], out, "torchvision").flops == 12 * 2 * 2 * 2
    assert known("nms", [t(12, 4), t(12)], t(symbol("kept")), "torchvision").flops == 12


@pytest.mark.parametrize(
    ("operator", "op_type", "domain"),
    [
        ("convolution", "Conv", "aten"),
        ("conv_transpose", "ConvTranspose", "aten"),
        ("avg_pool", "AveragePool", "aten"),
        ("batch_norm", "BatchNormalization", "aten"),
        ("group_norm", "GroupNormalization", "aten"),
        ("rms_norm", "RMSNormalization", "aten"),
        ("roi_pool", "MaxRoiPool", "torchvision"),
    ],
)
def test_operators_that_cost_what_those_of_onnx_do(operator: str, op_type: str, domain: str) -> None:
    assert registry.COST_RULES[domain, operator] is registry.COST_RULES["", op_type]
