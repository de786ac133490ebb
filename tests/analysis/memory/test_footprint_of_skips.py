"""What a skip connection costs: no MACs, but a tensor that lives longer. resnet34 against plain34."""

from __future__ import annotations

import costcalc
from costcalc.analysis.memory.footprint import MemoryFootprint

MAP = 56 * 56 * 64 * 4
"""Bytes of one tensor in the first stage, in float32; each further stage has half of it."""
STAGES = ("conv2_x", "conv3_x", "conv4_x", "conv5_x")


def most(found: MemoryFootprint) -> dict[str, int]:
    """The most live bytes in each stage."""
    result: dict[str, int] = {}
    for step, live in zip(found.schedule.steps, found.liveness.live_bytes, strict=True):
        stage = step.name.split("/")[0]
        result[stage] = max(result.get(stage, 0), int(live))
    return result


def test_in_each_block_one_tensor_more() -> None:
    """A plain block's second convolution holds its input and its output; beside them a residual block holds its own
    input. Where a stage halves the extents the plain network needs one and a half of its tensors' bytes more: the
    first convolution reads a tensor of twice the size."""
    plain, residual = (most(costcalc.footprint(name, fuse=True)) for name in ("plain34", "resnet34"))
    assert plain["conv2_x"] == 2 * MAP
    assert residual["conv2_x"] == 3 * MAP
    for i, stage in enumerate(STAGES[1:], 1):
        size = MAP >> i
        assert plain[stage] == 2 * size + size
        assert residual[stage] == 2 * size + size + size


def test_the_identity_costs_no_macs() -> None:
    """All that resnet34 computes more are three projections of 6,422,528 MACs (and additions, which are no MACs)."""
    plain, residual = costcalc.analyze("plain34"), costcalc.analyze("resnet34")
    assert int(residual.macs) - int(plain.macs) == 3 * 6_422_528
    projections = [row for row in residual.rows if "shortcut" in row.name and row.op_type == "Conv"]
    assert [row.figures["macs"] for row in projections] == [6_422_528] * 3


def test_the_peak_of_the_whole_stands_at_the_pool() -> None:
    """It is the first layers that need most: 112×112×64 and 56×56×64 in both networks."""
    for name in ("plain34", "resnet34"):
        found = costcalc.footprint(name, fuse=True)
        assert found.peak == 4 * MAP + MAP == 4_014_080
        assert found.schedule.steps[found.liveness.peak_step].name == "max_pool"
