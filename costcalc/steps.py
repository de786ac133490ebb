"""The steps of a figure's working: formulas with their names, with numbers, and their values, as they were costed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from costcalc.core.amount import AtLeast
from costcalc.dim import Dim, Poly
from costcalc.footer import total
from costcalc.formula import Cost, Factor, Formula
from costcalc.ir import Graph
from costcalc.report import Report
from costcalc.rows import Row
from costcalc.storage import Stored
from costcalc.units import exact
from costcalc.windows import Field, extent_lines, field_text, window

FEW = 8
"""A sum of more terms than this is drawn together."""


class Step(NamedTuple):
    """A line of working: what is computed, its sides (names, numbers), its value."""

    what: str
    sides: tuple[str, ...]
    value: Dim | None = None

    def __str__(self) -> str:
        """`#filter params × #filters = 27 × 5 = 135`; a side that says the same as the one before it stands once."""
        sides = [*self.sides, *([] if self.value is None else [exact(self.value)])]
        return " = ".join(dict.fromkeys(sides))


def steps_of(row: Row, graph: Graph, index: int, owned: Sequence[Stored], seen: Mapping[str, Field]) -> Iterator[Step]:
    """A layer's steps: output extents, MACs, parameters, operations, FLOPs, receptive field."""
    slid = window(graph.nodes[index], graph.types)
    for line in extent_lines(slid) if slid else ():
        yield Step("Extent", (line,))
    if row.cost is None:
        yield Step("MACs", ("?",))
    else:
        yield from _macs(row.cost.macs, "MACs")
        yield from _params(owned)
        yield from _flops(row.cost)
        if row.count != 1:
            for key in ("macs", "flops"):
                once = row.cost.macs.value if key == "macs" else row.cost.flops
                what = {"macs": "MACs", "flops": "FLOPs"}[key]
                yield Step(f"{what} of all runs", (f"{exact(once)} × {exact(row.count)} runs",), row.amounts[key])
    field = seen.get(row.outputs[0].name) if row.outputs else None
    if field is not None:
        yield Step("Receptive field", (field_text(field),))


def _macs(formula: Formula, what: str) -> Iterator[Step]:
    """The formula with names, with numbers, its value; then what each factor is itself the product of."""
    if not formula.terms:
        return
    if len(formula.terms) > 1 and any(term.name for term in formula.terms):
        for term in formula.terms:
            yield Step(what, (term.name or what, *_sides(term.factors)), term.value)
        yield Step(what, (" + ".join(number(term.value) for term in formula.terms),), formula.value)
    else:
        named = " + ".join(names(term.factors) for term in formula.terms)
        yield Step(what, (named, " + ".join(numbers(term.factors) for term in formula.terms)), formula.value)
    for factor in dict.fromkeys(factor for term in formula.terms for factor in term.factors if len(factor.of) > 1):
        yield Step(what, (factor.name, *_sides(factor.of)), factor.value)


def _params(owned: Sequence[Stored]) -> Iterator[Step]:
    for kind, what in (("param", "Params"), ("buffer", "Buffers")):
        mine = [item for item in owned if item.kind == kind]
        if mine:
            shapes = " + ".join(map(_stored_values, mine))
            yield Step(what, (shapes,), sum((item.values for item in mine), 0))


def _stored_values(item: Stored) -> str:
    if item.values != item.type.elements:
        return f"{number(item.values)} (packed)"
    return " × ".join(map(number, item.type.shape or ())) or "1"


def _flops(cost: Cost) -> Iterator[Step]:
    """2 × MACs, and each kind of elementwise operation with its own formula."""
    macs = cost.macs.value
    for work in cost.work:
        text = [f"{work.kind} ({work.role})", *_all_sides(work.formula)]
        yield Step("Operations", tuple(text), work.formula.value)
    parts = [f"2 × {number(macs)}"] if cost.macs.terms else []
    parts += [number(work.formula.value) for work in cost.work]
    if parts:
        yield Step("FLOPs", (" + ".join(parts),), cost.flops)


def _sides(factors: Sequence[Factor]) -> tuple[str, str]:
    return names(factors), numbers(factors)


def _all_sides(formula: Formula) -> tuple[str, str]:
    return " + ".join(names(t.factors) for t in formula.terms), " + ".join(numbers(t.factors) for t in formula.terms)


def names(factors: Sequence[Factor]) -> str:
    """#filter params × #filter positions × #filters."""
    return " × ".join(factor.name for factor in factors)


def numbers(factors: Sequence[Factor]) -> str:
    """27 × 16 × 5."""
    return " × ".join(number(factor.value) for factor in factors)


def number(d: Dim) -> str:
    """A number inside a formula; a sum stands in parentheses."""
    return f"({exact(d)})" if isinstance(d, Poly) and len(d.terms) > 1 else exact(d)


def sums(report: Report) -> Iterator[Step]:
    """The totals as sums over layers: equal ones together where there are many, and by operator type where that is
    still long."""
    for key, what in (("macs", "MACs"), ("params", "Params"), ("flops", "FLOPs")):
        every = [(row.operator, row.amounts[key]) for row in report.rows]
        parts = [(op, amount) for op, amount in every if amount is not None and amount != 0]
        shown = [number(amount) for _, amount in parts]
        if len(shown) > FEW:
            equal = Counter(amount for _, amount in parts)
            shown = [f"{n} × {number(amount)}" if n > 1 else number(amount) for amount, n in equal.items()]
        if len(shown) > FEW:
            by_op: dict[str, Dim] = {}
            for op, amount in parts:
                by_op[op] = by_op.get(op, 0) + amount
            shown = [f"{op} {number(amount)}" for op, amount in by_op.items()]
        if isinstance(total(report, key), AtLeast):
            yield Step(what, (f"{' + '.join([*shown, '?'])} ≥ {exact(report.totals[key])}",))
        elif shown:
            yield Step(what, (" + ".join(shown),), report.totals[key])
