"""Mutations of an ONNX model: each is a function (random generator, model) that changes the model in place.

Operators, attributes, inputs, outputs, names, extents, element types, stored values, wiring, subgraphs, functions and
versions; where a model has nothing of the kind, nothing changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper

from . import values
from .onnx_graphs import LIKELY, Generator, generate_graph, schemas

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "x.y", "\x1b[1m")
LARGEST = 900_000
"""Bytes; larger models are not what the limits are promised for."""

Mutation = Callable[[random.Random, ModelProto], None]


def graphs(model: ModelProto) -> list[GraphProto]:
    """The model's graph and all subgraphs in it."""
    found = [model.graph]
    for graph in found:
        for node in graph.node:
            for attribute in node.attribute:
                found += [g for g in (attribute.g, *attribute.graphs) if g.node or g.output]
    return found


def nodes(model: ModelProto) -> list[NodeProto]:
    return [n for g in graphs(model) for n in g.node] + [n for f in model.functions for n in f.node]


def _node(r: random.Random, model: ModelProto) -> NodeProto:
    known = nodes(model)
    return r.choice(known) if known else model.graph.node.add(op_type="Relu", input=["x"], output=["y"])


def _names(model: ModelProto) -> list[str]:
    graph = model.graph
    outputs = [v for n in graph.node for v in n.output]
    return [*(i.name for i in graph.input), *(i.name for i in graph.initializer), *outputs] or ["x"]


def change_operator(r: random.Random, model: ModelProto) -> None:
    node = _node(r, model)
    node.op_type = r.choice((r.choice(LIKELY), r.choice(list(schemas())), values.text(r), node.op_type.lower()))


def change_domain(r: random.Random, model: ModelProto) -> None:
    node = _node(r, model)
    node.domain = r.choice(DOMAINS)
    if r.random() < 0.7 and node.domain not in [o.domain for o in model.opset_import]:
        model.opset_import.append(helper.make_opsetid(node.domain, 1))


def change_input(r: random.Random, model: ModelProto) -> None:
    """An input goes, is empty, is another value, or is one too many."""
    node = _node(r, model)
    at = r.randrange(len(node.input)) if node.input else 0
    what = r.choice(("drop", "empty", "other", "other", "surplus", "swap", "all"))
    if what == "surplus" or not node.input:
        node.input.append(r.choice(("", r.choice(_names(model)))))
    elif what == "drop":
        del node.input[at]
    elif what == "all":
        del node.input[:]
    else:
        node.input[at] = {"empty": "", "other": r.choice(_names(model)), "swap": node.input[0]}[what]


def change_output(r: random.Random, model: ModelProto) -> None:
    node = _node(r, model)
    what = r.choice(("drop", "empty", "same", "surplus", "text"))
    if what == "surplus" or not node.output:
        node.output.append(r.choice(("", "extra", r.choice(_names(model)))))
    elif what == "drop":
        del node.output[r.randrange(len(node.output)) :]
    else:
        at = r.randrange(len(node.output))
        node.output[at] = {"empty": "", "same": r.choice(_names(model)), "text": values.text(r)}[what]


def change_attribute(r: random.Random, model: ModelProto) -> None:
    """An attribute of some node has another value."""
    known = [a for n in nodes(model) for a in n.attribute]
    if known:
        attribute = r.choice(known)
        attribute.CopyFrom(Generator(r, 2).attribute(attribute.name, attribute.type or 1))


def change_attribute_type(r: random.Random, model: ModelProto) -> None:
    known = [a for n in nodes(model) for a in n.attribute]
    if known:
        attribute = r.choice(known)
        attribute.CopyFrom(Generator(r, 2).attribute(attribute.name, r.choice((1, 2, 3, 4, 5, 6, 7, 8))))
        if r.random() < 0.1:
            attribute.type = r.choice((0, 1, 2, 5, 7, 11))


def drop_attribute(r: random.Random, model: ModelProto) -> None:
    node = _node(r, model)
    if node.attribute:
        del node.attribute[r.randrange(len(node.attribute))]


def add_attribute(r: random.Random, model: ModelProto) -> None:
    """An attribute of the operator's schema, or of no schema, or one that stands already."""
    node = _node(r, model)
    schema = schemas().get(node.op_type)
    if schema is not None and schema.attributes and r.random() < 0.9:
        name = r.choice(sorted(schema.attributes))
        node.attribute.append(Generator(r, 2).attribute(name, int(schema.attributes[name].type.value)))  # type: ignore[attr-defined]
    else:
        node.attribute.append(Generator(r, 2).attribute(values.text(r), r.choice((1, 2, 3, 7))))


