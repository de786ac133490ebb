"""A text of a model -> its outline (parameters, inputs, blocks, layers), and where a word of it is defined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from costcalc.cli.lsp.model import ModelDocument
from costcalc.cli.lsp.text import SourceText, TextPosition, TextRange
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode
from costcalc.frontends.yaml.items import COMMON_KEYS

SECTIONS = {"params": "variable", "input": "interface", "blocks": "class", "layers": "function"}
"""The keys of a model that an outline has, each with the kind of symbol of its entries."""


class OutlineEntry(NamedTuple):
    """A name with its kind (variable, interface, class, function), the range of its word, and what it contains."""

    name: str
    kind: str
    range: TextRange
    children: tuple[OutlineEntry, ...] = ()


def outline(document: ModelDocument) -> tuple[OutlineEntry, ...]:
    """A model -> its sections with their entries; of a broken text those above the error."""
    root = next(iter(document.roots()), None)
    if root is None:
        return ()
    entries = []
    for section, kind in SECTIONS.items():
        node = root.values.get(section)
        if node is not None:
            children = tuple(_section_entries(document.source, node, kind))
            entries.append(OutlineEntry(section, "namespace", _range(document.source, root.keys[section]), children))
    return tuple(sorted(entries, key=lambda entry: entry.range))


def _section_entries(source: SourceText, node: YamlNode, kind: str) -> Iterator[OutlineEntry]:
    if isinstance(node, Seq) and kind == "function":
        yield from _layer_entries(source, node)
    elif isinstance(node, Map):
        for name, value in node.values.items():
            layers = value.values.get("layers") if isinstance(value, Map) and kind == "class" else None
            children = tuple(_layer_entries(source, layers)) if isinstance(layers, Seq) else ()
            yield OutlineEntry(name, kind, _range(source, node.keys[name]), children)


def _layer_entries(source: SourceText, layers: Seq) -> Iterator[OutlineEntry]:
    for item in layers.items:
        word = layer_word(item)
        if word is not None and word.text:
            name = layer_name(item)
            yield OutlineEntry(f"{name.text} ({word.text})" if name else word.text, "function", _range(source, word))


def layer_word(item: YamlNode) -> Scalar | None:
    """An entry of a list of layers -> the word of its kind."""
    if isinstance(item, Scalar):
        return item
    if isinstance(item, Map):
        return next((key for text, key in item.keys.items() if text not in COMMON_KEYS), None)
    return None


def layer_name(item: YamlNode) -> Scalar | None:
    """An entry of a list of layers -> the word of its `as:`; None where it has none, or several."""
    nodes = [item, *item.values.values()] if isinstance(item, Map) else []
    names = [node.values.get("as") for node in nodes if isinstance(node, Map)]
    return next((name for name in names if isinstance(name, Scalar)), None)


def _range(source: SourceText, node: Scalar) -> TextRange:
    return source.range_at(node.line - 1, node.column - 1)


def definition(document: ModelDocument, position: TextPosition) -> TextRange | None:
    """A position in a model -> the range of the definition of the word there: a block, an argument of the block around
    it, a parameter, an input, or the layer with that name in `as:`. None where the word is none of these."""
    word, _ = document.source.word_at(position)
    for root in document.roots()[:1]:
        for scalar in _definitions(root, word, position.line + 1):
            return _range(document.source, scalar)
    return None


def _definitions(root: Map, word: str, line: int) -> Iterator[Scalar]:
    """The words that define a word, the innermost first."""
    blocks = root.values.get("blocks")
    if isinstance(blocks, Map):
        above = [name for name, key in blocks.keys.items() if key.line <= line]
        block = blocks.values.get(above[-1]) if above else None
        args = block.values.get("args") if isinstance(block, Map) else None
        if isinstance(args, Map) and word in args.keys and line < _section_end(root, "blocks"):
            yield args.keys[word]
        if word in blocks.keys:
            yield blocks.keys[word]
    for section in ("params", "input"):
        node = root.values.get(section)
        if isinstance(node, Map) and word in node.keys:
            yield node.keys[word]
    yield from (name for name in names_of_layers(root) if name.text == word)


def _section_end(root: Map, section: str) -> float:
    """The line in which the section behind this one begins."""
    begin = root.keys[section].line
    return min((key.line for key in root.keys.values() if key.line > begin), default=float("inf"))


def names_of_layers(root: Map) -> Sequence[Scalar]:
    """The words of every `as:` of a model."""
    names: list[Scalar] = []
    pending: list[YamlNode] = list(root.values.values())
    visited: set[int] = set()
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar) or id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, Map):
            name = node.values.get("as")
            names += [n for n in (name.items if isinstance(name, Seq) else [name]) if isinstance(n, Scalar)]
        pending.extend(node.values.values() if isinstance(node, Map) else node.items)
    return names
