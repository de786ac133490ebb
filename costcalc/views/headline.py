"""Report and the point that it is drawn at -> one sentence: `ResNet-50: 4.09 GMACs, 25.6 M parameters (97.7 MiB);
conv4_x takes 36 % of the MACs; activations peak at 9.19 MiB.`

A bound has its sign; open symbols stand with their sizes; what has no rule is told.
"""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.analysis.drawing_point import DrawingPoint
from costcalc.analysis.grouping import LayerBlock, costly_parts, join_path, module_tree
from costcalc.analysis.report import Report, is_lower_bound, report_certainty
from costcalc.core.dim import Dim, Poly
from costcalc.core.quantity import SIGNS
from costcalc.core.sanitize import printable
from costcalc.core.units import WORTH_NAMING, format_bytes, format_short, share
from costcalc.views.settings import parameters_text
from costcalc.views.summary import FLOAT32_MODEL_TYPES

LONGEST_NAME = 60
"""Signs of a model's or a block's name in the sentence."""

NEARLY_ALL = 0.9
"""The share from which on an element type is told as that of the weights, or of the multiplications."""

MAX_SIZES = 3
"""Symbols that the sentence lists with their sizes; of more it tells how many there are."""


def report_headline(report: Report, point: DrawingPoint) -> str:
    """A report and the point that it is drawn at -> the sentence."""
    parts = [f"{_work_text(report, point)}, {_parameters_text(report, point)}"]
    parts += filter(None, (_dearest_text(point.report), _peak_text(report, point), _unknown_text(report)))
    parameters = printable(parameters_text(report.graph))
    name = f"{cut_name(printable(report.name))}{f' ({parameters})' if parameters else ''}"
    return f"{name}{sizes_phrase(report, point)}: {'; '.join(parts)}."


