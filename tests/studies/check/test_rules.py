"""The rules of `check`: each has a code, words of its own and a level."""

from __future__ import annotations

import pytest

from costcalc.core.quantities import CATALOGUE
from costcalc.rules import UsageError
from costcalc.studies.check.budget import RuleLevels
from costcalc.studies.check.rules import CODES, INCREASES, RULES, find_rule, rule_level


def test_every_quantity_has_a_rule_of_its_own() -> None:
    assert len(set(CODES.values())) == len(CODES) and not {10, 11, 12} & set(CODES.values())
    assert [f"CC{number:03}" in RULES for number in CODES.values()] == [True] * len(CODES)
    assert set(CATALOGUE) - set(INCREASES) == {"fits", "training_fits", "generation_fits"}
    assert "estimate from what the device was measured to draw" in RULES["CC016"].meaning
    assert "measured" not in RULES["CC041"].meaning, "bytes that are sent are no energy"
    assert "--max cpu_macs.ethos-u55-128=0" in RULES["CC042"].remedy, "a device with an NPU"
    assert "--require fits.t4" in RULES["CC017"].remedy and "`min: " in RULES["CC027"].remedy


def test_prefixes_select_ignore_and_lower_but_never_what_cannot_be_told() -> None:
    assert [
        rule_level("CC001", RuleLevels(*given))
        for given in (
            ((), (), ()),
            (("CC001",), (), ()),
            (("CC002",), (), ()),
            ((), ("CC0",), ()),
            (("CC001",), ("CC0",), ()),
            (("CC0",), ("CC001",), ()),
            ((), (), ("CC0",)),
        )
    ] == ["error", "error", "", "", "error", "", "warning"]
    assert rule_level("CC101", RuleLevels(("CC001",), ("CC1",), ("CC1",))) == "error"


def test_every_rule_has_its_own_words() -> None:
    assert list(RULES) == sorted(RULES)
    assert len({rule.meaning for rule in RULES.values()}) == len(RULES)
    assert find_rule("cc001").name == "MACs"
    with pytest.raises(UsageError, match="no rule 'CC00'"):
        find_rule("CC00")
