"""Normalisations: types and operations per element and per group."""

from __future__ import annotations

import pytest
from support.operator_rules import F16, F32, cost, onnx_shapes, run, shape, t, work

from costcalc.core.dim import symbol
from costcalc.core.errors import ShapeError
from costcalc.core.traits import TRAITS

N = "normalization"
C = (t(4),) * 4


def test_batch_norm_is_one_scale_and_one_shift() -> None:
    x = t(2, 4, 7, 7)
    assert shape("BatchNormalization", x, *C) == (2, 4, 7, 7)
    assert work(cost("BatchNormalization", x, *C)) == {("multiply", N): 2 * 4 * 7 * 7, ("add", N): 2 * 4 * 7 * 7}


def test_batch_norm_while_training() -> None:
    x = t(2, 4, 7, 7)
    types = run("BatchNormalization", x, *C, n=3, training_mode=1)
    assert [y.shape for y in types] == [(2, 4, 7, 7), (4,), (4,)]
    n = 2 * 4 * 7 * 7
    assert work(cost("BatchNormalization", x, *C, n=3, training_mode=1)) == {
        ("add", N): 4 * n + 4,
        ("multiply", N): 3 * n,
        ("divide", N): 3 * 4,
        ("transcendental", N): 4,
    }


def test_batch_norm_before_opset_14_has_five_outputs() -> None:
    types = run("BatchNormalization", t(2, 4, 7), *C, n=5, opset=9)
    assert [y.shape for y in types] == [(2, 4, 7), (4,), (4,), (4,), (4,)]


def test_batch_norm_per_activation() -> None:
    assert shape("BatchNormalization", t(2, 4, 7), *(t(4, 7),) * 4, opset=7, spatial=0) == (2, 4, 7)


def test_statistics_are_buffers() -> None:
    assert TRAITS["", "BatchNormalization"].weights == {1, 2}
    assert TRAITS["", "BatchNormalization"].buffers == {3, 4}


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_layer_norm(axis: int) -> None:
    x = t(2, 5, 8, dtype=F16)
    scale = t(8, dtype=F16)
    types = run("LayerNormalization", x, scale, scale, axis=axis, n=3)
    assert [y.shape for y in types] == onnx_shapes("LayerNormalization", x, scale, scale, axis=axis, n=3)
    assert [y.dtype for y in types] == [F16, F32, F32]
    n, rows = 2 * 5 * 8, 2 if axis == 1 else 2 * 5
    assert work(cost("LayerNormalization", x, scale, scale, axis=axis)) == {
        ("add", N): 4 * n + rows,
        ("multiply", N): 3 * n,
        ("divide", N): 3 * rows,
        ("transcendental", N): rows,
    }


def test_layer_norm_without_shift() -> None:
    assert work(cost("LayerNormalization", t(2, 8), t(8)))["add", N] == 3 * 2 * 8 + 2


def test_instance_and_group_norm() -> None:
    x = t(2, 6, 5, 5)
    n = 2 * 6 * 5 * 5
    for groups, found in (
        (2 * 6, cost("InstanceNormalization", x, t(6), t(6))),
        (2 * 3, cost("GroupNormalization", x, t(6), t(6), num_groups=3)),
        (2 * 3, cost("GroupNormalization", x, t(3), t(3), num_groups=3, opset=18)),
    ):
        assert work(found) == {
            ("add", N): 4 * n + groups,
            ("multiply", N): 3 * n,
            ("divide", N): 3 * groups,
            ("transcendental", N): groups,
        }


def test_rms_norm() -> None:
    x = t(2, 5, 8, dtype=F16)
    assert run("RMSNormalization", x, t(8))[0].dtype is F32
    assert work(cost("RMSNormalization", x, t(8))) == {
        ("multiply", N): 2 * 80,
        ("add", N): 80 + 10,
        ("divide", N): 80 + 10,
        ("transcendental", N): 10,
    }


def test_lrn() -> None:
    n = 96 * 13 * 13
    assert work(cost("LRN", t(1, 96, 13, 13), size=5)) == {
        ("multiply", N): 2 * n,
        ("add", N): 5 * n,
        ("transcendental", N): n,
        ("divide", N): n,
    }


def test_lp_norm() -> None:
    x = t(3, 4)
    assert work(cost("LpNormalization", x)) == {
        ("multiply", N): 12,
        ("add", N): 12,
        ("divide", N): 12,
        ("transcendental", N): 3,
    }
    assert work(cost("LpNormalization", x, axis=0, p=1)) == {("compare", N): 12, ("add", N): 12, ("divide", N): 12}


def test_mean_variance_norm() -> None:
    n, groups = 2 * 3 * 4 * 4, 3
    assert work(cost("MeanVarianceNormalization", t(2, 3, 4, 4))) == {
        ("add", N): 3 * n + 2 * groups,
        ("multiply", N): n + groups,
        ("divide", N): n + 2 * groups,
        ("transcendental", N): groups,
    }


def test_open_extents() -> None:
    seq = symbol("seq")
    assert cost("LayerNormalization", t(1, seq, 768), t(768), t(768)).flops == 7 * 768 * seq + 5 * seq


@pytest.mark.parametrize(
    ("op_type", "types"),
    [
        ("BatchNormalization", (t(1, 5, 7), *C)),
        ("InstanceNormalization", (t(1, 5, 7), t(4), t(4))),
        ("LayerNormalization", (t(1, 5), t(4))),
        (
            "LayerNormalization",
            (
                t(
                    5,
                ),
                t(2, 5),
            ),
        ),
        ("RMSNormalization", (t(1, 5), t(4))),
        ("LRN", (t(5),)),
    ],
)
def test_refusals(op_type: str, types: tuple[object, ...]) -> None:
    with pytest.raises(ShapeError):
        run(op_type, *types)  # type: ignore[arg-type]


def test_channels_divide_into_groups() -> None:
    with pytest.raises(ShapeError, match="do not divide into 4 groups"):
        run("GroupNormalization", t(1, 6, 5), t(6), t(6), num_groups=4)
