"""[tool.costcalc] says the same as costcalc.yaml, and its errors have lines too."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from costcalc import CostcalcError
from costcalc.studies.check.config_file import read_config_file

TOML = """\
[project]
name = "x"
dependencies = ["models"]

[tool.costcalc]
ignore = ["CC005"]
max_increase = "5%"
limits = {macs = "600M", params = 5_000_000, time = {t4 = "2.1 ms"}}

[[tool.costcalc.models]]
path = "models/*.yaml"
set = {alpha = 0.50, bias = true}
limits.weight_bytes = "4.2 MiB"

[[tool.costcalc.models]]
path = "lstm_classifier"
[tool.costcalc.models.scenarios.short]
dims = {seq = 8}
[tool.costcalc.models.scenarios.long]
dims = {seq = 128}
limits = {macs = "1G"}
"""
YAML = """\
ignore: [CC005]
max_increase: 5%
limits: {macs: 600M, params: 5000000, time: {t4: 2.1 ms}}
models:
  - path: models/*.yaml
    set: {alpha: 0.50, bias: true}
    limits: {weight_bytes: 4.2 MiB}
  - path: lstm_classifier
    scenarios:
      short: {dims: {seq: 8}}
      long: {dims: {seq: 128}, limits: {macs: 1G}}
"""


def placeless(found: Any) -> Any:
    entries = []
    for entry in found.entries:
        budget = entry.budget
        entries.append(
            replace(
                entry,
                place=None,
                budget=replace(
                    budget,
                    limits=tuple(x._replace(place=None) for x in budget.limits),
                    increases=tuple(x._replace(place=None) for x in budget.increases),
                ),
            )
        )
    return replace(found, file="", entries=tuple(entries))


def both(tmp_path: Path) -> tuple[Any, Any]:
    (tmp_path / "pyproject.toml").write_text(TOML)
    (tmp_path / "costcalc.yaml").write_text(YAML)
    return read_config_file(tmp_path / "pyproject.toml"), read_config_file(tmp_path / "costcalc.yaml")


def test_both_forms_say_the_same(tmp_path: Path) -> None:
    toml, yaml = both(tmp_path)
    assert placeless(toml) == placeless(yaml)


def test_keys_have_the_lines_where_they_stand(tmp_path: Path) -> None:
    toml, _ = both(tmp_path)
    lines = TOML.splitlines()
    first, short, long = toml.entries
    for limit, text in zip(first.budget.limits, ("macs =", "params =", "weight_bytes =", "t4 ="), strict=True):
        assert limit.place is not None
        assert lines[limit.place.line - 1][limit.place.column - 1 :].startswith(text)
    assert long.budget.limits[0].place is not None
    assert lines[long.budget.limits[0].place.line - 1] == 'limits = {macs = "1G"}'
    assert short.place is not None
    assert lines[short.place.line - 1] == "[tool.costcalc.models.scenarios.short]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.costcalc]\nmodels = ['a']\nlimits = {mac = 1}", r":3:11: .*did you mean 'macs'"),
        ("[tool.costcalc]\nmodels = [", "not TOML"),
        ("[tool.other]\n", "no table"),
        ("[tool.costcalc]\nmodels = ['a']\nlimits = 3", r":3:1: `limits:` is no mapping"),
    ],
)
def test_errors_have_their_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(CostcalcError, match=said):
        read_config_file(tmp_path / "pyproject.toml")
