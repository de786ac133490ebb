"""Attention and RotaryEmbedding of the default domain."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import BOOL, I64, cost, onnx_shapes, run, t, work

from costcalc.core.dim import symbol
from costcalc.core.errors import ShapeError

CASES: list[tuple[list[Any], dict[str, Any], int]] = [
    ([t(2, 3, 4, 8), t(2, 3, 6, 8), t(2, 3, 6, 8)], {}, 2 * 3 * 4 * 6 * (8 + 8)),
    ([t(2, 3, 4, 8), t(2, 3, 6, 8), t(2, 3, 6, 10)], {}, 2 * 3 * 4 * 6 * (8 + 10)),
    ([t(2, 9, 4, 8), t(2, 3, 6, 8), t(2, 3, 6, 8)], {}, 2 * 9 * 4 * 6 * (8 + 8)),
    ([t(2, 4, 24), t(2, 6, 24), t(2, 6, 30)], {"q_num_heads": 3, "kv_num_heads": 3}, 2 * 3 * 4 * 6 * (8 + 10)),
    ([t(2, 4, 72), t(2, 6, 24), t(2, 6, 24)], {"q_num_heads": 9, "kv_num_heads": 3}, 2 * 9 * 4 * 6 * (8 + 8)),
]


@pytest.mark.parametrize(("inputs", "how", "macs"), CASES)
def test_cases(inputs: list[Any], how: dict[str, Any], macs: int) -> None:
    assert cost("Attention", *inputs, **how).macs.value == macs
    assert run("Attention", *inputs, **how)[0].shape == onnx_shapes("Attention", *inputs, **how)[0]


def test_past_and_presents() -> None:
    inputs = [t(2, 3, 4, 8), t(2, 3, 6, 8), t(2, 3, 6, 10), t(4, 18, dtype=BOOL), t(2, 3, 12, 8), t(2, 3, 12, 10)]
    outs = run("Attention", *inputs, n=4, opset=23)
    assert [o.shape for o in outs] == [(2, 3, 4, 10), (2, 3, 18, 8), (2, 3, 18, 10), (2, 3, 4, 18)]
    found = cost("Attention", *inputs, n=4, opset=23)
    assert found.macs.value == 2 * 3 * 4 * 18 * (8 + 10)
    scores = 2 * 3 * 4 * 18
    assert work(found) == {
        ("multiply", "elementwise"): 2 * 3 * (4 + 18) * 8,
        ("add", "elementwise"): scores,
        ("compare", "softmax"): scores,
        ("add", "softmax"): 2 * scores,
        ("exp", "softmax"): scores,
        ("divide", "softmax"): scores,
    }


def test_softcap_and_causal() -> None:
    inputs = [t(1, 1, 4, 8)] * 3
    plain, both = cost("Attention", *inputs), cost("Attention", *inputs, is_causal=1, softcap=2.0)
    assert both.flops - plain.flops == 4 * 4 * (1 + 3)


def test_open_cache() -> None:
    past, seq = symbol("past"), symbol("seq")
    inputs = [t(1, 8, seq, 64), t(1, 2, seq, 64), t(1, 2, seq, 64), None, t(1, 2, past, 64), t(1, 2, past, 64)]
    assert run("Attention", *inputs, n=2)[1].shape == (1, 2, past + seq, 64)
    assert cost("Attention", *inputs).macs.value == 8 * seq * (past + seq) * 128


def test_what_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="q_num_heads"):
        run("Attention", t(2, 4, 24), t(2, 6, 24), t(2, 6, 24))
    with pytest.raises(ShapeError, match="head sizes"):
        run("Attention", t(2, 3, 4, 8), t(2, 3, 6, 9), t(2, 3, 6, 8))


def test_rotary() -> None:
    x, cache = t(2, 4, 3, 8), t(50, 4)
    assert run("RotaryEmbedding", x, cache, cache, t(2, 3, dtype=I64))[0].shape == (2, 4, 3, 8)
    assert cost("RotaryEmbedding", x, cache, cache, t(2, 3, dtype=I64)).flops == 3 * 2 * 4 * 3 * 8
    half = cost("RotaryEmbedding", t(2, 3, 32), t(2, 3, 2), t(2, 3, 2), num_heads=4, rotary_embedding_dim=4)
    assert half.flops == 3 * 2 * 4 * 3 * 4
