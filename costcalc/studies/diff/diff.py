"""Two Snapshots -> Diff: which layers were added, removed, renamed or changed, which merely follow what they read, and
what the difference of each figure is due to.

An operator without a rule leaves a total, and perhaps its rise, partly unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from costcalc.core.amount import difference
from costcalc.core.dim import Dim
from costcalc.core.errors import QuantityError
from costcalc.core.quantities import CATALOGUE, TOTALS, parse_quantity
from costcalc.core.quantity import Figure
from costcalc.core.result import Result, ResultTable, presenter, short_repr
from costcalc.studies.diff.align import align
from costcalc.studies.diff.attention import expand_attention
from costcalc.studies.diff.axes import AxesOf, find_axes
from costcalc.studies.diff.causes import causes
from costcalc.studies.diff.definition import define_layer, filters_index, operator_traits, right_operand_index
from costcalc.studies.diff.names import count_ordinals, is_same_name
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer, SnapshotTensor

STATUSES = ("added", "removed", "changed", "follows", "renamed", "same")
"""What became of a layer. changed: its own definition is another (kernel, filters, operator). follows: it is defined as
before, but what it reads has another shape, so it costs differently. renamed: only its name differs."""

CAUSES = ("added", "removed", "operator", "batch", "channels", "resolution", "kernel", "groups", "heads", "other")
"""What a difference is due to. resolution counts every extent of positions: height, width, sequence length."""


@dataclass(frozen=True, slots=True)
class LayerChange:
    """One layer of either version, or the same layer in both. causes splits the difference of each quantity that is
    known in both: quantity → cause → difference; the parts sum to the whole exactly."""

    status: str
    before: SnapshotLayer | None
    after: SnapshotLayer | None
    causes: Mapping[str, Mapping[str, Dim]]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("LayerChange", self.name, self.status)

    @property
    def name(self) -> str:
        """The layer's name now, or the one that it had."""
        layer = self.after or self.before
        assert layer is not None
        return layer.name

    def amounts(self, quantity: str) -> tuple[Dim | None, Dim | None]:
        """The figure before and after; 0 where the layer is not there, None where it is not known."""
        return (
            0 if self.before is None else self.before.amounts[quantity],
            0 if self.after is None else self.after.amounts[quantity],
        )

    def delta(self, quantity: str) -> Dim | None:
        """After minus before; None where either is not known."""
        before, after = self.amounts(quantity)
        return None if before is None or after is None else after - before


