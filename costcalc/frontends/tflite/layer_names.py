"""A subgraph and the names of its tensors -> for each operator the layer that it is named after, and its blocks.

A converter calls an operator after everything that it fused, the last operation first, and constants that several
layers share add parts of other layers: `model/relu_2/Relu;model/bn_2/FusedBatchNormV3;model/conv_3/BiasAdd;
model/conv_7/Conv2D;model/conv_3/Conv2D1` is the convolution of `model/conv_3`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from costcalc.frontends.tflite.model import OperatorCall, Subgraph

SEPARATOR = ";"
"""Stands between the names of layers that are fused into one operator."""

CONTRACTION_OPERATIONS = {
    "BATCH_MATMUL": ("MatMul", "matmul", "BatchMatMulV2", "Einsum", "einsum"),
    "CONV_2D": ("Conv2D", "Conv1D", "convolution"),
    "CONV_3D": ("Conv3D", "convolution"),
    "CONV_3D_TRANSPOSE": ("conv3d_transpose", "conv_transpose"),
    "DEPTHWISE_CONV_2D": ("depthwise", "DepthwiseConv2dNative"),
    "FULLY_CONNECTED": ("MatMul", "Tensordot", "einsum"),
    "TRANSPOSE_CONV": ("conv2d_transpose", "conv_transpose"),
}
"""Operator -> TensorFlow's operations that it computes, as they end the names of a Keras layer's tensors."""

OPERATIONS = {
    **CONTRACTION_OPERATIONS,
    "ADD": ("add", "Add", "AddV2"),
    "AVERAGE_POOL_2D": ("AvgPool", "AvgPool2d"),
    "CONCATENATION": ("concat",),
    "MAX_POOL_2D": ("MaxPool", "MaxPool2d"),
    "MEAN": ("Mean",),
    "MUL": ("mul", "Mul"),
    "PAD": ("Pad",),
    "REDUCE_MAX": ("Max",),
    "RESHAPE": ("Reshape",),
    "RESIZE_BILINEAR": ("ResizeBilinear",),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighbor",),
    "SOFTMAX": ("Softmax",),
    "SQUEEZE": ("Squeeze",),
    "SUB": ("sub", "Sub"),
    "TRANSPOSE": ("transpose", "Transpose"),
}

FUSED_OPERATIONS = ("BiasAdd", "FusedBatchNormV3", "Relu", "Relu6", "Elu", "LeakyRelu", "Sigmoid", "Tanh")
"""What a converter joins to another operation, or leaves as a layer of its own."""

SUFFIXES = frozenset(FUSED_OPERATIONS).union(*OPERATIONS.values())
"""What ends the name of a tensor behind the name of its layer."""

VARIABLE = re.compile(r"/ReadVariableOp(/resource)?\d*$")
"""Behind the name of an operation: the variable that it reads."""

NUMBER = re.compile(r"_?\d+$")
"""Behind an operation that a layer has several times, or that a converter has named anew."""

BLOCK_END = re.compile(r"(?<=\d)_(?=.*[A-Za-z])")
"""In the name of a layer: the end of a numbered block that it stands in, `block_1` of `block_1_expand`."""

MAX_NAME, MAX_JOINED, MAX_INPUTS = 400, 20_000, 16
"""Characters of a layer's name and of joined names, and inputs of an operator, that are looked into: a file with more
has not got them from a converter."""


class LayerName(NamedTuple):
    """The name of an operator's layer ("" where nothing says so), and the blocks that it stands in, outermost first."""

    name: str
    scope: tuple[str, ...]


class _Part(NamedTuple):
    """One of the names that are joined: the whole without a variable, the layer in it, and the operation behind the
    layer ("" without one)."""

    text: str
    layer: str
    operation: str


def layer_names(subgraph: Subgraph, names: Sequence[str]) -> list[LayerName]:
    """A subgraph and the names of its tensors -> the layer of each operator; with its operation where several operators
    belong to one layer."""
    parts = [_own_part(operator.name, _joined_names(subgraph, operator, names)) for operator in subgraph.operators]
    claims = Counter(part.layer for part in parts)
    folders = {folder for part in parts for folder in accumulate(_folders(part.layer), "{}/{}".format)}
    names = [p.layer if claims[p.layer] == 1 and p.layer not in folders else p.text for p in parts]
    uses = Counter(prefix for name in names for prefix in _numbered_blocks(name))
    blocks = [[b.rpartition("/")[2] for b in _numbered_blocks(name) if uses[b] > 1] for name in names]
    return [LayerName(name, (*_folders(name), *inner)) for name, inner in zip(names, blocks, strict=True)]


def _joined_names(subgraph: Subgraph, operator: OperatorCall, names: Sequence[str]) -> str:
    """The name of an operator's first output; behind one that is no path (an output of the model is called after the
    signature) the names of the stored tensors that it reads."""
    name = next((names[i] for i in operator.outputs if i >= 0), "")
    if len(name) > MAX_JOINED:
        return name.partition(SEPARATOR)[0]
    read = [names[i] for i in operator.inputs[:MAX_INPUTS] if i >= 0 and subgraph.tensors[i].data is not None]
    stored = [text for text in read if len(text) <= MAX_JOINED]
    return SEPARATOR.join((name, *stored)) if name and "/" not in name else name


def _own_part(operator: str, output: str) -> _Part:
    """An operator and the name of its output -> the part that names its layer: one that ends in an operation that the
    operator computes, else in a bias of its own, else the first; of several the one whose layer is named most often."""
    parts = [_split_part(text) for text in output.split(SEPARATOR) if text and not text.isdigit()]
    if not parts:
        return _Part("", "", "")
    own = [part for part in parts if part.operation in OPERATIONS.get(operator, ())]
    if not own and operator in CONTRACTION_OPERATIONS:
        own = [part for part in parts if part.operation == "BiasAdd"]
    uses = Counter(part.layer for part in parts)
    return max(own, key=lambda part: uses[part.layer]) if own else parts[0]


def _split_part(text: str) -> _Part:
    if len(text) > MAX_NAME:
        return _Part(text, text, "")
    text = VARIABLE.sub("", text)
    layer, _, end = text.rpartition("/")
    operation = end if end in SUFFIXES else NUMBER.sub("", end)
    return _Part(text, layer, operation) if layer and operation in SUFFIXES else _Part(text, text, "")


def _numbered_blocks(name: str) -> tuple[str, ...]:
    """The name of a layer -> the numbered blocks that it says it stands in: `net/conv2_block1_1_conv` -> `net/conv2`,
    `net/conv2_block1`, `net/conv2_block1_1`."""
    folder, slash, label = name.rpartition("/")
    if len(name) > MAX_NAME:
        return ()
    return tuple(f"{folder}{slash}{label[: match.start()]}" for match in BLOCK_END.finditer(label))


def _folders(name: str) -> list[str]:
    return name.split("/")[:-1] if len(name) <= MAX_NAME else []
