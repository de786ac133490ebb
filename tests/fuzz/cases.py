"""A seed -> a run: files and a command line, always the same for the same version of the fuzzer and of the models."""

from __future__ import annotations

import random
from collections.abc import Sequence

import onnx
from google.protobuf.message import DecodeError
from support import fuzz as damage
from support.paths import ONNX_FILES
from support.sandbox import Run

from . import documents, values
from .arguments import command_line
from .header_mutations import damaged_headers
from .onnx_graphs import generate_model
from .onnx_mutations import mutate
from .program_mutations import damaged_program
from .tflite_mutations import damaged_flatbuffer

VARIABLES: tuple[dict[str, str], ...] = (
    {},
    {},
    {},
    {"COLUMNS": "40"},
    {"COLUMNS": "0"},
    {"COSTCALC_FORMAT": "json"},
    {"NO_COLOR": "1"},
    {"FORCE_COLOR": "1"},
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "latin-1", "cp437", "ascii")
CHECKED = (
    "check --config c.yaml",
    "check --config c.yaml --format json",
    "check --config c.yaml --format sarif",
    "check --config c.yaml --format junit",
    "check --config c.yaml --baseline l.json",
    "check --config c.yaml --format gitlab",
    "check --config c.yaml --format markdown",
    "lock --config c.yaml -o out.json",
    "lock --config c.yaml --check",
    "diff l.json#net.yaml@half m.yaml",
    "diff l.json#net.yaml@whole l.json#net.yaml@open --format json",
    "diff l.json m.yaml",
)
PROFILED = (
    "hardware h.yaml",
    "hardware h.yaml --format json",
    "analyze lenet5 --hardware h.yaml --format json",
    "explain lenet5 --hardware h.yaml",
    "plot lenet5 --kind roofline --hardware h.yaml --format svg",
    "report lenet5 --hardware h.yaml -o r.html",
    "check lenet5 --hardware h.yaml --max time.h=1s --require fits.h --format json",
    "compare lenet5 lenet5 --hardware h.yaml,t4 --format markdown",
    "llm gpt2 --hardware h.yaml --format json",
)
KINDS = ("mutated", "generated", "yaml", "config", "profile", "damaged", "arguments", "program", "tflite", "headers")
WEIGHTS = (40, 22, 13, 9, 5, 3, 8, 20, 15, 15)


def corpus(files: Sequence[str] = ()) -> list[bytes]:
    """The models that are mutated: those of the tests, and more files."""
    own = [p.read_bytes() for p in sorted(ONNX_FILES.glob("*.onnx")) if p.stat().st_size < 60_000]
    more = []
    for name in files:
        with open(name, "rb") as file:  # noqa: PTH123  a path of the command line
            more.append(file.read())
    return own + more


def make_run(seed: int, models: Sequence[bytes], kinds: Sequence[str] = KINDS) -> Run:
    """A seed and the models to mutate -> a run."""
    r = random.Random(seed)
    kind = r.choices(kinds, [WEIGHTS[KINDS.index(k)] for k in kinds])[0]
    variables, encoding = r.choice(VARIABLES), r.choice(ENCODINGS)
    if kind == "config":
        files = {"c.yaml": documents.config(r), "m.yaml": _model_of_config(r), "l.json": documents.lock(r)}
        return Run(files, tuple(r.choice(CHECKED).split()), variables, encoding)
    if kind == "profile":
        return Run({"h.yaml": documents.profile(r)}, tuple(r.choice(PROFILED).split()), variables, encoding)
    if kind == "yaml":
        return Run({"m.yaml": documents.yaml_model(r)}, command_line(r, "m.yaml", "lenet5"), variables, encoding)
    if kind == "arguments":
        arguments = command_line(r, r.choice(("lenet5", "gpt2", "unet", "m.onnx")), "depthwise_separable")
        files = {"m.onnx": r.choice(models), "h.yaml": documents.profile(r), "c.yaml": documents.config(r)}
        return Run(files, arguments, variables, encoding, values.text(r).encode())
    if kind == "program":
        return Run({"m.pt2": damaged_program(r)}, command_line(r, "m.pt2", "lenet5"), variables, encoding)
    if kind == "tflite":
        return Run({"m.tflite": damaged_flatbuffer(r)}, command_line(r, "m.tflite", "lenet5"), variables, encoding)
    if kind == "headers":
        files = damaged_headers(r)
        return Run(files, command_line(r, "m.gguf" if "m.gguf" in files else "m", "lenet5"), variables, encoding)
    content = {"mutated": _mutated, "generated": _generated, "damaged": _damaged}[kind](r, models)
    files = {"m.onnx": content}
    other = "lenet5"
    if r.random() < 0.3:
        files["o.onnx"] = _mutated(r, models)
        other = "o.onnx"
    return Run(files, command_line(r, "m.onnx", other), variables, encoding)


def _model_of_config(r: random.Random) -> bytes:
    return documents.SECTIONS.encode() if r.random() < 0.7 else documents.yaml_model(r)


def _mutated(r: random.Random, models: Sequence[bytes]) -> bytes:
    model = onnx.ModelProto.FromString(r.choice(models))
    for name in mutate(r, model):
        assert name
    return serialize(model)


def _generated(r: random.Random, models: Sequence[bytes]) -> bytes:
    model = generate_model(r)
    if r.random() < 0.25:
        list(mutate(r, model))
    return serialize(model)


def _damaged(r: random.Random, models: Sequence[bytes]) -> bytes:
    """Bytes that are changed without a look at what they mean."""
    content = bytearray(r.choice(models))
    for _ in range(r.choice((1, 1, 1, 2, 4))):
        if content:
            r.choice(damage.MUTATIONS)(r, content, r.choice(models))
    return bytes(content)


def serialize(model: onnx.ModelProto) -> bytes:
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def parse(content: bytes) -> onnx.ModelProto | None:
    """The model in bytes; None where they are none."""
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except DecodeError:
        return None
    return model
