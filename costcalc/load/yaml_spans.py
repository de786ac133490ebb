"""YAML text → where each node begins and ends, as indexes into the text, and where comments stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from costcalc.load.yaml_nodes import Loader, Map, Scalar, Seq, YamlNode


class Span(NamedTuple):
    """Indexes of a node's first character and of the one behind its last; flow tells `[…]` and `{…}`, named that the
    node, or one in it, has an anchor or is an alias."""

    start: int
    end: int
    flow: bool
    named: bool


class Spans(NamedTuple):
    """The spans of a text's nodes by (line, column, kind of node); tokens are those of its scalars in their order."""

    text: str
    found: dict[tuple[int, int, str], Span]
    tokens: tuple[tuple[int, int], ...]

    def of(self, node: YamlNode) -> Span:
        """A node's span. KeyError for a node of another text."""
        return self.found[node.line, node.column, type(node).__name__]

    def comments(self, start: int, end: int) -> list[str]:
        """The comments between two indexes; a `#` inside a scalar is none."""
        inside = [token for token in self.tokens if token[0] < end and token[1] > start]
        edges = [start, *[index for token in inside for index in token], end]
        gaps = [self.text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
        return [found for gap in gaps for found in re.findall(r"(?:^|(?<=\s))#[^\r\n]*", gap)]


def spans(text: str) -> Spans:
    """All spans of a text that parses as YAML."""
    found: dict[tuple[int, int, str], Span] = {}
    tokens: list[tuple[int, int]] = []
    open_: list[_Open] = []
    events: Iterator[Any] = iter(Loader(text).get_event, None)
    for event in events:
        first, last = _mark(event.start_mark), _mark(event.end_mark)
        if isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
            end = first.index + len(text[first.index : last.index].rstrip())
            tokens.append((first.index, end))
            span = Span(first.index, end, False, bool(event.anchor))
            kind = Scalar.__name__
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append(_Open(event, first, first.index, bool(event.anchor)))
            continue
        elif isinstance(event, yaml.CollectionEndEvent):
            begin, first, end, named = open_.pop()
            span = Span(first.index, last.index if begin.flow_style else end, bool(begin.flow_style), named)
            kind = (Map if isinstance(begin, yaml.MappingStartEvent) else Seq).__name__
        else:
            continue
        found[first.line + 1, first.column + 1, kind] = span
        if open_:
            outer = open_[-1]
            open_[-1] = outer._replace(end=max(outer.end, span.end), named=outer.named or span.named)
    return Spans(text, found, tuple(tokens))


class _Open(NamedTuple):
    """A collection that has begun: its event and mark, where what it holds so far ends, whether an anchor is there."""

    event: Any
    mark: Any
    end: int
    named: bool


def _mark(mark: Any) -> Any:
    """A mark, which PyYAML's types say may be absent; a parser gives it."""
    assert mark is not None
    return mark
