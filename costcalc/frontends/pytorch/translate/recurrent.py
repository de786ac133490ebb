"""LSTM, GRU and RNN: ATen's calls -> ONNX nodes.

A layer is one ONNX node, as exporters write it: its matrices of both directions are one stored tensor, and so are its
biases. Where they are read by other calls too, are computed, or where ONNX has no such layer (a projection, packed
texts, one cell), all layers are one node of ATen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.errors import LoadError
from costcalc.core.ir import TensorType
from costcalc.frontends.pytorch.program import REMEDY, ValueName
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.ops.aten import ATEN

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}

OP_TYPES = {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN", "rnn_relu": "RNN"}


@translates("lstm", "gru", "rnn_tanh", "rnn_relu")
def recurrent_layers(call: CallSite) -> None:
    """input [T, B, in] ([B, T, in] with batch_first; packed, [steps, in]) -> output and final states of the last layer
    and of all."""
    cell = call.operator
    layers, directions = call.integer("num_layers", 1), 1 + call.flag("bidirectional")
    states, parameters = _states(call), call.tensors("params")
    group = len(parameters) // max(layers * directions, 1)
    if not group or group * layers * directions != len(parameters):
        raise LoadError(f"{call.target} has {len(parameters)} tensors for {layers} layers", REMEDY)
    if any(len(call.shape(p)) != (1 if 1 < i % group < 4 else 2) for i, p in enumerate(parameters)):
        raise LoadError(f"{call.target} has parameters of other ranks than 2 and 1", REMEDY)
    is_plain = "data" not in call.arguments and group == (4 if call.flag("has_biases", True) else 2)
    if is_plain and _is_unshared(call) and not (call.flag("train") and call.number("dropout") and layers > 1):
        _add_layers(call, cell, states, parameters, group, directions)
        return
    if call.flag("train") and call.number("dropout") and layers > 1:
        raise LoadError("it drops features between its layers", "export it in evaluation mode")
    x = call.tensor("data" if "data" in call.arguments else "input")
    _add_node(call, cell, x, states, parameters, group)


def _states(call: CallSite) -> tuple[str, ...]:
    return call.tensors("hx") if isinstance(call.arguments.get("hx"), tuple) else (call.tensor("hx"),)


def _add_node(call: CallSite, cell: str, x: str, states: Sequence[str], parameters: Sequence[str], group: int) -> None:
    """Adds all layers as one node of ATen."""
    attributes = {"cell": cell, "states": len(states), "group": group, "gates": GATES[cell]}
    types = call.out_types(call.outputs)
    call.emit("recurrent", (x, *states, *parameters), attributes, domain=ATEN, types=types)


def _is_unshared(call: CallSite) -> bool:
    """Whether all parameters are stored tensors that no other argument is."""
    values: Any = call.arguments["params"]
    initializers, uses = call.builder.initializers, call.inliner.uses
    names = [call.names.get(v, v) for v in values if isinstance(v, ValueName)]
    return len(set(names)) == len(values) and all(
        name in initializers and uses.get(v, 0) == 1 for v, name in zip(values, names, strict=True)
    )


def _add_layers(
    call: CallSite, cell: str, states: Sequence[str], parameters: Sequence[str], group: int, directions: int
) -> None:
    """Adds one node a layer; their states are sliced from the initial ones, and joined to the final ones."""
    x, is_batch_first = call.tensor("input"), call.flag("batch_first")
    has_batch = len(call.shape(x)) == 3
    if not has_batch:
        x = _unsqueeze(call, x, 1, "batch")
        states = [_unsqueeze(call, s, 1, f"batch_state{i}") for i, s in enumerate(states)]
    elif is_batch_first:
        x = call.emit("Transpose", (x,), {"perm": (1, 0, 2)}, suffix="length_first")
    layers = len(parameters) // group // directions
    read = [i for i in range(len(states)) if call.is_read(1 + i)]
    finals: list[list[str]] = [[] for _ in states]
    for layer in range(layers):
        first = layer * directions * group
        stored = _join_parameters(call, parameters[first : first + directions * group], group)
        initial = [_slice_state(call, s, layer, layers, directions, i) for i, s in enumerate(states)]
        parts = ("Y", "Y_h", "Y_c")[: 2 + max(read) if read else 1]
        outputs = [f"{call.name}/{layer}/{part}" for part in parts]
        inputs = (x, stored[0], stored[1], stored[2] if group == 4 else "", "", *initial)
        attributes = _attributes(call, cell, stored[1], directions)
        call.emit(OP_TYPES[cell], inputs, attributes, outputs=outputs, suffix=f"{layer}")
        x = _join_directions(call, outputs[0], directions, layer)
        for i in read:
            finals[i].append(outputs[1 + i])
    results = {1 + i: _join_states(call, finals[i], i) for i in read}
    if not has_batch:
        results = {i: _squeeze(call, value, 1, f"result{i}") for i, value in {0: x, **results}.items()}
    elif is_batch_first:
        results[0] = call.emit("Transpose", (x,), {"perm": (1, 0, 2)}, suffix="batch_first")
    for i, value in {0: x, **results}.items():
        call.alias(value, i)


def _join_states(call: CallSite, names: Sequence[str], i: int) -> str:
    """The final states of all layers [directions, B, hidden] -> one [layers · directions, B, hidden]."""
    return names[0] if len(names) == 1 else call.emit("Concat", names, {"axis": 0}, suffix=f"state{i}")


def _attributes(call: CallSite, cell: str, recurrent: str, directions: int) -> dict[str, object]:
    attributes: dict[str, object] = {"hidden_size": call.extent(recurrent, 2)}
    if directions == 2:
        attributes["direction"] = "bidirectional"
    if cell == "gru":
        attributes["linear_before_reset"] = 1
    if cell == "rnn_relu":
        attributes["activations"] = ("Relu",) * directions
    return attributes


def _join_parameters(call: CallSite, parameters: Sequence[str], group: int) -> tuple[str, ...]:
    """The parameters of a layer, by direction (two matrices, two biases) -> stored tensors W and R [directions,
    gates · hidden, features] and B [directions, 2 · gates · hidden], which take the place and the names of those of
    the first direction."""
    builder = call.builder
    directions = [parameters[i : i + group] for i in range(0, len(parameters), group)]
    names: list[str] = []
    for parts in ((0,), (1,), (2, 3))[: 3 if group == 4 else 2]:
        joined = [direction[i] for direction in directions for i in parts]
        t = builder.initializers[joined[0]]
        shape: tuple[Dim, ...] = (len(directions), len(parts) * t.shape[0], *t.shape[1:]) if t.shape else ()
        for name in joined[1:]:
            del builder.initializers[name], builder.types[name]
            builder.parameters.discard(name)
        builder.initializers[joined[0]] = builder.types[joined[0]] = TensorType(t.dtype, shape)
        names.append(joined[0])
    return tuple(names)


def _slice_state(call: CallSite, state: str, layer: int, layers: int, directions: int, i: int) -> str:
    """The initial state of a layer, [directions, B, hidden]."""
    if layers == 1:
        return state
    suffix = f"{layer}/initial{i}"
    bounds = [
        call.constant((n,), f"{suffix}.{name}")
        for name, n in (("starts", layer * directions), ("ends", (layer + 1) * directions), ("axes", 0))
    ]
    return call.emit("Slice", (state, *bounds), suffix=suffix)


def _join_directions(call: CallSite, y: str, directions: int, layer: int) -> str:
    """Y [T, directions, B, hidden] -> [T, B, directions · hidden]."""
    if directions == 1:
        return _squeeze(call, y, 1, f"{layer}/Squeeze")
    y = call.emit("Transpose", (y,), {"perm": (0, 2, 1, 3)}, suffix=f"{layer}/Transpose")
    return call.emit("Reshape", (y, call.constant((0, 0, -1), f"{layer}.shape")), suffix=f"{layer}/Reshape")


def _squeeze(call: CallSite, value: str, axis: int, suffix: str) -> str:
    return call.emit("Squeeze", (value, call.constant((axis,), f"{suffix}.axes")), suffix=suffix)


def _unsqueeze(call: CallSite, value: str, axis: int, suffix: str) -> str:
    return call.emit("Unsqueeze", (value, call.constant((axis,), f"{suffix}.axes")), suffix=suffix)


@translates("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def recurrent_cell(call: CallSite) -> None:
    """One step: input [B, in] and states [B, hidden] -> states."""
    names = ("w_ih", "w_hh", "b_ih", "b_hh")
    parameters = tuple(filter(None, (call.optional_tensor(name) for name in names)))
    cell = call.operator.removesuffix("_cell")
    _add_node(call, cell, call.tensor("input"), _states(call), parameters, len(parameters))
