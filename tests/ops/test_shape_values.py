"""Shapes computed by the graph itself: exporter chains with symbols, and symbols bound before or after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.operator_rules import BOOL, F32, I32, I64, run, shape, t

from costcalc.core.assumptions import collect_assumptions
from costcalc.core.dim import Dim, maximum, minimum, substitute, symbol, symbols
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DType, TensorType
from costcalc.graph.builder import GraphBuilder

BATCH, SEQ, PAST, H, W = (symbol(name) for name in ("batch", "seq", "past", "h", "w"))


class Chain:
    """A GraphBuilder that names its nodes itself."""

    def __init__(self, opset: int = 17) -> None:
        self.builder = GraphBuilder("chain", "", {"": opset})
        self.n = 0

    def input(self, *extents: Dim, dtype: DType = F32) -> str:
        self.n += 1
        return self.builder.add_input(f"v{self.n}", dtype, extents)

    def ints(self, *numbers: int, dtype: DType = I64) -> str:
        self.n += 1
        return self.builder.add_constant(f"v{self.n}", dtype, (len(numbers),), numbers)

    def scalar(self, number: Any, dtype: DType = I64) -> str:
        self.n += 1
        return self.builder.add_constant(f"v{self.n}", dtype, (), (number,))

    def __call__(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        self.n += 1
        return self.builder.add(op_type, inputs, attributes, name=f"v{self.n}")[0]

    def __getitem__(self, name: str) -> TensorType:
        return self.builder.types[name]

    def extent(self, x: str, axis: int) -> str:
        """torch's x.size(axis) as its exporter writes it: Shape, Gather, Unsqueeze."""
        return self("Unsqueeze", self("Gather", self("Shape", x), self.scalar(axis), axis=0), self.ints(0))


def test_heads_of_attention() -> None:
    g = Chain()
    x = g.input(BATCH, SEQ, 768)
    target = g("Concat", g.extent(x, 0), g.extent(x, 1), g.ints(12), g.ints(64), axis=0)
    assert g[target].value == (BATCH, SEQ, 12, 64)
    heads = g("Transpose", g("Reshape", x, target), perm=(0, 2, 1, 3))
    assert g[heads].shape == (BATCH, 12, SEQ, 64)
    back = g("Concat", g.extent(x, 0), g.ints(-1), g.ints(768), axis=0)
    assert g[g("Reshape", g("Transpose", heads, perm=(0, 2, 1, 3)), back)].shape == (BATCH, SEQ, 768)


def test_sizes_before_opset_13() -> None:
    g = Chain(opset=11)
    x = g.input(BATCH, 32, H, W)
    n = g("Unsqueeze", g("Gather", g("Shape", x), g.scalar(0)), axes=(0,))
    flat = g("Reshape", x, g("Concat", n, g.ints(-1), axis=0))
    assert g[flat].shape == (BATCH, 32 * H * W)
    assert g[g("Squeeze", g("Unsqueeze", flat, axes=(0, 3)), axes=(-1, 0))].shape == (BATCH, 32 * H * W)


def test_key_value_cache() -> None:
    g = Chain()
    past, new = g.input(BATCH, 12, PAST, 64), g.input(BATCH, 12, SEQ, 64)
    keys = g("Concat", past, new, axis=2)
    assert g[keys].shape == (BATCH, 12, PAST + SEQ, 64)
    total, fed = g.extent(keys, 2), g.extent(new, 2)
    # GPT-2's causal mask: bias[:, :, total - fed : total, :total] of a stored 1×1×1024×1024.
    mask = g.input(1, 1, 1024, 1024, dtype=BOOL)
    rows = g("Slice", mask, g("Sub", total, fed), total, g.ints(2), g.ints(1))
    mask = g("Slice", rows, g.ints(0), total, g.ints(3), g.ints(1))
    shape_ = g[mask].shape
    assert shape_ is not None
    assert [substitute(d, {"past": 5, "seq": 3}) for d in shape_] == [1, 1, 3, 8]
    with collect_assumptions() as assumed:
        scores = g.input(BATCH, 12, SEQ, PAST + SEQ)
        assert g[g("Where", mask, scores, g.scalar(0.0, F32))].shape == (BATCH, 12, SEQ, PAST + SEQ)
    assert [str(a) for a in assumed] == ["seq <= max(0, -past + 1024)", "past + seq <= 1024"]