def drop_node(r: random.Random, model: ModelProto) -> None:
    graph = r.choice(graphs(model))
    if graph.node:
        del graph.node[r.randrange(len(graph.node))]


def swap_nodes(r: random.Random, model: ModelProto) -> None:
    graph = r.choice(graphs(model))
    if len(graph.node) > 1:
        a, b = r.sample(range(len(graph.node)), 2)
        kept = NodeProto.FromString(graph.node[a].SerializeToString())
        graph.node[a].CopyFrom(graph.node[b])
        graph.node[b].CopyFrom(kept)


def insert_node(r: random.Random, model: ModelProto) -> None:
    """A node of some schema takes the place of a value, so that what follows reads it."""
    graph = r.choice(graphs(model))
    made = Generator(r, 1, tuple(_names(model)[-5:]), f"new{r.randint(0, 999)}_")
    made.add_node()
    graph.initializer.extend(made.initializers)
    at = r.randint(0, len(graph.node))
    later = [NodeProto.FromString(n.SerializeToString()) for n in graph.node[at:]]
    del graph.node[at:]
    graph.node.extend([made.nodes[0], *later])
    if later and made.nodes[0].output and later[0].input:
        graph.node[at + 1].input[0] = made.nodes[0].output[0]


def change_tensor(r: random.Random, model: ModelProto) -> None:
    """A stored tensor has other extents, another type, other elements, or is gone."""
    known = [(g, t) for g in graphs(model) for t in g.initializer]
    if not known:
        return
    graph, tensor = r.choice(known)
    what = r.choice(("dims", "type", "elements", "elements", "drop", "dim"))
    if what == "dims":
        del tensor.dims[:]
        tensor.dims.extend(_int64(v) for v in values.integers(r))
    elif what == "dim" and tensor.dims:
        tensor.dims[r.randrange(len(tensor.dims))] = _int64(values.integer(r))
    elif what == "type":
        tensor.data_type = r.choice(values.DTYPE_CODES)
    elif what == "drop":
        graph.initializer.remove(tensor)
    else:
        elements = [_int64(v) for v in values.integers(r)]
        tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.INT64, [len(elements)], elements))


def change_stored_integers(r: random.Random, model: ModelProto) -> None:
    """The elements of an integer tensor, which extents may be computed from, change one by one."""
    known = [t for g in graphs(model) for t in g.initializer if t.data_type == TensorProto.INT64]
    known += [a.t for n in nodes(model) for a in n.attribute if a.type == 4 and a.t.data_type == TensorProto.INT64]
    if known:
        tensor = r.choice(known)
        raw = tensor.raw_data
        count = len(raw) // 8 or len(tensor.int64_data)
        elements = list(tensor.int64_data) or [
            int.from_bytes(raw[8 * i : 8 * i + 8], "little", signed=True) for i in range(count)
        ]
        if elements:
            elements[r.randrange(len(elements))] = _int64(values.integer(r))
            tensor.ClearField("raw_data")
            del tensor.int64_data[:]
            tensor.int64_data.extend(elements)


def _int64(value: int) -> int:
    return max(min(value, 2**63 - 1), -(2**63))


def change_input_type(r: random.Random, model: ModelProto) -> None:
    graph = r.choice(graphs(model))
    if not graph.input:
        return
    value = r.choice(graph.input)
    kind = value.type.tensor_type
    what = r.choice(("dims", "dim", "dim", "dim", "type", "none", "sequence"))
    if what == "sequence":
        value.type.CopyFrom(helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, [2])))
    elif what == "none":
        kind.ClearField("shape")
    elif what == "type":
        kind.elem_type = r.choice(values.DTYPE_CODES)
    elif what == "dims":
        dims = [_int64(d) if isinstance(d, int) else d for d in values.shape(r)]
        value.CopyFrom(helper.make_tensor_value_info(value.name, kind.elem_type or 1, dims))
    elif kind.shape.dim:
        dim, new = r.choice(kind.shape.dim), values.extent(r)
        if isinstance(new, int):
            dim.dim_value = _int64(new)
        else:
            dim.dim_param = r.choice((new or "", values.text(r)))


