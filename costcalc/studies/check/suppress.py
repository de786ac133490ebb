"""Verdicts and ignores → the verdicts that are ignored marked as such, and notes on the ignores that are of no use: one
that suppresses nothing, one whose date is over, one that is not understood.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path

from costcalc.frontends.table import YAML
from costcalc.studies.check.ignore import Ignore
from costcalc.studies.check.ignore_comment import NO_IGNORES, SourceIgnores, read_source_ignores
from costcalc.studies.check.verdict import ModelCheck, RuleNote, Verdict
from costcalc.studies.check.wording import format_place

Used = set[tuple[Ignore, str]]
"""Ignores with those of their codes that suppress something."""


def current_date() -> date:
    """Today's date in UTC, so that a check says the same everywhere."""
    return datetime.now(timezone.utc).date()


def suppress_findings(
    models: Sequence[ModelCheck],
    ignores: Sequence[Ignore],
    *,
    today: date | None = None,
    is_whole: bool = True,
    unchecked: Collection[tuple[str, str]] | None = None,
    has_config: bool = True,
    against: str = "",
    contents: Mapping[str, bytes] | None = None,
) -> tuple[tuple[ModelCheck, ...], tuple[RuleNote, ...]]:
    """The models with their exceeded verdicts marked that an ignore suppresses, and the notes of whatever level.
    ignores are the config's; those of YAML models are read from their files. is_whole says that all models of the
    config are there, unchecked which (model, scenario) are not (None: nothing is told of the config's ignores then),
    has_config that there is one: of limits on a command line, which are some of all, no ignore is told to be stale.
    against names the baseline. contents holds files of models that are not as on disk."""
    today = today or current_date()
    sources = {checked.source: _read_source(checked.source, contents or {}) for checked in models if not checked.error}
    all_ignores = [*ignores, *(ignore for source in sources.values() for ignore in source.ignores)]
    if not all_ignores and not any(source.problems for source in sources.values()):
        return tuple(models), ()
    used: Used = set()
    suppressed = tuple([_suppress_model(checked, all_ignores, today, used) for checked in models])
    problems = [
        RuleNote("CC306", f"{format_place(place._replace(column=0))}: {problem}", place, format_place(place))
        for source in sources.values()
        for place, problem in source.problems
    ]
    told = all_ignores if has_config else [ignore for ignore in all_ignores if ignore.is_expired(today)]
    if not is_whole:
        told = [ignore for ignore in told if ignore.in_source or _is_of_checked(ignore, models, unchecked)]
    return suppressed, (*problems, *_stale_notes(models, told, used, today, against))


def _is_of_checked(ignore: Ignore, models: Sequence[ModelCheck], unchecked: Collection[tuple[str, str]] | None) -> bool:
    """Whether an entry is about some of the models that were checked, and about no other model of the config."""
    if unchecked is None or any(ignore.fits_name(*key) for key in unchecked):
        return False
    return any(ignore.fits_model(checked) for checked in models)


def _read_source(source: str, contents: Mapping[str, bytes]) -> SourceIgnores:
    path = Path(source)
    if path.suffix not in YAML.suffixes or not (source in contents or path.is_file()):
        return NO_IGNORES
    return read_source_ignores(contents[source] if source in contents else path.read_bytes(), source)


def _suppress_model(checked: ModelCheck, ignores: Sequence[Ignore], today: date, used: Used) -> ModelCheck:
    """A model with its verdicts marked; used gets what suppresses one. Of several the first that still counts."""
    fitting = [ignore for ignore in ignores if ignore.fits_model(checked)]
    if not fitting:
        return checked

    def mark(verdict: Verdict) -> Verdict:
        if verdict.outcome != "exceeded":
            return verdict
        found = [(ignore, code) for ignore in fitting if (code := ignore.find_code(verdict))]
        used.update(found)
        current = next((ignore for ignore, _ in found if not ignore.is_expired(today)), None)
        return verdict if current is None else replace(verdict, suppression=current.suppression)

    return replace(checked, verdicts=tuple(map(mark, checked.verdicts)))


def _stale_notes(
    models: Sequence[ModelCheck],
    ignores: Sequence[Ignore],
    used: Collection[tuple[Ignore, str]],
    today: date,
    against: str,
) -> Iterator[RuleNote]:
    """A note for each code of an ignore that suppresses nothing, and for each ignore that is over. Nothing is said
    of an ignore where a model that it may be about was not checked, or cannot be read."""
    for ignore in ignores:
        place = format_place(ignore.place._replace(column=0))
        fitting = [checked for checked in models if ignore.fits_model(checked)]
        if any(checked.error for checked in fitting):
            continue
        unused = [code for code in ignore.codes if (ignore, code) not in used]
        if unused:
            increases = all(code.startswith("CC2") for code in unused)
            remark = f" against {against}" if increases and against else ""
            fact = f"{place}: the ignore of {', '.join(unused)} suppresses nothing{remark}"
            yield RuleNote("CC302", fact, ignore.place, ignore.subject, remedy="remove it")
        expired = [code for code in ignore.codes if code not in unused]
        if expired and ignore.is_expired(today):
            fact = f"{place}: the ignore of {', '.join(expired)} ended on {ignore.until}, and counts no more"
            remedy = "mend the model, or give it a later date"
            yield RuleNote("CC303", fact, ignore.place, ignore.subject, remedy=remedy)
