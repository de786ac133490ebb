"""An Explanation as text: a full working for each of a few layers, a table of workings for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from costcalc.analysis.separable import SeparablePair
from costcalc.core.dim import Dim
from costcalc.core.quantities import CATALOGUE
from costcalc.core.sanitize import printable
from costcalc.core.units import format_count, ratio
from costcalc.render import table
from costcalc.render.layout import wrap
from costcalc.render.names import shorten_name
from costcalc.render.terminal import Palette, Screen
from costcalc.views.columns import COLUMNS
from costcalc.views.explain import MAX_TERMS, Explanation, LayerExplanation, WorkingLine, amount_line, value_in_formula
from costcalc.views.explain_repeats import fold_workings
from costcalc.views.summary import reading_notes, subtitle_text
from costcalc.views.table import Column, fold_repeats, make_table

INDENT = "  "

OPERAND_WIDTH = 60
"""Cells of a tensor's name; JSON has all of it."""

MAX_FULL_LAYERS = 4
"""A model of more layers than this is shown as a table of workings."""


def explanation_text(explanation: Explanation, screen: Screen, all_layers: bool = False) -> str:
    """Explanation -> the whole of it as text; all_layers: blocks that equal those before them too."""
    if explanation.folded_quantity and not all_layers:
        explanation = replace(explanation, quantity=explanation.folded_quantity)
    report, palette = explanation.report, screen.palette
    lines: list[str] = []
    if explanation.layer is None:
        title = f"{explanation.block} of {report.name}" if explanation.block else report.name
        head = printable(f"{title}  {subtitle_text(report)}")
        lines += [*(f"{palette.title}{line}{palette.off}" for line in wrap(head, screen.text_width, 2)), ""]
    if len(explanation.workings) <= MAX_FULL_LAYERS:
        operators: set[str] = set()
        for working in explanation.workings:
            lines += [*_working_lines(working, screen, working.row.operator not in operators), ""]
            operators.add(working.row.operator)
    else:
        lines += [*_compact_lines(explanation, screen, all_layers), ""]
    if explanation.sums:
        lines += [*_step_lines(list(explanation.sums), screen.text_width, palette, ""), ""]
    for section in explanation.sections.values():
        lines += [*_step_lines(list(section), screen.text_width, palette, ""), ""]
    if explanation.separable:
        lines += [*_separable_lines(explanation.separable, screen), ""]
    if given := [WorkingLine(note.label, (note.text,)) for note in reading_notes(report)]:
        lines += [*_step_lines(given, screen.text_width, palette, ""), ""]
    if explanation.layer is None and len(explanation.workings) > MAX_FULL_LAYERS:
        hint = "costcalc explain MODEL NAME shows the whole working of a layer, a block or a total"
        lines += [*(f"{palette.faint}{line}{palette.off}" for line in wrap(hint, screen.text_width, 2)), ""]
    return screen.text("\n".join(lines[:-1]))


def _working_lines(working: LayerExplanation, screen: Screen, explains_operator: bool) -> Iterator[str]:
    """Working of a layer -> its lines; explains_operator: with what the operator does and what its rule is."""
    row, palette = working.row, screen.palette
    *name, last = wrap(printable(row.name), screen.text_width - 2 - len(printable(row.operator)), 2)
    yield from (f"{palette.title}{line}{palette.off}" for line in name)
    yield f"{palette.title}{last}{palette.off}  {printable(row.operator)}"
    if explains_operator and working.sentence:
        yield from (INDENT + line for line in wrap(working.sentence, screen.text_width - 2, 0))
        yield ""
    steps = [
        WorkingLine("Input" if len(working.inputs) == 1 else "Inputs", (_operands_text(row.inputs, working.inputs),)),
        WorkingLine(
            "Output" if len(working.outputs) == 1 else "Outputs",
            (_operands_text([output.name for output in row.outputs], working.outputs),),
        ),
        *working.steps,
    ]
    if explains_operator and working.rule:
        steps.append(WorkingLine("Rule", (working.rule,)))
    yield from _step_lines([step for step in steps if step.sides != ("",)], screen.text_width, palette, INDENT)


def _operands_text(names: Sequence[str], operands: Sequence[str]) -> str:
    """Names of tensors, "" for an absent one, and each as name and shape -> the operands in a row, the middle of a long
    name left out: that of a fused operator of a .tflite file has all the names that it was made of."""
    present = [name for name in names if name]
    return ", ".join(
        f"{shorten_name(name, OPERAND_WIDTH)}{operand[len(name) :]}"
        for name, operand in zip(present, operands, strict=True)
    )