def rename(r: random.Random, model: ModelProto) -> None:
    """A value is called differently wherever it stands, or a node is."""
    if r.random() < 0.5:
        _node(r, model).name = values.text(r)
        return
    old, new = r.choice(_names(model)), values.text(r)
    for node in nodes(model):
        for field in (node.input, node.output):
            for i, name in enumerate(field):
                if name == old:
                    field[i] = new
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        if value.name == old:
            value.name = new


def change_version(r: random.Random, model: ModelProto) -> None:
    if model.opset_import and r.random() < 0.7:
        r.choice(model.opset_import).version = r.choice((1, 6, 7, 9, 11, 13, 17, 18, 21, 24, 99, 0, -1))
    else:
        model.ir_version = r.choice((3, 8, 11, 0, 99))


def wrap_nodes(r: random.Random, model: ModelProto) -> None:
    """All nodes move into the body of a Loop, a branch of an If, or a function, which may call itself."""
    graph = model.graph
    if not graph.output:
        return
    body = GraphProto.FromString(graph.SerializeToString())
    what = r.choice(("If", "Loop", "function", "itself"))
    del graph.node[:]
    names = [o.name for o in body.output]
    if what in ("function", "itself"):
        kept = list(body.node)
        if what == "itself":
            kept.append(helper.make_node("f", [i.name for i in body.input], ["again"], domain="local"))
        read = [*(i.name for i in body.input), *(i.name for i in body.initializer)]
        model.functions.append(helper.make_function("local", "f", read, names, kept, model.opset_import))
        model.opset_import.append(helper.make_opsetid("local", 1))
        graph.node.append(helper.make_node("f", read, names, domain="local"))
        return
    del body.input[:]
    condition = helper.make_tensor("cond_", TensorProto.BOOL, [], [True])
    trip = helper.make_tensor("trip_", TensorProto.INT64, [], [r.choice((0, 1, 3, 1000, 10**9, -1))])
    graph.initializer.extend([condition, trip])
    if what == "If":
        other = generate_graph(r, 2, (), "else_") if r.random() < 0.5 else body
        graph.node.append(helper.make_node("If", ["cond_"], names, then_branch=body, else_branch=other))
        return
    body.input.extend([helper.make_tensor_value_info("i_", 7, []), helper.make_tensor_value_info("c_", 9, [])])
    body.output.insert(0, helper.make_tensor_value_info("c_", 9, []))
    graph.node.append(helper.make_node("Loop", ["trip_", ""], names, body=body))


def repeat_nodes(r: random.Random, model: ModelProto) -> None:
    """All nodes stand many times, each copy behind the one before: a chain, or copies side by side."""
    graph = model.graph
    if not graph.node or model.ByteSize() > LARGEST // 4:
        return
    size = sum(n.ByteSize() for n in graph.node)
    times = min(r.choice((2, 10, 100, 1000)), LARGEST // max(size, 1))
    first = [NodeProto.FromString(n.SerializeToString()) for n in graph.node]
    made = {v for n in first for v in n.output}
    last, start = first[-1].output[:1], list(graph.input[:1])
    for k in range(times - 1):
        for node in first:
            copy = graph.node.add()
            copy.CopyFrom(node)
            before = f"~{k - 1}" if k else ""
            chained = {i.name: f"{o}{before}" for i in start for o in last}
            for i, value in enumerate(copy.input):
                copy.input[i] = f"{value}~{k}" if value in made else chained.get(value, value)
            for i, value in enumerate(copy.output):
                copy.output[i] = f"{value}~{k}" if value else ""


def nest_bodies(r: random.Random, model: ModelProto) -> None:
    """A graph attribute holds a copy of the whole graph: control flow grows with each use."""
    known = [a for n in nodes(model) for a in n.attribute if a.type == AttributeProto.GRAPH]
    if known and model.ByteSize() < LARGEST // 8:
        r.choice(known).g.CopyFrom(GraphProto.FromString(model.graph.SerializeToString()))


MUTATIONS: tuple[Mutation, ...] = (
    *(change_operator, change_domain, change_input, change_input, change_output, change_attribute, change_attribute),
    *(change_attribute_type, drop_attribute, add_attribute, drop_node, swap_nodes, insert_node, insert_node),
    *(change_tensor, change_tensor, change_stored_integers, change_stored_integers, change_input_type),
    *(change_input_type, rename, change_version, wrap_nodes, repeat_nodes, nest_bodies),
)


def mutate(r: random.Random, model: ModelProto) -> Iterator[str]:
    """Changes a model by one to five mutations, and gives their names."""
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        mutation = r.choice(MUTATIONS)
        mutation(r, model)
        yield mutation.__name__
