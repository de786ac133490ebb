"""Model -> its Suggestions: every rewrite rule at every place, costed like any model; those that save, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from costcalc.analysis.report import Report
from costcalc.core.amount import magnitude
from costcalc.core.arguments import split_names
from costcalc.core.budget import BASE_NODES, check_limit, limited_work, spend
from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import QuantityError, ShapeError, UndecidedError, UsageError
from costcalc.core.ir import Graph
from costcalc.core.quantities import parse_quantity
from costcalc.core.quantity import QuantityRef
from costcalc.core.units import parse_digits, parse_percent, parse_value, ratio
from costcalc.frontends.yaml.document import Spans, find_spans
from costcalc.graph.index import GraphIndex, layer_place
from costcalc.studies.options import Settings
from costcalc.studies.suggest.catalogue import RewriteRule
from costcalc.studies.suggest.edit import edit
from costcalc.studies.suggest.places import RewriteSite, find_sites
from costcalc.studies.suggest.replacement import GraphChange, RewriteMatch, RewriteOptions
from costcalc.studies.suggest.rules import select_rules
from costcalc.studies.suggest.source import RewriteSource, read_source
from costcalc.studies.suggest.suggestion import QUANTITIES, Suggestion, Suggestions, is_cheaper
from costcalc.studies.suggest.write import check_writable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.frontends.source import ModelSource
    from costcalc.studies.options import SettingsArguments

SORTS = ("macs", "params", "flops", "peak_activation_bytes", "activation_bytes", "weight_bytes", "traffic_bytes")
"""The totals by which suggestions are usually ranked."""

MAX_NODES = 5000
"""Nodes of the largest model that is rewritten: a suggestion is a graph, and a layer has several."""

LIMIT_REMEDY = (
    "each suggestion is a graph of its own that is costed anew, which would take longer than 10 s: repeat fewer "
    "layers, for each copy is rewritten alike"
)

EDIT_STEPS = 8
"""Steps for each node of a rewritten graph, besides its formulas: about as many microseconds on real models."""

DEFAULTS = RewriteOptions()
"""Bottlenecks and groups of query heads as the papers have them."""


def suggest(
    model: ModelSource | Report,
    *,
    rules: str | Sequence[str] = (),
    sort: str = "macs",
    min_saving: str | int = 0,
    reduction: int = 4,
    group: int = 4,
    **options: Unpack[SettingsArguments],
) -> Suggestions:
    """The rewrites that make a model cheaper, the largest saving of `sort` first.

    rules names some of them (all unless given); sort is any quantity ("macs", "arena_bytes", "time.t4"; by
    "fits.t4" what fits now is first, what no longer fits last); min_saving leaves out what saves less of it: an amount
    such as "10M" or "5us", or a share of the model such as "1%". reduction is how many times fewer channels a
    bottleneck has, group how many query heads share a key and value head. The other options are analyze's: totals
    before and after are those under them. QuantityError where the model does not have the quantity, and for what
    generation costs.
    """
    return suggest_settings(model, Settings.of(**options), rules, sort, min_saving, RewriteOptions(reduction, group))


def suggest_settings(
    model: ModelSource | Report,
    settings: Settings,
    rules: str | Sequence[str] = (),
    sort: str = "macs",
    min_saving: str | int = 0,
    rewrite_options: RewriteOptions = DEFAULTS,
) -> Suggestions:
    """suggest with its options as Settings and RewriteOptions."""
    ranking = parse_quantity(sort, settings.devices)
    sort = ranking.key
    if settings.generation is not None or "generation" in ranking.quantity.needs:
        subject = sort if "generation" in ranking.quantity.needs else "generation"
        fact = f"{subject}: a rewritten graph is not read anew for each token"
        raise QuantityError(fact, "rank by macs or weight_bytes, apply a rewrite and ask `costcalc llm` of its file")
    if rewrite_options.reduction < 2 or rewrite_options.group < 2:
        raise UsageError("a reduction or a group is below 2", "give a whole number of at least 2")
    minimum = _parse_minimum(min_saving, ranking)
    selected_rules = select_rules(split_names("rules", rules))
    source = read_source(model, settings.extend_for([ranking]), (*settings.quantities(), ranking))
    total_before = source.figures.get(sort)
    if isinstance(total_before, QuantityError):
        raise total_before
    file_spans = None if source.trace is None else find_spans(source.trace.text)
    check_limit(len(source.graph.nodes), MAX_NODES, "nodes to rewrite", LIMIT_REMEDY)
    index = GraphIndex(source.graph)
    # Twice the steps of an analysis, whatever the size: MAX_NODES holds the work of each suggestion.
    with limited_work("suggest, which rewrites the graph at each place,", nodes=BASE_NODES):
        suggestions = [
            suggestion
            for rule in selected_rules
            for suggestion in _apply_rule(rule, source, index, file_spans, rewrite_options)
        ]
    total = source.report.totals.get(sort) if total_before is None else total_before.value
    suggestions = [suggestion for suggestion in suggestions if _reaches_minimum(suggestion.saves(sort), total, minimum)]
    keys = (sort, *(key for key in QUANTITIES if key != sort))
    suggestions.sort(key=lambda suggestion: [magnitude(suggestion.saves(key)) for key in keys], reverse=True)
    ranked = tuple(replace(suggestion, number=i) for i, suggestion in enumerate(suggestions, 1))
    return Suggestions(source, ranked, sort, rewrite_options, bool(rules or minimum.amount))


def suggest_in_lines(source: RewriteSource, first: int, last: int) -> tuple[Suggestion, ...]:
    """The rewrites that save, of layers of a YAML file in the lines from first to last, in the order of the rules; none
    of a model with more than MAX_NODES nodes."""
    nodes = source.graph.nodes
    places = [layer_place(node).rsplit(":", 2) for node in nodes]
    lines = [parse_digits(line) for *_, line, _ in places]
    chosen_nodes = {i for i, line in enumerate(lines) if line is not None and first <= line <= last}
    if source.trace is None or not chosen_nodes or len(nodes) > MAX_NODES:
        return ()
    index, file_spans = GraphIndex(source.graph), find_spans(source.trace.text)
    with limited_work("suggest, which rewrites the graph at each place,", nodes=BASE_NODES):
        return tuple(
            suggestion
            for rule in select_rules()
            for suggestion in _apply_rule(rule, source, index, file_spans, DEFAULTS, chosen_nodes)
        )


def _apply_rule(
    rule: RewriteRule,
    source: RewriteSource,
    index: GraphIndex,
    file_spans: Spans | None,
    rewrite_options: RewriteOptions,
    chosen_nodes: AbstractSet[int] | None = None,
) -> Iterator[Suggestion]:
    """A rule's suggestions that save; of chosen nodes only those that change one of them."""
    before = source.report.totals
    matches: Iterable[RewriteMatch] = rule.find(index, rewrite_options)
    if chosen_nodes is not None:
        matches = [m for m in matches if any(not chosen_nodes.isdisjoint(change.nodes) for change in m.changes)]
    for site in find_sites(matches, source.trace):
        spend(EDIT_STEPS * len(source.graph.nodes))  # each suggestion is a graph of its own
        changes = [change for match in site.matches for change in match.changes]
        rewritten = rewrite(source, changes)
        if rewritten is not None and is_cheaper(before, rewritten[1]):
            if source.trace is not None and file_spans is not None:
                site = check_writable(source.trace, file_spans, site)
            macs = _macs(source, changes)
            after = source.measure(rewritten[0])
            figures = {key: (figure, after[key]) for key, figure in source.figures.items()}
            yield Suggestion(
                0, rule, site, _site_location(source.graph, site), rewritten[0], before, rewritten[1], macs, figures
            )


