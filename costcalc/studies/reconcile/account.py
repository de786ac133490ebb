"""Counter and calls to Account: the counter's figure as a sum of terms, beside what costcalc counts for the same.

A term is a product of named factors under a name; the terms of one call are summed over all calls by name. A published
figure (`11,286,254,592`, or rounded as a counter prints it: `11.3 GMac`) is compared with the sum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.formula import Factor, Product
from costcalc.core.result import short_repr
from costcalc.core.units import parse_magnitude
from costcalc.studies.reconcile.call import KIND_NAMES, ModuleCall

BIAS_TERM = "biases"

PROJECTIONS_TERM = "attention's projections"

PRODUCTS_TERM = "attention's products"

ELEMENTS_FACTOR = "#elements"

OUTPUTS_FACTOR = "#outputs"

Term = Product
"""A term of a figure: its name and its factors. A factor that is a number of the counter's rule is named by it."""

ELEMENTWISE_TERMS = {
    "attention": "attention's softmax",
    "recurrent": "cells",
    "Attention": "attention's softmax",
    "LSTM": "cells",
    "GRU": "cells",
}
"""Kind of call -> the name of a contraction's elementwise operations; of every other kind they are biases."""


def contraction_term(call: ModuleCall) -> str:
    """Call -> the name of the term that holds its multiply-accumulates."""
    if call.kind == "linear" and call.form in ("inside", "function"):
        return PROJECTIONS_TERM
    if call.kind == "attention" or ("attention", 1) in call.sizes:
        return PRODUCTS_TERM
    return KIND_NAMES.get(call.kind, call.kind)


