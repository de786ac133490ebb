"""CheckResult -> a table for people: a line for each limit by model, and under one that is not kept what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from costcalc.core.sanitize import printable
from costcalc.render.layout import shorten_middle, text_width, wrap
from costcalc.render.terminal import Palette, Screen
from costcalc.studies.check import wording as words
from costcalc.studies.check.verdict import CheckResult, ModelCheck, Verdict
from costcalc.views.check import (
    CheckFinding,
    headline,
    is_known_from_below,
    rule_findings,
    suppression_text,
    verdict_figures,
)

MARKS = {"kept": "ok", "exceeded": "over", "warning": "warn", "unknown": "?", "suppressed": "skip"}

MARK = 4

INDENT = MARK + 2

QUANTITY = 24
"""A quantity is shortened to this where a line has no room."""


class VerdictLine(NamedTuple):
    """The texts of a verdict's line."""

    mark: str
    quantity: str
    value: str
    limit: str
    headroom: str


def render(outcome: CheckResult, screen: Screen) -> str:
    """Outcome -> text: all models, the notes, and the headline last."""
    lines: list[str] = []
    for checked in outcome.models:
        lines += [*_model_lines(checked, screen), ""]
    for finding in rule_findings(outcome):
        lines += _rule_lines(finding, screen)
    lines += [""] if outcome.broken_rules else []
    for note in outcome.notes:
        lines += [
            f"{screen.palette.warning}{line}{screen.palette.off}"
            for line in wrap(printable(note), screen.text_width, 2)
        ]
    lines += [""] if outcome.notes else []
    palette = screen.palette
    start = {"kept": palette.good, "exceeded": palette.bad}.get(outcome.outcome, palette.warning)
    lines += [f"{start}{line}{screen.palette.off}" for line in wrap(headline(outcome), screen.text_width, 0)]
    return screen.text("\n".join(lines))


def _model_lines(checked: ModelCheck, screen: Screen) -> Iterator[str]:
    palette = screen.palette
    title, source = printable(checked.label), printable(checked.source)
    is_source_hidden = (
        source in (printable(checked.title), printable(checked.model))
        or text_width(title) + text_width(source) + 2 > screen.width
    )
    title, *rest = wrap(title, screen.text_width, 2)
    yield f"{palette.title}{title}{palette.off}{'' if is_source_hidden else f'  {palette.faint}{source}{palette.off}'}"
    yield from (f"{palette.title}{line}{palette.off}" for line in rest)
    if checked.settings:
        settings = printable(f"Settings  {words.format_settings(checked.settings)}")
        yield from (f"{palette.faint}{line}{palette.off}" for line in wrap(settings, screen.text_width, 10))
    if checked.error:
        location = words.format_place(checked.place)
        text = f"cannot be read: {location}: {checked.error}" if location else f"cannot be read: {checked.error}"
        first, *more = wrap(printable(text), screen.text_width, INDENT)
        yield f"{palette.warning}{MARKS['unknown']:{MARK}}{palette.off}  {first}"
        yield from more
    elif not checked.verdicts:
        yield f"{'':{INDENT}}no limit applies"
    yield from _verdict_rows(checked.verdicts, screen)


def _rule_lines(finding: CheckFinding, screen: Screen) -> Iterator[str]:
    """Finding of a rule that is about no single limit -> what is found, where, and what to do."""
    verdict, palette = finding.verdict, screen.palette
    sign = mark(verdict)
    place = words.format_place(verdict.place)
    location = f" ({place})" if verdict.place and verdict.place.line and place not in verdict.fact else ""
    first, *more = wrap(printable(f"{verdict.code}: {verdict.fact}{location}"), screen.text_width - INDENT, 2)
    yield f"{_style_start(sign, palette)}{MARKS[sign]:{MARK}}{palette.off}  {first}"
    yield from (f"{'':{INDENT}}{line}" for line in more)
    if verdict.remedy:
        for line in wrap(printable(f"→ {verdict.remedy}"), screen.text_width - INDENT, 2):
            yield f"{'':{INDENT}}{line}"


def mark(verdict: Verdict) -> str:
    """Verdict -> the key of MARKS: what became of the limit."""
    if verdict.is_suppressed:
        return "suppressed"
    return "warning" if verdict.outcome == "exceeded" and verdict.level == "warning" else verdict.outcome


