"""A diagnostic, or the lines of a selection -> edits of the text: the nearest words for one that is misspelt, and the
rewrites of `costcalc suggest` that can be written in YAML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from costcalc.cli.lsp.model import AnalyzedModel
from costcalc.cli.lsp.text import SourceText, TextRange
from costcalc.core.amount import magnitude
from costcalc.core.errors import Correction, CostcalcError
from costcalc.core.units import format_short
from costcalc.frontends.yaml.source_map import SourceMap, trace
from costcalc.studies.check.diagnostic import Diagnostic
from costcalc.studies.options import Settings
from costcalc.studies.suggest.find import suggest_in_lines
from costcalc.studies.suggest.source import RewriteSource, rewrite_source
from costcalc.studies.suggest.suggestion import Suggestion, apply_to_text


class TextEdit(NamedTuple):
    """The text that replaces a range."""

    range: TextRange
    text: str


class Fix(NamedTuple):
    """What an editor offers: a title, its edits, and whether it is the one to take without asking."""

    title: str
    edits: tuple[TextEdit, ...]
    is_preferred: bool = False


def corrections(diagnostic: Diagnostic, source: SourceText) -> Iterator[Fix]:
    """The words that may stand in the place of a misspelt one."""
    remedy = diagnostic.remedy
    if not isinstance(remedy, Correction):
        return
    place = source.find_word(remedy.word, source.range_of(diagnostic.place))
    if place is None:
        return
    for i, choice in enumerate(remedy.choices):
        is_preferred = not i and len(remedy.choices) == 1
        yield Fix(f"Replace {remedy.word!r} by {choice!r}", (TextEdit(place, choice),), is_preferred)


def rewrites(model: AnalyzedModel, first: int, last: int) -> Iterator[Fix]:
    """The rewrites that make the layers of these lines (from 0) cheaper, as edits of the text."""
    trace_text = partial(trace, file=model.trace.file)
    source = rewrite_source(model.trace.graph, SourceMap(model.trace, trace_text, ""), Settings.of())
    for suggestion in suggest_in_lines(source, first + 1, last + 1):
        text = _rewritten_text(source, suggestion)
        if text is not None:
            yield Fix(_title(suggestion), (changed_lines(model.source, text),))


def _rewritten_text(source: RewriteSource, suggestion: Suggestion) -> str | None:
    """The text with a suggestion applied; None where it cannot be written, or would not cost what it promises."""
    if not suggestion.writable:
        return None
    try:
        return apply_to_text(source, (suggestion,))
    except CostcalcError:  # two layers share the text, or the new one does not fit: the command line says which
        return None


def _title(suggestion: Suggestion) -> str:
    savings = [
        f"{format_short(saving)} {label}"
        for key, label in (("macs", "MACs"), ("params", "params"))
        if (saving := suggestion.total_saving(key)) is not None and magnitude(saving)[1] > 0
    ]
    saved = f": saves {', '.join(savings)}" if savings else ""
    return f"{suggestion.rule.title}{saved} ({suggestion.rule.accuracy})"


def changed_lines(source: SourceText, text: str) -> TextEdit:
    """A text and a new version of it -> the edit of the lines that differ."""
    old, new = source.text, text
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[len(old) - 1 - end] == new[len(new) - 1 - end]:
        end += 1
    return TextEdit(source.range_of_indexes(start, len(old) - end), new[start : len(new) - end])


def fixes_of(
    diagnostics: Sequence[Diagnostic], source: SourceText, first: int, last: int
) -> Iterator[tuple[Diagnostic, Fix]]:
    """The diagnostics of a text -> the corrections of those that touch the lines from first to last."""
    for diagnostic in diagnostics:
        place = source.range_of(diagnostic.place)
        if place.start.line <= last and place.end.line >= first:
            for fix in corrections(diagnostic, source):
                yield diagnostic, fix
