"""torchvision's operators: regions of feature maps, deformable convolution, boxes that do not overlap."""

from __future__ import annotations

import torch
from base import Program
from torch import nn
from torch.export import Dim
from torchvision import ops


class Regions(nn.Module):
    """Regions of a feature map, in every way of pooling them, and those that are left of them."""

    def forward(self, x: torch.Tensor, rois: torch.Tensor, scores: torch.Tensor) -> tuple[torch.Tensor, ...]:
        kept = ops.nms(rois[:, 1:], scores, 0.5)
        return (
            ops.roi_align(x, rois, (2, 3), spatial_scale=0.25, sampling_ratio=2, aligned=True),
            ops.roi_align(x, rois, 2),
            ops.roi_pool(x, rois, (2, 3), 0.5),
            ops.ps_roi_align(x, rois, 2, sampling_ratio=2),
            ops.ps_roi_pool(x, rois, 2),
            *torch.ops.torchvision.roi_pool(x, rois, 0.5, 2, 2),
            kept,
            ops.roi_align(x, rois[kept], 7),
        )


class Deformable(nn.Module):
    """Deformable convolution with and without mask and bias."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = ops.DeformConv2d(8, 6, 3, padding=1, stride=2, groups=2)
        self.bare = ops.DeformConv2d(8, 6, (1, 3), dilation=(1, 2), bias=False)

    def forward(self, x: torch.Tensor, offset: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        bare_offset = x.new_empty(x.shape[0], 6, x.shape[2], x.shape[3] - 4)
        return self.conv(x, offset, mask), self.bare(x, bare_offset)


def regions() -> tuple[torch.Tensor, ...]:
    return torch.empty(2, 8, 16, 20), torch.empty(12, 5), torch.empty(12)


def deformed() -> tuple[torch.Tensor, ...]:
    return torch.empty(2, 8, 16, 20), torch.empty(2, 18, 8, 10), torch.empty(2, 9, 8, 10)


_DEFORMABLE_MACS = 2 * 6 * 8 * 10 * 4 * 9 + 2 * 6 * 16 * 16 * 8 * 3

PROGRAMS = {
    "regions": Program(Regions, regions, macs=0),
    "regions_open": Program(
        Regions, regions, ({0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}, {0: Dim.AUTO}, {0: Dim.AUTO}), macs=0
    ),
    "deformable": Program(Deformable, deformed, macs=_DEFORMABLE_MACS),
}
