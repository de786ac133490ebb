"""Short names of recurrent layers -> ONNX nodes."""

from __future__ import annotations

from costcalc.core.errors import ShapeError
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer
from costcalc.frontends.yaml.layers.conv import WEIGHTS

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}

RECURRENT = {
    "hidden": LayerKey("extent", doc="size of the state"),
    "layers": LayerKey("extent", 1, "stacked layers"),
    "bidirectional": LayerKey("bool", False, "whether a second one reads backwards"),
    "bias": LayerKey("bool", True, "whether biases are added"),
    "output": LayerKey("word", "sequence", "all states [N, T, H] or the last one [N, H]", ("sequence", "state")),
    "weights": WEIGHTS,
}


def _recurrent(site: Site, op: str, hidden: int, layers: int, bidirectional: bool, bias: bool, output: str) -> str:
    if len(site.shape()) != 3:
        raise ShapeError(f"its input has {len(site.shape())} axes", "it takes [N, T, features]")
    directions = 2 if bidirectional else 1
    gates = GATES[op] * hidden
    value = site.op("Transpose", [site.x], {"perm": (1, 0, 2)}, suffix="time_major")
    state = ""
    for i in range(layers):
        number = f"{i}" if layers > 1 else ""
        features = site.shape(value)[2]
        inputs = [
            value,
            site.weight(f"weight_ih{number}", (directions, gates, features)),
            site.weight(f"weight_hh{number}", (directions, gates, hidden)),
            *([site.weight(f"bias{number}", (directions, 2 * gates))] if bias else []),
        ]
        attributes = {"hidden_size": hidden, "direction": "bidirectional" if bidirectional else "forward"}
        if op == "GRU":
            attributes["linear_before_reset"] = 1
        suffix = f"layer{i + 1}" if layers > 1 else ""
        base = f"{site.name}/{suffix}" if suffix else site.name
        names = (base, f"{base}.h")
        sequence = site.op(op, inputs, attributes, suffix=suffix, outputs=names)
        state = names[1]
        last = f"_{i + 1}" if layers > 1 else ""
        value = site.op("Transpose", [sequence], {"perm": (0, 2, 1, 3)}, suffix=f"gather{last}")
        shape = site.ints((0, 0, directions * hidden), f"shape{last}")
        value = site.op("Reshape", [value, shape], suffix=f"concat{last}")
    if output == "sequence":
        return site.op("Transpose", [value], {"perm": (1, 0, 2)}, suffix="batch_major")
    state = site.op("Transpose", [state], {"perm": (1, 0, 2)}, suffix="state")
    return site.op("Reshape", [state, site.ints((0, directions * hidden), "flat")], suffix="last")


@layer("lstm", **RECURRENT)
def lstm(site: Site, hidden: int, layers: int, bidirectional: bool, bias: bool, output: str) -> str:
    """A long short-term memory over [N, T, features]."""
    return _recurrent(site, "LSTM", hidden, layers, bidirectional, bias, output)


@layer("gru", **RECURRENT)
def gru(site: Site, hidden: int, layers: int, bidirectional: bool, bias: bool, output: str) -> str:
    """A gated recurrent unit over [N, T, features]."""
    return _recurrent(site, "GRU", hidden, layers, bidirectional, bias, output)


@layer("rnn", **RECURRENT)
def rnn(site: Site, hidden: int, layers: int, bidirectional: bool, bias: bool, output: str) -> str:
    """A simple recurrent layer over [N, T, features]."""
    return _recurrent(site, "RNN", hidden, layers, bidirectional, bias, output)
