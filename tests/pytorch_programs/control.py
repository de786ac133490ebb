"""Programs with higher-order operators: conditions, loops, scans, regions."""

from __future__ import annotations

from typing import Any

import torch
from base import Program
from torch import nn
from torch._higher_order_ops import associative_scan, scan, while_loop


class Conditions(nn.Module):
    """A condition that data decides: a linear layer, or an addition."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return torch.cond(x.sum() > 0, self.layer, lambda x: x + 1, (x,))


class Loops(nn.Module):
    """A scan over 5 rows and an associative one."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        state, rows = scan(lambda c, row: (self.layer(c + row), c * 2), x[0], x, dim=0)
        return state, rows, associative_scan(lambda a, b: a * b, x, dim=0)


class Repetition(nn.Module):
    """A while loop: how often it runs depends on data."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            return i + 1, self.layer(y)

        return while_loop(lambda i, y: i < 5, body, (torch.zeros((), dtype=torch.int64), x))


class Regions(nn.Module):
    """Parts of a network without gradients, and with automatic types."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x: Any) -> Any:
        with torch.no_grad():
            x = self.first(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            x = self.second(x)
        return self.third(x)


class Batches(nn.Module):
    """Layers and products under torch.vmap, one inside another; its size differs between two of them."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, x: Any, y: Any) -> Any:
        rows = torch.vmap(self.layer)(x)
        inner = torch.vmap(torch.vmap(lambda a: self.layer(a).relu()), in_dims=1)(x)
        return rows, inner, torch.vmap(lambda a: self.layer(a), in_dims=-1)(y), self.layer(x)


PROGRAMS = {
    "conditions": Program(Conditions, lambda: (torch.empty(3, 4),), macs=3 * 4 * 4),
    "loops": Program(Loops, lambda: (torch.empty(5, 4),), macs=5 * 4 * 4),
    "repetition": Program(Repetition, lambda: (torch.empty(3, 4),), macs=7 * 3 * 4 * 4, dims={"trips": 7}),
    "batches": Program(Batches, lambda: (torch.empty(3, 5, 4), torch.empty(2, 4, 7)), macs=(3 * 15 + 14) * 4 * 8),
    "regions": Program(Regions, lambda: (torch.empty(3, 5, 4),)),
}
