"""A rewrite at its places -> Suggestion, with what it saves; all Suggestions of a model, ranked; and those that are
chosen -> the rewritten model: a YAML text that costs what was promised, or a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from costcalc.analysis.report import Report
from costcalc.core.amount import difference, magnitude
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError, QuantityError, UsageError
from costcalc.core.ir import Graph
from costcalc.core.quantities import TOTALS, parse_quantity
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.result import Result, ResultTable, Serializable, presenter, short_repr
from costcalc.core.units import parse_digits, ratio
from costcalc.studies.suggest.catalogue import RewriteRule
from costcalc.studies.suggest.edit import edit
from costcalc.studies.suggest.places import RewriteSite
from costcalc.studies.suggest.replacement import RewriteMatch, RewriteOptions
from costcalc.studies.suggest.source import RewriteSource
from costcalc.studies.suggest.write import rewrite_text

QUANTITIES = (
    "macs",
    "params",
    "flops",
    "peak_activation_bytes",
    "activation_bytes",
    "weight_bytes",
    "buffers",
    "traffic_bytes",
)
"""What can be saved, in the order in which suggestions that are equal so far are told apart."""


@dataclass(frozen=True, slots=True, repr=False)
class Suggestion(Serializable):
    """One rewrite at one place of a model, and what it saves.

    number is its rank from 1 on. graph is the model with this rewrite at all uses of its site, before and after are
    the whole model's totals; a total that open symbols leave undecided (the peak) is absent. figures are the further
    quantities that are asked for (`time.t4`), before and after. macs are those of the rewritten layers as they are.
    """

    number: int
    rule: RewriteRule
    site: RewriteSite
    where: str
    graph: Graph
    before: Mapping[str, Dim]
    after: Mapping[str, Dim]
    macs: Dim | None
    figures: Mapping[str, tuple[Figure | QuantityError, Figure | QuantityError]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return short_repr("Suggestion", str(self.number), f"{self.rule.id} at {self.name}, {len(self.matches)} uses")

    @property
    def matches(self) -> tuple[RewriteMatch, ...]:
        """The rewritten places of the graph, one for each use of the layers."""
        return self.site.matches

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers that are rewritten."""
        return tuple(dict.fromkeys(name for match in self.matches for name in match.layers))

    @property
    def name(self) -> str:
        """The first use's layers."""
        first = self.matches[0].layers
        return first[0] if len(first) == 1 else f"{first[0]} … {first[-1]}" if len(first) > 2 else " + ".join(first)

    @property
    def writable(self) -> bool:
        """Whether the file can be rewritten."""
        return bool(self.site.ranges)

    def saves(self, quantity: str) -> Dim | Fraction | None:
        """Quantity (`macs`, `time.t4`) -> how much less of it the whole model needs; how much more it has of one of
        which more is better (1 where it fits now). None where that is not known, or one figure is less certain."""
        if quantity in self.figures:
            return _saving(parse_quantity(quantity), *self.figures[quantity])
        return self.total_saving(quantity)

    def total_saving(self, total: str) -> Dim | None:
        """Total -> how much less of it the whole model has; None where that is not known."""
        if total not in self.before or total not in self.after:
            return None
        return self.before[total] - self.after[total]

    @property
    def ratio(self) -> Fraction | None:
        """New over old MACs of the rewritten layers; None where they stay, or where it is no number."""
        saving = self.total_saving("macs")
        if saving is None or saving == 0 or self.macs is None:
            return None
        return ratio(self.macs - saving, self.macs)


def _saving(ref: QuantityRef, before: Figure | QuantityError, after: Figure | QuantityError) -> Dim | Fraction | None:
    if isinstance(before, QuantityError) or isinstance(after, QuantityError) or before.certainty != after.certainty:
        return None
    worse, better = (before, after) if ref.quantity.less_is_better else (after, before)
    return difference(worse.value, better.value)


def is_cheaper(before: Mapping[str, Dim], after: Mapping[str, Dim]) -> bool:
    """Whether a model became cheaper: of the totals that changed, the first of QUANTITIES is less."""
    for key in QUANTITIES:
        if key in before and key in after and before[key] != after[key]:
            return bool(magnitude(before[key] - after[key])[1] > 0)
    return False


