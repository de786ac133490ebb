"""Every view, permutation, join and split: one module for each group, whose outputs are one call each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from base import Program
from torch import nn
from torch.export import Dim

aten = torch.ops.aten


class Each(nn.Module):
    """Functions of the same inputs, one output or several each."""

    def __init__(self, functions: Sequence[Callable[..., Any]]) -> None:
        super().__init__()
        self.functions = functions

    def forward(self, *inputs: torch.Tensor) -> tuple[Any, ...]:
        return tuple([function(*inputs) for function in self.functions])


VIEWS = (
    lambda x: x.view(6, -1),
    lambda x: x.view(2, 3, 2, 2, 1, 6),
    lambda x: x.reshape(-1),
    lambda x: x.transpose(1, 2).reshape(2, 12, 6),
    lambda x: aten._unsafe_view(x, [2, 72]),
    lambda x: x.flatten(),
    lambda x: x.flatten(1),
    lambda x: x.flatten(0, -2),
    lambda x: x.flatten(1, 2),
    lambda x: x[0, 0, 0, 0].flatten(),
    lambda x: x.unflatten(-1, (2, 3)),
    lambda x: x.unflatten(1, (3, -1)),
    lambda x: x.view_as(x),
    lambda x: x.reshape_as(x.flatten(2)),
    lambda x: x.ravel(),
    lambda x: x.unsqueeze(0),
    lambda x: x.unsqueeze(-1),
    lambda x: x.unsqueeze(1).squeeze(1),
    lambda x: x.unsqueeze(1).squeeze(),
    lambda x: x.squeeze(1),
    lambda x: x[None, :, :, None].squeeze((0, 3)),
    lambda x: x[None, :, :, None].squeeze(),
    lambda x: x[:1, :1].squeeze((0, 1, 2)),
    lambda x: x[0, 0, 0, 0].squeeze(),
    lambda x: x[:1].expand(5, -1, -1, -1),
    lambda x: x[:, :1].expand_as(x),
    lambda x: x.expand(4, -1, -1, -1, -1),
    lambda x: x[0, 0, 0].broadcast_to(2, 3, 6),
    lambda x: x[0, 0, 0, 0].expand(3, 4),
    lambda x: torch.broadcast_tensors(x[:1], x[:, :1]),
    lambda x: x.view(torch.int32),
    lambda x: x.view(torch.int16),
    lambda x: torch.atleast_3d(x[0, 0, 0]),
    lambda x: torch.atleast_2d(x[0, 0, 0, 0]),
    lambda x: torch.squeeze_copy(x[:1]),
    lambda x: torch.unsqueeze_copy(x, 2),
    lambda x: torch.view_copy(x, (4, 36)),
    lambda x: torch.expand_copy(x[:1], (2, 3, 4, 6)),
)

PERMUTATIONS = (
    lambda x: x.permute(0, 2, 3, 1),
    lambda x: x.permute(-1, -2, -3, -4),
    lambda x: x.permute(0, 1, 2, 3),
    lambda x: x[0, 0, 0, 0].permute(()),
    lambda x: x.transpose(1, -1),
    lambda x: x[0, 0, 0, 0].transpose(0, -1),
    lambda x: x.swapaxes(0, 1),
    lambda x: x.swapdims(-2, -1),
    lambda x: x[0, 0].t(),
    lambda x: x[0, 0, 0].t(),
    lambda x: x.mT,
    lambda x: x.adjoint(),
    lambda x: x[0, 0].T,
    lambda x: aten.numpy_T(x),
    lambda x: x.movedim(1, -1),
    lambda x: x.movedim((0, 3), (-1, 1)),
    lambda x: torch.moveaxis(x, -1, 0),
    lambda x: torch.permute_copy(x, (3, 0, 1, 2)),
    lambda x: torch.transpose_copy(x, 0, 1),
    lambda x: x.repeat(1, 2, 1, 3),
    lambda x: x.repeat(2, 1, 1, 1, 1),
    lambda x: x.repeat(1, 1, 1, 1),
    lambda x: x.tile(2),
    lambda x: x.tile((2, 1, 1, 1, 2)),
    lambda x: x.repeat_interleave(3),
    lambda x: x.repeat_interleave(2, 1),
    lambda x: x.repeat_interleave(2, -1),
    lambda x: x.roll(1, 0),
    lambda x: x.roll((-1, 2), (2, -1)),
    lambda x: x.roll(7, 2),
    lambda x: x.roll(3),
    lambda x: x.roll(0, 1),
    lambda x: x.flip(0),
    lambda x: x.flip((1, -1)),
    lambda x: x.flip(()),
    lambda x: torch.fliplr(x),
    lambda x: torch.flipud(x),
    lambda x: x.rot90(),
    lambda x: x.rot90(2, (2, 3)),
    lambda x: x.rot90(-1, (1, 2)),
    lambda x: x.rot90(4),
    lambda x: x.unfold(2, 3, 1),
    lambda x: x.unfold(-1, 2, 2).unfold(2, 2, 2),
    lambda x: x.diagonal(0, 2, 3),
    lambda x: x.diagonal(-1),
    lambda x: torch.linalg.diagonal(x),
    lambda x: torch.diag(x[0, 0]),
    lambda x: torch.diag(x[0, 0, 0], 1),
    lambda x: torch.diag_embed(x[0], 1),
    lambda x: torch.diagflat(x[0, 0]),
    lambda x: torch.block_diag(x[0, 0], x[0, 0, 0], x[0, :, 0]),
    lambda x: torch.cartesian_prod(x[0, 0, 0], x[0, 0, :, 0]),
    lambda x: torch.combinations(x[0, 0, 0], 2),
    lambda x: x[0, 0].clone().fill_diagonal_(1.0),
    lambda x: torch.trace(x[0, 0]),
    lambda x: torch.trace(x[0, 0].to(torch.int32)),
    lambda x: x.as_strided((2, 72), (72, 1)),
    lambda x: x.as_strided((3, 5), (6, 1), 4),
)

JOINS = (
    lambda x: torch.cat([x, x[:1]]),
    lambda x: torch.cat([x, x, x], -1),
    lambda x: torch.concat([x], 1),
    lambda x: torch.cat([x, x.to(torch.float16), x.to(torch.int64)], 1),
    lambda x: torch.cat([x[0, 0, 0, :0], x], 1),
    lambda x: torch.stack([x, x], 0),
    lambda x: torch.stack([x, x, x], -1),
    lambda x: torch.stack([x[0, 0, 0, 0], x[0, 0, 0, 1]]),
    lambda x: torch.hstack([x, x]),
    lambda x: torch.hstack([x[0, 0, 0], x[0, 0, 0, :2]]),
    lambda x: torch.hstack([x[0, 0, 0, 0], x[0, 0, 0, :2]]),
    lambda x: torch.vstack([x[0, 0, 0], x[0, 0, 1]]),
    lambda x: torch.vstack([x, x]),
    lambda x: torch.dstack([x[0, 0], x[0, 1]]),
    lambda x: torch.dstack([x[0, 0, 0], x[0, 1, 0]]),
    lambda x: torch.column_stack([x[0, 0, :, 0], x[0, 0]]),
    lambda x: x.split(2),
    lambda x: x.split(4, -1),
    lambda x: x.split([1, 2, 3], 3),
    lambda x: x.split(9, 3),
    lambda x: torch.split_with_sizes(x, [1, 3], 2),
    lambda x: x.chunk(3, -1),
    lambda x: x.chunk(4, 3),
    lambda x: x.split(2, -1)[1],
    lambda x: x.split([1, 2, 3], 3)[0],
    lambda x: x.chunk(5, 0),
    lambda x: torch.unsafe_chunk(x, 2, 1),
    lambda x: torch.unsafe_split(x, 2, 1),
    lambda x: torch.tensor_split(x, 4, -1),
    lambda x: torch.tensor_split(x, (1, 3), 2),
    lambda x: torch.hsplit(x, 3),
    lambda x: torch.hsplit(x[0, 0, 0], (2,)),
    lambda x: torch.vsplit(x, 2),
    lambda x: torch.dsplit(x, (1, 3)),
    lambda x: x.unbind(),
    lambda x: x.unbind(-1)[2],
    lambda x: x[:1].unbind(0),
    lambda x: torch.meshgrid(x[0, 0, :, 0], x[0, 0, 0], indexing="ij"),
    lambda x: torch.meshgrid(x[0, 0, :, 0], x[0, 0, 0], x[0, :, 0, 0], indexing="xy"),
    lambda x: torch.split_copy(x, 2, 1),
    lambda x: torch.unbind_copy(x, 1),
)

SYMBOLIC = (
    lambda x: x.flatten(1).view(x.shape[0], -1),
    lambda x: x.flatten(2).transpose(1, 2),
    lambda x: x.view(x.shape[0], 2, 2, x.shape[2], x.shape[3]),
    lambda x: x.reshape(-1, 4),
    lambda x: x.permute(0, 2, 3, 1).reshape(x.shape[0] * x.shape[2], -1),
    lambda x: x[:, :, None].squeeze(2),
    lambda x: x[:, :1].expand(-1, 3, -1, -1),
    lambda x: x.repeat(1, 1, 2, 1),
    lambda x: x.roll((-2, -2), (2, 3)),
    lambda x: torch.cat([x, x[:, :, 1:]], 2),
    lambda x: torch.stack([x, x], 1),
    lambda x: x.chunk(2, 1),
    lambda x: x.unbind(1),
    lambda x: x.split([1, 3], 1),
    lambda x: x.flip((2, 3)),
    lambda x: x.repeat_interleave(2, 2),
    lambda x: x[:, :, ::2, 1::2],
    lambda x: x[:, :, : x.shape[2] // 2],
    lambda x: x[:, :, -3:],
    lambda x: x[:, :, 1:-1, :-1],
    lambda x: x[:, -1],
    lambda x: x[:, :, x.shape[2] - 1],
    lambda x: x.narrow(2, 1, 3),
    lambda x: torch.meshgrid(x[0, 0, :, 0], x[0, 0, 0], indexing="ij"),
)


def image() -> tuple[torch.Tensor, ...]:
    """[2, 3, 4, 6]."""
    return (torch.empty(2, 3, 4, 6),)


PROGRAMS = {
    "views": Program(lambda: Each(VIEWS), image),
    "permutations": Program(lambda: Each(PERMUTATIONS), image),
    "joins": Program(lambda: Each(JOINS), image),
    "symbolic": Program(
        lambda: Each(SYMBOLIC),
        lambda: (torch.empty(3, 4, 10, 12),),
        (({0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO},),),
    ),
}
