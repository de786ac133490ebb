"""Node to ModuleCall with its sizes: convolutions, linear layers, normalisations, pools, upsampling, recurrent layers
and einsums, as torch calls them.

The mean over all positions of a map has three forms in PyTorch, and a pool can do nothing at the size at hand. Of an
einsum counts the number of combinations of its indices and what numpy.einsum_path prints of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Context
from functools import cached_property

from costcalc.analysis.cost import NodeCost, cost_graph
from costcalc.core.dim import Dim, prod
from costcalc.core.formula import Formula
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, is_rearrangement, operator_key
from costcalc.graph.patterns.linear import LinearLayer, is_product
from costcalc.ops.einsum import index_extents, parse_equation
from costcalc.studies.reconcile.call import MODULE_KINDS, ModuleCall
from costcalc.studies.reconcile.pytorch_style import PyTorchStyle

CONVOLUTION_KINDS = {"convolution": "conv", "transposed_convolution": "conv_transpose"}
"""Kind of operator -> kind of call."""


class CostIndex(GraphIndex):
    """A graph's index with the cost of each node."""

    @cached_property
    def costs(self) -> tuple[NodeCost, ...]:
        """The cost of each node, by its index."""
        return cost_graph(self.graph)


def make_call(
    model: CostIndex, kind: str, form: str, nodes: tuple[int, ...], x: str | None = None, y: str | None = None
) -> ModuleCall:
    """Nodes -> their call, with the elements of x (their first data input unless named) and of y (their output), and
    what costcalc counts of them."""
    first, last = model.graph.nodes[nodes[0]], model.graph.nodes[nodes[-1]]
    x = next(iter(model.data_inputs(first)), "") if x is None else x
    y = last.outputs[0] if y is None else y
    shape = model.type(y).shape or ()
    macs: Formula = Formula()
    flops: Dim = 0
    for index in nodes:
        cost = model.costs[index].cost
        if cost is not None:
            macs, flops = Formula((*macs.terms, *cost.macs.terms)), flops + cost.flops
    elements = model.elements(x) if x else 0
    batch = shape[0] if shape else 1
    return ModuleCall(kind, form, nodes, elements, prod(shape), batch, macs=macs, flops=flops, runs=last.count)


def linear_call(model: CostIndex, layer: LinearLayer, form: str) -> ModuleCall:
    """Linear layer -> its call, with the elements of weight and bias."""
    weight, bias = (model.elements(name) if name else 0 for name in (layer.weight, layer.bias))
    return make_call(model, "linear", form, layer.nodes, layer.x, layer.y)._replace(weight=weight, bias=bias)


def is_convolution(node: Node) -> bool:
    """Whether a node is a convolution, transposed or not, of floating-point numbers."""
    t = traits_of(node)
    return t.kind in CONVOLUTION_KINDS and not t.straight_through


def bias_of(node: Node) -> str:
    """Contraction -> the name of its bias; "" where there is none."""
    position = traits_of(node).bias
    return node.inputs[position] if position is not None and position < len(node.inputs) else ""


def convolution_calls(model: CostIndex, style: PyTorchStyle, index: int, node: Node) -> Iterator[ModuleCall]:
    """Convolution -> its call and, where the style says that a batch normalisation was folded into its bias, that of
    the normalisation. A convolution of a single position (squeeze-and-excite) has its own bias."""
    t = traits_of(node)
    kind = CONVOLUTION_KINDS[t.kind]
    weight = model.shape(node.inputs[t.factors[1]])
    source = model.type(node.inputs[0]).shape or ()
    name = bias_of(node)
    bias = model.elements(name) if name else 0
    sizes: tuple[tuple[str, Dim], ...] = ()
    if kind == "conv_transpose":
        sizes = (
            ("filter", prod(weight[1:])),
            ("kernel", prod(weight[2:])),
            ("channels", source[1]),
            ("group", node.attributes.get("group", 1)),
            ("filters", weight[1]),
            ("as_convolution", source[0] * _as_convolution(node, source[2:], weight[2:])),
        )
    one = make_call(model, kind, "module", (index,), node.inputs[0])._replace(
        weight=prod(weight), bias=bias, sizes=sizes
    )
    after = model.only_element_reader(node.outputs[0])
    normed = after is not None and MODULE_KINDS.get(operator_key(model.graph.nodes[after])) == "batch_norm"
    alone = prod((model.type(node.outputs[0]).shape or ())[2:]) == 1
    folded = style.bias != "own" and bias != 0 and not normed and not alone
    yield one._replace(bias=0) if folded and style.bias == "folded" else one
    if folded:
        yield ModuleCall(
            "batch_norm",
            "module",
            (index,),
            one.output_elements,
            one.output_elements,
            one.batch,
            bias,
            bias,
            runs=one.runs,
        )


