"""The profiles that come with costcalc: every figure has a source, names are clear, figures are in proportion."""

import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from support.paths import DATA

import costcalc
from costcalc.analysis.hardware.catalogue import (
    PROFILE_FOLDER,
    builtin_profiles,
    find_profile,
    profile_names,
    reference_energy,
)
from costcalc.analysis.hardware.profile import HardwareProfile, SourcedFigure, peak_precisions
from costcalc.analysis.hardware.reader import read_profile
from costcalc.analysis.roofline.energy import memory_fits
from costcalc.core.errors import HardwareError

DOCUMENT = re.compile(
    r"datasheet|data sheet|manual|whitepaper|README|review \d|version of \d{4}-\d\d-\d\d|issue \d|gist of|wiki|"
    r"catalogue of|developer blog|\.(com|dev|io|td|es|ini)\b|\b(ST|PM|RM|DS|UM)[ -]?[A-Z]*\d+|documentation|board list|"
    r"nvidia-smi of|aiconfigurator of NVIDIA|logs of llama\.cpp|Hot Chips|architecture brief|base specification|tuning guide|"
    r"description of|coral\.ai|MLPerf Tiny|ESP-IDF|pico-sdk|nrfx|ArduinoCore|stm32duino|HAL,|hal_driver|cmsis.device|Arm community|notebookinfo\.de|Fastvideo|Raspberry Pi Australia",
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
    assert find_profile("esp32-s3").peak["int8"].value == 2 * 16 * 2 * 240 * mega
    assert find_profile("rp2040").peak["int8"].value == 2 * 133 * mega
    assert find_profile("rp2350").peak["int8"].value == 2 * 2 * 2 * 150 * mega
    assert find_profile("nano33ble").peak["int8"].value == 2 * 2 * 64 * mega
    assert find_profile("max78000").peak["int8"].value == 64 * 9 * 2 * 50 * mega
    for macs in (32, 64, 128, 256):
        assert find_profile(f"ethos-u55-{macs}").peak["int8"].value == macs * 2 * 500 * mega
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


def test_boards_of_microcontrollers_have_flash_and_sram_as_a_program_gets_them() -> None:
    sizes = {p.id: (p.bytes_of("flash"), p.bytes_of("sram")) for p in builtin_profiles() if p.kind == "microcontroller"}
    assert sizes["arduino-nano-33-ble"] == (983040, 262144)  # its bootloader takes 64 KiB of 1 MiB
    assert sizes["nrf54l15"] == (1524 * 1024, 256 * 1024)
    assert sizes["stm32f407"] == (1 << 20, 128 * 1024)
    assert sizes["stm32h743"] == (2 << 20, 512 * 1024)  # 1 MiB in all, in blocks
    assert sizes["esp32-s3"] == (8 << 20, 0x53700)
    assert {
        "rp2040",
        "rp2350",
        "nrf52840",
        "nrf54h20",
        "stm32u575",
        "stm32l4r5",
        "stm32f746",
        "stm32h743",
    } <= sizes.keys()
    assert all(flash and sram for id, (flash, sram) in sizes.items() if id != "nrf54h20")
    assert find_profile("max78000").bytes_of("weights") == 768 * 64 * 9
    assert find_profile("coral").bytes_of("on_chip") == 8_000_000


def test_the_build_of_another_core_is_told() -> None:
    """The RP2040's Cortex-M0+ has no DSP instructions; the reference kernels suit every core."""
    model = DATA / "npu" / "kws_ref_model.tflite"

    def remarks(runtime: str | None, device: str) -> list[str]:
        report = costcalc.analyze(model, execution={"runtime": runtime} if runtime else {})
        return [fit.remark for fit in memory_fits(report, find_profile(device)) if fit.memory == "sram"]

    assert remarks("tflm:cmsis-nn", "rp2040") == ["tflm:cmsis-nn is no build for its core: --runtime tflm:cmsis-nn-m0"]
    assert remarks("tflm:cmsis-nn", "nrf52840") == remarks("tflm:cortex-m", "rp2040") == [""]
    assert "(--runtime tflm:cmsis-nn-m0 is the build for its core)" in remarks(None, "rp2040")[0]


def test_a_build_that_there_is_not_is_refused(tmp_path: Path) -> None:
    text = (PROFILE_FOLDER / "rp2040.yaml").read_text("utf-8").replace("tflm:cmsis-nn-m0", "tflm:cmsis-nn-m7")
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    with pytest.raises(HardwareError, match="'tflm:cmsis-nn-m7' is no build of TensorFlow Lite Micro"):
        read_profile(tmp_path / "mine.yaml")


def test_a_measured_energy_is_that_of_its_runs() -> None:
    macs = 264_192 + 12_501_632 + 2_656_768 + 7_489_664
    energy = find_profile("stm32l4r5").energy
    assert energy is not None
    assert float(energy.measured["int8"].value) == pytest.approx(
        (160.4232 + 5495.915 + 1430.6681 + 3029.7521) * 10**6 / macs, abs=0.05
    )


def test_an_unknown_name_is_answered_with_a_near_one() -> None:
    with pytest.raises(HardwareError, match="there is no hardware profile 'h1000'; did you mean h100-sxm"):
        find_profile("h1000")
    with pytest.raises(HardwareError, match="`costcalc hardware` lists all"):
        find_profile("abacus")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("esp32", "did you mean esp32-s3"),
        ("esp8266", "did you mean esp32-s3"),
        ("samd21", "of microcontrollers there are arduino-nano-33-ble, esp32-s3, nrf52840"),
        ("teensy41", "of microcontrollers there are"),
        ("lpc55s69", "of microcontrollers there are"),
        ("nrf52832", "did you mean nrf5"),
        ("gtx1080", "; `costcalc hardware` lists all"),
        ("mi250x", "did you mean mi"),
        ("stm32f103", "did you mean stm32f"),
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


@pytest.mark.parametrize(
    ("device", "element", "precision"),
    [
        ("b200", "float4e2m1", "float4"),
        ("b200", "float8e4m3fn", "float8"),
        ("h100-sxm", "float4e2m1", "float8"),
        ("a100-sxm-80gb", "float8e4m3fn", "float16"),
        ("t4", "float4e2m1", "float16"),
        ("apple-m4", "float8e5m2", "float16"),
        ("pixel-1-big-core", "float8e4m3fn", "float32"),
        ("tpu-v5e", "float8e4m3fn", "bfloat16"),
        ("v100", "bfloat16", None),
        ("coral-usb-accelerator", "float8e4m3fn", None),
    ],
)
def test_a_narrow_float_is_multiplied_in_the_next_wider_one_that_the_device_has(
    device: str, element: str, precision: str | None
) -> None:
    """A type of 16 bits or more, or an integer, without a peak has none: no figure is published."""
    profile = find_profile(device)
    found = profile.find_peak(element)
    assert (found and found[0]) == precision
    assert found is None or found[1] == profile.peak[found[0]]
