"""Model's name and options to PyTorchStyle: how the network is written in PyTorch where the graph does not show it and
a counter's figure depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from costcalc.core.errors import UsageError, suggest_choice

STYLE_CHOICES: dict[str, dict[str, str]] = {
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
"""Question -> its answers, each with its description; the first answer is the default."""


PROGRAM = "program"
"""The answer to a question that an exported program answers by itself."""


class PyTorchStyle(NamedTuple):
    """One answer to each question of STYLE_CHOICES."""

    relu: str = "module"
    pool: str = "auto"
    branch_pool: str = "module"
    flatten: str = "nothing"
    attention: str = "auto"
    bias: str = "own"
    softmax: str = "loss"

    def descriptions(self) -> tuple[str, ...]:
        """The description of each answer; one for all that the program gives."""
        answers = (STYLE_CHOICES[name].get(value, PROGRAM_ANSWER) for name, value in self._asdict().items())
        return tuple(dict.fromkeys(answers))

    def options(self, other: PyTorchStyle) -> str:
        """The command line's options that turn another style into this one."""
        answers, other_answers = self._asdict(), other._asdict()
        return " ".join(f"--written {name}={value}" for name, value in answers.items() if value != other_answers[name])


PROGRAM_ANSWER = "modules and functions are those of the exported program"

PROGRAM_STYLE = PyTorchStyle(relu=PROGRAM, pool=PROGRAM, branch_pool=PROGRAM, attention=PROGRAM, softmax=PROGRAM)
"""The style of an exported program, which shows what a graph does not."""

TORCHVISION_STYLES: dict[str, PyTorchStyle] = {
    "alexnet_torchvision": PyTorchStyle(flatten="pool"),
    "vgg": PyTorchStyle(flatten="pool"),
    "densenet": PyTorchStyle(relu="last", pool="function"),
    "googlenet": PyTorchStyle(relu="function"),
    "inception_v3": PyTorchStyle(relu="function", branch_pool="function"),
    "mobilenet_v2": PyTorchStyle(pool="function"),
    "mnasnet": PyTorchStyle(pool="mean"),
    "shufflenet_v2": PyTorchStyle(pool="mean"),
    "swin_v2": PyTorchStyle(attention="cosine"),
    "swin": PyTorchStyle(attention="functional"),
}
"""Beginning of a built-in model's name -> how torchvision 0.29.1 writes it; models that are not here have the default
style."""


def style_of(source: str, answers: Mapping[str, str], is_program: bool = False) -> PyTorchStyle:
    """Model's source and answers -> its style: of a built-in model torchvision's, of an exported program its own,
    changed by the answers. UsageError where a question or an answer does not exist."""
    style = PROGRAM_STYLE if is_program else PyTorchStyle()
    if source.isidentifier():
        style = next(
            (torchvision_style for name, torchvision_style in TORCHVISION_STYLES.items() if source.startswith(name)),
            style,
        )
    for name, value in answers.items():
        if name not in STYLE_CHOICES:
            raise UsageError(
                f"{name!r} is nothing that can be written in several ways", suggest_choice(name, STYLE_CHOICES)
            )
        if value not in STYLE_CHOICES[name]:
            raise UsageError(f"{name} cannot be {value!r}", f"write {' or '.join(STYLE_CHOICES[name])}")
    return style._replace(**answers)


def has_torchvision_style(source: str) -> bool:
    """Whether TORCHVISION_STYLES has this model."""
    return source.isidentifier() and any(source.startswith(name) for name in TORCHVISION_STYLES)


def other_styles(style: PyTorchStyle) -> Iterator[PyTorchStyle]:
    """Style -> every style that differs in at most MAX_CHANGES answers, those with the fewest changes first."""
    own_answers = tuple(style)
    choices = [dict.fromkeys((own, *STYLE_CHOICES[name])) for name, own in style._asdict().items()]
    styles = (PyTorchStyle(*answers) for answers in product(*choices))
    distances = [(sum(a != b for a, b in zip(own_answers, other, strict=True)), other) for other in styles]
    return (other for distance, other in sorted(distances, key=lambda pair: pair[0]) if 0 < distance <= MAX_CHANGES)


MAX_CHANGES = 2
"""A figure that only fits when more answers than this are changed fits by chance."""
