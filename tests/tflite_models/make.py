"""Networks of this folder -> tests/data/tflite/*.tflite and figures.json: the shapes that the LiteRT interpreter gives.

    python tests/tflite_models/make.py

Needs ai-edge-litert and flatbuffers. Each network is built without shapes, allocated and run by the interpreter, and
written with the shapes that it found; then its inputs are resized, and the shapes are recorded again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter, OpResolverType
from builder import ModelBuilder
from networks import NETWORKS, RESIZED

OUTPUT = Path(__file__).parents[1] / "data" / "tflite"


def run(content: bytes, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, list[int]]:
    """A file and new shapes of inputs -> the shape of each tensor by its name."""
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    for detail in interpreter.get_input_details():
        if detail["name"] in shapes:
            interpreter.resize_tensor_input(detail["index"], shapes[detail["name"]])
    interpreter.allocate_tensors()
    interpreter.invoke()
    return {d["name"]: [int(n) for n in d["shape"]] for d in interpreter.get_tensor_details() if d["name"]}


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


def main() -> None:
    """Writes all files."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    figures = {}
    for name, network in NETWORKS.items():
        builder = ModelBuilder()
        network(builder)
        found = run(builder.content(), {})
        for tensor in builder.model.subgraphs[0].tensors:
            tensor.shape = found[tensor.name]
        content = builder.content()
        (OUTPUT / f"{name}.tflite").write_bytes(content)
        computed = {t.name for t in builder.model.subgraphs[0].tensors if ":" in t.name}
        figures[name] = {"shapes": {k: v for k, v in found.items() if k in computed}}
        if name in RESIZED:
            after = run(content, RESIZED[name])
            resized = {"inputs": RESIZED[name], "shapes": {k: v for k, v in after.items() if k in computed}}
            figures[name]["resized"] = resized
        print(name, len(content), len(computed))
    (OUTPUT / "custom.tflite").write_bytes(custom())
    (OUTPUT / "behind.tflite").write_bytes(behind(NETWORKS["products"], figures["products"]["shapes"]))
    (OUTPUT / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
