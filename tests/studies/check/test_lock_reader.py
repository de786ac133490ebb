"""Lock files that are broken, of something else or newer are refused with fact, remedy and place."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cli import ok
from support.paths import DATA

from costcalc.rules import LoadError
from costcalc.studies.check import lock_file

GOOD = ok("lock", "lenet5", "-o", "-")


def refused(text: str | bytes) -> str:
    with pytest.raises(LoadError) as found:
        lock_file.parse_lock(text, "costcalc.lock.json")
    assert found.value.fact and found.value.remedy and found.value.place.startswith("costcalc.lock.json")
    return str(found.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "costcalc.lock.json:1:1: the file is empty or cut short; write it anew with `costcalc lock`"),
        ("{", "cut short"),
        ("[]", "it is no lock file of costcalc; name a file that `costcalc lock` wrote"),
        ('{"models": {}}', "no lock file of costcalc"),
        ('{"format_version": true, "models": {}}', "no lock file of costcalc"),
        ('{"format_version": 1, "models": []}', "no lock file of costcalc"),
        (
            '{"format_version": 7, "costcalc": "9.1", "models": {}}',
            "it is of format 7, written by costcalc 9.1; update",
        ),
        ("version https://git-lfs.github.com/spec/v1", ":1:1: it is no lock file of costcalc"),
        (b"\xff\xfe{", "not UTF-8"),
        ('{"format_version": NaN}', "NaN is no number"),
        ("[" * 100_000, "no lock file"),
        (GOOD.replace('"macs": ', '"macs": "f(', 1).replace(",", '",', 1), "it is not JSON"),
        (
            GOOD.replace('"macs": ', '"macs": null, "x": ', 1),
            "lenet5: macs: the lock file is broken: a number is missing",
        ),
        (
            GOOD.replace('["input", "float32"', '["other", "float32"'),
            "layer 1 C1: the lock file is broken: nothing before",
        ),
        (GOOD.replace('"op": "Conv"', '"op": 5', 1), "layer 1 C1: the lock file is broken: a name is missing"),
        (GOOD.replace('"op": "Conv", "in":', '"op": "Conv", "an":', 1), "a list is missing"),
        (GOOD.replace('"attributes": {', '"attributes": {"x": {}, ', 1), "an attribute is a mapping"),
        (GOOD.replace('"macs": 117600', '"macs": "1 +"', 1), "'1 +' is no formula"),
    ],
)
def test_what_is_refused(text: str | bytes, said: str) -> None:
    assert said in refused(text)


def test_a_merge_conflict_has_its_own_remedy() -> None:
    lines = GOOD.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith('"macs"'))
    lines[at : at + 1] = ["<<<<<<< HEAD", lines[at], "=======", '"macs": 7,', ">>>>>>> branch"]
    message = refused("\n".join(lines))
    assert message == (
        f"costcalc.lock.json:{at + 1}: a merge left its conflict in the file; run `costcalc lock`: it is written anew "
        "from the models"
    )


@pytest.mark.parametrize("missing", ["title", "source", "inputs", "layers", "totals"])
def test_a_missing_part_is_named(missing: str) -> None:
    assert f"lenet5: {missing}: the lock file is broken" in refused(GOOD.replace(f'"{missing}":', '"other":', 1))


@given(st.integers(0, len(GOOD) - 4))
@settings(deadline=None, max_examples=60)
def test_a_file_that_is_cut_anywhere_is_refused(length: int) -> None:
    refused(GOOD[:length])


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(list('{}[]",:0x-~') + ["null", ""]))
@settings(deadline=None, max_examples=200)
def test_a_damaged_character_is_no_traceback(at: int, other: str) -> None:
    try:
        lock_file.parse_lock(GOOD[:at] + other + GOOD[at + 1 :], "f")
    except LoadError as error:
        assert error.remedy


def test_a_byte_order_mark_and_other_line_ends_do_no_harm() -> None:
    assert (
        lock_file.parse_lock(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), "f").entries
        == lock_file.parse_lock(GOOD, "f").entries
    )


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"there is no lock file .*; write it with `costcalc lock`"):
        lock_file.read_lock(tmp_path / "costcalc.lock.json")
    with pytest.raises(LoadError, match="cannot be read"):
        lock_file.read_lock(tmp_path)


def test_a_lock_with_broken_figures_is_refused() -> None:
    good = (DATA / "lock" / "costcalc.lock.json").read_text(encoding="utf-8")
    for figures in ('{"time.t4": {"value": 1}}', '{"tame": {"value": 1}}', '{"macs": {"value": 1, "certainty": "x"}}'):
        text = good.replace('"layers": [', f'"figures": {figures},\n"layers": [', 1)
        with pytest.raises(LoadError, match="write it anew with `costcalc lock`"):
            lock_file.parse_lock(text, "f")
    with pytest.raises(LoadError, match="has no setting 'fus'"):
        lock_file.parse_lock(good.replace('"settings": {', '"settings": {"execution": {"fus": true}, ', 1), "f")
