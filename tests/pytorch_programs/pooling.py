"""Pools over windows, adaptive pools, with and without places, of every rank, over inputs without a batch."""

from __future__ import annotations

import torch
from base import Program
from torch import nn
from torch.export import Dim
from torch.nn import functional


class Pools(nn.Module):
    """Maxima, means and p-norms over windows."""

    def forward(self, line: torch.Tensor, plane: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, ...]:
        places = functional.max_pool2d(plane, 2, return_indices=True)
        return (
            functional.max_pool1d(line, 3, 2, 1),
            functional.max_pool1d(line[0], 3, ceil_mode=True),
            functional.max_pool2d(plane, (3, 5), stride=2, padding=1, ceil_mode=True),
            functional.max_pool2d(plane, 3, 1, 1, 2),
            functional.max_pool2d(plane[0], 2, return_indices=True)[1],
            places[0],
            places[1],
            functional.max_pool3d(volume, 2),
            functional.max_pool3d(volume, (1, 3, 3), (1, 2, 2), (0, 1, 1), return_indices=True)[0],
            functional.avg_pool1d(line, 4),
            functional.avg_pool2d(plane, 3, 2, 1, ceil_mode=True, count_include_pad=False),
            functional.avg_pool2d(plane[0], (2, 3), divisor_override=5),
            functional.avg_pool3d(volume, 2, divisor_override=7),
            functional.lp_pool1d(line, 2, 3),
        )


class Unpools(nn.Module):
    """Values back at the places of maxima; windows at random places, and those that would begin in the padding."""

    def forward(self, plane: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values, places = functional.max_pool2d(plane, 2, return_indices=True)
        deep_values, deep_places = functional.max_pool3d(volume, 2, return_indices=True)
        samples = plane.new_empty(2, 4, 2)
        return (
            functional.max_pool2d(plane, (3, 2), stride=2, padding=1, ceil_mode=True),
            functional.max_unpool2d(values, places, 2),
            functional.max_unpool2d(values, places, 2, output_size=plane.shape[2:]),
            functional.max_unpool3d(deep_values, deep_places, 2),
            torch.ops.aten.fractional_max_pool2d(plane, [2, 3], [5, 4], samples)[0],
        )


class AdaptivePools(nn.Module):
    """Windows that are equal, that share elements, that are one element, and one window over all."""

    def forward(self, line: torch.Tensor, plane: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (
            functional.adaptive_avg_pool1d(line, 1),
            functional.adaptive_avg_pool1d(line[0], 8),
            functional.adaptive_avg_pool2d(plane, 1),
            functional.adaptive_avg_pool2d(plane[0], (1, 1)),
            functional.adaptive_avg_pool2d(plane, (None, 1)),
            functional.adaptive_avg_pool2d(plane, (4, 13)),
            functional.adaptive_avg_pool2d(plane, (5, 7)),
            functional.adaptive_avg_pool2d(plane, (15, 20)),
            functional.adaptive_avg_pool3d(volume, (3, 7, 1)),
            functional.adaptive_max_pool1d(line, 1),
            functional.adaptive_max_pool1d(line, 5, return_indices=True)[1],
            functional.adaptive_max_pool2d(plane, 1),
            functional.adaptive_max_pool2d(plane, (1, 1), return_indices=True)[1],
            functional.adaptive_max_pool2d(plane[0], (5, None)),
            functional.adaptive_max_pool3d(volume, 3, return_indices=True)[1],
        )


def images() -> tuple[torch.Tensor, ...]:
    return torch.empty(2, 4, 20), torch.empty(2, 4, 12, 13), torch.empty(2, 2, 6, 7, 8)


_OPEN = ({0: Dim.AUTO, 2: Dim.AUTO}, {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}, {0: Dim.AUTO, 3: Dim.AUTO})

PROGRAMS = {
    "windows": Program(Pools, images),
    "windows_open": Program(Pools, images, _OPEN),
    "unpool": Program(Unpools, lambda: images()[1:]),
    "adaptive": Program(AdaptivePools, images),
    "adaptive_open": Program(AdaptivePools, images, _OPEN),
}