def cut_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A name -> the name, of a long one its beginning and its end."""
    if len(name) <= longest:
        return name
    head = longest * 2 // 5
    return f"{name[:head]}…{name[head + 1 - longest :]}"


def sizes_phrase(report: Report, point: DrawingPoint) -> str:
    """Where figures are drawn: ` at seq = 1,024 (the most that it takes)`; "" where nothing was open."""
    phrases = []
    if point.limits:
        phrases.append(f"{sizes_text(point.limits)} (the most that it takes)")
    if point.examples:
        example = "an example" if len(point.examples) == 1 else "examples"
        phrases.append(f"{sizes_text(point.examples)} ({example})")
    text = f" at {', '.join(phrases)}" if phrases else ""
    if point.data_limits:
        n = len(point.data_limits)
        extents = "the extent that depends" if n == 1 else f"the {n:,} extents that depend"
        bounds = "its upper bound" if n == 1 else "their upper bounds"
        text += f"{' and' if text else ''} with {extents} on data at {bounds}"
    return text


def sizes_text(sizes: Mapping[str, int]) -> str:
    """Symbols and sizes -> `height = 224, width = 224`; of many, how many there are."""
    if len(sizes) > MAX_SIZES:
        return f"{len(sizes):,} sizes of the inputs"
    return ", ".join(f"{cut_name(printable(name), 24)} = {size:,}" for name, size in sizes.items())


def drawn_total(report: Report, point: DrawingPoint, key: str) -> tuple[str, Dim | None]:
    """A total at the point that a report is drawn at -> its sign (≥, ≤ or none) and its value; None where it stays
    open. It has ≤ where it is a formula that does not exceed the value, whatever the open symbols are."""
    certainty = report_certainty(report, key)
    total, value = report.totals.get(key), point.report.totals.get(key)
    if point.is_worst_case and certainty in ("exact", "upper"):
        bound = point.upper_bound(total)
        if bound is not None:
            return "≤ ", bound
    return SIGNS[certainty], value


def quantity_text(sign: str, value: Dim | None, unit: str) -> str:
    """A count with a unit -> `≤ 4.09 GMACs`; a formula as it is."""
    if isinstance(value, Poly):
        return f"{sign}({format_short(value)}) {unit}"
    number, _, prefix = format_short(value).partition(" ")
    return f"{sign}{number} {prefix}{unit}"


def _work_text(report: Report, point: DrawingPoint) -> str:
    sign, macs = drawn_total(report, point, "macs")
    if macs == 0 and not sign:
        return f"no MACs, {quantity_text(*drawn_total(report, point, 'flops'), 'FLOPs')}"
    text = quantity_text(sign, macs, "MACs")
    precisions = point.report.macs_by_precision()
    if precisions.keys() - {"fp32"}:
        main = _main_type(precisions)
        text += f" ({main})" if main else " in several precisions"
    return text


def _main_type(amounts: Mapping[str, Dim]) -> str:
    """Amounts by element type -> the type of all of them, `mostly int8` of nearly all; "" where there is none."""
    whole = sum(amounts.values(), 0)
    for name, amount in amounts.items():
        part = share(amount, whole)
        if part is not None and part >= NEARLY_ALL:
            return name if part == 1 else f"mostly {name}"
    return ""


def _parameters_text(report: Report, point: DrawingPoint) -> str:
    sign, params = drawn_total(report, point, "params")
    weight_sign, weight_bytes = drawn_total(report, point, "weight_bytes")
    if params == 0 and not sign:
        stored = f" ({weight_sign}{format_bytes(weight_bytes)} stored)" if weight_bytes else ""
        return f"no parameters{stored}"
    number = "1" if params == 1 else format_short(params)
    active = report.totals.get("active_params")
    details = [f"{format_short(active)} of them active for a token"] if active is not None and active != params else []
    size = f"{weight_sign}{format_bytes(weight_bytes)}"
    if report.graph.stored_formats or not report.element_types <= FLOAT32_MODEL_TYPES:
        main = _main_type(report.weight_bytes_by_dtype())
        size += f", {main}" if main else ", several types"
    return f"{sign}{number} parameter{'' if params == 1 else 's'} ({'; '.join([*details, size])})"


def _dearest_text(report: Report) -> str:
    """The part of a model that costs most, by MACs, or by FLOPs where there are none; "" of a model of one part."""
    key, unit = ("flops", "FLOPs") if report.totals["macs"] == 0 else ("macs", "MACs")
    parts = [(block_cost(part, key), part) for part in costly_parts(module_tree(report.layers), key)]
    if len(parts) < 2 or any(
        row.figures[key].__class__ is not int for row in report.layers if row.figures[key] is not None
    ):
        return ""
    whole = sum(cost for cost, _ in parts)
    top = max(cost for cost, _ in parts)
    equal = [part for cost, part in parts if cost == top]
    label = printable(block_label(equal[0]))
    kind = "parts" if equal[0].children else "layers"
    known = "known " if is_lower_bound(report, key) else ""
    percent = round(top / whole * 100)
    amount = "nearly all" if percent == 100 else f"{percent or '<1'} %"
    text = f"takes {amount} of the {known}{unit}"
    if percent < 100 * WORTH_NAMING and len(equal) == 1:
        return f"the {known}{unit} are spread over {len(parts):,} {kind}, at most {percent or '<1'} % in one"
    if len(equal) == len(parts):
        return f"each of its {len(parts):,} {kind} {text}"
    if len(equal) == 1:
        return f"{cut_name(label)} {text}"
    return f"each of {len(equal):,} {kind} like {cut_name(label)} {text}"


def block_label(block: LayerBlock) -> str:
    """A block or a layer -> its path, or its name."""
    if not block.children and not block.is_module:
        return block.rows[0].name
    return join_path(block.path)


def block_cost(block: LayerBlock, key: str) -> int:
    """A block -> the sum of a quantity over its rows, of what is a number."""
    return sum(figure for row in block.rows if isinstance(figure := row.figures[key], int))


def _peak_text(report: Report, point: DrawingPoint) -> str:
    sign, peak = drawn_total(report, point, "peak_activation_bytes")
    if not isinstance(peak, int) or not peak:
        return ""
    return f"activations peak at {sign}{format_bytes(peak)}"


def _unknown_text(report: Report) -> str:
    """Operators that no rule costs, and Ifs that are open."""
    texts = []
    count = sum(len(unknown.layers) for unknown in report.unknown)
    if count:
        n = len(report.layers)
        layers = f"{count:,} of {n:,} layer{'' if n == 1 else 's'}"
        texts.append(f"what {layers} cost{'s' if count == 1 else ''} is not known")
    if report.upper_bound:
        texts.append("the dearer branch of each open If is counted")
    return "; ".join(texts)
