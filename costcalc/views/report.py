"""Report -> its entry of the JSON report: symbols, totals, layers."""

from __future__ import annotations

from typing import Any

from costcalc.core.amount import plain
from costcalc.core.settings import non_defaults
from costcalc.operands import weight_bytes_by_dtype
from costcalc.report import NODE_BY_NODE, Report
from costcalc.rows import Row
from costcalc.training.account import step_of
from costcalc.views.training import training_document


def report_document(report: Report) -> dict[str, Any]:
    """The model's entry of the JSON report: a quantity is an int, or a formula's text while symbols are open."""
    return {
        "name": report.name,
        "source": report.source,
        "symbols": {**dict.fromkeys(report.open_symbols), **{k: plain(v) for k, v in report.bound.items()}},
        "totals": {
            **{name: plain(value) for name, value in report.totals.items()},
            "flops_by_kind": {k: plain(v) for k, v in report.flops_by_kind().items()},
            "flops_by_role": {k: plain(v) for k, v in report.flops_by_role().items()},
            "macs_by_precision": {k: plain(v) for k, v in report.macs_by_precision().items()},
            "weight_bytes_by_dtype": {k: plain(v) for k, v in weight_bytes_by_dtype(report.graph).items()},
        },
        "lower_bound": report.lower_bound,
        "upper_bound": report.upper_bound,
        "unknown_ops": [
            {"op_type": u.op_type, "domain": u.domain, "count": len(u.layers), "layers": list(u.layers)}
            for u in report.unknown
        ],
        "accounted": report.accounted(),
        "assumptions": [str(a) for a in report.assumptions],
        "notes": list(report.notes),
        **({} if report.execution == NODE_BY_NODE else {"execution": non_defaults(report.execution)}),
        **({"training": training_document(step)} if (step := step_of(report)) else {}),
        "layers": [layer_document(row) for row in report.rows],
    }


def layer_document(row: Row) -> dict[str, Any]:
    """The layer's entry of the JSON report."""
    return {
        "name": row.name,
        "op_type": row.op_type,
        "domain": row.domain,
        "scope": list(row.scope),
        "count": plain(row.count),
        "outputs": [
            {
                "name": o.name,
                "dtype": str(o.type.dtype),
                "shape": None if o.type.shape is None else [plain(d) for d in o.type.shape],
            }
            for o in row.outputs
        ],
        "state": row.state,
        **{name: plain(value) for name, value in row.amounts.items()},
    }
