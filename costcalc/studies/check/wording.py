"""Figures of verdicts → words. Two figures that differ never read as equal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from costcalc.core.dim import Dim, bounds
from costcalc.core.elision import list_first
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import Certainty
from costcalc.core.units import WORTH_NAMING, format_count, format_digits, format_exact_share, format_si
from costcalc.studies.check.verdict import Amount, CheckResult, SourcePlace, Verdict

EXACT = ("count", "bytes")
"""Kinds of figures that are whole numbers or formulas, which are written out in full."""

BOUNDS = ("lower", "upper")
"""Certainties of figures that are bounds: what is left to a limit is at most what they say."""

MAX_FORMULA = 200
"""Characters of a formula that a sentence holds."""

MOST = Fraction(1, 2)
"""The share above which a layer has most of a sum."""

MAX_DIGITS = 60
"""Digits that are added at most to tell two figures apart."""


def quantity_kind(quantity: str) -> str:
    """The kind of a quantity's figures: count, or its unit in the catalogue."""
    unit = CATALOGUE[quantity].unit if quantity in CATALOGUE else "number"
    return "count" if unit == "number" else unit


REMARKS: dict[tuple[Certainty, str], str] = {
    ("lower", "exceeded"): "already the lower bound is above",
    ("lower", "kept"): "a lower bound; the device may be slower",
    ("upper", "exceeded"): "already the upper bound is below",
    ("upper", "kept"): "an upper bound; the device may be slower",
    ("estimate", "exceeded"): "an estimate from a measured figure",
    ("estimate", "kept"): "an estimate from a measured figure",
}
"""What a verdict says of a quantity that is no exact one, by its certainty and the outcome."""

UNITS = {"seconds": "s", "joules": "J"}
"""Kinds of figures that are printed with a prefix before their unit."""

UNIT_SUFFIXES = {"flop_per_byte": "FLOP/byte", "per_second": "tokens/s"}
"""Kinds of figures that are plain numbers before their unit."""

BLAME_PHRASES = {
    "CC007": "the largest output that is then alive is of",
    "CC009": "longest takes",
    "CC013": "where activations peak, the largest output is of",
    "CC010": "the first too many is",
    "CC017": "the largest part is of",
    "CC031": "the largest buffer at its peak is of",
    "CC032": "the largest weights are of",
    "CC042": "the first is",
    "CC043": "the first is",
}
"""How the layer is told that a broken limit points at, where it is not the one with the largest part of a sum."""


def format_symbols(names: Sequence[str]) -> str:
    """Names of symbols, of many the first four and how many more there are: boxes, nonzero, seq, n and 176 more."""
    more = f" and {len(names) - 4} more" if len(names) > 5 else ""
    return ", ".join(names[:4] if more else names) + more


def format_figure(value: Any, kind: str, extra_digits: int = 0) -> str:
    """1,234,567; 1,234 bytes; 2.10 ms; 0.94 mJ; 48.1 tokens/s; 30.0%; yes; ? where it is not known."""
    if value is None:
        return "?"
    if kind == "boolean":
        return "yes" if value else "no"
    if kind in UNITS or kind in UNIT_SUFFIXES:
        size, sign = Fraction(abs(value)), "-" if value < 0 else ""
        return sign + (
            format_si(size, UNITS[kind], extra_digits)
            if kind in UNITS
            else f"{format_digits(size, extra_digits)} {UNIT_SUFFIXES[kind]}"
        )
    if kind == "share":
        return format_exact_share(Fraction(value), extra_digits)
    text = format_count(value)
    return f"{text} {'byte' if value == 1 else 'bytes'}" if kind == "bytes" else text


def format_pair(value: Any, limit: Any, kind: str) -> tuple[str, str]:
    """Both figures, with as many digits as tell them apart; counts and formulas are exact as they are."""
    if kind in EXACT:
        return format_figure(value, kind), format_figure(limit, kind)
    for extra_digits in range(MAX_DIGITS):
        texts = format_figure(value, kind, extra_digits), format_figure(limit, kind, extra_digits)
        if texts[0] != texts[1] or value == limit or None in (value, limit):
            return texts
    return str(value), str(limit)


def format_difference(value: Any, kind: str) -> str:
    """The distance of two figures, never nothing where there is some."""
    if kind in EXACT:
        return format_figure(value, kind)
    for extra_digits in range(MAX_DIGITS):
        text = format_figure(value, kind, extra_digits)
        if not value or any(c in "123456789" for c in text):
            return text
    return str(value)


