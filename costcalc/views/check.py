"""CheckResult -> what every format says of it: the findings, worst first, each as a sentence with figures and place.

A finding is a verdict that is not kept and not suppressed, or a model that cannot be read. Findings of one cause, a
layer at its place or a reason why something cannot be told, are told together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.quantity import SIGNS
from costcalc.studies.check import wording as words
from costcalc.studies.check.rules import RULES
from costcalc.studies.check.verdict import UNREADABLE, Amount, CheckResult, ModelCheck, SourcePlace, Verdict
from costcalc.views.table import Column, Table, make_table, select_columns

CI_ROOT_VARIABLES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY", "BITBUCKET_CLONE_DIR")
"""Environment variables with the folder of the repository; a CI takes paths as relative to it."""


class CheckFinding(NamedTuple):
    """A verdict with the model that it is about."""

    checked: ModelCheck
    verdict: Verdict

    @property
    def place(self) -> SourcePlace:
        """The place in a file: the layer's, if that is in the repository, else the limit's, else the model's file."""
        place = self.verdict.place
        if place is not None and place.file.endswith(".py"):
            place = find_in_repository(place)
        place = place or self.verdict.limit_place or self.checked.place
        return place or SourcePlace(self.checked.source)

    @property
    def title(self) -> str:
        """CC001 net (batch8) [vision]: macs."""
        return f"{self.verdict.code} {self.checked.label}: {self.verdict.quantity}"

    @property
    def level(self) -> str:
        """error or warning; an unknown verdict is always an error."""
        return "error" if self.verdict.outcome == "unknown" else self.verdict.level


def all_findings(result: CheckResult) -> Iterator[CheckFinding]:
    """A result → all verdicts in the config's order, kept ones too; a model that cannot be read has an unknown one."""
    for checked in result.models:
        if checked.error and not any(v.code == UNREADABLE for v in checked.verdicts):
            verdict_of_file = Verdict(UNREADABLE, "error", "model", "count", None, None, "unknown", checked.error)
            yield CheckFinding(checked, verdict_of_file)
        yield from (CheckFinding(checked, verdict) for verdict in checked.verdicts)


def rule_findings(result: CheckResult) -> list[CheckFinding]:
    """A result → what rules find that are about no single limit, as findings of the file that it stands in."""
    return [
        CheckFinding(
            ModelCheck(place.file, "", place.file, ()),
            Verdict(
                rule.code,
                rule.level,
                rule.subject or RULES[rule.code].name,
                "count",
                None,
                None,
                "exceeded",
                rule.fact,
                rule.remedy,
                place=place,
            ),
        )
        for rule in result.broken_rules
        for place in (rule.place or SourcePlace("costcalc"),)
    ]


def findings(result: CheckResult) -> list[CheckFinding]:
    """A result → the findings, worst first: unknown verdicts, then errors before warnings, the most exceeded first;
    of a level, rules that are about no single limit stand last."""
    open_findings = [f for f in all_findings(result) if f.verdict.outcome != "kept" and not f.verdict.is_suppressed]
    return sorted([*open_findings, *rule_findings(result)], key=_severity_key)


class FindingCause(NamedTuple):
    """Findings of one cause, errors first, by their codes; several scenarios of a model may be among them."""

    findings: tuple[CheckFinding, ...]

    @property
    def first(self) -> CheckFinding:
        """The finding that says what the others need not repeat."""
        return self.findings[0]

    @property
    def place(self) -> SourcePlace:
        """Where to look."""
        return self.first.place

    @property
    def level(self) -> str:
        """error where one of the findings is one."""
        return "error" if any(finding.level == "error" for finding in self.findings) else "warning"

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, each once."""
        return tuple(dict.fromkeys(finding.verdict.code for finding in self.findings))

    @property
    def title(self) -> str:
        """CC001 net: macs; of several findings CC001, CC003 net: macs, params and 2 more."""
        if len(self.findings) == 1:
            return self.first.title
        quantities = list(dict.fromkeys(finding.verdict.quantity for finding in self.findings))
        more = f" and {len(quantities) - 3} more" if len(quantities) > 4 else ""
        codes = f"{', '.join(self.codes[:3])}{', …' if len(self.codes) > 3 else ''}"
        return f"{codes} {self.first.checked.label}: {', '.join(quantities[: 3 if more else 4])}{more}"

    @property
    def text(self) -> str:
        """The first finding's fact and remedy, and a line with the fact of each further one."""
        first, *rest = self.findings
        lines = [finding_text(first)]
        for finding in rest:
            scenario = "" if finding.checked.label == first.checked.label else f"{finding.checked.label}: "
            lines.append(scenario + short_fact(finding))
        return "\n".join(lines)

    @property
    def fingerprint(self) -> str:
        """What is the same in every run of one cause: of a layer its model's file and its name, else the finding's own
        fingerprint."""
        verdict = self.first.verdict
        if not verdict.layer or verdict.outcome == "unknown":
            return fingerprint(self.first)
        return _hash_parts(self.first.checked.source, verdict.layer)


