"""Two Snapshots → keys of their layers, as small integers: equal layers of both versions have equal keys, and so have
equal neighbourhoods in the dataflow.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache, cached_property
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.studies.diff.definition import (
    Definition,
    define_layer,
    has_macs,
    operator_kind,
    operator_traits,
    right_operand_index,
)
from costcalc.studies.diff.names import is_numbered, stem
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer

Edges = tuple[tuple[int, ...], ...]
"""The neighbours of each node, by index."""

SOURCES = 4
"""How many sources of a value are followed; a sum of fifty residual branches is known by the last ones."""


class Neighbourhood(NamedTuple):
    """Who gives what a layer reads, and who reads what it gives."""

    up: Edges
    down: Edges


def make_dataflow(layers: Sequence[SnapshotLayer]) -> Neighbourhood:
    """Layers in execution order → the dataflow between them, as indexes."""
    producer: dict[str, int] = {}
    up: list[tuple[int, ...]] = []
    for index, layer in enumerate(layers):
        sources = [producer[t.name] for t in layer.inputs if t.name in producer]
        up.append(tuple(dict.fromkeys(sources)))
        for tensor in layer.outputs:
            producer[tensor.name] = index
    return Neighbourhood(tuple(up), _reverse_edges(up))


def contract(graph: Neighbourhood, selected: Sequence[bool]) -> Neighbourhood:
    """The dataflow between the layers that are kept, through those that are not (all get an entry)."""
    sources_of: list[tuple[int, ...]] = []
    up: list[tuple[int, ...]] = []
    for index, sources in enumerate(graph.up):
        nearest_sources: set[int] = set()
        for source in sources:
            nearest_sources.update((source,) if selected[source] else sources_of[source])
        nearest = tuple(sorted(nearest_sources, reverse=True)[:SOURCES])
        sources_of.append(nearest)
        up.append(nearest if selected[index] else ())
    return Neighbourhood(tuple(up), _reverse_edges(up))


def _reverse_edges(up: Sequence[tuple[int, ...]]) -> Edges:
    down: list[list[int]] = [[] for _ in up]
    for index, sources in enumerate(up):
        for source in sources:
            down[source].append(index)
    return tuple(map(tuple, down))


class Interner:
    """Numbers keys: equal keys of both versions get equal numbers."""

    __slots__ = ("number_of",)

    def __init__(self) -> None:
        self.number_of: dict[Hashable, int] = {}

    def intern(self, key: Hashable) -> int:
        """Key → its number: that of the equal key before it, or the next one."""
        return self.number_of.setdefault(key, len(self.number_of))


def label_lineages(labels: Sequence[int], edges: Edges, order: Sequence[int], interner: Interner) -> list[int]:
    """A number for each node and everything behind it: its own label and its neighbours' numbers. order is such that
    neighbours come first."""
    lineages = [0] * len(labels)
    for index in order:
        lineages[index] = interner.intern((labels[index], tuple(sorted([lineages[i] for i in edges[index]]))))
    return lineages


def label_neighbourhoods(labels: Sequence[int], graph: Neighbourhood, radius: int, interner: Interner) -> list[int]:
    """Weisfeiler-Lehman: a number for each node and what stands within radius steps up and down."""
    current = list(labels)
    for _ in range(radius):
        current = [
            interner.intern((label, tuple(sorted([current[i] for i in up])), tuple(sorted([current[i] for i in down]))))
            for label, up, down in zip(current, graph.up, graph.down, strict=True)
        ]
    return current


FUSED = ("activation", "activation_params")
"""What a fused convolution says of the layer that it took in."""

KIND_FAMILIES: Mapping[str, str] = {
    "convolution": "contraction",
    "transposed_convolution": "contraction",
    "deformable_convolution": "contraction",
    "causal_convolution": "contraction",
    "product": "contraction",
    "activation": "activation",
    "pool": "pool",
    "global_pool": "mean",
    "normalisation": "normalisation",
    "recurrent": "recurrent",
}
"""Kind of an operator -> its family: operators of one family may take each other's place; then it is a layer with
another operator, not one gone and one come."""

OTHER_FAMILIES = {
    ("", op): family
    for family, operators in {
        "contraction": "Einsum",
        "activation": "Erf",
        "mean": "ReduceMean ReduceMax",
        "arithmetic": "Concat Sum Max Min Mean",
        "softmax": "Softmax LogSoftmax Hardmax",
        "resize": "Resize Upsample",
    }.items()
    for op in operators.split()
}
"""(domain, op_type) -> the family of operators without a kind."""


class LayerKeys(NamedTuple):
    """One version's layers, each described by numbers. kind: its operator (a Gemm is a MatMul here, a fused or
    quantised convolution a Conv); shape_free: kernel, stride, groups too; definition: filters or units too;
    with_shapes: all shapes too; with_operator: the operator by its own name too. family is that of the operator, ""
    where it has none. has_macs tells whether it has MACs; stable_name whether its name has no number that may shift."""

    layers: Sequence[SnapshotLayer]
    kind: list[int]
    shape_free: list[int]
    definition: list[int]
    with_shapes: list[int]
    with_operator: list[int]
    family: list[str]
    name: list[int]
    stem: list[int]
    stable_name: list[bool]
    has_macs: list[bool]
    macs: list[Dim | None]
    graph: Neighbourhood


def make_layer_keys(snapshot: Snapshot, interner: Interner) -> LayerKeys:
    """Snapshot → the keys of its layers; both versions share one Interner."""
    layers, intern = snapshot.layers, interner.intern
    definitions = [define_layer(layer) for layer in layers]
    shape_free = [_shape_free_key(layer, d) for layer, d in zip(layers, definitions, strict=True)]
    with_shapes = [
        intern((key, d.width, _computed_shapes(layer)))
        for key, d, layer in zip(shape_free, definitions, layers, strict=True)
    ]
    return LayerKeys(
        layers,
        [intern(key[:2]) for key in shape_free],
        [intern(key) for key in shape_free],
        [intern((key, d.width)) for key, d in zip(shape_free, definitions, strict=True)],
        with_shapes,
        [intern((number, d)) for number, d in zip(with_shapes, definitions, strict=True)],
        [operator_family(layer) for layer in layers],
        [intern(("name", layer.name)) for layer in layers],
        [intern(("stem", stem(layer.name))) for layer in layers],
        [not is_numbered(layer.name) for layer in layers],
        [has_macs(layer) for layer in layers],
        [layer.amounts["macs"] for layer in layers],
        make_dataflow(layers),
    )


def operator_family(layer: SnapshotLayer) -> str:
    """Layer -> the family of its operator; "" where it has none."""
    key = (layer.domain, layer.op_type)
    operator = operator_traits(key)
    family = KIND_FAMILIES.get(operator.kind, "arithmetic" if operator.arithmetic else "")
    return family or OTHER_FAMILIES.get(key, "")


def _shape_free_key(layer: SnapshotLayer, d: Definition) -> tuple[object, ...]:
    key = (layer.domain, layer.op_type)
    kind = operator_kind(key)
    if right_operand_index(operator_traits(key)) is not None:
        return kind
    if kind == ("", "Conv"):
        return *kind, *[item for item in d.shape_free[2:] if not (isinstance(item, tuple) and item[0] in FUSED)]
    return *kind, *d.shape_free[2:]


def _computed_shapes(layer: SnapshotLayer) -> tuple[object, ...]:
    """The shapes that it reads and gives; not of single numbers, for a quantised layer reads its zero points too."""
    return (tuple([t.shape for t in layer.inputs if not t.stored and t.shape]), tuple([t.shape for t in layer.outputs]))


class AnchorKey(NamedTuple):
    """A key for every layer of either version; layers whose key is unique in both are taken for the same one."""

    before: list[int]
    after: list[int]


Keys = Sequence[Callable[[], AnchorKey]]
"""From the most exact one on; each is computed when it is first called for."""


class AnchorKeys(NamedTuple):
    """lineages identify a layer by all that it rests on or all that rests on it; levels are these, and then those that
    identify it by its neighbourhood."""

    lineages: Keys
    levels: Keys


class _KeyMaker:
    """Computes the keys of two versions' layers; of contracted graphs only the layers with MACs count."""

    def __init__(self, before: LayerKeys, after: LayerKeys, contracted: bool, interner: Interner) -> None:
        self.versions, self.contracted, self.interner = (before, after), contracted, interner
        self.lineage, self.neighbourhood = cache(self._lineage), cache(self._neighbourhood)

    @cached_property
    def graphs(self) -> tuple[Neighbourhood, ...]:
        if not self.contracted:
            return tuple([version.graph for version in self.versions])
        return tuple([contract(version.graph, version.has_macs) for version in self.versions])

    def _lineage(self, with_width: bool, down: bool) -> AnchorKey:
        """A layer with all that it rests on, or (down) all that rests on it; with_width by definitions with filters and
        units, else without."""
        keys = []
        for version, graph in zip(self.versions, self.graphs, strict=True):
            order = range(len(version.layers))
            edges = graph.down if down else graph.up
            # with the next neighbours on either side: of two branches that meet, each is told by where it comes from
            labels = label_neighbourhoods(
                version.definition if with_width else version.shape_free, graph, 1, self.interner
            )
            keys.append(label_lineages(labels, edges, order[::-1] if down else order, self.interner))
        return AnchorKey(*keys)

    def _neighbourhood(self, exact: bool, radius: int) -> AnchorKey:
        """A layer with what stands within radius steps; exact takes all shapes and the operator's name, too."""
        pairs = zip(self.versions, self.graphs, strict=True)
        return AnchorKey(
            *[
                label_neighbourhoods(v.with_operator if exact else v.shape_free, graph, radius, self.interner)
                for v, graph in pairs
            ]
        )

    def with_name(self, key: AnchorKey, stable_only: bool = False) -> AnchorKey:
        """A key with the layer's name; stable_only takes only names without a number that may shift."""
        intern = self.interner.intern

        def number(version: LayerKeys, i: int, label: int) -> int:
            # a name that may shift is no anchor here: such a layer is alike only to itself
            return (
                -1 - intern((label, version.name[i]))
                if not stable_only or version.stable_name[i]
                else intern((id(version), i))
            )

        return AnchorKey(
            *[[number(v, i, k) for i, k in enumerate(labels)] for v, labels in zip(self.versions, key, strict=True)]
        )

    def skeleton(self) -> AnchorKey:
        """A layer in a network of one skeleton: all around it, without filters and units."""
        label_pairs = zip(self.lineage(False, False), self.lineage(False, True), strict=True)
        return AnchorKey(
            *[[self.interner.intern(pair) for pair in zip(up, down, strict=True)] for up, down in label_pairs]
        )


