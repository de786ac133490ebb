"""Networks of this folder -> tests/data/tflite/*.tflite and figures.json: the shapes that the LiteRT interpreter gives.

    python tests/tflite_models/make.py

Needs ai-edge-litert and flatbuffers. Each network is built without shapes, allocated and run by the interpreter, and
written with the shapes that it found; then its inputs are resized, and the shapes are recorded again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cells
import choices
import extensions
import hlo
import networks
import numpy as np
import products
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from builder import ModelBuilder

MODULES = (cells, choices, extensions, hlo, products)

NETWORKS = {**networks.NETWORKS, **{f.__name__: f for module in MODULES for f in module.NETWORKS}}

BY_HAND = (*extensions.BY_HAND, *hlo.BY_HAND)

RESIZED = {**networks.RESIZED, **choices.RESIZED, **extensions.RESIZED, **hlo.RESIZED, **products.RESIZED}

OUTPUT = Path(__file__).parents[1] / "data" / "tflite"


def run(content: bytes, names: list[str], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, list[int]]:
    """A file, the names of its tensors in order, and new shapes of inputs -> the shape of each tensor by its name."""
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    for detail in interpreter.get_input_details():
        if detail["name"] in shapes:
            interpreter.resize_tensor_input(detail["index"], shapes[detail["name"]])
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        count = int(np.prod(detail["shape"]))
        value = (np.arange(count) % 5).reshape(detail["shape"]).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    shapes_by_index = {d["index"]: [int(n) for n in d["shape"]] for d in interpreter.get_tensor_details()}
    return {name: shapes_by_index[index] for index, name in enumerate(names) if index in shapes_by_index}


def custom() -> bytes:
    """A custom operator behind a builtin one: no interpreter has it."""
    builder = ModelBuilder()
    x = builder.op("RELU", (builder.input("x", (1, 4)),), shape=(1, 4))
    builder.output(builder.op("CUSTOM", (x,), custom="TFLite_Detection_PostProcess", shape=(1, 2)))
    return builder.content()


def behind(network: Callable[[ModelBuilder], None], shapes: Mapping[str, list[int]]) -> bytes:
    """A network whose constants stand behind the flatbuffer, each aligned to 16 bytes, as in files beyond 2 GB."""
    builder = ModelBuilder()
    network(builder)
    for tensor in builder.model.subgraphs[0].tensors:
        tensor.shape = shapes.get(tensor.name, tensor.shape)
    stored = [buffer for buffer in builder.model.buffers if buffer.data is not None]
    data = [bytes(buffer.data) for buffer in stored]
    for buffer, part in zip(stored, data, strict=True):
        buffer.data, buffer.offset, buffer.size = None, 1 << 40, len(part)
    place = -(-len(builder.content()) // 16) * 16
    content = b""
    for buffer, part in zip(stored, data, strict=True):
        buffer.offset = place + len(content)
        content += part + bytes(-len(part) % 16)
    flat = builder.content()
    return flat + bytes(place - len(flat)) + content


def figures_of(name: str, network: Callable[[ModelBuilder], None]) -> tuple[bytes, dict[str, Any]]:
    """A network -> its file, and the shapes of what its first subgraph computes."""
    builder = ModelBuilder()
    network(builder)
    tensors = builder.model.subgraphs[0].tensors
    names = [tensor.name for tensor in tensors]
    if name in BY_HAND:
        shapes = {tensor.name: list(map(int, tensor.shape)) for tensor in tensors}
    else:
        shapes = run(builder.content(), names, {})
    for tensor in tensors:
        if tensor.type != schema.TensorType.RESOURCE:
            tensor.shape = shapes[tensor.name]
    content = builder.content()
    computed = {t.name for t in tensors if ":" in t.name and t.type != schema.TensorType.RESOURCE}
    figures: dict[str, Any] = {"shapes": {k: v for k, v in shapes.items() if k in computed}}
    if name in BY_HAND:
        figures["by_hand"] = True
    if name in choices.DIMS:
        figures["dims"] = choices.DIMS[name]
    if name in RESIZED:
        after = run(content, names, RESIZED[name])
        figures["resized"] = {"inputs": RESIZED[name], "shapes": {k: v for k, v in after.items() if k in computed}}
    return content, figures


def main() -> None:
    """Writes all files."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    figures = {}
    for name, network in NETWORKS.items():
        try:
            content, figures[name] = figures_of(name, network)
        except (RuntimeError, ValueError) as error:
            raise SystemExit(f"{name}: {error}") from error
        (OUTPUT / f"{name}.tflite").write_bytes(content)
        print(name, len(content), len(figures[name]["shapes"]))
    (OUTPUT / "custom.tflite").write_bytes(custom())
    (OUTPUT / "behind.tflite").write_bytes(behind(NETWORKS["products"], figures["products"]["shapes"]))
    (OUTPUT / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
