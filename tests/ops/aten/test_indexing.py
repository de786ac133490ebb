"""ATen's operators that move elements, or write them by index or mask: what they cost. Fourier transforms."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import BOOL, I64, t, work

from costcalc.core import registry
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DType, TensorType
from costcalc.ops.aten import indexing

C64 = DType.COMPLEX64
X = t(2, 3, 4)
INDEX = t(3, dtype=I64)
SOURCE = t(2, 3, 2)


def operations(operator: str, *inputs: TensorType, out: TensorType, **attributes: Any) -> dict[str, object]:
    """{kind: operations}."""
    found = registry.infer_cost(registry.COST_RULES["aten", operator], inputs, attributes, {"out": out, "outs": (out,)})
    assert found is not None
    assert found.macs.value == 0
    return {kind: count for (kind, _), count in work(found).items()}


@pytest.mark.parametrize("operator", [*indexing.MOVES, "write", "view_dtype"])
def test_moves_are_free(operator: str) -> None:
    assert registry.rule_state("aten", operator) == "free"


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum", {"add": 12}),
        ("add", {"add": 12}),
        ("prod", {"multiply": 12}),
        ("amax", {"compare": 12}),
        ("mean", {"add": 2 * 12, "divide": 24}),
    ],
)
def test_reductions(reduction: str, expected: dict[str, int]) -> None:
    for operator in ("scatter_reduce", "index_add", "index_reduce"):
        assert operations(operator, X, INDEX, SOURCE, out=X, reduction=reduction) == expected


def test_scaled_sum() -> None:
    expected = {"add": 12, "multiply": 12}
    assert operations("index_add", X, INDEX, SOURCE, out=X, reduction="add", scaled=1) == expected


def test_unknown_reduction() -> None:
    with pytest.raises(ShapeError, match="the reduction is 'median'"):
        operations("scatter_reduce", X, INDEX, SOURCE, out=X, reduction="median")


def test_masks_are_compared() -> None:
    mask = t(2, 3, dtype=BOOL)
    assert operations("index_put", X, SOURCE, mask, out=X) == {"compare": 6}
    assert operations("index_put", X, SOURCE, mask, INDEX, out=X, accumulate=1) == {"compare": 6, "add": 12}
    assert operations("masked_scatter", X, mask, SOURCE, out=X) == {"compare": 6}
    assert operations("nonzero_static", X, out=t(5, 3, dtype=I64)) == {"compare": 24}
    assert operations("masked_index", X, mask, INDEX, out=t(2, 3)) == {"compare": 6}
    assert operations("masked_index_put_accumulate", X, mask, INDEX, t(3), out=X) == {"compare": 3, "add": 3}


@pytest.mark.parametrize(
    ("kind", "axes", "lengths", "x", "out", "products"),
    [
        ("real", (1,), (8,), t(3, 8), t(3, 5, dtype=C64), 2 * (3 * 5) * 8),
        ("inverse", (1,), (5,), t(3, 5, dtype=C64), t(3, 8), (3 * 8) * (2 * 5)),
        ("complex", (1,), (8,), t(3, 8, dtype=C64), t(3, 8, dtype=C64), 2 * (3 * 8) * (2 * 8)),
        ("widened", (1,), (8,), t(3, 8), t(3, 8, dtype=C64), 2 * (3 * 8) * 8),
        ("real", (0, 1), (6, 8), t(6, 8), t(6, 5, dtype=C64), 2 * (6 * 5) * (2 * 6) + 2 * (6 * 5) * 8),
        ("inverse", (0, 1), (6, 5), t(6, 5, dtype=C64), t(6, 8), 2 * (6 * 5) * (2 * 6) + (6 * 8) * (2 * 5)),
    ],
)
def test_transforms(
    kind: str, axes: tuple[int, ...], lengths: tuple[int, ...], x: TensorType, out: TensorType, products: int
) -> None:
    found = operations("fft", x, out=out, kind=kind, axes=axes, lengths=lengths)
    assert found == {"multiply": products, "add": products}


def test_frames() -> None:
    spectrum, pairs, signal, window = t(2, 9, 13, dtype=C64), t(2, 9, 13, 2), t(2, 64), t(16)
    products = 2 * (2 * 9 * 13) * 16
    assert operations("stft", signal, out=spectrum, n_fft=16) == {"multiply": products, "add": products}
    windowed = {"multiply": products + 2 * 13 * 16, "add": products}
    assert operations("stft", signal, window, out=pairs, n_fft=16) == windowed
    samples = 2 * 13 * 16
    expected = {"multiply": samples * 18 + samples, "add": samples * 18 + samples, "divide": 2 * 64}
    assert operations("istft", spectrum, window, out=signal, n_fft=16) == expected
