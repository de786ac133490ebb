"""Small networks, as people write them: residual blocks, a transformer's block, tied and frozen weights."""

from __future__ import annotations

import torch
from base import Program
from torch import nn
from torch.export import Dim


class Residual(nn.Module):
    """Two 3×3 convolutions beside a 1×1 one; one ReLU is run twice."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.downsample = nn.Sequential(nn.Conv2d(channels, filters, 1, stride=2, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Classifier(nn.Module):
    """Residual blocks, a pool over the image, and a linear layer whose weights do not train."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(Residual(3, 8), Residual(8, 16))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 10)
        self.fc.weight.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.flatten(self.avgpool(self.layer1(x)), 1))


class Language(nn.Module):
    """Token embedding, one encoder block, and a head that shares the embedding's table."""

    def __init__(self, is_causal: bool = False) -> None:
        super().__init__()
        self.is_causal = is_causal
        self.embedding = nn.Embedding(50, 16)
        self.norm = nn.LayerNorm(16)
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)
        self.head = nn.Linear(16, 50, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens)
        q, k, v = self.qkv(self.norm(x)).view(*tokens.shape, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.is_causal)
        return self.head(x + self.out(y.transpose(1, 2).flatten(2)))


PROGRAMS = {
    "classifier": Program(Classifier, lambda: (torch.empty(2, 3, 32, 32),)),
    "classifier_open": Program(
        Classifier,
        lambda: (torch.empty(2, 3, 32, 32),),
        {"x": {0: Dim("batch", max=64), 2: Dim("height", min=16), 3: Dim("width", min=16)}},
    ),
    "language": Program(Language, lambda: (torch.zeros(2, 7, dtype=torch.int64),)),
    "language_open": Program(
        Language,
        lambda: (torch.zeros(2, 7, dtype=torch.int64),),
        {"tokens": {0: Dim("batch"), 1: Dim("length", max=64)}},
    ),
    "decoder": Program(
        lambda: Language(is_causal=True),
        lambda: (torch.zeros(2, 7, dtype=torch.int64),),
        {"tokens": {0: Dim("batch"), 1: Dim("length", max=64)}},
    ),
}
