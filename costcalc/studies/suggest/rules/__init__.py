"""The rewrites, by what they rewrite; load() registers all of them."""

from __future__ import annotations

from importlib import import_module

from costcalc.studies.suggest.catalogue import RULES

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


def load() -> None:
    """Imports every rule and puts RULES into their order."""
    for name in MODULES:
        import_module(f"costcalc.studies.suggest.rules.{name}")
    for name in ORDER:
        RULES[name] = RULES.pop(name)
