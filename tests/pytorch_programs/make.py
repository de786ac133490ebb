"""Modules of this folder -> tests/data/pt2/*.pt2 and figures.json: what PyTorch itself says of them.

    python tests/pytorch_programs/make.py [NAME …]

Needs torch (and torchvision for its operators). Each module is built on the meta device, counted by FlopCounterMode,
exported and saved; of the archive only the graph and the weights' table are kept, and packed.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import onnx
import torch
from base import Program
from torch.utils.flop_counter import FlopCounterMode

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "data" / "pt2"
PAIRS = ("networks_classifier", "networks_language")
"""Programs that both of PyTorch's exporters write as ONNX too."""

KEPT = ("archive_format", "archive_version", "models/model.json", "data/weights/model_weights_config.json")


def find_programs() -> Iterator[tuple[str, Program]]:
    """All programs of the folder, by name."""
    for path in sorted(HERE.glob("*.py")):
        if path.stem not in ("base", "make", "values", "count_elsewhere", "__init__"):
            for name, program in import_module(path.stem).PROGRAMS.items():
                yield f"{path.stem}_{name}", program


def make(name: str, program: Program) -> dict[str, Any]:
    """Exports a program to its file; returns its figures: macs, params, and dims, the sizes of its symbols."""
    with torch.device("meta"):
        torch.manual_seed(0)
        module = program.factory().eval()
        args = program.args()
    macs = count_macs(module, args) if program.macs is None else program.macs
    exported = torch.export.export(module, args, dynamic_shapes=program.dynamic_shapes, strict=False)
    if program.is_decomposed:
        exported = exported.run_decompositions()
    buffer = io.BytesIO()
    torch.export.save(exported, buffer)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(OUTPUT / f"{name}.pt2", "w") as target:
        for member in source.infolist():
            inner = member.filename.partition("/")[2]
            if inner in KEPT:
                data = source.read(member)
                if inner.endswith(".json"):
                    data = strip(data)
                entry = zipfile.ZipInfo(f"{name}/{inner}", (2026, 1, 1, 0, 0, 0))
                target.writestr(entry, data, zipfile.ZIP_DEFLATED)
    figures: dict[str, Any] = {"macs": macs, "params": sum(p.numel() for p in module.parameters())}
    if program.dynamic_shapes is not None:
        figures["dims"] = sizes_of_symbols(exported, args)
    if program.dims is not None:
        figures["dims"] = {**figures.get("dims", {}), **program.dims}
    return figures


def sizes_of_symbols(exported: Any, args: tuple[Any, ...]) -> dict[str, int]:
    """A program and the inputs that it was exported with -> the size of each symbol there."""
    sizes: dict[str, int] = {}
    inputs = [node for node in exported.graph.nodes if node.name in exported.graph_signature.user_inputs]
    for node, tensor in zip(inputs, args, strict=True):
        for extent, size in zip(node.meta["val"].shape, tensor.shape, strict=True):
            if not isinstance(extent, int) and extent.node.expr.is_symbol:
                sizes[str(extent.node.expr)] = size
    return sizes


def count_macs(module: Any, args: tuple[Any, ...]) -> int:
    """A module and its inputs -> its MACs by FlopCounterMode, on the meta device; attention as two products."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module(*args)
    return int(counter.get_total_flops()) // 2


def strip(data: bytes) -> bytes:
    """JSON of an archive -> the same with paths of a machine shortened in its stack traces."""
    text = json.dumps(json.loads(data), separators=(",", ":"))
    for folder in (str(HERE), str(Path(torch.__file__).parent.parent)):
        text = text.replace(json.dumps(folder + "/")[1:-1], "")
    return text.encode()


def make_onnx(name: str, program: Program) -> None:
    """Exports a program's module to ONNX, by tracing (NAME.trace.onnx) and by torch.export (NAME.export.onnx)."""
    torch.manual_seed(0)
    module = program.factory().eval()
    args = program.args()
    for suffix, dynamo in (("trace", False), ("export", True)):
        options = {"external_data": False, "verbose": False} if dynamo else {"opset_version": 17}
        path = OUTPUT / f"{name}.{suffix}.onnx"
        torch.onnx.export(module, args, str(path), dynamo=dynamo, **options)
        strip_onnx(path)


def strip_onnx(path: Path) -> None:
    """Takes the weights, as if another file held them, and what the exporter says of this machine from an ONNX file."""
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) > 128:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="weights")
    for node in model.graph.node:
        scopes = [(p.key, p.value) for p in node.metadata_props if p.key.endswith("name_scopes")]
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
        for key, value in scopes:
            node.metadata_props.add(key=key, value=value)
    model.ClearField("metadata_props")
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        value.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    path.write_bytes(model.SerializeToString())


def main(names: list[str]) -> None:
    """Makes the programs with these names, all unless named."""
    path = OUTPUT / "figures.json"
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name, program in find_programs():
        if not names or name in names:
            figures[name] = make(name, program)
            if name in PAIRS:
                make_onnx(name, program)
            print(name, figures[name], (OUTPUT / f"{name}.pt2").stat().st_size)
    path.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
