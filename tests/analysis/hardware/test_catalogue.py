"""The profiles that come with costcalc: every figure has a source, names are clear, figures are in proportion."""

import re
from datetime import date
from fractions import Fraction

import pytest

from costcalc.analysis.hardware.catalogue import builtin_profiles, find_profile, profile_names, reference_energy
from costcalc.analysis.hardware.profile import HardwareProfile, SourcedFigure, peak_precisions
from costcalc.core.errors import HardwareError

DOCUMENT = re.compile(
    r"datasheet|data sheet|manual|whitepaper|README|review \d|version of \d{4}-\d\d-\d\d|issue \d|gist of|wiki|"
    r"catalogue of|developer blog|\.(com|dev|io|td|es|ini)\b|\b(ST|PM|RM|DS|UM)[ -]?[A-Z]*\d+|documentation|board list|"
    r"nvidia-smi of|aiconfigurator of NVIDIA|logs of llama\.cpp|Hot Chips|architecture brief|base specification|tuning guide|"
    r"description of|Arm community|notebookinfo\.de|Fastvideo|Raspberry Pi Australia",
    re.IGNORECASE,
)
"""What a source names: a document, a page, a thread."""

EACH = pytest.mark.parametrize("profile", builtin_profiles(), ids=lambda p: p.id)


def figures(profile: HardwareProfile) -> list[SourcedFigure]:
    tables = (profile.peak, profile.sparse, profile.memory, profile.links)
    single = (profile.bandwidth, profile.overhead)
    return [f for table in tables for f in table.values()] + [f for f in single if f]


@EACH
def test_every_figure_says_where_it_was_seen(profile: HardwareProfile) -> None:
    for figure in figures(profile):
        assert DOCUMENT.search(figure.source), figure
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", profile.access_date) and date.fromisoformat(profile.access_date)
    assert profile.peak


@EACH
def test_names_and_aliases_find_it(profile: HardwareProfile) -> None:
    for word in (profile.id, profile.name, *profile.aliases):
        assert find_profile(word) == profile


@EACH
def test_a_narrower_type_is_never_slower(profile: HardwareProfile) -> None:
    precisions = ("float64", "float32", "float16", "float8", "float4") if profile.id == "b300" else ()
    precisions = precisions or ("float64", "float32", "float16", "int8", "int4")  # Blackwell Ultra gave up int8
    order = [profile.peak[p].value for p in precisions if p in profile.peak]
    assert order == sorted(order)


def test_int8_of_blackwell_ultra_is_not_its_float8() -> None:
    """307 TOPS with sparsity; many tables repeat the float8 figure."""
    peak = find_profile("b300").peak
    assert peak["int8"].value == Fraction("153.5") * 10**12 and peak["float8"].value == 4500 * 10**12
    assert find_profile("b200").peak["int8"].value == 4500 * 10**12


@EACH
def test_sparse_figures_are_twice_the_dense_ones(profile: HardwareProfile) -> None:
    for precision, figure in profile.sparse.items():
        assert figure.value / profile.peak[precision].value == pytest.approx(2, rel=0.001)


def test_no_two_profiles_share_a_name() -> None:
    words = [w.lower() for p in builtin_profiles() for w in (p.id, p.name, *p.aliases)]
    assert len(words) == len(set(words))
    assert len(profile_names()) >= 48


def test_derivations_come_to_their_figures() -> None:
    mega = 10**6
    assert find_profile("pixel-1").peak["float32"].value == 4 * 2 * 2150 * mega
    assert find_profile("raspberry-pi-5").peak["float32"].value == 4 * 2 * 4 * 2 * 2400 * mega
    assert find_profile("raspberry-pi-4").peak["float32"].value == 4 * 4 * 2 * 1800 * mega
    assert find_profile("core-i7-8650u").peak["float32"].value == 4 * 2 * 8 * 2 * 4200 * mega
    assert find_profile("cortex-m4").peak["int8"].value == 2 * 2 * 120 * mega
    assert find_profile("cortex-m7").peak["int8"].value == 2 * 2 * 480 * mega
    assert find_profile("ethos-u55").peak["int8"].value == 256 * 2 * 500 * mega
    assert find_profile("t4").peak["float16"].value == pytest.approx(320 * 64 * 2 * 1590 * mega, rel=0.001)
    assert find_profile("a100").peak["float16"].value == pytest.approx(108 * 4 * 256 * 2 * 1410 * mega, rel=0.001)
    assert find_profile("h100").peak["float16"].value == pytest.approx(132 * 4096 * 1980 * mega, rel=0.001)
    assert find_profile("orin-nano").peak["int8"].value == 32 * 512 * 2 * 625 * mega
    assert find_profile("orin-nano").bandwidth.value == 128 // 8 * 2 * 2133 * mega  # type: ignore[union-attr]
    assert find_profile("raspberry-pi-5").bandwidth.value == 32 // 8 * 4267 * mega  # type: ignore[union-attr]


