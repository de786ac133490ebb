"""MobileNet v2's claim: more arithmetic without more memory, but only when its blocks are computed in slices."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.analysis.memory.footprint import memory_by_resolution


@pytest.mark.parametrize(
    "name, peak",
    [
        ("mobilenet_v1", 112 * 112 * (32 + 64)),
        ("mobilenet_v2", (112 * 112 + 56 * 56) * 96),
    ],
)
def test_layer_by_layer(name: str, peak: int) -> None:
    """Activations fused, one byte each: v1's first pointwise convolution holds 32 and 64 channels at 112×112, v2's
    second depthwise one 96 at 112×112 and 96 at 56×56. Layer by layer v2 needs more."""
    assert peak in (1_204_224, 1_505_280)
    assert costcalc.footprint(name, fuse=True, act_dtype="int8").peak == peak


def table(name: str, fuse: bool = False, fuse_blocks: bool = False) -> dict[int, tuple[int, int]]:
    """resolution -> (most channels, bytes at 16 bits)."""
    found = memory_by_resolution(costcalc.footprint(name, act_dtype="float16", fuse=fuse, fuse_blocks=fuse_blocks))
    return {int(r.extents[0]): (int(r.channels), int(r.nbytes)) for r in found}


V1 = {112: 64, 56: 128, 28: 256, 14: 512, 7: 1024, 1: 1024}
V2 = {112: 16, 56: 24, 28: 32, 14: 96, 7: 1280, 1: 1280}
V2_LAYERS = {112: 96, 56: 144, 28: 192, 14: 576, 7: 1280, 1: 1280}

PAPER = {
    "mobilenet_v1": {112: (64, 1600), 56: (128, 800), 28: (256, 400), 14: (512, 200), 7: (1024, 199), 1: (1024, 2)},
    "mobilenet_v2": {112: (16, 400), 56: (32, 200), 28: (64, 100), 14: (160, 62), 7: (320, 32), 1: (1280, 2)},
}
"""arXiv:1801.04381, table 3: channels and kilobytes at 16 bits. (One version of the paper has 1/O(1) in the row 112×112
for all: with the trick of section 5 the first layer's output need not be there at once either.)"""


@pytest.mark.parametrize(
    "name, execution, channels",
    [
        ("mobilenet_v1", "fuse", V1),
        ("mobilenet_v1", "fuse_blocks", V1),
        ("mobilenet_v2", "fuse", V2_LAYERS),
        ("mobilenet_v2", "fuse_blocks", V2),
    ],
)
def test_what_is_materialised(name: str, execution: str, channels: dict[int, int]) -> None:
    found = table(name, **{execution: True})
    assert found.pop(224) == (3, 3 * 224 * 224 * 2)
    assert found == {side: (n, n * side * side * 2) for side, n in channels.items()}


def test_blocks_in_slices_at_112() -> None:
    """64 channels in v1, 16 in v2: a quarter of the bytes. The first convolution belongs to the first block."""
    assert table("mobilenet_v1", fuse_blocks=True)[112] == (64, 1_605_632)
    assert table("mobilenet_v2", fuse_blocks=True)[112] == (16, 401_408)


def test_v1_is_the_papers_table() -> None:
    """Channels are the paper's, and so are bytes but at 7×7, where 1024 × 7 × 7 × 2 = 100,352 and the paper has 199:
    the last block's input and output together."""
    for side, (channels, nbytes) in table("mobilenet_v1", fuse_blocks=True).items():
        if side == 224:
            continue
        paper_channels, kilobytes = PAPER["mobilenet_v1"][side]
        assert channels == paper_channels
        assert nbytes * (2 if side == 7 else 1) == pytest.approx(kilobytes * 1000, rel=0.025)


def test_v2_and_the_papers_table() -> None:
    """112×112 and 1×1 are the paper's. Between them the paper names the channels that leave the resolution for the
    next, smaller one (32, 64, 160), where they are never materialised at the larger; here it is 24, 32 and 96. At 7×7
    the paper stops at the last block's 320 channels; the convolution behind it gives 1280, which are materialised here,
    for that convolution is not a part of a depthwise block."""
    ours = table("mobilenet_v2", fuse_blocks=True)
    for side, (channels, kilobytes) in PAPER["mobilenet_v2"].items():
        assert channels * side * side * 2 == pytest.approx(kilobytes * 1000, rel=0.3 if side == 1 else 0.025)
        if side in (112, 1):
            assert ours[side][0] == channels
        elif side > 7:
            assert ours[side][0] < channels
    last = costcalc.footprint("mobilenet_v2", act_dtype="float16", fuse_blocks=True)
    shapes = [last.graph.types[b.name].shape for b in last.schedule.buffers]
    assert (1, 320, 7, 7) in shapes and (1, 1280, 7, 7) in shapes


def test_more_arithmetic_less_memory() -> None:
    """Expansion by 6 against none, with the same channels between blocks: 4.7 times the MACs. In slices the peak is the
    same, the first block's 16 channels at 112×112 beside the image; layer by layer it is nearly twice as high."""
    graphs = [costcalc.load("mobilenet_v2", params={"expansion": t}, act_dtype="int8") for t in (1, 6)]
    narrow, wide = (int(costcalc.analyze(graph).macs) for graph in graphs)
    assert 4.7 < wide / narrow < 4.8
    assert [costcalc.footprint(g, fuse_blocks=True).peak for g in graphs] == [16 * 112 * 112 + 3 * 224 * 224] * 2
    layers = [costcalc.footprint(g, fuse=True).peak for g in graphs]
    assert layers == [2 * 32 * 112 * 112, (112 * 112 + 56 * 56) * 96]