def test_positions() -> None:
    g = Chain()
    x = g.input(BATCH, SEQ, dtype=I64)
    positions = g("Range", g.scalar(0), g("Gather", g("Shape", x), g.scalar(1)), g.scalar(1))
    assert g[positions].shape == (SEQ,)
    assert g[g("Expand", g("Unsqueeze", positions, g.ints(0)), g("Shape", x))].shape == (BATCH, SEQ)
    stored = g.input(1, 512, dtype=I64)
    cut = g("Slice", stored, g.ints(0), g.extent(x, 1), g.ints(1), g.ints(1))
    assert [str(d) for d in g[cut].shape or ()] == ["1", "min(512, seq)"]
    table = g.input(512, 768)
    assert g[g("Gather", table, positions)].shape == (SEQ, 768)


def test_a_slice_of_a_shape() -> None:
    g = Chain()
    x = g.input(BATCH, 64, H, W)
    head = g("Slice", g("Shape", x), g.ints(0), g.ints(2), g.ints(0))
    tail = g("Slice", g("Shape", x), g.ints(-2), g.ints(2**63 - 1), g.ints(0))
    assert (g[head].value, g[tail].value) == ((BATCH, 64), (H, W))
    assert g[g("Reshape", x, g("Concat", head, g.ints(-1), axis=0))].shape == (BATCH, 64, H * W)
    sizes = g("Concat", head, g("Cast", g("Cast", tail, to=1), to=7), axis=0)
    assert g[g("Resize", g.input(BATCH, 64, H // 2, W // 2), "", "", sizes)].shape == (BATCH, 64, H, W)
    size = g("Cast", g("Size", x), to=6)
    assert g[size] == TensorType(I32, (), (64 * BATCH * H * W,))


def test_windows_of_swin() -> None:
    g = Chain()
    x = g.input(BATCH, 56, 56, 96)
    grid = g("Reshape", x, g("Concat", g.extent(x, 0), g.ints(8, 7, 8, 7, 96), axis=0))
    windows = g("Reshape", g("Transpose", grid, perm=(0, 1, 3, 2, 4, 5)), g.ints(-1, 49, 96))
    assert g[windows].shape == (64 * BATCH, 49, 96)
    back = g("Reshape", windows, g.ints(-1, 8, 8, 7, 7, 96))
    assert g[back].shape == (BATCH, 8, 8, 7, 7, 96)


def test_values_through_every_mover() -> None:
    g = Chain()
    x = g.ints(1, 2, 3, 4, 5, 6)
    grid = g("Reshape", x, g.ints(2, 3))
    assert g[g("Transpose", grid)].value == (1, 4, 2, 5, 3, 6)
    assert g[g("Tile", grid, g.ints(1, 2))].value == (1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6)
    assert g[g("Expand", g("Gather", grid, g.ints(1), axis=0), g.ints(2, 3))].value == (4, 5, 6, 4, 5, 6)
    assert g[g("Slice", grid, g.ints(-1), g.ints(-(2**63)), g.ints(1), g.ints(-2))].value == (3, 1, 6, 4)
    assert g[g("Concat", grid, grid, axis=1)].value == (1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6)
    filled = g("ConstantOfShape", g.ints(3), value=TensorType(I64, (1,), (7,)))
    assert g[filled].value == (7, 7, 7)
    assert g[g("NonZero", filled)].value == (0, 1, 2)
    assert g[g("ScatterND", x, g("Reshape", g.ints(0, -1), g.ints(2, 1)), g.ints(8, 9))].value == (8, 2, 3, 4, 5, 9)
    assert g[g("Cast", g("Cast", x, to=9), to=7)].value == (1,) * 6
    parts = g.builder.add("Split", [x], {}, name="split", outputs=["a", "b"])
    assert [g[part].value for part in parts] == [(1, 2, 3), (4, 5, 6)]


def test_large_tensors_carry_no_values() -> None:
    g = Chain()
    assert g[g("Range", g.scalar(0), g.scalar(4097), g.scalar(1))] == TensorType(I64, (4097,))
    assert g[g("Range", g.scalar(0), g.scalar(4096), g.scalar(1))].value == tuple(range(4096))


@pytest.mark.parametrize(
    ("old", "target", "expected"),
    [
        ((2, 3, 4), (0, -1), (2, 12)),
        ((BATCH, SEQ, 768), (0, 0, 12, 64), (BATCH, SEQ, 12, 64)),
        ((BATCH, SEQ, 768), (-1, 768), (BATCH * SEQ, 768)),
        ((BATCH * SEQ, 768), (BATCH, -1, 768), (BATCH, SEQ, 768)),
        ((BATCH, PAST + SEQ, 64), (BATCH * (PAST + SEQ), -1), (BATCH * (PAST + SEQ), 64)),
        ((BATCH, 8, H, W), (BATCH * 4, 2, -1), (4 * BATCH, 2, H * W)),
        ((0, 4), (0, -1), (0, 4)),
        ((), (1, 1), (1, 1)),
        ((1,), (), ()),
    ],
)
def test_reshape(old: tuple[Dim, ...], target: tuple[Dim, ...], expected: tuple[Dim, ...]) -> None:
    assert shape("Reshape", t(*old), t(len(target), dtype=I64, value=target)) == expected


def test_reshape_refuses() -> None:
    def reshape(old: Sequence[Dim], target: Sequence[Dim], **how: Any) -> None:
        run("Reshape", t(*old), t(len(target), dtype=I64, value=target), **how)

    with pytest.raises(ShapeError, match=r"\[2, 3\] has 6 elements, the new shape \[4, 2\] has 8; make .* as many"):
        reshape((2, 3), (4, 2))
    with pytest.raises(ShapeError, match=r"\[2, 3\] has 6 elements, the new shape \[-1, 4\] divides them by 4"):
        reshape((2, 3), (-1, 4))
    with pytest.raises(ShapeError, match="-1 twice"):
        reshape((2, 3), (-1, -1))
    with pytest.raises(ShapeError, match="copies an axis"):
        reshape((2, 3), (2, 3, 0))
    with pytest.raises(ShapeError):
        reshape((2, 3), (0, -1), allowzero=1)
    with pytest.raises(ShapeError):
        reshape((2, 3), (-2, 3))
    with pytest.raises(ShapeError):
        reshape((BATCH, 6), (BATCH, 7))


def test_reshape_of_what_is_not_known() -> None:
    n = symbol("n")
    with collect_assumptions() as assumed:
        assert shape("Reshape", t(BATCH, 12), t(2, dtype=I64, value=(n, 12))) in ((BATCH, 12), (n, 12))
        assert shape("Reshape", t(H, W), t(2, dtype=I64, value=(-1, 4))) == (H * W // 4, 4)
    assert [str(a) for a in assumed] == ["n = batch", "4*((h*w)//4) = h*w"]
    assert shape("Reshape", t(BATCH, 12), t(1, dtype=I64)) == (12 * BATCH,)
    found = shape("Reshape", t(BATCH, 12), t(2, dtype=I64))
    assert found is not None and symbols(*found) == ("extent0", "extent1")


def test_the_best_of_at_most_300_assume_nothing() -> None:
    n = symbol("n")
    with collect_assumptions() as assumed:
        best = maximum(minimum(300, n), 0)
        assert [str(d) for d in shape("TopK", t(4, n), t(1, dtype=I64, value=(best,)), n=2) or ()] == [
            "4",
            "min(300, n)",
        ]
    assert not assumed


@pytest.mark.parametrize(
    ("n", "start", "end", "step", "expected"),
    [
        (SEQ, 0, SEQ, 1, "seq"),
        (SEQ, 0, 2**31 - 1, 1, "seq"),
        (SEQ, 1, 2**63 - 1, 1, "seq - 1"),
        (SEQ, 0, -1, 1, "seq - 1"),
        (SEQ, -1, 2**63 - 1, 1, "1"),
        (SEQ, 0, 1, 1, "1"),
        (SEQ, -512, 2**63 - 1, 1, "min(512, seq)"),
        (512, 0, SEQ, 1, "min(512, seq)"),
        (PAST + SEQ, PAST, PAST + SEQ, 1, "seq"),
        (PAST + SEQ, -SEQ, 2**63 - 1, 1, "seq"),
        (PAST + SEQ, 0, -SEQ, 1, "past"),
        (SEQ, 0, 2**63 - 1, 2, "(seq + 1)//2"),
        (2 * SEQ, 0, 2**63 - 1, 2, "seq"),
        (2 * SEQ, 1, 2**63 - 1, 2, "seq"),
        (SEQ, -1, -(2**63), -1, "seq"),
        (SEQ, 2**63 - 1, -(2**63), -1, "seq"),
        (10, 8, 2, -3, "2"),
    ],
)
def test_slice_stays_simple(n: Dim, start: Dim, end: Dim, step: int, expected: str) -> None:
    assert str(_sliced(n, start, end, step)) == expected


def _sliced(n: Dim, start: Dim, end: Dim, step: int) -> Dim:
    numbers = [t(1, dtype=I64, value=(x,)) for x in (start, end, 0, step)]
    found = shape("Slice", t(n), *numbers)
    assert found is not None
    return found[0]


SIZES = st.integers(1, 40)
PLACES = st.builds(lambda a, b, c: a * SEQ + b * PAST + c, st.integers(-1, 1), st.integers(-1, 1), st.integers(-9, 9))


@settings(max_examples=300)
@given(PLACES, PLACES, st.sampled_from([1, 1, 2, 3, -1, -2]), st.booleans(), SIZES, SIZES)
def test_slice_bound_before_or_after(a: Dim, b: Dim, step: int, open_: bool, seq: int, past: int) -> None:
    binding = {"seq": seq, "past": past}
    end: Dim = (2**63 - 1 if step > 0 else -(2**63)) if open_ else b
    n = SEQ + PAST
    first, last = (substitute(x, binding) for x in (a, end))
    assert isinstance(first, int) and isinstance(last, int)
    concrete = _sliced(seq + past, first, last, step)
    assert substitute(_sliced(n, a, end, step), binding) == concrete
    if step > 0 or first >= -(seq + past):  # below, ONNX clamps to the first place, Python to none
        assert concrete == len(range(seq + past)[first:last:step])


@given(st.lists(st.sampled_from([BATCH, SEQ, H, 2, 3, 4]), min_size=2, max_size=5), st.data(), SIZES, SIZES, SIZES)
def test_reshape_bound_before_or_after(old: list[Dim], data: st.DataObject, batch: int, seq: int, h: int) -> None:
    binding = {"batch": batch, "seq": seq, "h": h}
    target: list[Dim] = list(data.draw(st.permutations(old)))
    cut = data.draw(st.integers(0, len(target) - 2))
    target[cut : cut + 2] = [target[cut] * target[cut + 1]]
    wanted = tuple(substitute(d, binding) for d in target)
    target[data.draw(st.integers(0, len(target) - 1))] = -1
    symbolic = shape("Reshape", t(*old), t(len(target), dtype=I64, value=target))
    bound = [substitute(d, binding) for d in old]
    concrete = shape("Reshape", t(*bound), t(len(target), dtype=I64, value=[substitute(d, binding) for d in target]))
    assert symbolic is not None
    assert tuple(substitute(d, binding) for d in symbolic) == concrete == wanted


@given(st.sampled_from([0.5, 2.0, 1.5, 0.3333333432674408, 0.75, 3.0, 1.25, 0.1]), SIZES, SIZES)
def test_resize_bound_before_or_after(scale: float, h: int, w: int) -> None:
    scales = t(4, value=(1.0, 1.0, scale, 2.0))
    symbolic = shape("Resize", t(1, 3, H, W + 1), None, scales)
    assert symbolic is not None
    concrete = shape("Resize", t(1, 3, h, w + 1), None, scales)
    assert tuple(substitute(d, {"h": h, "w": w}) for d in symbolic) == concrete
    assert symbolic[3] == 2 * W + 2


@given(SIZES, SIZES, SIZES, SIZES, st.sampled_from(["not_larger", "not_smaller"]))
def test_kept_ratio_bound_before_or_after(h: int, w: int, a: int, b: int, policy: str) -> None:
    sizes = t(2, dtype=I64, value=(a, b))
    how: dict[str, Any] = {"axes": (2, 3), "keep_aspect_ratio_policy": policy, "opset": 18}
    symbolic = shape("Resize", t(1, 3, H, W), None, None, sizes, **how)
    assert symbolic is not None
    concrete = shape("Resize", t(1, 3, h, w), None, None, sizes, **how)
    assert tuple(substitute(d, {"h": h, "w": w}) for d in symbolic) == concrete


@given(SIZES, SIZES, SIZES)
def test_concat_split_expand_bound_before_or_after(batch: int, seq: int, past: int) -> None:
    binding = {"batch": batch, "seq": seq, "past": past}

    def shapes(batch: Dim, seq: Dim, past: Dim) -> list[Dim]:
        joined = run("Concat", t(batch, seq), t(batch, past), axis=-1)[0]
        wide = run("Expand", t(1, batch, 1), t(3, dtype=I64, value=(seq, 1, past)))[0]
        tiled = run("Tile", t(batch, 2), t(2, dtype=I64, value=(seq, past)))[0]
        halves = run("Split", t(2 * seq, batch), n=2)
        thirds = run("Split", t(seq + 6, batch), n=3, num_outputs=3)
        sized = run("Split", t(seq + past, 2), t(2, dtype=I64, value=(past, seq)), n=2)
        counted = run("Range", *(t(dtype=I64, value=(x,)) for x in (past, past + 3 * seq, 2)))[0]
        downward = run("Range", *(t(dtype=I64, value=(x,)) for x in (seq, past, -1)))[0]
        padded = run("Pad", t(seq + 2, batch), t(4, dtype=I64, value=(past, 0, -2, 1)))[0]
        types = [joined, wide, tiled, *halves, *thirds, *sized, counted, downward, padded]
        return [d for type_ in types for d in type_.shape or ()]

    assert [substitute(d, binding) for d in shapes(BATCH, SEQ, PAST)] == shapes(batch, seq, past)
