"""Reconciliation -> sheets: all counters with their figures; a counter's parts; and its layers.

Reconciliation -> a dictionary for JSON: every counter, its parts and, where asked for, its layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.core.amount import Amount, AtLeast, plain
from costcalc.core.dim import Dim
from costcalc.core.errors import UsageError
from costcalc.core.formula import Factor
from costcalc.core.units import exact, ratio, shape_text
from costcalc.studies.reconcile.account import Account, Part
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.views.explain import names, numbers
from costcalc.views.reconcile_notes import because, perhaps, remarks
from costcalc.views.table import Column, Fact, Remark, Sheet

OWN = {"macs": "costcalc's MACs", "flops": "costcalc's FLOPs"}


def sheets(found: Reconciliation, by: str = "part", inline: bool = True) -> tuple[Sheet, ...]:
    """By tool, the counters; by part, those (where there are several) and each one's parts; by layer, one counter's
    layers. inline gives the working a column of its own, else it stands below (in a table of layers, numbers only).
    UsageError where layers of several counters are asked for."""
    if by == "tool":
        return (overview(found),)
    if by == "layer":
        if len(found.accounts) > 1:
            raise UsageError("layers can be shown for one counter only", "name it: --tool thop")
        return (layers(found, found.accounts[0], inline),)
    every = tuple(parts(found, account, inline) for account in found.accounts)
    return (overview(found), *every) if len(every) > 1 else every


def overview(found: Reconciliation) -> Sheet:
    """A row for each counter: its figure, and by how much that differs from what costcalc counts."""
    seen = any(account.given for account in found.accounts)
    shown = [
        Column("tool", "Counter", "name", 100),
        Column("version", "Version", "text", 20),
        Column("unit", "Unit", "text", 40),
        Column("figure", "Figure", "number", 95),
        Column("difference", "Difference", "number", 80),
        Column("ratio", "Ratio", "ratio", 60),
    ]
    if seen:
        shown += [Column("given", "Seen", "text", 90), Column("unexplained", "Unexplained", "text", 92)]
    rows = []
    for account in found.accounts:
        tool = account.tool
        row: list[Any] = [tool.name, tool.version, tool.unit]
        if account.failed:
            row += [None, None, None]
        else:
            part = ratio(account.figure, account.own)
            more = account.figure - account.own
            row += [_least(found, account.figure), more, None if part is None else float(part)]
        if seen:
            rest = account.unexplained
            row += [account.given.text if account.given else "", "" if rest is None else exact(rest)]
        rows.append(tuple(row))
    return Sheet(
        found.graph.name,
        _inputs(found),
        tuple(shown),
        tuple(rows),
        facts=tuple(_own(found)),
        remarks=(*because(found), *perhaps(found), *remarks(found)),
    )


def _own(found: Reconciliation) -> Iterator[Fact]:
    """What costcalc counts."""
    for basis, label in OWN.items():
        account = next((a for a in found.accounts if a.tool.basis == basis), None)
        if account is not None:
            yield Fact(label, _least(found, account.own), "number")


def _inputs(found: Reconciliation) -> str:
    graph = found.graph
    return ", ".join(f"{n} {shape_text(graph.types[n].shape)} {graph.types[n].dtype}" for n in graph.inputs)


def parts(found: Reconciliation, account: Account, inline: bool = True) -> Sheet:
    """A row for each part of a counter's figure beside what costcalc counts for the same; the sum is the figure."""
    tool = account.tool
    shown = [
        Column("part", "Part", "name", 100),
        Column("amount", tool.name, "number", 95),
        Column("own", OWN[tool.basis], "number", 85),
        Column("difference", "Difference", "number", 80),
        Column("calls", "Calls", "number", 40),
    ]
    figure, own = account.figure, account.own
    calls = sum((line.calls for line in account.lines), 0)
    rows: list[tuple[Any, ...]] = [
        (line.name, line.amount, line.own, line.amount - line.own, line.calls) for line in account.lines
    ]
    total: tuple[Any, ...] = ("Sum", _least(found, figure), _least(found, own), figure - own, calls)
    several = len(found.accounts) > 1
    said = list(remarks(found, account, alone=not several))
    if inline:
        shown.append(Column("working", "Working", "prose", 60))
        rows = [(*row, working(line.terms)) for row, line in zip(rows, account.lines, strict=True)]
        total = (*total, "")
    else:
        said = [*(Remark(line.name, working(line.terms)) for line in account.lines if line.terms), *said]
    title = f"{tool.name} {tool.version}"
    subtitle = tool.unit if several else f"{tool.unit} of {found.graph.name}, {_inputs(found)}"
    return Sheet(title, subtitle, tuple(shown), tuple(rows), total=total, remarks=tuple(said), kind="counter")


