"""Small networks of TensorFlow Lite's operators against the shapes that the LiteRT interpreter gives.

tests/tflite_models holds the networks, and make.py there made the files. No interpreter is needed here.
"""

from __future__ import annotations

import json

import pytest
from support.paths import DATA

import costcalc
from costcalc.core.ir import Graph

FOLDER = DATA / "tflite"
FIGURES = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))
RESIZED = [name for name, figures in FIGURES.items() if "resized" in figures]

MACS = {
    "convolutions": 30 * 36 * 8 + 30 * 9 * 16 + 6 * 4 * 6 * 16 + 120 * 36 * 4 + 30 * 8 * 45,
    "volumes": 4 * 3 * 3 * 4 * 54 + 4 * 3 * 3 * 4 * 81,
    "products": 12 * 6 * 8 + 12 * 5 * 8 + 3 * 6 * 8 * 4 + 3 * 4 * 4 * 6,
    "arithmetic": 0,
    "reductions": 0,
    "arrangement": 0,
    "slices": 0,
    "shapes": 2 * 24 * 3,
    "recurrent": 10 * (4 * 24 + 4 * 16) + 10 * (18 + 9) + 2 * (18 + 9) + 2 * (48 + 40),
    "quantised": 16 * 27 * 8 + 32 + 12,
}
"""Multiplications of each network's products, written out by hand."""


def shapes_of(graph: Graph) -> dict[str, list[object]]:
    """The shapes of all values that operators compute."""
    names = [name for node in graph.nodes for name in node.outputs]
    return {name: list(graph.types[name].shape or ()) for name in names}


STRAIGHT = [name for name in FIGURES if name != "control"]


@pytest.mark.parametrize("name", STRAIGHT)
def test_every_operator_is_known_and_gives_the_shapes_in_the_file(name: str) -> None:
    report = costcalc.analyze(FOLDER / f"{name}.tflite")
    assert not report.unknown
    assert not [note for note in report.notes if "costcalc's rules" in note]
    assert shapes_of(report.graph) == FIGURES[name]["shapes"]


@pytest.mark.parametrize("name", RESIZED)
def test_resized_inputs_give_the_shapes_of_the_interpreter(name: str) -> None:
    resized = FIGURES[name]["resized"]
    report = costcalc.analyze(FOLDER / f"{name}.tflite", shapes=resized["inputs"])
    assert not report.unknown
    assert shapes_of(report.graph) == resized["shapes"]


@pytest.mark.parametrize("name", STRAIGHT)
def test_macs(name: str) -> None:
    assert costcalc.analyze(FOLDER / f"{name}.tflite").macs == MACS[name]


def test_a_branch_and_a_loop_run_their_subgraphs() -> None:
    """Of the IF the product counts, of the WHILE one product each time; CALL_ONCE runs in no inference."""
    report = costcalc.analyze(FOLDER / "control.tflite")
    assert not report.unknown
    assert str(report.macs) == "72*trips + 72"
    assert costcalc.analyze(FOLDER / "control.tflite", dims={"trips": 3}).macs == 4 * 72


def test_all_files_are_small() -> None:
    assert all(path.stat().st_size < 10_000 for path in FOLDER.glob("*.tflite"))
