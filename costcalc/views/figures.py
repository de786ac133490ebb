"""A figure of the catalogue -> its text, its plain value for JSON, its amount in a table of numbers.

A bound stays a bound: `≥` stands before a figure that is only known from below, `≤` from above, `≈` before an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from typing import Any

from costcalc.core.amount import LowerBound
from costcalc.core.dim import Dim, format_formula
from costcalc.core.errors import QuantityError
from costcalc.core.quantity import SIGNS, Certainty, Figure, QuantityRef
from costcalc.core.units import format_count, format_digits, format_short, format_si
from costcalc.views.table import Column, FigureCell, Note

UNKNOWN = "–"
"""What stands for a figure that a model does not have."""


def figure_text(ref: QuantityRef, figure: Figure | QuantityError) -> str:
    """`1,234`, `≥ 26.2 µs`, `≈ 7.63 mJ`, `≤ 118`, `yes`; – where the model does not have it."""
    if isinstance(figure, QuantityError):
        return UNKNOWN
    value = figure.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return SIGNS[figure.certainty] + _value_text(ref, value)


def _value_text(ref: QuantityRef, value: Dim | Fraction) -> str:
    if not isinstance(value, Fraction):
        return format_count(value)
    if ref.quantity.unit in ("seconds", "joules"):
        return format_si(value, "s" if ref.quantity.unit == "seconds" else "J")
    return tokens_text(value) if ref.quantity.unit == "per_second" else format_digits(value)


def tokens_text(value: Fraction) -> str:
    """Tokens a second to three digits."""
    return format_short(int(value)) if value >= 100 else f"{float(value):.3g}"


def figure_plain(figure: Figure | QuantityError) -> int | float | bool | str | None:
    """A figure for JSON: an int, a formula's text, a float of a fraction, true or false; null where there is none."""
    if isinstance(figure, QuantityError):
        return None
    value = figure.value
    return float(value) if isinstance(value, Fraction) else value if isinstance(value, int) else format_formula(value)


def figure_amount(ref: QuantityRef, figure: Figure | QuantityError) -> Any:
    """A figure in a column of numbers: an amount where it is counted and is exact or a lower bound, else its text."""
    if isinstance(figure, Figure) and not isinstance(figure.value, (bool, Fraction)):
        if figure.certainty == "exact":
            return figure.value
        if figure.certainty == "lower":
            return LowerBound(figure.value)
    return figure_text(ref, figure)


def figure_cell(ref: QuantityRef, figure: Figure | QuantityError) -> Any:
    """A figure in a column of its own kind: an amount where it is counted, else its text with its plain value; `?`
    for a total of every model that open symbols leave undecided."""
    if isinstance(figure, QuantityError) and ref.quantity.of_every_model:
        return FigureCell("?", None, refusal=str(figure))
    amount = figure_amount(ref, figure)
    if not isinstance(amount, str):
        return amount
    if isinstance(figure, QuantityError):
        return FigureCell(amount, None, refusal=str(figure))
    return FigureCell(amount, figure_plain(figure), figure.certainty)


def basis_suffix(ref: QuantityRef) -> str:
    """A quantity → ` (circuits)` of an energy that was not measured of the whole device, "" of any other: what the
    heading of its row or column adds."""
    if ref.quantity.key != "energy":
        return ""
    catalogue = import_module("costcalc.analysis.hardware.catalogue")  # reads YAML, which most tables do without
    return "" if catalogue.find_profile(ref.device).has_measured_energy else " (circuits)"


def figure_column(ref: QuantityRef, short: bool, value: Callable[[Any], Any]) -> Column:
    """A quantity as a column of a table of models; short rounds counts to three digits, as bytes always are."""
    kind = {"bytes": "bytes", "number": "short" if short else "number"}.get(ref.quantity.unit, "figure")
    return Column(ref.key, TITLES.get(ref.key, ref.title) + basis_suffix(ref), kind, 90, value)


TITLES = {"peak_activation_bytes": "Peak activations"}
"""Where a column stands beside no other that says of what it is."""


def figure_change(ref: QuantityRef, change: Dim | Fraction | None) -> Any:
    """A difference of two figures in a column of changes: the number or formula where it is counted, else its text with
    a sign; "" where a yes or no has none."""
    if isinstance(change, Fraction):
        sign = "-" if change < 0 else "+" if change else ""
        return sign + _value_text(ref, abs(change))
    return "" if change is None and ref.quantity.unit == "boolean" else change


def refusal_texts(figures: Mapping[QuantityRef, Figure | QuantityError]) -> dict[str, str]:
    """Why a model does not have a quantity, by the quantity's key."""
    return {ref.key: str(figure) for ref, figure in figures.items() if isinstance(figure, QuantityError)}


def inexact(certainty: Mapping[str, Certainty]) -> dict[str, Certainty]:
    """The certainty of each quantity -> of those that are not exact."""
    return {key: word for key, word in certainty.items() if word != "exact"}


def inexact_certainty(figures: Mapping[QuantityRef, Figure | QuantityError]) -> dict[str, Certainty]:
    """What is certain of each figure that is not exact, by the quantity's key."""
    certainty = {ref.key: figure.certainty for ref, figure in figures.items() if isinstance(figure, Figure)}
    return inexact(certainty)


def figure_ratios(ref: QuantityRef, row: Sequence[Figure | QuantityError]) -> list[float | None]:
    """Each figure by the first one, where both are numbers as certain as the quantity can be."""

    def number(figure: Figure | QuantityError) -> Fraction | None:
        if isinstance(figure, QuantityError) or figure.certainty != ref.quantity.certainty:
            return None
        value = figure.value
        return Fraction(value) if isinstance(value, (int, Fraction)) and not isinstance(value, bool) else None

    numbers = [number(figure) for figure in row]
    first = numbers[0]
    return [None if n is None or not first else float(n / first) for n in numbers]


def figure_entries(ref: QuantityRef, row: Sequence[Figure | QuantityError]) -> list[dict[str, Any]]:
    """A quantity of each model for JSON; `refused` says why a model does not have it."""
    return [
        {
            "value": figure_plain(figure),
            "lower_bound": isinstance(figure, Figure) and figure.certainty == "lower",
            "ratio": ratio,
            **({"certainty": figure.certainty} if isinstance(figure, Figure) else {"refused": str(figure)}),
        }
        for figure, ratio in zip(row, figure_ratios(ref, row), strict=True)
    ]


def refusal_notes(
    names: Sequence[str], figures: Mapping[QuantityRef, Sequence[Figure | QuantityError]]
) -> tuple[Note, ...]:
    """Which models do not have which quantities, and why: each reason of a model once."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for ref, row in figures.items():
        for name, figure in zip(names, row, strict=True):
            if isinstance(figure, QuantityError):
                reason = str(figure).removeprefix(f"{ref.key}: ")
                reasons.setdefault((name, reason), []).append(ref.key)
    return tuple(
        [Note("No figure", f"{name}: {', '.join(keys)}: {reason}", True) for (name, reason), keys in reasons.items()]
    )
