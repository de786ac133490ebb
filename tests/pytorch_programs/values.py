"""Programs of this folder, written as ONNX by costcalc -> whether ONNX Runtime computes what PyTorch computes.

    python tests/pytorch_programs/values.py [NAME …]

Needs torch, onnx, onnxruntime and costcalc. Each output is written as a model of its own, so that one operator that
ONNX lacks hides no other. What a translation says of an operator's cost is right where its formula is.
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from base import Program
from make import find_programs
from onnx.reference import ReferenceEvaluator

from costcalc.core.ir import Graph, Node
from costcalc.frontends.onnx.writer import serialize_graph
from costcalc.frontends.pytorch.program import ValueName
from costcalc.frontends.pytorch.reader import read_program
from costcalc.frontends.pytorch.walker import OPSET, ProgramWalker
from costcalc.graph.builder import GraphBuilder

FAMILIES = ("creation", "elementwise", "reduction")
"""Those whose stored tensors are read as PyTorch stores them."""

UNDETERMINED = ("creation_random", "creation_tensors")
"""Programs whose outputs are random, or what memory held."""


def make_numbers(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor -> numbers of its type in its shape: 0.1 … 0.9, 0 … 3, or booleans."""
    if tensor.dtype == torch.bool:
        return torch.rand(tensor.shape) > 0.5
    if tensor.dtype.is_floating_point:
        return (torch.rand(tensor.shape) * 0.8 + 0.1).to(tensor.dtype)
    return torch.randint(1, 4, tensor.shape, dtype=tensor.dtype)


def read_graph(exported: Any, name: str) -> tuple[Graph, list[str]]:
    """An exported program -> costcalc's graph of it, and the value of each output."""
    file = io.BytesIO()
    torch.export.save(exported, file)
    file.seek(0)
    program = read_program(file)
    builder = GraphBuilder(name, "", {"": OPSET, "aten": 1})
    walker = ProgramWalker(builder, program, {})
    walker.run()
    outputs = [walker.names.get(v, v) for v in program.graph.outputs if isinstance(v, ValueName)]
    return builder.build(list(dict.fromkeys(outputs))), outputs


def needed_nodes(graph: Graph, value: str) -> tuple[Node, ...]:
    """The nodes that a value is computed by, in order."""
    needed = {value}
    for node in reversed(graph.nodes):
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
    return tuple([node for node in graph.nodes if not needed.isdisjoint(node.outputs)])


def evaluate(graph: Graph, nodes: tuple[Node, ...], value: str, feeds: dict[str, Any]) -> Any:
    """A value by ONNX Runtime, or by onnx's reference where the runtime lacks an operator for a type."""
    read = {name for node in nodes for name in node.inputs}
    inputs = tuple([name for name in (*graph.inputs, *graph.initializers) if name in read])
    part = graph._replace(nodes=nodes, outputs=(value,), inputs=inputs, initializers={})
    model = onnx.load_from_string(serialize_graph(part))
    given = {name: feeds[name] for name in inputs}
    try:
        return onnxruntime.InferenceSession(model.SerializeToString()).run(None, given)[0]
    except Exception:  # the runtime's own errors have no common class
        return ReferenceEvaluator(model).run(None, given)[0]


def compare(name: str, program: Program) -> Counter[str]:
    """How many outputs of a program are equal, differ, or are computed by operators that ONNX lacks."""
    torch.manual_seed(0)
    module = program.factory().eval()
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            tensor.copy_(make_numbers(tensor))
        args = tuple(make_numbers(tensor) for tensor in program.args())
        exported = torch.export.export(module, args, strict=False)
        wanted = module(*[tensor.clone() for tensor in args])
    graph, outputs = read_graph(exported, name)
    feeds = {key: tensor.numpy() for key, tensor in {**module.state_dict(), **exported.constants}.items()}
    feeds |= dict(zip(graph.inputs, [tensor.numpy() for tensor in args], strict=True))
    found: Counter[str] = Counter()
    for position, (value, tensor) in enumerate(zip(outputs, wanted, strict=True)):
        nodes = needed_nodes(graph, value)
        operators = [node.op_type for node in nodes]
        if not nodes or any(node.domain for node in nodes) or "CumProd" in operators or tensor.dtype == torch.bfloat16:
            found["without ONNX"] += 1
            continue
        result, expected = evaluate(graph, nodes, value, feeds), tensor.numpy()
        limit = 2e-2 if expected.dtype == np.float16 else 2e-4
        is_equal = result.dtype == expected.dtype and result.shape == expected.shape
        is_equal = is_equal and np.allclose(result, expected, rtol=limit, atol=limit, equal_nan=True)
        found["equal" if is_equal else "different"] += 1
        if not is_equal:
            print(f"{name}, output {position}: {operators} give {result!r} for {expected!r}")
    return found


def main(names: list[str]) -> int:
    """Compares the programs with these names, all unless named; 1 where an output differs."""
    onnxruntime.set_default_logger_severity(4)
    total: Counter[str] = Counter()
    for name, program in find_programs():
        chosen = name in names if names else name.startswith(FAMILIES) and not name.startswith(UNDETERMINED)
        if chosen and not name.endswith("_open"):
            found = compare(name, program)
            print(name, dict(found))
            total += found
    print(dict(total))
    return int(total["different"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
