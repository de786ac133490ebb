"""Reconciliation to tables (all counters; the terms of one counter; its layers) and to its JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.core.amount import Amount, LowerBound, json_amount
from costcalc.core.dim import Dim
from costcalc.core.errors import UsageError
from costcalc.core.formula import Factor
from costcalc.core.units import format_count, format_shape, ratio
from costcalc.studies.reconcile.account import Account, Term
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.views.explain import factor_names, factor_values
from costcalc.views.reconcile_notes import difference_notes, hint_notes, reconcile_notes
from costcalc.views.settings import settings_document
from costcalc.views.table import Column, Note, Table, Total

COSTCALC_LABELS = {"macs": "costcalc's MACs", "flops": "costcalc's FLOPs"}


def reconciliation_tables(result: Reconciliation, by: str = "part", inline: bool = True) -> tuple[Table, ...]:
    """Reconciliation -> its tables: by tool, that of the counters; by part, that (of several counters) and each one's
    terms; by layer, one counter's layers. inline gives the working a column of its own, else it stands below (in a
    table of layers, numbers only). UsageError where layers of several counters are asked for."""
    if by == "tool":
        return (counter_table(result),)
    if by == "layer":
        if len(result.accounts) > 1:
            raise UsageError("layers can be shown for one counter only", "name it: --tool thop")
        return (layer_table(result, result.accounts[0], inline),)
    counter_tables = tuple(term_table(result, account, inline) for account in result.accounts)
    return (counter_table(result), *counter_tables) if len(counter_tables) > 1 else counter_tables


def counter_table(result: Reconciliation) -> Table:
    """A row for each counter: its figure, and its difference from what costcalc counts."""
    has_published = any(account.published for account in result.accounts)
    columns = [
        Column("tool", "Counter", "name", 100),
        Column("version", "Version", "text", 20),
        Column("unit", "Unit", "text", 40),
        Column("figure", "Figure", "number", 95),
        Column("difference", "Difference", "number", 80),
        Column("ratio", "Ratio", "ratio", 60),
    ]
    if has_published:
        columns += [Column("given", "Seen", "text", 90), Column("unexplained", "Unexplained", "text", 92)]
    rows = []
    for account in result.accounts:
        counter = account.counter
        row: list[Any] = [counter.name, counter.version, counter.unit]
        if account.failure:
            row += [None, None, None]
        else:
            quotient = ratio(account.figure, account.costcalc)
            difference = account.figure - account.costcalc
            row += [_lower_bound(result, account.figure), difference, None if quotient is None else float(quotient)]
        if has_published:
            unexplained = account.residual
            row += [
                account.published.text if account.published else "",
                "" if unexplained is None else format_count(unexplained),
            ]
        rows.append(tuple(row))
    return Table(
        result.graph.name,
        _input_text(result),
        tuple(columns),
        tuple(rows),
        totals=tuple(_costcalc_totals(result)),
        notes=(*difference_notes(result), *hint_notes(result), *reconcile_notes(result)),
    )


def _costcalc_totals(result: Reconciliation) -> Iterator[Total]:
    """costcalc's MACs and FLOPs, each where a counter is compared with it."""
    for basis, label in COSTCALC_LABELS.items():
        account = next((a for a in result.accounts if a.counter.basis == basis), None)
        if account is not None:
            yield Total(label, _lower_bound(result, account.costcalc), "number")


def _input_text(result: Reconciliation) -> str:
    graph = result.graph
    return ", ".join(f"{n} {format_shape(graph.types[n].shape)} {graph.types[n].dtype}" for n in graph.inputs)


def term_table(result: Reconciliation, account: Account, inline: bool = True) -> Table:
    """A row for each term of a counter's figure beside what costcalc counts for the same; the sum is the figure."""
    counter = account.counter
    columns = [
        Column("part", "Part", "name", 100),
        Column("amount", counter.name, "number", 95),
        Column("own", COSTCALC_LABELS[counter.basis], "number", 85),
        Column("difference", "Difference", "number", 80),
        Column("calls", "Calls", "number", 40),
    ]
    figure, costcalc_figure = account.figure, account.costcalc
    calls = sum((line.calls for line in account.lines), 0)
    rows: list[tuple[Any, ...]] = [
        (line.name, line.amount, line.costcalc, line.amount - line.costcalc, line.calls) for line in account.lines
    ]
    total: tuple[Any, ...] = (
        "Sum",
        _lower_bound(result, figure),
        _lower_bound(result, costcalc_figure),
        figure - costcalc_figure,
        calls,
    )
    several = len(result.accounts) > 1
    notes = list(reconcile_notes(result, account, alone=not several))
    if inline:
        columns.append(Column("working", "Working", "prose", 60))
        rows = [(*row, working_text(line.terms)) for row, line in zip(rows, account.lines, strict=True)]
        total = (*total, "")
    else:
        notes = [*(Note(line.name, working_text(line.terms)) for line in account.lines if line.terms), *notes]
    title = f"{counter.name} {counter.version}"
    subtitle = counter.unit if several else f"{counter.unit} of {result.graph.name}, {_input_text(result)}"
    return Table(title, subtitle, tuple(columns), tuple(rows), total_row=total, notes=tuple(notes), kind="counter")


