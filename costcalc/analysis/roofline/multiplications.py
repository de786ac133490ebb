"""Node and its row to the fewest multiplications that implementations in use need, where the definition states more.

A convolution's axis with k taps at stride 1 takes (k + 5) / 6 multiplications an output by Winograd's F(6, k), the
largest tile that libraries use (Lavin and Gray, arXiv:1509.09308): 16/9 for 3 × 3, 5.0625 times fewer than 9. A stride
splits the taps into as many phases, each a convolution of its own. Fewer than 6 outputs make a smaller tile. By FFT
every position that is read takes 2 multiplications for any kernel: a complex product is four, and one half of the
spectrum follows from the other. The fewer of both count, and never those of taps that fall into the padding. Of other
operators the least work of their rules counts (module least_work).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from fractions import Fraction
from typing import Any

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.roofline.least_work import least_macs, needed_by_outputs
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import Traits, traits_of
from costcalc.ops.common.window import explicit_pads, same_pads, transposed_extents

FFT_MULTIPLICATIONS = 2
"""Multiplications of each position of an axis by FFT."""

CONVOLUTIONS = ("convolution", "transposed_convolution", "causal_convolution")

WINOGRAD_TILE = 6
"""Outputs of the largest Winograd tile that libraries use."""


def fewest_multiplications(
    graph: Graph, row: LayerCost, node: Node, needed: AbstractSet[str] | None = None
) -> Fraction:
    """Graph, row, node and the values that are needed (all unless given) -> the row's fewest multiplications over all
    its runs; 0 where its MACs are not a number."""
    macs = least_macs(graph, row, node, needed)
    operator = traits_of(node)
    if not macs or operator.kind not in CONVOLUTIONS:
        return Fraction(macs)
    if operator.kind == "causal_convolution":
        return macs * _multiplications_per_tap(graph, node)
    return macs * _multiplications_per_mac(graph, node, operator)


def _multiplications_per_tap(graph: Graph, node: Node) -> Fraction:
    """Causal convolution of x [B, C, L] with w [C, 1, k] -> multiplications for each tap that meets an input."""
    length, kernel = [(graph.types[name].shape or (None,))[-1] for name in node.inputs[:2]]
    if not isinstance(length, int) or not isinstance(kernel, int) or not length or not kernel:
        return Fraction(1)
    return min(Fraction(1), winograd_multiplications(kernel, 1, length) / kernel, Fraction(FFT_MULTIPLICATIONS, kernel))


def _multiplications_per_mac(graph: Graph, node: Node, operator: Traits) -> Fraction:
    """Convolution -> multiplications for each of its MACs, at most 1 each."""
    types = [graph.types[name] for name in (node.inputs[0], node.inputs[operator.factors[1]], node.outputs[0])]
    shapes = types[0].shape or (), operator.filter_shape(types[1].shape or ()), types[2].shape or ()
    x, w, y = [[d for d in shape if isinstance(d, int)] for shape in shapes]
    rank = len(w) - 2
    if rank < 1 or not len(x) == len(y) == len(w):
        return Fraction(1)
    last = operator.layout_of(node.attributes) == "channels_last"
    inside, outside = (shape[1:-1] if last else shape[2:] for shape in (x, y))
    if operator.kind == "transposed_convolution":
        inside, outside = outside, inside
    strides = _read_integers(node.attributes, "strides", rank)
    dilations = _read_integers(node.attributes, "dilations", rank)
    begins = _begin_pads(operator, node.attributes, inside, outside, w[2:])
    taps, tiled, transformed = Fraction(1), Fraction(1), Fraction(FFT_MULTIPLICATIONS)
    for extent, positions, kernel, stride, dilation, begin in zip(
        inside, outside, w[2:], strides, dilations, begins, strict=True
    ):
        if not kernel or not positions:
            return Fraction(0)
        taps *= kernel
        real = real_taps(extent, positions, kernel, stride, dilation, begin) / kernel
        tiled *= winograd_multiplications(kernel, stride, positions) * real
        transformed *= Fraction(transformed_positions(extent, positions, kernel, stride, dilation), positions)
    return min(tiled, transformed) / taps


def winograd_multiplications(kernel: int, stride: int, positions: int) -> Fraction:
    """Kernel, stride and output positions of an axis -> multiplications an output: a phase of the stride with r taps
    takes (r + m - 1) / m by F(m, r)."""
    tile = min(WINOGRAD_TILE, positions)
    taps, longer = divmod(kernel, stride)
    phases = ((taps + 1, longer), (taps, stride - longer if taps else 0))
    return sum((Fraction((r + tile - 1) * count, tile) for r, count in phases), Fraction(0))


def transformed_positions(extent: int, positions: int, kernel: int, stride: int, dilation: int) -> int:
    """Axis -> the fewest positions that FFTs span: its outputs in each phase of the stride, and the inputs that they
    read."""
    if stride > 1:
        return positions * min(stride, kernel)
    return max(positions, min(extent, positions + (kernel - 1) * dilation))


def real_taps(extent: int, positions: int, kernel: int, stride: int, dilation: int, begin: int) -> Fraction:
    """Axis -> taps that meet an input and not the padding, for each output position: the places o · stride +
    t · dilation - begin of all outputs o and taps t that lie on the axis."""

    def places_up_to(last: int) -> int:
        """Outputs and taps that stand at most at last: those of endless axes, less what is behind their ends."""
        width, height = positions * stride, kernel * dilation
        ends = ((0, 1), (width, -1), (height, -1), (width + height, 1))
        return sum(sign * _count_places(last - end, stride, dilation) for end, sign in ends)

    return Fraction(places_up_to(extent - 1 + begin) - places_up_to(begin - 1), positions)


def _count_places(last: int, a: int, b: int) -> int:
    """The number of pairs (x, y) of whole numbers from 0 with a · x + b · y ≤ last: ∑ ⌊(last - b · y) / a⌋ + 1, in
    steps of Euclid's algorithm."""
    if last < 0:
        return 0
    count = last // b + 1
    return count + _sum_of_quotients(count, a, b, last % b)


