"""CheckResult, or several Diffs -> one sentence, which a comment opens with: what the worst model costs now and before,
whether that is within its budget, which layer was changed, and what became of the other models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.elision import list_first
from costcalc.core.errors import QuantityError
from costcalc.core.quantities import CATALOGUE, TOTALS, parse_quantity
from costcalc.core.quantity import Certainty
from costcalc.core.units import format_bytes, format_exact_share, format_short, ratio
from costcalc.studies.check import wording as words
from costcalc.studies.check.verdict import LOOSENED, CheckResult, ModelCheck, ModelLineage, Verdict
from costcalc.studies.diff.diff import CAUSES, Diff, LayerChange, diff, total_change
from costcalc.studies.diff.snapshot import Snapshot
from costcalc.views.diff import DIRECT_STATUSES, changed_quantities, diff_title
from costcalc.views.diff_words import describe_change

MAX_FORMULA = 40
"""Characters of a formula that the sentence holds."""

_WIDTH = re.compile(r"(?:filters|units) ([0-9,]+) → ([0-9,]+)")

MAX_NAMED = 3
"""New, renamed or removed models that are named; more are counted."""


def check_sentence(result: CheckResult) -> str:
    """A result → its sentence, without a stop."""
    return "; ".join([_models_sentence(result), *_rule_phrases(result)])


def _rule_phrases(result: CheckResult) -> Iterator[str]:
    """What rules find that are about no single limit → the limit that was loosened, or how many were; how many more
    rules are broken."""
    loosened = [
        rule.fact.rpartition(", against ")[0] or rule.fact for rule in result.broken_rules if rule.code == LOOSENED
    ]
    if loosened:
        yield loosened[0] + (
            f", and {len(loosened) - 1:,} more limits were loosened"
            if len(loosened) > 2
            else f", and {loosened[1]}"
            if len(loosened) > 1
            else ""
        )
    broken = sum(rule.level == "error" and rule.code != LOOSENED for rule in result.broken_rules)
    if broken:
        yield f"{broken:,} {'rule is' if broken == 1 else 'rules are'} broken"


def _models_sentence(result: CheckResult) -> str:
    """A result → what the sentence says of its models."""
    ranked = sorted(result.models, key=_rank)
    if not ranked:
        return "; ".join(["no model was checked", *_lineage_phrases(result.lineage)])
    changed = [checked for checked in ranked if _changed_total(checked)]
    lead = ranked[0] if _rank(ranked[0])[0] < KEPT or not changed else changed[0]
    if len(ranked) == 1 or _rank(lead)[0] < KEPT or changed:
        rest = [checked for checked in ranked if checked is not lead]
        is_new = any(title == lead.title for title, _ in result.lineage.new)
        phrases = [_model_sentence(lead, is_new), *_rest_phrases(lead, rest)]
        return "; ".join([*phrases, *_lineage_phrases(result.lineage, lead.title)])
    is_compared = all(checked.baseline is not None for checked in ranked)
    models = f"{len(ranked):,} models"
    opening = f"no total of {models} changed" if is_compared else f"{models} were checked"
    return "; ".join([opening, _held_phrase(result), *_lineage_phrases(result.lineage)])


KEPT = 3
"""The rank of a model whose limits are kept; below it stand those over them, those that cannot be told, warnings."""


def _rank(checked: ModelCheck) -> tuple[int, Fraction]:
    """Models to be told of first: what is over a limit the most, then what cannot be told."""
    worst = _worst_verdict(checked)
    if worst is None:
        return (1 if checked.error else KEPT), Fraction(0)
    rank = 1 if worst.outcome == "unknown" else 0 if worst.level == "error" else 2
    return rank, -_excess(worst)


def _worst_verdict(checked: ModelCheck) -> Verdict | None:
    """The verdict that the sentence is about: an exceeded error, then one that cannot be told, then a warning; of these
    the first on a total, in the order of the totals, then the most exceeded."""
    totals = list(TOTALS)

    def key(verdict: Verdict) -> tuple[int, int, Fraction]:
        order = 1 if verdict.outcome == "unknown" else 0 if verdict.level == "error" else 2
        rank = totals.index(verdict.quantity) if verdict.quantity in totals else len(totals)
        return order, rank, -_excess(verdict)

    return min((v for v in checked.verdicts if v.outcome != "kept" and not v.is_suppressed), key=key, default=None)


def _excess(verdict: Verdict) -> Fraction:
    """By what part of its limit a value is on the wrong side; 0 where that is no number."""
    value, limit = verdict.value, verdict.limit
    if not isinstance(value, (int, Fraction)) or not isinstance(limit, (int, Fraction)) or not limit:
        return Fraction(0)
    return abs(Fraction(value - limit) / limit)


def _changed_total(checked: ModelCheck) -> str:
    """The first total that differs from the baseline's; "" for none."""
    if checked.snapshot is None or checked.baseline is None:
        return ""
    now, before = checked.snapshot.totals, checked.baseline.totals
    return next((key for key in TOTALS if key in now and key in before and now[key] != before[key]), "")


