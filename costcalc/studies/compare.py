"""Several models under the same settings -> their measurements, and their comparison.

A comparison holds each total with its ratio to the first model's, and FLOPs by operator type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from costcalc.analysis.report import Report, report_total
from costcalc.core.amount import Amount, LowerBound, magnitude, sum_amounts
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError, QuantityError, UsageError
from costcalc.core.ir import qualified_name
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.result import Result, short_repr
from costcalc.core.units import ratio
from costcalc.frontends.source import ModelSource, hold_source
from costcalc.studies.diff.definition import operator_kind
from costcalc.studies.measurement import Measurement, measure
from costcalc.studies.options import Settings, drop_unknown_names, refuse_unknown_names

QUANTITIES = ("macs", "flops", "params", "weight_bytes", "activation_bytes", "peak_activation_bytes")


@dataclass(frozen=True, slots=True)
class Comparison(Result):
    """Two or more models; names are the reports' own, or their sources where those are equal. figures are those of
    further quantities, of each model or the refusal where it does not have one."""

    reports: tuple[Report, ...]
    names: tuple[str, ...]
    figures: Mapping[QuantityRef, tuple[Figure | QuantityError, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return short_repr("Comparison of", ", ".join(self.names))

    def totals(self) -> dict[str, tuple[Amount, ...]]:
        """Each quantity of each model; None where open symbols leave the peak undecided. Active parameters stand there
        where a model is a mixture of experts; of the others they are all parameters."""
        keys = list(QUANTITIES)
        if any("active_params" in report.totals for report in self.reports):
            keys.insert(keys.index("params") + 1, "active_params")
        return {key: tuple(report_total(report, _total_key(report, key)) for report in self.reports) for key in keys}

    def by_operator(self) -> dict[str, tuple[Amount, ...]]:
        """FLOPs of each operator type of each model, those that compute nothing left out; the dearest first. Operators
        of joined_operators are one."""
        kinds = {op: kind for kind, operators in self.joined_operators().items() for op in operators}
        flops_by_model = [_flops_by_operator(report, kinds) for report in self.reports]
        ops = dict.fromkeys(op for flops in flops_by_model for op in flops)
        table = {op: tuple(flops.get(op, 0) for flops in flops_by_model) for op in ops}
        nonzero = {op: amounts for op, amounts in table.items() if any(a != 0 for a in amounts)}
        return dict(sorted(nonzero.items(), key=lambda item: max(map(magnitude, item[1])), reverse=True))

    def joined_operators(self) -> dict[str, tuple[str, ...]]:
        """Kind -> the operators that compute the same under several names, where models of different formats have
        different ones: `Conv` -> `Conv`, `tflite:CONV_2D`, `tflite:DEPTHWISE_CONV_2D`."""
        operators_by_kind: dict[str, list[dict[str, str]]] = {}
        for index, report in enumerate(self.reports):
            for key in dict.fromkeys((row.domain, row.op_type) for row in report.rows):
                _, kind = operator_kind(key)
                models = operators_by_kind.setdefault(kind, [{} for _ in self.reports])
                models[index][qualified_name(*key)] = key[0]
        joined: dict[str, tuple[str, ...]] = {}
        for kind, models in operators_by_kind.items():
            found = [operators for operators in models if operators]
            domains = {domain for operators in found for domain in operators.values()}
            if len(domains) > 1 and any(operators != found[0] for operators in found):
                joined[kind] = tuple(dict.fromkeys(op for operators in found for op in operators))
        return joined


def measure_models(
    sources: Sequence[ModelSource | Report],
    settings: Settings,
    strict: bool = False,
    quantities: Iterable[QuantityRef] = (),
) -> tuple[Measurement, ...]:
    """Each model under the settings and what the quantities need. A name that is bound, and generation, hold for the
    models that have it; UsageError where none has. A report's model is not read again, so settings of reading do not
    hold for it."""
    extended = settings.extend_for(quantities)

    def read(source: Any, **reading: Any) -> Measurement:
        return measure(source, extended._replace(**reading), strict)

    measurements, refusals = [], []
    for source in [s if isinstance(s, Report) else hold_source(s) for s in sources]:
        if isinstance(source, Report):
            measurements.append(read(source, **Settings().load_arguments()))
        else:
            measurement, unknown_names = drop_unknown_names(partial(read, source), settings.load_arguments())
            measurements.append(measurement)
            refusals.append(unknown_names)
    refuse_unknown_names(refusals)
    if settings.generation is not None:
        _require_generation(measurements)
    return tuple(measurements)


def _require_generation(measurements: Sequence[Measurement]) -> None:
    """Raises the first model's refusal of generation where none generates."""
    refusals = []
    for measurement in measurements:
        try:
            measurement.require_generation()
        except CostcalcError as error:
            refusals.append(error)
        else:
            return
    if refusals:
        raise refusals[0]


def compare_models(sources: Sequence[ModelSource | Report], settings: Settings, strict: bool = False) -> Comparison:
    """Two or more models side by side under the settings. UsageError where fewer are given, and for a name that is
    bound and that no model has."""
    return compare_measurements(measure_models(sources, settings, strict))


def compare_measurements(measurements: Sequence[Measurement]) -> Comparison:
    """Measured models side by side, with a row for each quantity that their settings ask for, and for what the NPUs of
    their devices leave to the CPU."""
    refs = dict.fromkeys(ref for m in measurements for ref in (*m.settings.quantities(), *m.npu_quantities()))
    figures = {ref: tuple([m.attempt(ref) for m in measurements]) for ref in refs}
    return compare_reports([m.available_report for m in measurements], figures)


def compare_reports(
    reports: Sequence[Report], figures: Mapping[QuantityRef, tuple[Figure | QuantityError, ...]] = {}
) -> Comparison:
    """Reports and the figures of further quantities -> their comparison. UsageError unless there are two or more."""
    if len(reports) < 2:
        raise UsageError("there is nothing to compare with", "name two or more models")
    names = [report.name for report in reports]
    tails = shortest_tails([report.source for report in reports])
    unique = [
        tail if name == report.source or names.count(name) > 1 else name
        for name, tail, report in zip(names, tails, reports, strict=True)
    ]
    numbered = [name if unique.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(unique, 1)]
    return Comparison(tuple(reports), tuple(numbered), figures)


def shortest_tails(paths: Sequence[str]) -> list[str]:
    """Paths -> as many of the last parts of each as tell the different ones apart: `v1/model.onnx`, `v2/model.onnx`."""
    parts = [path.split("/") for path in paths]
    different = len(set(paths))
    for count in range(1, max(map(len, parts))):
        tails = ["/".join(words[-count:]) for words in parts]
        if len(set(tails)) == different:
            return tails
    return list(paths)


def _total_key(report: Report, key: str) -> str:
    """Report and quantity -> the total that it is: without experts a token uses all parameters."""
    return "params" if key == "active_params" and key not in report.totals else key


def amount_ratio(a: Amount, b: Amount) -> float | None:
    """a / b, where both are known and it is a number."""
    if isinstance(a, LowerBound) or isinstance(b, LowerBound):
        return None
    quotient = ratio(a, b)
    return None if quotient is None else float(quotient)


def _flops_by_operator(report: Report, kinds: Mapping[str, str]) -> dict[str, Amount]:
    """A report and the kinds of operators that are taken as one -> FLOPs by kind or operator."""
    flops: dict[str, list[Dim | None]] = {}
    for row in report.rows:
        flops.setdefault(kinds.get(row.operator, row.operator), []).append(row.figures["flops"])
    return {op: sum_amounts(amounts) for op, amounts in flops.items()}
