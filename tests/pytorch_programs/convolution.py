"""Convolutions in every form: ranks, no batch, words for padding, groups, transposed, kernels made by the network."""

from __future__ import annotations

import torch
from base import Program
from torch import nn
from torch.export import Dim


class Convolutions(nn.Module):
    """One, two and three axes; same and valid padding, strides, dilations, groups, inputs without a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Conv1d(4, 6, 4, padding="same", dilation=3)
        self.valid = nn.Conv1d(4, 6, 3, padding="valid", bias=False)
        self.plane = nn.Conv2d(4, 8, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
        self.mirror = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect", groups=4)
        self.ring = nn.Conv2d(4, 4, 3, padding="same", padding_mode="circular")
        self.volume = nn.Conv3d(2, 3, 3, stride=2, padding=1)

    def forward(self, line: torch.Tensor, plane: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (
            self.line(line),
            self.line(line[0]),
            self.valid(line),
            self.plane(plane),
            self.plane(plane[0]),
            self.mirror(plane),
            self.ring(plane),
            self.volume(volume),
            self.volume(volume[0]),
            torch.conv2d(plane, self.mirror.weight, stride=2, groups=4),
            torch.convolution(plane, self.plane.weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 2),
        )


class TransposedConvolutions(nn.Module):
    """One, two and three axes; output padding, dilation, groups, an input without a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1, output_padding=1, bias=False)
        self.plane = nn.ConvTranspose2d(4, 6, (2, 3), stride=(2, 3), padding=(0, 1), output_padding=(1, 2), groups=2)
        self.dilated = nn.ConvTranspose2d(4, 6, 3, dilation=2)
        self.volume = nn.ConvTranspose3d(2, 3, 2, stride=2)

    def forward(self, line: torch.Tensor, plane: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = self.plane(plane, output_size=(14, 27))
        z = torch.convolution(plane, self.dilated.weight, None, [2, 1], [1, 1], [1, 1], True, [1, 0], 1)
        return self.line(line), self.line(line[0]), y, self.plane(plane[0]), self.dilated(plane), self.volume(volume), z


class DynamicKernels(nn.Module):
    """Kernels that are an input, other ones for each sample: the samples are groups of one convolution."""

    def forward(self, x: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        x = x.reshape(1, n * c, h, w)
        return torch.conv2d(x, kernels.flatten(0, 1), padding=1, groups=n).view(n, 6, h, w)


class TimeFirst(nn.Module):
    """conv_tbc: [length, N, C]."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(3, 4, 6))
        self.bias = nn.Parameter(torch.empty(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.conv_tbc(x, self.weight, self.bias, pad=1)


def images() -> tuple[torch.Tensor, ...]:
    return torch.empty(2, 4, 20), torch.empty(2, 4, 12, 13), torch.empty(2, 2, 6, 7, 8)


_IMAGE = {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}

PROGRAMS = {
    "forms": Program(Convolutions, images),
    "open": Program(
        Convolutions, images, ({0: Dim.AUTO, 2: Dim.AUTO}, _IMAGE, {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO, 4: Dim.AUTO})
    ),
    "transposed": Program(TransposedConvolutions, lambda: (torch.empty(2, 4, 9), torch.empty(2, 4, 7, 9), images()[2])),
    "dynamic_kernels": Program(DynamicKernels, lambda: (torch.empty(2, 4, 8, 8), torch.empty(2, 6, 4, 3, 3))),
    "dynamic_kernels_open": Program(
        DynamicKernels,
        lambda: (torch.empty(2, 4, 8, 8), torch.empty(2, 6, 4, 3, 3)),
        (_IMAGE, {0: Dim.AUTO}),
    ),
    "time_first": Program(TimeFirst, lambda: (torch.empty(10, 2, 4),), macs=10 * 2 * 3 * 4 * 6),
}
