"""The rewrites, by what they rewrite: their ids -> the rules, of which each module registers some."""

from __future__ import annotations

from importlib import import_module

from costcalc.core.errors import UsageError, suggest_choice
from costcalc.studies.suggest.catalogue import RULES, RewriteRule

MODULES = ("convolution", "head", "attention", "exact", "activation")
ORDER = (
    "separable",
    "stack",
    "factor",
    "bottleneck",
    "gap",
    "gqa",
    "tied",
    "folded",
    "fused",
    "redundant",
    "pool_first",
)
"""The rules' ids in the order that lists have."""


def select_rules(ids: tuple[str, ...] = ()) -> tuple[RewriteRule, ...]:
    """The rules of these ids in the order of lists, all where none is named. UsageError for one that does not exist."""
    for name in MODULES:
        import_module(f"{__name__}.{name}")
    for name in ORDER:
        RULES[name] = RULES.pop(name)
    for id in ids:
        if id not in RULES:
            raise UsageError(f"there is no rewrite {id!r}", suggest_choice(id, RULES))
    return tuple(rule for id, rule in RULES.items() if not ids or id in ids)
