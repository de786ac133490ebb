"""Results by their keys, kept for the whole process in bounded mappings with names, which a server can empty.

    TYPES: Memo[Key, Types] = Memo("inferred types", 1 << 14)

A key holds all that the result depends on, the registered rules among them, so that it holds for every graph.
"""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

MEMOS: dict[str, Memo[object, object]] = {}
"""Every memo of this process by its name."""


class Memo(dict[K, V]):
    """A mapping of at most `limit` results; the next one empties it first, as most models need far fewer.

    Lookups are dict's own: they stand in the inner loops of building and costing.
    """

    def __init__(self, name: str, limit: int) -> None:
        """name is the memo's key in MEMOS; limit is the largest number of results."""
        super().__init__()
        self.name = name
        self.limit = limit
        MEMOS[name] = self  # type: ignore[assignment]

    def __setitem__(self, key: K, value: V) -> None:
        """Keeps a result. TypeError for a key without a hash, as dict raises it."""
        if len(self) >= self.limit:
            self.clear()
        super().__setitem__(key, value)


def clear_memos() -> None:
    """Empties every memo. Figures do not change, only the time until the next is there."""
    for memo in MEMOS.values():
        memo.clear()
