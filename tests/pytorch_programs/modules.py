"""Modules with what people do to parameters: tied, frozen, shared, never read; run twice; buffers of all kinds."""

from __future__ import annotations

import torch
from base import Program
from torch import nn
from torch.export import Dim


class Block(nn.Module):
    """One activation that is run twice, one module that others use too, and functions beside them."""

    def __init__(self, position: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.position = position

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.position(y) + x)


class Net(nn.Module):
    """Tied weights, a frozen head, a head that nobody calls, and a mask that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        position = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.shared_position = position
        self.stem = nn.Conv2d(3, 8, 1)
        self.blocks = nn.ModuleList([Block(position), Block(position)])
        self.shared = nn.Embedding(50, 8)
        self.emb = nn.Embedding(50, 8)
        self.relu = nn.ReLU()
        self.frozen_head = nn.Linear(8, 4)
        self.unused_head = nn.Linear(8, 7)
        self.decoder = nn.Linear(8, 50, bias=False)
        self.emb.weight = self.decoder.weight = self.shared.weight
        self.scale = nn.Parameter(torch.ones(8))
        self.unused_token = nn.Parameter(torch.zeros(1, 1, 8))
        self.register_buffer("offset", torch.zeros(8))
        self.register_buffer("mask", torch.ones(5, 5, dtype=torch.bool), persistent=False)
        for parameter in self.frozen_head.parameters():
            parameter.requires_grad = False

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        x = nn.functional.relu(x)
        tokens = self.emb(ids) * self.scale + self.offset
        return self.frozen_head(x.mean((2, 3))), self.decoder(tokens)


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(2, 3, 8, 8), torch.zeros(2, 5, dtype=torch.long)


BATCH = Dim("batch", max=64)


class Outer(nn.Module):
    """A module with a parameter that nothing reads, beside one of the same size in a module inside it, which its own
    call reads."""

    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Parameter(torch.zeros(8, 8))
        self.inner = nn.Linear(8, 8, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.inner.weight


PROGRAMS = {
    "spare": Program(lambda: nn.Sequential(Outer()), lambda: (torch.empty(4, 8),)),
    "tied": Program(Net, inputs),
    "tied_open": Program(Net, inputs, {"x": {0: BATCH, 2: Dim("height", min=4)}, "ids": {0: BATCH}}),
}
