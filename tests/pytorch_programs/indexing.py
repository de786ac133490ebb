"""Every slice, gather, scatter, mask and write in place: one module for each group, whose outputs are one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from arrangement import Each
from base import Program
from torch.export import Dim

aten = torch.ops.aten

SLICES = (
    lambda x, i, j: x[:, 1:],
    lambda x, i, j: x[:, :, ::2, -4:-1],
    lambda x, i, j: x[..., 1:100],
    lambda x, i, j: x[:],
    lambda x, i, j: x[:, :, 3:1],
    lambda x, i, j: x[0],
    lambda x, i, j: x[:, -1],
    lambda x, i, j: x[..., 2],
    lambda x, i, j: x.select(-2, -3),
    lambda x, i, j: x.narrow(2, 1, 2),
    lambda x, i, j: x.narrow(-1, -2, 2),
    lambda x, i, j: x.narrow(0, 0, 2),
    lambda x, i, j: torch.narrow_copy(x, 1, 1, 2),
    lambda x, i, j: torch.slice_copy(x, 2, 1, None, 2),
    lambda x, i, j: torch.select_copy(x, 1, 0),
    lambda x, i, j: x.index_select(1, i),
    lambda x, i, j: x.index_select(-1, i[0]),
    lambda x, i, j: x[0, 0, 0, 0].index_select(0, i[:1] * 0),
    lambda x, i, j: x.gather(3, j[:, None, None].expand(2, 3, 4, 2)),
    lambda x, i, j: x.gather(0, j[:1, None, None].expand(1, 2, 4, 2)),
    lambda x, i, j: x[0, 0, 0].gather(0, i[0]),
    lambda x, i, j: x.take(j),
    lambda x, i, j: x.take_along_dim(i[None, None, :, None], 2),
    lambda x, i, j: x.take_along_dim(i),
    lambda x, i, j: x.take_along_dim(j[:1, None, None], -1),
    lambda x, i, j: x[i],
    lambda x, i, j: x[:, j],
    lambda x, i, j: x[:, :, :, j],
    lambda x, i, j: x[:, i[0]],
    lambda x, i, j: x[i, i],
    lambda x, i, j: x[i[0], i[0]],
    lambda x, i, j: x[:, i, i],
    lambda x, i, j: x[:, :, j, j],
    lambda x, i, j: x[:, i[:, None], i[None]],
    lambda x, i, j: x[i, :, i],
    lambda x, i, j: x[:, i, :, i],
    lambda x, i, j: x[:, 1, i],
    lambda x, i, j: x[i, ..., i.to(torch.int32)],
    lambda x, i, j: x[:, [0, 2]],
    lambda x, i, j: aten._unsafe_index(x, [None, None, i[:, None], i]),
)

SCATTERS = (
    lambda x, i, j: x.scatter(1, j[:, None, None].expand(2, 3, 4, 2), x[..., :2] + 1),
    lambda x, i, j: x.scatter(1, j[:1, None, None].expand(1, 2, 2, 2), x),
    lambda x, i, j: x.scatter(-1, j[:, None, None].expand(2, 3, 4, 2), 2.5),
    lambda x, i, j: x[0, 0, 0].scatter(0, i, 1.0),
    lambda x, i, j: x.scatter(0, j[:1, None, None].expand(1, 2, 2, 2) * 0, x, reduce="add"),
    lambda x, i, j: x.scatter(0, j[:1, None, None].expand(1, 2, 2, 2) * 0, x, reduce="multiply"),
    lambda x, i, j: x.scatter(0, j[:1, None, None].expand(1, 2, 2, 2) * 0, 3.0, reduce="add"),
    lambda x, i, j: x.scatter_add(3, j[:, None, None].expand(2, 3, 4, 2), x),
    lambda x, i, j: x.scatter_reduce(3, j[:, None, None].expand(2, 3, 4, 2), x, "amax"),
    lambda x, i, j: x.scatter_reduce(3, j[:, None, None].expand(2, 3, 4, 2), x, "prod"),
    lambda x, i, j: x.scatter_reduce(3, j[:, None, None].expand(2, 3, 4, 2), x, "mean"),
    lambda x, i, j: x.scatter_reduce(3, j[:, None, None].expand(2, 3, 4, 2), x, "sum", include_self=False),
    lambda x, i, j: x.index_add(0, i[:2], x[:2]),
    lambda x, i, j: x.index_add(1, i, x, alpha=2),
    lambda x, i, j: x.index_add(1, i, x),
    lambda x, i, j: x.index_copy(0, i[:1], x[:1] + 1),
    lambda x, i, j: x.index_copy(1, i, x + 1),
    lambda x, i, j: x.index_fill(1, i, 2),
    lambda x, i, j: x.index_fill(1, i, x[0, 0, 0, 0]),
    lambda x, i, j: x.index_reduce(0, i[:1], x[:1], "prod"),
    lambda x, i, j: x.index_reduce(0, i[:1], x[:1], "mean"),
    lambda x, i, j: x.index_put((i,), x[:1] * 2),
    lambda x, i, j: x.index_put((i,), x[0, 0, 0, 0], accumulate=True),
    lambda x, i, j: x.index_put((i, i), x[:1, 0], accumulate=True),
    lambda x, i, j: aten.index_put(x, [None, i, i], x[:, :1, 0]),
    lambda x, i, j: aten.index_put(x, [i, None, i], x[:1, :, 0]),
    lambda x, i, j: aten.index_put(x, [None, None, None, j], x[:1, 0, 0, 0]),
    lambda x, i, j: x.put(i, i.to(x.dtype)),
    lambda x, i, j: x.put(j, j.to(x.dtype), accumulate=True),
    lambda x, i, j: torch.slice_scatter(x, x[:, :1] + 1, 1, 1, 2),
    lambda x, i, j: torch.slice_scatter(x, x + 1, 1),
    lambda x, i, j: torch.select_scatter(x, x[:, 0] + 1, 1, -1),
    lambda x, i, j: torch.diagonal_scatter(x, x[:, :, 0, :4], 0, 2, 3),
    lambda x, i, j: torch.as_strided_scatter(x, x[0, 0, 0, :2], (2,), (6,)),
)

MASKS = (
    lambda x, m, v: torch.masked_select(x, m),
    lambda x, m, v: torch.masked_select(x, v[:, :, None]),
    lambda x, m, v: x[m],
    lambda x, m, v: x[v[:2, 0]],
    lambda x, m, v: x[:, :, v[0]],
    lambda x, m, v: x[:, m[0, :, :, 0]],
    lambda x, m, v: x[v[:2, 0], 0],
    lambda x, m, v: m.nonzero(),
    lambda x, m, v: torch.argwhere(v),
    lambda x, m, v: torch.nonzero(m[0], as_tuple=True),
    lambda x, m, v: torch.nonzero_static(m, size=5),
    lambda x, m, v: x.masked_scatter(m, x + 1),
    lambda x, m, v: x.index_put((m,), x[0, 0, 0, 0]),
    lambda x, m, v: aten.index_put(x, [None, None, v[0]], x[0, 0, 0, 0] * 2),
    lambda x, m, v: x.index_put((m,), x[m]),
    lambda x, m, v: torch.repeat_interleave(x, v[0].to(torch.int64), 2),
    lambda x, m, v: torch.repeat_interleave(v[0].to(torch.int64)),
)


def write_slices(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Writes in place to parts of new tensors, as masks of windows and caches are made."""
    mask = torch.zeros(8, 8)
    for number, rows in enumerate((slice(0, -4), slice(-4, -2), slice(-2, None))):
        mask[rows, :3] = number
    cache = torch.zeros(2, 3, 4, 12)
    cache[:, :, :, 6:] = x
    cache[:, 0, 1].copy_(y)
    cache[..., 0] += 1
    halves = cache.view(2, 3, 4, 2, 6)
    halves[:, :, :, 1].mul_(2)
    copy = x.clone()
    copy[:, 0].relu_()
    return mask, cache, copy


