"""Regions of interest, grids, deformable convolution, image decoding."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import I64, U8, cost, onnx_shapes, run, shape, t, work

from costcalc.core.dim import symbols
from costcalc.core.errors import ShapeError


def test_roi_align() -> None:
    inputs = [t(2, 8, 16, 16), t(5, 4), t(5, dtype=I64)]
    how: Any = {"output_height": 7, "output_width": 7, "sampling_ratio": 2}
    assert shape("RoiAlign", *inputs, **how) == onnx_shapes("RoiAlign", *inputs, **how)[0] == (5, 8, 7, 7)
    assert cost("RoiAlign", *inputs, **how).flops == 5 * 8 * 7 * 7 * 4 * (4 + 3 + 1)


def test_max_roi_pool() -> None:
    inputs = [t(2, 8, 16, 16), t(5, 5)]
    assert shape("MaxRoiPool", *inputs, opset=7, pooled_shape=(3, 4)) == (5, 8, 3, 4)
    assert cost("MaxRoiPool", *inputs, opset=7, pooled_shape=(3, 4)).flops == 5 * 8 * 3 * 4


@pytest.mark.parametrize(("mode", "each"), [("linear", 4 + 3), ("bilinear", 4 + 3), ("cubic", 16 + 15), ("nearest", 0)])
def test_grid_sample(mode: str, each: int) -> None:
    x, grid = t(2, 3, 16, 16), t(2, 5, 6, 2)
    assert shape("GridSample", x, grid, mode=mode) == onnx_shapes("GridSample", x, grid)[0] == (2, 3, 5, 6)
    assert cost("GridSample", x, grid, mode=mode).flops == 2 * 3 * 5 * 6 * each + 2 * (2 * 5 * 6 * 2)


def test_grid_sample_in_space() -> None:
    assert shape("GridSample", t(2, 3, 4, 5, 6), t(2, 7, 8, 9, 3)) == (2, 3, 7, 8, 9)
    with pytest.raises(ShapeError):
        run("GridSample", t(2, 3, 4, 5, 6), t(2, 7, 8, 9, 2))


def test_affine_grid() -> None:
    size = t(4, dtype=I64, value=(2, 3, 5, 6))
    assert shape("AffineGrid", t(2, 2, 3), size) == onnx_shapes("AffineGrid", t(2, 2, 3), size)[0] == (2, 5, 6, 2)
    assert cost("AffineGrid", t(2, 2, 3), size).flops == 2 * 5 * 6 * 2 * (2 + 2)
    size = t(5, dtype=I64, value=(2, 3, 4, 5, 6))
    assert shape("AffineGrid", t(2, 3, 4), size) == (2, 4, 5, 6, 3)
    unknown = shape("AffineGrid", t(2, 2, 3), t(4, dtype=I64))
    assert unknown is not None and symbols(*unknown) == ("height", "width")


def test_deform_conv() -> None:
    x, w, offset = t(1, 4, 10, 10), t(6, 4, 3, 3), t(1, 18, 8, 8)
    inputs = [x, w, offset, t(6), t(1, 9, 8, 8)]
    assert shape("DeformConv", *inputs) == onnx_shapes("DeformConv", *inputs)[0] == (1, 6, 8, 8)
    found = cost("DeformConv", *inputs)
    assert found.macs.value == 4 * 9 * 64 * 6
    reads = 4 * 64 * 9
    assert work(found) == {
        ("add", "bias"): 6 * 64,
        ("multiply", "elementwise"): 5 * reads,
        ("add", "elementwise"): 3 * reads + 18 * 64,
    }
    with pytest.raises(ShapeError, match="offset"):
        run("DeformConv", x, w, t(1, 17, 8, 8))


def test_image_decoder() -> None:
    found = run("ImageDecoder", t(1000, dtype=U8), pixel_format="Grayscale")[0]
    assert found.shape is not None and found.shape[2] == 1 and found.dtype is U8
