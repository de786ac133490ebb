"""One file per rewrite; load() registers all of them."""

from __future__ import annotations

from importlib import import_module

NAMES = ("separable", "stack", "factor", "bottleneck", "pooling_head", "grouped_query", "tied", "folded", "fused",
         "redundant", "pool_first")  # fmt: skip


def load() -> None:
    """Imports every rule, in the order that lists have."""
    for name in NAMES:
        import_module(f"costcalc.suggest.rules.{name}")
