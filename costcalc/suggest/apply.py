"""Suggestions → the rewritten model: a YAML text that costs what was promised, or a graph."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.errors import CostcalcError, UsageError
from costcalc.ir import Graph
from costcalc.suggest.edit import edit
from costcalc.suggest.source import Source
from costcalc.suggest.suggestion import Suggestion
from costcalc.suggest.write import rewritten


def together(source: Source, chosen: Sequence[Suggestion]) -> Graph:
    """The graph with all of these. UsageError where two of them change the same node."""
    changes = [change for one in chosen for match in one.matches for change in match.changes]
    nodes = [node for change in changes for node in change.nodes]
    if len(set(nodes)) < len(nodes):
        raise UsageError("two of the rewrites change the same layer", "apply one of them")
    return edit(source.graph, changes)


def applied(source: Source, chosen: Sequence[Suggestion]) -> str:
    """The text with all of these that can be written. It is read by the ordinary path and its totals are compared with
    those of the graph; UsageError where they differ, where none can be written, or for a model that is no YAML file."""
    if source.trace is None or source.again is None:
        raise UsageError("only a YAML model is written as one", "name a .onnx file with -o")
    chosen = [one for one in chosen if one.writable] or list(chosen)
    text = rewritten(source.trace, [one.place for one in chosen])
    promised = source.cost(together(source, chosen)).totals
    try:
        costs = source.cost(source.again(text).graph).totals
    except CostcalcError as error:
        raise UsageError(f"the rewritten file is no model any more: {error}", _NAMED) from error
    for key, value in promised.items():
        if costs.get(key) != value:
            raise UsageError(f"the rewritten file's {key} would be {costs.get(key)} in the place of {value}", _NAMED)
    return source.mark + text


_NAMED = "a layer may be read by the name that reports print, which changes: name it with `as:`"