def format_relative(part: Any, whole: Any) -> str:
    """` (+2.3%)`, or "" where that is no number."""
    if not isinstance(part, (int, Fraction)) or not isinstance(whole, (int, Fraction)) or not whole:
        return ""
    return f" ({format_exact_share(Fraction(part) / Fraction(whole), sign=True)})"


def format_place(place: SourcePlace | None) -> str:
    """file:line:column, without what is not known."""
    if place is None:
        return ""
    return ":".join([place.file, *(str(n) for n in (place.line, place.column) if n)]) if place.line else place.file


def format_settings(settings: Mapping[str, object]) -> str:
    """Settings by name → `dims N=8, dtype=int8, training`; what is set within a group or by name stands behind it."""
    texts = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            texts.append(" ".join([name, *(f"{key}={_setting_text(inner)}" for key, inner in value.items())]))
        else:
            texts.append(name if value is True else f"{name}={_setting_text(value)}")
    return ", ".join(texts) or "none"


def _setting_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def describe_unheld(count: int) -> str:
    """How many limits of growth hold nothing, for the baseline does not have their models → words; "" for none."""
    if not count:
        return ""
    limits = "1 limit of growth holds" if count == 1 else f"{count:,} limits of growth hold"
    return f"{limits} nothing yet, for there is no figure to grow from"


MAX_NAMED = 3
"""Models that a line names which tells a cause that several share; more are counted."""


def unknown_reasons(result: CheckResult, brief: bool = False) -> list[str]:
    """A result -> why it is `unknown`: a line for each cause, with how many limits it leaves open, or which models it
    keeps from being read; brief says of a limit or model that has a cause alone which it is, without the cause."""
    return [*_unread_reasons(result, brief), *_open_limit_reasons(result, brief)]


def _unread_reasons(result: CheckResult, brief: bool) -> Iterator[str]:
    places_by_error: dict[str, dict[str, None]] = {}
    for model in result.models:
        if model.error:
            places_by_error.setdefault(model.error, {})[format_place(model.place) or model.title] = None
    for error, places in places_by_error.items():
        told = "cannot be read" if brief and len(places) == 1 else error
        yield f"{list_first(list(places), MAX_NAMED)}: {told}"


def _open_limit_reasons(result: CheckResult, brief: bool) -> Iterator[str]:
    groups: dict[tuple[str, str, str], list[tuple[str, Verdict]]] = {}
    for model in result.models:
        for verdict in model.verdicts:
            if verdict.outcome == "unknown":
                fact = verdict.fact.removeprefix(f"{verdict.quantity}: ")
                key = verdict.code, fact.partition("cannot be told: ")[2] or fact, verdict.remedy
                groups.setdefault(key, []).append((model.title, verdict))
    for (_, cause, remedy), members in groups.items():
        title, verdict = members[0]
        if len(members) == 1:
            fact = verdict.fact.removeprefix(f"{verdict.quantity}: ")
            yield f"{title}: {verdict.quantity}: {'cannot be told' if brief else _join(fact, remedy)}"
        else:
            titles = list(dict.fromkeys(title for title, _ in members))
            subject = f"{len(members):,} limits of {list_first(titles, MAX_NAMED)}"
            yield f"{subject} cannot be told: {_join(cause, remedy)}"


def _join(fact: str, remedy: str) -> str:
    return f"{fact}; {remedy}" if remedy else fact


REPLACED = ("CC010", "CC042", "CC043")
"""Codes of limits that a layer breaks by what it is, not by its size."""

SPREAD_ACTION = "make the whole network smaller (`costcalc suggest` shows rewrites)"
"""What helps where no layer has a large part of what exceeds."""


SUMS = ("CC009", "CC032")
"""Codes of limits on sums over layers that tell the layer in words of their own."""


def is_spread(verdict: Verdict) -> bool:
    """Whether what exceeds is spread over layers of which none has a part worth naming."""
    has_parts = verdict.layer_count > 1 or verdict.code in SUMS
    is_small = verdict.share is not None and verdict.share < WORTH_NAMING
    return is_small and has_parts and verdict.layer_growth is None and not verdict.other_layers