def test_h100_pcie_is_the_dense_figure() -> None:
    dense = 114 * 4096 * 1755 * 10**6
    assert find_profile("h100-pcie").peak["float16"].value == pytest.approx(dense, rel=0.001)
    assert dense == pytest.approx(756e12 * 1.755 / 1.62, rel=0.003)


def test_float32_is_multiplied_as_tf32_where_that_is_faster() -> None:
    assert find_profile("a100").find_peak("float32") == ("tf32", find_profile("a100").peak["tf32"])
    assert find_profile("t4").find_peak("float32") == ("float32", find_profile("t4").peak["float32"])
    assert find_profile("t4").find_peak("bfloat16") is None


def test_element_types_that_a_name_speaks_of() -> None:
    assert peak_precisions("uint8") == peak_precisions("int8") == ("int8",)
    assert peak_precisions("float8e4m3fn") == peak_precisions("float8e5m2fnuz") == ("float8",)
    assert peak_precisions("float4e2m1") == ("float4",)
    assert peak_precisions("bfloat16") == ("bfloat16",)


def test_energies_of_single_operations() -> None:
    mac, byte = reference_energy().mac, reference_energy().byte
    assert mac["float32"].value == Fraction("3.7") + Fraction("0.9")
    assert mac["float16"].value == Fraction("1.1") + Fraction("0.4")
    assert mac["int8"].value == Fraction("0.2") + Fraction("0.03")
    assert byte["device"].value == 640 / 4
    assert byte["sram"].value == Fraction(10, 8)


def test_memory_is_what_a_program_sees() -> None:
    """A GPU of "24 GB" has not 24 × 10⁹ bytes."""
    gpus = {"rtx4090": 24564, "h100": 81559, "h100-pcie": 81559, "a100": 81251, "a100-40gb": 40441, "v100": 16160}
    for name, mebibytes in gpus.items():
        held = find_profile(name).bytes_of("device")
        assert held is not None and abs(held - mebibytes * 2**20) < 2**20
    assert find_profile("pixel-1").bytes_of("device") == 4 * 2**30


def test_an_unknown_name_is_answered_with_a_near_one() -> None:
    with pytest.raises(HardwareError, match="there is no hardware profile 'h1000'; did you mean h100-sxm"):
        find_profile("h1000")
    with pytest.raises(HardwareError, match="`costcalc hardware` lists all"):
        find_profile("abacus")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("esp32", "of microcontrollers there are stm32f746, stm32h743"),
        ("esp32s3", "of microcontrollers there are"),
        ("max78000", "of microcontrollers there are"),
        ("rp2040", "of microcontrollers there are"),
        ("nrf52840", "of microcontrollers there are"),
        ("gtx1080", "; `costcalc hardware` lists all"),
        ("mi250x", "did you mean mi"),
        ("stm32f4", "did you mean stm32f746"),
        ("smt32h743", "did you mean stm32h743"),
        ("corei7", "did you mean core-i7-8650u"),
        ("raspbery-pi-4", "did you mean raspberry-pi-4"),
        ("jetsn-nano", "did you mean jetson-nano"),
        ("a1000", "did you mean a100"),
    ],
)
def test_a_device_of_another_series_is_not_suggested(name: str, hint: str) -> None:
    with pytest.raises(HardwareError) as refused:
        find_profile(name)
    assert hint in str(refused.value)
    assert ("did you mean" in str(refused.value)) == ("did you mean" in hint)
