"""Rules of `check` -> a table."""

from __future__ import annotations

from collections.abc import Iterable

from costcalc.budget.rules import Rule
from costcalc.columns import Column
from costcalc.sheet import Sheet


def check_rules(rules: Iterable[Rule]) -> Sheet:
    """Rules as a table: code, name, what it holds, how it is set and mended."""
    columns = (
        Column("code", "Code", "text", 100),
        Column("name", "Rule", "text", 95),
        Column("holds", "Holds", "prose", 90),
        Column("remedy", "Set and mend", "prose", 20),
    )
    return Sheet("rules", "", columns, tuple([tuple(rule) for rule in rules]), kind="rules")
