"""History -> a table for each model, its JSON document, and its trend: a series of points for each quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.core.amount import difference
from costcalc.core.dim import Poly
from costcalc.core.errors import QuantityError
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.units import ratio
from costcalc.studies.history import History, ModelHistory, ModelRevision
from costcalc.views.figures import UNKNOWN, basis_suffix, figure_cell, figure_column, figure_plain, figure_text
from costcalc.views.table import Column, FigureCell, Note, Table, make_table

HASH = 9
"""Characters of a commit's name that stand in a table."""

SHALLOW = "this clone is shallow: `git fetch --unshallow` brings the commits before"


def history_tables(history: History, full: bool = False) -> tuple[Table, ...]:
    """A history -> a table for each model, a row for each revision, newest first. full: for programs, with whole
    hashes, times, authors and paths."""
    return tuple([_model_table(model, history.is_shallow, full) for model in history.models])


def _model_table(model: ModelHistory, is_shallow: bool, full: bool) -> Table:
    changes = _revision_changes(model)
    quantities = [_quantity_column(ref, 98 if i == 0 else 65 - min(i, 9)) for i, ref in enumerate(model.quantities)]
    change = Column("change", "Δ %", "percent", 95, lambda item: _plain_change(changes[item.revision.commit], full))
    texts = [
        Column("date", "Date", "figure", 80, lambda item: item.revision.date[: None if full else 10]),
        Column("subject", "Subject", "prose", 70, lambda item: item.revision.subject),
        Column("author", "Author", "text", 20, lambda item: item.revision.author),
        Column("path", "File", "text", 10, lambda item: item.revision.path),
        Column("error", "Error", "text", 5, lambda item: item.error or ("removed" if not item.figures else "")),
    ]
    columns = [
        Column("revision", "Revision", "name", 100, lambda item: item.revision.commit[: None if full else HASH]),
        texts[0],
        *quantities[:1],
        change,
        *quantities[1:],
        *(texts[1:] if full else texts[1:2]),
    ]
    count = len(model.revisions)
    subtitle = f"{count:,} {'revision' if count == 1 else 'revisions'}, newest first"
    notes = tuple(_notes(model, is_shallow))
    return make_table(model.model.name, columns, model.revisions, subtitle, notes=notes, kind="model")


def _quantity_column(ref: QuantityRef, importance: int) -> Column:
    def value(item: ModelRevision) -> Any:
        if ref in item.figures:
            return figure_cell(ref, item.figures[ref])
        return FigureCell("?" if item.error else UNKNOWN, None, refusal=item.error or "removed")

    return figure_column(ref, False, value)._replace(importance=importance)


def _revision_changes(model: ModelHistory) -> dict[str, Fraction | None]:
    """By how much the first quantity of each revision differs from the nearest one before that has a number (of a
    merge, that of the branch it went into); None where either has none, and of the oldest."""
    values = {item.revision.commit: _exact_value(item.figures.get(model.quantities[0])) for item in model.revisions}
    before = _nearest_before(model, {commit: value is not None for commit, value in values.items()})
    return {commit: _relative_change(values, commit, before(commit)[:1]) for commit in values}


def _plain_change(change: Fraction | None, full: bool) -> Fraction | float | None:
    """A change as a share; for programs a float."""
    return float(change) if full and change is not None else change


def _relative_change(values: Mapping[str, Any], commit: str, before: Sequence[str]) -> Fraction | None:
    if not before or values[commit] is None:
        return None
    old, new = values[before[0]], values[commit]
    if isinstance(old, Fraction) or isinstance(new, Fraction):
        return Fraction(new - old) / old if old else None
    return ratio(difference(new, old), old)  # type: ignore[arg-type]


def _exact_value(figure: Figure | QuantityError | None) -> Any:
    is_number = isinstance(figure, Figure) and not isinstance(figure.value, bool)
    return figure.value if is_number else None  # type: ignore[union-attr]


def _notes(model: ModelHistory, is_shallow: bool) -> Iterator[Note]:
    """What a reader needs to trust the rows: what was renamed, taken away or cannot be read, and what is left out."""
    settings = model.model.settings.describe()
    if settings:
        yield Note("Settings", settings)
    renames = {  # a merge of a renamed file has the rename once more: the oldest one tells it
        (item.revision.old_path, item.revision.path): item.revision
        for item in model.revisions
        if item.revision.old_path
    }
    for (old_path, path), revision in renames.items():
        yield Note("Renamed", f"{revision.commit[:HASH]} ({revision.date[:10]}): {old_path} → {path}")
    for item in model.revisions:
        revision, commit = item.revision, item.revision.commit[:HASH]
        if item.error:
            yield Note("Not read", f"{commit} ({revision.date[:10]}): {item.error}", True)
        elif not revision.blob:
            moved = f", renamed to {revision.new_path}" if revision.new_path else ""
            yield Note("Removed", f"{commit} ({revision.date[:10]}){moved}")
        for name in item.unknown_names:
            yield Note("Note", f"{commit} has no {name}", True)
    yield from _refusals(model)
    if model.omitted:
        yield Note("Left out", f"{model.omitted:,} older {'revision' if model.omitted == 1 else 'revisions'} (--limit)")
    if is_shallow:
        yield Note("Note", SHALLOW, True)


