"""ModuleCall: one or several nodes of a graph as one call of PyTorch, with every size that a counter looks at."""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.formula import Formula


class ModuleCall(NamedTuple):
    """One call of PyTorch.

    kind is what is called (conv, linear, batch_norm, …). form is how: `module` (nn.ReLU), `function` (F.relu, a method
    of a tensor), `operator` (x * y, x @ y: Python's own), `inside` (a part of nn.MultiheadAttention), `loss` (a softmax
    that PyTorch's loss computes), `own` (a leaf module of the model's own class, around a function).

    nodes are the indexes of the graph's nodes that it stands for; its figures belong to the first one's layer.
    input_elements and output_elements are those of the first input and of the output in one run, batch is the output's
    first extent, weight and bias are the stored elements, macs and flops what costcalc counts, runs how often it is
    called. sizes holds what a kind needs beyond that, by name.
    """

    kind: str
    form: str
    nodes: tuple[int, ...]
    input_elements: Dim = 0
    output_elements: Dim = 0
    batch: Dim = 1
    weight: Dim = 0
    bias: Dim = 0
    macs: Formula = Formula()
    flops: Dim = 0
    runs: Dim = 1
    sizes: tuple[tuple[str, Dim], ...] = ()

    def has(self, name: str) -> bool:
        """Whether the call has a further size of this name."""
        return any(name == key for key, _ in self.sizes)

    def size(self, name: str) -> Dim:
        """A further size by name: size("scores") of an attention. KeyError where the kind has none."""
        return dict(self.sizes)[name]


MAP_RANK = (("2d", 1),)
"""The further size of a global pool over maps [N, C, H, W]; over other ranks it has another name in PyTorch."""

KIND_NAMES = {
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
    "rms_norm": "RMS normalisation",
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
"""Kind of call -> its name in a table."""

MODULE_KINDS = {
    ("", "BatchNormalization"): "batch_norm",
    ("", "LayerNormalization"): "layer_norm",
    ("", "GroupNormalization"): "group_norm",
    ("", "InstanceNormalization"): "instance_norm",
    ("", "RMSNormalization"): "rms_norm",
    ("", "MaxPool"): "max_pool",
    ("", "AveragePool"): "avg_pool",
    ("", "GlobalAveragePool"): "global_pool",
    ("", "GlobalMaxPool"): "global_max_pool",
    ("aten", "adaptive_avg_pool"): "global_pool",
    ("aten", "adaptive_max_pool"): "global_max_pool",
    ("", "ReduceMean"): "mean",
    ("", "Resize"): "upsample",
    ("", "Upsample"): "upsample",
}
"""(domain, op_type) of operators that are one module or function of PyTorch each -> the kind of call."""