def layer_table(result: Reconciliation, account: Account, inline: bool = True) -> Table:
    """A row for each term of each layer that a counter or costcalc counts."""
    text = working_text if inline else _number_text
    counter, nodes = account.counter, result.graph.nodes
    columns = (
        Column("layer", "Layer", "name", 100),
        Column("part", "Part", "text", 70),
        Column("amount", counter.name, "number", 95),
        Column("own", COSTCALC_LABELS[counter.basis], "number", 85),
        Column("difference", "Difference", "number", 80),
        Column("working", "Working", "prose", 60),
    )
    rows: list[tuple[Any, ...]] = []
    for item in account.call_lines():
        name = nodes[item.call.nodes[0]].name
        for line in item.lines:
            difference = line.amount - line.costcalc
            rows.append((name, line.name, line.amount, line.costcalc, difference, text(line.terms)))
    figure, costcalc_figure = account.figure, account.costcalc
    total = (
        "Sum",
        "",
        _lower_bound(result, figure),
        _lower_bound(result, costcalc_figure),
        figure - costcalc_figure,
        "",
    )
    subtitle = f"{counter.unit} of {result.graph.name}, {_input_text(result)}"
    notes = tuple(reconcile_notes(result, account, alone=True))
    title = f"{counter.name} {counter.version}"
    return Table(title, subtitle, columns, tuple(rows), total_row=total, notes=notes, kind="counter")


def flat_table(result: Reconciliation) -> Table:
    """One table for spreadsheets: a row for each term of each counter."""
    columns = (
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
            account.counter.name,
            account.counter.version,
            account.counter.unit,
            line.name,
            line.amount,
            line.costcalc,
            line.amount - line.costcalc,
            line.calls,
            working_text(line.terms),
        )
        for account in result.accounts
        for line in account.lines
    )
    return Table(result.graph.name, _input_text(result), columns, rows)


def _number_text(terms: tuple[Term, ...]) -> str:
    return " + ".join(factor_values(term.factors) for term in terms) or "not counted"


def working_text(terms: tuple[Term, ...]) -> str:
    """Terms -> their formula with names, and with numbers where they say more than the amount:
    `4 × #elements = 4 × 3,782,400`."""
    if not terms:
        return "not counted"
    formula = " + ".join(dict.fromkeys(factor_names(term.factors) for term in terms))
    factors: list[Factor] = [factor for term in terms for factor in term.factors]
    if len(factors) == 1 or len(set(map(_term_names, terms))) < len(terms):
        return formula
    return f"{formula} = {' + '.join(factor_values(term.factors) for term in terms)}"


def _term_names(term: Term) -> str:
    return factor_names(term.factors)


def _lower_bound(result: Reconciliation, amount: Dim) -> Amount:
    """The amount; a lower bound where layers are unknown."""
    return LowerBound(amount) if result.unknown else amount


def reconciliation_document(result: Reconciliation, by: str = "part") -> dict[str, Any]:
    """Reconciliation -> its JSON document. figure is null where a counter gives none; given, unexplained and hints are
    there where a figure was published."""
    return {
        "name": result.graph.name,
        "source": result.graph.source,
        **settings_document(result.graph.settings),
        "symbols": {name: json_amount(value) for name, value in result.graph.symbols.items()},
        "written": result.style._asdict(),
        "lower_bound": bool(result.unknown),
        "unknown": list(result.unknown),
        "counters": [_account_document(result, account, by) for account in result.accounts],
    }


def _account_document(result: Reconciliation, account: Account, by: str) -> dict[str, Any]:
    counter = account.counter
    entry: dict[str, Any] = {
        "name": counter.name,
        "version": counter.version,
        "unit": counter.unit,
        "figure": None if account.failure else json_amount(account.figure),
        "failed": account.failure or None,
        "basis": counter.basis,
        "costcalc": json_amount(account.costcalc),
        "parts": [
            {
                "name": line.name,
                "amount": json_amount(line.amount),
                "costcalc": json_amount(line.costcalc),
                "calls": line.calls,
                "working": working_text(line.terms),
            }
            for line in account.lines
        ],
        "left_out_operations": {name: json_amount(amount) for name, amount in account.omitted_operations},
        "notes": list(counter.notes),
    }
    if account.published is not None:
        entry |= {
            "given": account.published.text,
            "unexplained": json_amount(account.residual),
            "hints": list(account.hints),
        }
    if by == "layer":
        entry["layers"] = [
            {
                "layer": result.graph.nodes[item.call.nodes[0]].name,
                "part": line.name,
                "amount": json_amount(line.amount),
                "costcalc": json_amount(line.costcalc),
                "working": working_text(line.terms),
            }
            for item in account.call_lines()
            for line in item.lines
        ]
    return entry