def make_anchor_keys(before: LayerKeys, after: LayerKeys, contracted: bool, interner: Interner) -> AnchorKeys:
    """The keys of two versions → those by which anchors are found: a layer with all that it rests on, with all that
    rests on it, and with what stands around it; by full definitions, then without filters and units. First comes a
    layer of one name in a network of one skeleton: where all widths change, equal widths mislead. A lineage that needs
    no name to be the only one of its like comes before one that does: the name's number may have shifted. Of contracted
    graphs only the layers with MACs count."""
    maker = _KeyMaker(before, after, contracted, interner)
    lineage_keys = (
        lambda: maker.with_name(maker.skeleton()),
        lambda: maker.lineage(True, False),
        lambda: maker.lineage(True, True),
        lambda: maker.with_name(maker.lineage(True, False)),
        lambda: maker.with_name(maker.lineage(True, True)),
        lambda: maker.with_name(AnchorKey(before.definition, after.definition), stable_only=True),
    )
    neighbourhood_keys = (
        lambda: maker.neighbourhood(True, 3),
        lambda: maker.neighbourhood(True, 1),
        lambda: maker.with_name(maker.lineage(False, False)),
        lambda: maker.with_name(maker.lineage(False, True)),
        lambda: maker.with_name(AnchorKey(before.shape_free, after.shape_free), stable_only=True),
        lambda: maker.lineage(False, False),
        lambda: maker.lineage(False, True),
        lambda: maker.neighbourhood(False, 4),
        lambda: maker.neighbourhood(False, 1),
        lambda: maker.with_name(AnchorKey(before.shape_free, after.shape_free)),
    )
    return AnchorKeys(tuple(map(cache, lineage_keys)), tuple(map(cache, lineage_keys + neighbourhood_keys)))
