"""Small graphs that tests of everything behind the readers share."""

from __future__ import annotations

from costcalc.rules import Dim, DType, Graph, GraphBuilder, symbol

F32 = DType.FLOAT32


def standard_conv() -> Graph:
    """6×6×3 → 4×4×5 by 3×3 filters: 27 × 16 × 5 MACs."""
    b = GraphBuilder("standard_conv", "made", {"": 17})
    x = b.add_input("x", F32, (1, 3, 6, 6))
    w = b.add_initializer("w", F32, (5, 3, 3, 3))
    return b.build(b.add("Conv", [x, w], name="conv"))


def separable() -> Graph:
    """The same in two steps: 9 × 16 × 3 + 3 × 16 × 5 MACs."""
    b = GraphBuilder("depthwise_separable", "made", {"": 17})
    x = b.add_input("x", F32, (1, 3, 6, 6))
    depthwise, pointwise = b.add_initializer("w1", F32, (3, 1, 3, 3)), b.add_initializer("w2", F32, (5, 3, 1, 1))
    (y,) = b.add("Conv", [x, depthwise], {"group": 3}, name="depthwise")
    (y,) = b.add("Relu", [y], name="relu")
    return b.build(b.add("Conv", [y, pointwise], name="pointwise"))


def blocks(batch: Dim = 1, stages: int = 2) -> Graph:
    """Stages of two convolutions and a pool, then a classifier; every stage is a block with blocks in it."""
    b = GraphBuilder("blocks", "made", {"": 17})
    x, channels = b.add_input("x", F32, (batch, 3, 32, 32)), 3
    for s in range(stages):
        for i in range(2):
            place = f"stage{s}/conv{i}"
            scope = (f"stage{s}", f"conv{i}")
            w = b.add_initializer(f"{place}.w", F32, (8 << s, channels, 3, 3))
            bias = b.add_initializer(f"{place}.b", F32, (8 << s,))
            (x,) = b.add("Conv", [x, w, bias], {"pads": (1, 1, 1, 1)}, name=f"{place}/Conv", scope=scope)
            (x,) = b.add("Relu", [x], name=f"{place}/Relu", scope=scope)
            channels = 8 << s
        (x,) = b.add(
            "MaxPool", [x], {"kernel_shape": (2, 2), "strides": (2, 2)}, name=f"stage{s}/MaxPool", scope=(f"stage{s}",)
        )
    (x,) = b.add("Flatten", [x], name="Flatten")
    w = b.add_initializer("fc.w", F32, (b.types[x].shape[1], 10))  # type: ignore[index]
    return b.build(b.add("Gemm", [x, w], name="fc"))


def unknown() -> Graph:
    """A convolution, and behind it an operator that nobody knows."""
    b = GraphBuilder("unknown", "made", {"": 17})
    x = b.add_input("x", F32, (1, 3, 6, 6))
    w = b.add_initializer("w", F32, (5, 3, 3, 3))
    (y,) = b.add("Conv", [x, w], name="conv")
    (y,) = b.add("Mystery", [y], name="mystery", domain="com.acme")
    return b.build(b.add("Relu", [y], name="relu"))


def attention_scores() -> Graph:
    """x · xᵀ with an open sequence: 64·seq² MACs; and a projection of 64 × 64."""
    b = GraphBuilder("scores", "made", {"": 17})
    x = b.add_input("x", F32, (symbol("seq"), 64))
    w = b.add_initializer("w", F32, (64, 64))
    (q,) = b.add("MatMul", [x, w], name="q")
    (t,) = b.add("Transpose", [x], {"perm": (1, 0)}, name="t")
    return b.build(b.add("MatMul", [q, t], name="scores"))


def long_names(n: int = 30) -> Graph:
    """n activations under ever longer names, in a model whose name is long too."""
    b = GraphBuilder("a/rather/long/path/to/a/model/with/a/rather/long/name", "made", {"": 17})
    x = b.add_input("an_input_with_a_long_name", F32, (1, 3, 224, 224))
    for i in range(n):
        name = f"/model/encoder/layers.{i}/attention/self/projection_{'x' * i}/Relu"
        (x,) = b.add("Relu", [x], name=name)
    return b.build([x])
