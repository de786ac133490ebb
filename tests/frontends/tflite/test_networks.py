"""Small networks of TensorFlow Lite's operators against the shapes that the LiteRT interpreter gives.

tests/tflite_models holds the networks, and make.py there made the files. No interpreter is needed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.paths import DATA

import costcalc
from costcalc import ops
from costcalc.core import registry
from costcalc.core.ir import Graph
from costcalc.frontends.tflite.model import OperatorCall, read_model
from costcalc.frontends.tflite.operators import BUILTIN_OPERATORS

FOLDER = DATA / "tflite"
FIGURES = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))
RESIZED = [name for name, figures in FIGURES.items() if "resized" in figures]

MACS = {
    "convolutions": 30 * 36 * 8 + 30 * 9 * 16 + 6 * 4 * 6 * 16 + 120 * 36 * 4 + 30 * 8 * 45,
    "volumes": 4 * 3 * 3 * 4 * 54 + 4 * 3 * 3 * 4 * 81,
    "products": 12 * 6 * 8 + 12 * 5 * 8 + 3 * 6 * 8 * 4 + 3 * 4 * 4 * 6,
    "shapes": 2 * 24 * 3,
    "control": 72 + 3 * 72,
    "recurrent": 10 * (4 * 24 + 4 * 16) + 10 * (18 + 9) + 2 * (18 + 9) + 2 * (48 + 40),
    "quantised": 16 * 27 * 8 + 32 + 12,
    "lstm_full": 2 * (4 * 5 * 6 + 4 * 5 * 3 + 3 * 5),
    "lstm_coupled": 2 * (3 * 4 * 6 + 3 * 4 * 4),
    "lstm_basic": 16 * (6 + 4),
    "lstm_sequence": 10 * (4 * 5 * 6 + 4 * 5 * 3 + 3 * 5),
    "lstm_normalised": 10 * (3 * 4 * 6 + 3 * 4 * 4),
    "lstm_hybrid": 10 * (4 * 4 * 6 + 4 * 4 * 4),
    "lstm_both": 2 * 10 * (4 * 4 * 6 + 4 * 4 * 4),
    "lstm_merged": 2 * 10 * (4 * 4 * 6 + 4 * 4 * 4),
    "rnn_both": 2 * 10 * (4 * 6 + 4 * 4 + 3 * 6 + 3 * 3),
    "svdf_hybrid": 2 * (8 * 6 + 8 * 5),
    "sparse_lookup": 3 * 5,
    "trained_weights": 2 * 4 * 6,
    "hlo_products": 2 * 4 * 3 * 7 * 5 + 6 * 5 * 8 * 2 * 9 + 19 * 17 * 6 * 9 * 4,
    "hlo_case": 3 * 2 * 6 * 6,
    "hybrid_products": 5 * 8 * 16 + 5 * 4 * 8,
    "hybrid_convolutions": 64 * 6 * 36 + 36 * 6 * 9,
    "hybrid_batch_product": 2 * 3 * 5 * 8,
    "four_bits": 3 * 8 * 32 + 3 * 4 * 8,
    "sixteen_by_eight": 36 * 4 * 27 + 2 * 4,
    "half_weights": 36 * 4 * 27 + 36 * 2 * 4,
    "grouped": 36 * 4 * 18,
    "integer_convolutions": 36 * 8 * 9 + 9 * 8 * 4 * 9,
    "adjoints": 6 * 6 * 5 * 4 + 6 * 4 * 6 * 5 + 6 * 6 * 6 * 4,
    "dimensions": 24 * 7 * 5 + 6 * 3 * 28,
    "sparse_weights": 2 * 3 * 8 + 2 * 2 * 3,
    "hlo_calls": 2 * 2 * 6 * 6,
    "separable": 64 * 8 * 27 + 64 * 8 * 9 + 64 * 16 * 8 + 5 * 16,
    "counted": 4 * 2 * 6 * 6,
    "mediapipe": 16 * 4 * 6 * 4,
}
"""Multiplications of each network's products, written out by hand; the others have none."""

UNKNOWN = {
    "projection": ["LSH_PROJECTION"],
    "detection": ["TFLite_Detection_PostProcess"],
    "spectrogram": ["Mfcc"],
    "flex": ["MatrixInverse"],
    "compiled": ["ethos-u"],
}
"""Operators whose cost cannot be told, by network."""