def _model_sentence(checked: ModelCheck, is_new: bool) -> str:
    """A model → `net: MACs +12.4% (568 M → 639 M), over its budget by 39 M; conv7 was widened`."""
    if checked.snapshot is None:
        return f"{checked.label} cannot be read: {checked.error}"
    worst = _worst_verdict(checked)
    key = _told_total(worst) or _changed_total(checked) or "macs"
    comparison = None
    if checked.baseline is not None and _changed_total(checked):
        comparison = diff(checked.baseline, checked.snapshot)
    budget = _budget_phrase(checked, worst, key)
    if is_new:
        return f"{checked.label} is new ({_total_text(checked.snapshot, key)}){budget}"
    if comparison is None:
        is_known = checked.baseline is not None and not _is_lower_bound(checked.snapshot, key)
        remark = ", as before" if is_known else ""
        return f"{checked.label}: {_total_text(checked.snapshot, key)}{remark}{budget}"
    cause = _cause_phrase(comparison, key)
    return f"{checked.label}: {_change_text(comparison, key)}{budget}{f'; {cause}' if cause else ''}"


def _told_total(verdict: Verdict | None) -> str:
    """The total that a verdict is about, its increase too; "" where that is none."""
    key = "" if verdict is None else verdict.quantity.removesuffix(" increase")
    return key if key in TOTALS else ""


def _budget_phrase(checked: ModelCheck, worst: Verdict | None, key: str) -> str:
    """How the model stands to its limits: `, over its budget by 39 M and over 2 more limits`."""
    exceeded = [v for v in checked.verdicts if v.outcome == "exceeded" and not v.is_suppressed]
    suppressed = sum(v.is_suppressed for v in checked.verdicts)
    ignored = f" ({suppressed:,} more ignored)" if suppressed else ""
    if worst is None and suppressed:
        return f", over {suppressed:,} {'limit, which is' if suppressed == 1 else 'limits, which are'} ignored"
    if worst is None:
        return ", within its budget" if checked.verdicts else ", without a limit"
    if worst.outcome == "unknown":
        fact, _, _ = worst.fact.removeprefix(f"{worst.quantity}: ").partition("; ")
        return f"; {worst.quantity}: {fact}{ignored}"
    others = len(exceeded) - 1
    more = f" and over {others:,} more limit{'s' if others > 1 else ''}" if others else ""
    return f", {_excess_phrase(worst, key)}{more}{ignored}"