def choose(x: torch.Tensor, n: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A length that data says."""
    length = n.item()
    torch._check(length >= 1)
    torch._check(length <= 4)
    return x[:, :, :length] * 2, x.narrow(2, 0, length), x.select(2, length - 1), x.new_zeros(length, 3)


def take_windows(x: torch.Tensor, i: torch.Tensor) -> tuple[Any, ...]:
    """Indices whose number is a symbol."""
    return x[i], x[:, i], x[i, i], x.index_select(1, i), x.index_put((i,), x[0]), x.index_add(1, i, x[:, i])


def write_diagonal(x: torch.Tensor) -> torch.Tensor:
    """A product with a matrix whose diagonal alone is written."""
    matrix = x.new_zeros(4, 4)
    torch.linalg.diagonal(matrix).copy_(x[:, 0])
    return matrix @ x


def indexed(*extents: int) -> Callable[[], tuple[torch.Tensor, ...]]:
    """x of these extents, a vector of 3 indices and a matrix of 2 × 2."""
    return lambda: (torch.empty(extents), torch.zeros(3, dtype=torch.int64), torch.zeros(2, 2, dtype=torch.int64))


def masked() -> tuple[torch.Tensor, ...]:
    """x [2, 3, 4, 6], a mask of this shape, and [3, 4]."""
    return torch.empty(2, 3, 4, 6), torch.zeros(2, 3, 4, 6, dtype=torch.bool), torch.zeros(3, 4, dtype=torch.bool)


PROGRAMS = {
    "slices": Program(lambda: Each(SLICES), indexed(3, 3, 4, 6), macs=0),
    "scatters": Program(lambda: Each(SCATTERS), indexed(3, 3, 4, 6), macs=0),
    "masks": Program(lambda: Each(MASKS), masked, macs=0),
    "in_place": Program(lambda: Each((write_slices,)), lambda: (torch.empty(2, 3, 4, 6), torch.empty(2, 12)), macs=0),
    "overwritten": Program(lambda: Each((write_diagonal,)), lambda: (torch.empty(4, 8),)),
    "lengths": Program(
        lambda: Each((choose,)), lambda: (torch.empty(2, 3, 8), torch.ones(1, dtype=torch.int64)), macs=0
    ),
    "symbolic": Program(
        lambda: Each((take_windows,)),
        lambda: (torch.empty(5, 6, 4), torch.zeros(7, dtype=torch.int64)),
        (({0: Dim.AUTO, 1: Dim.AUTO}, {0: Dim.AUTO}),),
    ),
}
