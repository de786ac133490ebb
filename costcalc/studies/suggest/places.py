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
"""What may tell uses apart, in the order in which it is asked."""


class UseCondition(NamedTuple):
    """Conditions of the old layer and of the new ones, as expressions: one is 0 where the other is not."""

    old: str
    new: str


def condition_between(calls: Sequence[LayerUse], starts: set[int]) -> UseCondition | None:
    """Conditions that hold for the uses whose first node is one of starts, and for the others; None where neither one
    option nor two together have other values there."""
    known = {key: values for key in OPTIONS if (values := _values(calls, key)) is not None}
    mine = [call.first in starts for call in calls]
    for keys in chain(combinations(known, 1), combinations(known, 2)):
        rows = list(zip(*(known[key] for key in keys), strict=True))
        ours = {row for row, own in zip(rows, mine, strict=True) if own}
        others = {row for row, own in zip(rows, mine, strict=True) if not own}
        if ours & others:
            continue
        texts = [_text(calls, key) for key in keys]
        if others == {(1,)}:
            return UseCondition(f"1 // {texts[0]}", f"{texts[0]} - 1")
        product = _product(texts, min(ours, others, key=len))
        opposite = _zero(product, squares=len(keys) > 1)
        return UseCondition(product, opposite) if len(ours) <= len(others) else UseCondition(opposite, product)
    return None


def _values(calls: Sequence[LayerUse], key: str) -> list[int] | None:
    """What an option is at each use; None where it is not given, a list, a word, or no whole number."""
    node = calls[0].item.options.get(key)
    if not isinstance(node, Scalar):
        return None
    try:
        values = [evaluate(node.text, call.names) for call in calls]
    except CostcalcError:  # a word, or an extent that is open: another option may tell
        return None
    return [v for v in values if type(v) is int] if all(type(v) is int for v in values) else None


def _text(calls: Sequence[LayerUse], key: str) -> str:
    node = calls[0].item.options[key]
    assert isinstance(node, Scalar)
    return node.text if node.text.isidentifier() else f"({node.text})"


def _product(texts: Sequence[str], rows: set[tuple[int, ...]]) -> str:
    """0 where the options have the values of one of the rows."""
    terms = [_distance(texts, row) for row in sorted(rows)]
    return terms[0] if len(terms) == 1 else " * ".join(f"({term})" for term in terms)


def _distance(texts: Sequence[str], row: Sequence[int]) -> str:
    """0 where each option has its value."""
    parts = [f"{text} - {value}" for text, value in zip(texts, row, strict=True)]
    return parts[0] if len(parts) == 1 else " + ".join(f"({part}) ** 2" for part in parts)


def _zero(expression: str, squares: bool) -> str:
    """1 where the expression is 0, else 0; squares tells that it is never below 0."""
    return f"1 // (1 + {expression})" if squares else f"1 // (1 + ({expression}) ** 2)"


class RewriteSite(NamedTuple):
    """What is rewritten together. runs holds one run for each change of a match; () where the file cannot be rewritten,
    and why."""

    matches: tuple[RewriteMatch, ...]
    ranges: tuple[LayerRange, ...] = ()
    condition: UseCondition | None = None
    reason: str = ""


def places(matches: Iterable[RewriteMatch], trace: Trace | None) -> Iterator[RewriteSite]:
    """The matches by place; those that are weak only with others. Without a file each stands for itself."""
    if trace is None:
        for match in matches:
            if not match.weak:
                yield RewriteSite((match,), reason="the model is no YAML file; --apply N -o NEW.onnx writes it as ONNX")
        return
    finder = LayerRangeFinder(trace)
    groups: dict[Any, tuple[list[RewriteMatch], tuple[LayerRange, ...]]] = {}
    for match in matches:
        runs = tuple(run for run in map(finder.find_range, match.changes) if run is not None)
        whole = len(runs) == len(match.changes)
        nodes = tuple(trace.graph.nodes[c.prototype].place for c in match.changes)
        key: Any = tuple((id(r.layers), r.first, r.last, r.prototype) for r in runs) if whole else nodes
        groups.setdefault(key, ([], runs if whole else ()))[0].append(match)
    for members, runs in groups.values():
        strong = tuple(match for match in members if not match.weak)
        if not strong:
            continue
        place = _place(strong, runs, trace)
        wider = _place(tuple(members), runs, trace) if not place.ranges and len(strong) < len(members) else place
        yield wider if wider.ranges else place


def _place(matches: tuple[RewriteMatch, ...], runs: tuple[LayerRange, ...], trace: Trace) -> RewriteSite:
    """The place with what stands in the way of rewriting it, if anything does."""
    if not runs:
        return RewriteSite(matches, reason="its layers do not stand together in one list of the file")
    calls = [[c for c in trace.calls if c.item.node is node] for node in _entries(runs)]
    models = {
        id(node): c.item.kind
        for run in runs
        for node in (run.layers.items[run.prototype],)
        for c in trace.calls
        if c.item.node is node
    }
    for change, run in zip(matches[0].changes, runs, strict=True):
        kind = models[id(run.layers.items[run.prototype])]
        if not change.kinds:
            return RewriteSite(matches, reason="the new layers are operators without short names")
        if kind not in change.kinds:
            return RewriteSite(matches, reason=f"the layer is written as {kind!r}")
    if len({tuple(tuple(p.signature for p in c.replacements) for c in match.changes) for match in matches}) > 1:
        return RewriteSite(matches, reason="its uses need different layers")
    whens = {condition_text(uses[0].item) for uses in calls if uses}
    if all(len(uses) == len(matches) for uses in calls):
        if len(whens) > 1 or (whens != {None} and not matches[0].changes[0].replacements):
            return RewriteSite(matches, reason="its layers have conditions of their own")
        return RewriteSite(matches, runs)
    when = _when(matches, calls) if whens == {None} else None
    if when is None:
        return RewriteSite(matches, reason="its layers have other uses, which nothing tells apart")
    return RewriteSite(matches, runs, when)


def _entries(runs: Iterable[LayerRange]) -> list[YamlNode]:
    return [node for run in runs for node in run.layers.items[run.first : run.last + 1]]


def _when(matches: tuple[RewriteMatch, ...], calls: list[list[LayerUse]]) -> UseCondition | None:
    """What tells the uses of a lone layer apart."""
    if len(calls) > 1 or not matches[0].changes[0].replacements:
        return None
    return condition_between(calls[0], {match.changes[0].nodes[0] for match in matches})
