"""Reductions, norms, softmax, running sums, sorting, counting, losses."""

from __future__ import annotations

import torch
from base import Program
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F  # noqa: N812


class Reductions(nn.Module):
    """Along one axis, several or all; negative axes, kept axes, other element types, 0-d tensors."""

    def forward(self, x: Tensor, i: Tensor, b: Tensor) -> list[Tensor]:
        s = x.sum()
        return [
            *(x.sum(1), x.sum((0, -1), keepdim=True), i.sum(), b.sum(-1), x.sum(dtype=torch.float64), x.sum([])),
            *(x.mean(), x.mean(-1), x.mean((1, 2), keepdim=True), i.mean(dtype=torch.float32), s.sum(), s.mean(-1)),
            *(x.prod(), x.prod(1), i.prod(0, keepdim=True), x.amax(), x.amax(-1), x.amin((0, 1)), x.max(), i.min()),
            *(*x.max(1), *x.min(-1, keepdim=True), x.max(2)[0], x.min(0)[1], *x.aminmax(), *x.aminmax(dim=1)),
            *(x.argmax(), x.argmin(1), x.argmax(-1, keepdim=True), x.argmax(keepdim=True), s.argmax(), *s.max(0)),
            *(torch._is_any_true(b), torch._is_all_true(b)),
            *(x.any(), x.any(1), b.all(), b.all(-1, keepdim=True), i.any((0, 1)), x.all(0), i.to(torch.uint8).all()),
            *(x.logsumexp(1), x.logsumexp((0, 1), keepdim=True), x.count_nonzero(), i.count_nonzero(1), x.nansum(1)),
            *(x.nanmean(-1), i.cumsum(1), x.cumsum(-1), b.cumsum(0), x.cumprod(1), s.cumsum(0), *x.cummax(1)),
            *(*x.cummin(0), x.logcumsumexp(1), x.sum(-1, dtype=torch.float16)),
            *(x.diff(), b.diff(dim=1), x.diff(2, -1, prepend=x[..., :1]), x.diff(0)),
        ]


class Norms(nn.Module):
    """Variances, norms, softmax and similarities."""

    def forward(self, x: Tensor) -> list[Tensor]:
        inf = float("inf")
        orders = (2, 1, 0, inf, -inf, 3, 0.5)
        return [
            *(
                x.var(),
                x.var(1),
                x.var(-1, unbiased=False),
                x.var((1, 2), keepdim=True),
                x.var(0, correction=2),
                x.std(1),
            ),
            *(*torch.var_mean(x), *torch.var_mean(x, 1), *torch.var_mean(x, -1, keepdim=True, correction=0)),
            *(*torch.std_mean(x, 1, correction=0), torch.var_mean(x, 0)[0], torch.std_mean(x, 2)[1]),
            *(torch.linalg.vector_norm(x, p, dim=-1, keepdim=True) for p in orders),
            *(
                x.norm(),
                x.norm(dim=1),
                x.norm(1, dim=(0, 1), keepdim=True),
                x.norm(p="fro", dim=(1, 2)),
                torch.linalg.norm(x),
            ),
            *(torch.linalg.matrix_norm(x), torch.linalg.norm(x, dim=1), F.normalize(x, dim=-1), F.normalize(x, 1, 0)),
            *(
                x.softmax(-1),
                F.softmax(x, 1, dtype=torch.float64),
                x.log_softmax(0),
                F.softmin(x, 2),
                x.sum().softmax(0),
            ),
            *(
                torch.softmax(x.half(), -1, dtype=torch.float32),
                F.cosine_similarity(x, x),
                F.pairwise_distance(x, x),
                torch.dist(x, x),
                torch.pdist(x[0]),
            ),
        ]


