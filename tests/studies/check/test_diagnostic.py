"""A file of a model that is not saved, and a config with several errors -> their diagnostics."""

from pathlib import Path

import jsonschema
import pytest
import yaml
from support.check_results import layer, snapshot

from costcalc.core.errors import ConfigError, SpecError
from costcalc.studies.check.case import layer_place
from costcalc.studies.check.config_file import diagnose_config, parse_config
from costcalc.studies.check.config_schema import config_schema
from costcalc.studies.check.diagnostic import check_file, diagnostic_of, diagnostics_of
from costcalc.studies.check.verdict import SourcePlace, parse_place

NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, pad: same}\n  - relu\n"
MACS = 4 * 8 * 8 * 3 * 3 * 3


def codes(config_text: str, folder: Path, file: str = "net.yaml", text: str = NET) -> list[str]:
    config = parse_config(config_text.encode(), "costcalc.yaml", folder)
    checks = check_file(config, folder / file, text.encode())
    return [d.code for check in checks for d in diagnostics_of(check)]


@pytest.mark.parametrize("entry", ["net.yaml", "./net.yaml", "*.yaml", "**/*.yaml", "{path: net.yaml, name: x}"])
def test_limits_hold_the_text_of_the_editor(entry: str, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("no model")
    limits = f"models: [{entry!r}]".replace("'{", "{").replace("}'", "}")
    assert codes(f"{limits}\nlimits: {{macs: {MACS}}}\n", tmp_path) == []
    assert codes(f"{limits}\nlimits: {{macs: {MACS - 1}}}\n", tmp_path) == ["CC001"]


def test_a_model_that_no_entry_names_has_no_limit(tmp_path: Path) -> None:
    assert codes("models: [other.yaml, sub/*.yaml]\nlimits: {macs: 1}\n", tmp_path) == []


def test_each_scenario_has_its_own_diagnostic(tmp_path: Path) -> None:
    config_text = "models:\n- path: net.yaml\n  limits: {macs: 1}\n  scenarios: {one: {}, eight: {dims: {N: 8}}}\n"
    config = parse_config(config_text.encode(), "costcalc.yaml", tmp_path)
    found = [d for check in check_file(config, tmp_path / "net.yaml", NET.encode()) for d in diagnostics_of(check)]
    assert [d.scenario for d in found] == ["one", "eight"]
    assert f"{8 * MACS:,}" in found[1].message
    assert found[0].place[1:] == (3, 5)
    assert found[0].limit_place is not None
    assert found[0].limit_place.line == 3


def test_an_error_has_its_place_and_its_layer() -> None:
    error = SpecError("fact", "remedy", "net.yaml:3:5: conv1 (conv)")
    diagnostic = diagnostic_of(error, "net.yaml")
    assert (diagnostic.code, diagnostic.place[1:], diagnostic.layer) == ("SpecError", (3, 5), "conv1 (conv)")
    assert diagnostic.message == "fact; remedy"


@pytest.mark.parametrize("line", ["9" * 5_000, "²", ""])
def test_a_line_that_is_no_number_is_no_place(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_place(f"net.yaml:{line}:5") is None
    error = SpecError("fact", "remedy", f"net.yaml:3:{line}: conv1 (conv)")
    assert diagnostic_of(error, "net.yaml").place == SourcePlace("net.yaml")
    one = layer("conv1", 8, 6_400, place=f"net.py:{line}")
    assert layer_place(one, snapshot(one)) is None


def test_all_errors_of_a_config_are_told() -> None:
    text = b"""modls: 3
models:
  - path: a.yaml
    limits: {mcas: 1M, params: many}
    fuse: perhaps
  -
  - path: b.yaml
    scenarios: {s: {dtype: int9}}
limits: {macs: 1M, flops: none}
select: [CC9]
"""
    config, errors = diagnose_config(text, "costcalc.yaml", Path())
    places = [error.place.removeprefix("costcalc.yaml:") for error in errors]
    assert sorted(places, key=lambda place: [int(n) for n in place.split(":")]) == [
        "1:1",
        "4:14",
        "4:32",
        "5:11",
        "6:4",
        "8:28",
        "10:10",
    ]
    assert all(isinstance(error, ConfigError) for error in errors)
    assert config is not None
    assert [entry.path for entry in config.entries] == ["a.yaml", "b.yaml"]


def test_the_schema_of_configs_takes_what_the_reader_takes() -> None:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    text = """models:
  - models/*.yaml
  - path: net.yaml
    dims: {N: 8}
    dtype: int8
    training: {optimizer: sgd}
    devices: [t4]
    limits: {macs: 1M, time: {t4: 2 ms}, fits: [t4]}
    scenarios: {small: {set: {alpha: 0.5}}}
max_increase: 2%
warn: [CC001]
"""
    parse_config(text.encode(), "costcalc.yaml", Path())
    jsonschema.validate(yaml.safe_load(text), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"models": [], "limits": {"mcas": 1}}, schema)
