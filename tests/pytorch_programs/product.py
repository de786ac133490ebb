"""Programs of matrix products, linear layers, einsum and lookups in tables."""

from __future__ import annotations

from typing import Any

import torch
from base import Program
from torch import nn
from torch.nn import functional as F  # noqa: N812


class Linear(nn.Module):
    """Linear layers of inputs with one to four axes, a tied one, one without a bias, a matrix that is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.unbiased = nn.Linear(8, 12), nn.Linear(8, 12, bias=False)
        self.shared = nn.Linear(12, 8)
        self.embedding, self.head = nn.Embedding(10, 8), nn.Linear(8, 10, bias=False)
        self.head.weight = self.embedding.weight
        self.vector = nn.Parameter(torch.empty(8))

    def forward(self, x: Any, ids: Any) -> Any:
        row = x[0, 0, 0]
        matrix = x[0, 0]
        scaled = F.linear(x, self.plain.weight * 2, self.plain.bias)
        by_vector = F.linear(x, self.vector)
        tied = self.head(self.embedding(ids)) @ self.embedding.weight
        return (
            self.unbiased(x),
            self.unbiased(row),
            self.shared(self.unbiased(matrix)),
            self.shared(scaled),
            by_vector,
            tied,
        )


class Products(nn.Module):
    """The products of two tensors, and sums with them."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(6, 4))
        self.bias = nn.Parameter(torch.empty(6))

    def forward(self, a: Any, b: Any, v: Any) -> Any:
        x, y = a[0], b[0]
        start = torch.mm(x, y)
        return (
            torch.addmm(self.bias, x, self.weight.t()),
            torch.addmm(start, x, y, beta=0.5, alpha=2.0),
            torch.addmm(start, x, y, beta=0),
            torch.bmm(a, b),
            torch.baddbmm(start, a, b, beta=2, alpha=3),
            torch.baddbmm(start, a, b, beta=0),
            torch.addbmm(start, a, b),
            torch.addbmm(start, a, b, beta=0.5, alpha=2.0),
            torch.mv(x, v),
            torch.addmv(x[:, 0], x, v, beta=2),
            torch.matmul(v, y),
            torch.matmul(a, v),
            torch.matmul(a[:, None], b),
            torch.matmul(a, y),
        )


class VectorProducts(nn.Module):
    """Products of vectors, Kronecker products, distances."""

    def forward(self, v: Any, w: Any, x: Any) -> Any:
        return (
            torch.dot(v, w),
            torch.vdot(v, w),
            torch.inner(x, x),
            torch.inner(x, v),
            torch.inner(x, v[0]),
            torch.linalg.vecdot(x, v),
            torch.outer(v, w),
            torch.addr(x, x[:, 0], v, beta=0.5),
            torch.kron(x, x),
            torch.kron(v, x),
            torch.cdist(x, x),
            torch.cdist(x[None], x[None], p=1.0),
        )


class Contractions(nn.Module):
    """Einsums, tensordot, chains of matrices."""

    def forward(self, a: Any, b: Any, c: Any, d: Any) -> Any:
        return (
            torch.einsum("bij,bjk->bik", a, b),
            torch.einsum("bij, bjk", a, b),
            torch.einsum("...ij,jk->...ik", a, c),
            torch.einsum("bij,bij->bij", a, a),
            torch.einsum("bij->ji", a),
            torch.einsum("bij,jk,kl->bil", a, c, d),
            torch.einsum("bij,jk->ik", a, c),
            torch.tensordot(a, b, dims=([2, 0], [1, 0])),
            torch.tensordot(a, c, dims=1),
            torch.linalg.multi_dot([a[0], c, d]),
            torch.linalg.multi_dot([a[0, 0], c, d, d]),
            torch.chain_matmul(c, d, d),
        )


class Stretched(nn.Module):
    """einsum with summed indices of extent 1 in one operand: the other operand is summed before."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.einsum("aij,bij->ab", x, y), torch.einsum("aij,bij->", x, y)


class Bilinear(nn.Module):
    """nn.Bilinear, which FlopCounterMode does not see."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.unbiased = nn.Bilinear(4, 5, 6), nn.Bilinear(4, 5, 6, bias=False)

    def forward(self, a: Any, b: Any) -> Any:
        return self.layer(a, b) + self.unbiased(a, b)


class Lookups(nn.Module):
    """Embeddings, bags of them, one-hot vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(20, 6, padding_idx=0)
        self.bags = nn.ModuleList([nn.EmbeddingBag(20, 6, mode=mode) for mode in ("sum", "mean", "max")])

    def forward(self, ids: Any, offsets: Any, weights: Any) -> Any:
        return (
            self.table(ids),
            [bag(ids) for bag in self.bags],
            self.bags[0](ids.flatten(), offsets),
            self.bags[0](ids, per_sample_weights=weights),
            F.one_hot(ids, 20),
        )


class Grouped(nn.Module):
    """Products by group: the rows of a matrix are sorted by the expert that they go to."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.Parameter(torch.empty(4, 16, 32, dtype=torch.bfloat16))

    def forward(self, x: Any, offsets: Any, batched: Any) -> Any:
        return torch._grouped_mm(x, self.experts, offs=offsets), torch._grouped_mm(batched, self.experts)


def empty(*shape: int, dtype: Any = torch.float32) -> Any:
    """A tensor without values."""
    return torch.empty(shape, dtype=dtype)


def ids(*shape: int) -> Any:
    """A tensor of indices."""
    return torch.zeros(shape, dtype=torch.int64)


MISSED = 2 * 5 * 4 + 2 * 5 * 4 + 2 * (2 * 5 * 4 * 5)
"""MACs of mv and addmv, of matmul with a vector, and of two addbmm, which FlopCounterMode does not count."""

PROGRAMS = {
    "linear": Program(Linear, lambda: (empty(2, 3, 5, 8), ids(2, 3)), macs=10656 + 2 * 3 * 5 * 8),
    "linear_open": Program(
        lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)),
        lambda: (empty(2, 3, 8),),
        {"input": {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}},
    ),
    "products": Program(Products, lambda: (empty(2, 5, 4), empty(2, 4, 5), empty(4)), macs=1640 + MISSED),
    "vector_products": Program(VectorProducts, lambda: (empty(4), empty(4), empty(3, 4)), macs=48 + 4 + 4 + 3 * 4),
    "contractions": Program(Contractions, lambda: (empty(2, 3, 4), empty(2, 4, 5), empty(4, 6), empty(6, 6))),
    "stretched": Program(Stretched, lambda: (empty(2, 1, 4), empty(3, 5, 4))),
    "bilinear": Program(Bilinear, lambda: (empty(2, 3, 4), empty(2, 3, 5)), macs=2 * (6 * 4 * 5 * 6 + 6 * 5 * 6)),
    "lookups": Program(Lookups, lambda: (ids(2, 3), ids(2), empty(2, 3))),
    "grouped": Program(
        Grouped,
        lambda: (
            empty(24, 16, dtype=torch.bfloat16),
            torch.zeros(4, dtype=torch.int32),
            empty(4, 8, 16, dtype=torch.bfloat16),
        ),
        macs=24 * 16 * 32 + 4 * 8 * 16 * 32,
    ),
}