def _verdict_line(verdict: Verdict) -> VerdictLine:
    texts = {key: re.sub(r" bytes?\b", " B", text) for key, text in verdict_figures(verdict).items()}
    return VerdictLine(
        mark(verdict), printable(verdict.quantity), texts["value"] or "?", texts["limit"] or "?", texts["headroom"]
    )


def _verdict_rows(verdicts: Sequence[Verdict], screen: Screen) -> Iterator[str]:
    verdict_lines = [_verdict_line(verdict) for verdict in verdicts]
    if not verdict_lines:
        return
    numbers = [
        max((text_width(t) for t in texts if text_width(t) < 28), default=0)
        for texts in ([line.value for line in verdict_lines], [line.limit for line in verdict_lines])
    ]
    names = max(text_width(line.quantity) for line in verdict_lines)
    names = max(min(names, QUANTITY), min(names, screen.width - INDENT - sum(numbers) - 6))
    advice = [*map(_advice_lines, verdicts), ()]
    for i, line in enumerate(verdict_lines):
        yield from _verdict_row(line, (names, numbers[0], numbers[1]), screen)
        for text in advice[i] if advice[i] != advice[i + 1] else ():
            yield from (f"{'':{INDENT}}{part}" for part in wrap(printable(text), screen.text_width - INDENT, 2))


def _verdict_row(verdict_line: VerdictLine, widths: tuple[int, int, int], screen: Screen) -> Iterator[str]:
    palette = screen.palette
    names, values, limits = widths
    name = shorten_middle(verdict_line.quantity, names)
    name += " " * (names - text_width(name))
    text = f"{_style_start(verdict_line.mark, palette)}{MARKS[verdict_line.mark]:{MARK}}{palette.off}  {name}  "
    figures = f"{verdict_line.value.rjust(values)} of {verdict_line.limit.rjust(limits)}"
    if text_width(figures) > values + limits + 4 and INDENT + names + 2 + text_width(figures) > screen.width:
        figures = (
            f"{'?'.rjust(values)} of {verdict_line.limit.rjust(limits)}"  # a formula, which the advice tells in full
        )
    if INDENT + names + 2 + text_width(figures) > screen.width:
        yield text.rstrip()
        yield f"{'':{INDENT}}{figures.strip()}"
    elif (
        not verdict_line.headroom
        or INDENT + names + 4 + text_width(figures) + text_width(verdict_line.headroom) > screen.width
    ):
        yield f"{text}{figures}".rstrip()
    else:
        yield f"{text}{figures}  {palette.faint}{verdict_line.headroom}{palette.off}"
        return
    if verdict_line.headroom:
        for line in wrap(printable(verdict_line.headroom), screen.text_width - INDENT, 2):
            yield f"{'':{INDENT}}{palette.faint}{line}{palette.off}"


def _style_start(mark: str, palette: Palette) -> str:
    return {"kept": palette.good, "exceeded": palette.bad}.get(mark, palette.warning)


def _advice_lines(verdict: Verdict) -> tuple[str, ...]:
    """Verdict -> what is said under a limit that is not kept, or whose figure has a remark; once under several in a row
    of which the same is to be said. What to do about operators without a rule stands under the verdict on them."""
    if verdict.outcome == "kept":
        return (verdict.remark,) if verdict.remark else ()
    if verdict.is_suppressed:
        return (f"{verdict.code}: {suppression_text(verdict)}",)
    sentences = (words.describe_blame(verdict), verdict.remark) if verdict.outcome == "exceeded" else ()
    explanation = "; ".join(filter(None, sentences))
    location = f" ({words.format_place(verdict.place)})" if verdict.place else ""
    if verdict.outcome == "exceeded" and verdict.kind == "boolean":
        explanation = verdict.fact.removeprefix(f"{verdict.quantity}: ")
    if verdict.outcome == "exceeded" and not explanation:
        return (f"{verdict.code}: {verdict.remedy}",) if verdict.remedy else ()
    first = f"{verdict.code}: {explanation or verdict.fact.removeprefix(f'{verdict.quantity}: ')}{location}"
    return (first, f"→ {verdict.remedy}") if verdict.remedy and not is_known_from_below(verdict) else (first,)
