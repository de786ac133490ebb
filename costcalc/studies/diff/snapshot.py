"""Report → Snapshot: what is kept of a model to compare it with another version of itself, as plain data.

A snapshot holds a layer's definition beside its figures: its attributes, the types that it reads and writes, and who
gives what it reads. A baseline file is made of snapshots, and so is either side of a diff.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from costcalc.analysis.layers import LayerFigures
from costcalc.analysis.report import Report
from costcalc.core.dim import Dim
from costcalc.core.errors import QuantityError
from costcalc.core.ir import Graph, TensorType, qualified_name
from costcalc.core.quantities import TOTALS
from costcalc.core.quantity import Figure
from costcalc.core.result import short_repr


class SnapshotTensor(NamedTuple):
    """A value that a layer reads or writes: its name ("" where an optional one is absent), element type, shape (None
    where it is not known), and whether it is known before the model runs (a weight, a table, a constant)."""

    name: str
    dtype: str
    shape: tuple[Dim, ...] | None
    stored: bool = False


@dataclass(frozen=True, slots=True)
class SnapshotLayer:
    """A layer of one version of a model. amounts are its figures over all runs, None where one is not known; place is
    `file:line:column`, or "" where the model has no lines. state is costed, free or unknown."""

    name: str
    op_type: str
    domain: str
    count: Dim
    inputs: tuple[SnapshotTensor, ...]
    outputs: tuple[SnapshotTensor, ...]
    attributes: Mapping[str, Any]
    amounts: LayerFigures
    state: str
    place: str = ""

    @property
    def operator(self) -> str:
        """The operator with its domain, unless that is ONNX's own."""
        return qualified_name(self.domain, self.op_type)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version of a model. layers stand in execution order; inputs are those of the graph. totals are those of every
    report; unknown counts the layers of each operator without a rule (`domain:Op`). symbols are bound extents. figures
    are further quantities by their keys (`time.t4`), or why the version does not have them. upper_bound says that the
    more expensive branch of an open If counts. settings are those that are not their defaults, by name."""

    name: str
    source: str
    inputs: tuple[SnapshotTensor, ...]
    layers: tuple[SnapshotLayer, ...]
    totals: Mapping[str, Dim]
    unknown: Mapping[str, int]
    symbols: Mapping[str, Dim]
    notes: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    figures: Mapping[str, Figure | QuantityError] = field(default_factory=dict)
    upper_bound: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Snapshot", self.name, f"{len(self.layers):,} layers")


NO_FIGURES: Mapping[str, Figure | QuantityError] = {}


def snapshot(report: Report, figures: Mapping[str, Figure | QuantityError] = NO_FIGURES) -> Snapshot:
    """The snapshot of a report, with further figures by their keys; constants are no layers."""
    graph = report.graph
    return Snapshot(
        report.name,
        report.source,
        tuple([_make_tensor(name, graph.types[name], False) for name in graph.data_inputs]),
        tuple(_make_layers(report, graph)),
        {key: value for key, value in report.totals.items() if key in TOTALS},
        {u.operator: len(u.layers) for u in report.unknown},
        dict(report.bound_symbols),
        report.notes,
        tuple(map(str, report.assumptions)),
        dict(figures),
        report.upper_bound,
        report.settings,
    )


def _make_layers(report: Report, graph: Graph) -> Iterator[SnapshotLayer]:
    stored = set(graph.initializers)
    types = graph.types
    tensors: dict[str, SnapshotTensor] = {"": SnapshotTensor("", "", None)}

    def tensor(name: str) -> SnapshotTensor:
        """The value, made once: what is a constant is known to be before it is first read."""
        cached = tensors.get(name)
        if cached is None:
            cached = tensors[name] = _make_tensor(name, types[name], name in stored)
        return cached

    for node, row in zip(graph.nodes, report.rows, strict=True):
        if row.state == "constant":
            stored.update(node.outputs)
            continue
        inputs = tuple([tensor(name) for name in node.inputs])
        outputs = tuple([tensor(output.name) for output in row.outputs])
        node_attributes = node.attributes
        attributes = (
            {name: value for name, value in node_attributes.items() if _is_plain(value)} if node_attributes else {}
        )
        yield SnapshotLayer(
            node.name,
            node.op_type,
            node.domain,
            row.count,
            inputs,
            outputs,
            attributes,
            row.figures,
            row.state,
            node.place,
        )


def _make_tensor(name: str, t: TensorType, stored: bool) -> SnapshotTensor:
    return SnapshotTensor(name, t.dtype.label, t.shape, stored or t.value is not None)


ATTRIBUTE_TYPES = frozenset((bool, int, float, str))
"""What an attribute may be that defines a layer and can be written down, and a list of."""


def _is_plain(value: Any) -> bool:
    """Whether an attribute is a number, a word, or a list of those."""
    value_type = type(value)
    if value_type in ATTRIBUTE_TYPES:
        return True
    return (value_type is tuple or value_type is list) and (
        ATTRIBUTE_TYPES.issuperset(map(type, value)) or all(map(_is_plain, value))
    )
