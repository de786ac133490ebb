"""What a rewrite puts in the place of layers: new layers of the YAML language, with values for the graph and texts for
the file.

A text is a template: `$filters` stands for what the rewritten layer of the file has at `filters:` (an option that it
lacks is left out), `$kernel.1` for its second entry where that is a list, `${kv_heads|heads}` for the first of the two
that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.core.dim import Dim
from costcalc.frontends.yaml.layers.base import LAYERS, Site
from costcalc.graph.patterns.convolution import Convolution

Emit = Callable[[Site], str]


class Replacement(NamedTuple):
    """One new layer. kind is its word in YAML; "" keeps the rewritten layer's own, with all options but drops and those
    that texts replace. emit adds it to a graph and returns its value."""

    kind: str
    texts: tuple[tuple[str, str], ...]
    emit: Emit
    drops: tuple[str, ...] = ()

    @property
    def signature(self) -> tuple[Any, ...]:
        """Kind, texts and drops: equal for two uses of a layer that can be rewritten as one."""
        return self.kind, self.texts, self.drops


class CopiedOption(NamedTuple):
    """An option's value with the template of its text."""

    value: Any
    text: str


def layer(kind: str, /, **options: Any) -> Replacement:
    """A layer by its short name. An option is a value, which stands in the file as it is, or CopiedOption."""
    layer_type = LAYERS[kind]
    values = {key: k.default for key, k in layer_type.keys.items() if key != "weights"}
    texts = []
    for key, option in options.items():
        values[key] = option.value if isinstance(option, CopiedOption) else option
        text = option.text if isinstance(option, CopiedOption) else literal(option)
        if isinstance(option, CopiedOption) or option != layer_type.keys[key].default:
            texts.append((key, text))
    return Replacement(kind, tuple(texts), lambda site: _first_value(layer_type.emit(site, **values)))


def copy_options(c: Convolution, *keys: str) -> dict[str, CopiedOption]:
    """Options of a convolution, as its layer in the file has them."""
    options = {
        "filters": c.filters,
        "kernel": list(c.kernel),
        "stride": list(c.stride),
        "dilation": list(c.dilation),
        "pad": c.pads if isinstance(c.pads, str) else list(c.pads),
        "bias": c.bias,
    }
    return {key: CopiedOption(options[key], f"${key}") for key in keys}


def changed_layer(emit: Emit, drops: tuple[str, ...] = (), **texts: str) -> Replacement:
    """The rewritten layer itself, with some options changed."""
    return Replacement("", tuple(texts.items()), emit, drops)


def _first_value(result: str | tuple[str, ...]) -> str:
    return result if isinstance(result, str) else result[0]


def literal(value: Any) -> str:
    """A value as YAML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    return str(value)


class GraphChange(NamedTuple):
    """Nodes of a graph (by index, in their order) that give way to replacements: the first reads sources, the last
    gives what was called output. prototype is the node whose layer in the file the texts are copied from, kinds what
    that layer may be called there. Without replacements the readers of output read the first source."""

    nodes: tuple[int, ...]
    sources: tuple[str, ...]
    replacements: tuple[Replacement, ...]
    output: str
    prototype: int
    kinds: tuple[str, ...] = ()


class MacsRatio(NamedTuple):
    """New MACs over old ones of the rewritten layer: the formula in the field's names, with numbers, its value (None
    while symbols are open)."""

    names: str
    numbers: str
    value: Fraction | None


class RewriteMatch(NamedTuple):
    """One place of a graph that a rule rewrites: its layers as a report has them, what changes, the ratio of MACs that
    the literature promises, what should be known of this place. A weak one is no suggestion of its own: it comes
    along where a layer of a file has other uses that are. doubt says why the literature leaves such a layer."""

    layers: tuple[str, ...]
    changes: tuple[GraphChange, ...]
    ratio: MacsRatio | None = None
    remark: str = ""
    weak: bool = False
    doubt: str = ""


class RewriteOptions(NamedTuple):
    """Options of the rules: how many times fewer channels a bottleneck has, how many query heads share a key and value
    head."""

    reduction: int = 4
    group: int = 4


def macs_ratio(terms: Mapping[str, tuple[Dim, Dim]]) -> MacsRatio:
    """Σ a/b of named terms `{"1/C_out": (1, 64)}`."""
    names, numbers = " + ".join(terms), " + ".join(f"{_operand_text(a)}/{_operand_text(b)}" for a, b in terms.values())
    closed = all(isinstance(d, int) for pair in terms.values() for d in pair)
    value = sum((Fraction(a, b) for a, b in terms.values()), Fraction(0)) if closed else None  # type: ignore[arg-type]
    return MacsRatio(names, numbers, value)


def _operand_text(d: Dim) -> str:
    text = f"{d:,}" if isinstance(d, int) else str(d)
    return text if isinstance(d, int) or text.isidentifier() else f"({text})"
