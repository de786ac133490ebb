"""What stands under a table: the totals, what is open, assumed and decided, and what the report accounts for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from costcalc.analysis.report import NODE_BY_NODE, open_peak, report_total
from costcalc.core.amount import LowerBound
from costcalc.core.dim import Dim, symbols
from costcalc.core.elision import list_symbols, natural_key
from costcalc.core.ir import DType
from costcalc.core.quantities import CATALOGUE
from costcalc.core.registry import unknown_reason
from costcalc.core.settings import option_words
from costcalc.core.units import format_bytes, format_count, format_shape, format_short
from costcalc.frontends.symbols import option_name
from costcalc.views import training
from costcalc.views.settings import given_notes, parameters_text
from costcalc.views.table import Note, Total

if TYPE_CHECKING:
    from costcalc.analysis.report import Report

FLOAT32_MODEL_TYPES = frozenset((DType.FLOAT32, DType.INT64, DType.INT32, DType.BOOL, DType.STRING, DType.UNDEFINED))
"""Element types of a model that stores and multiplies float32 only: its other tensors are indices, masks and shapes."""


MAX_SYMBOLS = 12
"""Symbols with their nodes or values that a note lists."""

LACKS = {"rule": "no rule", "shape": "a shape is not known", "figure": "its rule cannot tell"}
"""What an unknown operator lacks -> as text."""


def report_totals(report: Report) -> tuple[Total, ...]:
    """The totals; buffers only where there are some; what training costs last."""
    limits, total_limits = report.symbol_limits, report.total_limits
    totals = [
        Total(
            quantity.label,
            report_total(report, key),
            quantity.kind,
            total_limits.get(key),
            _limits_text(limits, report.totals[key]) if key in total_limits else "",
        )
        for key, quantity in CATALOGUE.items()
        if key in report.totals
        and "training" not in quantity.needs
        and (key != "buffers" or report_total(report, key) != 0)
    ]
    return (*totals, *_training_totals(report))


def _limits_text(limits: Mapping[str, int], total: Dim) -> str:
    """The limits of the symbols that a total depends on: `at most 100 y.trips`."""
    return "at most " + ", ".join(f"{limits[name]:,} {name}" for name in symbols(total) if name in limits)


def _training_totals(report: Report) -> Iterator[Total]:
    step = report.step
    if step is None:
        return
    for key, label, value, kind in training.training_figures(step):
        partly = key and isinstance(report_total(report, key), LowerBound)
        yield Total(label, LowerBound(value) if partly else value, kind)


def report_notes(report: Report) -> tuple[Note, ...]:
    """A report → the notes below its totals."""
    return tuple(_notes(report))


def _notes(report: Report) -> Iterator[Note]:
    roles = {name: value for name, value in report.flops_by_role().items() if value != 0}
    if len(roles) > 1 and all(isinstance(value, int) for value in roles.values()):
        yield Note(
            "Known FLOPs by role" if report.lower_bound else "FLOPs by role",
            ", ".join(f"{name} {format_short(value)}" for name, value in roles.items()),
        )
    yield from _precision_notes(report)
    if report.graph.flat is not None:
        yield from import_module("costcalc.views.flash").file_notes(report.graph.flat)
    yield from reading_notes(report)
    yield from _open_notes(report)
    if "peak_activation_bytes" not in report.totals:
        yield Note("Peak", f"{open_peak(report)[0]}: bind them")
    if legend := symbol_legend(report):
        yield Note("Symbols", list_symbols([f"{name} of {node}" for name, node in legend.items()], MAX_SYMBOLS))
    for assumption in report.assumptions:
        yield Note("Assumed", assumption.format())
    for note in report.notes:
        yield Note("Note", note)
    if report.execution != NODE_BY_NODE:
        yield Note("Execution", f"{', '.join(option_words(report.execution))} (of the peak and the arena)")
    step = report.step
    if step is not None:
        yield Note("Training", training.training_text(step))
        for name in step.without_rule[:3]:
            yield Note("No gradient", f"{name}: no rule for its operator's gradient", True)
    yield Note("Accounted for", accounting_text(report))
    for unknown in report.unknown:
        names_text = ", ".join(unknown.layers[:3]) + (", …" if len(unknown.layers) > 3 else "")
        reason = unknown_reason(unknown.domain, unknown.op_type) or LACKS[unknown.lack]
        yield Note("Unknown", f"{unknown.operator} × {len(unknown.layers)} ({names_text}): {reason}", True)
    if report.unknown:
        yield Note("", "totals marked ≥ are lower bounds", True)
    if report.upper_bound:
        names = report.open_branches
        names_text = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        yield Note("", f"totals are upper bounds: which branch is taken is open ({names_text})", True)


def reading_notes(report: Report) -> Iterator[Note]:
    """A report → the notes of what was given for its reading: bound symbols, and every other setting."""
    bindings = [f"{name} = {format_count(value)}" for name, value in report.bound_symbols.items()]
    unnoted_bindings = [text for text in bindings if not any(note.startswith(text) for note in report.notes)]
    if unnoted_bindings:
        yield Note("Sizes", list_symbols(unnoted_bindings, MAX_SYMBOLS))
    yield from given_notes(report.graph)


def symbol_legend(report: Report) -> dict[str, str]:
    """A report → by each symbol of an extent that depends on data, its node: `boxes` → `NonMaxSuppression_12`; of those
    that totals or shapes still have, or that are bound."""
    nodes = report.graph.data_symbols
    if not nodes:
        return {}
    names = dict.fromkeys((*report.open_symbols, *report.bound_symbols))
    return {name: nodes[name] for name in names if name in nodes}


def _open_notes(report: Report) -> Iterator[Note]:
    """A report → notes of its open symbols: those that the work depends on, then those of bytes only or of no total."""
    totals = report.totals
    work = symbols(*(totals[key] for key in ("macs", "flops", "params", "buffers", "weight_bytes")))
    bytes_only = [name for name in symbols(*totals.values()) if name not in work]
    without_total = [name for name in report.open_symbols if name not in work and name not in bytes_only]
    names = list(work) or bytes_only
    if names:
        names = sorted(names, key=natural_key)
        upper = ", or take the upper bounds with --upper" if report.symbol_limits else ""
        yield Note(
            "Open",
            f"{list_symbols(names)} (bind with --dim {option_name(names[0], report.graph.data_symbols)}=…{upper})",
        )
    for group, totals_text in (
        (bytes_only if work else [], "bytes of activations and traffic, no other total"),
        (without_total, "no total"),
    ):
        if group:
            yield Note("Note", f"{list_symbols(group)} {'changes' if len(group) == 1 else 'change'} {totals_text}")


def _precision_notes(report: Report) -> Iterator[Note]:
    """A report → notes of the types that weights are stored and multiplied in, where they are others than float32."""
    if report.element_types <= FLOAT32_MODEL_TYPES and not report.graph.stored_formats:
        return
    weight_bytes = report.weight_bytes_by_dtype()
    if weight_bytes.keys() - {"float32"}:
        yield Note("Weights by type", ", ".join(f"{name} {format_bytes(size)}" for name, size in weight_bytes.items()))
    macs_by_precision = report.macs_by_precision()
    if macs_by_precision.keys() - {"fp32"}:
        yield Note(
            "MACs by precision", ", ".join(f"{name} {format_short(macs)}" for name, macs in macs_by_precision.items())
        )


def accounting_text(report: Report) -> str:
    """How many layers a rule costs, what is free and how much is unknown; constants are no layers."""
    counts = report.count_states()
    n = len(report.rows) - counts["constant"]
    constant = f"; {counts['constant']:,} constant{_operators_text(report, 'constant')}" if counts["constant"] else ""
    return (
        f"{n:,} {'layer' if n == 1 else 'layers'}: {counts['costed']:,} by rule, "
        f"{counts['free']:,} free{_operators_text(report, 'free')}, {counts['unknown']:,} unknown{constant}"
    )


def _operators_text(report: Report, state: str) -> str:
    """A report and a state → the operators of its rows in it: ` (Split × 12, Gather × 1)`."""
    counts = Counter(row.operator for row in report.rows if row.state == state)
    return f" ({', '.join(f'{op} × {n}' for op, n in counts.most_common())})" if counts else ""


def subtitle_text(report: Report) -> str:
    """What tells a report from another one of the same model: the parameters that were set, and its inputs:
    `alpha = 0.25, x 1×3×224×224 float32`."""
    return ", ".join(filter(None, (parameters_text(report.graph), inputs_text(report))))


def inputs_text(report: Report) -> str:
    """The graph's inputs: `x 1×3×224×224 float32`."""
    return ", ".join(f"{name} {format_shape(kind.shape)} {kind.dtype}" for name, kind in report.inputs)
