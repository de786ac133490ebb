"""Model file -> its nodes as the file names them, which is how viewers of the file (Netron, Model Explorer) name them.

A graph of costcalc names each node once, unfolds calls of functions and subgraphs, and calls the nodes of a `.pt2` file
after modules. Values keep the names that the file has, so that a node is found by what it computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph
from costcalc.frontends import find_frontend, find_source
from costcalc.frontends.onnx.frontend import model_content
from costcalc.frontends.onnx.messages import GraphProto
from costcalc.frontends.onnx.parse import Cache, parse_model, parse_nodes
from costcalc.frontends.onnx.source import read_bytes, unpack
from costcalc.frontends.pytorch.program import ExportedProgram
from costcalc.frontends.pytorch.reader import read_program
from costcalc.frontends.source import ModelSource, Source
from costcalc.frontends.tflite.frontend import open_model
from costcalc.frontends.tflite.layer_names import layer_names
from costcalc.frontends.tflite.model import TfliteModel
from costcalc.frontends.tflite.names import unique_names


class FileNode(NamedTuple):
    """A node of a file: the position of its graph among those of the file, its own in it, its name there ("" without
    one), its operator, and the names of its outputs. label is what costcalc calls it where the file has no name. owner
    is the node whose body its graph is, attribute the body's name there (None and "" of the main graph)."""

    graph: int
    number: int
    name: str
    op_type: str
    outputs: tuple[str, ...]
    label: str
    owner: int | None = None
    attribute: str = ""

    @property
    def has_branches(self) -> bool:
        """Whether its bodies are the branches of a choice."""
        return self.op_type == "If"


class FileNodes(NamedTuple):
    """The nodes of a file, those of bodies behind their owners; form is onnx, tflite or pt2. graphs are the names of
    its graphs, the main one first, and sizes their numbers of nodes."""

    form: str
    graphs: tuple[str, ...]
    sizes: tuple[int, ...]
    nodes: tuple[FileNode, ...]

    def find_nodes(self, graph: Graph) -> list[int | None]:
        """The graph that was read from the file -> for each of its nodes the file's (its index in nodes): the one that
        computes its outputs, else the one that its name begins with, for a call stands for what is unfolded from it,
        else that of the next node; None where there is none of these."""
        main = [i for i, node in enumerate(self.nodes) if node.graph == 0]
        by_output = {output: i for i in main for output in self.nodes[i].outputs if output}
        labels: dict[str, int] = {}
        for i, node in enumerate(self.nodes):
            labels.setdefault(node.label, i)
        found: list[int | None] = []
        for call in graph.nodes:
            index = next((by_output[output] for output in call.outputs if output in by_output), None)
            found.append(index if index is not None else _find_label(call.name, labels))
            if index is not None:
                labels.setdefault(call.name, index)
        for position in range(len(found) - 2, -1, -1):
            if found[position] is None and self.form == "pt2":
                found[position] = found[position + 1]
        return found


def _find_label(name: str, labels: Mapping[str, int]) -> int | None:
    """Name of a node -> the node of this label, else of the longest label that it begins with."""
    while name:
        if name in labels:
            return labels[name]
        name = name.rpartition("/")[0]
    return None


def read_file_nodes(model: ModelSource) -> FileNodes:
    """A model file (.onnx, .tflite, .pt2) -> its nodes. UsageError for a model of another format: viewers open none."""
    source = find_source(model)
    form = getattr(find_frontend(source), "name", "")
    if form == "onnx":
        return _onnx_nodes(source)
    if form == "tflite":
        with open_model(source) as content:
            return _tflite_nodes(content)
    if form == "pytorch":
        with source.open() as file:
            return _program_nodes(read_program(file))
    fact = f"an overlay lies over a .onnx, .tflite or .pt2 file, and {source.file or source.name} is none"
    name = Path(source.name).stem or "model"
    raise UsageError(fact, f"write a file first: costcalc export {source.name} -o {name}.onnx")


def _onnx_nodes(source: Source) -> FileNodes:
    """An ONNX source -> its nodes, those of bodies (of If, Loop, Scan) too; a function's nodes stand at its calls."""
    content = model_content(source)
    main = parse_model(unpack(content) if isinstance(content, bytes) else read_bytes(content)).graph
    assert main is not None, "the front end has read it"
    names, sizes, nodes = [main.name], [0], list[FileNode]()

    def add(graph: GraphProto, number: int, owner: int | None, attribute: str) -> None:
        cache: Cache = {}
        for index, node in enumerate(parse_nodes(graph.buf, graph.node, cache)):
            label = node.name or f"{node.op_type}_{index}"
            nodes.append(FileNode(number, index, node.name, node.op_type, node.output, label, owner, attribute))
            position = len(nodes) - 1
            for part in node.attribute:
                if isinstance(part.value, GraphProto):
                    names.append(part.value.name)
                    sizes.append(0)
                    add(part.value, len(names) - 1, position, part.name)
        sizes[number] = len(graph.node)

    add(main, 0, None, "")
    return FileNodes("onnx", tuple(names), tuple(sizes), tuple(nodes))


def _tflite_nodes(model: TfliteModel) -> FileNodes:
    """The tables of a `.tflite` file -> the operators of its first subgraph. Those of others stand at the operators
    that call them."""
    main = model.subgraphs[0]
    names = unique_names([tensor.name for tensor in main.tensors])

    def operators() -> Iterator[FileNode]:
        for index, (operator, layer) in enumerate(zip(main.operators, layer_names(main, names), strict=True)):
            outputs = tuple([names[i] for i in operator.outputs if i >= 0])
            yield FileNode(0, index, "", operator.name, outputs, layer.name or operator.name)

    signatures = {signature.subgraph: signature.key for signature in reversed(model.signatures)}
    graphs = [
        graph.name or signatures.get(i) or (f"subgraph_{i}" if i else "main") for i, graph in enumerate(model.subgraphs)
    ]
    sizes = [len(graph.operators) for graph in model.subgraphs]
    return FileNodes("tflite", tuple(graphs), tuple(sizes), tuple(operators()))


def _program_nodes(program: ExportedProgram) -> FileNodes:
    """A program -> its calls; those of inner graphs stand at the calls that run them."""
    nodes = [
        FileNode(0, index, call.name, call.target, call.outputs, call.name)
        for index, call in enumerate(program.graph.calls)
    ]
    return FileNodes("pt2", ("graph",), (len(nodes),), tuple(nodes))
