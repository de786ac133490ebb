"""Axes are found for every operator with tensors of any rank: a rule may have left ranks unknown, or a file may lie."""

from __future__ import annotations

from itertools import product
from types import MappingProxyType

import pytest

from costcalc.core.registry import SHAPE_RULES
from costcalc.ops import TFLITE_FAMILIES, load_families
from costcalc.studies.diff.axes import input_axes, result_axes
from costcalc.studies.diff.snapshot import SnapshotLayer, SnapshotTensor

load_families()
load_families(TFLITE_FAMILIES)


@pytest.mark.parametrize("operator", sorted(SHAPE_RULES), ids=":".join)
def test_each_tensor_has_as_many_axes_as_extents(operator: tuple[str, str]) -> None:
    domain, op_type = operator
    shapes = [(2, 3, 4, 5, 6)[:rank] for rank in range(6)]
    for first, second, out, stored in product(shapes, shapes, shapes, (False, True)):
        inputs = (SnapshotTensor("x", "float32", first), SnapshotTensor("w", "float32", second, stored))
        result = SnapshotTensor("y", "float32", out)
        layer = SnapshotLayer("layer", op_type, domain, 1, inputs, (result,), {}, MappingProxyType({}), "costed")
        assert len(result_axes(layer, result, {})) == len(out)
        assert [len(input_axes(layer, i, {})) for i in range(2)] == [len(first), len(second)]