def layers(found: Reconciliation, account: Account, inline: bool = True) -> Sheet:
    """A row for each part of each layer that a counter or costcalc counts."""
    text = working if inline else _numbers
    tool, nodes = account.tool, found.graph.nodes
    shown = (
        Column("layer", "Layer", "name", 100),
        Column("part", "Part", "text", 70),
        Column("amount", tool.name, "number", 95),
        Column("own", OWN[tool.basis], "number", 85),
        Column("difference", "Difference", "number", 80),
        Column("working", "Working", "prose", 60),
    )
    rows: list[tuple[Any, ...]] = []
    for item in account.each():
        name = nodes[item.call.nodes[0]].name
        for line in item.lines:
            more = line.amount - line.own
            rows.append((name, line.name, line.amount, line.own, more, text(line.terms)))
    figure, own = account.figure, account.own
    total = ("Sum", "", _least(found, figure), _least(found, own), figure - own, "")
    subtitle = f"{tool.unit} of {found.graph.name}, {_inputs(found)}"
    said = tuple(remarks(found, account, alone=True))
    title = f"{tool.name} {tool.version}"
    return Sheet(title, subtitle, shown, tuple(rows), total=total, remarks=said, kind="counter")


def long(found: Reconciliation) -> Sheet:
    """One table for spreadsheets: a row for each part of each counter."""
    shown = (
        Column("tool", "Counter", "name", 100),
        Column("version", "Version", "text", 20),
        Column("unit", "Unit", "text", 40),
        Column("part", "Part", "text", 100),
        Column("amount", "Amount", "number", 95),
        Column("own", "costcalc", "number", 85),
        Column("difference", "Difference", "number", 80),
        Column("calls", "Calls", "number", 40),
        Column("working", "Working", "prose", 60),
    )
    rows = tuple(
        (
            account.tool.name,
            account.tool.version,
            account.tool.unit,
            line.name,
            line.amount,
            line.own,
            line.amount - line.own,
            line.calls,
            working(line.terms),
        )
        for account in found.accounts
        for line in account.lines
    )
    return Sheet(found.graph.name, _inputs(found), shown, rows)


def _numbers(terms: tuple[Part, ...]) -> str:
    return " + ".join(numbers(term.factors) for term in terms) or "not counted"


def working(terms: tuple[Part, ...]) -> str:
    """The formula with names, and with numbers where they say more than the amount: 4 × #elements = 4 × 3,782,400."""
    if not terms:
        return "not counted"
    left = " + ".join(dict.fromkeys(names(term.factors) for term in terms))
    plain: list[Factor] = [factor for term in terms for factor in term.factors]
    if len(plain) == 1 or len(set(map(_of, terms))) < len(terms):
        return left
    return f"{left} = {' + '.join(numbers(term.factors) for term in terms)}"


def _of(term: Part) -> str:
    return names(term.factors)


def _least(found: Reconciliation, amount: Dim) -> Amount:
    """A lower bound where layers are not known."""
    return AtLeast(amount) if found.unknown else amount


def to_dict(found: Reconciliation, by: str = "part") -> dict[str, Any]:
    """The JSON entry. figure is null where a counter gives none; unexplained only stands where a figure was given."""
    return {
        "name": found.graph.name,
        "source": found.graph.source,
        "symbols": {name: plain(value) for name, value in found.graph.symbols.items()},
        "written": found.writing._asdict(),
        "lower_bound": bool(found.unknown),
        "unknown": list(found.unknown),
        "counters": [_account(found, account, by) for account in found.accounts],
    }


def _account(found: Reconciliation, account: Account, by: str) -> dict[str, Any]:
    tool = account.tool
    entry: dict[str, Any] = {
        "name": tool.name,
        "version": tool.version,
        "unit": tool.unit,
        "figure": None if account.failed else plain(account.figure),
        "failed": account.failed or None,
        "basis": tool.basis,
        "costcalc": plain(account.own),
        "parts": [
            {
                "name": line.name,
                "amount": plain(line.amount),
                "costcalc": plain(line.own),
                "calls": line.calls,
                "working": working(line.terms),
            }
            for line in account.lines
        ],
        "left_out_operations": {name: plain(amount) for name, amount in account.left_out},
        "notes": list(tool.notes),
    }
    if account.given is not None:
        entry |= {"given": account.given.text, "unexplained": plain(account.unexplained), "hints": list(account.hints)}
    if by == "layer":
        entry["layers"] = [
            {
                "layer": found.graph.nodes[item.call.nodes[0]].name,
                "part": line.name,
                "amount": plain(line.amount),
                "costcalc": plain(line.own),
                "working": working(line.terms),
            }
            for item in account.each()
            for line in item.lines
        ]
    return entry