@dataclass(frozen=True, slots=True)
class Diff(Result):
    """Two versions of a model with their layers aligned. layers holds each layer once, in the new version's order, a
    removed one after the layer that it stood behind."""

    before: Snapshot
    after: Snapshot
    layers: tuple[LayerChange, ...]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the tables."""
        old, new = (version.source or version.name for version in (self.before, self.after))
        return short_repr("Diff", f"{old} → {new}", f"{len(self.changes)} of {len(self.layers)} layers")

    def tables(self, top: int | None = None) -> tuple[ResultTable, ...]:
        """The totals, the causes and the layers, of those with top only the largest differences."""
        return presenter().tables(self, top=top)

    @property
    def changes(self) -> tuple[LayerChange, ...]:
        """The layers that are not the same."""
        return tuple([change for change in self.layers if change.status != "same"])

    @property
    def causes(self) -> Mapping[str, Mapping[str, Dim]]:
        """The causes of all layers together: quantity → cause → difference."""
        sums: dict[str, dict[str, Dim]] = {}
        for change in self.changes:
            for quantity, parts in change.causes.items():
                cause_sums = sums.setdefault(quantity, {})
                for cause, amount in parts.items():
                    cause_sums[cause] = cause_sums.get(cause, 0) + amount
        return sums

    def totals(self, quantity: str) -> tuple[Dim | None, Dim | None]:
        """The total before and after; None where a version lacks it."""
        return self.before.totals.get(quantity), self.after.totals.get(quantity)

    @property
    def quantities(self) -> tuple[str, ...]:
        """The keys of the quantities that are compared: the totals of every report, then the further ones that either
        version has or refuses, in the order of the catalogue."""
        keys = dict.fromkeys(
            key for version in (self.after, self.before) for key in (*version.totals, *version.figures)
        )
        catalogue_order = list(CATALOGUE)
        further = [key for key in keys if key not in TOTALS]
        return (*TOTALS, *sorted(further, key=lambda key: catalogue_order.index(parse_quantity(key).quantity.key)))

    def figures(self, quantity: str) -> tuple[Figure | QuantityError, Figure | QuantityError]:
        """A quantity before and after with its certainty; a QuantityError, as a value, where a version lacks it."""
        return figure(self.before, quantity), figure(self.after, quantity)


def status(before: SnapshotLayer, after: SnapshotLayer, same_name: bool) -> str:
    """changed, follows, renamed or same; same_name tells whether the names differ at most by automatic numbers.

    A layer was changed if it has another operator, attribute, number of filters or units, another type of weights or
    another set of inputs. It was changed too where all that it reads is as it was, yet its weights or its results have
    other shapes. It follows where what it reads has another shape, or where it only costs otherwise (a weight that it
    shares counts for another layer now, or a loop runs more often).
    """
    if _is_changed(before, after):
        return "changed"
    results = [[(t.dtype, t.shape) for t in layer.outputs] for layer in (before, after)]
    if (
        _computed_input_types(before) != _computed_input_types(after)
        or results[0] != results[1]
        or before.amounts != after.amounts
        or before.count != after.count
    ):
        return "follows"
    return "same" if same_name else "renamed"


def _is_changed(before: SnapshotLayer, after: SnapshotLayer) -> bool:
    if (before.domain, before.op_type) != (after.domain, after.op_type) or define_layer(before) != define_layer(after):
        return True
    if len(before.inputs) != len(after.inputs) or len(before.outputs) != len(after.outputs):
        return True
    pairs = list(zip(before.inputs, after.inputs, strict=True))
    if any(bool(x.name) != bool(y.name) or _has_other_type(x, y) for x, y in pairs):
        return True
    if _computed_input_types(before) == _computed_input_types(after):
        # what is cut from a table follows a length that the layer does not read
        shapes = [
            [t.shape for t in (*x.inputs, *(x.outputs if _computed_input_types(x) else ()))] for x in (before, after)
        ]
        return shapes[0] != shapes[1]
    operator = operator_traits((before.domain, before.op_type))
    if filters_index(operator) is not None or right_operand_index(operator) is not None:
        return False
    ratios = list(_ratios(before, after))
    return any(x.stored and y.stored and not _weight_follows(x, y, ratios) for x, y in pairs)


def _has_other_type(before: SnapshotTensor, after: SnapshotTensor) -> bool:
    """Whether a weight has another element type; that of a single number (a bound, a ratio) follows the activations."""
    return before.stored and after.stored and before.dtype != after.dtype and after.shape not in ((), (1,))


def _computed_input_types(layer: SnapshotLayer) -> list[tuple[str, tuple[Dim, ...] | None]]:
    """The types that a layer reads while the model runs."""
    return [(t.dtype, t.shape) for t in layer.inputs if not t.stored]


def _ratios(before: SnapshotLayer, after: SnapshotLayer) -> Iterator[tuple[Dim, Dim]]:
    """(old, new) of each extent that a layer reads and that is another one now."""
    for x, y in zip(before.inputs, after.inputs, strict=True):
        if not x.stored and x.shape is not None and y.shape is not None and len(x.shape) == len(y.shape):
            yield from ((old, new) for old, new in zip(x.shape, y.shape, strict=True) if old != new)


def _weight_follows(before: SnapshotTensor, after: SnapshotTensor, ratios: list[tuple[Dim, Dim]]) -> bool:
    """Whether each extent of a weight is as it was, or grew as an extent did that its layer reads."""
    if before.shape is None or after.shape is None or len(before.shape) != len(after.shape):
        return before.shape == after.shape
    return all(
        old == new or any(old * to == new * from_ for from_, to in ratios)
        for old, new in zip(before.shape, after.shape, strict=True)
    )


LINE = re.compile(r":[0-9]+:[0-9]+$")


def diff(before: Snapshot, after: Snapshot) -> Diff:
    """What changed from one version of a model to another.

    For every quantity that adds up over layers, the layers' differences add up to the difference of the totals (where
    one is not known in a version, as 0: its total leaves it out too).
    """
    before, after = expand_attention(before, after)
    old, new = (count_ordinals(layer.name for layer in s.layers) for s in (before, after))
    axes_of: list[AxesOf] = []

    def change(x: SnapshotLayer | None, y: SnapshotLayer | None) -> LayerChange:
        if x is not None and y is not None:
            layer_status = status(x, y, is_same_name(x.name, y.name, old, new, not (_has_line(x) or _has_line(y))))
            if layer_status in ("same", "renamed"):
                return LayerChange(layer_status, x, y, {})
        else:
            layer_status = "added" if x is None else "removed"
        if not axes_of:
            axes_of.extend((find_axes(before), find_axes(after)))
        return LayerChange(layer_status, x, y, causes(x, y, *axes_of))

    pairs = align(before, after)
    return Diff(
        before,
        after,
        tuple(
            [change(None if i is None else before.layers[i], None if j is None else after.layers[j]) for i, j in pairs]
        ),
    )


def _has_line(layer: SnapshotLayer) -> bool:
    """Whether a layer stands in a line of a file that somebody wrote; an exported one does not."""
    return LINE.search(layer.place) is not None


def figure(snapshot: Snapshot, quantity: str) -> Figure | QuantityError:
    """A version's figure of a quantity (`macs`, `time.t4`) with its certainty; a QuantityError, as a value, where it
    has none."""
    value = snapshot.totals.get(quantity)
    if value is not None:
        return Figure(value, "lower" if is_lower_bound(snapshot, quantity) else "exact")
    if quantity in snapshot.figures:
        return snapshot.figures[quantity]
    if not snapshot.source:
        return QuantityError(f"{quantity}: this version does not have the model")
    if quantity in TOTALS:
        return QuantityError(f"{quantity}: it is not known while a symbol is open", "bind it with --dim NAME=…")
    return QuantityError(f"{quantity}: {snapshot.source} does not hold it", "name the model's file in its place")


def is_lower_bound(snapshot: Snapshot, quantity: str) -> bool:
    """Whether a quantity is only known from below, since a layer's part of it is not known."""
    columns = parse_quantity(quantity).quantity.columns
    return bool(snapshot.unknown) and any(_has_unknown_figure(layer, columns) for layer in snapshot.layers)


def _has_unknown_figure(layer: SnapshotLayer, columns: tuple[str, ...]) -> bool:
    """Whether one of a layer's figures is not known; those of a training step are where its MACs are."""
    return any(layer.amounts.get(column, layer.amounts["macs"]) is None for column in columns)


def total_change(diff: Diff, quantity: str) -> Dim | Fraction | None:
    """After minus before, of bounds and estimates too. None where a version lacks the quantity, where one is less
    certain than the other, where it is yes or no, or where a layer that changed has an unknown part of it: one that
    did not change has the same in both, whatever it is."""
    before, after = diff.figures(quantity)
    if isinstance(before, QuantityError) or isinstance(after, QuantityError) or isinstance(after.value, bool):
        return None
    columns = parse_quantity(quantity).quantity.columns
    is_unknown = any(
        layer is not None and _has_unknown_figure(layer, columns)
        for change in diff.changes
        if change.status != "renamed"
        for layer in (change.before, change.after)
    )
    return None if is_unknown or before.certainty != after.certainty else difference(after.value, before.value)
