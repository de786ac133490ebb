"""The table of published measurements: no lower bound is above a measured time, its figures are what costcalc computes,
and the bands around estimates are those of its rows.
"""

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from support.cli import ok
from support.published_runs import measure_run

from costcalc.analysis.hardware.catalogue import builtin_profiles, find_profile, profile_names
from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.roofline.published_runs import (
    LEAST_RUNS,
    PublishedRun,
    find_energy_band,
    find_measured_energy_band,
    find_time_band,
    int8_per_cycle,
    read_published_runs,
)

RUNS = read_published_runs()
EACH = pytest.mark.parametrize("case", RUNS, ids=lambda run: "-".join([*run[:5], str(float(run.milliseconds))]))

DOCUMENT = re.compile(r"README\.md|/results/|Coral|coral\.ai|apache/mxnet|benchmarks|demo/BERT")
"""What a source names: a file of a repository, a table of a page."""


@EACH
def test_no_bound_is_above_a_published_time(case: PublishedRun) -> None:
    bound, estimate, cells, macs = measure_run(case)
    assert macs == case.macs
    assert 0 < bound <= case.milliseconds
    slack = {"npu": 1000}.get(find_profile(case.device).kind, 250 if case.device == "esp32-s3" else 50)
    assert bound >= case.milliseconds / slack, "a bound so low says nothing"
    for now, kept in zip((bound, estimate, cells), (case.bound_ms, case.estimate_ms, case.cells_uj), strict=True):
        assert now == pytest.approx(kept, rel=1e-4)
    assert case.microjoules is None or case.microjoules > cells


@EACH
def test_every_row_says_where_it_was_published(case: PublishedRun) -> None:
    assert case.device in profile_names()
    assert DOCUMENT.search(case.source), case.source
    rate = re.search(r"([\d.]+) inferences/s", case.source)
    assert rate is None or float(case.milliseconds) == pytest.approx(1000 / float(rate[1]), rel=1e-5)
    energy = re.search(r"energy, ([\d.]+) µJ", case.source)
    assert (float(energy[1]) if energy else None) == (None if case.microjoules is None else float(case.microjoules))


def test_there_are_enough_of_them() -> None:
    kinds = Counter(find_profile(run.device).kind for run in RUNS)
    assert kinds["microcontroller"] >= 150 and kinds["gpu"] >= 20 and kinds["npu"] >= 20
    assert len({run.device for run in RUNS if find_profile(run.device).kind == "microcontroller"}) >= 6
    assert sum(run.microjoules is not None for run in RUNS) >= 60


@pytest.mark.parametrize("profile", builtin_profiles(), ids=lambda profile: profile.id)
def test_a_band_holds_every_time_of_its_devices(profile: HardwareProfile) -> None:
    band = find_time_band(profile)
    if band is None:
        return
    own = band.devices == profile.id
    ratios = [
        run.milliseconds / run.estimate_ms
        for run in RUNS
        if run.device == profile.id
        or (not own and find_profile(run.device).kind == profile.kind and run.device != "esp32-s3")
    ]
    assert (len(ratios), min(ratios), max(ratios)) == (band.runs, band.lowest, band.highest)
    assert band.runs >= LEAST_RUNS or profile.id == "esp32-s3"


def test_npus_that_differ_too_much_have_no_band() -> None:
    """One was measured at a thirtieth of the estimate, another at 90 times it: that says nothing of a third."""
    assert find_time_band(find_profile("hailo-8")) is None
    assert find_time_band(find_profile("coral")) is None
    own = find_time_band(find_profile("stm32n6"))
    assert own is not None and own.runs == 13


def test_the_measured_energy_of_a_board_is_hundreds_to_thousands_of_times_that_of_cells() -> None:
    band = find_energy_band(find_profile("nrf52840"))
    assert band is not None and band.devices == "microcontroller"
    assert band.lowest > 50 and 8000 < band.highest < 10_000  # 17.8 mJ of NUCLEO-L4R5ZI's image classification
    measured = find_measured_energy_band(find_profile("stm32l4r5"))
    assert measured is not None and measured.runs == 32
    assert measured.lowest < 1 < 4 < measured.highest < 6  # at 3.3 V, with other kernels: v1.1, Krai
    own = find_profile("stm32u575").energy
    assert own is not None and own.measured["int8"].value == Fraction("204.2")


def test_every_estimate_is_printed_with_its_band() -> None:
    printed = ok("analyze", "mobilenet", "--dtype", "int8", "--act-dtype", "int8", "--hardware", "stm32l4r5,nrf52840")
    text = " ".join(printed.split())
    assert re.search(
        r"≈ [\d.]+ \w+ unfused, .*?; measured times on this device were 2.6 to 13 times this, n = 62", text
    )
    assert re.search(r"measured times on microcontrollers were 1.6 to 13 times this, n = 1\d\d", text)
    assert re.search(r"Energy ≈ .* multipliers, adders and memory cells .*measured energies on microcontrollers", text)


def test_a_core_that_multiplies_far_more_in_a_cycle_has_no_band_of_others() -> None:
    """ESP32-S3: 32 multiply-accumulates in a cycle, where those of the measured Cortex-M are 2; RP2350's two cores have
    4. Its three runs are its own band, and in no other's; a core like it that nobody measured has none."""
    wide = find_profile("esp32-s3")
    assert int8_per_cycle(wide) == 2 * 32
    own = find_time_band(wide)
    assert own is not None and (own.devices, own.runs) == ("esp32-s3", 3)
    assert 40 < own.lowest < 50 and 170 < own.highest < 180
    assert find_time_band(replace(wide, id="mine")) is None
    band = find_time_band(find_profile("rp2350"))
    assert band is not None and band.devices == "microcontroller" and band.highest < 13
