"""Calls -> an account: how a counter counts them, as a sum of parts, beside what costcalc counts.

The parts of a counter's figure: products of named factors under a name, for one call and summed over all.

A figure that somebody saw: 11,286,254,592, or rounded as 11.3G, as a counter prints it: 11.3 GMac.

A counter: its name and version, what it calls its figure, and its rule for a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.formula import Factor, Product
from costcalc.core.units import parse
from costcalc.studies.reconcile.call import WORDS, Call

BIAS = "biases"

PROJECTIONS = "attention's projections"

PRODUCTS = "attention's products"

ELEMENTS = "#elements"

OUTPUTS = "#outputs"

Part = Product
"""A part of a figure: what it is called, and its factors. A factor that is a number of the rule is named by it."""


def part_of(call: Call) -> str:
    """What a call's contraction is called."""
    if call.kind == "linear" and call.form in ("inside", "function"):
        return PROJECTIONS
    if call.kind == "attention" or ("attention", 1) in call.also:
        return PRODUCTS
    return WORDS.get(call.kind, call.kind)


def macs(call: Call) -> Iterator[Part]:
    """A contraction's multiply-accumulates, as costcalc has them."""
    for term in call.macs.terms:
        yield Product(term.factors, part_of(call))


def counted(name: str, count: Dim, each: int = 1, of: str = ELEMENTS) -> Iterator[Part]:
    """`each` operations for each of `count` things; nothing where there are none."""
    if count != 0:
        factors = (Factor(of, count),) if each == 1 else (Factor(str(each), each), Factor(of, count))
        yield Product(factors, name)


def bias(call: Call) -> Iterator[Part]:
    """One addition for each output of a layer with a bias."""
    if call.bias != 0:
        yield from counted(BIAS, call.gives, of=OUTPUTS)


def merged(parts: Iterable[tuple[Part, Dim]]) -> tuple[Part, ...]:
    """Parts with how often each counts, summed where they have the same name and the same factors: numbers of a rule
    stay, the others become one sum. A part that stands alone and counts once stays as it is."""
    alike: dict[tuple[str, ...], list[tuple[Part, Dim]]] = {}
    for part, runs in parts:
        alike.setdefault((part.name, *(factor.name for factor in part.factors)), []).append((part, runs))
    return tuple(found[0][0] if len(found) == 1 and found[0][1] == 1 else _sum(found) for found in alike.values())


def _sum(parts: Sequence[tuple[Part, Dim]]) -> Part:
    """Parts of one name and one kind of factors as one."""
    first = parts[0][0]
    rule = tuple(factor for factor in first.factors if factor.name == str(factor.value))
    rest = tuple(factor.name for factor in first.factors if factor not in rule)
    total: Dim = 0
    for part, runs in parts:
        total = total + Product(tuple(f for f in part.factors if f.name in rest)).value * runs
    named = " × ".join(rest)
    return Product((*rule, Factor(f"Σ {named}" if " × " in named else named, total)), first.name)


class Figure(NamedTuple):
    """What was written, its value, and by how much rounding may have moved it."""

    text: str
    value: int
    within: Fraction = Fraction(0)

    def fits(self, figure: Dim) -> bool:
        """Whether a figure may have been written so."""
        return isinstance(figure, int) and abs(self.value - figure) <= self.within

    def beyond(self, figure: Dim) -> Dim:
        """How much more was written than a figure; 0 where that is within the rounding."""
        return 0 if self.fits(figure) else self.value - figure


def figure(text: str | int | Figure) -> Figure:
    """Reads a figure. UsageError where it is no quantity. 11.3G stands for what rounds to it; a plain whole number is
    exact."""
    if isinstance(text, Figure):
        return text
    text = str(text).strip()
    bare = re.sub(r"\s*(?:MACs?|FLOPs?)$", "", text, flags=re.IGNORECASE) or text
    value = parse(bare)
    match = re.fullmatch(r"[\d,_]+(?:\.(\d+))?(?:[eE]\+?\d+)?\s*[a-zA-Z]*", bare)
    decimals = len(match[1] or "") if match else 0
    number = re.sub(r"[\d,_]+(?:\.\d+)?", "1", bare, count=1)
    unit = Fraction(parse(number), 10**decimals)
    return Figure(text, value, unit / 2 if unit != 1 else Fraction(0))


class Tool(NamedTuple):
    """A counter. unit is what it calls its figure and compares with what costcalc counts (`macs` or `flops` in basis).
    rule gives the parts that it counts of a call; notes are what a reader should know of it. fails says for which call
    it gives no figure at all. nodes: it looks at the nodes of an ONNX graph instead of at calls."""

    name: str
    version: str
    unit: str
    rule: Callable[[Call], Iterable[Part]]
    notes: tuple[str, ...] = ()
    basis: str = "macs"
    fails: Callable[[Call], str] = lambda call: ""
    nodes: bool = False


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


BESIDE = {
    "attention": "attention's softmax",
    "recurrent": "cells",
    "Attention": "attention's softmax",
    "LSTM": "cells",
    "GRU": "cells",
}
"""What a contraction's elementwise operations are where they are no biases."""


def _own(call: Call, tool: Tool) -> Iterator[tuple[str, Dim]]:
    """What costcalc counts of a call, under the names of the parts; FLOPs apart from those of contractions too."""
    macs = call.macs.value if call.macs.terms else 0
    if call.macs.terms:
        yield part_of(call), macs * (2 if tool.basis == "flops" else 1)
    left = call.flops - 2 * macs
    if tool.basis == "flops" and left != 0:
        yield (BESIDE.get(call.kind, BIAS) if call.macs.terms else WORDS[call.kind]), left
