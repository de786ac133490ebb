"""Images at another size: interpolation by scales and by sizes, padding, pixels and channels, patches, grids."""

from __future__ import annotations

import torch
from base import Program
from torch import nn
from torch.export import Dim
from torch.nn import functional


class Interpolations(nn.Module):
    """Every mode, by sizes and by scales that give whole numbers and that do not."""

    def forward(self, line: torch.Tensor, plane: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, ...]:
        height, width = plane.shape[2:]
        return (
            functional.interpolate(line, scale_factor=2.0),
            functional.interpolate(line, size=33, mode="linear"),
            functional.interpolate(line, size=33, mode="nearest-exact"),
            functional.interpolate(plane, scale_factor=2),
            functional.interpolate(plane, scale_factor=(0.5, 1.5), mode="nearest-exact"),
            functional.interpolate(plane, size=(2 * height, width + 3)),
            functional.interpolate(plane, size=(7, 30), mode="bilinear", align_corners=True),
            functional.interpolate(plane, scale_factor=1.7, mode="bilinear"),
            functional.interpolate(plane, scale_factor=0.3, mode="bilinear", antialias=True),
            functional.interpolate(plane, scale_factor=0.25, mode="bicubic", recompute_scale_factor=True),
            functional.interpolate(plane, size=(5, 5), mode="bicubic", antialias=True),
            torch.ops.aten._upsample_lanczos2d_aa(plane, [5, 6], False),
            torch.ops.aten.upsample_bilinear2d(plane, [24, 26], False, 2.0, 2.0),
            functional.interpolate(volume, scale_factor=2.0),
            functional.interpolate(volume, size=(4, 5, 6), mode="trilinear"),
            functional.interpolate(volume, size=(4, 5, 6), mode="nearest-exact"),
        )


class Pads(nn.Module):
    """Every mode, negative pads, sizes that are computed, none at all."""

    def forward(self, line: torch.Tensor, plane: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (
            functional.pad(plane, (1, 2)),
            functional.pad(plane, (1, -2, 0, 3, 2, 0), value=-1.5),
            functional.pad(plane, (0, 0, 0, 0)) + 1,
            functional.pad(plane > 0, (1, 1), value=True),
            functional.pad(plane, (0, -plane.shape[3] % 8, 0, -plane.shape[2] % 8)),
            functional.pad(line, (2, 1), mode="reflect"),
            functional.pad(line[0], (2, 1), mode="replicate"),
            functional.pad(plane, (1, 2, 3, 4), mode="circular"),
            functional.pad(plane, (1, 2, 3, 4), mode="replicate"),
            functional.pad(volume, (1, 2, 3, 4, 1, 0), mode="replicate"),
            torch.ops.aten.constant_pad_nd(plane, [2, 2], 1),
            torch.ops.aten.reflection_pad2d(plane, [1, 2, 3, 4]),
            torch.ops.aten.reflection_pad1d(line[0], [1, 2]),
            torch.ops.aten.replication_pad3d(volume, [1, 1, 1, 1, 1, 1]),
        )


class Rearrangements(nn.Module):
    """Channels to pixels and back, channels of groups, patches to columns and back."""

    def __init__(self) -> None:
        super().__init__()
        self.fold = nn.Fold((12, 16), 3, dilation=1, padding=1, stride=2)
        self.unfold = nn.Unfold((3, 2), dilation=(1, 2), padding=(1, 0), stride=(2, 1))

    def forward(self, x: torch.Tensor, columns: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (
            functional.pixel_shuffle(x, 2),
            functional.pixel_shuffle(x[0], 2),
            functional.pixel_shuffle(x[None], 2),
            functional.pixel_unshuffle(x, 4),
            functional.pixel_unshuffle(x[0], 2),
            functional.channel_shuffle(x, 4),
            self.unfold(x),
            self.unfold(x[0]),
            self.fold(columns),
            self.fold(columns[0]),
        )


class Grids(nn.Module):
    """Sampling on a grid in every mode, and affine grids."""

    def forward(self, plane: torch.Tensor, volume: torch.Tensor, theta: torch.Tensor) -> tuple[torch.Tensor, ...]:
        n, c, h, w = plane.shape
        grid = functional.affine_grid(theta, [n, c, 2 * h, w], align_corners=False)
        deep = functional.affine_grid(volume.new_empty(2, 3, 4), [2, 2, 3, 4, 5], align_corners=True)
        return (
            functional.grid_sample(plane, grid, align_corners=False),
            functional.grid_sample(plane, grid, mode="nearest", padding_mode="border", align_corners=True),
            functional.grid_sample(plane, grid, mode="bicubic", padding_mode="reflection", align_corners=True),
            functional.grid_sample(volume, deep, align_corners=True),
        )


def images() -> tuple[torch.Tensor, ...]:
    return torch.empty(2, 4, 20), torch.empty(2, 4, 12, 13), torch.empty(2, 2, 6, 7, 8)


_OPEN = (
    {0: Dim.AUTO, 2: Dim.AUTO},
    {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO},
    {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO, 4: Dim.AUTO},
)


def shuffled() -> tuple[torch.Tensor, ...]:
    return torch.empty(2, 16, 8, 12), torch.empty(2, 4 * 9, 6 * 8)


PROGRAMS = {
    "interpolate": Program(Interpolations, images),
    "interpolate_open": Program(Interpolations, images, _OPEN),
    "pad": Program(Pads, images),
    "pad_open": Program(Pads, images, _OPEN),
    "rearrange": Program(Rearrangements, shuffled),
    "rearrange_open": Program(Rearrangements, shuffled, ({0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}, {0: Dim.AUTO})),
    "grid": Program(Grids, lambda: (*images()[1:], torch.empty(2, 2, 3))),
    "grid_open": Program(Grids, lambda: (*images()[1:], torch.empty(2, 2, 3)), (_OPEN[1], None, {0: Dim.AUTO})),
}