def short_fact(finding: CheckFinding) -> str:
    """A finding → its fact without what the layer did, which another finding of the same cause says."""
    return finding.verdict.fact.removesuffix(f"; {words.describe_blame(finding.verdict)}")


def causes(result: CheckResult) -> list[FindingCause]:
    """A result → its findings by cause, in the order of the worst of each."""
    groups: dict[Any, list[CheckFinding]] = {}
    for finding in findings(result):
        verdict = finding.verdict
        key: tuple[Any, ...] = (finding.checked.label, verdict.quantity, verdict.code, verdict.fact)
        if verdict.outcome == "unknown":
            is_open = is_known_from_below(verdict) or verdict.quantity == "unknown_ops"
            key = (finding.checked.label, "CC101" if is_open else (verdict.code, verdict.remedy))
        elif verdict.layer:
            key = (finding.place[:2], verdict.layer)
        groups.setdefault(key, []).append(finding)
    for members in groups.values():  # what is known from below is explained by the operators that it misses
        members.sort(key=lambda f: (is_known_from_below(f.verdict), f.level == "warning", f.verdict.code))
    return [FindingCause(tuple(members)) for members in groups.values()]


def _severity_key(finding: CheckFinding) -> tuple[bool, bool, Fraction]:
    value, limit = finding.verdict.value, finding.verdict.limit
    excess = Fraction(0)
    if isinstance(value, (int, Fraction)) and isinstance(limit, (int, Fraction)):
        excess = Fraction(value - limit) / limit if limit else Fraction(10**9) + value
    excess = -excess if finding.verdict.minimum else excess
    return finding.verdict.outcome != "unknown", finding.level == "warning", -excess


class LimitCounts(NamedTuple):
    """How many limits are held, and how many of them are exceeded as errors and as warnings, cannot be told, and are
    exceeded but ignored; unheld are those on the growth of new models; unread is how many models without a limit cannot
    be read."""

    total: int
    exceeded: int
    warnings: int
    unknown: int
    suppressed: int
    unheld: int
    unread: int


def count_limits(result: CheckResult) -> LimitCounts:
    """A result → the numbers of its limits; those of a model that cannot be read are one that cannot be told."""
    counts = dict.fromkeys(("kept", "exceeded", "warning", "unknown", "suppressed"), 0)
    unread = sum(bool(checked.error) and not checked.has_limits for checked in result.models)
    for finding in all_findings(result):
        is_warning = finding.verdict.outcome == "exceeded" and finding.level == "warning"
        kind = "suppressed" if finding.verdict.is_suppressed else "warning" if is_warning else finding.verdict.outcome
        counts[kind] += 1
    counts["unknown"] -= unread
    kept, exceeded, warnings, unknown, suppressed = counts.values()
    unheld = sum(verdict.is_unheld for verdict in result.verdicts)
    total = kept - unheld + exceeded + warnings + unknown + suppressed
    return LimitCounts(total, exceeded, warnings, unknown, suppressed, unheld, unread)


