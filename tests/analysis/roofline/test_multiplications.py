"""The fewest multiplications by hand and by counting."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc import analyze, ops
from costcalc.analysis.roofline.multiplications import (
    constant_nodes,
    fewest_multiplications,
    reachable_nodes,
    real_taps,
    winograd_multiplications,
)
from costcalc.rules import DType, Graph, Node, TensorType

ops.load_families()


def graph(*nodes: Node, outputs: tuple[str, ...] = ("y",), **shapes: tuple[int, ...]) -> Graph:
    types = {name: TensorType(DType.FLOAT32, shape) for name, shape in shapes.items()}
    return Graph("g", "", ("x",), outputs, {"w": types["w"]} if "w" in types else {}, nodes, types)


class Line:
    """What least asks of a row."""

    def __init__(self, macs: int) -> None:
        self.figures, self.cost, self.count = {"macs": macs}, None, 1


def convolution(x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...], op: str = "Conv", **given: Any) -> Fraction:
    node = Node("c", op, ("x", "w"), ("y",), given, "com.microsoft" if op.startswith("Nhwc") else "")
    return fewest_multiplications(graph(node, x=x, w=w, y=y), Line(1000), node)  # type: ignore[arg-type]


def test_winograd() -> None:
    assert 3 / winograd_multiplications(3, 1, 100) == Fraction(9, 4), (
        "F(6, 3): 8 multiplications for 6 outputs of 3 taps"
    )
    assert (
        winograd_multiplications(1, 1, 9) == 1
        and winograd_multiplications(2, 2, 9) == 2
        and winograd_multiplications(3, 2, 9) == Fraction(7, 6) + 1
    )


@pytest.mark.parametrize(
    ("x", "w", "y", "given", "share"),
    (
        ((1, 1, 8, 8), (1, 1, 3, 3), (1, 1, 6, 6), {}, Fraction(16, 81)),
        ((1, 1, 8, 8), (1, 1, 3, 3), (1, 1, 8, 8), {"pads": (1, 1, 1, 1)}, Fraction(16, 81) * Fraction(22, 24) ** 2),
        ((1, 1, 8, 8), (1, 1, 1, 1), (1, 1, 8, 8), {}, Fraction(1)),
        ((1, 1, 16, 16), (1, 1, 11, 11), (1, 1, 6, 6), {}, Fraction(256, 36 * 121)),
        ((1, 1, 5, 5), (1, 1, 5, 5), (1, 1, 1, 1), {}, Fraction(1)),
        ((1, 1, 70, 70), (1, 1, 7, 7), (1, 1, 64, 64), {}, Fraction(2 * 70**2, 64**2 * 49)),
        ((1, 1, 8, 8), (1, 1, 1, 3), (1, 1, 8, 6), {}, Fraction(4, 9)),
        ((1, 1, 8, 8), (1, 1, 2, 2), (1, 1, 4, 4), {"strides": (2, 2)}, Fraction(1)),
        ((1, 1, 8), (1, 1, 3), (1, 1, 8), {"auto_pad": "SAME_UPPER"}, Fraction(4, 9) * Fraction(22, 24)),
    ),
)
def test_convolutions(x: Any, w: Any, y: Any, given: dict[str, Any], share: Fraction) -> None:
    assert convolution(x, w, y, **given) == 1000 * share
    last = [(s[0], *s[2:], s[1]) for s in (x, y)]
    assert convolution(last[0], w, last[1], "NhwcConv", **given) == 1000 * share


def test_a_transposed_convolution_has_the_taps_of_its_convolution() -> None:
    forward = convolution((1, 1, 16, 16), (1, 1, 4, 4), (1, 1, 8, 8), pads=(1, 1, 1, 1), strides=(2, 2))
    back = convolution((1, 1, 8, 8), (1, 1, 4, 4), (1, 1, 16, 16), "ConvTranspose", pads=(1, 1, 1, 1), strides=(2, 2))
    assert forward == back < 1000


def test_what_an_output_shape_cuts_stands_where_onnx_says() -> None:
    """Two inputs with stride 2 and three taps reach 5 outputs, and one more is padded: of an output_shape of 5 the odd
    one is cut at the beginning, which is a tap, with SAME_UPPER at the end, which is not."""
    shapes = (1, 1, 2), (1, 1, 3), (1, 1, 5)
    options: dict[str, Any] = {"strides": (2,), "output_padding": (1,), "output_shape": (5,)}
    upper = convolution(*shapes, "ConvTranspose", auto_pad="SAME_UPPER", **options)
    assert convolution(*shapes, "ConvTranspose", **options) == upper * Fraction(5, 6)


@given(*[st.integers(1, 9)] * 5, st.integers(0, 9))
def test_real_taps_are_counted(
    extent: int, positions: int, kernel: int, stride: int, dilation: int, begin: int
) -> None:
    inside = sum(0 <= p * stride + t * dilation - begin < extent for p in range(positions) for t in range(kernel))
    assert real_taps(extent, positions, kernel, stride, dilation, begin) == Fraction(inside, positions)


def test_axes_of_any_length_take_no_time() -> None:
    """A kernel as long as a file may say: every output meets the whole image."""
    large = 10**40
    assert real_taps(225, 225, large, 1, 1, large // 2) == 225
    assert real_taps(large, large, large, 1, 1, 0) == Fraction(large + 1, 2)
    assert winograd_multiplications(large, 10**20, 9) == Fraction(10**20 * (10**20 + 5), 6)


def test_what_no_output_needs_and_what_is_folded() -> None:
    nodes = (
        Node("a", "Relu", ("w",), ("a",), {}),
        Node("b", "MatMul", ("x", "a"), ("y",), {}),
        Node("c", "Relu", ("x",), ("z",), {}),
    )
    made = graph(*nodes, w=(2, 2))
    assert reachable_nodes(made) == [True, True, False] and constant_nodes(made) == [True, False, False]
    assert reachable_nodes(graph(*nodes, outputs=(), w=(2, 2))) == [True] * 3


def test_causal_attention_counts_half_of_the_scores() -> None:
    report = analyze("gpt2", dims={"seq": 8})
    for row, node in zip(report.rows, report.graph.nodes, strict=True):
        macs = row.figures["macs"]
        if node.op_type == "Attention":
            assert isinstance(macs, int) and node.attributes["is_causal"]
            assert fewest_multiplications(report.graph, row, node) == Fraction(macs * 9, 16)