def describe_remedy(verdict: Verdict, other_revision: bool = False) -> str:
    """What to do about an exceeded limit: the layer and its line, the whole network where the cost is spread over many
    layers, or the limit and its line. other_revision says that
    the baseline is another revision's, which no `costcalc lock` here changes."""
    layer_action = "replace {}" if verdict.code in REPLACED else "make {} cheaper"
    layer_phrase = f"{layer_action.format(verdict.layer)}{place_phrase(verdict.place)}" if verdict.layer else ""
    layer_phrase = SPREAD_ACTION if is_spread(verdict) else layer_phrase
    if verdict.code.startswith("CC2") and not other_revision:
        alternative = "where the growth is meant, run `costcalc lock`"
    else:
        limit = format_place(verdict.limit_place)
        limit_action = "lower the limit" if verdict.minimum else "raise the limit"
        limit_action = "name another device, or take it out" if verdict.kind == "boolean" else limit_action
        alternative = f"{limit_action} at {limit}" if limit else limit_action
    return f"{layer_phrase}, or {alternative}" if layer_phrase else alternative


def place_phrase(place: SourcePlace | None) -> str:
    """` at net.yaml:12:5`, or "" where there is no line."""
    return f" at {format_place(place)}" if place is not None else ""


def describe_blame(verdict: Verdict) -> str:
    """The layer to look at in words: `block3/conv takes 45.1%`, `block3/conv grew from 100 to 200 (+100)`."""
    if not verdict.layer:
        return ""
    if verdict.layer_growth is None:
        return _describe_part(verdict)
    _, before, after, follower, follower_growth = verdict.layer_growth
    rise: Dim = after - before
    follower_phrase = f", and {follower} follows with +{format_count(follower_growth)}" if follower else ""
    if before == 0:
        return f"{verdict.layer} is new and takes {format_count(after)}{follower_phrase}"
    verb_phrase = "was changed and grew" if follower else "grew most,"
    size = f"(+{format_count(rise)}{format_growth_share(rise, before)})"
    return f"{verdict.layer} {verb_phrase} from {format_count(before)} to {format_count(after)} {size}{follower_phrase}"


def _describe_part(verdict: Verdict) -> str:
    """The layer with the largest part of what exceeds, or the first of several: `most is in conv1 (71.3%)`."""
    others, share, phrase = verdict.other_layers, verdict.share, BLAME_PHRASES.get(verdict.code)
    share_text = "" if share is None else format_exact_share(share)
    if phrase is None and is_spread(verdict):
        return f"it is spread over {verdict.layer_count:,} layers, at most {share_text} in one, {verdict.layer}"
    if phrase is None:
        phrase = "most is in" if share is None or share > MOST else "the largest part is in"
    further = f", and {others:,} more {'layer is' if others == 1 else 'layers are'} above it" if others else ""
    return f"{phrase} {verdict.layer}{f' ({share_text})' if share_text else ''}{further}"


def format_growth_share(part: Dim, whole: Dim) -> str:
    """`, +100.0%`."""
    text = format_relative(part, whole)
    return f", {text[2:-1]}" if text else ""


def format_headroom(value: Amount, limit: Amount, kind: str, is_bound: bool = False, minimum: bool = False) -> str:
    """`31,259,648 left (5.2%)`, `exceeded by 1 (<0.1%)`; of shares `exceeded by 4.2 points`; of a limit that is the
    least, `missed by 2.10 tokens/s (4.2%)`. is_bound says that the value is one: exceeded by at least, at most so much
    left. Of a formula the figure of its worst case, where that is finite: `at least 1,024 left (10.0%), the worst
    case`. "" of what is no number."""
    if value is None or limit is None or kind == "boolean":
        return ""
    gap: Any = limit - value  # type: ignore[operator]
    gap = -gap if minimum else gap
    is_exceeded = gap < 0 if isinstance(gap, (int, Fraction)) else bounds(gap)[1] < 0
    size_value = -gap if is_exceeded else gap
    size, case_text = format_difference(size_value, kind), ""
    is_formula = not isinstance(size_value, (int, Fraction))
    if is_formula and not is_exceeded and math.isfinite(least := bounds(size_value)[0]):
        size, size_value, case_text = f"at least {format_figure(least, kind)}", least, ", the worst case"
    elif len(size) > MAX_FORMULA and not is_bound:
        size = f"at least {format_figure(bounds(size_value)[0], kind)}"
    share_text = format_relative(size_value, limit).replace("(+", "(")
    if kind == "share":
        size, share_text = f"{size.removesuffix('%')} points", ""
    verb = "missed" if minimum else "exceeded"
    return (
        f"{verb} by {'at least ' if is_bound else ''}{size}{share_text}"
        if is_exceeded
        else f"{'at most ' if is_bound else ''}{size} left{share_text}{case_text}"
    )