def _as_convolution(node: Node, extents: tuple[Dim, ...], kernel: tuple[Dim, ...]) -> Dim:
    """Transposed convolution -> the output positions of a convolution with its attributes."""
    rank = len(extents)
    pads = node.attributes.get("pads", (0,) * 2 * rank)
    strides = node.attributes.get("strides", (1,) * rank)
    dilations = node.attributes.get("dilations", (1,) * rank)
    return prod(
        (e + pads[i] + pads[i + rank] - dilations[i] * (k - 1) - 1) // strides[i] + 1
        for i, (e, k) in enumerate(zip(extents, kernel, strict=True))
    )


def normalisation_call(model: CostIndex, index: int, node: Node) -> ModuleCall:
    """Normalisation -> its call. A layer normalisation between two transpositions is that of a map's channels, which
    models write as a module of their own around F.layer_norm."""
    kind, form = MODULE_KINDS[operator_key(node)], "module"
    if kind == "layer_norm":
        before, after = model.producer(node.inputs[0]), model.only_element_reader(node.outputs[0])
        around = [before, None if after is None else model.graph.nodes[after]]
        form = "own" if all(near and traits_of(near).kind == "transpose" for near in around) else form
    learned = [model.elements(name) for name in node.inputs[1:3] if name]
    weight, bias = (*learned, 0, 0)[:2]
    return make_call(model, kind, form, (index,))._replace(weight=weight, bias=bias)


def softmax_rows(model: CostIndex, node: Node) -> Dim:
    """Softmax -> the number of its distributions."""
    shape = model.type(node.outputs[0]).shape or (1,)
    axis = node.attributes.get("axis", -1) % len(shape)
    return prod((*shape[:axis], *shape[axis + 1 :]))


def pool_call(
    model: CostIndex, style: PyTorchStyle, index: int, node: Node, one: Callable[[str, str], ModuleCall]
) -> ModuleCall:
    """Pool or mean -> its call, in the form that the style says."""
    kind = MODULE_KINDS[operator_key(node)]
    if is_identity_pool(node):
        return one("global_pool", "module")._replace(sizes=_spatial_rank(model, node))
    if kind == "global_pool" or (kind == "mean" and is_spatial_mean(model, node)):
        auto = "mean" if kind == "mean" else "module"
        form = auto if style.pool == "auto" else style.pool
        if form == "mean":
            return one("mean", "function")
        return one("global_pool", form)._replace(sizes=_spatial_rank(model, node))
    if kind == "mean":
        return one("mean", "function")
    beside = len(model.element_readers(node.inputs[0])) > 1
    return one(kind, style.branch_pool if beside else "module")


def upsample_call(model: CostIndex, node: Node, one: ModuleCall) -> ModuleCall:
    """Resampling -> its call with the name of its mode and rank in PyTorch: nearest1d, bilinear2d, bicubic2d."""
    mode = str(node.attributes.get("mode", "nearest")).removeprefix("bi")
    ((rank, _),) = _spatial_rank(model, node)
    prefix = {"2d": "bi", "3d": "tri"}.get(rank, "") if mode != "nearest" else ""
    return one._replace(sizes=((f"{prefix}{mode}{rank}", 1),))


def _spatial_rank(model: CostIndex, node: Node) -> tuple[tuple[str, int], ...]:
    """PLANE for maps of two extents, ("1d", 1) for one."""
    return ((f"{len(model.type(node.inputs[0]).shape or ()) - 2}d", 1),)


def is_identity_pool(node: Node) -> bool:
    """Whether a node is an average over windows of one position: what exporters make of an nn.AdaptiveAvgPool2d that
    does nothing at this size."""
    kernel = node.attributes.get("kernel_shape", (0,))
    average = operator_key(node) == ("", "AveragePool")
    return average and set(kernel) == {1} and set(node.attributes.get("strides", (1,))) == {1}


