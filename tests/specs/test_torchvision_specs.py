"""The networks of specs/ that are there for torchvision's sake, held to its exact counts, and their relatives."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from costcalc import Report, analyze
from costcalc.frontends.builtin import builtin_models

FIGURES = {
    "vgg16_bn": (15_470_264_320, 138_365_992),
    "squeezenet1_0": (818_924_576, 1_248_424),
    "densenet169": (3_359_843_328, 14_149_480),
    "resnext50_32x4d": (4_230_479_872, 25_028_904),
    "mnasnet1_0": (314_415_872, 4_383_312),
    "regnet_y_400mf": (401_842_848, 4_344_144),
    "efficientnet_b1": (569_651_680, 7_794_184),
    "efficientnet_v2_s": (2_849_895_872, 21_458_488),
    "convnext_small": (8_683_712_256, 50_223_688),
    "inception_v3": (2_837_921_120, 23_834_568),
    "swin_t": (4_490_566_656, 28_288_354),
    "swin_v2_t": (4_938_464_256, 28_351_570),
    "maxvit_t": (5_558_046_720, 30_919_624),
}
"""MACs and params of torchvision's networks at 1×3×224×224, without auxiliary heads."""

RELATIVES = [
    ("vgg16_bn", {"c1": 1, "c2": 1, "c3": 2, "c4": 2, "c5": 2}, (7_609_090_048, 132_868_840)),
    ("vgg16_bn", {"c3": 4, "c4": 4, "c5": 4}, (19_632_062_464, 143_678_248)),
    ("densenet169", {"b3": 48}, (4_291_365_888, 20_013_928)),
    ("densenet169", {"growth": 48, "b3": 36, "b4": 24}, (7_727_907_072, 28_681_000)),
    ("resnext50_32x4d", {"width": 8, "d3": 23}, (16_414_015_488, 88_791_336)),
    ("resnext50_32x4d", {"groups": 1, "width": 128}, (11_398_021_120, 68_883_240)),
    ("mnasnet1_0", {"alpha": 0.5}, (104_455_968, 2_218_512)),
    ("efficientnet_b1", {"width": 2.0, "depth": 3.1}, (5_169_865_152, 66_347_960)),
    ("convnext_small", {"width": 192}, (34_361_433_600, 197_767_336)),
    ("swin_t", {"depth": 18, "width": 128, "heads": 4}, (15_430_946_816, 87_768_224)),
    ("swin_v2_t", {"depth": 18}, (9_695_284_224, 49_737_442)),
    ("swin_v2_t", {"depth": 18, "width": 128, "heads": 4}, (17_047_678_976, 87_930_848)),
]
"""VGG-11 and -19 with batch normalisation, DenseNet-201 and -161, ResNeXt-101 32×8d, Wide ResNet-50-2, MnasNet 0.5,
EfficientNet-B7, ConvNeXt-L, Swin-B, SwinV2-S and -B."""


WINDOWED = ("swin_t", "swin_v2_t", "maxvit_t")
"""Networks whose windows must be whole: their resolution is a number."""


def report(name: str, **params: int | float) -> Report:
    return analyze(name, params=params)


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    r = report(name)
    assert (r.macs, r.params) == FIGURES[name]
    assert not r.lower_bound and not r.assumptions


@pytest.mark.parametrize(("name", "params", "figures"), RELATIVES)
def test_relatives(name: str, params: dict[str, int | float], figures: tuple[int, int]) -> None:
    r = report(name, **params)
    assert (r.macs, r.params) == figures


@pytest.mark.parametrize("name", FIGURES)
def test_the_header_states_source_and_figures(name: str) -> None:
    model = next(m for m in builtin_models() if m.name == name)
    assert model.title and model.source
    head = model.path.read_text(encoding="utf-8").split("\nname:")[0]
    r = report(name)
    assert f"{r.macs:,}" in head and f"{r.params:,}" in head


@pytest.mark.parametrize(
    ("name", "resolution", "words"),
    [
        ("inception_v3", 299, "at the paper's 299×299 ([0-9,]+)"),
        ("efficientnet_b1", 240, "at the paper's 240×240 ([0-9,]+)"),
        ("efficientnet_v2_s", 384, "publishes as 8.366 G, ([0-9,]+)"),
        ("swin_v2_t", 256, "publishes 5.94 G, ([0-9,]+)"),
    ],
)
def test_the_header_states_the_figure_at_the_published_size(name: str, resolution: int, words: str) -> None:
    model = next(m for m in builtin_models() if m.name == name)
    stated = re.search(words, model.path.read_text(encoding="utf-8"))
    assert stated and int(stated[1].replace(",", "").rstrip(",")) == report(name, resolution=resolution).macs


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in WINDOWED])
def test_open_sizes_bind_to_the_figures(name: str) -> None:
    r = analyze(name, symbolic=True).bind({"N": 1, "H": 224, "W": 224})
    assert (r.macs, r.params) == FIGURES[name]


def test_swin_in_a_batch() -> None:
    r = analyze("swin_t", dims={"N": 3})
    assert (r.macs, r.params) == (3 * FIGURES["swin_t"][0], FIGURES["swin_t"][1])


def test_swin_attends_within_windows_and_shifts_every_other_one() -> None:
    r = report("swin_t")
    products = [row["macs"] for row in r.rows if row.op_type == "MatMul" and row.name.endswith(("products", "matmul"))]
    assert len(products) == 2 * 12
    assert products[0] == 64 * 3 * 49 * 49 * 32  # 8×8 windows, 3 heads of 32
    masked = Counter(row.scope[0] for row in r.rows if row.op_type == "Where")
    assert masked == {"stage1": 1, "stage2": 1, "stage3": 3}  # the last stage is a single window


def test_regnet_has_squeeze_and_excite_or_has_it_not() -> None:
    ops = [Counter(row.op_type for row in report("regnet_y_400mf", se=se).rows) for se in (0, 1)]
    assert ops[1]["Sigmoid"] - ops[0]["Sigmoid"] == 1 + 3 + 6 + 6
    assert ops[0]["Mul"] == 0
