"""Diff -> one sentence: `MobileNet v1: MACs +12.4 % (569 M → 639 M), params +8.0 % (4.23 M → 4.57 M); 1 layer changed
and 3 follow, first of all conv7 (filters 512 → 640).`"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import QuantityError
from costcalc.core.quantities import TOTALS, parse_quantity
from costcalc.core.quantity import SIGNS, Figure
from costcalc.core.sanitize import printable
from costcalc.core.units import format_bytes, format_exact_share, format_short, format_signed
from costcalc.studies.diff.diff import Diff, LayerChange, total_change
from costcalc.views.diff import DIRECT_STATUSES, changed_quantities, diff_title, relative_change
from costcalc.views.diff_words import describe_change
from costcalc.views.figures import figure_text
from costcalc.views.headline import cut_name, quantity_text

MAIN_QUANTITIES = ("macs", "params")
"""Quantities that the sentence always tells of."""

OTHER_QUANTITIES = ("peak_activation_bytes", "weight_bytes", "flops")
"""Totals of which it tells the first that changed, unless by a formula."""

FOLLOWS = {"flops": "macs", "weight_bytes": "params"}
"""Totals that say nothing new where another changed."""

LONGEST_NAME = 40

LONGEST_CHANGE = 80
"""Signs of what is said of one layer."""

LEAST_SHARE = Fraction(1, 1000)
"""A smaller share is told as the difference itself."""

STATUS_VERBS = {"changed": "changed", "added": "added", "removed": "removed", "follows": "follow", "renamed": "renamed"}


def diff_headline(diff: Diff) -> str:
    """A diff -> the sentence."""
    title = " → ".join(cut_name(printable(name), LONGEST_NAME) for name in diff_title(diff).split(" → "))
    for version, words in ((diff.after, "is no longer there: it took"), (diff.before, "is new: it takes")):
        if not version.source:
            present = diff.before if version is diff.after else diff.after
            macs, params = (present.totals.get(key) for key in MAIN_QUANTITIES)
            return f"{title} {words} {quantity_text('', macs, 'MACs')} and has {format_short(params)} parameters."
    changed = changed_quantities(diff)
    if not changed and not diff.changes:
        n = len(diff.layers)
        return f"{title}: no difference in {n:,} layer{'' if n == 1 else 's'}."
    keys = [key for key in MAIN_QUANTITIES if key in changed]
    others = [
        key
        for key in OTHER_QUANTITIES
        if key in changed and FOLLOWS.get(key) not in changed and not isinstance(total_change(diff, key), Poly)
    ]
    further = [key for key in changed if key not in TOTALS]
    keys += [*others[:1], *further[:1]]
    parts = [_quantity_phrase(diff, key) for key in keys]
    same = [_label(key) for key in MAIN_QUANTITIES if key not in changed]
    if same:
        parts.append(f"{' and '.join(same)} unchanged")
    return f"{title}: {', '.join(parts)}{''.join(_layers_phrase(diff, keys))}."


def _quantity_phrase(diff: Diff, key: str) -> str:
    """`MACs +12.4 % (569 M → 639 M)`; the difference where it is no share; both figures where it is not known."""
    label = _label(key)
    ratio, change = relative_change(diff, key), total_change(diff, key)
    versions = " → ".join(_figure_text(key, figure) for figure in diff.figures(key))
    if ratio is not None and abs(ratio) < LEAST_SHARE and isinstance(change, int):
        return f"{label} {format_signed(change)} ({versions.partition(' → ')[0]} before)"
    if ratio is not None:
        return f"{label} {format_exact_share(ratio, sign=True).replace('%', ' %')} ({versions})"
    if isinstance(change, Poly):
        return f"{label} {cut_name(format_signed(change))}"
    return f"{label} {versions}"


def _label(key: str) -> str:
    """The quantity's label inside a sentence: MACs, params, peak activation bytes."""
    label = parse_quantity(key).label
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _figure_text(key: str, figure: Figure | QuantityError) -> str:
    ref = parse_quantity(key)
    if isinstance(figure, QuantityError) or not isinstance(figure.value, int) or isinstance(figure.value, bool):
        return cut_name(figure_text(ref, figure))
    number = format_bytes(figure.value) if ref.quantity.unit == "bytes" else format_short(figure.value)
    return f"{SIGNS[figure.certainty]}{number}"


def _layers_phrase(diff: Diff, keys: list[str]) -> Iterator[str]:
    """`; 1 layer changed and 3 follow, most of it conv7 (filters 512 → 640)`."""
    counts = Counter(change.status for change in diff.changes)
    verbs = {**STATUS_VERBS, "follows": "follows" if counts["follows"] == 1 else "follow"}
    texts = [f"{counts[status]:,} {verb}" for status, verb in verbs.items() if counts[status]]
    if not texts:
        return
    first, _, rest = texts[0].partition(" ")
    texts[0] = f"{first} {'layer' if first == '1' else 'layers'} {rest}"
    yield f"; {', '.join(texts[:-1])}{' and ' if len(texts) > 1 else ''}{texts[-1]}"
    dearest = _dearest_change(diff, keys[0] if keys else "macs")
    if dearest is not None:
        what = cut_name(printable(describe_change(dearest)), LONGEST_CHANGE)
        is_only = sum(counts[status] for status in DIRECT_STATUSES) == 1
        yield f"{': ' if is_only and len(texts) == 1 else ', first of all '}{cut_name(printable(dearest.name))}"
        yield f" ({what})" if what else ""


def _dearest_change(diff: Diff, key: str) -> LayerChange | None:
    """The layer that was added, removed or changed itself with the largest known difference."""

    def size(change: LayerChange) -> int:
        delta: Dim | None = change.delta(key) if key in change_keys(change) else None
        return abs(delta) if isinstance(delta, int) else -1

    direct = [change for change in diff.changes if change.status in DIRECT_STATUSES]
    return max(direct, key=size, default=None)


def change_keys(change: LayerChange) -> frozenset[str]:
    """The quantities that a layer has."""
    layer = change.after or change.before
    return frozenset(layer.amounts) if layer is not None else frozenset()
