"""Normalisations with and without scale, shift and running statistics; their native forms; norms; weight norm."""

from __future__ import annotations

import torch
from base import Program
from torch import nn
from torch.export import Dim
from torch.nn import functional


class Normalisations(nn.Module):
    """Over the batch, groups, layers, samples; training has the statistics of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.batch = nn.BatchNorm2d(8)
        self.plain = nn.BatchNorm1d(8, affine=False)
        self.own = nn.BatchNorm2d(8, track_running_stats=False)
        self.group = nn.GroupNorm(4, 8)
        self.bare_group = nn.GroupNorm(2, 8, affine=False)
        self.layer = nn.LayerNorm((6, 5))
        self.unshifted = nn.LayerNorm(5, bias=False)
        self.bare = nn.LayerNorm(5, elementwise_affine=False)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.running = nn.InstanceNorm1d(8, track_running_stats=True)
        self.rms = nn.RMSNorm((6, 5), eps=1e-6)
        self.local = nn.LocalResponseNorm(3)

    def forward(self, x: torch.Tensor, line: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (
            self.batch(x),
            self.plain(line),
            self.plain(line[..., 0]),
            self.own(x),
            functional.batch_norm(x, self.batch.running_mean, self.batch.running_var, training=True),
            self.group(x),
            self.group(line[..., 0]),
            self.bare_group(line),
            self.layer(x),
            self.unshifted(x),
            self.bare(x),
            self.instance(x),
            self.instance(x[0]),
            self.running(line),
            self.rms(x),
            functional.rms_norm(x, (5,)),
            self.local(x),
        )


class NativeForms(nn.Module):
    """What decomposed programs hold: several outputs, of which some are read."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(8))
        self.shift = nn.Parameter(torch.empty(8))
        self.register_buffer("mean", torch.empty(8))
        self.register_buffer("variance", torch.empty(8))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        aten, running = torch.ops.aten, (self.mean, self.variance)
        y, mean, deviation = aten.native_layer_norm(x, [5], None, None, 1e-5)
        group, group_mean, _ = aten.native_group_norm(x, self.scale, self.shift, 2, 8, 30, 4, 1e-5)
        return (
            y,
            mean,
            deviation,
            group,
            group_mean,
            aten.native_group_norm(x, None, None, 2, 8, 30, 4, 1e-5)[0],
            *aten._native_batch_norm_legit_functional(x, self.scale, self.shift, *running, True, 0.1, 1e-5),
            aten._native_batch_norm_legit_no_training(x, self.scale, None, *running, 0.1, 1e-5)[0],
            aten._native_batch_norm_legit.no_stats(x, self.scale, self.shift, True, 0.1, 1e-5)[0],
            aten.native_batch_norm(x, self.scale, self.shift, *running, False, 0.1, 1e-5)[0],
        )


class Norms(nn.Module):
    """p-norms of every order, over axes and over all; weight norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(8, 4, 3), dim=0)
        self.linear = nn.utils.parametrizations.weight_norm(nn.Linear(5, 3, bias=False), dim=None)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        vector_norm, infinity = torch.linalg.vector_norm, float("inf")
        return (
            vector_norm(x),
            vector_norm(x, 1, dim=-1),
            vector_norm(x, 2, dim=(0, -2), keepdim=True, dtype=torch.float64),
            vector_norm(x, infinity, dim=1),
            vector_norm(x, -infinity),
            vector_norm(x, 0, dim=1),
            vector_norm(x, 3.5, dim=1),
            vector_norm(x, 2, dim=[]),
            x.norm(),
            x.norm(dim=1, keepdim=True),
            x.norm(1, dim=(1, 2)),
            torch.linalg.norm(x),
            torch.linalg.norm(x[0, 0], "fro"),
            torch.linalg.norm(x[0, 0, 0], 3),
            functional.normalize(x, dim=1),
            self.conv(x[..., 0]),
            self.linear(x),
        )


def image() -> tuple[torch.Tensor, ...]:
    return (torch.empty(2, 8, 6, 5),)


PROGRAMS = {
    "layers": Program(Normalisations, lambda: (*image(), torch.empty(2, 8, 7))),
    "layers_open": Program(
        Normalisations, lambda: (*image(), torch.empty(2, 8, 7)), ({0: Dim.AUTO}, {0: Dim.AUTO, 2: Dim.AUTO})
    ),
    "native": Program(NativeForms, image),
    "norms": Program(Norms, image),
}
