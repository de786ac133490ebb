"""Reconciliation -> a dictionary for JSON: every counter, its parts and, where asked for, its layers."""

from __future__ import annotations

from typing import Any

from costcalc.core.amount import plain
from costcalc.reconcile.account import Account
from costcalc.reconcile.reconciliation import Reconciliation
from costcalc.reconcile.sheets import working


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
            {"name": line.name, "amount": plain(line.amount), "costcalc": plain(line.own), "calls": line.calls,
             "working": working(line.terms)}
            for line in account.lines
        ],
        "left_out_operations": {name: plain(amount) for name, amount in account.left_out},
        "notes": list(tool.notes),
    }  # fmt: skip
    if account.given is not None:
        entry |= {"given": account.given.text, "unexplained": plain(account.unexplained), "hints": list(account.hints)}
    if by == "layer":
        entry["layers"] = [
            {"layer": found.graph.nodes[item.call.nodes[0]].name, "part": line.name, "amount": plain(line.amount),
             "costcalc": plain(line.own), "working": working(line.terms)}
            for item in account.each() for line in item.lines
        ]  # fmt: skip
    return entry
