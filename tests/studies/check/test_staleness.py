"""What a rewritten lock file would say differently, in sentences, as `lock --check` prints them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import call

import costcalc

NET = "name: Net\nparams: {units: 4}\ninput: [N, 3]\nlayers:\n  - linear: {units: units, as: first}\n  - relu\n"


@pytest.fixture(autouse=True)
def locked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder whose lock file holds net.yaml as it is."""
    (here / "net.yaml").write_text(NET, encoding="utf-8")
    config("net.yaml")
    assert call(capsys, "lock")[0] == 0


def config(*models: str) -> None:
    Path("costcalc.yaml").write_text("models:\n" + "".join(f"  - {model}\n" for model in models), encoding="utf-8")


def differences(capsys: pytest.CaptureFixture[str], *models: str) -> list[str]:
    """What `lock --check` says of the models."""
    return [line.strip() for line in call(capsys, "lock", "--check", *models)[1].splitlines()[1:]]


def test_nothing_where_the_file_would_stay_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert differences(capsys) == []


def test_each_total_that_differs(capsys: pytest.CaptureFixture[str]) -> None:
    config("{path: net.yaml, dims: {N: 2}}")
    found = differences(capsys)
    assert found[0] == f"net.yaml: macs {3 * 4} → {2 * 3 * 4}"
    assert "net.yaml: bound symbols {N: 1} → {N: 2}" in found
    assert "net.yaml: settings none → {dims: {N: 2}}" in found
    assert not any("params" in line for line in found)


def test_a_model_that_is_new_and_one_that_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    config("net.yaml", "{path: lenet5, scenarios: {batch8: {dims: {N: 8}}}}")
    assert differences(capsys) == ["lenet5 (batch8): it is not locked yet"]
    assert differences(capsys, "net.yaml") == []
    config("lenet5")
    gone = "net.yaml: it is locked, but no longer a model of the config"
    assert differences(capsys) == ["lenet5: it is not locked yet", gone]
    assert [note for note in costcalc.check().notes if gone in note]


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ("dims: {N: 1}", "{dims: {N: 1}}"),
        ("set: {units: 4}", "{set: {units: 4}}"),
        ("shapes: {input: [1, 3]}", "{shapes: {input: [1, 3]}}"),
        ("symbolic: true, dims: {N: 1}", "{dims: {N: 1}, symbolic: true}"),
    ],
)
def test_settings_with_equal_totals(options: str, settings: str, capsys: pytest.CaptureFixture[str]) -> None:
    config(f"{{path: net.yaml, {options}}}")
    assert f"net.yaml: settings none → {settings}" in differences(capsys)


def test_layers_with_equal_totals(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.yaml").write_text(NET.replace("first", "stem"), encoding="utf-8")
    assert differences(capsys) == ["net.yaml: with equal totals, other layers: stem, relu"]
