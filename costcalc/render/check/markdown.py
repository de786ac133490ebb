"""CheckResult -> Markdown for a pull request: what is not kept, every limit, and what changed in each model; and
tables of a diff -> its comment: a hidden marker, the totals, and the layers in a table that opens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from costcalc.core.errors import UsageError
from costcalc.core.sanitize import escape_html, escape_markdown, escape_markdown_line
from costcalc.core.version import __version__
from costcalc.render import markdown
from costcalc.render.check.changes import MarkdownBlock, changed_models, fit_blocks
from costcalc.render.layout import shorten_middle
from costcalc.studies.check.verdict import CheckResult
from costcalc.studies.check.wording import describe_blame, format_place, format_settings, place_phrase
from costcalc.views.check import (
    CheckFinding,
    all_findings,
    finding_text,
    findings,
    headline,
    is_known_from_below,
    suppression_text,
    verdict_figures,
)
from costcalc.views.sentence import check_sentence
from costcalc.views.table import Table

MAX_CHARACTERS = 64_000
"""GitHub refuses a comment of more than 65,536 characters."""

NAME, SENTENCE = 100, 600
"""Longer names and sentences lose their middle."""

MARKS = {"kept": "✅", "exceeded": "❌", "warning": "⚠️", "unknown": "❔", "suppressed": "🔕"}

FIGURES = {"value": "Value", "limit": "Limit", "headroom": "Headroom", "delta": "Δ to the baseline"}


def marker(ident: str = "") -> str:
    """The hidden first line by which a comment is found again; ident tells several in one pull request apart.
    UsageError where it is not made of letters, digits, `.`, `_` and single `-`."""
    if ident and (not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", ident) or "--" in ident):
        raise UsageError(f"{ident!r} cannot name a comment", "use letters, digits, '.', '_' and single '-'")
    return f"<!-- costcalc{':' if ident else ''}{ident} -->"


def render(outcome: CheckResult, ident: str = "", most: int = MAX_CHARACTERS) -> str:
    """Outcome -> the comment in at most `most` bytes, hence no more characters. It opens with one sentence on what
    changed, and says then how many limits are kept."""
    mark = MARKS["unknown" if outcome.outcome == "empty" else outcome.outcome]
    sentence = escape_markdown_line(shorten_middle(check_sentence(outcome), SENTENCE))
    title = f" ({ident})" if ident else ""
    head = MarkdownBlock((marker(ident), f"### {mark} {sentence}", "", f"costcalc{title}: {headline(outcome)}."))
    blocks = [
        head,
        *_finding_blocks(outcome),
        *_suppressed_blocks(outcome),
        *_note_blocks(outcome),
        *_setting_blocks(outcome),
        *_limit_blocks(outcome),
        *changed_models(outcome),
    ]
    end = f"<sub>costcalc {__version__}</sub>"
    return f"{fit_blocks(blocks, most - len(end) - 2)}\n\n{end}"


def _finding_blocks(outcome: CheckResult) -> Iterator[MarkdownBlock]:
    """Outcome -> a list of what is not kept: the worst first, and behind it what else the same layer breaks."""
    groups: dict[tuple[str, str, str], list[CheckFinding]] = {}
    for finding in findings(outcome):
        groups.setdefault((mark(finding), finding.checked.label, finding.verdict.layer), []).append(finding)
    explained: set[tuple[str, str]] = set()
    rows = []
    for (_, title, layer), members in groups.items():
        for finding in members:
            rows.append(_finding_item(finding, bool(layer) and (title, layer) in explained))
            explained.add((title, layer))
    if rows:
        yield MarkdownBlock((), tuple(rows), (), "like these")


def _finding_item(finding: CheckFinding, is_explained: bool) -> str:
    """Finding -> the sentence with its code, layer and line, the line once. is_explained: what the layer did and what
    to do about it was said before. What to do about operators without a rule is said by the verdict on them."""
    verdict = finding.verdict
    is_explained = is_explained or is_known_from_below(verdict)
    text = (
        verdict.fact.removesuffix(f"; {describe_blame(verdict)}")
        if is_explained
        else finding_text(finding).replace(place_phrase(verdict.place), "")
    )
    title = escape_markdown(shorten_middle(finding.checked.label, NAME))
    location = name(
        f"{verdict.layer} at {format_place(finding.place)}" if verdict.layer else format_place(finding.place)
    )
    return (
        f"- {mark(finding)} **{title}** {escape_markdown(shorten_middle(text, SENTENCE))} ({verdict.code}, {location})"
    )


def _suppressed_blocks(outcome: CheckResult) -> Iterator[MarkdownBlock]:
    """Outcome -> a list of what is exceeded and ignored: until when, where that is written, and why."""
    rows = tuple([_suppressed_item(finding) for finding in all_findings(outcome) if finding.verdict.is_suppressed])
    if rows:
        yield MarkdownBlock((), rows, (), "that are ignored")


def _suppressed_item(finding: CheckFinding) -> str:
    fact, why = finding.verdict.fact, suppression_text(finding.verdict)
    texts = [escape_markdown(shorten_middle(text, SENTENCE)) for text in (f"{fact} ({finding.verdict.code})", why)]
    return f"- {MARKS['suppressed']} **{name(finding.checked.label)}** {texts[0]}: {texts[1]}"


def mark(finding: CheckFinding) -> str:
    """Finding -> the sign for what became of the limit."""
    if finding.verdict.is_suppressed:
        return MARKS["suppressed"]
    is_warning = finding.verdict.outcome == "exceeded" and finding.level == "warning"
    return MARKS["warning" if is_warning else finding.verdict.outcome]


def _limit_blocks(outcome: CheckResult) -> Iterator[MarkdownBlock]:
    """Outcome -> every limit, those that are not kept first, in a table that opens."""
    ordered = sorted(all_findings(outcome), key=lambda f: f.verdict.outcome == "kept")
    rows = [(f, verdict_figures(f.verdict)) for f in ordered]
    keys = [key for key in FIGURES if any(texts[key] for _, texts in rows)]
    if not rows:
        return
    head = ["", "Model", "Quantity", *(FIGURES[key] for key in keys)]
    title = (
        f"{len(rows):,} {'limit' if len(rows) == 1 else 'limits'} with {'its' if len(rows) == 1 else 'their'} headroom"
    )
    yield MarkdownBlock(
        (
            f"<details><summary>{title}</summary>",
            "",
            f"| {' | '.join(cell or ' ' for cell in head)} |",
            f"| :-: | :-- | :-- |{' --: |' * len(keys)}",
        ),
        tuple([f"| {' | '.join(_limit_cells(f, [texts[key] for key in keys]))} |" for f, texts in rows]),
        ("", "</details>"),
        "limits",
        len(head),
    )


def _limit_cells(finding: CheckFinding, texts: list[str]) -> list[str]:
    verdict = finding.verdict
    remark = f": {escape_markdown(verdict.remark)}" if verdict.remark and verdict.outcome == "kept" else ""
    return [mark(finding), name(finding.checked.label), name(verdict.quantity) + remark, *map(escape_markdown, texts)]


def _note_blocks(outcome: CheckResult) -> Iterator[MarkdownBlock]:
    """Outcome -> its notes as a list of their own: behind another, that takes another sign than `-`."""
    if outcome.notes:
        yield MarkdownBlock(
            (),
            tuple(f"* {escape_markdown_line(shorten_middle(note, SENTENCE))}" for note in outcome.notes),
            (),
            "notes",
        )


def _setting_blocks(outcome: CheckResult) -> Iterator[MarkdownBlock]:
    """Outcome -> a line for each model that was read under settings."""
    settings = {c.label: format_settings(c.settings) for c in outcome.models if c.settings}
    rows = [f"* {name(label)} is read with {name(text)}" for label, text in settings.items()]
    if rows:
        yield MarkdownBlock((), tuple(rows), (), "settings")


def name(text: str) -> str:
    """Name -> text of a cell."""
    return escape_markdown(shorten_middle(text, NAME))


DIFF_COMMENT_ID = "diff"


def render_difference(sheets: Sequence[Table], sentence: str, most: int = MAX_CHARACTERS) -> str:
    """Tables of a diff and the sentence that the comment opens with -> the comment, below `most` characters; where
    layers find no room, their number is told."""
    opening = f"### {escape_markdown_line(shorten_middle(sentence, SENTENCE))}"
    return fit_blocks([MarkdownBlock((marker(DIFF_COMMENT_ID), opening)), *map(_sheet_block, sheets)], most)


def _sheet_block(sheet: Table) -> MarkdownBlock:
    if sheet.kind != "layers":
        return MarkdownBlock(tuple(markdown.render([sheet]).split("\n")))
    header, rule, *rows = markdown.table(sheet)
    head = f"<details><summary>{escape_html(f'{sheet.title}: {sheet.subtitle}')}</summary>"
    return MarkdownBlock((head, "", header, rule), tuple(rows), ("", "</details>"), "layers", len(sheet.columns))
