"""Data of a page -> the HTML that stands without a script: each model's sentence, totals, symbols, notes and dearest
parts, and the comparison of several.

Scripts add charts, the diagram and the table of layers; what stands here they only move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from costcalc.core.sanitize import escape_html as escape
from costcalc.core.units import format_bytes, format_count, format_ratio, format_short
from costcalc.render.cells import prose_markup
from costcalc.render.page.tables import WARNING, Cell, opened_text, table_markup, wide_markup

LONGEST_FORMULA = 90
"""Signs of a formula that stands open; of a longer one the rest opens."""

BESIDE = 4
"""Models that are compared in columns; more of them are rows."""

STATIC = ("headline", "tiles", "symbols", "parts", "inputs", "drawn_facts")
"""Entries of a model that stand in the HTML alone, not in the data for scripts."""


def page_markup(content: dict[str, Any]) -> str:
    """The page's data -> the HTML of its main part."""
    models, comparison = content["models"], content.get("comparison")
    level = 2 if comparison else 1
    articles = [_model_markup(model, i, level) for i, model in enumerate(models)]
    return "\n".join([*([comparison_markup(comparison)] if comparison else []), *articles])


def _model_markup(model: dict[str, Any], index: int, level: int) -> str:
    """A model's entry -> its article: title, summary, parts."""
    ident = "summary" if index == 0 else f"summary-{index + 1}"
    symbols = _symbols_markup(model["symbols"])
    return (
        f'<article data-model="{index}">\n<div class="title"><h{level} class="model">{escape(model["name"])}</h{level}>'
        f'<p class="headline">{prose_markup(model["headline"])}</p>'
        f'<p class="lead">{escape(model["inputs"])}</p></div>\n'
        f'<section id="{ident}" aria-labelledby="{ident}-title"><h2 id="{ident}-title">Summary</h2>\n'
        f'<dl class="tiles">{"".join(map(_tile_markup, model["tiles"]))}</dl>\n{symbols}'
        f'<dl class="remarks">{"".join(_fact_rows(model))}</dl>\n{_parts_markup(model["parts"])}</section>\n</article>'
    )


def _tile_markup(tile: dict[str, str]) -> str:
    """A total -> its tile: the rounded figure, the exact one, the formula."""
    formula = tile.get("formula", "")
    rows = [f'<dt class="label">{escape(tile["label"])}</dt>']
    if "value" in tile:
        rows.append(f'<dd class="value">{escape(tile["value"])}</dd><dd class="exact">{escape(tile["exact"])}</dd>')
    if tile.get("where"):
        rows.append(f'<dd class="where">{escape(tile["where"])}</dd>')
    if formula:
        rows.append(f'<dd class="formula">{opened_text(formula, LONGEST_FORMULA)}</dd>')
    return f'<div class="tile" data-key="{escape(tile["key"])}">{"".join(rows)}</div>'


def _symbols_markup(rows: Sequence[Sequence[str]]) -> str:
    """The legend of symbols -> a table that says what each is; "" where nothing is open."""
    if not rows:
        return ""
    columns: list[tuple[str, bool]] = [
        ("Symbol", True),
        ("Name", True),
        ("What it is", True),
        ("At most", False),
        ("Drawn at", False),
    ]
    kept = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    is_named = any(row[0] != row[1] for row in rows)
    if not is_named:
        kept.remove(1)
    head, cells = [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]
    kind = f"figures prose symbols{' named' if is_named else ''}"
    return wide_markup("Symbols", table_markup("Symbols of the formulas", head, cells, kind))


def _fact_rows(model: dict[str, Any]) -> Iterable[str]:
    """The totals that are no tile, and the notes."""
    labels = {tile["key"] for tile in model["tiles"]}
    shown = {label for label, key in LABEL_KEYS.items() if key in labels}
    for label, amount, kind, bound in model["facts"]:
        if label in shown:
            continue
        text = exact_text(amount)
        short = rounded_text(amount, kind)
        extra = f" ({short})" if short != text and not _is_formula(amount) else ""
        drawn = model["drawn_facts"].get(label)
        if drawn and _is_formula(amount):
            at_point = f"{drawn} {model['drawn']}: {text}"
            yield f"<dt>{escape(label)}</dt><dd>{opened_text(at_point, LONGEST_FORMULA)}</dd>"
            continue
        limit = f"; ≤ {rounded_text(bound[0], kind)}, {bound[1]}" if isinstance(bound, list) else ""
        yield f"<dt>{escape(label.strip())}</dt><dd>{opened_text(text + extra + limit)}</dd>"
    for label, text, is_warning in model["remarks"]:
        mark = WARNING if is_warning else ""
        yield f"<dt>{escape(label)}</dt><dd{mark}>{opened_text(text)}</dd>"


