"""The text of a YAML model -> what an editor shows of it: its errors and, while it has none, its layers with what each
costs. Of a broken text the layers are those of the last one that was whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from costcalc.analysis.report import Report, analyze_graph
from costcalc.cli.lsp.text import SourceText, map_line
from costcalc.core.amount import Amount, sum_amounts
from costcalc.core.errors import CostcalcError
from costcalc.frontends.yaml.diagnosis import Diagnosis, diagnose
from costcalc.frontends.yaml.document import Map, Spans, YamlNode, find_spans, parse_partial_document
from costcalc.frontends.yaml.items import LayerItem
from costcalc.frontends.yaml.source_map import LayerUse, Trace

QUANTITIES = ("macs", "params", "flops")
"""What a line's hint may tell."""


class FileLayer(NamedTuple):
    """A layer of the file: its first and last line from 0, how it is written, and its uses, the first first."""

    line: int
    last_line: int
    item: LayerItem
    uses: tuple[LayerUse, ...]


class AnalyzedModel:
    """A text without errors: its trace, its report, its layers in the order of their lines."""

    def __init__(self, source: SourceText, trace: Trace) -> None:
        self.source, self.trace = source, trace

    @cached_property
    def report(self) -> Report:
        """The report of the model as it stands, without settings."""
        return analyze_graph(self.trace.graph)

    @cached_property
    def spans(self) -> Spans:
        """The spans of the text's nodes."""
        return find_spans(self.trace.text)

    @cached_property
    def layers(self) -> tuple[FileLayer, ...]:
        """The layers that have at least one use which computes something."""
        uses: dict[int, list[LayerUse]] = {}
        for use in self.trace.calls:
            uses.setdefault(id(use.item.node), []).append(use)
        layers = [
            FileLayer(
                calls[0].item.node.line - 1, _last_line(calls[0].item.node, self.spans), calls[0].item, tuple(calls)
            )
            for calls in uses.values()
        ]
        return tuple(sorted(layers, key=lambda layer: (layer.line, -layer.last_line)))

    def layer_at(self, line: int) -> FileLayer | None:
        """The innermost layer whose text contains a line; None where there is none."""
        return max((x for x in self.layers if x.line <= line <= x.last_line), key=lambda x: x.line, default=None)

    def figures(self, layer: FileLayer) -> Mapping[str, Amount]:
        """A layer -> its figures over all its uses, by quantity."""
        rows = [row for use in layer.uses for row in self.report.rows[use.first : use.last]]
        return {key: sum_amounts(row.figures[key] for row in rows) for key in QUANTITIES}


def _last_line(node: YamlNode, spans: Spans) -> int:
    """The last line, from 0, of a node's text."""
    span = spans.of(node)
    return node.line - 1 + spans.text.count("\n", span.start, span.end)


class ModelDocument:
    """A model in an editor. file is the absolute path that its place names, errors those of the text now, good the
    last text without errors."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.source = SourceText("")
        self.diagnosis = Diagnosis(())
        self.good: AnalyzedModel | None = None

    def update(self, text: str) -> None:
        """Takes a new text of the editor."""
        self.source = SourceText(text)
        self.diagnosis = diagnose(text, self.file.name)
        if self.diagnosis.trace is not None:
            self.good = AnalyzedModel(self.source, self.diagnosis.trace)

    @property
    def errors(self) -> Sequence[CostcalcError]:
        """The errors of the text."""
        return self.diagnosis.errors

    @property
    def current(self) -> AnalyzedModel | None:
        """The text analysed, None where it has an error."""
        return self.good if self.good is not None and self.good.source is self.source else None

    def good_line(self, line: int) -> int | None:
        """A line of the text -> the same line of the last text without errors; None where it was changed since."""
        if self.good is None or self.good.source is self.source:
            return line
        return map_line(line, self.source.lines, self.good.source.lines)

    def roots(self) -> Sequence[Map]:
        """The root of the text as far as it can be read, then that of the last one without errors."""
        partial = parse_partial_document(self.source.text, self.file.name).document
        roots = [] if partial is None else [partial.root]
        if self.good is not None:
            roots.append(self.good.trace.reader.document.root)
        return [root for root in roots if isinstance(root, Map)]
