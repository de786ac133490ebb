"""A model → its suggestions: every rule at every place, costed by the ordinary path, those that save, ranked.

Rewrites that this field knows: where a model could be made cheaper, by how much exactly, and the model rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from costcalc.analysis.report import Report
from costcalc.core.amount import magnitude
from costcalc.core.arguments import words
from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import ShapeError, UndecidedError, UsageError, one_of
from costcalc.core.ir import Graph
from costcalc.core.units import parse, parse_percent, ratio
from costcalc.frontends.yaml.document import Spans, spans
from costcalc.graph.index import GraphIndex, layer_place
from costcalc.studies.suggest.catalogue import Rule, chosen
from costcalc.studies.suggest.edit import edit
from costcalc.studies.suggest.places import Place, places
from costcalc.studies.suggest.replacement import Change, Knobs
from costcalc.studies.suggest.source import Source, source
from costcalc.studies.suggest.suggestion import QUANTITIES, Suggestion, Suggestions, saved
from costcalc.studies.suggest.write import writable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.frontends.source import ModelSource
    from costcalc.studies.options import ReadingArguments

SORTS = ("macs", "params", "flops", "peak_activation_bytes", "activation_bytes", "weight_bytes", "traffic_bytes")


def suggest(
    model: ModelSource | Report,
    *,
    rules: str | Sequence[str] = (),
    sort: str = "macs",
    min_saving: str | int = 0,
    reduction: int = 4,
    group: int = 4,
    **options: Unpack[ReadingArguments],
) -> Suggestions:
    """The rewrites that make a model cheaper, the largest saving of `sort` first.

    rules names some of them (all unless given); min_saving leaves out what saves less of `sort`: a number such as
    "10M", or a share of the model such as "1%". reduction is how many times fewer channels a bottleneck has, group how
    many query heads share a key and value head. The other options are load's.
    """
    if sort not in SORTS:
        raise UsageError(f"there is no ranking by {sort!r}", one_of(str(sort), SORTS))
    if reduction < 2 or group < 2:
        raise UsageError("a reduction or a group is below 2", "give a whole number of at least 2")
    least = _least(min_saving)
    knobs = Knobs(reduction, group)
    known = chosen(words("rules", rules))
    found = source(model, **options)
    written = None if found.trace is None else spans(found.trace.text)
    index = GraphIndex(found.graph)
    kept = [one for rule in known for one in _of_rule(rule, found, index, written, knobs)]
    kept = [one for one in kept if _enough(one.saves(sort), found.report.totals.get(sort), least)]
    keys = (sort, *(key for key in QUANTITIES if key != sort))
    kept.sort(key=lambda one: [magnitude(one.saves(key)) for key in keys], reverse=True)
    ranked = tuple(replace(one, number=i) for i, one in enumerate(kept, 1))
    return Suggestions(found, ranked, sort, knobs, bool(rules or least))


def _of_rule(rule: Rule, found: Source, index: GraphIndex, written: Spans | None, knobs: Knobs) -> Iterator[Suggestion]:
    """A rule's suggestions that save."""
    before = found.report.totals
    for place in places(rule.find(index, knobs), found.trace):
        changes = [change for match in place.matches for change in match.changes]
        made = rewrite(found, changes)
        if made is not None and saved(before, made[1]):
            if found.trace is not None and written is not None:
                place = writable(found.trace, written, place)
            macs = _macs(found, changes)
            yield Suggestion(0, rule, place, _where(found.graph, place), made[0], before, made[1], macs)


def rewrite(found: Source, changes: Sequence[Change]) -> tuple[Graph, Mapping[str, Dim]] | None:
    """The rewritten graph and its totals; None where new layers do not fit in, or give other outputs."""
    try:
        graph = edit(found.graph, changes)
        outputs = zip(graph.outputs, found.graph.outputs, strict=True)
        if any(graph.types[a].shape != found.graph.types[b].shape for a, b in outputs):
            return None
        return graph, found.totals(graph)
    except (ShapeError, UndecidedError):
        return None


def _macs(found: Source, changes: Sequence[Change]) -> Dim | None:
    """The MACs of the nodes that change."""
    total: Dim = 0
    for change in changes:
        for i in change.nodes:
            macs = found.report.rows[i].amounts["macs"]
            if macs is None:
                return None
            total = total + macs
    return total


def _where(graph: Graph, place: Place) -> str:
    """file:line:column of the first layer, or ""."""
    return layer_place(graph.nodes[place.matches[0].changes[0].model])


def _least(text: str | int) -> int | Fraction:
    """A number, or a share as a Fraction."""
    if isinstance(text, int):
        return text
    if text.strip().endswith("%"):
        return parse_percent(text)
    return parse(text)


def _enough(saving: Dim | None, whole: Dim | None, least: int | Fraction) -> bool:
    """Whether a saving is at least what is asked for. Of formulas the leading terms are compared."""
    if not least:
        return True
    if saving is None:
        return False
    if isinstance(least, int):
        return magnitude(saving)[1] > 0 if isinstance(saving, Poly) else saving >= least
    part = ratio(saving, whole)
    if part is not None:
        return part >= least
    (degree, amount), (most, all_) = magnitude(saving), magnitude(whole)
    return degree > most or (degree == most and amount >= least * all_)