def headline(result: CheckResult) -> str:
    """A result → its summary: 1 of 6 limits is exceeded; 2 cannot be told."""
    counts = count_limits(result)
    total = _format_number(counts.total, "limit")
    broken = sum(rule.level == "error" for rule in result.broken_rules)
    warnings = counts.warnings + len(result.broken_rules) - broken
    parts = []
    if counts.exceeded:
        parts.append(f"{counts.exceeded:,} of {total} {_is_or_are(counts.exceeded)} exceeded")
    if counts.unknown:
        parts.append(f"{counts.unknown:,} {f'of {total} ' if not parts else ''}cannot be told")
    if not parts:
        parts.append(_kept_text(counts, total))
    if counts.unheld:
        parts.append(words.describe_unheld(counts.unheld))
    if counts.unread:
        parts.append(f"{_format_number(counts.unread, 'model')} without a limit cannot be read")
    if broken:
        parts.append(f"{broken:,} {'rule is' if broken == 1 else 'rules are'} broken")
    if warnings:
        parts.append(_format_number(warnings, "warning"))
    if counts.suppressed:
        parts.append(f"{counts.suppressed:,} {_is_or_are(counts.suppressed)} ignored")
    return "; ".join(parts)


def _kept_text(counts: LimitCounts, total: str) -> str:
    """What is said of limits of which none is exceeded or cannot be told; total is their number in words."""
    kept = counts.total - counts.warnings - counts.suppressed
    if kept < counts.total:
        return f"{kept:,} of {total} {_is_or_are(kept or counts.total)} kept"
    if not kept:
        return "no limit applies"
    return "the limit is kept" if kept == 1 else f"all {total} are kept"