def _excess_phrase(verdict: Verdict, key: str) -> str:
    """An exceeded verdict → `over its budget by 39 M`, `over its budget of time t4 by 1.2 ms`, `fits t4: no`."""
    if verdict.kind == "boolean":
        return f"{verdict.quantity}: {words.format_figure(verdict.value, verdict.kind)}"
    is_increase = verdict.quantity.endswith(" increase")
    subject = "the growth that is allowed" if is_increase else "its budget"
    of = "" if verdict.quantity.removesuffix(" increase") == key else f" of {verdict.quantity}"
    side = "below the least that is asked" if verdict.minimum else f"over {subject}"
    gap: Any = verdict.headroom
    bound = "at least " if verdict.lower_bound else _BOUNDS[verdict.certainty]
    size = "" if gap is None else f" by {bound}{_short(-gap, verdict.kind)}"
    warning = " (a warning)" if verdict.level == "warning" else ""
    return f"{side}{of}{size if len(size) <= MAX_FORMULA else ''}{warning}"


_BOUNDS: dict[Certainty, str] = {"exact": "", "lower": "at least ", "upper": "at least ", "estimate": "about "}
"""What stands before the excess of a figure: one above a limit by a lower bound is so by at least that, and so is one
below the least that is asked by an upper bound."""


def _short(value: Any, kind: str) -> str:
    """An amount → three significant digits: 39.0 M, 1.2 MiB, 1.20 ms; never 0 for what is not."""
    if kind == "count" and isinstance(value, int):
        return format_short(value)
    return format_bytes(value) if kind == "bytes" and isinstance(value, int) else words.format_difference(value, kind)


def _total_text(snapshot: Snapshot, key: str) -> str:
    """A version → `MACs 639 M`; at least that where an operator is not known."""
    label = CATALOGUE[key].label
    text = _figure_text(snapshot, key)
    return f"{label} {text}" if text else f"{label} not known"


def _figure_text(snapshot: Snapshot, key: str, is_exact: bool = False) -> str:
    value = snapshot.totals.get(key)
    if value is None:
        return ""
    kind = words.quantity_kind(key)
    text = words.format_figure(value, kind) if is_exact or not isinstance(value, int) else _short(value, kind)
    if len(text) > MAX_FORMULA:
        return "a formula of its symbols"
    bound = "at least " if _is_lower_bound(snapshot, key) else "at most " if snapshot.upper_bound else ""
    return bound + text


def _is_lower_bound(snapshot: Snapshot, key: str) -> bool:
    columns = CATALOGUE[key].columns
    return bool(snapshot.unknown) and any(
        layer.amounts[column] is None for layer in snapshot.layers for column in columns
    )


def _change_text(comparison: Diff, key: str) -> str:
    """A diff → `MACs +12.4% (568 M → 639 M)`; without a percentage where a bound or a formula has none. Two figures
    that differ do not read as equal."""
    old, new = comparison.before, comparison.after
    texts = [_figure_text(version, key) for version in (old, new)]
    if old.totals.get(key) != new.totals.get(key) and texts[0] == texts[1]:
        texts = [_figure_text(version, key, is_exact=True) for version in (old, new)]
    label = CATALOGUE[key].label
    if not all(texts):
        return f"{label} {texts[0] or 'not known'} → {texts[1] or 'not known'}"
    if old.totals[key] == new.totals[key]:
        return f"{label} {texts[1]}{'' if _is_lower_bound(new, key) else ', as before'}"
    share = _relative_change(comparison, key)
    if share is None:
        return f"{label} {texts[0]} → {texts[1]}" if texts[0] != texts[1] else f"{label} changed, {texts[1]}"
    return f"{label} {format_exact_share(share, sign=True)} ({texts[0]} → {texts[1]})"


def _relative_change(comparison: Diff, key: str) -> Fraction | None:
    """What a total grew by, as a part of what it was; None where that is no number, or either is only a bound."""
    change = total_change(comparison, key)
    versions = (comparison.before, comparison.after)
    if isinstance(change, Fraction) or any(v.upper_bound or _is_lower_bound(v, key) for v in versions):
        return None
    return ratio(change, comparison.before.totals.get(key))


