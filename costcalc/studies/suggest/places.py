"""Matches of a rule -> the places of a YAML file that they rewrite, each with all uses of its layers, and the
conditions that separate the uses that are rewritten from the others.

A layer of a file inside a block that is used several times changes all its uses. Where a rule fits some of them only
(the 3×3 ones of a block that takes its kernel as an argument), the new layers get a condition on that argument and the
old one its opposite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations
from typing import Any, NamedTuple

from costcalc.core.errors import CostcalcError
from costcalc.frontends.yaml.document import Scalar, YamlNode
from costcalc.frontends.yaml.expression import evaluate
from costcalc.frontends.yaml.source_map import LayerUse, Trace
from costcalc.studies.suggest.layers import LayerRange, LayerRangeFinder, condition_text
from costcalc.studies.suggest.replacement import RewriteMatch

OPTIONS = ("kernel", "groups", "stride", "filters")
"""Options whose values may separate uses, in the order in which they are tried."""


class UseCondition(NamedTuple):
    """Conditions of the old layer and of the new ones, as expressions: one is 0 where the other is not."""

    old: str
    new: str


def condition_between(calls: Sequence[LayerUse], starts: set[int]) -> UseCondition | None:
    """Conditions that hold for the uses whose first node is one of starts, and for the others; None where neither one
    option nor two together have other values there."""
    values_by_option = {key: values for key in OPTIONS if (values := _option_values(calls, key)) is not None}
    in_rewrite = [call.first in starts for call in calls]
    for keys in chain(combinations(values_by_option, 1), combinations(values_by_option, 2)):
        rows = list(zip(*(values_by_option[key] for key in keys), strict=True))
        rewritten_rows = {row for row, rewritten in zip(rows, in_rewrite, strict=True) if rewritten}
        other_rows = {row for row, rewritten in zip(rows, in_rewrite, strict=True) if not rewritten}
        if rewritten_rows & other_rows:
            continue
        texts = [_option_text(calls, key) for key in keys]
        if other_rows == {(1,)}:
            return UseCondition(f"1 // {texts[0]}", f"{texts[0]} - 1")
        product = _product(texts, min(rewritten_rows, other_rows, key=len))
        opposite = _negation(product, squares=len(keys) > 1)
        return (
            UseCondition(product, opposite)
            if len(rewritten_rows) <= len(other_rows)
            else UseCondition(opposite, product)
        )
    return None


def _option_values(calls: Sequence[LayerUse], key: str) -> list[int] | None:
    """Option -> its value at each use; None where it is not given, a list, a word, or no whole number."""
    node = calls[0].item.options.get(key)
    if not isinstance(node, Scalar):
        return None
    try:
        values = [evaluate(node.text, call.names) for call in calls]
    except CostcalcError:  # a word, or an extent that is open: another option may tell
        return None
    return [v for v in values if type(v) is int] if all(type(v) is int for v in values) else None


def _option_text(calls: Sequence[LayerUse], key: str) -> str:
    node = calls[0].item.options[key]
    assert isinstance(node, Scalar)
    return node.text if node.text.isidentifier() else f"({node.text})"


def _product(texts: Sequence[str], rows: set[tuple[int, ...]]) -> str:
    """Options and rows of their values -> an expression that is 0 where they have those of a row."""
    terms = [_distance(texts, row) for row in sorted(rows)]
    return terms[0] if len(terms) == 1 else " * ".join(f"({term})" for term in terms)


def _distance(texts: Sequence[str], row: Sequence[int]) -> str:
    """Options and their values -> an expression that is 0 where each option has its value."""
    terms = [f"{text} - {value}" for text, value in zip(texts, row, strict=True)]
    return terms[0] if len(terms) == 1 else " + ".join(f"({term}) ** 2" for term in terms)


def _negation(expression: str, squares: bool) -> str:
    """Expression -> one that is 1 where it is 0, else 0; squares says that it is never below 0."""
    return f"1 // (1 + {expression})" if squares else f"1 // (1 + ({expression}) ** 2)"


class RewriteSite(NamedTuple):
    """Matches that are rewritten together. ranges holds the layers of each change of a match; () where the file cannot
    be rewritten, and the reason."""

    matches: tuple[RewriteMatch, ...]
    ranges: tuple[LayerRange, ...] = ()
    condition: UseCondition | None = None
    reason: str = ""


def find_sites(matches: Iterable[RewriteMatch], trace: Trace | None) -> Iterator[RewriteSite]:
    """Matches of a rule -> the sites that they rewrite; weak matches only with others. Without a file each stands for
    itself."""
    if trace is None:
        for match in matches:
            if not match.weak:
                yield RewriteSite((match,), reason="the model is no YAML file; --apply N -o NEW.onnx writes it as ONNX")
        return
    finder = LayerRangeFinder(trace)
    groups: dict[Any, tuple[list[RewriteMatch], tuple[LayerRange, ...]]] = {}
    for match in matches:
        ranges = tuple(layer_range for layer_range in map(finder.find_range, match.changes) if layer_range is not None)
        complete = len(ranges) == len(match.changes)
        nodes = tuple(trace.graph.nodes[c.prototype].place for c in match.changes)
        key: Any = tuple((id(r.layers), r.first, r.last, r.prototype) for r in ranges) if complete else nodes
        groups.setdefault(key, ([], ranges if complete else ()))[0].append(match)
    for members, ranges in groups.values():
        strong = tuple(match for match in members if not match.weak)
        if not strong:
            continue
        site = _make_site(strong, ranges, trace)
        extended = _make_site(tuple(members), ranges, trace) if not site.ranges and len(strong) < len(members) else site
        yield extended if extended.ranges else site


def _make_site(matches: tuple[RewriteMatch, ...], ranges: tuple[LayerRange, ...], trace: Trace) -> RewriteSite:
    """Matches and their layers -> the site, with the reason where it cannot be rewritten."""
    if not ranges:
        return RewriteSite(matches, reason="its layers do not stand together in one list of the file")
    calls = [[c for c in trace.calls if c.item.node is node] for node in _layer_nodes(ranges)]
    models = {
        id(node): c.item.kind
        for layer_range in ranges
        for node in (layer_range.layers.items[layer_range.prototype],)
        for c in trace.calls
        if c.item.node is node
    }
    for change, layer_range in zip(matches[0].changes, ranges, strict=True):
        kind = models[id(layer_range.layers.items[layer_range.prototype])]
        if not change.kinds:
            return RewriteSite(matches, reason="the new layers are operators without short names")
        if kind not in change.kinds:
            return RewriteSite(matches, reason=f"the layer is written as {kind!r}")
    if len({tuple(tuple(p.signature for p in c.replacements) for c in match.changes) for match in matches}) > 1:
        return RewriteSite(matches, reason="its uses need different layers")
    old_conditions = {condition_text(uses[0].item) for uses in calls if uses}
    if all(len(uses) == len(matches) for uses in calls):
        if len(old_conditions) > 1 or (old_conditions != {None} and not matches[0].changes[0].replacements):
            return RewriteSite(matches, reason="its layers have conditions of their own")
        return RewriteSite(matches, ranges)
    condition = _separate_uses(matches, calls) if old_conditions == {None} else None
    if condition is None:
        return RewriteSite(matches, reason="its layers have other uses, which nothing tells apart")
    return RewriteSite(matches, ranges, condition)


def _layer_nodes(ranges: Iterable[LayerRange]) -> list[YamlNode]:
    return [
        node for layer_range in ranges for node in layer_range.layers.items[layer_range.first : layer_range.last + 1]
    ]


def _separate_uses(matches: tuple[RewriteMatch, ...], calls: list[list[LayerUse]]) -> UseCondition | None:
    """Matches and all uses of their layers -> the condition that separates the uses of a lone layer; None where none
    does."""
    if len(calls) > 1 or not matches[0].changes[0].replacements:
        return None
    return condition_between(calls[0], {match.changes[0].nodes[0] for match in matches})