class Order(nn.Module):
    """Sorting, ranks, counts and searches."""

    def forward(self, x: Tensor, i: Tensor) -> list[Tensor]:
        line = x[0, 0]
        return [
            *(*x.topk(2), *x.topk(1, dim=1, largest=False), x.topk(2, -1)[1], *x.sort(), x.sort(1, descending=True)[0]),
            *(
                x.argsort(),
                torch.argsort(x, dim=0, descending=True, stable=True),
                *torch.sort(x, stable=True, dim=0),
                x.msort(),
            ),
            *(*x.kthvalue(2), x.median(), *x.median(1, keepdim=True), x.nanmedian(), *x.mode(-1), x.quantile(0.5)),
            *(
                x.quantile(0.5, 1),
                torch.searchsorted(line, x),
                torch.bucketize(x, line),
                torch.bucketize(x, line, right=True),
            ),
            *(torch.bincount(i[0, 0], minlength=3), torch.histc(x, 10, 0, 1)),
        ]


class Unique(nn.Module):
    """Each different element once: how many there are depends on data."""

    def forward(self, i: Tensor) -> list[Tensor]:
        return [*torch.unique(i, return_inverse=True, return_counts=True), torch.unique_consecutive(i)]


class Losses(nn.Module):
    """Losses of scores for classes, and of numbers for numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(5))

    def forward(self, x: Tensor, image: Tensor, target: Tensor, labels: Tensor) -> list[Tensor]:
        y, w = x * 0.9, self.weight
        pairs = (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.soft_margin_loss)
        return [
            *(
                F.cross_entropy(x, target),
                F.cross_entropy(x, target, w, reduction="none"),
                F.cross_entropy(image, labels),
            ),
            *(F.cross_entropy(x, target, label_smoothing=0.1, reduction="sum"), F.cross_entropy(x[0], target[0])),
            *(
                F.cross_entropy(x, x),
                F.cross_entropy(x, x, w, reduction="sum"),
                F.cross_entropy(x[0], x[0], reduction="none"),
            ),
            *(F.cross_entropy(x, x, label_smoothing=0.1), F.cross_entropy(x, target, w, label_smoothing=0.1)),
            *(F.nll_loss(x, target), F.nll_loss(image, labels, w), F.nll_loss(x[0], target[0], reduction="none")),
            F.cross_entropy(image, labels, label_smoothing=0.2, reduction="none"),
            *(f(x, y, reduction=r) for f in pairs for r in ("none", "mean", "sum")),
            *(F.smooth_l1_loss(x, y, beta=0.0), F.smooth_l1_loss(x, y, beta=0.5), F.huber_loss(x, y, delta=2.0)),
            *(F.binary_cross_entropy(x, y), F.binary_cross_entropy(x, y, w), F.binary_cross_entropy_with_logits(x, y)),
            *(
                F.binary_cross_entropy_with_logits(x, y, w, pos_weight=w),
                F.kl_div(x, y),
                F.kl_div(x, y, log_target=True),
            ),
            *(
                F.kl_div(x, y, reduction="batchmean"),
                F.poisson_nll_loss(x, y),
                F.hinge_embedding_loss(x, y),
                F.margin_ranking_loss(x[0], x[1], y[0]),
            ),
        ]


def tensors() -> tuple[Tensor, ...]:
    x = torch.empty(2, 3, 4)
    return x, torch.empty(2, 3, 4, dtype=torch.int64), torch.empty(2, 3, 4, dtype=torch.bool)


def scores() -> tuple[Tensor, ...]:
    classes = torch.empty(6, dtype=torch.int64), torch.empty(2, 3, 3, dtype=torch.int64)
    return torch.empty(6, 5), torch.empty(2, 5, 3, 3), *classes


ROWS = {0: Dim("rows", min=2, max=64)}

PROGRAMS = {
    "reductions": Program(Reductions, tensors),
    "reductions_open": Program(Reductions, tensors, {"x": ROWS, "i": ROWS, "b": ROWS}),
    "norms": Program(Norms, lambda: tensors()[:1]),
    "norms_open": Program(Norms, lambda: tensors()[:1], {"x": ROWS}),
    "order": Program(Order, lambda: tensors()[:2], macs=0),
    "unique": Program(Unique, lambda: tensors()[1:2], macs=0),
    "losses": Program(Losses, scores),
}