def _step_lines(steps: list[WorkingLine], width: int, palette: Palette, indent: str) -> Iterator[str]:
    """Steps -> lines `MACs    27 × 16 × 5 = 2,160`; what stands under the same word is not named twice."""
    label = max((len(printable(step.label)) for step in steps), default=0) + 2
    previous = ""
    for step in steps:
        title = printable(step.label) if step.label != previous else ""
        previous = step.label
        first, *more = wrap(printable(str(step)), width - len(indent), label)
        yield f"{indent}{palette.faint}{title.ljust(label)}{palette.off}{first}"
        yield from (indent + line for line in more)


def _compact_lines(explanation: Explanation, screen: Screen, all_layers: bool) -> Iterator[str]:
    """Explanation -> a line for each layer with its numbers, and the formulas with their names once per operator
    type."""
    key = "macs" if explanation.report.totals["macs"] != 0 else "flops"
    lines = {id(working): amount_line(working.row, key) for working in explanation.workings}
    columns = (
        Column("name", "Layer", "name", 100, lambda working: working.row.name),
        Column("op", "Operator", "text", 70, lambda working: working.row.operator),
        Column("working", "Working", "working", 95, lambda working: lines[id(working)].sides[-1]),
        COLUMNS[key]._replace(value=lambda working: working.row.figures[key]),
    )
    names = tuple(row.name for row in explanation.report.rows)
    repeats = () if all_layers else tuple(fold_workings(explanation.report, explanation.workings, key))
    sheet = fold_repeats(make_table("", columns, explanation.workings, all_names=names, repeats=repeats))
    yield from table.body_lines(sheet, screen)
    yield ""
    if sheet.notes:
        yield from [*table.note_lines(sheet.notes, screen.text_width, screen.palette), ""]
    formulas = [(working.row.operator, lines[id(working)].sides) for working in explanation.workings]
    legend = dict.fromkeys((operator, sides[0]) for operator, sides in formulas if len(sides) > 1)
    label = CATALOGUE[key].label
    steps = [WorkingLine(operator, (f"{label} = {names}",)) for operator, names in list(legend)[:MAX_TERMS]]
    yield from _step_lines(steps, screen.text_width, screen.palette, "")


def _separable_lines(pairs: Sequence[SeparablePair], screen: Screen) -> Iterator[str]:
    """Pairs -> lines 672 / 2,160 = 1/5 + 1/9: a depthwise and a pointwise convolution against the standard one. Equal
    pairs stand together."""
    yield from wrap(
        "Depthwise and pointwise convolution against the standard one they stand for:", screen.text_width, 0
    )
    pairs_by_macs: dict[tuple[Dim, Dim], list[SeparablePair]] = {}
    for pair in pairs:
        pairs_by_macs.setdefault((pair.macs, pair.standard), []).append(pair)
    for (macs, standard), group in pairs_by_macs.items():
        first = group[0]
        terms = f" = 1/{format_count(first.filters)} + 1/{format_count(first.kernel)}"
        names = [first.depthwise, first.pointwise][len(pairs) > 1 :]
        more = f", {len(group) - 1} more alike" if len(group) > 1 else ""
        line = f"{INDENT}{printable(_share_text(macs, standard, terms))}"
        room = (screen.text_width - len(line) - len(more) - 2 - 2 * len(names)) // len(names)
        short = ", ".join(shorten_name(printable(name), room) for name in names)
        yield from [f"{line}  ({short}{more})"] if room > 8 else _indented_lines(line, screen)
        if len(pairs_by_macs) > MAX_FULL_LAYERS:
            continue
        factors = (first.filter_params, first.positions, first.filters)
        product = " × ".join(map(value_in_formula, factors))
        text = f"#filter params × #filter positions × #filters = {product} = {format_count(standard)}"
        yield from (f"{INDENT * 2}{part}" for part in wrap(printable(text), screen.text_width - 4, 2))
    if len(pairs) > 1:
        macs, standard = sum((p.macs for p in pairs), 0), sum((p.standard for p in pairs), 0)
        yield from _indented_lines(f"{printable(_share_text(macs, standard, ''))}  (all {len(pairs)} pairs)", screen)


def _indented_lines(text: str, screen: Screen) -> list[str]:
    return [INDENT + line for line in wrap(text.strip(), screen.text_width - len(INDENT), len(INDENT))]


def _share_text(macs: Dim, standard: Dim, terms: str) -> str:
    share = ratio(macs, standard)
    about = f" ≈ {float(share):.3f}" if share is not None else ""
    return f"{value_in_formula(macs)} / {value_in_formula(standard)}{terms}{about}"
