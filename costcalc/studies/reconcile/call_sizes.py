"""Node to ModuleCall with its sizes: convolutions, linear layers, normalisations, pools, upsampling, recurrent layers
and einsums, as torch calls them.

The mean over all positions of a map has three forms in PyTorch, and a pool can do nothing at the size at hand. Of an
einsum counts the number of combinations of its indices and what numpy.einsum_path prints of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Context
from functools import cached_property

from costcalc.analysis.cost import NodeCost, cost_graph
from costcalc.core.dim import Dim, prod
from costcalc.core.formula import Formula
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, operator_key
from costcalc.graph.patterns.linear import LinearLayer
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

    @cached_property
    def parent_modules(self) -> frozenset[str]:
        """The paths of a program's modules that have modules inside: those that are called, or hold stored tensors."""
        graph = self.graph
        return frozenset(_all_parents((*graph.modules, *(name.rpartition(".")[0] for name in graph.initializers))))


def _all_parents(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        while path:
            path = path.rpartition(".")[0]
            yield path


def make_call(
    index: CostIndex, kind: str, form: str, nodes: tuple[int, ...], x: str | None = None, y: str | None = None
) -> ModuleCall:
    """Nodes -> their call, with the elements of x (their first data input unless named) and of y (their output), and
    what costcalc counts of them."""
    first, last = index.graph.nodes[nodes[0]], index.graph.nodes[nodes[-1]]
    x = next(iter(index.data_inputs(first)), "") if x is None else x
    y = next(filter(None, last.outputs), "") if y is None else y
    shape = index.type(y).shape or ()
    macs: Formula = Formula()
    flops: Dim = 0
    for node_index in nodes:
        cost = index.costs[node_index].cost
        if cost is not None:
            macs, flops = Formula((*macs.terms, *cost.macs.terms)), flops + cost.flops
    elements = index.elements(x) if x else 0
    batch = shape[0] if shape else 1
    return ModuleCall(kind, form, nodes, elements, prod(shape), batch, macs=macs, flops=flops, runs=last.count)


def linear_call(index: CostIndex, layer: LinearLayer, form: str) -> ModuleCall:
    """Linear layer -> its call, with the elements of weight and bias."""
    weight, bias = (index.elements(name) if name else 0 for name in (layer.weight, layer.bias))
    return make_call(index, "linear", form, layer.nodes, layer.x, layer.y)._replace(weight=weight, bias=bias)


def is_convolution(node: Node) -> bool:
    """Whether a node is a convolution, transposed or not, of floating-point numbers."""
    t = traits_of(node)
    return t.kind in CONVOLUTION_KINDS and not t.straight_through


def bias_of(node: Node) -> str:
    """Contraction -> the name of its bias; "" where there is none."""
    position = traits_of(node).bias
    return node.inputs[position] if position is not None and position < len(node.inputs) else ""


def convolution_calls(index: CostIndex, style: PyTorchStyle, node_index: int, node: Node) -> Iterator[ModuleCall]:
    """Convolution -> its call and, where the style says that a batch normalisation was folded into its bias, that of
    the normalisation. A convolution of a single position (squeeze-and-excite) has its own bias."""
    t = traits_of(node)
    kind = CONVOLUTION_KINDS[t.kind]
    weight = t.filter_shape(index.shape(node.inputs[t.factors[1]]))
    source = index.type(node.inputs[t.factors[0]]).shape or ()
    if t.layout_of(node.attributes) == "channels_last":
        source = (source[0], source[-1], *source[1:-1])
    name = bias_of(node)
    bias = index.elements(name) if name else 0
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
    call = make_call(index, kind, "module", (node_index,), node.inputs[0])._replace(
        weight=prod(weight), bias=bias, sizes=sizes
    )
    after = index.only_element_reader(node.outputs[0])
    has_norm = after is not None and MODULE_KINDS.get(operator_key(index.graph.nodes[after])) == "batch_norm"
    is_single_position = prod((index.type(node.outputs[0]).shape or ())[2:]) == 1
    folded = style.bias != "own" and bias != 0 and not has_norm and not is_single_position
    yield call._replace(bias=0) if folded and style.bias == "folded" else call
    if folded:
        yield ModuleCall(
            "batch_norm",
            "module",
            (node_index,),
            call.output_elements,
            call.output_elements,
            call.batch,
            bias,
            bias,
            runs=call.runs,
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


def normalisation_call(index: CostIndex, node_index: int, node: Node) -> ModuleCall:
    """Normalisation -> its call. A layer normalisation between two transpositions is that of a map's channels, which
    models write as a module of their own around F.layer_norm."""
    kind, form = MODULE_KINDS[operator_key(node)], "module"
    if kind == "layer_norm":
        before, after = index.producer(node.inputs[0]), index.only_element_reader(node.outputs[0])
        neighbours = [before, None if after is None else index.graph.nodes[after]]
        form = (
            "own" if all(neighbour and traits_of(neighbour).kind == "transpose" for neighbour in neighbours) else form
        )
    learned = [index.elements(name) for name in node.inputs[1:3] if name]
    weight, bias = (*learned, 0, 0)[:2]
    return make_call(index, kind, form, (node_index,))._replace(weight=weight, bias=bias)


def softmax_rows(index: CostIndex, node: Node) -> Dim:
    """Softmax -> the number of its distributions."""
    shape = index.type(node.outputs[0]).shape or (1,)
    axis = node.attributes.get("axis", -1) % len(shape)
    return prod((*shape[:axis], *shape[axis + 1 :]))


def upsample_call(index: CostIndex, node: Node, call: ModuleCall) -> ModuleCall:
    """Resampling -> its call with the name of its mode and rank in PyTorch: nearest1d, bilinear2d, bicubic2d."""
    mode = str(node.attributes.get("mode", "nearest")).removeprefix("bi")
    ((rank, _),) = spatial_rank(index, node)
    prefix = {"2d": "bi", "3d": "tri"}.get(rank, "") if mode != "nearest" else ""
    return call._replace(sizes=((f"{prefix}{mode}{rank}", 1),))


def spatial_rank(index: CostIndex, node: Node) -> tuple[tuple[str, int], ...]:
    """PLANE for maps of two extents, ("1d", 1) for one."""
    return ((f"{len(index.type(node.inputs[0]).shape or ()) - 2}d", 1),)


def is_recurrent(node: Node) -> bool:
    """Whether a node is a recurrent layer of floating-point numbers."""
    t = traits_of(node)
    return t.kind == "recurrent" and t.states > 0 and not t.straight_through and not t.quantises_input


def recurrent_call(index: CostIndex, node: Node, call: ModuleCall) -> ModuleCall:
    """Recurrent layer -> its call with its sizes: steps counts positions of all sequences, gates those of a cell; one
    or both directions."""
    steps, batch, features = index.type(node.inputs[0]).shape or (1, 1, 1)
    directions, rows, _ = index.type(node.inputs[1]).shape or (1, 1, 1)
    *_, hidden = index.type(node.inputs[2]).shape or (1,)
    gates = rows // hidden
    bias = index.elements(node.inputs[3]) if len(node.inputs) > 3 and node.inputs[3] else 0
    weight: Dim = sum((index.elements(name) for name in node.inputs[1:3]), 0)
    sizes = (
        ("steps", steps * batch),
        ("features", features),
        ("hidden", hidden),
        ("gates", gates),
        ("directions", directions),
    )
    return call._replace(weight=weight, bias=bias, batch=batch, sizes=sizes)


FVCORE_EQUATIONS = frozenset(
    (("a", "b", "c", "a", "b", "d", "a", "c", "d"), ("a", "b", "c", "a", "d", "c", "a", "d", "b"))
)
"""The indices of `abc,abd->acd` and of `abc,adc->adb`, which fvcore knows without numpy."""


def einsum_sizes(index: CostIndex, node: Node) -> tuple[tuple[str, Dim], ...]:
    """Einsum -> combinations: the product of the extents of all indices; summed: whether the output lacks one (1 or 0);
    plain: whether the equation is one of FVCORE_EQUATIONS, under other letters. () for other contractions."""
    if operator_key(node) != ("", "Einsum"):
        return ()
    types = [index.type(name) for name in node.inputs]
    equation = str(node.attributes["equation"])
    inputs, output = parse_equation(equation, tuple(t.rank for t in types))
    extents = index_extents(inputs, types, equation)
    letters = [letter for indices in (*inputs, output) for letter in indices]
    renamed = {letter: chr(ord("a") + position) for position, letter in enumerate(dict.fromkeys(letters))}
    is_fvcore_equation = len(inputs) == 2 and tuple(renamed[letter] for letter in letters) in FVCORE_EQUATIONS
    return (
        ("combinations", prod(extents.values())),
        ("summed", int(len(extents) > len(output))),
        ("plain", int(is_fvcore_equation)),
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
