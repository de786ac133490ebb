"""Operators on strings: shapes as ONNX infers them, costs spelled out."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import (
    I64,
    OperatorCase,
    check_shape,
    cost,
    shape,
    t,
)

from costcalc.core.dim import symbols
from costcalc.core.ir import DType, TensorType

ROWS: list[OperatorCase] = [
    ("StringNormalizer", [t(4, dtype=DType.STRING)], {}, (4,)),
    ("StringConcat", [t(4, 1, dtype=DType.STRING), t(3, dtype=DType.STRING)], {}, (4, 3)),
    ("RegexFullMatch", [t(4, 1, dtype=DType.STRING)], {"pattern": "a.*"}, (4, 1)),
]

NO_ORACLE = {("StringNormalizer", 24)}
"""ONNX's own inference leaves it open."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_shapes(row: OperatorCase) -> None:
    check_shape(row, oracle=(row[0], row[2].get("opset", 24)) not in NO_ORACLE)


def test_what_depends_on_data_is_a_new_symbol() -> None:
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("StringSplit", [t(3, dtype=DType.STRING)], {"n": 2}, "pieces"),
        ("StringNormalizer", [t(3, dtype=DType.STRING)], {"stopwords": ("a",)}, "words"),
    ]
    for op_type, inputs, how, name in cases:
        extents = shape(op_type, *inputs, **how)
        assert extents is not None and symbols(*extents) == (name,), op_type


def test_costs() -> None:
    lengths: Any = {"max_gram_length": 1, "min_gram_length": 1, "max_skip_count": 0, "ngram_counts": (0,)}
    tf_idf: Any = {"ngram_indexes": (0, 1, 5), "opset": 9, **lengths}
    assert shape("TfIdfVectorizer", t(2, 9, dtype=I64), mode="TF", **tf_idf) == (2, 6)
    assert cost("TfIdfVectorizer", t(2, 9, dtype=I64), mode="IDF", **tf_idf).flops == 2 * 6
    assert cost("TfIdfVectorizer", t(2, 9, dtype=I64), mode="TF", **tf_idf).flops == 0
