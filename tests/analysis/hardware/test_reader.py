"""A user's own profile: what is read, and how every mistake is answered."""

from fractions import Fraction
from pathlib import Path

import pytest

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.analysis.hardware.reader import read_profile
from costcalc.core.errors import HardwareError

GOOD = """
name: Board
kind: npu
variant: rev 2
seen: 2026-01-31
peak:
  int8: {value: 1.5 T, source: "datasheet, page 3"}
bandwidth: {value: 320 GB, source: "datasheet, page 4"}
memory:
  device: {value: 4 GiB, source: "datasheet, page 1"}
overhead: {value: 5e-6, source: "measured"}
energy:
  mac:
    int8: {value: 0.5, source: "paper, table 2"}
  byte:
    device: {value: 40, source: "paper, table 3"}
"""


def written(path: Path, text: str) -> Path:
    file = path / "board.yaml"
    file.write_text(text)
    return file


def test_a_profile_is_read_exactly(tmp_path: Path) -> None:
    profile = find_profile(str(written(tmp_path, GOOD)))
    assert (profile.id, profile.name, profile.kind, profile.variant) == ("board", "Board", "npu", "rev 2")
    assert profile.peak["int8"].value == 1_500_000_000_000
    assert profile.bandwidth is not None and profile.bandwidth.value == 320_000_000_000
    assert profile.bytes_of("device") == 4 * 1024**3 and profile.bytes_of("sram") is None
    assert profile.overhead is not None and profile.overhead.value == Fraction(5, 10**6)
    assert profile.energy is not None and profile.energy.mac["int8"].value == Fraction(1, 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: npu", "kind: gpuu", r"board.yaml: kind: 'gpuu' is no kind of device; did you mean 'gpu'\?"),
        ("bandwidth:", "bandwith:", r"board.yaml: bandwith: is not a key of a profile; did you mean 'bandwidth'\?"),
        (
            "  int8: {value: 1.5 T",
            "  int9: {value: 1.5 T",
            r"board.yaml: peak.int9: is not a key .* did you mean 'int8'",
        ),
        ("device: {value: 4", "flsh: {value: 4", r"board.yaml: memory.flsh: .* did you mean 'flash'"),
        ("name: Board", "title: Board", r"board.yaml: title: is not a key of a profile"),
        ("variant: rev 2\n", "", r"board.yaml: variant: is missing; a profile needs name, kind, variant, seen, peak"),
        (', source: "datasheet, page 3"', "", r"board.yaml: peak.int8: has no source; write \{value: 312 T, source: "),
        ("{value: 1.5 T, ", "{", r"board.yaml: peak.int8: has no value"),
        ("value: 1.5 T", "value: fast", r"board.yaml: peak.int8.value: 'fast' is not a quantity"),
        ("value: 1.5 T", "value: 0", r"board.yaml: peak.int8.value: 0 is not above zero"),
        ("value: 1.5 T", "value: -3", r"board.yaml: peak.int8.value: '-3' is not a quantity"),
        ("value: 5e-6", "value: soon", r"board.yaml: overhead.value: 'soon' is not a number"),
        ("seen: 2026-01-31", "seen: yesterday", r"board.yaml: seen: 'yesterday' is not a day; write it as 2026-01-31"),
        ('source: "measured"', "source: 7", r"board.yaml: overhead.source: 7 is not a text"),
        ("variant: rev 2", "variant: []", r"board.yaml: variant: \[\] is not a text"),
        ("kind: npu", "kind: npu\naliases: b", r"board.yaml: aliases: 'b' is not a list"),
        ("kind: npu", "kind: mcu", r"kind: 'mcu' is no kind of device; did you mean 'microcontroller'\?"),
        ("value: 1.5 T", "value: 1 GiB", r"board.yaml: peak.int8.value: '1 GiB' is no number of operations a second"),
        ("value: 1.5 T", "value: 1 GHz", r"board.yaml: peak.int8.value: '1 GHz' is no number of operations a second"),
        ("value: 1.5 T", "value: null", r"board.yaml: peak.int8.value: has no value; write one such as 312 T"),
        ("value: 320 GB", "value: null", r"board.yaml: bandwidth.value: has no value"),
        (
            "  int8: {value: 1.5 T",
            "\tint8: {value: 1.5 T",
            r"board.yaml:7: not YAML: a tab stands where YAML takes spaces only",
        ),
        (GOOD[GOOD.index("energy:") :], "energy:\n", r"board.yaml: energy: is not a mapping"),
        (GOOD[GOOD.index("energy:") :], "energy: {}\n", r"board.yaml: energy: is empty; its keys are mac, byte"),
        ("overhead:", 'bandwidth: {value: 1, source: "x"}\noverhead:', r"board.yaml:11: not YAML: the key 'bandwidth'"),
        ("kind: npu", "kind: npu\nkind: gpu", r"board.yaml:4: not YAML: the key 'kind' stands twice"),
        ("kind: npu", "kind: [", r"board.yaml:\d+: not YAML: "),
        ("kind: npu", "kind: !!python/object:os.system x", r"board.yaml:\d+: not YAML: "),
        ("memory:\n", "memory: 3\nnotes:\n", r"board.yaml: memory: is not a mapping; its keys are device"),
    ],
)
def test_every_mistake_is_named_with_its_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(HardwareError, match=message):
        read_profile(written(tmp_path, GOOD.replace(old, new, 1)))