def combine_rewrites(source: RewriteSource, suggestions: Sequence[Suggestion]) -> Graph:
    """The graph with all of these. UsageError where two of them change the same node."""
    changes = [change for suggestion in suggestions for match in suggestion.matches for change in match.changes]
    nodes = [node for change in changes for node in change.nodes]
    if len(set(nodes)) < len(nodes):
        raise UsageError("two of the rewrites change the same layer", "apply one of them")
    return edit(source.graph, changes)


def apply_to_text(source: RewriteSource, suggestions: Sequence[Suggestion]) -> str:
    """The text with all of these that can be written. It is read by the ordinary path and its totals are compared with
    those of the graph; UsageError where they differ, where none can be written, or for a model that is no YAML file."""
    if source.trace is None or source.reread is None:
        raise UsageError("only a YAML model is written as one", "name a .onnx file with -o")
    suggestions = [suggestion for suggestion in suggestions if suggestion.writable] or list(suggestions)
    text = rewrite_text(source.trace, [suggestion.site for suggestion in suggestions])
    expected = source.cost(combine_rewrites(source, suggestions)).totals
    try:
        totals = source.cost(source.reread(text).graph).totals
    except CostcalcError as error:
        raise UsageError(f"the rewritten file is no model any more: {error}", NAME_REMEDY) from error
    for key, value in expected.items():
        if totals.get(key) != value:
            raise UsageError(
                f"the rewritten file's {key} would be {totals.get(key)} in the place of {value}", NAME_REMEDY
            )
    return source.byte_order_mark + text


NAME_REMEDY = "a layer may be read by the name that reports print, which changes: name it with `as:`"


@dataclass(frozen=True, slots=True)
class Suggestions(Result):
    """The rewrites that make a model cheaper. ranked holds the largest saving of `sort` first; limited says that only
    some rewrites were asked for."""

    source: RewriteSource
    ranked: tuple[Suggestion, ...]
    sort: str
    options: RewriteOptions
    limited: bool = False

    @property
    def report(self) -> Report:
        """The report of the model before any rewrite."""
        return self.source.report

    @property
    def quantities(self) -> tuple[QuantityRef, ...]:
        """The further quantities that are measured beside the totals: of the settings, and what is ranked by."""
        totals = [key for key in self.report.totals if key not in TOTALS]
        return tuple(map(parse_quantity, (*totals, *self.source.figures)))

    def __len__(self) -> int:
        return len(self.ranked)

    def __getitem__(self, index: int) -> Suggestion:
        return self.ranked[index]

    def __repr__(self) -> str:
        return short_repr("Suggestions for", self.report.name, str(len(self.ranked)))

    def tables(self, top: int | None = None) -> tuple[ResultTable, ...]:
        """The suggestions, and each rewrite at all its places; with top only the first suggestions."""
        return presenter().tables(self, top=top)

    def select(self, selector: str) -> tuple[Suggestion, ...]:
        """The suggestion of a number, or all of a rewrite. UsageError where there is none."""
        if (number := parse_digits(selector)) is not None:
            if not 1 <= number <= len(self.ranked):
                raise UsageError(f"there is no suggestion {selector}", f"there are {len(self.ranked)}")
            return (self.ranked[number - 1],)
        suggestions = tuple(suggestion for suggestion in self.ranked if suggestion.rule.id == selector)
        if not suggestions:
            ids = dict.fromkeys(suggestion.rule.id for suggestion in self.ranked)
            raise UsageError(f"there is no suggestion {selector!r}", f"give a number, or {', '.join(ids) or 'none'}")
        return suggestions

    def apply(self, selector: str | int | Sequence[Suggestion]) -> str:
        """The YAML text with one suggestion (its number), all of a rewrite (its id), or these applied. It is read and
        costed again: UsageError where it would not cost what was promised."""
        suggestions = self.select(str(selector)) if isinstance(selector, (str, int)) else tuple(selector)
        return apply_to_text(self.source, suggestions)
