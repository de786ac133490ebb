"""A depthwise convolution and the pointwise one behind it, against the standard convolution of the same extents."""

from __future__ import annotations

import costcalc
from costcalc.analysis.separable import separable_pairs
from costcalc.rules import DType, GraphBuilder, symbol

F32 = DType.FLOAT32


def test_the_ratio_holds_for_any_batch() -> None:
    b = GraphBuilder("open", "made", {"": 17})
    x = b.add_input("x", F32, (symbol("N"), 8, symbol("H"), symbol("W")))
    w, v = b.add_initializer("w", F32, (8, 1, 5, 5)), b.add_initializer("v", F32, (32, 8, 1, 1))
    (y,) = b.add("Conv", [x, w], {"group": 8, "pads": (2, 2, 2, 2)}, name="dw")
    (y,) = b.add("Clip", [y], name="relu6")
    (pair,) = separable_pairs(costcalc.analyze(b.build(b.add("Conv", [y, v], name="pw"))))
    assert pair.macs * (32 * 25) == pair.standard * (25 + 32)


def test_what_is_no_separable_pair() -> None:
    b = GraphBuilder("pairs", "made", {"": 17})
    x = b.add_input("x", F32, (1, 8, 8, 8))
    grouped, pointwise = b.add_initializer("g", F32, (8, 2, 3, 3)), b.add_initializer("p", F32, (4, 8, 1, 1))
    (y,) = b.add("Conv", [x, grouped], {"group": 4}, name="grouped")
    assert not list(separable_pairs(costcalc.analyze(b.build(b.add("Conv", [y, pointwise], name="pw")))))
