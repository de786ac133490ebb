"""The rules of `check` -> docs/reference/rule-codes.md: each code, what breaks it and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.quantities import CATALOGUE
from costcalc.studies.check.rules import INCREASES, RULES, CheckRule
from reference_writers.console import console
from reference_writers.markdown import anchor, code, make_page, prose, table

INTRODUCTION = """
Every verdict of [`costcalc check`](command-line.md#check) that is not `ok` carries a code. A code is reported where
the sentence under **Holds** is not true of a model. `costcalc rule` prints this list and `costcalc rule CC001` one
rule. The number of a rule never changes its meaning.
"""

LEVELS = """
A config chooses among codes by their beginnings: `select: [CC0]` holds only these, `ignore: [CC301]` leaves some out,
`warn: [CC2]` reports them without breaking the check, `error: [CC305, CC307]` lets them break it
([configuration](config.md#select)); `check --error CC307` does so whatever the config says. Of two beginnings that fit
a code, the longer one counts. Codes of what cannot be told (`CC1…`) are never ignored and never lowered.
"""

GROUPS = (
    (
        "CC0",
        "Limits",
        "A quantity of the model, or of some of its layers, is beyond a limit. Exit code 1.",
    ),
    (
        "CC1",
        "What cannot be told",
        "The check has no answer, which is never taken as a pass. Exit code 2.",
    ),
    ("CC2", "Growth", "A quantity grew over the baseline by more than is allowed. Exit code 1."),
    (
        "CC3",
        "Notes and warnings",
        "Something about no single limit. By itself each is information, the last two are warnings, and the exit code "
        "stays as it is; one of `error:` is broken as a limit is, with exit code 1.",
    ),
)
"""Beginning of codes -> title and meaning of the group; codes with another beginning follow under "Other codes"."""


def write_rule_codes() -> str:
    """The page."""
    parts = [INTRODUCTION, console("rule", "CC001"), LEVELS]
    remaining = list(RULES.values())
    for beginning, title, meaning in GROUPS:
        rules = [rule for rule in remaining if rule.code.startswith(beginning)]
        remaining = [rule for rule in remaining if rule not in rules]
        parts += [f"## {title}", meaning, _growth_table(rules) if beginning == "CC2" else _rules_table(rules)]
    parts += ["## Other codes", _rules_table(remaining)] if remaining else []
    return make_page("Rule codes", *parts)


def _rules_table(rules: Sequence[CheckRule]) -> str:
    """Rules -> a row for each, with its code as an anchor."""
    rows = [(f"{_code_cell(rule)}<br>{prose(rule.name)}", prose(rule.meaning), prose(rule.remedy)) for rule in rules]
    return table(("Rule", "Holds", "Set and mend"), rows)


def _growth_table(rules: Sequence[CheckRule]) -> str:
    """Rules of growth, which share their sentences -> those sentences of the first one, and a row for each."""
    keys = {rule_code: key for key, rule_code in INCREASES.items()}
    if {rule.code for rule in rules} != set(keys):
        return _rules_table(rules)
    rows = [(_code_cell(rule), prose(rule.name), code(_growth_example(keys[rule.code]))) for rule in rules]
    sentences = f"Of MACs: {prose(rules[0].meaning)} {prose(rules[0].remedy)} The other quantities likewise:"
    return sentences + "\n\n" + table(("Code", "Rule", "Example"), rows)


def _growth_example(key: str) -> str:
    return f"max_increase: {{{key}: {{t4: 2%}}}}" if CATALOGUE[key].per_device else f"max_increase: {{{key}: 2%}}"


def _code_cell(rule: CheckRule) -> str:
    return anchor(rule.code.lower()) + code(rule.code)