def _format_number(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _is_or_are(n: int) -> str:
    return "is" if n == 1 else "are"


def finding_text(finding: CheckFinding) -> str:
    """A finding → its fact and, behind it, the remedy."""
    verdict = finding.verdict
    return f"{verdict.fact}; {verdict.remedy}" if verdict.remedy else verdict.fact


STATISTICS_COLUMNS = (
    Column("code", "Code", "text", 100),
    Column("name", "Rule", "text", 95),
    Column("errors", "Exceeded", "number", 90),
    Column("warnings", "Warnings", "number", 85),
    Column("unknown", "Cannot be told", "number", 85),
    Column("suppressed", "Ignored", "number", 85),
)


def statistics_table(result: CheckResult) -> Table:
    """A result → a row for each code that a finding has, errors first; columns without a finding are left
    out."""
    counts = result.statistics
    rows = [(code, RULES[code].name if code in RULES else "", *count) for code, count in counts.items()]
    table = Table("Findings by code", headline(result), STATISTICS_COLUMNS, tuple(rows))
    filled = [i for i in range(len(STATISTICS_COLUMNS)) if i < 2 or any(row[i] for row in rows)]
    return select_columns(table, filled)


def suppression_text(verdict: Verdict) -> str:
    """A suppressed verdict → `ignored until 2027-01-31 at net.yaml:3 (the reason)`."""
    suppression = verdict.suppression
    assert suppression is not None
    until = f" until {suppression.until}" if suppression.until else ""
    reason = f" ({suppression.reason})" if suppression.reason else ""
    return f"ignored{until} at {words.format_place(suppression.place._replace(column=0))}{reason}"


def fingerprint(finding: CheckFinding) -> str:
    """A finding → its SHA-256 of code, model, scenario and quantity: the same in every run, whatever its figures and
    line."""
    verdict, checked = finding.verdict, finding.checked
    return _hash_parts(verdict.code, checked.model, checked.scenario, verdict.quantity)


def _hash_parts(*parts: str) -> str:
    import hashlib

    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def verdict_figures(verdict: Verdict) -> Mapping[str, str]:
    """A verdict → value (≥ where it is only known from below), limit, headroom and delta (to the baseline) as texts; ""
    where there is none. A model that the baseline does not know yet may have grown by any amount: it is new."""
    value, limit = words.format_pair(verdict.value, verdict.limit, verdict.kind)
    is_unlimited = verdict.outcome == "kept" and verdict.limit is None
    is_new, is_unchanged = verdict.is_unheld, is_unlimited and verdict.baseline == verdict.value
    is_bound = verdict.lower_bound or (is_known_from_below(verdict) and verdict.kind != "share")
    sign = "≥ " if is_bound else ""
    if verdict.certainty != "exact":
        sign = SIGNS[verdict.certainty] if verdict.value else ""
    has_figures = (verdict.value, verdict.limit) != (None, None)
    headroom = "" if verdict.outcome == "unknown" else _headroom_text(verdict)
    limit = f"at least {limit}" if verdict.minimum and verdict.kind != "boolean" else limit
    return {
        "value": f"{sign if verdict.value is not None else ''}{value}" if has_figures else "",
        "limit": "any" if is_new else limit if verdict.limit is not None else verdict.growth,
        "headroom": "new" if is_new else "as before" if is_unchanged else headroom,
        "delta": delta_text(verdict.baseline, verdict.value, verdict.kind),
    }


def _headroom_text(verdict: Verdict) -> str:
    is_bound = verdict.lower_bound or verdict.certainty in words.BOUNDS
    return words.format_headroom(verdict.value, verdict.limit, verdict.kind, is_bound, verdict.minimum)


def is_known_from_below(verdict: Verdict) -> bool:
    """Whether a figure is only known from below, because of operators that a verdict of their own tells of."""
    return verdict.code == "CC101" and verdict.quantity != "unknown_ops"


def delta_text(before: Amount, after: Amount, kind: str = "count") -> str:
    """Two amounts → their difference: +1,234 (+2.0%); 0 where nothing changed, "" where either is not known."""
    if before is None or after is None:
        return ""
    rise: Any = after - before  # type: ignore[operator]
    plus = "+" if isinstance(rise, (int, Fraction)) and rise > 0 else ""
    return f"{plus}{words.format_difference(rise, kind)}{words.format_relative(rise, before) if rise != 0 else ''}"


def repository_folders() -> tuple[Path, ...]:
    """The folders that paths are told relative to, the first that fits: where the CI says that the repository is, the
    nearest folder above that has a .git, the working directory."""
    working_directory = Path.cwd()
    ci_roots = [Path(os.environ[name]).resolve() for name in CI_ROOT_VARIABLES if os.environ.get(name)]
    repositories = [folder for folder in (working_directory, *working_directory.parents) if (folder / ".git").exists()]
    return (*ci_roots[:1], *repositories[:1], working_directory)


def find_in_repository(place: SourcePlace) -> SourcePlace | None:
    """A place in a source file, as it was called where the model was exported → the same with the file's path here;
    None where the repository has no such file. Where the export ran elsewhere, the end of the path counts: a folder
    and the file at least, unless the repository's own folder stands before it."""
    parts = [part for part in place.file.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in place.file:
        return None
    for folder in repository_folders():
        for start in range(len(parts)):
            path = folder.joinpath(*parts[start:])
            is_told = start < len(parts) - 1 or start == 0 or parts[start - 1] == folder.name
            if is_told and path.is_file():
                return place._replace(file=os.path.relpath(path))
    return None


def repository_path(file: str) -> str:
    """A path → the path for a CI: relative to the first of repository_folders that it lies in, with forward slashes."""
    path = Path(os.path.normpath(Path.cwd() / file))
    for folder in repository_folders():
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return Path(file).as_posix()


VERDICT_COLUMNS = (
    Column("model", "Model", "name", 100, lambda finding: finding.checked.model),
    Column("scenario", "Scenario", "text", 50, lambda finding: finding.checked.scenario),
    Column("code", "Code", "text", 90, lambda finding: finding.verdict.code),
    Column("level", "Level", "text", 60, lambda finding: finding.level),
    Column("quantity", "Quantity", "text", 80, lambda finding: finding.verdict.quantity),
    Column("outcome", "Outcome", "text", 95, lambda finding: finding.verdict.outcome),
    Column("value", "Now", "figure", 90, lambda finding: finding.verdict.value),
    Column("limit", "Limit", "figure", 85, lambda finding: finding.verdict.limit),
    Column("baseline", "Baseline", "figure", 70, lambda finding: finding.verdict.baseline),
    Column("headroom", "Headroom", "figure", 65, lambda finding: finding.verdict.headroom),
    Column("layer", "Layer", "text", 40, lambda finding: finding.verdict.layer),
    Column("fact", "Fact", "prose", 55, lambda finding: finding.verdict.fact),
    Column("remedy", "Remedy", "prose", 30, lambda finding: finding.verdict.remedy),
)


def verdicts_table(result: CheckResult) -> Table:
    """A result → a row for each verdict, kept ones too, and each broken rule, for programs: value, limit and baseline
    in the quantity's own unit, of a layer's share as a fraction."""
    return make_table("check", VERDICT_COLUMNS, [*all_findings(result), *rule_findings(result)])
