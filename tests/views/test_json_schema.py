"""The schemas of documents against what the commands print, of many models and settings: nothing is missing from a schema, and
nothing in it is never printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml
from support.cli import call
from support.paths import DATA, ONNX_FILES, ROOT

from costcalc.analysis.hardware.catalogue import PROFILE_FOLDER
from costcalc.analysis.hardware.reader import read_profile
from costcalc.cli.group import cli
from costcalc.core.errors import ConfigError, HardwareError
from costcalc.frontends.builtin import builtin_models
from costcalc.frontends.yaml.document import parse_document
from costcalc.studies.check.config import read_config
from costcalc.views.json_schema import DOCUMENTS, NAMES, find_schema

TFLITE = DATA / "npu" / "kws_ref_model.tflite"
MODELS = [info.name for info in builtin_models()]
GENERATION = "--fuse --hardware t4,stm32h743 --generate 4 --prompt 8"
TRAINING = "--dim *=16 --training --checkpoint --fuse --align 16 --hardware t4,stm32h743"
SPLIT = "--device h100-sxm --devices 4 --tp 2 --pp 2 --dtype fp16"

LINES = {
    "analyze": [
        *(f"analyze {name}" for name in MODELS[::6]),
        *(f"analyze {path}" for path in sorted(ONNX_FILES.glob("*.onnx"))[::2]),
        "analyze detector.yaml",
        f"analyze gpt2 --generate 4 --prompt 8 {SPLIT}",
        f"analyze gpt2 --by block {GENERATION}",
        f"analyze gpt2 {TRAINING} --freeze tokens*",
        "analyze gpt2 --generate 4 --hardware t4 --align 16",
        f"analyze {TFLITE} --runtime tflm --hardware ethos-u55-128,coral-usb-accelerator",
        f"analyze gpt2 --training --dim seq=16 {SPLIT}",
        f"analyze {ONNX_FILES / 'toy_if__ts.onnx'} --hardware t4",
        f"analyze {DATA / 'tflite' / 'custom.tflite'}",
        f"analyze {DATA / 'pt2' / 'vision_regions_open.pt2'} --by module",
        f"analyze {ONNX_FILES / 'toy_cond__dyn.onnx'}",
    ],
    "compare": [
        "compare lenet5 alexnet mobilenet --hardware t4",
        f"compare gpt2 bert_base {TRAINING}",
        f"compare {DATA / 'tflite' / 'custom.tflite'} lenet5",
        "compare gpt2 lenet5",
    ],
    "explain": [
        "explain depthwise_separable",
        "explain mobilenet_v1 separable3",
        "explain mobilenet_v1 traffic_bytes",
        f"explain gpt2 {GENERATION}",
        "explain lenet5 C3 --training --fuse --hardware t4",
    ],
    "memory": [
        "memory lenet5 --arena",
        "memory gpt2",
        "memory lenet5 --reorder --by resolution",
        f"memory {DATA / 'tflite' / 'custom.tflite'}",
        f"memory {TFLITE} --runtime tflm:cmsis-nn --reorder",
        f"memory {DATA / 'npu' / 'vela' / 'mobilenet_v2_0.35_96.tflite'} --runtime tflm",
        f"memory {ONNX_FILES / 'resnet18__ts.onnx'} --runtime onnxruntime",
    ],
    "llm": [
        "llm gpt2 --prompt 8 --generate 4 --hardware t4",
        "llm gpt2 --prompt 8 --generate 1",
        "llm gpt2.json --prompt 8 --generate 4",
        f"llm gpt2 {SPLIT}",
        "llm gpt2 --device t4 --max-context --max-batch",
        "llm gpt2 --device t4 --devices 2 --sweep-parallel",
        "llm gpt2 --devices 5 --sweep-parallel",
    ],
    "check": [
        "check lenet5 --max macs=1M --max time.t4=1ns --require fits.t4 --max params=10 --exit-zero",
        "check lenet5 --max macs=1M --min intensity=2 --dim N=2",
        "check detector.yaml --max flops=10",
        "check --config groups.yaml --error CC305",
    ],
    "diff": ["diff lenet5 alexnet --hardware t4", "diff gpt2 lenet5 --training"],
    "sweep": [
        "sweep mobilenet --set alpha=0.5,1 --columns alpha,macs,time.t4",
        "sweep lenet5 --dim N=1,2 --hardware t4",
    ],
    "suggest": ["suggest vgg16", "suggest gpt2 --dim seq=16", "suggest vgg16 1 --hardware t4 --sort time.t4"],
    "reconcile": [
        "reconcile lenet5",
        "reconcile lenet5 --tool thop --by layer --figure thop=1M",
        "reconcile gpt2 --dim seq=16",
    ],
    "table": ["models", "hardware", "hardware t4", "ops", "rule", "table lenet5 alexnet --columns name,macs,time.t4"],
}
"""Document -> the command lines that print it."""


def close(schema: Any, merged: frozenset[str]) -> Any:
    """A schema in which no object has properties that are not named. merged are definitions that stand in `allOf`, where the
    object around them is the one that is closed."""
    if isinstance(schema, list):
        return [close(item, merged) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: close(value, merged) for key, value in schema.items()}
    if "allOf" in schema:
        closed["allOf"] = schema["allOf"]
    is_object = "properties" in schema and "additionalProperties" not in schema
    return closed | ({"unevaluatedProperties": False} if is_object else {})


def merged_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for item in schema.get("allOf", ()):
            yield item.get("$ref", "").removeprefix("#/$defs/")
        for value in schema.values():
            yield from merged_names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from merged_names(value)


@cache
def validator(name: str) -> Any:
    schema = find_schema(name)
    merged = frozenset(merged_names(schema)) - {""}
    definitions = {}
    for key, value in schema.get("$defs", {}).items():
        definitions[key] = close(value, merged)
        if key in merged:
            definitions[f"{key}.open"] = {k: v for k, v in definitions[key].items() if k != "unevaluatedProperties"}
    closed = close({**schema, "$defs": {}}, merged)
    closed["$defs"] = definitions
    text = json.dumps(closed)
    for key in merged:  # within allOf the open form, elsewhere the closed one
        text = text.replace(f'"allOf": [{{"$ref": "#/$defs/{key}"}}]', f'"allOf": [{{"$ref": "#/$defs/{key}.open"}}]')
    return jsonschema.Draft202012Validator(json.loads(text))


def check_document(name: str, document: Any) -> None:
    error = jsonschema.exceptions.best_match(validator(name).iter_errors(document))
    assert error is None, f"{error.json_path}: {error.message}"


DETECTOR = """
input: {boxes: [1, 100, 4], scores: [1, 2, 100]}
layers:
  - NonMaxSuppression: {as: kept, from: [boxes, scores, [10]]}
  - Neg: {from: kept}