def is_spatial_mean(model: CostIndex, node: Node) -> bool:
    """Whether a mean is over all positions of a map [N, C, H, W]."""
    shape = model.type(node.inputs[0]).shape or ()
    value = model.type(node.inputs[1]).value if len(node.inputs) > 1 and node.inputs[1] else None
    axes = node.attributes.get("axes", value) or ()
    return len(shape) == 4 and {int(axis) % 4 for axis in axes} == {2, 3}


def flattens_map(model: CostIndex, node: Node) -> bool:
    """Whether a node flattens a map [N, C, H, W] of more than one position for a linear layer."""
    before, after = model.type(node.inputs[0]).shape or (), model.type(node.outputs[0]).shape or ()
    if len(before) != 4 or len(after) != 2 or prod(before[2:]) == 1 or node.inputs[0] in model.constants:
        return False
    source = model.producer(node.inputs[0])
    if source is not None and is_identity_pool(source):
        return False
    value = node.outputs[0]
    while (index := model.only_element_reader(value)) is not None:
        reader = model.graph.nodes[index]
        if is_product(reader):
            return True
        if not is_rearrangement(reader):
            return False
        value = reader.outputs[0]
    return False


def is_recurrent(node: Node) -> bool:
    """Whether a node is a recurrent layer of floating-point numbers."""
    t = traits_of(node)
    return t.kind == "recurrent" and not t.straight_through and not t.quantises_input


def recurrent_call(model: CostIndex, node: Node, one: ModuleCall) -> ModuleCall:
    """Recurrent layer -> its call with its sizes: steps counts positions of all sequences, gates those of a cell; one
    or both directions."""
    steps, batch, features = model.type(node.inputs[0]).shape or (1, 1, 1)
    directions, rows, _ = model.type(node.inputs[1]).shape or (1, 1, 1)
    *_, hidden = model.type(node.inputs[2]).shape or (1,)
    gates = rows // hidden
    bias = model.elements(node.inputs[3]) if len(node.inputs) > 3 and node.inputs[3] else 0
    weight: Dim = sum((model.elements(name) for name in node.inputs[1:3]), 0)
    sizes = (
        ("steps", steps * batch),
        ("features", features),
        ("hidden", hidden),
        ("gates", gates),
        ("directions", directions),
    )
    return one._replace(weight=weight, bias=bias, batch=batch, sizes=sizes)


FVCORE_EQUATIONS = frozenset(
    (("a", "b", "c", "a", "b", "d", "a", "c", "d"), ("a", "b", "c", "a", "d", "c", "a", "d", "b"))
)
"""The indices of `abc,abd->acd` and of `abc,adc->adb`, which fvcore knows without numpy."""


def einsum_sizes(model: CostIndex, node: Node) -> tuple[tuple[str, Dim], ...]:
    """Einsum -> combinations: the product of the extents of all indices; summed: whether the output lacks one (1 or 0);
    plain: whether the equation is one of FVCORE_EQUATIONS, under other letters. () for other contractions."""
    if operator_key(node) != ("", "Einsum"):
        return ()
    types = [model.type(name) for name in node.inputs]
    equation = str(node.attributes["equation"])
    inputs, output = parse_equation(equation, tuple(t.rank for t in types))
    extents = index_extents(inputs, types, equation)
    letters = [index for indices in (*inputs, output) for index in indices]
    renamed = {index: chr(ord("a") + place) for place, index in enumerate(dict.fromkeys(letters))}
    plain = len(inputs) == 2 and tuple(renamed[index] for index in letters) in FVCORE_EQUATIONS
    return (
        ("combinations", prod(extents.values())),
        ("summed", int(len(extents) > len(output))),
        ("plain", int(plain)),
    )


def einsum_path_operations(call: ModuleCall) -> Dim:
    """Contraction or einsum -> the operations that numpy.einsum_path prints of it: one more than 2 for each combination
    of indices (1 where none is summed), in four digits; exact while they hold symbols."""
    operations = 2 * call.macs.value if call.macs.terms else call.size("combinations") * (1 + call.size("summed"))
    if not isinstance(operations, int):
        return operations
    return int(FOUR_DIGITS.create_decimal(operations + 1))


FOUR_DIGITS = Context(prec=4)
"""numpy prints `1.549e+04`."""

ROUNDING_TERM = "einsum in four digits"
"""The term of a figure that is numpy's rounding."""
