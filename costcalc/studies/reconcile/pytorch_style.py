"""How a network is written in PyTorch, where the graph cannot tell and a counter's answer depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from costcalc.core.errors import UsageError, one_of

CHOICES: dict[str, dict[str, str]] = {
    "relu": {
        "module": "ReLUs are modules (nn.ReLU)",
        "function": "ReLUs are functions (F.relu)",
        "last": "ReLUs are modules, the last one a function (F.relu)",
    },
    "pool": {
        "auto": "global pooling is a module (nn.AdaptiveAvgPool2d), or a mean where the graph has one",
        "module": "global pooling is a module (nn.AdaptiveAvgPool2d)",
        "function": "global pooling is a function (F.adaptive_avg_pool2d)",
        "mean": "global pooling is a mean (x.mean([2, 3]))",
    },
    "branch_pool": {
        "module": "pools are modules",
        "function": "pools beside other branches are functions (F.avg_pool2d, F.max_pool2d)",
    },
    "flatten": {
        "nothing": "a map is flattened as it is",
        "pool": "before a map is flattened stands an nn.AdaptiveAvgPool2d, which does nothing at this size",
    },
    "attention": {
        "auto": "attention is nn.MultiheadAttention where its projections are as that module's",
        "module": "attention is nn.MultiheadAttention (one fused call in evaluation)",
        "sdpa": "attention is F.scaled_dot_product_attention between linear layers",
        "matmul": "attention is torch.matmul, softmax, torch.matmul between linear layers",
        "operator": "attention is q @ k, softmax, p @ v between linear layers",
        "einsum": "attention is torch.einsum, softmax, torch.einsum between linear layers",
        "functional": "attention and its projections are functions (F.linear, torch.matmul)",
        "cosine": "attention is functions (F.linear, torch.matmul) but for its scores, normalised q @ k",
    },
    "bias": {
        "own": "a convolution's bias is its own",
        "folded": "a convolution's bias is a batch normalisation that was folded into it",
        "both": "a convolution has a bias, and a batch normalisation that was folded into it",
    },
    "softmax": {
        "loss": "a softmax at the end is left to the loss",
        "layer": "a softmax at the end is a layer",
    },
}
"""Each question, its answers, and what they say; the first is the default."""


class Writing(NamedTuple):
    """An answer to each of CHOICES."""

    relu: str = "module"
    pool: str = "auto"
    branch_pool: str = "module"
    flatten: str = "nothing"
    attention: str = "auto"
    bias: str = "own"
    softmax: str = "loss"

    def said(self) -> tuple[str, ...]:
        """The answers in words."""
        return tuple(CHOICES[name][value] for name, value in self._asdict().items())

    def options(self, other: Writing) -> str:
        """What gives this instead of another, as options."""
        mine, theirs = self._asdict(), other._asdict()
        return " ".join(f"--written {name}={value}" for name, value in mine.items() if value != theirs[name])


TORCHVISION: dict[str, Writing] = {
    "alexnet_torchvision": Writing(flatten="pool"),
    "vgg": Writing(flatten="pool"),
    "densenet": Writing(relu="last", pool="function"),
    "googlenet": Writing(relu="function"),
    "inception_v3": Writing(relu="function", branch_pool="function"),
    "mobilenet_v2": Writing(pool="function"),
    "mnasnet": Writing(pool="mean"),
    "shufflenet_v2": Writing(pool="mean"),
    "swin_v2": Writing(attention="cosine"),
    "swin": Writing(attention="functional"),
}
"""How torchvision 0.29.1 writes the built-in models that it has too, by the beginning of their names; what is not here
is as the defaults say."""


def writing_of(source: str, given: Mapping[str, str]) -> Writing:
    """The writing of a model: a built-in one's as torchvision has it, changed by what is given. UsageError where a
    question or an answer does not exist."""
    usual = Writing()
    if source.isidentifier():
        usual = next((w for name, w in TORCHVISION.items() if source.startswith(name)), usual)
    for name, value in given.items():
        if name not in CHOICES:
            raise UsageError(f"{name!r} is nothing that can be written in several ways", one_of(name, CHOICES))
        if value not in CHOICES[name]:
            raise UsageError(f"{name} cannot be {value!r}", f"write {' or '.join(CHOICES[name])}")
    return usual._replace(**given)


def is_torchvisions(source: str) -> bool:
    """Whether torchvision's writing of a model is known here and is not the usual one."""
    return source.isidentifier() and any(source.startswith(name) for name in TORCHVISION)


def alternatives(writing: Writing) -> Iterator[Writing]:
    """Every other writing, those that differ in few answers first."""
    every = (Writing(*answers) for answers in product(*CHOICES.values()))
    mine = tuple(writing)
    found = [(sum(a != b for a, b in zip(mine, other, strict=True)), other) for other in every]
    return (other for distance, other in sorted(found, key=lambda pair: pair[0]) if 0 < distance <= FEW)


FEW = 2
"""A figure that only fits when more answers than this are changed fits by chance."""
