"""A module of PyTorch and its inputs, of which an exported program for the tests is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Program(NamedTuple):
    """factory makes the module, args its inputs (both are called on the meta device); dynamic_shapes as torch.export
    takes them. macs are those by hand, where FlopCounterMode does not see all of them; dims bind symbols that the inputs
    do not have (how often a loop runs). is_decomposed exports it in core ATen, by run_decompositions()."""

    factory: Callable[[], Any]
    args: Callable[[], tuple[Any, ...]]
    dynamic_shapes: Any = None
    macs: int | None = None
    dims: dict[str, int] | None = None
    is_decomposed: bool = False