def mac_terms(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms of its multiply-accumulates, as costcalc counts them."""
    for product in call.macs.terms:
        yield Product(product.factors, contraction_term(call))


def count_term(name: str, count: Dim, operations: int = 1, factor: str = ELEMENTS_FACTOR) -> Iterator[Term]:
    """Name and count -> the term of so many operations for each of `count` elements, which `factor` names; no term
    where the count is 0."""
    if count != 0:
        factors = (
            (Factor(factor, count),)
            if operations == 1
            else (Factor(str(operations), operations), Factor(factor, count))
        )
        yield Product(factors, name)


def bias_term(call: ModuleCall) -> Iterator[Term]:
    """Call -> the term of one addition for each output element; no term where the layer has no bias."""
    if call.bias != 0:
        yield from count_term(BIAS_TERM, call.output_elements, factor=OUTPUTS_FACTOR)


def merge_terms(terms: Iterable[tuple[Term, Dim]]) -> tuple[Term, ...]:
    """Terms with how often each counts -> one term for each name and kind of factors.

    Factors that are numbers of a rule stay, the others become one sum. A term that stands alone and counts once stays
    as it is.
    """
    groups: dict[tuple[str, ...], list[tuple[Term, Dim]]] = {}
    for term, runs in terms:
        groups.setdefault((term.name, *(factor.name for factor in term.factors)), []).append((term, runs))
    return tuple(
        group[0][0] if len(group) == 1 and group[0][1] == 1 else _sum_terms(group) for group in groups.values()
    )


def _sum_terms(terms: Sequence[tuple[Term, Dim]]) -> Term:
    """Terms of one name and one kind of factors -> their sum as one term."""
    first = terms[0][0]
    rule = tuple(factor for factor in first.factors if factor.name == str(factor.value))
    summed = tuple(factor.name for factor in first.factors if factor not in rule)
    total: Dim = 0
    for term, runs in terms:
        total = total + Product(tuple(f for f in term.factors if f.name in summed)).value * runs
    names = " × ".join(summed)
    return Product((*rule, Factor(f"Σ {names}" if " × " in names else names, total)), first.name)


class PublishedFigure(NamedTuple):
    """A figure as it was published: its text, its value, and the largest error of its rounding."""

    text: str
    value: int
    tolerance: Fraction = Fraction(0)

    def fits(self, figure: Dim) -> bool:
        """Whether a figure rounds to the published one. A formula never does."""
        return isinstance(figure, int) and abs(self.value - figure) <= self.tolerance

    def residual(self, figure: Dim) -> Dim:
        """The published value minus a figure; 0 where the difference is within the rounding."""
        return 0 if self.fits(figure) else self.value - figure


def parse_figure(text: str | int | PublishedFigure) -> PublishedFigure:
    """Text or number -> PublishedFigure: 11.3G stands for all that rounds to it, a plain whole number is exact.
    UsageError where it is no quantity."""
    if isinstance(text, PublishedFigure):
        return text
    text = str(text).strip()
    number_text = re.sub(r"\s*(?:MACs?|FLOPs?)$", "", text, flags=re.IGNORECASE) or text
    value = parse_magnitude(number_text)
    match = re.fullmatch(r"[\d,_]+(?:\.(\d+))?(?:[eE]\+?\d+)?\s*[a-zA-Z]*", number_text)
    decimals = len(match[1] or "") if match else 0
    number = re.sub(r"[\d,_]+(?:\.\d+)?", "1", number_text, count=1)
    unit = Fraction(parse_magnitude(number), 10**decimals)
    return PublishedFigure(text, value, unit / 2 if unit != 1 else Fraction(0))


class Counter(NamedTuple):
    """A counting tool at one version.

    unit is what it calls its figure, basis what costcalc compares with it (`macs` or `flops`). rule gives the terms
    that it counts of a call. failure says for which call it gives no figure at all ("" for the others). notes are facts
    for the reader. onnx_nodes: it counts the nodes of an ONNX graph instead of PyTorch's calls.
    """

    name: str
    version: str
    unit: str
    rule: Callable[[ModuleCall], Iterable[Term]]
    notes: tuple[str, ...] = ()
    basis: str = "macs"
    failure: Callable[[ModuleCall], str] = lambda call: ""
    onnx_nodes: bool = False


class AccountLine(NamedTuple):
    """One name of an account: the counter's amount and its terms (() where it leaves it out), costcalc's amount, and
    the number of calls."""

    name: str
    amount: Dim
    terms: tuple[Term, ...]
    costcalc: Dim
    calls: int


class CallLines(NamedTuple):
    """A call with the lines of its own account."""

    call: ModuleCall
    lines: tuple[AccountLine, ...]


class Account(NamedTuple):
    """A counter's figure of a graph. terms_by_call are the calls with their terms. failure says why the counter gives
    no figure ("" where it does). published is a figure that somebody saw; hints say what would explain it."""

    counter: Counter
    lines: tuple[AccountLine, ...]
    terms_by_call: tuple[tuple[ModuleCall, tuple[Term, ...]], ...]
    failure: str = ""
    published: PublishedFigure | None = None
    hints: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Account of", self.counter.name, self.failure or f"{self.figure} {self.counter.unit}")

    @property
    def figure(self) -> Dim:
        """The counter's figure: the sum of all terms."""
        return sum((line.amount for line in self.lines), 0)

    @property
    def costcalc(self) -> Dim:
        """costcalc's own figure of the graph: MACs, or FLOPs where the counter gives those."""
        return sum((line.costcalc for line in self.lines), 0)

    def call_lines(self) -> Iterator[CallLines]:
        """The lines of every call that the counter or costcalc counts, in the graph's order."""
        for call, terms in self.terms_by_call:
            lines = _account_lines(self.counter, [(call, terms)])
            if lines:
                yield CallLines(call, lines)

    @property
    def omitted_operations(self) -> tuple[tuple[str, Dim], ...]:
        """The elementwise operations that costcalc counts and the counter does not, by name."""
        sums: dict[str, Dim] = {}
        for call, terms in self.terms_by_call:
            operations = call.flops - 2 * call.macs.value if call.macs.terms else call.flops
            names = {term.name for term in terms}
            name = _elementwise_term(call)
            if operations != 0 and name not in names and (call.macs.terms or not names):
                sums[name] = sums.get(name, 0) + operations * call.runs
        return tuple(sums.items())

    @property
    def residual(self) -> Dim | None:
        """The published figure minus the sum; 0 within its rounding, None where no figure is published."""
        return None if self.published is None else self.published.residual(self.figure)


def make_account(counter: Counter, calls: Sequence[ModuleCall]) -> Account:
    """Counter and calls -> the counter's account: every call's terms, summed beside what costcalc counts."""
    items = tuple((call, tuple(counter.rule(call))) for call in calls)
    failed = next(filter(None, (counter.failure(call) for call in calls)), "")
    return Account(counter, _account_lines(counter, items), items, failed)


def _account_lines(counter: Counter, items: Iterable[tuple[ModuleCall, tuple[Term, ...]]]) -> tuple[AccountLine, ...]:
    """Calls with their terms -> lines, summed by name: first the counter's, then what only costcalc counts."""
    by_name: dict[str, list[tuple[Term, Dim]]] = {}
    costcalc_sums: dict[str, Dim] = {}
    calls: dict[str, int] = {}
    for call, terms in items:
        amounts = dict(_costcalc_amounts(call, counter))
        for name, amount in amounts.items():
            costcalc_sums[name] = costcalc_sums.get(name, 0) + amount * call.runs
        for term in terms:
            by_name.setdefault(term.name, []).append((term, call.runs))
        for name in {term.name: 0 for term in terms} | amounts:
            calls[name] = calls.get(name, 0) + 1
    lines = []
    for name in sorted(calls, key=lambda name: name not in by_name):
        sums = merge_terms(by_name.get(name, ()))
        lines.append(AccountLine(name, sum((t.value for t in sums), 0), sums, costcalc_sums.get(name, 0), calls[name]))
    return tuple(lines)


def _costcalc_amounts(call: ModuleCall, counter: Counter) -> Iterator[tuple[str, Dim]]:
    """Call -> the amounts that costcalc counts of it, by the names of the terms; elementwise FLOPs apart from those of
    contractions."""
    macs = call.macs.value if call.macs.terms else 0
    if call.macs.terms:
        yield contraction_term(call), macs * (2 if counter.basis == "flops" else 1)
    elementwise = call.flops - 2 * macs
    if counter.basis == "flops" and elementwise != 0:
        yield _elementwise_term(call), elementwise


def _elementwise_term(call: ModuleCall) -> str:
    """Call -> the name of the term that holds its elementwise operations."""
    return ELEMENTWISE_TERMS.get(call.kind, BIAS_TERM) if call.macs.terms else KIND_NAMES.get(call.kind, call.kind)
