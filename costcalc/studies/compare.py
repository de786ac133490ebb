"""Reports side by side: each total with its ratio to the first model's, and FLOPs by operator type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from costcalc.analysis.report import Report, total
from costcalc.core.amount import Amount, AtLeast, add, magnitude
from costcalc.core.dim import Dim
from costcalc.core.errors import QuantityError, UsageError
from costcalc.core.quantities import Figure, QuantityRef
from costcalc.core.result import Result
from costcalc.core.units import ratio

QUANTITIES = ("macs", "flops", "params", "weight_bytes", "activation_bytes", "peak_activation_bytes")


@dataclass(frozen=True, slots=True)
class Comparison(Result):
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
        found.setdefault(row.operator, []).append(row.amounts["flops"])
    return {op: add(amounts) for op, amounts in found.items()}
