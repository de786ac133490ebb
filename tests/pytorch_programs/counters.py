"""Programs whose figures by other counters depend on how they are written: modules, functions, methods, operators."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from base import Program
from torch import Tensor, nn


class Activations(nn.Module):
    """Activations as modules."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6, 6), nn.ReLU(), nn.ReLU6(), nn.SiLU(), nn.GELU(), nn.LeakyReLU(), nn.ELU(), nn.Hardswish()
        )
        self.last = nn.Sequential(nn.PReLU(), nn.Softmax(-1))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.layers(x))


class Functions(nn.Module):
    """Activations as functions of torch.nn.functional, functions of torch, and methods."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        x = torch.relu(x).relu()
        x = F.gelu(F.silu(F.relu6(x)))
        x = F.hardswish(F.elu(F.leaky_relu(x)))
        x = F.softmax(x, -1)
        x = torch.softmax(x.softmax(-1), -1)
        x = x * torch.sigmoid(x)
        return x * 2


class Products(nn.Module):
    """Products of matrices, elementwise products and additions, in each way to write them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(8, 8))
        self.shift = nn.Parameter(torch.empty(8))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.matmul(x, x.transpose(1, 2))
        y = y @ x
        y = y.matmul(x.transpose(1, 2))
        y = torch.bmm(y, x)
        y = F.linear(y, self.table, self.shift)
        y = y @ self.table + self.shift
        y = torch.mul(y, y)
        y = y.mul(2)
        y = y * 2
        y = torch.add(y, y)
        y = y.add(y)
        y = y + y
        return torch.addmm(self.shift, y[0], self.table)


class OwnNorm(nn.LayerNorm):
    """A layer normalisation of the channels of a map."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return y.permute(0, 3, 1, 2)


class OwnConv(nn.Conv2d):
    """A convolution to whom looks at the exact class only."""


class OwnLinear(nn.Linear):
    """A linear layer of a class of its own."""


class Subclasses(nn.Module):
    """Modules of classes of the model's own, beside those of torch.nn."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            OwnConv(3, 8, 3), OwnNorm(8), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True), OwnLinear(6, 6)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Pools(nn.Module):
    """Pools and resizing as modules and as functions; adaptive pools of other sizes than 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.average, self.largest, self.same = nn.AvgPool2d(2), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(8)
        self.adaptive = nn.ModuleList([nn.AdaptiveAvgPool2d(n) for n in (4, 3, 1)])
        self.top, self.up = nn.AdaptiveMaxPool2d(2), nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.conv(x)
        y = self.same(self.average(x)) + self.largest(x) + F.avg_pool2d(x, 2) + F.max_pool2d(x, 2)
        pools = [pool(y) for pool in self.adaptive]
        resized = self.up(y) + F.interpolate(y, scale_factor=2.0, mode="bilinear")
        return (*pools, self.top(y), F.adaptive_avg_pool2d(y, 1), y.mean([2, 3]), resized)


class Attentions(nn.Module):
    """Attention by operators, by F.scaled_dot_product_attention and by nn.MultiheadAttention."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv, self.proj = nn.RMSNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).reshape(1, 5, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * 0.5) @ k.transpose(-2, -1)
        y = scores.softmax(-1) @ v
        y = y + F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(1, 5, 8))


class SelfAttention(nn.Module):
    """nn.MultiheadAttention of one sequence: one fused operator in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


PROGRAMS = {
    "activations": Program(Activations, lambda: (torch.randn(1, 4, 6),)),
    "functions": Program(Functions, lambda: (torch.randn(1, 4, 6),)),
    "products": Program(Products, lambda: (torch.randn(1, 5, 8),)),
    "subclasses": Program(Subclasses, lambda: (torch.randn(1, 3, 8, 8),)),
    "pools": Program(Pools, lambda: (torch.randn(1, 4, 16, 16),)),
    "attentions": Program(Attentions, lambda: (torch.randn(1, 5, 8),)),
    "self_attention": Program(SelfAttention, lambda: (torch.randn(1, 5, 8),), macs=4 * 5 * 8 * 8 + 2 * 2 * 5 * 5 * 4),
}