def _cause_phrase(comparison: Diff, key: str) -> str:
    """A diff → `conv7 was widened`, and how many more layers were changed; what else is different where no layer was
    changed by itself."""
    column = CATALOGUE[key].columns[0] if CATALOGUE[key].columns else "macs"
    direct = [change for change in comparison.changes if change.status in DIRECT_STATUSES]
    if not direct:
        return _input_phrase(comparison)

    def weight(change: LayerChange) -> int:
        delta = change.delta(column)
        return abs(delta) if isinstance(delta, int) else 0

    first = max(direct, key=weight)
    more = len(direct) - 1
    rest = f" and {more:,} more layer{'s' if more > 1 else ''} changed" if more else ""
    return f"{first.name} {_what_happened(first, column)}{rest}"


def _what_happened(change: LayerChange, column: str) -> str:
    """A layer that was added, removed or changed → `was widened`, `was changed (stride 1 → 2)`."""
    if change.status in ("added", "removed"):
        return f"was {change.status}"
    text = describe_change(change)
    parts = change.causes.get(column, {})
    sizes = {cause: part for cause in CAUSES if isinstance(part := parts.get(cause), int)}
    cause = max(sizes, key=lambda name: abs(sizes[name]), default="")
    is_more = sizes.get(cause, 0) > 0
    width = _WIDTH.search(text)
    if width and cause in ("channels", "other", ""):
        before, after = (int(n.replace(",", "")) for n in width.groups())
        return "was widened" if after > before else "was narrowed"
    if cause == "kernel":
        return f"has a {'larger' if is_more else 'smaller'} kernel"
    if cause == "operator" and change.before is not None and change.after is not None:
        return f"is {change.after.op_type} and was {change.before.op_type}"
    return f"was changed ({text})" if text and len(text) <= 2 * MAX_FORMULA else "was changed"


def _input_phrase(comparison: Diff) -> str:
    """What differs where every layer is defined as before: an input, a bound symbol."""
    inputs = {t.name: t for t in comparison.before.inputs}
    for t in comparison.after.inputs:
        old = inputs.get(t.name)
        if old is not None and (old.shape, old.dtype) != (t.shape, t.dtype):
            return f"its input {t.name} has another {'shape' if old.shape != t.shape else 'type'}"
    return ""


REST_TEXTS = (
    ("is over a limit", "are over a limit"),
    ("has a limit that cannot be told", "have a limit that cannot be told"),
    ("changed", "changed"),
)
"""What is said of one further model, and of several, by what became of them."""


def _rest_phrases(lead: ModelCheck, rest: Sequence[ModelCheck]) -> Iterator[str]:
    """The models behind the first → how many of them are over a limit, cannot be told, changed; each model counts once,
    and further scenarios of the first one as such."""
    kinds: dict[str, int] = {}
    for checked in rest:
        rank = _rank(checked)[0]
        if rank < 2 or _changed_total(checked):
            subject = checked.model if checked.model != lead.model else f"{checked.model}\0{checked.scenario}"
            kinds[subject] = min(kinds.get(subject, 2), min(rank, 2))
    for kind, texts in enumerate(REST_TEXTS):
        for noun, is_own in (("scenario of it", True), ("model", False)):
            n = sum(found == kind and ("\0" in subject) == is_own for subject, found in kinds.items())
            if n:
                plural = noun.replace("scenario", "scenarios") if is_own else "models"
                yield f"{n:,} more {noun if n == 1 else plural} {texts[n > 1]}"


def _held_phrase(result: CheckResult) -> str:
    """Of models of which none is over a limit: how many limits are kept, how many hold nothing, and are ignored."""
    unheld = sum(v.is_unheld for v in result.verdicts)
    kept = sum(v.outcome == "kept" for v in result.verdicts) - unheld
    suppressed = sum(v.is_suppressed for v in result.verdicts)
    if not result.verdicts:
        return "there is no limit"
    phrases = []
    if kept == 1:
        phrases.append("the limit is kept" if not suppressed else "1 limit is kept")
    elif kept or not unheld:
        phrases.append(f"{'' if suppressed else 'all '}{kept:,} limits are kept")
    if unheld:
        phrases.append(words.describe_unheld(unheld))
    if suppressed:
        phrases.append(f"{suppressed:,} ignored")
    return ", ".join(phrases)


