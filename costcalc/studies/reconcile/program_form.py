"""Node of an exported program to the form of its call, as the program has it: a module of which class, a function, a
method of a tensor or one of Python's operators.

Counters of modules look at the exact class; a module of the model's own class that calls a function is none to them.
"""

from __future__ import annotations

from costcalc.core.ir import Graph, Node, SourceCall
from costcalc.studies.reconcile.call_sizes import CostIndex

NO_CALL = SourceCall("", "")


def _ranks(stem: str) -> frozenset[str]:
    return frozenset(f"{stem}{rank}d" for rank in (1, 2, 3))


MODULE_CLASSES = {
    "conv": _ranks("Conv"),
    "conv_transpose": _ranks("ConvTranspose"),
    "linear": frozenset(("Linear",)),
    "attention": frozenset(("MultiheadAttention",)),
    "recurrent": frozenset(("LSTM", "GRU", "RNN")),
    "batch_norm": _ranks("BatchNorm"),
    "layer_norm": frozenset(("LayerNorm",)),
    "group_norm": frozenset(("GroupNorm",)),
    "instance_norm": _ranks("InstanceNorm"),
    "rms_norm": frozenset(("RMSNorm",)),
    "relu": frozenset(("ReLU",)),
    "relu6": frozenset(("ReLU6",)),
    "leaky_relu": frozenset(("LeakyReLU",)),
    "prelu": frozenset(("PReLU",)),
    "elu": frozenset(("ELU",)),
    "silu": frozenset(("SiLU",)),
    "gelu": frozenset(("GELU",)),
    "hard_swish": frozenset(("Hardswish",)),
    "softmax": frozenset(("Softmax",)),
    "max_pool": _ranks("MaxPool"),
    "avg_pool": _ranks("AvgPool"),
    "global_pool": _ranks("AdaptiveAvgPool"),
    "global_max_pool": _ranks("AdaptiveMaxPool"),
    "upsample": frozenset(("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")),
    "embedding": frozenset(("Embedding",)),
}
"""Kind of call -> the classes of torch.nn that counters know it by."""

LEARNED_KINDS = frozenset(kind for kind in MODULE_CLASSES if kind.endswith(("norm", "conv", "transpose", "linear")))
"""Kinds that a leaf module of the model's own class has parameters for."""

HELD_ACTIVATIONS = frozenset(("TransformerEncoderLayer", "TransformerDecoderLayer"))
"""Classes that hold the function of their activation from when they are made, before a counter patches it."""

SAME_AS_FUNCTIONS = frozenset(
    ("linear", "gelu", "prelu", *(f"{stem}{rank}d" for stem in ("conv", "avg_pool") for rank in (1, 2, 3)))
)
"""Built-in functions that torch.nn.functional has, too."""

PATCHED = frozenset(("matmul", "mm", "bmm", "addmm", "baddbmm", "mul", "add", "einsum"))
"""Functions of torch and methods of a tensor that counters patch."""


def source_call(graph: Graph, node: Node) -> SourceCall:
    """A node -> the call of PyTorch that it stands for; empty where the graph is no program's."""
    return graph.calls.get(node.name, NO_CALL)


def find_class(graph: Graph, node: Node) -> str:
    """A node -> the full name of the class of the innermost module that it stands in; "" where it is not known."""
    module = graph.find_module(node)
    return graph.modules.get(module.path, "") if module is not None else ""


def program_form(index: CostIndex, node: Node, kind: str) -> str:
    """A node of a program and the kind of its call -> the form of the call, as ModuleCall has it."""
    graph = index.graph
    package, _, name = find_class(graph, node).rpartition(".")
    is_torch = package.startswith("torch.nn.modules.")
    if is_torch and name in MODULE_CLASSES.get(kind, ()):
        return "module"
    module = graph.find_module(node)
    if not is_torch and kind in LEARNED_KINDS and module is not None and module.path not in index.parent_modules:
        return "own" if any(value.endswith("weight") for value in node.inputs) else "function"
    if is_torch and name in HELD_ACTIVATIONS and kind in MODULE_CLASSES:
        return "operator"
    return _function_form(source_call(graph, node).function)


def _function_form(function: str) -> str:
    """How the source calls a function -> `function` where that is one that counters patch, else `operator`."""
    origin, _, name = function.partition(".")
    is_patched = (
        origin in ("function", "")
        or (origin == "builtin" and name in SAME_AS_FUNCTIONS | PATCHED)
        or (origin == "method" and name in PATCHED)
        or (origin == "tensor" and name == "matmul")
    )
    return "function" if is_patched else "operator"
