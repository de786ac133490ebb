"""A layer of a file and its replacement → the new layer's text: options that are copied stay the expressions that they
are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from costcalc.core.errors import CostcalcError, UsageError
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode
from costcalc.frontends.yaml.expression import evaluate
from costcalc.frontends.yaml.items import LayerItem
from costcalc.studies.suggest.replacement import Replacement

HOLE = re.compile(r"\$(?:\{([\w|]+)\}|(\w+))(?:\.(\d))?")

PADS = ("same", "same_lower", "valid")

UNSAFE = re.compile(r"[,\[\]{}\"'`|>&*!%@#\n]|^[-?:] |: |:$|^\s|\s$|^$")
"""What a plain word inside `{…}` must not hold."""


class LayerText(NamedTuple):
    """A layer as it is to be written: its kind and the texts of its options."""

    kind: str
    options: tuple[tuple[str, str], ...]

    def flow_text(self) -> str:
        """Inside `[…]`."""
        return f"{{{self.block_text()}}}" if self.options else self.kind

    def block_text(self) -> str:
        """Behind `- `."""
        return f"{self.kind}: {{{', '.join(f'{k}: {v}' for k, v in self.options)}}}" if self.options else self.kind

    def add_key(self, key: str, text: str) -> LayerText:
        """With `as:`, `from:` or `when:`."""
        return self._replace(options=(*self.options, (key, text)))


def layer_text(replacement: Replacement, item: LayerItem) -> LayerText:
    """Replacement and layer of the file -> the new layer's text, with the options filled from the layer's. UsageError
    where one cannot be."""
    if replacement.kind:
        filled = [(key, fill(text, item.options)) for key, text in replacement.texts]
        return LayerText(replacement.kind, tuple((key, text) for key, text in filled if text is not None))
    new = {key: fill(text, item.options) for key, text in replacement.texts}
    old = {key: yaml_text(node) for key, node in item.options.items() if key not in replacement.drops}
    merged = {**old, **{key: text for key, text in new.items() if text is not None}}
    return LayerText(item.kind, tuple(merged.items()))


def unchanged_text(item: LayerItem) -> LayerText:
    """The layer as it is, without what stands beside it."""
    return LayerText(item.kind, tuple((key, yaml_text(node)) for key, node in item.options.items()))


def fill(template: str, options: Mapping[str, YamlNode]) -> str | None:
    """The template with the options' texts in it; None where the layer lacks one."""
    match = HOLE.fullmatch(template)
    if match:
        option = _option(match, options)
        return option if isinstance(option, str) else None if option is None else yaml_text(option)
    missing = False
    word = next((h for h in (_option(h, options) for h in HOLE.finditer(template)) if _is_pad_word(h)), None)
    if isinstance(word, Scalar):
        return word.text  # `[0, $pad]` of a layer that pads `same`: so do the new ones

    def substitute(hole: re.Match[str]) -> str:
        nonlocal missing
        option = _option(hole, options)
        missing = missing or option is None
        if isinstance(option, Seq) and hole[3] and int(hole[3]) < len(option.items):
            option = option.items[int(hole[3])]
        if isinstance(option, (Seq, Map)):
            raise UsageError(f"the layer's {hole[0][1:]} is a list", "give it one number, or rewrite it by hand")
        text = option if isinstance(option, str) else option.text if option else ""
        return text if _is_atom(text) or template[0] == "[" else f"({text})"

    text = HOLE.sub(substitute, template)
    if missing:
        return None
    return text if text.startswith("[") else quote(_simplify(text))


def _option(hole: re.Match[str], options: Mapping[str, YamlNode]) -> YamlNode | str | None:
    """The first option that the layer has; a number stands for itself."""
    for key in (hole[1] or hole[2]).split("|"):
        if key.isdigit():
            return key
        if key in options:
            return options[key]
    return None


def _is_pad_word(option: YamlNode | str | None) -> bool:
    return isinstance(option, Scalar) and option.text in PADS


def _simplify(text: str) -> str:
    """An expression without names as its value."""
    try:
        value = evaluate(text, {})
    except CostcalcError:
        return text
    return str(value) if isinstance(value, int) else text


def _is_atom(text: str) -> bool:
    """Whether a text can stand in an expression without parentheses."""
    if re.fullmatch(r"[\w.]+", text):
        return True
    if not re.match(r"\w+\(.*\)$", text):
        return False
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and c == ")" and i < len(text) - 1:
            return False
    return True


def yaml_text(node: YamlNode) -> str:
    """A node of the file as it may stand inside `{…}`."""
    if isinstance(node, Scalar):
        return quote(node.text) if node.plain else json.dumps(node.text, ensure_ascii=False)
    if isinstance(node, Seq):
        return _flow_list([yaml_text(item) for item in node.items])
    return "{" + ", ".join(f"{key}: {yaml_text(value)}" for key, value in node.values.items()) + "}"


def _flow_list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(texts) + "]"


def quote(text: str) -> str:
    """A plain scalar, in quotes where it would end early."""
    return json.dumps(text, ensure_ascii=False) if UNSAFE.search(text) else text
