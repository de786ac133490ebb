"""A Snapshot → what its layers are compared by, as small integers: alike layers of both versions have the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.studies.diff.definition import Definition, definition, has_macs, operator_traits, right_operand_at
from costcalc.studies.diff.names import numbered, stem
from costcalc.studies.diff.neighbourhood import Numbers, Wiring, around, contracted, lineage, wiring
from costcalc.studies.diff.snapshot import Layer, Snapshot

FUSED = ("activation", "activation_params")
"""What a fused convolution says of the layer that it took in."""


class Side(NamedTuple):
    """One version's layers, each described by numbers. kind: its operator (a Gemm is a MatMul here, a fused or
    quantised convolution a Conv); loose: kernel, stride, groups too; full: filters or units too; alike: all shapes
    too; strict: the operator by its own name too. heavy tells whether it has MACs; fixed whether its name has no number
    that may shift."""

    layers: Sequence[Layer]
    kind: list[int]
    loose: list[int]
    full: list[int]
    alike: list[int]
    strict: list[int]
    name: list[int]
    stem: list[int]
    fixed: list[bool]
    heavy: list[bool]
    macs: list[Dim | None]
    graph: Wiring


def side(snapshot: Snapshot, numbers: Numbers) -> Side:
    """The numbers of a version; both versions share the same Numbers."""
    layers, of = snapshot.layers, numbers.of
    found = [definition(layer) for layer in layers]
    loose = [_loose(layer, d) for layer, d in zip(layers, found, strict=True)]
    alike = [of((key, d.width, _shapes(layer))) for key, d, layer in zip(loose, found, layers, strict=True)]
    return Side(
        layers,
        [of(key[:2]) for key in loose],
        [of(key) for key in loose],
        [of((key, d.width)) for key, d in zip(loose, found, strict=True)],
        alike,
        [of((number, d)) for number, d in zip(alike, found, strict=True)],
        [of(("name", layer.name)) for layer in layers],
        [of(("stem", stem(layer.name))) for layer in layers],
        [not numbered(layer.name) for layer in layers],
        [has_macs(layer) for layer in layers],
        [layer.amounts["macs"] for layer in layers],
        wiring(layers),
    )


def _loose(layer: Layer, d: Definition) -> tuple[object, ...]:
    key = (layer.domain, layer.op_type)
    operator = operator_traits(key)
    if right_operand_at(operator) is not None:
        return "", "MatMul"
    if operator.kind in ("convolution", "deformable_convolution"):
        return "", "Conv", *[part for part in d.shape_free[2:] if not (isinstance(part, tuple) and part[0] in FUSED)]
    return d.shape_free


def _shapes(layer: Layer) -> tuple[object, ...]:
    """The shapes that it reads and gives; not of single numbers, for a quantised layer reads its zero points too."""
    return (tuple([t.shape for t in layer.inputs if not t.stored and t.shape]), tuple([t.shape for t in layer.outputs]))


class Level(NamedTuple):
    """A key for every layer of either side; layers whose key is unique on both sides are taken for the same one."""

    before: list[int]
    after: list[int]


Keys = Sequence[Callable[[], Level]]
"""From strict to loose; each is computed when it is asked for."""


class Levels(NamedTuple):
    """Keys that tell a layer by all that it rests on or all that rests on it; and these with those that tell it by its
    neighbourhood."""

    whole: Keys
    all: Keys


def levels(before: Side, after: Side, heavy: bool, numbers: Numbers) -> Levels:
    """The keys by which anchors are found: a layer with all that it rests on, with all that rests on it, and with what
    stands around it; by full definitions, then without filters and units. First comes a layer of one name in a network
    of one skeleton: where all widths change, equal widths mislead. A lineage that needs no name to be the only one of
    its like comes before one that does: the name's number may have shifted. Of a contracted graph (heavy) only the
    layers with MACs count."""

    @cache
    def graphs() -> tuple[Wiring, Wiring]:
        if heavy:
            return contracted(before.graph, before.heavy), contracted(after.graph, after.heavy)
        return before.graph, after.graph

    @cache
    def below(full: bool, down: bool) -> Level:
        found = []
        for s, graph in zip((before, after), graphs(), strict=True):
            order = range(len(s.layers))
            edges = graph.down if down else graph.up
            # with the next neighbours on either side: of two branches that meet, each is told by where it comes from
            labels = around(s.full if full else s.loose, graph, 1, numbers)
            found.append(lineage(labels, edges, order[::-1] if down else order, numbers))
        return Level(*found)

    @cache
    def near(strict: bool, radius: int) -> Level:
        pairs = zip((before, after), graphs(), strict=True)
        return Level(*[around(s.strict if strict else s.loose, graph, radius, numbers) for s, graph in pairs])

    def named(level: Level, fixed: bool = False) -> Level:
        def key(s: Side, i: int, number: int) -> int:
            # a name that may shift is no anchor here: such a layer is alike only to itself
            return -1 - numbers.of((number, s.name[i])) if not fixed or s.fixed[i] else numbers.of((id(s), i))

        return Level(
            *[[key(s, i, k) for i, k in enumerate(keys)] for s, keys in zip((before, after), level, strict=True)]
        )

    def skeleton() -> Level:
        numbered = zip(below(False, False), below(False, True), strict=True)
        return Level(*[[numbers.of(pair) for pair in zip(up, down, strict=True)] for up, down in numbered])

    whole = (
        lambda: named(skeleton()),
        lambda: below(True, False),
        lambda: below(True, True),
        lambda: named(below(True, False)),
        lambda: named(below(True, True)),
        lambda: named(Level(before.full, after.full), fixed=True),
    )
    parts = (
        lambda: near(True, 3),
        lambda: near(True, 1),
        lambda: named(below(False, False)),
        lambda: named(below(False, True)),
        lambda: named(Level(before.loose, after.loose), fixed=True),
        lambda: below(False, False),
        lambda: below(False, True),
        lambda: near(False, 4),
        lambda: near(False, 1),
        lambda: named(Level(before.loose, after.loose)),
    )
    return Levels(tuple(map(cache, whole)), tuple(map(cache, whole + parts)))
