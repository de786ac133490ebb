"""Bounds by hand, their order, and what they are bounds of."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builtin import NAMES

from costcalc import analyze
from costcalc.analysis.hardware.catalogue import builtin_profiles, find_profile
from costcalc.analysis.hardware.profile import HardwareProfile, SourcedFigure
from costcalc.analysis.roofline.bounds import compute_roofline
from costcalc.analysis.roofline.energy import estimate_energy, memory_fits
from costcalc.analysis.roofline.roofline import TimeBound
from costcalc.analysis.roofline.traffic import minimum_traffic
from costcalc.frontends.yaml.reader import load_spec


def device(peak: int, bandwidth: int | None = None, **more: object) -> HardwareProfile:
    """A device of round figures."""
    figure = None if bandwidth is None else SourcedFigure(Fraction(bandwidth), "here")
    made = HardwareProfile(
        "d", "D", "gpu", "one", "2026-01-31", {"float32": SourcedFigure(Fraction(peak), "here")}, {}, {}, figure
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_pointwise_convolution_by_hand() -> None:
    """32 channels of 6×6 into 16, then ReLU: 18,432 MACs; 512 weights, 1,152 inputs, 576 outputs of 4 bytes."""
    report = analyze("pointwise_conv")
    assert report.macs == MACS
    traffic = 4 * (32 * 16 + 32 * 36 + 16 * 36)
    assert traffic == BYTES
    one = compute_roofline(report, device(1000, 100))
    assert one.compulsory_bytes == BYTES == minimum_traffic(report.graph, report.rows)
    assert one.model == TimeBound(Fraction(2 * MACS, 1000), Fraction(BYTES, 100))
    assert one.model.seconds == Fraction(8960, 100) and one.model.bound_by == "memory"
    assert one.model.utilisation == Fraction(36_864, 1000) / Fraction(8960, 100)
    relu = 16 * 36
    assert one.layers == (one.model, TimeBound(Fraction(relu, 1000), Fraction(2 * 4 * relu, 100)))
    assert one.unfused == Fraction(8960 + 2 * 4 * relu, 100)
    assert one.fused == one.model.seconds, "ReLU runs where its input is made"
    fast = compute_roofline(report, device(10, 100))
    assert fast.model.bound_by == "compute" and fast.fused == Fraction(2 * MACS + relu, 10)


MACS, BYTES = 36 * 32 * 16, 8960


def test_batch_normalisation_and_relu_are_not_in_the_bound() -> None:
    report = analyze("mobilenet_v1")
    one = compute_roofline(report, device(10**9))
    bound = one.model
    assert one.macs_by_type == (("float32", 568_740_352),)
    assert 568_740_352 * 95 // 100 < one.multiplications["float32"] < 568_740_352
    assert bound.compute == 2 * one.multiplications["float32"] / 10**9
    assert bound.memory is None and bound.seconds == bound.compute


def test_a_cache_keeps_no_more_than_it_holds() -> None:
    report = analyze("lenet5")
    plain = compute_roofline(report, device(1, 1))
    cached = compute_roofline(report, device(1, 1, memory={"on_chip": SourcedFigure(Fraction(1000), "here")}))
    assert plain.compulsory_bytes is not None and plain.model.memory is not None
    assert cached.cached_bytes == 1000 and cached.model.memory == plain.model.memory - 1000
    huge = compute_roofline(report, device(1, 1, memory={"on_chip": SourcedFigure(Fraction(10**9), "here")}))
    assert huge.cached_bytes == plain.compulsory_bytes and huge.model.memory == 0


def test_overhead_counts_once_for_a_model_and_for_every_layer() -> None:
    report = analyze("lenet5")
    one = compute_roofline(report, device(10**12, 10**12, overhead=SourcedFigure(Fraction(1), "here")))
    assert one.model.seconds is not None and one.unfused is not None
    assert 1 < one.model.seconds < Fraction(11, 10)
    working = sum(row.state == "costed" for row in report.rows)
    assert working < one.unfused < working + Fraction(1, 10)


def test_a_table_that_is_looked_up_counts_as_the_rows_taken() -> None:
    short, long = (compute_roofline(analyze("bert", dims={"seq": seq}), device(1, 1)) for seq in (1, 512))
    assert short.compulsory_bytes is not None and long.compulsory_bytes is not None
    vocabulary = 30522 * 768 * 4
    weights = analyze("bert", dims={"seq": 1}).totals["weight_bytes"]
    assert isinstance(weights, int)
    assert short.compulsory_bytes < weights - vocabulary + 10**6
    assert long.compulsory_bytes - short.compulsory_bytes < 512 * 768 * 4 * 5


def test_open_symbols_are_named() -> None:
    one = compute_roofline(analyze("gpt2"), find_profile("a100"))
    assert one.open_symbols == ("seq",) and one.model.seconds is None and one.unfused is None
    bound = compute_roofline(analyze("gpt2", dims={"seq": 8}), find_profile("a100"))
    assert bound.open_symbols == () and bound.model.seconds is not None


def test_open_extents_that_may_be_nothing_are_named_too() -> None:
    """Behind a pool, (h // 2)·(w // 2) positions: none where h is 1."""
    text = "input: [1, 3, h, w]\nlayers:\n  - max_pool: {kernel: 2, stride: 2}\n  - conv: {filters: 4, kernel: 1}\n"
    report = analyze(load_spec(text, "net.yaml"))
    assert compute_roofline(report, find_profile("t4")).open_symbols == ("h", "w")


def test_what_is_multiplied_in_decides_the_peak() -> None:
    for dtype, peak, precision in ((None, 156, "float32"), ("float16", 312, "float16"), ("int8", 624, "int8")):
        one = compute_roofline(analyze("resnet50", dtype=dtype, act_dtype=dtype), find_profile("a100"))
        assert one.macs_by_type == ((precision, 4_089_184_256),)
        assert one.model.compute == 2 * one.multiplications[precision] / (peak * 10**12)


def test_weights_alone_in_int8_are_multiplied_as_the_activations_are() -> None:
    one = compute_roofline(analyze("resnet18", dtype="int8"), find_profile("a100"))
    assert [name for name, _ in one.macs_by_type] == ["float32"]


def test_a_precision_without_a_peak_is_named_and_not_guessed() -> None:
    one = compute_roofline(analyze("resnet18", dtype="int8", act_dtype="int8"), find_profile("jetson-nano"))
    assert one.without_peak == ("int8",)
    assert one.model.compute is None and one.unfused is None and one.model.bound_by == "memory"


@pytest.mark.parametrize("model", NAMES)
def test_the_bound_is_below_both_estimates(model: str) -> None:
    report = analyze(model)
    report = report.bind(dict.fromkeys(report.open_symbols, 16))
    for profile in builtin_profiles():
        one = compute_roofline(report, profile)
        if one.unfused is None or one.model.seconds is None:
            continue
        assert one.model.seconds <= (one.fused or one.unfused) <= one.unfused, profile.id


@given(st.integers(1, 10**15), st.integers(1, 10**13), st.integers(1, 10**13))
def test_a_faster_device_never_takes_longer(peak: int, bandwidth: int, more: int) -> None:
    report = LENET
    slow, fast = (compute_roofline(report, device(peak + k, bandwidth + k)) for k in (0, more))
    assert slow.model.seconds is not None and fast.model.seconds is not None
    assert slow.unfused is not None and fast.unfused is not None
    assert fast.model.seconds <= slow.model.seconds and fast.unfused <= slow.unfused
    assert slow.model.bound_by in ("compute", "memory") and 0 < (slow.model.utilisation or 0) <= 1


LENET = analyze("lenet5")


@given(st.integers(1, 64))
def test_bind_then_bound_is_bound_of_the_bound(batch: int) -> None:
    """Binding a symbol after costing gives the same bound as costing the bound model."""
    late = compute_roofline(OPEN.bind({"N": batch, "H": 6, "W": 6}), device(10**9, 10**6))
    early = compute_roofline(analyze("pointwise_conv", dims={"N": batch}), device(10**9, 10**6))
    assert (late.model, late.unfused, late.fused) == (early.model, early.unfused, early.fused)
    assert late.model.compute == batch * Fraction(2 * MACS, 10**9)


OPEN = analyze("pointwise_conv", symbolic=True)


def test_it_fits_or_it_does_not() -> None:
    report = analyze("mobilenet_v1", dtype="int8", act_dtype="int8")
    flash, sram = memory_fits(report, find_profile("cortex-m7"))
    assert (flash.memory, flash.nbytes, flash.capacity, flash.fits) == ("flash", 4_253_864, 2 << 20, False)
    assert (sram.memory, sram.nbytes, sram.capacity, sram.fits) == ("sram", 1_204_224, 1 << 19, False)
    small = analyze("mobilenet_v1", dtype="int8", act_dtype="int8", params={"alpha": 0.25, "resolution": 96})
    assert [fit.fits for fit in memory_fits(small, find_profile("cortex-m7"))] == [True, True]
    (whole,) = memory_fits(analyze("vgg16"), find_profile("t4"))
    assert whole.contents == "weights + peak activations" and whole.fits
    assert not memory_fits(analyze("llama_7b", dims={"seq": 1}), find_profile("t4"))[0].fits
    assert memory_fits(analyze("llama_7b"), find_profile("t4")) == (), "open symbols leave it open"


def test_energy_is_arithmetic_and_compulsory_traffic() -> None:
    one = compute_roofline(analyze("pointwise_conv"), device(1000, 100))
    joules = estimate_energy(one)
    assert joules is not None
    assert joules.arithmetic == MACS * Fraction("4.6") / 10**12
    assert joules.memory == Fraction(BYTES * 160, 10**12)
    small = estimate_energy(
        compute_roofline(analyze("pointwise_conv", dtype="int8", act_dtype="int8"), find_profile("nrf52840"))
    )
    assert small is not None
    assert small.total == (MACS * Fraction("0.23") + BYTES // 4 * Fraction("1.25")) / 10**12
