"""A module of PyTorch and its inputs, of which an exported program for the tests is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Program(NamedTuple):
    """factory makes the module, args its inputs (both are called on the meta device); dynamic_shapes as torch.export
    takes them. counted says whether FlopCounterMode sees all of its MACs; if not, macs are those by hand."""

    factory: Callable[[], Any]
    args: Callable[[], tuple[Any, ...]]
    dynamic_shapes: Any = None
    macs: int | None = None
