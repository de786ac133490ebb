"""A line of a model -> its working as Markdown (hover) and its cost in a few words (inlay hint); a key of a config ->
what the quantity is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from costcalc.cli.lsp.model import AnalyzedModel, FileLayer, ModelDocument
from costcalc.cli.lsp.text import TextPosition
from costcalc.core.amount import Amount, LowerBound
from costcalc.core.quantities import CATALOGUE
from costcalc.core.sanitize import printable
from costcalc.core.units import format_count, format_share, format_short
from costcalc.frontends.yaml.layers.base import KINDS, LAYERS
from costcalc.views.explain import LayerExplanation, explain_report

MAX_PARTS = 12
"""The most nodes of one layer that a hover lists."""

LABELS = {"macs": "MACs", "params": "params", "flops": "FLOPs"}


def format_amount(amount: Amount) -> str:
    """2.36 M; at least that much of what is only known from below; ? of what is not known."""
    if amount is None:
        return "?"
    if isinstance(amount, LowerBound):
        return f"≥ {format_short(amount.value)}"
    return format_short(amount)


def hint_text(layer: FileLayer, figures: Mapping[str, Amount]) -> str:
    """A layer and its figures -> `2.36 M MACs · 9.41 k params`, "" where it costs nothing."""
    keys = [key for key in ("macs", "params") if figures[key] != 0]
    keys = keys or [key for key in ("flops",) if figures[key] != 0]
    text = " · ".join(f"{format_amount(figures[key])} {LABELS[key]}" for key in keys)
    return f"{text} in {len(layer.uses)} uses" if text and len(layer.uses) > 1 else text


def hints(model: AnalyzedModel, first: int, last: int) -> Iterator[tuple[TextPosition, str]]:
    """The lines from first to last -> a place behind each line that a layer begins, and its cost."""
    for layer in model.layers:
        if first <= layer.line <= last and (text := hint_text(layer, model.figures(layer))):
            yield TextPosition(layer.line, len(model.source.line(layer.line))), text


def hover_text(document: ModelDocument, position: TextPosition) -> str:
    """A position in a model -> Markdown on the layer or the key there, "" where there is none. A line that was changed
    since the text had no error has none."""
    line = document.good_line(position.line)
    model = document.good
    if model is None or line is None:
        return ""
    word, _ = document.source.word_at(position)
    layer = model.layer_at(line)
    if layer is None:
        return _parameter_text(model, word)
    parts = [_option_text(layer, word), *_layer_lines(model, layer)]
    return "\n\n".join(filter(None, parts))


def _parameter_text(model: AnalyzedModel, word: str) -> str:
    """A parameter -> its value in the first layer that sees it."""
    names = model.trace.calls[0].names if model.trace.calls else {}
    return f"`{word}` = {printable(str(names[word]))}" if word in names else ""


def _option_text(layer: FileLayer, word: str) -> str:
    """An option of the layer, or a name that it reads -> what it means or is worth."""
    kind = LAYERS.get(layer.item.kind) if layer.item.kind in LAYERS else None
    key = kind.keys.get(word) if kind is not None else None
    if key is not None:
        return f"`{word}`: {key.doc or KINDS[key.kind]}"
    names = layer.uses[0].names
    return f"`{word}` = {printable(str(names[word]))}" if word in names and word != layer.item.kind else ""


def _layer_lines(model: AnalyzedModel, layer: FileLayer) -> Iterator[str]:
    report, use = model.report, layer.uses[0]
    rows = report.rows[use.first : use.last]
    figures = model.figures(layer)
    main = max(rows, key=lambda row: _size(row.figures["macs"]) or _size(row.figures["flops"]) / (1 << 62))
    if len(rows) == 1:
        (working,) = explain_report(report, main.name).workings
        yield from _working_lines(working)
    else:
        yield f"**{printable(layer.item.kind)}**: {len(rows)} operators"
        parts = [f"{row.name}  {row.operator}  {format_amount(row.figures['macs'])} MACs" for row in rows[:MAX_PARTS]]
        if len(rows) > MAX_PARTS:
            parts.append(f"… and {len(rows) - MAX_PARTS:,} more")
        yield _code_block(parts)
    share = format_share(_count(figures["macs"]), _count(report.totals["macs"]))
    uses = f" in {len(layer.uses)} uses" if len(layer.uses) > 1 else ""
    amounts = ", ".join(f"{_exact(figures[key])} {LABELS[key]}" for key in figures)
    yield f"{amounts}{uses}" + (f"; {share} of the model's MACs" if share and figures["macs"] != 0 else "")


def _working_lines(working: LayerExplanation) -> Iterator[str]:
    yield f"**{printable(working.row.name)}** ({working.row.operator}) {printable(working.sentence)}".rstrip()
    shapes = [f"in   {text}" for text in working.inputs] + [f"out  {text}" for text in working.outputs]
    label = max((len(step.label) for step in working.steps), default=0)
    yield _code_block([*shapes, *(f"{step.label.ljust(label)}  {step}" for step in working.steps)])


def _code_block(lines: list[str]) -> str:
    """Lines -> a block of code that holds them as they are; names of a file cannot end it."""
    text = "\n".join(printable(line).replace("```", "'''") for line in lines)
    return f"```text\n{text}\n```"


def _size(amount: Amount) -> float:
    """A figure's size for a ranking: formulas count as their number of characters."""
    value = _count(amount)
    return float(value) if isinstance(value, int) else float(len(str(value or "")))


def _count(amount: Amount) -> int | None:
    value = amount.value if isinstance(amount, LowerBound) else amount
    return value if isinstance(value, int) else None


def _exact(amount: Amount) -> str:
    if isinstance(amount, LowerBound):
        return f"≥ {format_count(amount.value)}"
    return "?" if amount is None else format_count(amount)


def quantity_text(word: str) -> str:
    """A key of a config's limits -> Markdown on the quantity, "" where it is none."""
    quantity = CATALOGUE.get(word.partition(".")[0])
    if quantity is None:
        return ""
    return (
        f"**{quantity.label}**: {quantity.meaning}. A limit: `{word}: {quantity.example}` (rule CC{quantity.code:03})"
    )
