"""Limits and increases as the command line writes them: the quantity, its unit and its device."""

from __future__ import annotations

from fractions import Fraction

import pytest

from costcalc.rules import UsageError
from costcalc.studies.check.budget import Increase, Limit
from costcalc.studies.check.limits import parse_delta, parse_increases, parse_limit, parse_limits


@pytest.mark.parametrize(
    ("text", "option", "limit"),
    [
        ("arena_bytes=256KiB", "--max", Limit("arena_bytes", 256 * 1024)),
        ("energy.stm32h743=1mJ", "--max", Limit("energy", Fraction(1, 1000), "stm32h743")),
        ("time.my/device.yaml=2.1 ms", "--max", Limit("time", Fraction(21, 10**4), "my/device.yaml")),
        ("training_macs=1.8G", "--max", Limit("training_macs", 1_800_000_000)),
        ("tokens_per_second.t4=50.5", "--min", Limit("tokens_per_second", Fraction(101, 2), "t4", None, True)),
        ("intensity=20", "--min", Limit("intensity", Fraction(20), minimum=True)),
        ("fits.stm32h743", "--require", Limit("fits", True, "stm32h743", None, True)),
        ("fits.stm32h743=true", "--max", Limit("fits", True, "stm32h743", None, True)),
        ("ops.Gelu=0", "--max", Limit("ops", 0, "Gelu")),
    ],
)
def test_a_limit_is_read_in_the_unit_of_its_quantity(text: str, option: str, limit: Limit) -> None:
    assert parse_limit(text, option) == limit


@pytest.mark.parametrize(
    ("text", "option", "words"),
    [
        ("arena=1", "--max", "did you mean 'arena_bytes'"),
        ("energy=1mJ", "--max", "write it as energy.t4=1mJ"),
        ("arena_bytes.t4=1", "--max", "write it as arena_bytes=256KiB"),
        ("energy.t4=1ms", "--max", "is no energy"),
        ("training_macs=1GiB", "--max", "is in bytes"),
        ("tokens_per_second.t4=50", "--max", "the better the more it is; hold it with --min tokens_per_second.t4=50"),
        ("macs=5", "--min", "macs is held from above"),
        ("macs", "--require", "use --max or --min"),
        ("fits.t4=no", "--require", "is no limit of what holds or does not"),
    ],
)
def test_what_cannot_be_held_is_refused(text: str, option: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_limit(text, option)


def test_increases_are_of_every_quantity_that_is_a_number() -> None:
    assert parse_increases("time.t4=2%") == [Increase("time", Fraction(1, 50), device="t4")]
    assert parse_increases("energy.t4=1 uJ") == [Increase("energy", None, Fraction(1, 10**6), device="t4")]
    assert parse_delta("time.t4=1 us") == (("time.t4",), Fraction(1, 10**6))
    with pytest.raises(UsageError, match=r"no quantity 'fits\.t4'"):
        parse_increases("fits.t4=0")
    with pytest.raises(UsageError, match=r"write time\.t4"):
        parse_increases("time=0")


def test_several_limits_stand_between_commas() -> None:
    texts = [("macs=1,000,params=2M, time.t4=2ms", "--max"), ("fits.t4,fits.a100", "--require")]
    keys = [[(limit.quantity, limit.subject) for limit in parse_limits(text, option, ())] for text, option in texts]
    assert keys == [[("macs", ""), ("params", ""), ("time", "t4")], [("fits", "t4"), ("fits", "a100")]]
    assert parse_limits("macs=1,000,params=2", "--max", ())[0] == parse_limit("macs=1000")