def shapes_of(graph: Graph) -> dict[str, list[object]]:
    """The shapes of all values that operators compute."""
    names = [name for node in graph.nodes for name in node.outputs]
    return {name: list(graph.types[name].shape or ()) for name in names}


def check_shapes(name: str, figures: dict[str, Any], **options: Any) -> None:
    """All tensors of the interpreter's first subgraph have its shapes here, and no operator is unknown."""
    report = costcalc.analyze(FOLDER / f"{name}.tflite", dims=FIGURES[name].get("dims", {}), **options)
    assert [unknown.op_type for unknown in report.unknown] == UNKNOWN.get(name, [])
    assert not [note for note in report.notes if "costcalc's rules" in note]
    shapes = shapes_of(report.graph)
    assert {key: shapes[key] for key in figures["shapes"]} == figures["shapes"]


@pytest.mark.parametrize("name", FIGURES)
def test_every_operator_gives_the_shapes_of_the_interpreter(name: str) -> None:
    check_shapes(name, FIGURES[name])


@pytest.mark.parametrize("name", RESIZED)
def test_resized_inputs_give_the_shapes_of_the_interpreter(name: str) -> None:
    resized = FIGURES[name]["resized"]
    check_shapes(name, resized, shapes=resized["inputs"])


@pytest.mark.parametrize("name", FIGURES)
def test_macs(name: str) -> None:
    macs = costcalc.analyze(FOLDER / f"{name}.tflite", dims=FIGURES[name].get("dims", {})).macs
    assert getattr(macs, "value", macs) == MACS.get(name, 0)  # of an unknown operator at least so many


def test_the_networks_have_every_operator() -> None:
    """Each builtin operator with a cost rule, and each that costs nothing."""
    ops.load_families()
    used = {call.name for path in FOLDER.glob("*.tflite") for call in calls_of(path.read_bytes())}
    costed = {name for domain, name in registry.COST_RULES if domain == "tflite"}
    free = {name for domain, name in registry.FREE_OPS if domain == "tflite"}
    assert costed - used == set()
    assert free - used == set()


def test_every_operator_of_the_schema_has_a_state() -> None:
    ops.load_families()
    states = (registry.COST_RULES, registry.FREE_OPS, registry.UNKNOWN_REASONS)
    stateless = [name for name in BUILTIN_OPERATORS if not any(("tflite", name) in state for state in states)]
    assert stateless == ["CUSTOM"]  # it stands for the custom operators, each under its own name


def calls_of(content: bytes) -> Iterator[OperatorCall]:
    """All calls of a file, of its subgraphs too."""
    for subgraph in read_model(content).subgraphs:
        yield from subgraph.operators


def test_a_branch_and_a_loop_run_their_subgraphs() -> None:
    """Of the IF the product counts, of the WHILE one product each time; CALL_ONCE runs in no inference."""
    report = costcalc.analyze(FOLDER / "control.tflite")
    assert not report.unknown
    assert str(report.macs) == "72*trips + 72"
    assert costcalc.analyze(FOLDER / "control.tflite", dims={"trips": 3}).macs == 4 * 72


SEPARABLE = """
name: separable
input: [1, 3, 16, 16]
layers:
  - conv: {filters: 8, kernel: 3, stride: 2, pad: same}
  - relu
  - depthwise_conv: {kernel: 3, pad: same}
  - relu
  - pointwise_conv: {filters: 16}
  - global_avg_pool
  - flatten
  - linear: {units: 5}
"""


def test_the_network_that_a_file_came_from(tmp_path: Path) -> None:
    """Channels first or last, the same MACs, parameters and weight bytes; diff aligns each layer that multiplies."""
    path = tmp_path / "separable.yaml"
    path.write_text(SEPARABLE)
    yaml, tflite = (costcalc.analyze(model) for model in (path, FOLDER / "separable.tflite"))
    for key in ("macs", "params", "weight_bytes", "peak_activation_bytes"):
        assert yaml.to_dict()["totals"][key] == tflite.to_dict()["totals"][key]
    document = costcalc.diff(path, FOLDER / "separable.tflite").to_dict()
    changes = {layer["after"]: layer["status"] for layer in document["layers"]}
    assert [changes[f"main/{name}:0"] for name in ("CONV_2D_0", "DEPTHWISE_CONV_2D_1", "CONV_2D_2")] == ["changed"] * 3
    assert changes["main/FULLY_CONNECTED_4:0"] == "changed"


def test_all_files_are_small() -> None:
    assert all(path.stat().st_size < 10_000 for path in FOLDER.glob("*.tflite"))
