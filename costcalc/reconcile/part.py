"""The parts of a counter's figure: products of named factors under a name, for one call and summed over all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from costcalc.dim import Dim
from costcalc.formula import Factor, Product
from costcalc.reconcile.call import WORDS, Call

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
