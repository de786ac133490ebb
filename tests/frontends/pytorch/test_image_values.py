"""Calls on images, translated to ONNX and run by ONNX Runtime, compute what PyTorch computes. `make test-torch` runs
this."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.frontends.onnx.writer import export

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")
runtime = pytest.importorskip("onnxruntime")
F = torch.nn.functional

LINE, PLANE, VOLUME = (2, 4, 20), (2, 4, 12, 13), (2, 2, 6, 7, 8)
CHANNELS, COLUMNS, GRID = (2, 16, 8, 12), (2, 36, 48), (2, 9, 11, 2)

Case = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]


def resized(shape: tuple[int, ...], **how: Any) -> Case:
    return lambda x: F.interpolate(x, **how), (shape,)


def padded(shape: tuple[int, ...], pads: tuple[int, ...], **how: Any) -> Case:
    return lambda x: F.pad(x, pads, **how), (shape,)


def sampled(mode: str, padding: str, corners: bool) -> Case:
    how = {"mode": mode, "padding_mode": padding, "align_corners": corners}
    return lambda x, grid: F.grid_sample(x, grid, **how), (PLANE, GRID)


CASES: dict[str, Case] = {
    "conv": (lambda x, w: F.conv2d(x, w, None, (2, 1), (1, 2), (1, 2), 2), (PLANE, (6, 2, 3, 2))),
    "conv without a batch": (lambda x, w: F.conv2d(x[0], w, groups=2), (PLANE, (6, 2, 3, 2))),
    "conv, same": (lambda x, w: F.conv2d(x, w, padding="same", groups=2), (PLANE, (6, 2, 3, 2))),
    "conv transposed": (
        lambda x, w: F.conv_transpose2d(
            x, w, stride=(2, 3), padding=1, output_padding=(1, 2), groups=2, dilation=(1, 2)
        ),
        (PLANE, (4, 3, 3, 2)),
    ),
    "max pool": (lambda x: F.max_pool2d(x, (3, 2), 2, 1, ceil_mode=True), (PLANE,)),
    "max pool, dilated": (lambda x: F.max_pool2d(x, 3, 1, 1, 2), (PLANE,)),
    "mean pool": (lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), (PLANE,)),
    "mean pool, padding counts": (lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), (PLANE,)),
    "equal windows": (lambda x: F.adaptive_avg_pool2d(x, (4, 13)), (PLANE,)),
    "one window": (lambda x: F.adaptive_max_pool1d(x[0], 1), (LINE,)),
    "nearest": resized(PLANE, size=(7, 30)),
    "nearest, scale": resized(PLANE, scale_factor=1.7),
    "nearest exact": resized(PLANE, size=(7, 30), mode="nearest-exact"),
    "nearest exact, scales": resized(VOLUME, scale_factor=(0.5, 1.5, 2.0), mode="nearest-exact"),
    "linear": resized(LINE, size=33, mode="linear"),
    "bilinear, scale": resized(PLANE, scale_factor=1.7, mode="bilinear"),
    "bilinear, sizes": resized(PLANE, scale_factor=1.7, mode="bilinear", recompute_scale_factor=True),
    "bilinear, corners": resized(PLANE, size=(7, 30), mode="bilinear", align_corners=True),
    "bilinear, one pixel": resized(PLANE, size=(1, 1), mode="bilinear"),
    "bilinear, smooth": resized(PLANE, size=(5, 6), mode="bilinear", antialias=True),
    "bicubic": resized(PLANE, size=(7, 30), mode="bicubic"),
    "bicubic, smooth": resized(PLANE, size=(5, 6), mode="bicubic", antialias=True),
    "trilinear": resized(VOLUME, size=(4, 5, 6), mode="trilinear"),
    "pad": padded(PLANE, (1, -2, 0, 3, 2, 0), value=-1.5),
    "pad, infinite": padded(PLANE, (1, 1), value=float("-inf")),
    "pad, reflected": padded(LINE, (2, 1), mode="reflect"),
    "pad, replicated": padded(VOLUME, (1, 2, 3, 4, 1, 0), mode="replicate"),
    "pad, circular": padded(PLANE, (1, 2, 3, 4), mode="circular"),
    "pixels": (lambda x: F.pixel_shuffle(x[0], 2), (CHANNELS,)),
    "channels": (lambda x: F.pixel_unshuffle(x, 4), (CHANNELS,)),
    "groups": (lambda x: F.channel_shuffle(x, 4), (CHANNELS,)),
    "fold": (lambda x: F.fold(x[0], (12, 16), 3, 1, 1, 2), (COLUMNS,)),
    "grid, linear": sampled("bilinear", "zeros", False),
    "grid, nearest": sampled("nearest", "border", True),
    "grid, cubic": sampled("bicubic", "reflection", False),
    "affine": (lambda theta: F.affine_grid(theta, [2, 4, 5, 6], align_corners=False), ((2, 2, 3),)),
    "instance norm": (lambda x: F.instance_norm(x), (PLANE,)),
    "group norm": (lambda x: F.group_norm(x, 2), (PLANE,)),
    "layer norm": (lambda x: F.layer_norm(x, (12, 13)), (PLANE,)),
    "rms norm": (lambda x: F.rms_norm(x, (12, 13), eps=1e-3), (PLANE,)),
    "local norm": (lambda x: F.local_response_norm(x, 3), (PLANE,)),
    "weight norm": (lambda v, g: torch._weight_norm(v, g, 2), ((4, 3, 2), (1, 1, 2))),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name: str, tmp_path: Path) -> None:
    function, shapes = CASES[name]

    class Network(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *inputs: Any) -> Any:
            return function(*inputs)

    torch.manual_seed(0)
    inputs = tuple([torch.randn(shape) for shape in shapes])
    torch.export.save(torch.export.export(Network(), inputs, strict=False), tmp_path / "net.pt2")
    export(costcalc.load(tmp_path / "net.pt2"), tmp_path / "net.onnx")
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    names = [value.name for value in session.get_inputs()]
    (found,) = session.run(None, {key: x.numpy() for key, x in zip(names, inputs, strict=True)})
    torch.testing.assert_close(torch.from_numpy(found), function(*inputs), atol=1e-4, rtol=1e-3)
