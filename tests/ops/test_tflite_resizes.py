"""What TensorFlow Lite's resizes read of their input by the rule of least work. The numbers are elements of an image of
one channel that changed an output of LiteRT's reference kernels (ai-edge-litert) when each was changed alone."""

from __future__ import annotations

import pytest

from costcalc import ops
from costcalc.core.formula import NO_COST
from costcalc.core.ir import DType, TensorType
from costcalc.core.traits import TRAITS, LeastWork, OperatorUse
from costcalc.ops.tflite import TFLITE

ops.load_families()

READS = [
    ("RESIZE_BILINEAR", (9, 8), (3, 2), "", 6),
    ("RESIZE_BILINEAR", (9, 8), (3, 2), "align_corners", 6),
    ("RESIZE_BILINEAR", (9, 8), (3, 2), "half_pixel_centers", 12),
    ("RESIZE_BILINEAR", (7, 11), (4, 4), "", 49),
    ("RESIZE_BILINEAR", (7, 11), (4, 4), "align_corners", 24),
    ("RESIZE_BILINEAR", (7, 11), (4, 4), "half_pixel_centers", 56),
    ("RESIZE_BILINEAR", (5, 6), (7, 3), "", 15),
    ("RESIZE_BILINEAR", (5, 6), (7, 3), "align_corners", 20),
    ("RESIZE_BILINEAR", (5, 6), (7, 3), "half_pixel_centers", 30),
    ("RESIZE_NEAREST_NEIGHBOR", (9, 8), (3, 2), "", 6),
    ("RESIZE_NEAREST_NEIGHBOR", (9, 8), (3, 2), "align_corners", 6),
    ("RESIZE_NEAREST_NEIGHBOR", (9, 8), (3, 2), "half_pixel_centers", 6),
    ("RESIZE_NEAREST_NEIGHBOR", (7, 11), (4, 4), "", 16),
    ("RESIZE_NEAREST_NEIGHBOR", (7, 11), (4, 4), "align_corners", 16),
    ("RESIZE_NEAREST_NEIGHBOR", (7, 11), (4, 4), "half_pixel_centers", 16),
    ("RESIZE_NEAREST_NEIGHBOR", (5, 6), (7, 3), "", 15),
    ("RESIZE_NEAREST_NEIGHBOR", (5, 6), (7, 3), "align_corners", 15),
    ("RESIZE_NEAREST_NEIGHBOR", (5, 6), (7, 3), "half_pixel_centers", 15),
]


def least_work(op_type: str, extents: tuple[int, int], size: tuple[int, int] | None, flag: str) -> LeastWork:
    types = TensorType(DType.FLOAT32, (2, *extents, 3)), TensorType(DType.INT32, (2,), size)
    rule = TRAITS[TFLITE, op_type].least_work
    assert rule is not None
    return rule(OperatorUse(NO_COST.macs, types, {flag: 1} if flag else {}, frozenset((0,))))


@pytest.mark.parametrize(("op_type", "extents", "size", "flag", "elements"), READS)
def test_positions_of_a_resize(
    op_type: str, extents: tuple[int, int], size: tuple[int, int], flag: str, elements: int
) -> None:
    assert least_work(op_type, extents, size, flag).reads == {0: 2 * 3 * elements}
    assert least_work(op_type, extents, None, flag).reads == {0: 0}