"""
"""The number of boxes depends on data, and has a limit."""

GROUPS = """
groups:
  edge: {models: [lenet5], limits: {macs: 1k}}
ignore: [{code: CC001, until: 2099-01, reason: known}]
"""

CONFIG: dict[str, Any] = {
    "models": ["lenet5", {"path": "detector.yaml", "limits": {"flops": 10}}, {"path": "gpt2", "dims": {"seq": 16}}],
    "max_increase": {"macs": "2%", "time": {"t4": "2%"}},
}

CASES = [(name, line) for name, lines in LINES.items() for line in lines]


@pytest.fixture
def models(here: Path) -> Path:
    """A folder with a detector."""
    (here / "detector.yaml").write_text(DETECTOR, encoding="utf-8")
    (here / "groups.yaml").write_text(GROUPS, encoding="utf-8")
    (here / "gpt2.json").write_text('{"model_type": "gpt2", "n_layer": 1, "n_positions": 64}', encoding="utf-8")
    return here


@pytest.mark.parametrize(("name", "line"), CASES, ids=[line.replace(str(ROOT), "") for _, line in CASES])
def test_a_document_is_as_its_schema_says(
    name: str, line: str, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, err = call(capsys, *line.split(), "--format", "json")
    assert out, err
    check_document(name, json.loads(out))


def test_every_property_of_the_schemas_is_printed(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = {name for document in LINES for name in names_of_properties(find_schema(document))}
    simple = {line for line in LINES["analyze"] if len(line.split()) == 2 and ".yaml" not in line}
    for _, line in CASES:
        if line not in simple:
            known -= keys_of(json.loads(call(capsys, *line.split(), "--format", "json")[1]))
    assert known == set()


def names_of_properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
    for value in children(schema):
        yield from names_of_properties(value)


def keys_of(document: Any) -> set[str]:
    return set(document if isinstance(document, dict) else ()).union(*map(keys_of, children(document)))


def children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def test_a_lock_and_a_check_against_it_are_as_their_schemas_say(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / "costcalc.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    assert call(capsys, "lock")[0] == 0
    check_document("lock", json.loads((models / "costcalc.lock.json").read_text(encoding="utf-8")))
    document = json.loads(call(capsys, "check", "--format", "json")[1])
    check_document("check", document)
    places = [verdict["limit_place"] for model in document["models"] for verdict in model["verdicts"]]
    assert places and {place["file"] for place in places} == {"costcalc.yaml"}


def test_lines_of_a_sweep_are_as_its_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    row = jsonschema.Draft202012Validator(find_schema("sweep")["$defs"]["row"])
    lines = call(capsys, "sweep", "lenet5", "--dim", "N=1,2", "--format", "jsonl")[1].splitlines()
    assert len(lines) == 2
    for line in lines:
        row.validate(json.loads(line))


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_and_its_references_resolve(name: str) -> None:
    schema = find_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    references = set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', text))
    assert references <= set(schema.get("$defs", {}))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_true_or_false_is_a_boolean(name: str) -> None:
    words = {word for schema in schemas_in(find_schema(name)) for word in schema.get("enum", ()) if word is not None}
    assert not words & {"yes", "no", "true", "false", "on", "off"}


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for value in children(schema):
        yield from schemas_in(value)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_property_is_described(name: str) -> None:
    assert [key for key, value in described(find_schema(name)) if not value.get("description")] == []


def described(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
        yield from schema["properties"].items()
    for value in children(schema):
        yield from described(value)


def test_every_document_is_tested() -> None:
    assert set(DOCUMENTS) == {*LINES, "lock", "history"}, "the last is validated in tests/cli/commands/test_history.py"


def test_no_command_prints_a_document_without_a_schema() -> None:
    """But for `badge`, whose JSON is what shields.io defines."""
    context = click.Context(cli)
    lists = {line.split()[0] for line in LINES["table"]}
    printing = set()
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        for option in command.params if command else ():
            if "--format" in option.opts and "json" in getattr(option.type, "choices", ()):
                printing.add(name)
    assert {"analyze", "history", "models"} <= printing
    assert printing - lists - {"badge"} <= set(DOCUMENTS)


@pytest.mark.parametrize("change", [{"format_version": 2}, {"models": {}}, {"costcalc": 1}])
def test_another_document_is_refused(change: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(call(capsys, "analyze", "lenet5", "--format", "json")[1])
    check_document("analyze", document)
    with pytest.raises(AssertionError):
        check_document("analyze", document | change)


def test_a_schema_is_printed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(call(capsys, "schema", "check")[1]) == find_schema("check")
    assert json.loads(call(capsys, "schema")[1]) == find_schema("model")
    code, _, err = call(capsys, "schema", "anlyze")
    assert (code, err.strip()) == (2, "costcalc: there is no schema 'anlyze'; did you mean 'analyze'?")


PROFILES = sorted(PROFILE_FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("path", PROFILES, ids=[path.stem for path in PROFILES])
def test_profiles_are_as_their_schema_says(path: Path) -> None:
    profile = yaml.safe_load(path.read_text(encoding="utf-8")) | {
        "seen": "2026-01-31"
    }  # YAML's own reader makes it a date
    jsonschema.Draft202012Validator(find_schema("device")).validate(profile)


@pytest.mark.parametrize(
    "change",
    [{"peaks": {}}, {"kind": "board"}, {"peak": {"int9": {"value": 1, "source": "a"}}}, {"bandwidth": {"value": 1}}],
)
def test_the_schema_of_a_profile_refuses_what_the_reader_refuses(change: dict[str, Any], tmp_path: Path) -> None:
    profile = yaml.safe_load((PROFILE_FOLDER / "t4.yaml").read_text(encoding="utf-8")) | {"seen": "2026-01-31"} | change
    (tmp_path / "board.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(find_schema("device")).validate(profile)
    with pytest.raises(HardwareError):
        read_profile(tmp_path / "board.yaml")


CONFIGS = [
    {"models": "net.yaml"},
    CONFIG,
    {
        "models": [
            {
                "path": "a*.onnx",
                "dims": {"N": 8},
                "set": {"alpha": 0.5},
                "shapes": {"x": [1, "H"]},
                "fuse": True,
                "align": 16,
                "training": {"optimizer": "sgd", "freeze": ["a*"]},
                "generation": True,
                "devices": ["t4"],
                "limits": {
                    "time": {"t4": "2 ms"},
                    "fits": ["t4"],
                    "ops": {"Gelu": 0},
                    "energy.t4": "1 mJ",
                    "macs": "none",
                },
                "layers": {"head/*": {"max_share": {"params": "50%"}, "macs": "10M", "each": True}},
                "scenarios": {"one": None, "two": {"dims": {"N": 2}, "training": "none"}},
            }
        ],
        "min": {"tokens_per_second": {"t4": 50}, "intensity": 2},
        "max_increase": "2%",
        "min_delta": {"macs": "1M"},
        "allow": ["com.acme:Op"],
        "warn": ["CC2"],
        "lock": "costs.json",
        "remote": True,
    },
]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_schema_of_a_config_takes_what_the_reader_takes(config: Any, tmp_path: Path) -> None:
    jsonschema.Draft202012Validator(find_schema("config")).validate(config)
    read_config(parse_document(yaml.safe_dump(config), "costcalc.yaml").root, "costcalc.yaml", tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"limit": {"macs": 1}},
        {"limits": {"mac": 1}},
        {"limits": {"time": "2 ms"}},
        {"max_increase": {"fits": "2%"}},
        {"layers": {"a": {"time": "1 ms"}}},
        {"models": [{"limits": {}}]},
        {"models": [{"path": "a", "training": {"optimiser": "sgd"}}]},
        {"models": [{"path": "a", "runtime": "tflite"}]},
    ],
)
def test_the_schema_of_a_config_refuses_what_the_reader_refuses(change: Any, tmp_path: Path) -> None:
    config = {"models": ["a"]} | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(find_schema("config")).validate(config)
    with pytest.raises(ConfigError):
        read_config(parse_document(yaml.safe_dump(config), "costcalc.yaml").root, "costcalc.yaml", tmp_path)
