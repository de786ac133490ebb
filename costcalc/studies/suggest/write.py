"""Places of a file → the file's text with other layers there; all else stays as it is, comments included."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from costcalc.core.errors import UsageError
from costcalc.frontends.yaml.document import Spans, find_spans
from costcalc.frontends.yaml.items import LayerItem, read_item
from costcalc.frontends.yaml.source_map import Trace
from costcalc.studies.suggest.layers import LayerRange
from costcalc.studies.suggest.places import RewriteSite, UseCondition
from costcalc.studies.suggest.replacement import GraphChange
from costcalc.studies.suggest.text import LayerText, layer_text, unchanged_text, yaml_text


class Splice(NamedTuple):
    """What stands in the place of text[start:end]."""

    start: int
    end: int
    text: str


def rewrite_text(trace: Trace, chosen: Sequence[RewriteSite]) -> str:
    """The text with these places rewritten. UsageError where one cannot be, or two overlap."""
    file_spans = find_spans(trace.text)
    for place in chosen:
        if not place.ranges:
            raise UsageError(f"it cannot be written: {place.reason}", "rewrite the file by hand")
    splices = sorted(splice for place in chosen for splice in _splices(trace, file_spans, place))
    for one, other in pairwise(splices):
        if one.end > other.start:
            raise UsageError("two of the rewrites change the same layer", "apply one of them")
    text = trace.text
    for splice in reversed(splices):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def check_writable(trace: Trace, file_spans: Spans, place: RewriteSite) -> RewriteSite:
    """The place; without runs, and why, where the text of its layers stands in the way."""
    try:
        _splices(trace, file_spans, place)
    except UsageError as error:
        return RewriteSite(place.matches, reason=error.fact)
    return place


def _splices(trace: Trace, file_spans: Spans, place: RewriteSite) -> list[Splice]:
    """What is rewritten of a place; [] where its layers cannot be found. UsageError where their text stands in the
    way."""
    pairs = zip(place.matches[0].changes, place.ranges, strict=True) if place.ranges else ()
    return [_splice(trace, file_spans, change, run, place.condition) for change, run in pairs]


def _splice(trace: Trace, file_spans: Spans, change: GraphChange, run: LayerRange, when: UseCondition | None) -> Splice:
    entries = run.layers.items[run.first : run.last + 1]
    items = [read_item(node, trace.reader) for node in entries]
    begin, end = file_spans.of(entries[0]), file_spans.of(entries[-1])
    if any(file_spans.of(node).named for node in entries):
        raise UsageError("the layer has a YAML anchor or is an alias", "rewrite the file by hand")
    layers = _layers(change, items, items[run.prototype - run.first], when)
    if not layers and len(entries) == len(run.layers.items):
        layers = [LayerText("identity", ())]
    if file_spans.of(run.layers).flow:
        return _in_flow(file_spans, begin.start, end.end, layers)
    return _in_block(file_spans, begin.start, end.end, layers)


def _layers(
    change: GraphChange, items: Sequence[LayerItem], model: LayerItem, when: UseCondition | None
) -> list[LayerText]:
    """The new layers with the name, the source and the condition of those that they replace."""
    new = [layer_text(piece, model) for piece in change.replacements]
    name = next((yaml_text(item.name) for item in reversed(items) if item.name is not None), None)
    if not new and (name is not None or items[0].source is not None):
        # nothing is computed here any more, but the name may be read, and the next layer reads what this one did
        new = [LayerText("identity", ())]
    if new and items[0].source is not None:
        new[0] = new[0].beside("from", yaml_text(items[0].source))
    if new and name is not None:
        new[-1] = new[-1].beside("as", name)
    if items[0].when is not None:
        new = [layer.beside("when", yaml_text(items[0].when)) for layer in new]
    if when is None:
        return new
    old = unchanged_text(model)
    if model.source is not None:
        old = old.beside("from", yaml_text(model.source))
    if name is not None:
        old = old.beside("as", name)
    return [old.beside("when", when.old), *(layer.beside("when", when.new) for layer in new)]


def _in_flow(file_spans: Spans, start: int, end: int, layers: Sequence[LayerText]) -> Splice:
    """`[a, b]`; with the comma beside it where nothing is left."""
    text = file_spans.text
    if not layers:
        after = len(text) - len(text[end:].lstrip())
        if text[after] == ",":
            return Splice(start, len(text) - len(text[after + 1 :].lstrip()), "")
        before = len(text[:start].rstrip())
        return Splice(len(text[: before - 1].rstrip()) if text[before - 1] == "," else before, end, "")
    return Splice(start, end, ", ".join(layer.flow() for layer in layers))


def _in_block(file_spans: Spans, start: int, end: int, layers: Sequence[LayerText]) -> Splice:
    """One line for each layer behind its dash; comments inside what goes stand above."""
    text = file_spans.text
    dash = len(text[:start].rstrip()) - 1
    if text[dash] != "-":
        raise UsageError("a comment stands between a dash and its layer", "put it above, or rewrite the file by hand")
    line = text.rfind("\n", 0, dash) + 1
    newline = "\r\n" if "\r\n" in text else "\n"
    alone = not text[line:dash].strip()
    indent = " " * (dash - line)
    comments = file_spans.comments(start, end) if alone else []
    if not layers:
        if not alone:
            raise UsageError("nothing would be left of a list in a list", "rewrite the file by hand")
        rest = text.find("\n", end)
        tail = text[end:rest] if rest >= 0 else text[end:]
        lines = [*comments, *([tail.strip()] if tail.strip() else [])]
        return Splice(line, len(text) if rest < 0 else rest + 1, "".join(f"{indent}{c}{newline}" for c in lines))
    lines = [*comments, *(f"- {layer.block()}" for layer in layers)]
    whole = f"{newline}{indent}".join(lines)
    return Splice(dash, end, whole)
