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
    """The text that replaces text[start:end]."""

    start: int
    end: int
    text: str


def rewrite_text(trace: Trace, sites: Sequence[RewriteSite]) -> str:
    """The text with these sites rewritten. UsageError where one cannot be, or two overlap."""
    file_spans = find_spans(trace.text)
    for site in sites:
        if not site.ranges:
            raise UsageError(f"it cannot be written: {site.reason}", "rewrite the file by hand")
    splices = sorted(splice for site in sites for splice in _splices(trace, file_spans, site))
    for first, second in pairwise(splices):
        if first.end > second.start:
            raise UsageError("two of the rewrites change the same layer", "apply one of them")
    text = trace.text
    for splice in reversed(splices):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def check_writable(trace: Trace, file_spans: Spans, site: RewriteSite) -> RewriteSite:
    """The site; without ranges, and with the reason, where the text of its layers stands in the way."""
    try:
        _splices(trace, file_spans, site)
    except UsageError as error:
        return RewriteSite(site.matches, reason=error.fact)
    return site


def _splices(trace: Trace, file_spans: Spans, site: RewriteSite) -> list[Splice]:
    """Site -> its splices; [] where its layers cannot be found. UsageError where their text stands in the
    way."""
    pairs = zip(site.matches[0].changes, site.ranges, strict=True) if site.ranges else ()
    return [_splice(trace, file_spans, change, layer_range, site.condition) for change, layer_range in pairs]


def _splice(
    trace: Trace, file_spans: Spans, change: GraphChange, layer_range: LayerRange, condition: UseCondition | None
) -> Splice:
    entries = layer_range.layers.items[layer_range.first : layer_range.last + 1]
    items = [read_item(node, trace.reader) for node in entries]
    begin, end = file_spans.of(entries[0]), file_spans.of(entries[-1])
    if any(file_spans.of(node).has_anchor for node in entries):
        raise UsageError("the layer has a YAML anchor or is an alias", "rewrite the file by hand")
    layers = _new_layers(change, items, items[layer_range.prototype - layer_range.first], condition)
    if not layers and len(entries) == len(layer_range.layers.items):
        layers = [LayerText("identity", ())]
    if file_spans.of(layer_range.layers).flow:
        return _splice_flow(file_spans, begin.start, end.end, layers)
    return _splice_block(file_spans, begin.start, end.end, layers)


def _new_layers(
    change: GraphChange, items: Sequence[LayerItem], prototype: LayerItem, condition: UseCondition | None
) -> list[LayerText]:
    """The new layers with the name, the source and the condition of those that they replace."""
    new = [layer_text(replacement, prototype) for replacement in change.replacements]
    name = next((yaml_text(item.name) for item in reversed(items) if item.name is not None), None)
    if not new and (name is not None or items[0].source is not None):
        # nothing is computed here any more, but the name may be read, and the next layer reads what this one did
        new = [LayerText("identity", ())]
    if new and items[0].source is not None:
        new[0] = new[0].add_key("from", yaml_text(items[0].source))
    if new and name is not None:
        new[-1] = new[-1].add_key("as", name)
    if items[0].when is not None:
        new = [layer.add_key("when", yaml_text(items[0].when)) for layer in new]
    if condition is None:
        return new
    old = unchanged_text(prototype)
    if prototype.source is not None:
        old = old.add_key("from", yaml_text(prototype.source))
    if name is not None:
        old = old.add_key("as", name)
    return [old.add_key("when", condition.old), *(layer.add_key("when", condition.new) for layer in new)]


def _splice_flow(file_spans: Spans, start: int, end: int, layers: Sequence[LayerText]) -> Splice:
    """Layers of a flow list `[a, b]` -> their splice; with the comma beside it where nothing is left."""
    text = file_spans.text
    if not layers:
        after = len(text) - len(text[end:].lstrip())
        if text[after] == ",":
            return Splice(start, len(text) - len(text[after + 1 :].lstrip()), "")
        before = len(text[:start].rstrip())
        return Splice(len(text[: before - 1].rstrip()) if text[before - 1] == "," else before, end, "")
    return Splice(start, end, ", ".join(layer.flow_text() for layer in layers))


def _splice_block(file_spans: Spans, start: int, end: int, layers: Sequence[LayerText]) -> Splice:
    """Layers of a block list -> a line for each; comments inside the replaced text stand above."""
    text = file_spans.text
    dash = len(text[:start].rstrip()) - 1
    if text[dash] != "-":
        raise UsageError("a comment stands between a dash and its layer", "put it above, or rewrite the file by hand")
    line = text.rfind("\n", 0, dash) + 1
    newline = "\r\n" if "\r\n" in text else "\n"
    starts_line = not text[line:dash].strip()
    indent = " " * (dash - line)
    comments = file_spans.comments(start, end) if starts_line else []
    if not layers:
        if not starts_line:
            raise UsageError("nothing would be left of a list in a list", "rewrite the file by hand")
        line_end = text.find("\n", end)
        tail = text[end:line_end] if line_end >= 0 else text[end:]
        lines = [*comments, *([tail.strip()] if tail.strip() else [])]
        return Splice(
            line, len(text) if line_end < 0 else line_end + 1, "".join(f"{indent}{c}{newline}" for c in lines)
        )
    lines = [*comments, *(f"- {layer.block_text()}" for layer in layers)]
    block = f"{newline}{indent}".join(lines)
    return Splice(dash, end, block)
