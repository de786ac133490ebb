"""Reports side by side: each total with its ratio to the first model's, and FLOPs by operator type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from costcalc import columns
from costcalc.columns import Amount, AtLeast, Column
from costcalc.core.quantities import CATALOGUE, Figure, QuantityRef
from costcalc.dim import Dim
from costcalc.errors import QuantityError, UsageError
from costcalc.footer import Remark, accounting, remarks, total
from costcalc.report import Report
from costcalc.rows import plain
from costcalc.sheet import Sheet
from costcalc.shown import Shown
from costcalc.units import ratio
from costcalc.values import magnitude
from costcalc.views.figures import figure_amount, figure_entries, figure_ratios, refusal_remarks

QUANTITIES = ("macs", "flops", "params", "weight_bytes", "activation_bytes", "peak_activation_bytes")

SHOWN = ("Bound", "Open", "Peak", "Execution", "Training", "Assumed", "Note", "Unknown", "")
"""The remarks of a report that a comparison repeats, in this order."""


@dataclass(frozen=True, slots=True)
class Comparison(Shown):
    """Two or more models; names are the reports' own, or their sources where those are equal. figures are those of
    further quantities, of each model or the refusal where it does not have one."""

    reports: tuple[Report, ...]
    names: tuple[str, ...]
    figures: Mapping[QuantityRef, tuple[Figure | QuantityError, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.names)}>"

    def totals(self) -> dict[str, tuple[Amount, ...]]:
        """Each quantity of each model."""
        return {key: tuple(total(report, key) for report in self.reports) for key in QUANTITIES}

    def by_operator(self) -> dict[str, tuple[Amount, ...]]:
        """FLOPs of each operator type of each model, those that compute nothing left out; the dearest first."""
        sums = [_flops(report) for report in self.reports]
        ops = dict.fromkeys(op for found in sums for op in found)
        table = {op: tuple(found.get(op, 0) for found in sums) for op in ops}
        used = {op: amounts for op, amounts in table.items() if any(a != 0 for a in amounts)}
        return dict(sorted(used.items(), key=lambda item: max(map(magnitude, item[1])), reverse=True))

    def to_dict(self) -> dict[str, Any]:
        """The comparison's entry of the JSON report: ratios to the first model, null where they are no number."""
        return {
            "names": list(self.names),
            "totals": {
                **_plain(self.totals()),
                **{ref.key: figure_entries(ref, row) for ref, row in self.figures.items()},
            },
            "flops_by_op": _plain(self.by_operator()),
        }

    def sheets(self) -> tuple[Sheet, Sheet]:
        """The totals; and FLOPs by operator type."""
        table: dict[str, tuple[Any, ...]] = {CATALOGUE[key].label: row for key, row in self.totals().items()}
        table |= {ref.label: tuple([figure_amount(ref, f) for f in row]) for ref, row in self.figures.items()}
        return (
            self._sheet(
                "Totals", "", table, ratios={ref.label: figure_ratios(ref, row) for ref, row in self.figures.items()}
            ),
            self._sheet("FLOPs by operator", "2 × MACs + elementwise operations", self.by_operator(), self.remarks()),
        )

    def remarks(self) -> tuple[Remark, ...]:
        """What is bound, open, assumed, noted and unknown: once where it holds for all models, else with the model's
        name before it; and how each model is accounted for."""
        said: dict[Remark, list[str]] = {}
        for name, report in zip(self.names, self.reports, strict=True):
            for remark in remarks(report):
                if remark.label in SHOWN:
                    said.setdefault(remark, []).append(name)
        everywhere = len(self.reports)
        found = [
            remark if len(names) == everywhere else remark._replace(text=f"{', '.join(names)}: {remark.text}")
            for remark, names in said.items()
        ]
        found.sort(key=lambda remark: SHOWN.index(remark.label))
        counted = [
            Remark(name, accounting(report), report.lower_bound)
            for name, report in zip(self.names, self.reports, strict=True)
        ]
        return (*found, *refusal_remarks(self.names, self.figures), *counted)

    def _sheet(
        self,
        title: str,
        subtitle: str,
        table: Mapping[str, Sequence[Any]],
        remarks: tuple[Remark, ...] = (),
        ratios: Mapping[str, Sequence[float | None]] = {},
    ) -> Sheet:
        shown = [Column("figure", "", "name", 100), Column(self.names[0], self.names[0], "number", 90)]
        for name in self.names[1:]:
            shown += [Column(name, name, "number", 90), Column(f"{name} ratio", "ratio", "ratio", 90)]
        rows = []
        for label, amounts in table.items():
            cells: list[Any] = [label, amounts[0]]
            known = ratios.get(label) or [amount_ratio(amount, amounts[0]) for amount in amounts]
            for amount, times in zip(amounts[1:], known[1:], strict=True):
                cells += [amount, times]
            rows.append(tuple(cells))
        groups = ((1,), *((i, i + 1) for i in range(2, len(shown), 2)))
        return Sheet(title, subtitle, tuple(shown), tuple(rows), remarks=remarks, groups=groups, kind="table")


def compare_reports(
    reports: Sequence[Report], figures: Mapping[QuantityRef, tuple[Figure | QuantityError, ...]] = {}
) -> Comparison:
    """Reports and the figures of further quantities -> their comparison. UsageError unless there are two or more."""
    if len(reports) < 2:
        raise UsageError("there is nothing to compare with", "name two or more models")
    names = [report.name for report in reports]
    unique = [name if names.count(name) == 1 else report.source for name, report in zip(names, reports, strict=True)]
    numbered = [name if unique.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(unique, 1)]
    return Comparison(tuple(reports), tuple(numbered), figures)


def amount_ratio(a: Amount, b: Amount) -> float | None:
    """a / b, where both are known and it is a number."""
    if isinstance(a, AtLeast) or isinstance(b, AtLeast):
        return None
    found = ratio(a, b)
    return None if found is None else float(found)


def _flops(report: Report) -> dict[str, Amount]:
    found: dict[str, list[Dim | None]] = {}
    for row in report.rows:
        found.setdefault(columns.qualified(row), []).append(row.amounts["flops"])
    return {op: columns.add(amounts) for op, amounts in found.items()}


def _plain(table: Mapping[str, Sequence[Amount]]) -> dict[str, Any]:
    return {
        key: [
            {
                "value": plain(a.value if isinstance(a, AtLeast) else a),
                "lower_bound": isinstance(a, AtLeast) or a is None,
                "ratio": amount_ratio(a, amounts[0]),
            }
            for a in amounts
        ]
        for key, amounts in table.items()
    }
