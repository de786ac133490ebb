"""Matches → places of a file: the layers that they rewrite there, with all uses of each, and how the uses that are not
rewritten are told apart.

A layer of a file inside a block that is used several times changes all its uses. Where a rule fits some of them only
(the 3×3 ones of a block that takes its kernel as an argument), the new layers get a condition on that argument and the
old one its opposite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from costcalc.load.trace import Call, Trace
from costcalc.load.yaml_nodes import YamlNode
from costcalc.suggest.pieces import Match
from costcalc.suggest.runs import Run, Runs, raw_when
from costcalc.suggest.telling import When, told


class Place(NamedTuple):
    """What is rewritten together. runs holds one run for each change of a match; () where the file cannot be rewritten,
    and why."""

    matches: tuple[Match, ...]
    runs: tuple[Run, ...] = ()
    when: When | None = None
    reason: str = ""


def places(matches: Iterable[Match], found: Trace | None) -> Iterator[Place]:
    """The matches by place; those that are weak only with others. Without a file each stands for itself."""
    if found is None:
        for match in matches:
            if not match.weak:
                yield Place((match,), reason="the model is no YAML file; --apply N -o NEW.onnx writes it as ONNX")
        return
    finder = Runs(found)
    groups: dict[Any, tuple[list[Match], tuple[Run, ...]]] = {}
    for match in matches:
        runs = tuple(run for run in map(finder.of, match.changes) if run is not None)
        whole = len(runs) == len(match.changes)
        nodes = tuple(found.graph.nodes[c.model].place for c in match.changes)
        key: Any = tuple((id(r.layers), r.first, r.last, r.model) for r in runs) if whole else nodes
        groups.setdefault(key, ([], runs if whole else ()))[0].append(match)
    for members, runs in groups.values():
        strong = tuple(match for match in members if not match.weak)
        if not strong:
            continue
        place = _place(strong, runs, found)
        wider = _place(tuple(members), runs, found) if not place.runs and len(strong) < len(members) else place
        yield wider if wider.runs else place


def _place(matches: tuple[Match, ...], runs: tuple[Run, ...], found: Trace) -> Place:
    """The place with what stands in the way of rewriting it, if anything does."""
    if not runs:
        return Place(matches, reason="its layers do not stand together in one list of the file")
    calls = [[c for c in found.calls if c.item.node is node] for node in _entries(runs)]
    models = {id(node): c.item.kind for run in runs for node in (run.layers.items[run.model],) for c in found.calls
              if c.item.node is node}  # fmt: skip
    for change, run in zip(matches[0].changes, runs, strict=True):
        kind = models[id(run.layers.items[run.model])]
        if not change.kinds:
            return Place(matches, reason="the new layers are operators without short names")
        if kind not in change.kinds:
            return Place(matches, reason=f"the layer is written as {kind!r}")
    if len({tuple(tuple(p.written for p in c.pieces) for c in match.changes) for match in matches}) > 1:
        return Place(matches, reason="its uses need different layers")
    whens = {raw_when(uses[0].item) for uses in calls if uses}
    if all(len(uses) == len(matches) for uses in calls):
        if len(whens) > 1 or (whens != {None} and not matches[0].changes[0].pieces):
            return Place(matches, reason="its layers have conditions of their own")
        return Place(matches, runs)
    when = _when(matches, calls) if whens == {None} else None
    if when is None:
        return Place(matches, reason="its layers have other uses, which nothing tells apart")
    return Place(matches, runs, when)


def _entries(runs: Iterable[Run]) -> list[YamlNode]:
    return [node for run in runs for node in run.layers.items[run.first : run.last + 1]]


def _when(matches: tuple[Match, ...], calls: list[list[Call]]) -> When | None:
    """What tells the uses of a lone layer apart."""
    if len(calls) > 1 or not matches[0].changes[0].pieces:
        return None
    return told(calls[0], {match.changes[0].nodes[0] for match in matches})
