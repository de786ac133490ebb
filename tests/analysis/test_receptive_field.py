"""Windows: the extents that follow from them, and what each output sees of the input."""

from __future__ import annotations

import pytest
from support.graphs import blocks

from costcalc.analysis.receptive_field import WHOLE_INPUT, extent_formulas, receptive_fields, window_of
from costcalc.rules import DType, GraphBuilder

F32 = DType.FLOAT32


def windowed(op: str, extent: int, kernel: int, **attributes: object) -> tuple[str, int]:
    """The extent's line and the extent of a square window over a square input."""
    b = GraphBuilder("one", "made", {"": 19})
    x = b.add_input("x", F32, (1, 4, extent, extent))
    names = [x]
    if op in ("Conv", "ConvTranspose"):
        names.append(b.add_initializer("w", F32, (4, 4, kernel, kernel)))
    else:
        attributes["kernel_shape"] = (kernel, kernel)
    (y,) = b.add(op, names, attributes, name="y")
    graph = b.build([y])
    found = window_of(graph.nodes[0], graph.types)
    assert found is not None
    (line,) = extent_formulas(found)
    out = graph.types[y].shape
    assert out is not None
    return line, int(out[2])


@pytest.mark.parametrize(
    ("op", "extent", "kernel", "attributes", "line", "out"),
    [
        ("Conv", 224, 7, {"strides": (2, 2), "pads": (3, 3, 3, 3)}, "⌊(224 + 3 + 3 - 7) / 2⌋ + 1 = 112", 112),
        (
            "Conv",
            16,
            3,
            {"dilations": (2, 2)},
            "⌊(16 + 0 + 0 - 5) / 1⌋ + 1 = 12, the kernel's reach 2 × (3 - 1) + 1 = 5",
            12,
        ),
        ("Conv", 5, 3, {"auto_pad": "SAME_UPPER", "strides": (2, 2)}, "⌈5 / 2⌉ = 3", 3),
        ("Conv", 5, 3, {"auto_pad": "VALID"}, "⌊(5 + 0 + 0 - 3) / 1⌋ + 1 = 3", 3),
        ("MaxPool", 6, 3, {"strides": (2, 2), "ceil_mode": 1}, "⌈(6 + 0 + 0 - 3) / 2⌉ + 1 = 3", 3),
        (
            "MaxPool",
            5,
            2,
            {"strides": (3, 3), "pads": (1, 1, 1, 1), "ceil_mode": 1},
            "⌈(5 + 1 + 1 - 2) / 3⌉ + 1 = 3, less a window that would start behind the input = 2",
            2,
        ),
        ("ConvTranspose", 8, 4, {"strides": (2, 2), "pads": (1, 1, 1, 1)}, "2 × (8 - 1) + 4 + 0 - (1 + 1) = 16", 16),
        (
            "ConvTranspose",
            8,
            3,
            {"strides": (2, 2), "output_padding": (1, 1)},
            "2 × (8 - 1) + 3 + 1 - (0 + 0) = 18",
            18,
        ),
    ],
)
def test_how_extents_follow(
    op: str, extent: int, kernel: int, attributes: dict[str, object], line: str, out: int
) -> None:
    assert windowed(op, extent, kernel, **attributes) == (f"h, w: {line}", out)


def test_receptive_fields_of_vgg_style_blocks() -> None:
    """3×3, 3×3, 2×2/2 see 3, 5, 6, then 10, 14, 16 with a jump of 2, 4 behind the second pool."""
    graph = blocks()
    found = receptive_fields(graph)
    sizes = {node.name: found[node.outputs[0]] for node in graph.nodes}
    assert [sizes[n].size[0] for n in ("stage0/conv0/Conv", "stage0/conv1/Relu", "stage0/MaxPool")] == [3, 5, 6]
    assert [sizes[n].size[0] for n in ("stage1/conv0/Conv", "stage1/conv1/Conv", "stage1/MaxPool")] == [10, 14, 16]
    assert [list(map(int, sizes[n].jump)) for n in ("stage1/conv1/Conv", "stage1/MaxPool")] == [[2, 2], [4, 4]]
    assert sizes["fc"] == WHOLE_INPUT


def test_the_receptive_field_of_branches_is_the_larger_one() -> None:
    b = GraphBuilder("branches", "made", {"": 17})
    x = b.add_input("x", F32, (1, 4, 16, 16))
    three, five = b.add_initializer("w3", F32, (4, 4, 3, 3)), b.add_initializer("w5", F32, (4, 4, 5, 5))
    (left,) = b.add("Conv", [x, three], {"auto_pad": "SAME_UPPER"}, name="left")
    (right,) = b.add("Conv", [x, five], {"auto_pad": "SAME_UPPER", "dilations": (2, 2)}, name="right")
    graph = b.build(b.add("Add", [left, right], name="sum"))
    assert receptive_fields(graph)["sum"].size == (9, 9)
