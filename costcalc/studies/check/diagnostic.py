"""A file of a model with content that need not be saved, or an error -> Diagnostics: what breaks a limit of the config
that holds the model, and what breaks the language, as one type."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from costcalc.analysis.report import Report
from costcalc.core.errors import CostcalcError
from costcalc.core.ir import Graph
from costcalc.frontends.source import Source
from costcalc.studies.check.budget import Config
from costcalc.studies.check.evaluate import Evaluation, evaluate
from costcalc.studies.check.lineage import BaselineMatch
from costcalc.studies.check.notes import read_config_lock
from costcalc.studies.check.run import check_model, make_evaluation
from costcalc.studies.check.suppress import suppress_findings
from costcalc.studies.check.targets import Target, holding_entries
from costcalc.studies.check.verdict import UNREADABLE, ModelCheck, SourcePlace, parse_place

Severity = Literal["error", "warning"]


class Diagnostic(NamedTuple):
    """What is wrong at a place of a file. code is that of a rule (CC001), or the kind of the error (SpecError); layer
    the one that it is about, or ""; limit_place where the config sets the limit; scenario that of the config."""

    code: str
    severity: Severity
    place: SourcePlace
    fact: str
    remedy: str = ""
    layer: str = ""
    limit_place: SourcePlace | None = None
    scenario: str = ""

    @property
    def message(self) -> str:
        """The fact and the remedy, of a scenario with its name."""
        text = f"{self.fact}; {self.remedy}" if self.remedy else self.fact
        return f"{self.scenario}: {text}" if self.scenario else text


def diagnostic_of(error: CostcalcError, file: str) -> Diagnostic:
    """An error, and the file that it is about -> its Diagnostic, at line 0 where the error has no place."""
    place, _, layer = error.place.partition(": ")
    return Diagnostic(
        type(error).__name__, "error", parse_place(place) or SourcePlace(file), error.fact, error.remedy, layer
    )


def diagnostics_of(check: ModelCheck) -> Iterator[Diagnostic]:
    """The verdicts of a model that are not kept and not ignored, and its error -> Diagnostics."""
    file = SourcePlace(check.source)
    if check.error:
        yield Diagnostic(UNREADABLE, "error", check.place or file, check.error, scenario=check.scenario)
    for verdict in check.verdicts:
        if verdict.outcome == "kept" or verdict.suppression is not None:
            continue
        yield Diagnostic(
            verdict.code,
            "warning" if verdict.level == "warning" else "error",
            verdict.place or file,
            verdict.fact,
            verdict.remedy,
            verdict.layer,
            verdict.limit_place,
            check.scenario,
        )


def find_entries(config: Config, file: Path) -> Iterator[tuple[Target, bool]]:
    """The entries of a config that hold a model's file, each as a target that reads the file, and whether it is one of
    several models (a glob's)."""
    relative = os.path.relpath(file, config.folder).replace(os.sep, "/")
    for number, entry, is_pattern in holding_entries(config, relative):
        yield Target(relative if is_pattern else entry.name or entry.path, file.name, entry, number), is_pattern


def check_file(config: Config, file: Path, content: bytes, report: Report | None = None) -> tuple[ModelCheck, ...]:
    """A config, the absolute path of a model, and the model's content, which need not be saved -> the checks of all
    entries that hold the model; their places name the file by its name alone. report is that of the content without
    settings, where it is known."""
    checks: list[ModelCheck] = []
    config_lock = read_config_lock(config)
    match = None if config_lock is None else BaselineMatch(config_lock)
    for target, is_one_of_several in find_entries(config, file):
        evaluation = make_evaluation(config, target, is_one_of_several)
        content_source = Source(file.name, data=content, kind=file.suffix.lower(), file=file.name)
        model = content_source if report is None else _known_model(evaluation, report) or content_source
        checks.append(check_model(config, match, target, evaluate(evaluation._replace(source=model))))
    contents = {file.name: content}
    return suppress_findings(checks, config.ignores, is_whole=False, contents=contents)[0]


def _known_model(evaluation: Evaluation, report: Report) -> Report | Graph | None:
    """The report, or its graph, where the evaluation reads the model as the report does; None where it does not."""
    settings = evaluation.settings.extend_for([ref for ref, _ in evaluation.quantities])
    if settings.generation is not None or any(settings.source_options().values()):
        return None
    return report.graph if any(settings.load_arguments().values()) else report
