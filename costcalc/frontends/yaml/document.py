"""YAML text -> a tree of nodes with line and column, and the span of each node and comment in the text.

PyYAML's parser is read event by event: its own composer recurses in C, so that a deeply nested file ends the process,
and its resolver turns `no` into false and `12:30` into 750. Here scalars stay text; what they mean is decided by the
key that they stand at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn, Union

import yaml

from costcalc.core.errors import CostcalcError, SpecError
from costcalc.frontends.yaml.syntax import Stop, find_slip

MAX_DEPTH = 60

MAX_ALIASED = 100_000
"""The most values that all aliases of a file may repeat: each level of aliases multiplies them."""

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar:
    """A scalar node; plain (YAML's word) is False where it is quoted."""

    __slots__ = ("column", "line", "plain", "text")

    def __init__(self, text: str, plain: bool, line: int, column: int) -> None:
        self.text, self.plain, self.line, self.column = text, plain, line, column

    @property
    def is_null(self) -> bool:
        """An empty value, ~ or null."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


class Seq:
    """A sequence node."""

    __slots__ = ("column", "items", "line")

    def __init__(self, line: int, column: int) -> None:
        self.items: list[YamlNode] = []
        self.line, self.column = line, column


class Map:
    """A mapping node, in the file's order; keys are scalars, none twice."""

    __slots__ = ("column", "keys", "line", "values")

    def __init__(self, line: int, column: int) -> None:
        self.values: dict[str, YamlNode] = {}
        self.keys: dict[str, Scalar] = {}
        self.line, self.column = line, column


YamlNode = Union[Scalar, Seq, Map]


class Document(NamedTuple):
    """A parsed file and its name in errors. cache holds what readers derive from its nodes and need again, by the
    nodes' identity: they live as long as the document."""

    root: YamlNode
    file: str
    cache: dict[Any, Any]

    def place(self, node: YamlNode) -> str:
        """file:line:column"""
        return f"{self.file}:{node.line}:{node.column}"


def parse_document(text: str | bytes, file: str) -> Document:
    """Text or bytes, and the file's name in errors -> Document. SpecError with its place where it is not one YAML
    document."""
    return Document(_parse(text, _Composer(file)), file, {})


class PartialDocument(NamedTuple):
    """What a text with errors holds: the document up to the error at which its parser stops (None where nothing stands
    above it), all errors, and the last line that is read in full, None where that is the last of the text."""

    document: Document | None
    errors: list[CostcalcError]
    last_line: int | None


def parse_partial_document(text: str, file: str) -> PartialDocument:
    """A text, which may be broken, and the file's name in errors -> PartialDocument."""
    errors: list[CostcalcError] = []
    composer = _Composer(file, errors)
    try:
        return PartialDocument(Document(_parse(text, composer), file, {}), errors, None)
    except SpecError as error:
        errors.append(error)
    last_line = composer.close_all()
    document = None if composer.root is None else Document(composer.root, file, {})
    return PartialDocument(document, errors, last_line)


def _parse(text: str | bytes, composer: _Composer) -> YamlNode:
    file = composer.file
    try:
        return _compose(iter(Loader(text).get_event, None), composer)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        lines = (text if isinstance(text, str) else text.decode("utf-8", "replace")).splitlines()
        problem = str(error.problem or error.context)
        fact, remedy = find_slip(Stop(lines, mark.line, mark.column, problem)) if mark else ("", "")
        remedy = remedy or "look there for an indent, a colon, a bracket or a quote"
        raise SpecError(fact or f"not YAML: {problem}", remedy, place) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(
            f"not YAML: {str(error).splitlines()[0]}", "give a YAML, an ONNX file or a built-in name", file
        ) from error


def _compose(events: Iterable[Any], composer: _Composer) -> YamlNode:
    for event in events:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            mark = event.start_mark
            composer.add(Scalar(event.value, event.implicit[0], mark.line + 1, mark.column + 1), event)
        elif kind is yaml.MappingStartEvent:
            mark = event.start_mark
            composer.open(Map(mark.line + 1, mark.column + 1), event)
        elif kind is yaml.SequenceStartEvent:
            mark = event.start_mark
            composer.open(Seq(mark.line + 1, mark.column + 1), event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            composer.close()
        elif kind is yaml.AliasEvent:
            composer.attach(composer.resolve_alias(event))
        elif kind is yaml.DocumentStartEvent:
            composer.start_document(event)
    if composer.root is None:
        raise SpecError("the file is empty", "a model has at least `input:` and `layers:`", composer.file)
    return composer.root


class _Composer:
    """Events of PyYAML's parser, one by one -> root. stack holds the collections that are open, keys for each the key
    whose value comes next (None in a list, and where a key comes next). errors collects errors of keys and tags where
    it is a list."""

    def __init__(self, file: str, errors: list[CostcalcError] | None = None) -> None:
        self.file, self.errors = file, errors
        self.root: YamlNode | None = None
        self.stack: list[Seq | Map] = []
        self.keys: list[Scalar | None] = []
        self.anchors: dict[str, YamlNode] = {}
        self.extents: dict[int, tuple[int, int]] = {}
        self.aliased = self.documents = 0

    def start_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            _refuse("a second document starts", "give one model a file", self.file, event.start_mark)

    def add(self, node: YamlNode, event: Any) -> None:
        """A node that the event begins: its tag is checked and its anchor noted."""
        if event.tag and not event.tag.startswith("tag:yaml.org,2002:") and event.tag != "!":
            self.report(SpecError(f"the tag {event.tag} is not part of the language", "remove it", self.place(node)))
        if event.anchor:
            self.anchors[event.anchor] = node
        self.attach(node)

    def attach(self, node: YamlNode) -> None:
        """A node at its place in the innermost open collection: an item, a key or a value."""
        if not self.stack:
            self.root = node
        elif isinstance(top := self.stack[-1], Seq):
            top.items.append(node)
        elif (key := self.keys[-1]) is None:
            self.keys[-1] = self.read_key(node, top)
        else:
            if top.keys.get(key.text) is key:
                top.values[key.text] = node
            self.keys[-1] = None

    def open(self, node: Seq | Map, event: Any) -> None:
        """A collection: what comes next is its content."""
        self.add(node, event)
        if len(self.stack) >= MAX_DEPTH:
            _refuse(f"more than {MAX_DEPTH} levels are nested", "use blocks", self.file, event.start_mark)
        self.stack.append(node)
        self.keys.append(None)

    def close(self) -> None:
        self.stack.pop()
        self.keys.pop()

    def close_all(self) -> int:
        """Ends all open collections; keys without a value are taken out. The last line that is read in full: the one
        above the last entry, or key, of the innermost of them that has one."""
        last_line = 0
        for collection, key in zip(self.stack, self.keys, strict=True):
            if isinstance(collection, Map) and key is not None:
                collection.keys.pop(key.text, None)
            nodes = collection.items if isinstance(collection, Seq) else [key or collection]
            if nodes:
                last_line = nodes[-1].line - 1
        return last_line

    def place(self, node: YamlNode) -> str:
        return f"{self.file}:{node.line}:{node.column}"

    def report(self, error: SpecError) -> None:
        """Collects an error, or raises it."""
        if self.errors is None:
            raise error
        self.errors.append(error)

    def read_key(self, node: YamlNode, mapping: Map) -> Scalar:
        """A key of a mapping, noted in it unless it is refused."""
        place = self.place(node)
        if not isinstance(node, Scalar):
            raise SpecError("a key is a list or a mapping", "keys are words", place)
        if node.text == "<<":
            remedy = "write a block with arguments"
            self.report(SpecError("merge keys (<<) are not part of the language", remedy, place))
        elif node.text in mapping.keys:
            first = mapping.keys[node.text].line
            self.report(SpecError(f"the key {node.text!r} is given twice (first in line {first})", "remove one", place))
        else:
            mapping.keys[node.text] = node
        return node

    def resolve_alias(self, event: Any) -> YamlNode:
        """The node of an alias's anchor. SpecError where there is none above, where the alias stands inside it, and
        where aliases stand for too many values or levels."""
        mark = event.start_mark
        if event.anchor not in self.anchors:
            _refuse(f"the alias *{event.anchor} has no anchor before it", "define it above", self.file, mark)
        node = self.anchors[event.anchor]
        if any(node is open_node for open_node in self.stack):
            fact = f"the alias *{event.anchor} stands inside its own anchor"
            _refuse(fact, "a model has no cycles", self.file, mark)
        values, levels = _extent(node, self.extents)
        self.aliased += values
        if self.aliased > MAX_ALIASED:
            _refuse(f"aliases stand for more than {MAX_ALIASED:,} values", "use blocks and repeat", self.file, mark)
        if len(self.stack) + levels > MAX_DEPTH:
            _refuse(f"more than {MAX_DEPTH} levels are nested", "use blocks", self.file, mark)
        return node


def _extent(node: YamlNode, extents_by_id: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """A node -> the number of its values and levels, where an alias has those of its anchor. extents_by_id holds
    those of lists and mappings by identity, among them those of all earlier aliases."""
    if isinstance(node, Scalar):
        return 1, 0
    if id(node) not in extents_by_id:
        items = node.items if isinstance(node, Seq) else node.values.values()
        extents = [_extent(item, extents_by_id) for item in items]
        extents_by_id[id(node)] = 1 + sum(values for values, _ in extents), 1 + max((n for _, n in extents), default=0)
    return extents_by_id[id(node)]


def _refuse(fact: str, remedy: str, file: str, mark: yaml.Mark) -> NoReturn:
    raise SpecError(fact, remedy, f"{file}:{mark.line + 1}:{mark.column + 1}")


class Span(NamedTuple):
    """The indexes of a node's first character and of the one behind its last in the text. flow: it is written as `[…]`
    or `{…}`; has_anchor: the node, or one in it, has an anchor or is an alias."""

    start: int
    end: int
    flow: bool
    has_anchor: bool


class Spans(NamedTuple):
    """The spans of a text's nodes by (line, column, kind of node); tokens are the spans of its scalars in their
    order."""

    text: str
    spans: dict[tuple[int, int, str], Span]
    tokens: tuple[tuple[int, int], ...]

    def of(self, node: YamlNode) -> Span:
        """A node's span. KeyError for a node of another text."""
        return self.spans[node.line, node.column, type(node).__name__]

    def comments(self, start: int, end: int) -> list[str]:
        """The comments between two indexes; a `#` inside a scalar is none."""
        scalars = [token for token in self.tokens if token[0] < end and token[1] > start]
        edges = [start, *[index for token in scalars for index in token], end]
        gaps = [self.text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
        return [comment for gap in gaps for comment in re.findall(r"(?:^|(?<=\s))#[^\r\n]*", gap)]


def find_spans(text: str) -> Spans:
    """A text that parses as YAML -> the spans of its nodes."""
    spans: dict[tuple[int, int, str], Span] = {}
    tokens: list[tuple[int, int]] = []
    open_: list[_OpenCollection] = []
    events: Iterator[Any] = iter(Loader(text).get_event, None)
    for event in events:
        first, last = _mark(event.start_mark), _mark(event.end_mark)
        if isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
            end = first.index + len(text[first.index : last.index].rstrip())
            tokens.append((first.index, end))
            span = Span(first.index, end, False, bool(event.anchor))
            kind = Scalar.__name__
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append(_OpenCollection(event, first, first.index, bool(event.anchor)))
            continue
        elif isinstance(event, yaml.CollectionEndEvent):
            begin, first, end, has_anchor = open_.pop()
            span = Span(first.index, last.index if begin.flow_style else end, bool(begin.flow_style), has_anchor)
            kind = (Map if isinstance(begin, yaml.MappingStartEvent) else Seq).__name__
        else:
            continue
        spans[first.line + 1, first.column + 1, kind] = span
        if open_:
            outer = open_[-1]
            open_[-1] = outer._replace(end=max(outer.end, span.end), has_anchor=outer.has_anchor or span.has_anchor)
    return Spans(text, spans, tuple(tokens))


class _OpenCollection(NamedTuple):
    """A collection that has begun: its event and mark, where what it holds so far ends, whether an anchor is there."""

    event: Any
    mark: Any
    end: int
    has_anchor: bool


def _mark(mark: Any) -> Any:
    """A mark, which PyYAML's types say may be absent; a parser gives it."""
    assert mark is not None
    return mark
