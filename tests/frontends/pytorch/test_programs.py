"""Exported programs of PyTorch against what PyTorch itself says of them: MACs by FlopCounterMode, parameters by numel.

tests/pytorch_programs holds the modules, and make.py there made the files. No torch is needed here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from support.cli import environment

import costcalc
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType
from costcalc.frontends.pytorch.translate.call import TRANSLATIONS, CallSite

FOLDER = Path(__file__).parents[2] / "data" / "pt2"
FIGURES = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FIGURES)
def test_every_call_is_known(name: str) -> None:
    """No unknown operator, and no call whose types by costcalc's rules differ from the program's (a note tells)."""
    report = costcalc.analyze(FOLDER / f"{name}.pt2")
    assert not report.unknown
    assert not [note for note in report.notes if "costcalc's rules" in note]


@pytest.mark.parametrize("name", FIGURES)
def test_macs_and_parameters_are_those_of_pytorch(name: str) -> None:
    figures = FIGURES[name]
    report = costcalc.analyze(FOLDER / f"{name}.pt2", dims=figures.get("dims", {}))
    assert report.params == figures["params"]
    assert report.macs == figures["macs"]


def test_an_element_type_that_differs_makes_a_call_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shape that differs: one of the two, costcalc's rules or the program, is wrong."""

    def relu(call: CallSite) -> None:
        call.emit("Cast", [call.tensor("self")], {"to": DType.FLOAT16.code})

    monkeypatch.setitem(TRANSLATIONS, "aten.relu", relu)
    report = costcalc.analyze(FOLDER / "networks_classifier.pt2")
    assert any("float16 for float32" in note for note in report.notes)
    assert [unknown.op_type for unknown in report.unknown] == ["relu?"]


def test_a_region_that_gives_more_than_its_call_takes_is_unknown(tmp_path: Path) -> None:
    """Which of its values stand for the call's outputs is not known: nothing is taken by its place in a list."""
    path = tmp_path / "region.pt2"
    with ZipFile(FOLDER / "control_regions.pt2") as old, ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("model.json"):
                program = json.loads(data)
                (region,) = [
                    argument["arg"]["as_graph"]["graph"]
                    for argument in program["graph_module"]["graph"]["nodes"][0]["inputs"]
                    if "as_graph" in argument["arg"]
                ]
                region["outputs"] = region["outputs"] * 2
                data = json.dumps(program).encode()
            new.writestr(name, data)
    report = costcalc.analyze(path)
    assert report.lower_bound and [unknown.op_type for unknown in report.unknown] == ["wrap_with_set_grad_enabled?"]
    assert any("has 1 outputs, its graph gives 2" in note for note in report.notes)


def test_a_call_of_a_form_without_a_rule_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """No size differs: the note says what it is, and asks for no report."""

    def refuse(call: CallSite) -> None:
        raise LoadError("there is no rule for it", "leave it out")

    monkeypatch.setitem(TRANSLATIONS, "aten.linear", refuse)
    report = costcalc.analyze(FOLDER / "networks_classifier.pt2")
    note = "1 call is of a form that costcalc has no rule for, and counts as unknown (fc: there is no rule for it)"
    assert note in report.notes
    assert [unknown.op_type for unknown in report.unknown] == ["linear?"]


def test_families_that_are_imported_later_change_no_translation() -> None:
    """An overload whose operator a common family has would be taken for the operator."""
    code = (
        "from costcalc.frontends.pytorch import translate\n"
        "from costcalc.frontends.pytorch.translate.call import TRANSLATIONS\n"
        "common = dict(TRANSLATIONS)\n"
        "translate.load_families()\n"
        "assert len(TRANSLATIONS) > len(common) and TRANSLATIONS | common == TRANSLATIONS\n"
        "later = TRANSLATIONS.keys() - common.keys()\n"
        "assert not [name for name in later if name.count('.') > 1 and name.rpartition('.')[0] in common]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