@pytest.mark.parametrize(("old", "key"), [("kind: npu", "kind: "), ("value: 1.5 T", "value: ")])
def test_aliases_do_not_multiply_what_is_read(tmp_path: Path, old: str, key: str) -> None:
    rows = ["&a0 [x]", *(f"&a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))]
    with pytest.raises(HardwareError, match="an alias stands for a list or a mapping"):
        read_profile(written(tmp_path, GOOD.replace(old, f"{key}[{', '.join(rows)}]")))


def test_an_alias_of_a_text_is_read(tmp_path: Path) -> None:
    text = GOOD.replace('"datasheet, page 3"', '&sheet "datasheet"').replace('"datasheet, page 4"', "*sheet")
    profile = read_profile(written(tmp_path, text))
    assert profile.bandwidth is not None and profile.peak["int8"].source == profile.bandwidth.source == "datasheet"


def test_what_is_no_profile_at_all(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="cannot be read: No such file"):
        find_profile(str(tmp_path / "none.yaml"))
    with pytest.raises(HardwareError, match="is not a mapping; a profile has the keys name"):
        read_profile(written(tmp_path, "- 1"))
    with pytest.raises(HardwareError, match="the file is too large for a profile"):
        read_profile(written(tmp_path, "#" * (1 << 21)))


@pytest.mark.parametrize("sign", ["\\e[31m", "\\ufeff", "\\u202e", "\\x01"])
def test_a_name_steers_no_terminal(tmp_path: Path, sign: str) -> None:
    """YAML's own escapes, in the name and in a source."""
    text = GOOD.replace('"datasheet, page 3"', f'"data{sign}sheet"')
    for with_sign in (GOOD.replace("name: Board", f'name: "Bo{sign}ard"'), text):
        with pytest.raises(HardwareError, match="not printable") as error:
            read_profile(written(tmp_path, with_sign))
        assert str(error.value).isprintable()


@pytest.mark.parametrize("peak", ["1.5 T", "1.5 TOPS", "1.5 TOP/s", "1.5TFLOPS", "1.5 TFLOP/s"])
def test_rates_may_have_their_units(tmp_path: Path, peak: str) -> None:
    text = GOOD.replace("value: 1.5 T", f"value: {peak}").replace("value: 320 GB", "value: 320 GB/s")
    profile = read_profile(written(tmp_path, text))
    assert profile.peak["int8"].value == 1_500_000_000_000
    assert profile.bandwidth is not None and profile.bandwidth.value == 320_000_000_000
