"""`costcalc diff`: what changed from one version of a model to another, or in all models since a git revision."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.formats import choose_format
from costcalc.cli.output import CANNOT_ANSWER, output_option, print_error, print_tables, write_text
from costcalc.cli.parameters import FORMATS, Count, Model, Word
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError
from costcalc.studies.options import Settings

if TYPE_CHECKING:
    from costcalc.studies.diff.diff import Diff
    from costcalc.studies.diff.threshold import Threshold, ThresholdResult

EXCEEDED = 1

DEFAULT_TOP = 30
"""Layers that a page shows unless --top says otherwise."""


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="OLD NEW | --git REV [MODEL]...", nargs=-1, type=Model())
@click.option(
    "--git",
    "revision",
    metavar="REV",
    help="Compare the config's models with those of a git revision: main, v1.0, HEAD~1, main..branch, or "
    "main... for what was done here since it left main.",
)
@click.option("--config", metavar="FILE", type=click.Path(dir_okay=False), help="The config, with --git.")
@click.option(
    "--fail-on",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Exit 1 where it holds: 'macs>+2%', 'params>+0', 'weight_bytes>+10KiB', 'macs>600M', 'time.t4>+5%', "
    "'tokens_per_second.t4<-5%'; 'fits.stm32h743' where a model that fitted no longer fits.",
)
@click.option(
    "--top",
    type=Count(),
    metavar="K",
    help=f"Only the K layers that changed most; on a page {DEFAULT_TOP} unless given.",
)
@click.option("--jobs", type=Count(), default=1, metavar="N", help="Read models in N processes, with --git.")
@click.option(
    "--format",
    "form",
    type=Word(FORMATS),
    help="How to print it.  [default: $COSTCALC_FORMAT, else by the file's ending, else table]",
)
@settings_options()
@output_option
def diff(
    models: tuple[str, ...],
    revision: str | None,
    config: str | None,
    conditions: tuple[str, ...],
    top: int | None,
    jobs: int,
    form: str | None,
    output: str | None,
    settings: Settings,
) -> int:
    """Show what changed from OLD to NEW: totals, causes, and the layers that were added, removed, changed or renamed.

    Either is a file, a built-in model, a file of a git revision (main:models/net.yaml), or an entry of a lock file
    (costcalc.lock.json#NAME@SCENARIO).
    """
    from costcalc.studies.diff.threshold import judge, parse_thresholds

    form = choose_format(form or _environment_format(), output, FORMATS)
    thresholds = [threshold for text in conditions for threshold in parse_thresholds(text, settings.devices)]
    if revision is None:
        diffs, complete, empty = [_diff_pair(models, config, settings, thresholds)], True, ""
    elif settings != Settings():
        raise UsageError(
            "with --git the config says how models are bound", "leave --dim, --set, --fuse and the like out"
        )
    else:
        diffs, complete, empty = _diff_revision(revision, models, config, jobs, thresholds)
    findings = [(model_diff, judge(model_diff, threshold)) for model_diff in diffs for threshold in thresholds]
    _print_diffs(diffs, findings, form, output, top, empty)
    return _exit_code(findings, complete)


def _diff_pair(models: Sequence[str], config: str | None, settings: Settings, thresholds: Sequence[Threshold]) -> Diff:
    from costcalc.studies.check.versions import diff_versions

    if len(models) != 2:
        count = {0: "no model is", 1: "one model is"}.get(len(models), f"{len(models)} models are")
        raise UsageError(
            f"{count} named, where two versions are compared",
            "write costcalc diff OLD NEW, or costcalc diff --git main",
        )
    if config is not None:
        raise UsageError("--config is for --git", "leave it out, or add --git main")
    return diff_versions(models, settings, [threshold.quantity.key for threshold in thresholds])


def _diff_revision(
    revision: str, models: Sequence[str], config: str | None, jobs: int, thresholds: Sequence[Threshold]
) -> tuple[list[Diff], bool, str]:
    """The models that differ, whether all of them could be read, and what to say where there are none."""
    from costcalc.studies.batch import Failure
    from costcalc.studies.check.branch import diff_versions, pair_versions, parse_range
    from costcalc.studies.check.config_file import nearest_config

    before, after = parse_range(revision)
    pairs = pair_versions(nearest_config(config), before, after, models)
    differing = [pair for pair in pairs if not pair.is_unchanged]
    results: list[Diff] = []
    count = len(pairs)
    for pair, result in diff_versions(differing, jobs, [threshold.quantity for threshold in thresholds]):
        if isinstance(result, Failure):
            count -= 1
            print_error(f"costcalc: {result.place or pair.title}: {result.text}")
        elif result.changes or result.before.totals != result.after.totals:
            results.append(result)
    return (
        results,
        count == len(pairs),
        f"No difference in {count:,} {'model' if count == 1 else 'models'} since {before}"
        f"{'' if count == len(pairs) else f'; {len(pairs) - count:,} cannot be read'}",
    )


def _print_diffs(
    diffs: Sequence[Diff],
    findings: Sequence[tuple[Diff, ThresholdResult]],
    form: str,
    output: str | None,
    top: int | None,
    empty: str,
) -> None:
    from costcalc import render
    from costcalc.render.terminal import screen
    from costcalc.views.diff import diff_title, versions_text
    from costcalc.views.diff_document import diff_document, layer_changes_table
    from costcalc.views.sentence import diff_sentence

    for model_diff, finding in findings:
        if finding.outcome != "kept":
            print_error(f"costcalc: {diff_title(model_diff)}: {finding.fact} ({finding.threshold.text})")
    if form == "json":
        from costcalc.render import json

        entries = [diff_document(model_diff, top) | _conditions(model_diff, findings) for model_diff in diffs]
        write_text(json.dump({"summary": diff_sentence(diffs, empty), "diffs": entries}), output)
    elif form == "html":
        from costcalc.render.page.diff import render as diff_page

        write_text(diff_page(diffs, findings, empty), output)
    elif form == "csv":
        write_text(render.render_tables("csv", [layer_changes_table(diffs, top)], screen(output is not None)), output)
    elif form == "table" and all(not d.changes and d.before.totals == d.after.totals for d in diffs):
        from costcalc.core.sanitize import printable_lines

        layer_counts = [f"{len(d.layers):,} {'layer' if len(d.layers) == 1 else 'layers'}" for d in diffs]
        lines = [
            f"{diff_title(d)}: no difference in {n} ({versions_text(d)})"
            for d, n in zip(diffs, layer_counts, strict=True)
        ] or [empty]
        write_text(screen(output is not None).text(printable_lines("\n".join(lines))), output)
    elif not diffs:
        write_text(empty, output)
    else:
        _print_diff_tables(diffs, form, output, top or DEFAULT_TOP)


def _print_diff_tables(diffs: Sequence[Diff], form: str, output: str | None, top: int) -> None:
    """Prints the tables of diffs, behind one that lists them where they are several; Markdown opens with a sentence."""
    from costcalc.render.terminal import screen
    from costcalc.views.diff import diff_tables, overview_table
    from costcalc.views.sentence import diff_sentence

    overview_tables = [overview_table(diffs)] if len(diffs) > 1 else []
    tables = overview_tables + [sheet for model_diff in diffs for sheet in diff_tables(model_diff, top)]
    if form == "markdown":
        from costcalc.render.check import markdown as difference

        sentence = diff_sentence(diffs)
        write_text(screen(output is not None).text(difference.render_difference(tables, sentence)), output)
    else:
        print_tables(tables, form, output)


def _conditions(model_diff: Diff, findings: Sequence[tuple[Diff, ThresholdResult]]) -> dict[str, Any]:
    """A diff and the findings of all -> its conditions for JSON, where it has some."""
    conditions = [
        {"condition": finding.threshold.text, "outcome": finding.outcome, "fact": finding.fact}
        for other, finding in findings
        if other is model_diff
    ]
    return {"conditions": conditions} if conditions else {}


def _environment_format() -> str | None:
    """COSTCALC_FORMAT, where it is a format of this command; other commands have more."""
    form = os.environ.get("COSTCALC_FORMAT", "").strip()
    return form if form in FORMATS else None


def _exit_code(findings: Sequence[tuple[Diff, ThresholdResult]], complete: bool) -> int:
    outcomes = {finding.outcome for _, finding in findings}
    if not complete or "unknown" in outcomes:
        return CANNOT_ANSWER
    return EXCEEDED if "exceeded" in outcomes else 0
