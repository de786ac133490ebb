"""Work of reading a model, or of one analysis -> counted in steps; past a limit a LimitError that names it.

A step is about a microsecond: a term of a formula, an element of a small tensor; a node is NODE_STEPS. The count is the
same on every machine. Only the last limit, of processor time, depends on the machine: it stops what no count foresaw.
Work outside of `limited_work` is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time

from costcalc.core.errors import LimitError

MAX_STEPS = 2_000_000
"""Steps for a small model: a few seconds. A larger one has more, in proportion to its size."""

MAX_SECONDS = 5
"""Processor time for a small model, of the thread that works; a larger one has more, as it has more steps."""

BASE_BYTES, BASE_NODES = 1 << 20, 20_000
"""The size of a small model: bytes of its file, or nodes of its graph."""

NODE_STEPS = 20
"""Steps that a node counts for, besides its formulas and elements."""

CLOCK_STEPS = 10_000
"""Steps between two looks at the clock."""

MAX_TERMS = 4096
"""Terms of the largest formula."""

MAX_FACTORS = 256
"""Different factors of the longest product in a formula."""

MAX_FORMULA_TEXT = 1 << 14
"""Characters of the longest operand of a division, minimum or maximum."""

MAX_BITS = 1000
"""Bits of the largest figure: what a float can hold, and fewer digits than Python turns into text."""

MAX_RANK = 64
"""Axes of a tensor: NumPy and PyTorch have no more."""

MAX_LENGTH = 1 << 16
"""Items of a sequence, or outputs of a node, whose number a tensor or an attribute gives."""

BIND_SYMBOLS = "bind symbols with --dim, or simplify the model"


class WorkBudget:
    """The steps that are left, and when the processor time is used up."""

    __slots__ = ("clock_steps", "deadline", "scale", "steps", "task")

    def __init__(self, task: str, scale: int) -> None:
        """task is what is done, for the error; scale is by how much the model is larger than a small one, 1 or more."""
        self.task, self.scale = task, scale
        self.steps = MAX_STEPS * scale
        self.clock_steps = self.steps
        self.deadline = thread_time() + MAX_SECONDS * scale

    def spend(self, steps: int) -> None:
        """Takes steps off. LimitError where none are left, or the time is over."""
        self.steps = left = self.steps - steps
        if left > self.clock_steps:
            return
        self.clock_steps = max(left - CLOCK_STEPS, 0)
        if left < 0:
            raise LimitError(f"{self.task} takes more than {MAX_STEPS * self.scale:,} steps", "simplify the model")
        if thread_time() > self.deadline:
            raise LimitError(
                f"{self.task} takes more than {MAX_SECONDS * self.scale} s of processor time", "simplify the model"
            )


_budget: ContextVar[WorkBudget | None] = ContextVar("budget", default=None)


@contextmanager
def limited_work(task: str, nbytes: int = 0, nodes: int = 0) -> Iterator[None]:
    """Counts the work inside for itself; nbytes or nodes, the size of the model, give a large one more steps."""
    token = _budget.set(WorkBudget(task, max(1, nbytes // BASE_BYTES + 1, nodes // BASE_NODES + 1)))
    try:
        yield
    finally:
        _budget.reset(token)


def spend(steps: int) -> None:
    """Counts steps of the work that is going on. LimitError where they are more than it may take."""
    budget = _budget.get()
    if budget is not None:
        budget.spend(steps)


def check_limit(count: int, limit: int, what: str, remedy: str = "simplify the model") -> None:
    """LimitError where a count of something (`axes of a tensor`) is above its limit."""
    if count > limit:
        digits = f"{count:,}" if count.bit_length() < 64 else f"2^{count.bit_length() - 1:,} or more"
        raise LimitError(f"{digits} {what}, the limit is {limit:,}", remedy)