def _lineage_phrases(lineage: ModelLineage, told: str = "", removal: str = "no longer in the config") -> Iterator[str]:
    """The models that the baseline does not have, but for one that was told of, that it has under another name, and
    that only it has; removal says what became of these."""
    new = [_named_cost(*item) for item in lineage.new if item[0] != told]
    renamed = [f"{before} is now {after}" for before, after in lineage.renamed]
    removed = [_named_cost(*item) for item in lineage.removed]
    for verb, names in (("new", new), ("renamed", renamed), (removal, removed)):
        if not names:
            continue
        listed = list_first(names, MAX_NAMED)
        yield listed if verb == "renamed" else f"{listed} {'is' if len(names) == 1 else 'are'} {verb}"


def _named_cost(title: str, macs: Dim) -> str:
    """A model and its MACs → `net (568 M MACs)`; the name alone where they are a long formula."""
    text = format_short(macs)
    return f"{title} ({text} MACs)" if len(text) <= MAX_FORMULA else title


def diff_sentence(diffs: Sequence[Diff], empty: str = "") -> str:
    """Diffs → their sentence; empty is what is said of none."""
    if not diffs:
        return empty
    lead = max(diffs, key=_diff_weight)
    rest = [comparison for comparison in diffs if comparison is not lead]
    new = [(diff_title(d), d.after.totals["macs"]) for d in rest if not d.before.source and d.after.source]
    removed = [(diff_title(d), d.before.totals["macs"]) for d in rest if d.before.source and not d.after.source]
    more = len(rest) - len(new) - len(removed)
    changed = [f"{more:,} more model{'s' if more > 1 else ''} changed"] if more else []
    lineage = ModelLineage(tuple(new), (), tuple(removed))
    return "; ".join([_diff_text(lead), *changed, *_lineage_phrases(lineage, removal="gone")])


def _diff_weight(comparison: Diff) -> tuple[bool, Fraction]:
    """Models that are in both versions first, by what part the first total that differs is another one."""
    key = _first_difference(comparison)
    share = _relative_change(comparison, key) if key in TOTALS else None
    is_in_both = bool(comparison.before.source and comparison.after.source)
    return is_in_both, Fraction(0) if share is None else abs(share)


def _first_difference(comparison: Diff) -> str:
    changed = changed_quantities(comparison)
    return next((key for key in TOTALS if key in changed), changed[0] if changed else "")


def _diff_text(comparison: Diff) -> str:
    title, key = diff_title(comparison), _first_difference(comparison)
    if not comparison.before.source and comparison.after.source:
        return f"{title} is new ({_total_text(comparison.after, 'macs')})"
    if not comparison.after.source and comparison.before.source:
        return f"{title} is gone (it had {_total_text(comparison.before, 'macs')})"
    if not key:
        layers = len(comparison.changes)
        return f"{title}: no total changed" + (f", in {layers:,} layers something else" if layers else "")
    if key not in TOTALS:
        texts = [_other_figure(comparison, key, version) for version in (0, 1)]
        return f"{title}: {parse_quantity(key).label} {texts[0]} → {texts[1]}"
    cause = _cause_phrase(comparison, key)
    return f"{title}: {_change_text(comparison, key)}{f'; {cause}' if cause else ''}"


def _other_figure(comparison: Diff, key: str, version: int) -> str:
    figure = comparison.figures(key)[version]
    if isinstance(figure, QuantityError):
        return "not known"
    value: Dim | Fraction | bool | None = figure.value
    return words.format_figure(value, words.quantity_kind(parse_quantity(key).quantity.key))
