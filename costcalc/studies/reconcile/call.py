"""A call: what a graph's node, or several of them, is in PyTorch's eyes, with every size that a counter looks at."""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.formula import Formula


class Call(NamedTuple):
    """kind is what is called (conv, linear, batch_norm, …). form is how: `module` (nn.ReLU), `function` (F.relu, a
    method of a tensor), `operator` (x * y, x @ y: Python's own), `inside` (a part of nn.MultiheadAttention), `loss` (a
    softmax that PyTorch's loss computes), `own` (a leaf module of the model's own class, around a function).

    nodes are the indexes of the graph's nodes that it stands for; figures stand in the first one's row. reads and gives
    are the elements of the first input and of the output of one run, batch the output's first extent, weight and bias
    the stored elements, macs and flops what costcalc counts, runs how often it is called. also holds what a kind needs
    beyond that, by name."""

    kind: str
    form: str
    nodes: tuple[int, ...]
    reads: Dim = 0
    gives: Dim = 0
    batch: Dim = 1
    weight: Dim = 0
    bias: Dim = 0
    macs: Formula = Formula()
    flops: Dim = 0
    runs: Dim = 1
    also: tuple[tuple[str, Dim], ...] = ()

    def has(self, name: str) -> bool:
        """Whether the call has a size of this name."""
        return any(name == mine for mine, _ in self.also)

    def size(self, name: str) -> Dim:
        """What a kind needs beyond the fields: size("scores") of an attention."""
        return dict(self.also)[name]


PLANE = (("2d", 1),)
"""What a global pool over maps [N, C, H, W] has besides; over other ranks it has another name in PyTorch."""

WORDS = {
    "conv": "convolutions",
    "conv_transpose": "transposed convolutions",
    "linear": "linear layers",
    "matmul": "matrix products",
    "attention": "attention",
    "recurrent": "recurrent layers",
    "contraction": "other contractions",
    "einsum": "einsums without products to sum",
    "batch_norm": "batch normalisation",
    "layer_norm": "layer normalisation",
    "group_norm": "group normalisation",
    "instance_norm": "instance normalisation",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "leaky ReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "silu": "SiLU",
    "gelu": "GELU",
    "hard_swish": "hard-swish",
    "softmax": "softmax",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
    "global_pool": "global pooling",
    "global_max_pool": "global max pooling",
    "mean": "means",
    "mul": "elementwise products",
    "upsample": "upsampling",
    "embedding": "embeddings",
    "add": "additions",
    "sizes": "products of sizes",
    "elementwise": "other elementwise operations",
}
"""The kinds, and how they are called in a table."""

MODULES = {
    ("", "BatchNormalization"): "batch_norm",
    ("", "LayerNormalization"): "layer_norm",
    ("", "GroupNormalization"): "group_norm",
    ("", "InstanceNormalization"): "instance_norm",
    ("", "MaxPool"): "max_pool",
    ("", "AveragePool"): "avg_pool",
    ("", "GlobalAveragePool"): "global_pool",
    ("", "GlobalMaxPool"): "global_max_pool",
    ("", "ReduceMean"): "mean",
    ("", "Resize"): "upsample",
    ("", "Upsample"): "upsample",
}
"""The kinds of operators (domain, op_type) that are one module or function of PyTorch each."""
