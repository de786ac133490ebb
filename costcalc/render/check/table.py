"""CheckResult -> a table for people: a line for each limit by model, and under one that is not kept what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from costcalc.core.sanitize import printable
from costcalc.render.layout import shorten_middle, text_width, wrap
from costcalc.render.terminal import Palette, Screen
from costcalc.studies.check import wording as words
from costcalc.studies.check.verdict import CheckedModel, CheckResult, Verdict
from costcalc.views.check import headline, is_known_from_below, verdict_figures

MARKS = {"kept": "ok", "exceeded": "over", "warning": "warn", "unknown": "?"}

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
    left: str


def render(outcome: CheckResult, screen: Screen) -> str:
    """All models, the notes, and the headline last."""
    lines: list[str] = []
    for one in outcome.checked:
        lines += [*_model(one, screen), ""]
    for note in outcome.notes:
        lines += [
            f"{screen.palette.warning}{line}{screen.palette.off}" for line in wrap(printable(note), screen.width, 2)
        ]
    lines += [""] if outcome.notes else []
    start = (screen.palette.good, screen.palette.bad, screen.palette.warning)[outcome.exit_code]
    lines += [f"{start}{line}{screen.palette.off}" for line in wrap(headline(outcome), screen.width, 0)]
    return screen.text("\n".join(lines))


def _model(one: CheckedModel, screen: Screen) -> Iterator[str]:
    palette = screen.palette
    title, source = printable(one.title), printable(one.source)
    known = source in (title, printable(one.model)) or text_width(title) + text_width(source) + 2 > screen.width
    yield f"{palette.title}{title}{palette.off}{'' if known else f'  {palette.faint}{source}{palette.off}'}"
    if one.error:
        where = words.format_place(one.place)
        text = f"cannot be read: {where}: {one.error}" if where else f"cannot be read: {one.error}"
        first, *more = wrap(printable(text), screen.width, INDENT)
        yield f"{palette.warning}{MARKS['unknown']:{MARK}}{palette.off}  {first}"
        yield from more
    elif not one.verdicts:
        yield f"{'':{INDENT}}no limit applies"
    yield from _verdicts(one.verdicts, screen)


def mark(verdict: Verdict) -> str:
    """The key of MARKS: what became of the limit."""
    return "warning" if verdict.outcome == "exceeded" and verdict.level == "warning" else verdict.outcome


def _line(verdict: Verdict) -> VerdictLine:
    texts = {key: re.sub(r" bytes?\b", " B", text) for key, text in verdict_figures(verdict).items()}
    return VerdictLine(
        mark(verdict), printable(verdict.quantity), texts["value"] or "?", texts["limit"] or "?", texts["headroom"]
    )


def _verdicts(verdicts: Sequence[Verdict], screen: Screen) -> Iterator[str]:
    lines = [_line(verdict) for verdict in verdicts]
    if not lines:
        return
    numbers = [
        max((text_width(t) for t in texts if text_width(t) < 28), default=0)
        for texts in ([one.value for one in lines], [one.limit for one in lines])
    ]
    names = max(text_width(one.quantity) for one in lines)
    names = max(min(names, QUANTITY), min(names, screen.width - INDENT - sum(numbers) - 6))
    advice = [*map(_advice, verdicts), ()]
    for i, one in enumerate(lines):
        yield from _row(one, (names, numbers[0], numbers[1]), screen)
        for text in advice[i] if advice[i] != advice[i + 1] else ():
            yield from (f"{'':{INDENT}}{line}" for line in wrap(printable(text), screen.width - INDENT, 2))


def _row(one: VerdictLine, widths: tuple[int, int, int], screen: Screen) -> Iterator[str]:
    palette = screen.palette
    names, values, limits = widths
    name = shorten_middle(one.quantity, names)
    name += " " * (names - text_width(name))
    text = f"{_start(one.mark, palette)}{MARKS[one.mark]:{MARK}}{palette.off}  {name}  "
    both = f"{one.value.rjust(values)} of {one.limit.rjust(limits)}"
    if text_width(both) > values + limits + 4 and INDENT + names + 2 + text_width(both) > screen.width:
        both = f"{'?'.rjust(values)} of {one.limit.rjust(limits)}"  # a formula, which the advice tells in full
    if INDENT + names + 2 + text_width(both) > screen.width:
        yield text.rstrip()
        yield f"{'':{INDENT}}{both.strip()}"
    elif not one.left or INDENT + names + 4 + text_width(both) + text_width(one.left) > screen.width:
        yield f"{text}{both}".rstrip()
    else:
        yield f"{text}{both}  {palette.faint}{one.left}{palette.off}"
        return
    if one.left:
        yield f"{'':{INDENT}}{palette.faint}{one.left}{palette.off}"


def _start(mark: str, palette: Palette) -> str:
    return {"kept": palette.good, "exceeded": palette.bad}.get(mark, palette.warning)


def _advice(verdict: Verdict) -> tuple[str, ...]:
    """What is said under a limit that is not kept; once under several in a row of which the same is to be said. What to
    do about operators without a rule stands under the verdict on them."""
    if verdict.outcome == "kept":
        return ()
    said = words.describe_blame(verdict) if verdict.outcome == "exceeded" else ""
    where = f" ({words.format_place(verdict.place)})" if verdict.place else ""
    if verdict.outcome == "exceeded" and verdict.kind == "boolean":
        said = verdict.fact.removeprefix(f"{verdict.quantity}: ")
    if verdict.outcome == "exceeded" and not said:
        return (f"{verdict.code}: {verdict.remedy}",) if verdict.remedy else ()
    first = f"{verdict.code}: {said or verdict.fact.removeprefix(f'{verdict.quantity}: ')}{where}"
    return (first, f"→ {verdict.remedy}") if verdict.remedy and not is_known_from_below(verdict) else (first,)