def _refusals(model: ModelHistory) -> Iterator[Note]:
    """Why revisions do not have a quantity, each reason once."""
    reasons: dict[str, list[str]] = {}
    for item in model.revisions:
        for figure in item.figures.values():
            if isinstance(figure, QuantityError):
                reasons.setdefault(str(figure), []).append(item.revision.commit[:HASH])
    for reason, commits in reasons.items():
        names = ", ".join(commits) if len(commits) < 4 else f"{len(commits):,} revisions"
        yield Note("No figure", f"{names}: {reason}", True)


def history_document(history: History) -> dict[str, Any]:
    """A history -> its entry of the JSON report: the revisions of each model, newest first, with their figures by
    quantity. error says why a revision could not be read; of one that took the file away, figures is null too."""
    return {"shallow": history.is_shallow, "models": [_model_entry(model) for model in history.models]}


def _model_entry(model: ModelHistory) -> dict[str, Any]:
    return {
        "name": model.model.name,
        "path": model.model.path,
        "settings": model.model.settings.to_dict(),
        "quantities": [ref.key for ref in model.quantities],
        "omitted": model.omitted,
        "contents": model.contents,
        "revisions": [_revision_entry(item) for item in model.revisions],
    }


def _revision_entry(item: ModelRevision) -> dict[str, Any]:
    revision, figures = item.revision, item.figures
    entry = {
        "commit": revision.commit,
        "date": revision.date,
        "author": revision.author,
        "subject": revision.subject,
        "path": revision.path,
        "renamed_from": revision.old_path or None,
        "renamed_to": revision.new_path or None,
        "previous": list(revision.previous),
        "removed": not revision.blob and not revision.problem,
        "error": item.error or None,
        "figures": {ref.key: figure_plain(figure) for ref, figure in figures.items()} or None,
    }
    inexact = {k.key: f.certainty for k, f in figures.items() if isinstance(f, Figure) and f.certainty != "exact"}
    refused = {ref.key: str(figure) for ref, figure in figures.items() if isinstance(figure, QuantityError)}
    return entry | {name: words for name, words in (("certainty", inexact), ("refused", refused)) if words}


class TrendPoint(NamedTuple):
    """A revision on a trend line: its place (0 is the oldest), its figure as a number and in words, its date, what it
    says when pointed at, and the places of the revisions before it."""

    place: int
    value: float
    text: str
    date: str
    label: str
    previous: tuple[int, ...]


class Trend(NamedTuple):
    """A quantity of a model over its revisions, length of them; points are those that have a number, gaps the places of
    the others with the reason. dates are those of the oldest and the newest."""

    title: str
    unit: str
    length: int
    points: tuple[TrendPoint, ...]
    gaps: tuple[tuple[int, str], ...]
    dates: tuple[str, str]


def model_trends(model: ModelHistory) -> tuple[Trend, ...]:
    """A model's history -> a trend for each quantity that some revision has as a number."""
    trends = (_quantity_trend(model, ref) for ref in model.quantities)
    return tuple([trend for trend in trends if trend.points])


def _quantity_trend(model: ModelHistory, ref: QuantityRef) -> Trend:
    revisions = model.revisions[::-1]
    places = {item.revision.commit: i for i, item in enumerate(revisions)}
    numbers = {item.revision.commit: _number(item.figures.get(ref)) for item in revisions}
    before = _nearest_before(model, {commit: number is not None for commit, number in numbers.items()})
    points, gaps = [], []
    for place, item in enumerate(revisions):
        commit, value = item.revision.commit, numbers[item.revision.commit]
        label = f"{commit[:HASH]} {item.revision.date[:10]} {item.revision.subject}"
        if value is None:
            gaps.append((place, f"{label}: {item.error or 'removed' if not item.figures else 'no number'}"))
        else:
            previous = tuple([places[name] for name in before(commit)])
            text = figure_text(ref, item.figures[ref])
            points.append(TrendPoint(place, value, text, item.revision.date[:10], label, previous))
    dates = revisions[0].revision.date[:10], revisions[-1].revision.date[:10]
    title = ref.label + basis_suffix(ref)
    return Trend(title, ref.quantity.unit, len(revisions), tuple(points), tuple(gaps), dates)


def _nearest_before(model: ModelHistory, has_number: Mapping[str, bool]) -> Callable[[str], list[str]]:
    """Revisions, and which of them have a number -> a commit to the nearest ones before it that have."""
    previous = {item.revision.commit: item.revision.previous for item in model.revisions}

    def find(commit: str) -> list[str]:
        found, queue, seen = dict[str, None](), list(previous[commit]), set[str]()
        while queue:
            name = queue.pop(0)
            if name in seen or name not in previous:
                continue
            seen.add(name)
            if has_number[name]:
                found[name] = None
            else:
                queue = [*previous[name], *queue]
        return list(found)

    return find


def _number(figure: Figure | QuantityError | None) -> float | None:
    """A figure as a number; None of a formula, a yes or no, and where there is none."""
    value = _exact_value(figure)
    return None if value is None or isinstance(value, Poly) else float(value)
