"""Tensors made from numbers, shapes and random numbers."""

from __future__ import annotations

import torch
from base import Program
from torch import Tensor, nn
from torch.export import Dim


class Creation(nn.Module):
    """Filled, counted, triangular tensors and grids, of sizes that the input has."""

    def forward(self, x: Tensor) -> list[Tensor]:
        n, m = x.shape
        f32 = torch.float32
        return [
            *(
                torch.zeros(n, m),
                torch.ones(2, n),
                torch.full((n, 2), 0.5),
                torch.full((), 3),
                torch.empty(n),
                torch.zeros(()),
            ),
            *(torch.zeros_like(x), torch.ones_like(x, dtype=torch.bool), torch.full_like(x, 2), torch.empty_like(x)),
            *(x.new_zeros(n, 1), x.new_ones(3, dtype=torch.int64), x.new_full((n,), float("-inf")), x.new_empty(n, m)),
            *(
                torch.arange(n),
                torch.arange(1, n),
                torch.arange(0, m, 2),
                torch.arange(5, 0, -1),
                torch.arange(n, dtype=f32),
            ),
            *(
                torch.arange(0, 1, 0.1),
                torch.arange(0.0, 3.0),
                torch.arange(0.5, 4, 0.5, dtype=torch.int64),
                torch.arange(0, n, dtype=torch.int32),
            ),
            *(torch.fft.fftfreq(8), torch.fft.rfftfreq(8)),
            *(torch.linspace(0, 1, 5), torch.linspace(-1, 1, 1), torch.linspace(0, m - 1, 4), torch.logspace(0, 1, 4)),
            *(
                torch.eye(n),
                torch.eye(n, 3),
                torch.tril(x),
                torch.triu(x, 1),
                x.bool().tril(-1),
                torch.scalar_tensor(n),
            ),
            *(torch.tril_indices(4, 4), torch.triu_indices(3, 4, 1), torch.tensor(2.0) * x, torch.tensor([1, 2, 3])),
            *torch.meshgrid(torch.arange(n), torch.arange(m), indexing="ij"),
            *torch.meshgrid(torch.arange(n), torch.arange(m), torch.arange(2), indexing="xy"),
            *(torch.hann_window(8), torch.hamming_window(8, periodic=False), torch.blackman_window(8)),
            *(torch.kaiser_window(8), torch.bartlett_window(8)),
        ]


class Random(nn.Module):
    """Random numbers: what they cost is no arithmetic, but where they are scaled."""

    def forward(self, x: Tensor, p: Tensor) -> list[Tensor]:
        n = x.shape[0]
        return [
            *(
                torch.rand(n, 2),
                torch.randn(3),
                torch.rand_like(x),
                torch.randn_like(x),
                torch.randint(0, 5, (n,)),
                torch.randperm(4),
            ),
            *(
                torch.bernoulli(p),
                torch.bernoulli(p, 0.3),
                x.clone().bernoulli_(0.3),
                torch.multinomial(p, 2, replacement=True),
            ),
            *(torch.normal(0.0, 1.0, (n, 2)), torch.normal(x, 1.0), torch.normal(x, p), torch.normal(0.0, p)),
            *(x.clone().normal_(), x.clone().uniform_(-1, 1), x.clone().exponential_()),
            *(torch.poisson(p), torch.randint_like(x, 4)),
        ]


ROWS = {0: Dim("rows", min=3, max=64)}

PROGRAMS = {
    "tensors": Program(Creation, lambda: (torch.empty(3, 4),)),
    "tensors_open": Program(Creation, lambda: (torch.empty(3, 4),), {"x": ROWS}),
    "random": Program(Random, lambda: (torch.empty(3, 4), torch.empty(3, 4)), {"x": ROWS, "p": ROWS}),
}
