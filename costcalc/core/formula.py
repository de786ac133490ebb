"""Named factors -> Formula: a sum of products that has a value and can print its own derivation."""

from typing import NamedTuple

from costcalc.core.dim import Dim


class Factor(NamedTuple):
    """One named number of a product; `factors` holds its own ones where it is a product."""

    name: str
    value: Dim
    factors: "tuple[Factor, ...]" = ()


class Product(NamedTuple):
    """A product of factors, with an optional name of what it counts (`QKᵀ`, `gates`)."""

    factors: tuple[Factor, ...]
    name: str = ""

    @property
    def value(self) -> Dim:
        """The product of the factors."""
        result: Dim = 1
        for factor in self.factors:
            result = result * factor.value
        return result


class Formula(NamedTuple):
    """A sum of products."""

    terms: tuple[Product, ...] = ()

    @property
    def value(self) -> Dim:
        """The sum of the products."""
        result: Dim = 0
        for term in self.terms:
            result = result + term.value
        return result


class Work(NamedTuple):
    """Elementwise operations: their kind, their role, and how many there are.

    kind: one of KINDS. role: one of ROLES, what they are for. Each operation is one FLOP.
    """

    kind: str
    role: str
    formula: Formula


class Cost(NamedTuple):
    """The cost of one run of a node: multiply-accumulates of contractions, and elementwise operations."""

    macs: Formula = Formula()
    work: tuple[Work, ...] = ()

    @property
    def flops(self) -> Dim:
        """2 × MACs + elementwise operations."""
        result: Dim = 2 * self.macs.value
        for work in self.work:
            result = result + work.formula.value
        return result


KINDS = ("add", "multiply", "compare", "divide", "exp", "transcendental")
"""add counts subtractions too; compare counts min, max and selections (a ReLU is one); transcendental is every other
function of a number: log, tanh, erf, sqrt, sigmoid, power."""

OPERATION_PHRASES = {
    "add": "additions each",
    "multiply": "multiplications each",
    "compare": "comparisons each",
    "divide": "divisions each",
    "exp": "exponentials each",
    "transcendental": "transcendentals each",
}

ROLES = ("bias", "normalization", "activation", "elementwise", "pooling", "reduction", "softmax", "quantization")

NO_COST = Cost()


def product_factor(name: str, *factors: tuple[str, Dim]) -> Factor:
    """A factor that is itself a product: product_factor("#filter params", ("C_in", 3), ("k_h", 3))."""
    result: Dim = 1
    for _, value in factors:
        result = result * value
    return Factor(name, result, tuple(Factor(n, v) for n, v in factors))


def product(*factors: tuple[str, Dim] | Factor, name: str = "") -> Product:
    """A product of (name, value) pairs or Factors."""
    return Product(tuple(f if isinstance(f, Factor) else Factor(*f) for f in factors), name)


def formula(*factors: tuple[str, Dim] | Factor) -> Formula:
    """A formula of one product."""
    return Formula((product(*factors),))


def sum_of_products(*terms: Product) -> Formula:
    """A formula of several products."""
    return Formula(terms)


def contraction(*factors: tuple[str, Dim] | Factor, bias: Dim = 0) -> Cost:
    """A cost of one product of MACs, and `bias` additions."""
    return Cost(formula(*factors), elementwise_work("add", "bias", bias, 1) if bias != 0 else ())


def elementwise_work(
    kind: str, role: str, elements: Dim, per_element: int = 1, element_name: str = "#elements"
) -> tuple[Work, ...]:
    """`per_element` operations of one kind per element; () where there are none."""
    if not per_element:
        return ()
    factors = (
        (Factor(element_name, elements),)
        if per_element == 1
        else (Factor(element_name, elements), Factor(OPERATION_PHRASES[kind], per_element))
    )
    return (Work(kind, role, Formula((Product(factors),))),)