def _sum_of_quotients(n: int, m: int, a: int, b: int) -> int:
    """∑ ⌊(a · i + b) / m⌋ for i from 0 to n - 1."""
    total = 0
    while n:
        total += n * (n - 1) // 2 * (a // m) + n * (b // m)
        a, b = a % m, b % m
        highest = a * n + b
        n, b, m, a = highest // m, highest % m, a, m
    return total


def _begin_pads(
    operator: Traits,
    attributes: Mapping[str, Any],
    inside: Sequence[int],
    outside: Sequence[int],
    kernel: Sequence[int],
) -> list[int]:
    """Attributes, extents of the image that windows are cut from and numbers of windows -> the padding before each
    axis."""
    auto, rank = attributes.get("auto_pad", "NOTSET"), len(kernel)
    is_same = auto in ("SAME_UPPER", "SAME_LOWER")
    if operator.kind == "transposed_convolution":
        known = {**attributes, "output_shape": inside} if is_same else attributes
        return [int(begin) for begin, _ in transposed_extents(outside, kernel, known)]
    if not is_same:
        return list(explicit_pads(attributes.get("pads"), auto, rank)[:rank])
    strides, dilations = (_read_integers(attributes, name, rank) for name in ("strides", "dilations"))
    pads = map(same_pads, inside, kernel, strides, dilations, [auto == "SAME_LOWER"] * rank)
    return [int(begin) for begin, _ in pads]


def _read_integers(attributes: Mapping[str, Any], name: str, rank: int) -> list[int]:
    return [int(n) for n in attributes.get(name) or ()] or [1] * rank


def reachable_nodes(graph: Graph) -> list[bool]:
    """Graph -> whether an output of the graph needs each node; True for all where the graph names no output."""
    values = needed_by_outputs(graph)
    return [values is None or not values.isdisjoint(filter(None, node.outputs)) for node in graph.nodes]


def constant_nodes(graph: Graph) -> list[bool]:
    """Graph -> whether each node depends on stored tensors only, so that it can be computed once, before any
    inference."""
    constants = set(graph.initializers)
    flags = []
    for node in graph.nodes:
        constant = all(name in constants for name in node.inputs if name)
        if constant:
            constants.update(node.outputs)
        flags.append(constant)
    return flags
