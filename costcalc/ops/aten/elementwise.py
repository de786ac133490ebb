"""ATen's functions, complex numbers, selections and random numbers without a counterpart in ONNX (domain `aten`)."""

from __future__ import annotations

from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, free
from costcalc.core.traits import traits
from costcalc.ops.aten import ATEN
from costcalc.ops.reduce import combination_work

ARITHMETIC = ("atan2", "copysign", "heaviside", "igamma", "igammac", "nextafter", "special_zeta")
"""Operators of two numbers without a short formula in ONNX's operators."""

SPECIAL_FUNCTIONS = (
    "digamma",
    "erfinv",
    "i0",
    "lgamma",
    "mvlgamma",
    "polygamma",
    "sinc",
    "special_airy_ai",
    "special_bessel_j0",
    "special_bessel_j1",
    "special_bessel_y0",
    "special_bessel_y1",
    "special_entr",
    "special_erfcx",
    "special_i0e",
    "special_i1",
    "special_i1e",
    "special_log_ndtr",
    "special_modified_bessel_i0",
    "special_modified_bessel_i1",
    "special_modified_bessel_k0",
    "special_modified_bessel_k1",
    "special_ndtr",
    "special_ndtri",
    "special_scaled_modified_bessel_k0",
    "special_scaled_modified_bessel_k1",
    "special_spherical_bessel_j0",
)
"""Functions of one number without a formula in ONNX's operators."""

FUNCTIONS = (
    "atan2",
    "complex_angle",
    "igamma",
    "igammac",
    "kaiser_window",
    "logspace",
    "special_zeta",
    *SPECIAL_FUNCTIONS,
)

CHOICES = ("bartlett_window", "bernoulli", "copysign", "heaviside", "nextafter")

traits(*FUNCTIONS, *CHOICES, domain=ATEN, in_place=True)

describe("Computes a function of each element.", *FUNCTIONS, domain=ATEN)

describe("Compares each element, or draws it by a comparison.", *CHOICES, domain=ATEN)


describe("Shifts the bits of each number, its sign kept.", "bitwise_right_shift", domain=ATEN)

describe("A window function, a sum of cosines.", "hamming_window", domain=ATEN)


@cost_rule("bitwise_right_shift", domain=ATEN)
def shift_cost(a: TensorType, b: TensorType, *, out: TensorType) -> Cost:
    """One operation per output element, a multiplication."""
    return Cost(work=elementwise_work("multiply", "elementwise", out.elements))


@cost_rule("hamming_window", domain=ATEN)
def window_cost(*, out: TensorType) -> Cost:
    """Per element one cosine, one multiplication, one addition."""
    return Cost(work=_sum_work((("transcendental", 1), ("multiply", 1), ("add", 1)), out, "elementwise", "#elements"))


@cost_rule(*FUNCTIONS, domain=ATEN)
def function_cost(*inputs: TensorType, out: TensorType) -> Cost:
    """One operation per output element, a transcendental."""
    return Cost(work=elementwise_work("transcendental", "elementwise", out.elements))


@cost_rule(*CHOICES, domain=ATEN)
def choice_cost(*inputs: TensorType, out: TensorType) -> Cost:
    """One comparison per output element."""
    return Cost(work=elementwise_work("compare", "elementwise", out.elements))


COMPLEX = {
    "complex_abs": (("multiply", 2), ("add", 1), ("transcendental", 1)),
    "complex_add": (("add", 2),),
    "complex_div": (("multiply", 6), ("add", 3), ("divide", 2)),
    "complex_equal": (("compare", 2),),
    "complex_exp": (("exp", 1), ("transcendental", 2), ("multiply", 2)),
    "complex_function": (("transcendental", 2), ("multiply", 2)),
    "complex_mul": (("multiply", 4), ("add", 2)),
    "complex_neg": (("add", 2),),
    "complex_reciprocal": (("multiply", 2), ("add", 2), ("divide", 2)),
    "conjugate": (("add", 1),),
    "polar": (("transcendental", 2), ("multiply", 2)),
}
"""Operator of complex numbers -> operations on real ones for each element of the output."""

traits(*COMPLEX, domain=ATEN, in_place=True)

traits("complex_mul", domain=ATEN, arithmetic="multiply")

traits("complex_div", domain=ATEN, arithmetic="divide")

describe(
    "Computes with complex numbers, element by element, as so many operations on real ones.", *COMPLEX, domain=ATEN
)


def _sum_work(operations: tuple[tuple[str, int], ...], t: TensorType, role: str, name: str) -> tuple[Work, ...]:
    return sum((elementwise_work(kind, role, t.elements, count, name) for kind, count in operations), ())


def _register_complex(name: str, operations: tuple[tuple[str, int], ...]) -> None:
    @cost_rule(name, domain=ATEN)
    def complex_cost(*inputs: TensorType, out: TensorType) -> Cost:
        """Per output element: a sum two additions; a product four multiplications and two additions; a quotient six
        multiplications, three additions and two divisions; a reciprocal two of each; a magnitude two multiplications,
        one addition and a root; an exponential one exponential, a sine, a cosine and two multiplications, as other
        functions with two transcendentals; polar a sine, a cosine and two multiplications; a conjugate one addition."""
        return Cost(work=_sum_work(operations, out, "elementwise", "#elements"))


for _name, _operations in COMPLEX.items():
    _register_complex(_name, _operations)


describe("Sums or averages complex numbers along axes.", "complex_sum", "complex_mean", domain=ATEN)

traits("complex_sum", "complex_mean", domain=ATEN, positions="mixed", keeps="nothing")


