"""Calls -> an account: how a counter counts them, as a sum of parts, beside what costcalc counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from costcalc.dim import Dim
from costcalc.reconcile.call import WORDS, Call
from costcalc.reconcile.figure import Figure
from costcalc.reconcile.part import BIAS, Part, merged, part_of
from costcalc.reconcile.tool import Tool


class Line(NamedTuple):
    """A part of a figure: what it is called, what the counter has for it, the working of that, what costcalc has, and
    how many calls it is of. terms is () where the counter leaves it out."""

    name: str
    amount: Dim
    terms: tuple[Part, ...]
    own: Dim
    calls: int


class Item(NamedTuple):
    """A call and its parts."""

    call: Call
    lines: tuple[Line, ...]


class Account(NamedTuple):
    """A counter's figure of a graph. items are the calls with their parts. failed says why it gives none. given is the
    figure that somebody saw; hints say what would explain it."""

    tool: Tool
    lines: tuple[Line, ...]
    items: tuple[tuple[Call, tuple[Part, ...]], ...]
    failed: str = ""
    given: Figure | None = None
    hints: tuple[str, ...] = ()

    @property
    def figure(self) -> Dim:
        """The sum of the parts."""
        return sum((line.amount for line in self.lines), 0)

    @property
    def own(self) -> Dim:
        """What costcalc counts: multiply-accumulates, or FLOPs where the counter gives those."""
        return sum((line.own for line in self.lines), 0)

    def each(self) -> Iterator[Item]:
        """The parts of every call that the counter or costcalc counts."""
        for call, parts in self.items:
            lines = _lines(self.tool, [(call, parts)])
            if lines:
                yield Item(call, lines)

    @property
    def left_out(self) -> tuple[tuple[str, Dim], ...]:
        """The elementwise operations that costcalc counts, and the counter does not, by what they are."""
        found: dict[str, Dim] = {}
        for call, parts in self.items:
            elementwise = call.flops - 2 * call.macs.value if call.macs.terms else call.flops
            names = {part.name for part in parts}
            name = BESIDE.get(call.kind, BIAS) if call.macs.terms else WORDS.get(call.kind, call.kind)
            if elementwise != 0 and name not in names and (call.macs.terms or not names):
                found[name] = found.get(name, 0) + elementwise * call.runs
        return tuple(found.items())

    @property
    def unexplained(self) -> Dim | None:
        """What the given figure has more than the parts; 0 within its rounding, None where none is given."""
        return None if self.given is None else self.given.beyond(self.figure)


def account_of(tool: Tool, given: Sequence[Call]) -> Account:
    """Every call's parts, and their sums beside what costcalc has for the same."""
    items = tuple((call, tuple(tool.rule(call))) for call in given)
    failed = next(filter(None, (tool.fails(call) for call in given)), "")
    return Account(tool, _lines(tool, items), items, failed)


def _lines(tool: Tool, items: Iterable[tuple[Call, tuple[Part, ...]]]) -> tuple[Line, ...]:
    """The parts of calls, summed by name: first what the counter has, then what only costcalc has."""
    parts: dict[str, list[tuple[Part, Dim]]] = {}
    own: dict[str, Dim] = {}
    count: dict[str, int] = {}
    for call, counted in items:
        mine = dict(_own(call, tool))
        for name, amount in mine.items():
            own[name] = own.get(name, 0) + amount * call.runs
        for part in counted:
            parts.setdefault(part.name, []).append((part, call.runs))
        for name in {part.name: 0 for part in counted} | mine:
            count[name] = count.get(name, 0) + 1
    names = sorted(count, key=lambda name: name not in parts)
    lines = []
    for name in names:
        terms = merged(parts.get(name, ()))
        lines.append(Line(name, sum((t.value for t in terms), 0), terms, own.get(name, 0), count[name]))
    return tuple(lines)


BESIDE = {"attention": "attention's softmax", "recurrent": "cells", "Attention": "attention's softmax", "LSTM": "cells",
          "GRU": "cells"}  # fmt: skip
"""What a contraction's elementwise operations are where they are no biases."""


def _own(call: Call, tool: Tool) -> Iterator[tuple[str, Dim]]:
    """What costcalc counts of a call, under the names of the parts; FLOPs apart from those of contractions too."""
    macs = call.macs.value if call.macs.terms else 0
    if call.macs.terms:
        yield part_of(call), macs * (2 if tool.basis == "flops" else 1)
    left = call.flops - 2 * macs
    if tool.basis == "flops" and left != 0:
        yield (BESIDE.get(call.kind, BIAS) if call.macs.terms else WORDS[call.kind]), left
