"""What costcalc knows, as sheets: the built-in models with their costs, and the operators with their state."""

from __future__ import annotations

from costcalc import ops, registry
from costcalc.columns import COLUMNS, Column
from costcalc.footer import Remark
from costcalc.load import builtin_models, load
from costcalc.ops.plugins import load_installed
from costcalc.report import analyze_graph
from costcalc.sheet import Sheet

STATES = ("costed", "free", "shape only", "unknown")


def models() -> Sheet:
    """Each built-in model: name, title, MACs, params, source."""
    shown = (
        Column("name", "Name", "name", 100),
        COLUMNS["macs"],
        COLUMNS["params"],
        Column("source", "Source", "prose", 60),
        Column("title", "Title", "prose", 50),
        Column("aliases", "Also", "text", 40),
    )
    rows = []
    for info in builtin_models():
        report = analyze_graph(load(info.name, dims={}, params={}, shapes={}, values={}, symbolic=False))
        aliases = ", ".join(info.aliases)
        rows.append((info.name, report.totals["macs"], report.totals["params"], info.source, info.title, aliases))
    return Sheet("models", "at their default sizes", shown, tuple(rows))


def operators() -> Sheet:
    """Every operator that has a rule here, and those of ONNX that have none."""
    ops.load()
    load_installed()
    from costcalc.load.onnx_operators import onnx_operators

    known = {*registry.COSTS, *registry.FREE_OPS, *registry.SHAPES, *onnx_operators()}
    rows = [(name, domain or "ai.onnx", registry.state(domain, name)) for domain, name in sorted(known)]
    counts = [sum(state == row[2] for row in rows) for state in STATES]
    summary = ", ".join(f"{n} {state}" for state, n in zip(STATES, counts, strict=True))
    shown = (
        Column("op", "Operator", "name", 100),
        Column("domain", "Domain", "text", 50),
        Column("state", "State", "text", 80),
    )
    return Sheet("operators", "", shown, tuple(rows), remarks=(Remark(f"{len(rows)} operators", summary),))
