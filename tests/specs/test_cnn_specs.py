"""The convolutional networks of specs/, held to their published counts."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc import Report, analyze
from costcalc.core.errors import AssumptionError
from costcalc.frontends import load
from costcalc.frontends.builtin import builtin_models
from costcalc.rules import Dim

FIGURES = {
    "standard_conv": (2_160, 135),
    "depthwise_separable": (672, 42),
    "pointwise_conv": (18_432, 512),
    "lenet5": (416_520, 61_706),
    "lenet5_modern": (416_520, 61_706),
    "alexnet": (724_406_816, 60_965_224),
    "alexnet_torchvision": (714_188_480, 61_100_840),
    "vgg11": (7_609_090_048, 132_863_336),
    "vgg13": (11_308_466_176, 133_047_848),
    "vgg16": (15_470_264_320, 138_357_544),
    "vgg19": (19_632_062_464, 143_667_240),
    "resnet18": (1_814_073_344, 11_689_512),
    "resnet34": (3_663_761_408, 21_797_672),
    "resnet50": (4_089_184_256, 25_557_032),
    "resnet101": (7_801_405_440, 44_549_160),
    "resnet152": (11_513_626_624, 60_192_808),
    "nin": (1_100_188_800, 7_595_176),
    "mobilenet_v1": (568_740_352, 4_231_976),
    "mobilenet_v2": (300_774_272, 3_504_872),
    "mobilenet_v3_large": (216_589_760, 5_483_032),
    "mobilenet_v3_small": (56_510_400, 2_542_856),
    "squeezenet1_1": (349_151_936, 1_235_496),
    "googlenet": (1_498_376_192, 6_624_904),
    "densenet121": (2_834_161_664, 7_978_856),
    "shufflenet_v2": (144_907_992, 2_278_604),
    "efficientnet_b0": (385_814_752, 5_288_548),
    "convnext_tiny": (4_455_531_264, 28_589_128),
}
"""MACs and params, as published (torchvision's exact counts at 1×3×224×224 where it has the network)."""


def report(name: str, **params: int | float) -> Report:
    return analyze(name, params=params)


def millions(count: Dim) -> float:
    assert isinstance(count, int)
    return count / 1e6


@pytest.mark.parametrize("name", FIGURES)
def test_published_figures(name: str) -> None:
    r = report(name)
    assert (r.macs, r.params) == FIGURES[name]
    assert not r.lower_bound and not r.assumptions


@pytest.mark.parametrize("filters", [1, 16, 32, 64])
def test_pointwise_conv_is_32_numbers_times_32_weights_at_36_cells(filters: int) -> None:
    r = report("pointwise_conv", filters=filters)
    assert (r.macs, r.params) == (36 * 32 * filters, 32 * filters)
    assert r.rows[-1].outputs[0].type.shape == (1, filters, 6, 6)


def test_depthwise_separable_is_a_fifth_and_a_ninth_of_the_standard() -> None:
    depthwise, pointwise = (row["macs"] for row in report("depthwise_separable").rows)
    assert (depthwise, pointwise) == (3 * 3 * 4 * 4 * 3, 3 * 4 * 4 * 5) == (432, 240)
    separable, standard = report("depthwise_separable").macs, report("standard_conv").macs
    assert (separable, standard) == (672, 2_160)
    assert isinstance(separable, int) and isinstance(standard, int)
    assert Fraction(separable, standard) == Fraction(1, 5) + Fraction(1, 9)


@pytest.mark.parametrize(
    "alpha, million_macs, million_params", [(1.0, 569, 4.2), (0.75, 325, 2.6), (0.5, 149, 1.3), (0.25, 41, 0.5)]
)
def test_mobilenet_v1_width(alpha: float, million_macs: int, million_params: float) -> None:
    r = report("mobilenet", alpha=alpha)  # table 6 of arXiv:1704.04861
    assert round(millions(r.macs)) == million_macs
    assert round(millions(r.params), 1) == million_params


@pytest.mark.parametrize(
    "resolution, million, exact", [(224, 569, 568_740_352), (192, 418, 418_121_728), (128, 186, 186_400_768)]
)
def test_mobilenet_v1_resolution(resolution: int, million: int, exact: int) -> None:
    r = report("mobilenet", resolution=resolution)  # table 7 of arXiv:1704.04861
    assert round(millions(r.macs)) == million
    assert (r.macs, r.params) == (exact, 4_231_976)


def test_mobilenet_v1_at_160() -> None:
    assert report("mobilenet", resolution=160).macs == 290_675_200  # the paper's table 7 cuts it to 290 million


def test_mobilenet_v2_has_17_bottlenecks_and_10_skips() -> None:
    ops = Counter(row.op_type for row in report("mobilenet_v2").rows)
    assert (ops["Add"], ops["Conv"], ops["Clip"]) == (10, 1 + 2 + 16 * 3 + 1, 1 + 1 + 16 * 2 + 1)


@pytest.mark.parametrize(
    "widths, figures",
    [
        ((48, 96, 192, 1024), (40_476_448, 1_366_792)),
        ((176, 352, 704, 1024), (295_759_392, 3_503_624)),
        ((244, 488, 976, 2048), (583_253_464, 7_393_996)),
    ],
)
def test_shufflenet_v2_widths(widths: tuple[int, ...], figures: tuple[int, int]) -> None:
    r = report("shufflenet_v2", **dict(zip(("stage2", "stage3", "stage4", "conv5"), widths, strict=True)))
    assert (r.macs, r.params) == figures  # torchvision's x0_5, x1_5, x2_0


def test_plain34_lacks_the_projections_only() -> None:
    plain, residual = report("plain34"), report("resnet34")
    projections = [(64, 128, 28), (128, 256, 14), (256, 512, 7)]
    assert residual.macs - plain.macs == sum(a * b * size * size for a, b, size in projections) == 3 * 6_422_528
    assert residual.params - plain.params == sum(a * b + 2 * b for a, b, _ in projections)
    ops, more = (Counter(row.op_type for row in r.rows) for r in (plain, residual))
    assert more - ops == Counter(Add=16, Conv=3, BatchNormalization=3)
    assert not ops - more


RESIDUAL5 = {"identity": (0, 0), "zero_padded": (1, 0), "projected": (0, 1)}


@pytest.mark.parametrize("kind", RESIDUAL5)
def test_residual5(kind: str) -> None:
    padded, projected = RESIDUAL5[kind]
    r = report(f"residual5_{kind}")
    wide = kind != "identity"
    filters = [(128, 128)] * 10 if not wide else [(128, 128)] * 4 + [(128, 256)] + [(256, 256)] * 5
    params = sum(9 * a * b for a, b in filters) + projected * 256 * 128
    assert (r.params, r.macs) == (params, 28 * 28 * params)
    ops = Counter(row.op_type for row in r.rows)
    assert (ops["Add"], ops["Pad"], ops["Conv"]) == (5, padded, 10 + projected)
    if projected:
        assert r.graph.initializers["block3/residual/shortcut/W_s.weight"].shape == (256, 128, 1, 1)


def unet(size: int, channels: int, classes: int) -> tuple[int, int, int]:
    """MACs, params and output size of figure 1 of arXiv:1505.04597."""
    macs = params = 0

    def double(c: int, f: int) -> None:
        nonlocal macs, params, size
        for width in (c, f):
            size -= 2
            macs += size * size * 9 * width * f
            params += 9 * width * f + f

    for f in (64, 128, 256, 512):
        double(channels if f == 64 else f // 2, f)
        assert size % 2 == 0
        size //= 2
    double(512, 1024)
    for f in (512, 256, 128, 64):
        macs += size * size * 2 * f * f * 4
        params += 4 * 2 * f * f + f
        size *= 2
        double(2 * f, f)
    return macs + size * size * 64 * classes, params + 64 * classes + classes, size


@pytest.mark.parametrize("size, channels, classes", [(572, 1, 2), (572, 3, 2), (700, 1, 5), (188, 1, 2)])
def test_unet(size: int, channels: int, classes: int) -> None:
    r = report("unet", resolution=size, channels=channels, classes=classes)
    macs, params, out = unet(size, channels, classes)
    assert (r.macs, r.params) == (macs, params)
    assert r.rows[-1].outputs[0].type.shape == (1, classes, out, out)


def test_unet_published_sizes() -> None:
    assert unet(572, 1, 2) == (150_428_424_448, 31_030_658, 388)
    joined = [row.outputs[0].type.shape for row in report("unet").rows if row.op_type == "Concat"]
    assert joined == [(1, 1024, 56, 56), (1, 512, 104, 104), (1, 256, 200, 200), (1, 128, 392, 392)]


def test_unet_with_open_size_is_valid_at_12_more_than_a_multiple_of_16() -> None:
    r = analyze("unet", symbolic=True)
    assert r.bind({"N": 2, "H": 572, "W": 188}).macs == at("unet", 2, 572, 188, 1).macs
    with pytest.raises(AssumptionError):
        r.bind({"N": 1, "H": 573, "W": 572})


def test_resnet_strides_in_the_3x3_convolution_of_a_bottleneck() -> None:
    halved = [
        row.name
        for row, node in zip(report("resnet50").rows, report("resnet50").graph.nodes, strict=True)
        if node.op_type == "Conv" and node.attributes["strides"] == (2, 2) and node.attributes["kernel_shape"] == (3, 3)
    ]
    assert halved == [f"conv{i}_x/bottleneck1/residual/conv_bn2/conv" for i in (3, 4, 5)]


SYMBOLIC = analyze("resnet18", symbolic=True)


def at(name: str, n: int, height: int, width: int, channels: int = 3) -> Report:
    return analyze(name, shapes={"input": (n, channels, height, width)})


def same(a: Report, b: Report) -> None:
    assert a.totals == b.totals
    for x, y in zip(a.rows, b.rows, strict=True):
        assert (x.name, x.figures, x.outputs) == (y.name, y.figures, y.outputs)


def test_symbolic_resnet18_is_short() -> None:
    text = str(SYMBOLIC.macs)
    assert len(text) < 210
    assert {"(H + 1)//2", "(H + 3)//4", "(H + 7)//8", "(H + 15)//16", "(H + 31)//32"} <= set(
        re.findall(r"\(H [^()]*\)//\d+", text)
    )
    assert text.count("//") == 2 * 5  # height and width at five strides, one floor division each
    for row in SYMBOLIC.rows:
        assert all(str(d).count("//") <= 1 for d in row.outputs[0].type.shape or ())


@pytest.mark.parametrize("size", range(33, 301))
def test_symbolic_resnet18_bound_is_resnet18_at_that_size(size: int) -> None:
    n = size % 3 + 1
    same(SYMBOLIC.bind({"N": n, "H": size, "W": size}), at("resnet18", n, size, size))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(33, 300), st.integers(33, 300))
def test_symbolic_resnet18_of_any_shape(n: int, height: int, width: int) -> None:
    same(SYMBOLIC.bind({"N": n, "H": height, "W": width}), at("resnet18", n, height, width))


@pytest.mark.parametrize("name", FIGURES)
def test_symbolic_networks_bind_to_their_figures(name: str) -> None:
    shape = load(name).types["input"].shape
    assert shape is not None
    r = analyze(name, symbolic=True).bind({"N": 1, "H": shape[2], "W": shape[3]})  # type: ignore[dict-item]
    assert (r.macs, r.params) == FIGURES[name]


@pytest.mark.parametrize("name", [*FIGURES, "plain34", "unet", *(f"residual5_{k}" for k in RESIDUAL5)])
def test_the_header_states_source_and_figures(name: str) -> None:
    model = next(m for m in builtin_models() if m.name == name)
    assert model.title and model.source
    head = model.path.read_text(encoding="utf-8").split("\nname:")[0]
    r = report(name)
    assert f"{r.macs:,}" in head and f"{r.params:,}" in head