LABEL_KEYS = {
    "MACs": "macs",
    "FLOPs": "flops",
    "Params": "params",
    "Weight bytes": "weight_bytes",
    "Peak activation bytes": "peak_activation_bytes",
    "Traffic bytes": "traffic_bytes",
}
"""Label of a total -> its key, of those that may be tiles."""


def _parts_markup(rows: Sequence[Sequence[str]]) -> str:
    """The dearest parts -> a table that the list of the map takes the place of."""
    if not rows:
        return ""
    columns = (("Part", True), ("Cost", False), ("Share", False), ("Params", False))
    table = wide_markup("Parts", table_markup("Parts by cost", columns, rows))
    return f'<div class="plain"><h3>Where the cost is</h3>{table}</div>'


def exact_text(amount: Any) -> str:
    """JSON amount -> its text with every digit."""
    if isinstance(amount, dict):
        return str(amount["text"]) if "text" in amount else f"≥ {exact_text(amount['least'])}"
    return "?" if amount is None else format_count(int(amount)) if not isinstance(amount, float) else f"{amount:g}"


def rounded_text(amount: Any, kind: str) -> str:
    """JSON amount -> its text with three digits."""
    if isinstance(amount, dict):
        return str(amount["text"]) if "text" in amount else f"≥ {rounded_text(amount['least'], kind)}"
    if amount is None or isinstance(amount, float):
        return exact_text(amount)
    return format_bytes(int(amount)) if kind == "bytes" else format_short(int(amount))


def _is_formula(amount: Any) -> bool:
    return isinstance(amount, dict) and "text" in amount


def comparison_markup(comparison: dict[str, Any]) -> str:
    """The comparison's entry -> its section: sentences, totals and FLOPs by operator, with ratios to the first."""
    names = comparison["names"]
    title = f"{len(names)} models" if len(names) > BESIDE else ", ".join(names)
    sentences = "".join(f'<p class="headline">{prose_markup(text)}</p>' for text in comparison["headlines"])
    head = f'<div class="title" id="compared"><h1>{escape(title)}</h1>{sentences}</div>\n'
    if len(names) > BESIDE:
        tables = wide_markup("Totals of the models", _models_in_rows(names, comparison["totals"]))
    else:
        tables = wide_markup("Totals of the models", _models_in_columns("Totals", names, comparison["totals"]))
        if comparison["operators"]:
            tables += wide_markup(
                "FLOPs by operator", _models_in_columns("FLOPs by operator", names, comparison["operators"])
            )
    lead = f'<p class="lead">Each figure against {escape(names[0])}’s.</p>'
    return (
        f'{head}<section id="comparison" aria-labelledby="comparison-title"><h2 id="comparison-title">Comparison</h2>'
        f"{lead}{tables}</section>"
    )


def _models_in_columns(title: str, names: Sequence[str], lines: Sequence[Any]) -> str:
    columns = [(title, True), (names[0], False)]
    for name in names[1:]:
        columns += [(name, False), ("ratio", False)]
    rows = []
    for label, kind, amounts, ratios in lines:
        row: list[Cell] = [label, _amount_cell(amounts[0], kind)]
        for amount, ratio in zip(amounts[1:], ratios[1:], strict=True):
            row += [_amount_cell(amount, kind), _ratio_text(ratio)]
        rows.append(row)
    return table_markup(title, columns, rows)


def _models_in_rows(names: Sequence[str], lines: Sequence[Any]) -> str:
    columns = [("Model", True)]
    for label, *_ in lines:
        columns += [(label.replace(" bytes", ""), False), ("ratio", False)]
    rows = []
    for i, name in enumerate(names):
        row = [name]
        for _, kind, amounts, ratios in lines:
            row += [_cut(rounded_text(amounts[i], kind)), _ratio_text(ratios[i])]
        rows.append(row)
    return table_markup("Totals of the models", columns, rows)


def _amount_cell(amount: Any, kind: str) -> Cell:
    rounded = _cut(rounded_text(amount, kind))
    return rounded if kind == "bytes" else (_cut(exact_text(amount)), rounded)


def _ratio_text(ratio: float | None) -> str:
    return "–" if ratio is None else format_ratio(ratio)


def _cut(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