def rewrite(source: RewriteSource, changes: Sequence[GraphChange]) -> tuple[Graph, Mapping[str, Dim]] | None:
    """The rewritten graph and its totals; None where new layers do not fit in, or give other outputs."""
    try:
        graph = edit(source.graph, changes)
        outputs = zip(graph.outputs, source.graph.outputs, strict=True)
        if any(graph.types[a].shape != source.graph.types[b].shape for a, b in outputs):
            return None
        return graph, source.totals(graph)
    except (ShapeError, UndecidedError):
        return None


def _macs(source: RewriteSource, changes: Sequence[GraphChange]) -> Dim | None:
    """The MACs of the nodes that change."""
    total: Dim = 0
    for change in changes:
        for i in change.nodes:
            macs = source.report.rows[i].figures["macs"]
            if macs is None:
                return None
            total = total + macs
    return total


def _site_location(graph: Graph, site: RewriteSite) -> str:
    """file:line:column of the first layer, or ""."""
    return layer_place(graph.nodes[site.matches[0].changes[0].prototype])


class MinimumSaving(NamedTuple):
    """The least that a suggestion saves of a quantity: an amount of it, or a share of the model's."""

    amount: int | Fraction
    is_share: bool = False


def _parse_minimum(text: str | int, ranking: QuantityRef) -> MinimumSaving:
    """`10M`, `5us`, `1%` -> the least saving of a quantity. UsageError for what is no amount of it."""
    if ranking.quantity.unit == "boolean" and text not in (0, "0"):
        raise UsageError(f"{ranking.key} is yes or no: nothing is saved of it", "leave --min-saving out")
    if isinstance(text, int):
        return MinimumSaving(text)
    if text.strip().endswith("%"):
        return MinimumSaving(parse_percent(text), True)
    return MinimumSaving(0 if text.strip() == "0" else parse_value(text, ranking.quantity.unit))


def _reaches_minimum(
    saving: Dim | Fraction | None, total_before: Dim | Fraction | None, minimum: MinimumSaving
) -> bool:
    """Whether a saving is at least the minimum. Of formulas the leading terms are compared."""
    if not minimum.amount:
        return True
    if saving is None or total_before is None:
        return False
    if not minimum.is_share:
        return magnitude(saving)[1] > 0 if isinstance(saving, Poly) else saving >= minimum.amount
    if isinstance(saving, Fraction):
        return isinstance(total_before, Fraction) and saving >= minimum.amount * total_before
    share = None if isinstance(total_before, Fraction) else ratio(saving, total_before)
    if share is not None:
        return share >= minimum.amount
    (degree, amount), (degree_before, amount_before) = magnitude(saving), magnitude(total_before)
    return degree > degree_before or (degree == degree_before and amount >= minimum.amount * amount_before)
