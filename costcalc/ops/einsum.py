"""Einsum: sums of products named by an equation such as `bid,bjd->bij`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache, reduce

from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, Product, Work, elementwise_work, product
from costcalc.core.ir import TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import Attributes, Contraction, gradient_rule, traits
from costcalc.ops.common.axes import broadcast

operands("Einsum", weights=range(26))

traits("Einsum", positions="mixed")

describe("Each output is a sum, over the indices that the equation drops, of products of the operands.", "Einsum")

Indices = tuple[str, ...]


@gradient_rule("Einsum")
def einsum_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """Step k contracts what the operands before k gave with operand k."""
    contractions = []
    for term in formula.terms:
        step = int(term.name.removeprefix("step ") or 1)
        contractions.append(Contraction(term.value, tuple(range(step)), (step,)))
    return tuple(contractions)


@lru_cache(maxsize=4096)
def parse_equation(equation: str, ranks: tuple[int, ...]) -> tuple[tuple[Indices, ...], Indices]:
    """(the indices of each operand, those of the output). An ellipsis becomes the indices `…0`, `…1` …, counted from
    its right end. Without `->` the output has the ellipsis and, in ASCII order, the letters that occur once."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ShapeError(f"{equation!r} has {len(terms)} terms for {len(ranks)} inputs", "write one term per input")
    inputs = tuple(_indices(term, rank, equation) for term, rank in zip(terms, ranks, strict=True))
    ellipsis = max((tuple(i for i in indices if i[0] == "…") for indices in inputs), key=len)
    if arrow:
        output = tuple(i for token in _tokens(right) for i in (ellipsis if token == "..." else (token,)))
    else:
        counts = Counter(letter for letter in left if letter.isalpha())
        output = (*ellipsis, *sorted(letter for letter, n in counts.items() if n == 1))
    names = {i for indices in inputs for i in indices}
    for index in output:
        if index not in names:
            raise ShapeError(f"the output of {equation!r} has {index!r}, which no input has", "name it in an input")
    if len(set(output)) != len(output):
        raise ShapeError(f"the output of {equation!r} names an index twice", "name it once")
    return inputs, output


def _tokens(term: str) -> list[str]:
    out: list[str] = []
    while term:
        token = "..." if term.startswith("...") else term[0]
        if token != "..." and not token.isalpha():
            raise ShapeError(f"an equation has the sign {token!r}", "use letters, commas, `...` and `->`")
        out.append(token)
        term = term[len(token) :]
    return out


def _indices(term: str, rank: int, equation: str) -> Indices:
    tokens = _tokens(term)
    letters = sum(t != "..." for t in tokens)
    if letters > rank or (letters < rank and "..." not in tokens):
        raise ShapeError(f"the term {term!r} of {equation!r} names {letters} axes of {rank}", "name each axis")
    dots = [f"…{i}" for i in reversed(range(rank - letters))]
    return tuple(i for t in tokens for i in (dots if t == "..." else (t,)))


def index_extents(inputs: Sequence[Indices], types: Sequence[TensorType], equation: str) -> dict[str, Dim]:
    """The extent of each index; 1 broadcasts."""
    extents: dict[str, Dim] = {}
    for indices, t in zip(inputs, types, strict=True):
        assert t.shape is not None
        for index, extent in zip(indices, t.shape, strict=True):
            extent_before = extents.get(index, 1)
            if extent_before != extent:
                try:
                    (extent,) = broadcast((extent_before,), (extent,))
                except ShapeError as error:
                    raise ShapeError(
                        f"the index {index} of {equation!r} is {extent_before} and {extent}", "make the extents equal"
                    ) from error
            extents[index] = extent
    return extents


@shape_rule("Einsum")
def einsum_shape(*operands: TensorType, equation: str) -> TensorType:
    """The output's indices, each as long as in the inputs."""
    inputs, output = parse_equation(equation, tuple(t.rank for t in operands))
    extents = index_extents(inputs, operands, equation)
    return TensorType(operands[0].dtype, tuple(extents[i] for i in output))


@cost_rule("Einsum")
def einsum_cost(*operands: TensorType, equation: str) -> Cost:
    """Two operands: the product of the extents of all indices, MACs where the output lacks an index (a contraction),
    multiplications where it has them all. More operands: taken from left to right, two at a time; each step keeps
    the indices that the output or a later operand has. One operand: an addition per element that is summed."""
    inputs, output = parse_equation(equation, tuple(t.rank for t in operands))
    extents = index_extents(inputs, operands, equation)
    if len(inputs) == 1:
        indices = dict.fromkeys(inputs[0])
        summed = len(indices) > len(output)
        return (
            Cost(work=elementwise_work("add", "reduction", prod(extents[i] for i in indices), 1)) if summed else Cost()
        )
    terms: list[Product] = []
    work: tuple[Work, ...] = ()
    remaining = dict.fromkeys(inputs[0])
    for step, indices_b in enumerate(inputs[1:], 1):
        involved = remaining | dict.fromkeys(indices_b)
        later_indices = reduce(set.union, map(set, inputs[step + 1 :]), set(output))
        remaining = {i: None for i in involved if i in later_indices}
        if len(remaining) < len(involved):
            terms.append(product(*((i, extents[i]) for i in involved), name=f"step {step}" if len(inputs) > 2 else ""))
        else:
            work += elementwise_work("multiply", "elementwise", prod(extents[i] for i in involved))
    return Cost(Formula(tuple(terms)), work)
