"""`check --init` writes a config that the models as they are keep to, whatever the slack."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import run
from support.small_models import BROKEN, MACS, NET, TEXT, WIDER, mystery, write

from costcalc.core.units import format_ceiling, parse_magnitude
from costcalc.studies.check.config_file import read


@given(st.integers(0, 10**19), st.booleans())
def test_a_figure_rounded_up_is_read_back_as_no_less_and_hardly_more(value: int, in_bytes: bool) -> None:
    text = format_ceiling(value, in_bytes)
    assert value <= parse_magnitude(text) <= value + value // 90 + 1, "three digits are within 1 %"
    assert len([c for c in text if c.isdigit()]) <= (4 if in_bytes else 3) or value >= 10**18


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1000, "1k"), (1001, "1.01k"), (568740352, "569M")]
)
def test_the_text_is_human(value: int, text: str) -> None:
    assert format_ceiling(value) == text


@pytest.mark.parametrize("slack", ["0%", "25%", "0.001%"])
def test_the_models_as_they_are_always_pass_and_dearer_ones_do_not(
    here: Path, slack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, models__a_yaml=NET, models__deep__b_yaml=NET, models__config_yaml="key: value")
    write(here, node_modules__c_yaml=NET)
    assert run(["check", "--init", "--slack", slack]) == 0
    found = read("costcalc.yaml")
    assert [e.path for e in found.entries] == ["models/a.yaml", "models/deep/b.yaml"]
    most = {limit.quantity: limit.most for limit in found.entries[0].budget.limits}
    assert MACS * (1 + Fraction(slack[:-1]) / 100) <= most["macs"] <= MACS * Fraction(127, 100)
    assert "# now 4,000" in (here / "costcalc.yaml").read_text()
    assert run(["check"]) == 0
    write(here, models__a_yaml=NET.replace("filters: 2", "filters: 20"))
    assert run(["check"]) == 1


def test_an_existing_config_is_only_overwritten_by_force(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, a_yaml=NET, b_yaml=WIDER, costcalc_yaml="mine")
    assert run(["check", "--init", "a.yaml"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (here / "costcalc.yaml").read_text() == "mine"
    assert run(["check", "--init", "a.yaml", "mobilenet", "--force", "--dim", "N=2"]) == 0
    first, second = read("costcalc.yaml").entries
    assert (first.path, second.path, first.settings.dims) == ("a.yaml", "mobilenet", {"N": 2})
    assert run(["check"]) == 0
    assert run(["check", "--init", "b.yaml", "--config", "sub.yaml"]) == 0
    assert run(["check", "--config", "sub.yaml"]) == 0


def test_what_cannot_be_read_or_limited_is_written_as_a_comment(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, broken_yaml=BROKEN.replace("as: head", "as: head\n"), text_yaml=TEXT)
    mystery(here / "a b.onnx")
    assert run(["check", "--init"]) == 2
    assert "broken.yaml: cannot be read" in capsys.readouterr().err
    text = (here / "costcalc.yaml").read_text()
    assert '- path: "a b.onnx"' in text and '# allow: ["com.acme:Mystery"]' in text
    assert "dims: {seq: 128}" in text
    assert run(["check", "text.yaml"]) == 0
    assert run(["check", "a b.onnx"]) == 2, "an unknown operator is never allowed unasked"


def test_nothing_to_write(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--init"]) == 2
    assert "there is no .onnx or .yaml model here" in capsys.readouterr().err
    assert run(["check", "--init", "--config", "pyproject.toml"]) == 2
    assert run(["check", "--init", "--max", "macs=1", "mobilenet"]) == 2