@cost_rule("complex_sum", "complex_mean", domain=ATEN)
def complex_sum_cost(x: TensorType, *, out: TensorType) -> Cost:
    """2 · (#inputs − #outputs) additions; the division of a mean is not counted apart from them."""
    one = combination_work("add", "reduction", x, out).work
    return Cost(work=one + one)


free("view_as_complex", "view_as_real", "real", "imag", domain=ATEN, view=True)

free("complex", "complex_cast", domain=ATEN)

describe("Complex numbers from pairs, or their parts: no arithmetic.", "view_as_complex", "view_as_real", domain=ATEN)

describe(
    "Parts of complex numbers, or complex numbers from them: no arithmetic.",
    "real",
    "imag",
    "complex",
    "complex_cast",
    domain=ATEN,
)

CREATED = ("arange", "fft_fftfreq", "fft_rfftfreq", "linspace", "tril_indices", "triu_indices")

DRAWN = ("random", "multinomial")

free(*CREATED, *DRAWN, domain=ATEN)

traits(*DRAWN, "bernoulli", "dropout", "rrelu", domain=ATEN, random=True)

describe("A tensor of numbers that follow one another.", *CREATED, domain=ATEN)

describe("Random numbers; drawing them is no counted arithmetic.", *DRAWN, domain=ATEN)

describe("Sets elements to 0 at random and scales the others, as while training.", "dropout", domain=ATEN)

describe("Gives x where x ≥ 0, else slope · x with a random slope, as while training.", "rrelu", domain=ATEN)

traits("dropout", "rrelu", domain=ATEN, in_place=True, keeps="mask")

traits("rrelu", domain=ATEN, kind="activation")


@cost_rule("dropout", domain=ATEN)
def dropout_cost(x: TensorType, *, out: TensorType) -> Cost:
    """Per element one comparison (whether it stays) and two multiplications (by the mask, by the scale)."""
    return Cost(work=_sum_work((("compare", 1), ("multiply", 2)), out, "elementwise", "#elements"))


@cost_rule("rrelu", domain=ATEN)
def rrelu_cost(x: TensorType, *, out: TensorType) -> Cost:
    """Per element one comparison and one multiplication."""
    return Cost(work=_sum_work((("compare", 1), ("multiply", 1)), out, "activation", "#elements"))


SELECTIONS = (
    "cummax",
    "cummin",
    "kthvalue",
    "median",
    "mode",
    "nanmedian",
    "_unique",
    "_unique2",
    "unique_consecutive",
    "unique_dim",
    "unique_dim_consecutive",
    "where",
)

traits(*SELECTIONS, "quantile", "nanquantile", domain=ATEN, positions="mixed", keeps="indices")

describe("Elements by their rank among others, by their value, or each different one once.", *SELECTIONS, domain=ATEN)

describe("Elements by their rank, with what lies between them.", "quantile", "nanquantile", domain=ATEN)


@cost_rule(*SELECTIONS, domain=ATEN)
def selection_cost(x: TensorType) -> Cost:
    """One comparison per element of the input: a lower bound that no way of sorting or selecting goes below."""
    return Cost(work=elementwise_work("compare", "elementwise", x.elements, 1, "#inputs"))


@cost_rule("quantile", "nanquantile", domain=ATEN)
def quantile_cost(x: TensorType, *, out: TensorType) -> Cost:
    """One comparison per element of the input (a lower bound), and per output element two additions and one
    multiplication between two neighbours."""
    between = _sum_work((("add", 2), ("multiply", 1)), out, "elementwise", "#outputs")
    return Cost(work=elementwise_work("compare", "elementwise", x.elements, 1, "#inputs") + between)


describe("The logarithm of the sum of the exponentials so far.", "logcumsumexp", domain=ATEN)


@cost_rule("logcumsumexp", domain=ATEN)
def logcumsumexp_cost(x: TensorType, *, out: TensorType) -> Cost:
    """Per element one exponential, one addition and one logarithm."""
    return Cost(work=_sum_work((("exp", 1), ("add", 1), ("transcendental", 1)), out, "reduction", "#elements"))


describe("Where each number belongs in a sorted sequence.", "searchsorted", domain=ATEN)

describe("Whether each element is one of several.", "isin", domain=ATEN)

describe("How many elements fall into each bin.", "bincount", "histc", domain=ATEN)


@cost_rule("searchsorted", domain=ATEN)
def search_cost(sequence: TensorType, numbers: TensorType) -> Cost | None:
    """⌈log₂(n + 1)⌉ comparisons for each number, with a sequence of n."""
    n = sequence.shape[-1] if sequence.shape else 1
    if not isinstance(n, int):
        return None
    return Cost(work=elementwise_work("compare", "elementwise", numbers.elements, n.bit_length(), "#numbers"))


@cost_rule("isin", domain=ATEN)
def is_in_cost(elements: TensorType, others: TensorType) -> Cost:
    """One comparison for each pair of an element and one of the others."""
    return Cost(work=elementwise_work("compare", "elementwise", elements.elements * others.elements, 1, "#pairs"))


@cost_rule("bincount", domain=ATEN)
def bincount_cost(x: TensorType, weights: TensorType | None = None) -> Cost:
    """One addition per element of the input."""
    return Cost(work=elementwise_work("add", "elementwise", x.elements, 1, "#inputs"))


@cost_rule("histc", domain=ATEN)
def histc_cost(x: TensorType) -> Cost:
    """Per element of the input a subtraction, a division and a rounding (its bin), and one addition."""
    return Cost(work=_sum_work((("add", 2), ("divide", 1), ("compare", 1)), x, "elementwise", "#inputs"))
