"""The JSON Schema accepts what the reader accepts, and refuses what is mistyped."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml
from support.layer_models import layer_model

from costcalc.frontends.builtin import builtin_models
from costcalc.frontends.yaml.layers.base import LAYERS
from costcalc.frontends.yaml.schema import json_schema
from costcalc.ops.schema import attribute_types


@cache
def validator() -> Any:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def valid(text: str) -> bool:
    return bool(validator().is_valid(yaml.safe_load(text)))


@pytest.mark.parametrize("model", builtin_models(), ids=lambda model: model.name)
def test_every_spec_is_valid(model: Any) -> None:
    errors = list(validator().iter_errors(yaml.safe_load(model.path.read_text(encoding="utf-8"))))
    assert not errors, jsonschema.exceptions.best_match(errors).message


@pytest.mark.parametrize(
    "layers",
    [
        "[conv: {filters: 8, kernel: 3}]",
        "[conv: {filters: 8, kernel: [3, 1], pad: same, bias: no, as: a}, {relu: {from: a}, as: b}]",
        "[relu, {add: {from: [input, relu]}}, {max_pool: {kernel: 2, when: false}}, {tanh: , from: relu}]",
        "[repeat: {times: 2, layers: [relu, {repeat: {times: 0, layers: [Relu]}}], as: a, from: input}]",
        "[residual: {body: [relu], shortcut: [{pointwise_conv: {filters: 3}}], merge: mul}]",
        "[branches: [[relu], []]]",
        "[branches: {paths: {a: [relu], b: []}, axis: -1}]",
        "[Conv: {from: [input, w, null], pads: [1, 1, 1, 1], group: 2}, {Clip: {from: [Conv, 0, 6]}}]",
        "[linear: {units: 4 * 8}, {reshape: {shape: [0, -1]}}, {upsample: {mode: linear}}]",
    ],
)
def test_valid(layers: str) -> None:
    assert valid(f"input: [N, 3, 8, 8]\nlayers: {layers}")


@pytest.mark.parametrize(
    "layers",
    [
        "[conv: {filter: 8, kernel: 3}]",
        "[conv: {kernel: 3}]",
        "[conv]",
        "[convv: {filters: 8, kernel: 3}]",
        "[rellu]",
        "[conv: {filters: 0, kernel: 3}]",
        "[conv: {filters: 8, kernel: 3, bias: 5}]",
        "[conv: {filters: 8, kernel: 3, pad: -1}]",
        "[conv: {filters: 8.5, kernel: 3}]",
        "[repeat: {time: 3, layers: [relu]}]",
        "[residual: {layers: [relu]}]",
        "[residual: {body: [rellu]}]",
        "[branches: {paths: [[conv]]}]",
        "[Conv: {kernel: 3}]",
        "[Relu: {alpha: 1}]",
        "{relu: {}}",
    ],
)
def test_mistakes(layers: str) -> None:
    assert not valid(f"input: [N, 3, 8, 8]\nlayers: {layers}")


@pytest.mark.parametrize(
    "text",
    [
        "layers: [relu]",
        "input: [N]\nlayer: [relu]",
        "input: [N]\nlayers: [relu]\nparam: {}",
        "input: {x: {shap: [N]}}\nlayers: [relu]",
        "input: {x: {shape: [N], dtype: float23}}\nlayers: [relu]",
        "input: [N]\nblocks: {a: {arg: {}, layers: []}}\nlayers: [a]",
        "input: [N]\nblocks: {a: {layers: [{conv: {filter: 2, kernel: 1}}]}}\nlayers: [a]",
    ],
)
def test_mistakes_of_the_file(text: str) -> None:
    assert not valid(text)


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_valid(name: str) -> None:
    assert valid(layer_model(name))


def test_names_of_the_file_are_layers() -> None:
    assert valid("input: [N]\nblocks: {unit: {args: {act: relu}, layers: [act]}}\nlayers: [unit, {unit: {act: tanh}}]")
    assert valid("input: [N]\nparams: {act: relu}\nlayers: [act]")
    assert not valid("input: [N]\nparams: {alpha: 1.0}\nlayers: [act]")
    assert not valid("input: [N]\nblocks: {}\nlayers: [conv]")


def test_inputs() -> None:
    for shape in ("[N, seq]", "{shape: [N, seq], dtype: int64}", "{x: [N], y: {shape: [2 * n]}}"):
        assert valid(f"input: {shape}\nlayers: [relu]")


def test_every_layer_and_key_is_described() -> None:
    defs = json_schema()["$defs"]
    for name, layer in LAYERS.items():
        made = defs[f"layer.{name}"]
        assert made["description"] == layer.doc
        assert set(made["properties"]) == {*layer.keys, "as", "from", "when"}
        assert all("description" in made["properties"][key] for key in layer.keys)
    assert all(f"layer.{name}" in defs for name in attribute_types())
