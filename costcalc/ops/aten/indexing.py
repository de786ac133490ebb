"""ATen's operators that move elements, or write them by index or mask, and have no counterpart in ONNX; Fourier
transforms of complex numbers.

Their types are those of the exported program, so that no shape rule is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Product, Work, elementwise_work, product, sum_of_products
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, describe, free
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.aten import ATEN
from costcalc.ops.common.lookup import count_strided

free("view_dtype", domain=ATEN, view=True)

MOVES = {
    "roll": "Elements that leave an axis at its end enter at its start.",
    "repeat_interleave": "Each element is repeated in its place, as often as a tensor says.",
    "diagonal": "The diagonal of each matrix.",
    "diag": "The diagonal of a matrix, or a matrix with this diagonal.",
    "diagflat": "A matrix with this diagonal.",
    "diag_embed": "Matrices with these diagonals.",
    "fill_diagonal": "One value is written over the diagonal.",
    "cartesian_prod": "All tuples of the elements of vectors.",
    "combinations": "All tuples of different elements of a vector.",
    "block_diag": "A matrix with these blocks along its diagonal.",
    "unfold": "Windows of an axis, which overlap where the step is shorter.",
    "as_strided": "Elements at the places that strides say.",
    "narrow": "A range of an axis, from a place that a tensor holds.",
    "index": "Elements at the places that indices and masks name.",
    "index_copy": "Slices are written at the places that indices name.",
    "index_fill": "One value is written at the places that indices name.",
    "slice_scatter": "A source is written over a slice of a copy.",
    "select_scatter": "A source is written over a slice of a copy.",
    "diagonal_scatter": "A source is written over the diagonals of a copy.",
    "as_strided_scatter": "A source is written over places of a copy.",
    "vmap_element": "One element of an axis that torch.vmap runs over.",
    "vmap_stack": "What torch.vmap gives for each element, along an axis.",
}
"""Operators that move elements and compute nothing -> what they do."""

free(*MOVES, domain=ATEN)

for _operator, _sentence in MOVES.items():
    describe(_sentence, _operator, domain=ATEN)

traits(*MOVES, domain=ATEN, positions="lost", keeps="nothing")

traits("index", "index_copy", "repeat_interleave", "narrow", domain=ATEN, keeps="indices")

traits("diagonal", "as_strided", "narrow", "index", "vmap_element", domain=ATEN, reads="part")

free("write", domain=ATEN, view=True)


@least_work_rule("as_strided", domain=ATEN)
def strided_least_work(use: OperatorUse) -> LeastWork:
    """An element that several places name is read once."""
    return LeastWork(0, {0: count_strided(use.attributes.get("size", (0,)), use.attributes.get("stride", (0,)))})


@least_work_rule("index", domain=ATEN)
def index_least_work(use: OperatorUse) -> LeastWork:
    """Everything: a mask that comes at run time may hold nowhere."""
    return LeastWork(0, {0: 0})


describe("A part of a tensor is written in place.", "write", domain=ATEN)

traits("write", domain=ATEN, positions="lost", keeps="nothing")

traits(
    "scatter_reduce",
    "index_add",
    "index_reduce",
    "index_put",
    "masked_scatter",
    "masked_index",
    "masked_index_put_accumulate",
    domain=ATEN,
    positions="lost",
    keeps="indices",
)

traits("nonzero", "nonzero_static", domain=ATEN, positions="lost", keeps="nothing")

REDUCTIONS = {"add": "add", "sum": "add", "mean": "add", "prod": "multiply", "amax": "compare", "amin": "compare"}

describe("Values are combined with those at the places that indices name.", "scatter_reduce", domain=ATEN)

describe("Slices are combined with those that indices name.", "index_add", "index_reduce", domain=ATEN)


@cost_rule("scatter_reduce", "index_add", "index_reduce", domain=ATEN)
def reduction_cost(
    x: TensorType, index: TensorType, source: TensorType, *, reduction: str, scaled: int = 0, out: TensorType
) -> Cost:
    """One operation of the reduction per element of the source, and a multiplication where it is scaled; a mean counts
    them too: another addition per element, and one division per output."""
    kind = REDUCTIONS.get(reduction)
    if kind is None:
        raise ShapeError(f"the reduction is {reduction!r}", f"use {', '.join(REDUCTIONS)}")
    is_mean = reduction == "mean"
    work = elementwise_work(kind, "elementwise", source.elements, 1 + is_mean, "#source elements")
    if scaled:
        work += elementwise_work("multiply", "elementwise", source.elements, 1, "#source elements")
    if is_mean:
        work += elementwise_work("divide", "elementwise", out.elements)
    return Cost(work=work)


describe("Values are written, or added, at the places that indices and masks name.", "index_put", domain=ATEN)


@cost_rule("index_put", domain=ATEN)
def index_put_cost(x: TensorType, values: TensorType, *places: TensorType, accumulate: int = 0) -> Cost:
    """One comparison per element of a mask; where values are added, one addition per value: a lower bound for values
    that are broadcast."""
    masks = sum([t.elements for t in places if t.dtype in (DType.BOOL, DType.UINT8)])
    work = elementwise_work("compare", "elementwise", masks, 1, "#mask elements")
    if accumulate:
        work += elementwise_work("add", "elementwise", values.elements, 1, "#values")
    return Cost(work=work)


describe("The elements at which a mask holds are those of a source, in order.", "masked_scatter", domain=ATEN)

describe("The places of the elements that are not 0.", "nonzero", "nonzero_static", domain=ATEN)


@cost_rule("nonzero", "nonzero_static", domain=ATEN)
def nonzero_cost(x: TensorType) -> Cost:
    """One comparison per element of the input."""
    return Cost(work=elementwise_work("compare", "elementwise", x.elements))


@cost_rule("masked_scatter", domain=ATEN)
def masked_scatter_cost(x: TensorType, mask: TensorType, source: TensorType) -> Cost:
    """One comparison per element of the mask."""
    return Cost(work=elementwise_work("compare", "elementwise", mask.elements, 1, "#mask elements"))


describe("Elements at places that indices name, where a mask holds.", "masked_index", domain=ATEN)

describe(
    "Values are added at places that indices name, where a mask holds.", "masked_index_put_accumulate", domain=ATEN
)


@cost_rule("masked_index", domain=ATEN)
def masked_index_cost(x: TensorType, mask: TensorType, *places: TensorType, out: TensorType) -> Cost:
    """One selection per output: the element or the filling."""
    return Cost(work=elementwise_work("compare", "elementwise", out.elements))


@cost_rule("masked_index_put_accumulate", domain=ATEN)
def masked_index_put_cost(x: TensorType, mask: TensorType, *places: TensorType) -> Cost:
    """One selection and one addition per value, which stand last."""
    values = places[-1].elements
    work = elementwise_work("compare", "elementwise", values, 1, "#values")
    return Cost(work=work + elementwise_work("add", "elementwise", values, 1, "#values"))


traits("fft", "stft", "istft", domain=ATEN, positions="mixed", keeps="nothing")

describe("A signal is taken apart into frequencies along some axes, or put together again.", "fft", domain=ATEN)

describe("Windows of a signal are taken apart into frequencies.", "stft", domain=ATEN)

describe("A signal is put together from the frequencies of its windows.", "istft", domain=ATEN)

COMPLEX = (DType.COMPLEX64, DType.COMPLEX128)


@cost_rule("fft", domain=ATEN)
def fft_cost(x: TensorType, *, kind: str, axes: Sequence[int], lengths: Sequence[Dim], out: TensorType) -> Cost:
    """By its definition, axis by axis, a sum over n samples: per real output n × (1 for a real input, 2 for a complex
    one) multiplications and as many additions. Of real signals half of the bins are computed, n // 2 + 1, and the last
    axis is transformed first, or last by the inverse. A fast Fourier transform does less; no MACs are counted."""
    assert out.shape is not None
    terms = []
    last = axes[-1]
    bins = out.shape[last] // 2 + 1
    others = prod([d for i, d in enumerate(out.shape) if i != last])
    for axis, n in zip(axes, lengths, strict=True):
        outputs, samples = 2 * out.elements, 2 * n
        if kind == "inverse":
            outputs, samples = (out.elements, 2 * bins) if axis == last else (2 * others * bins, samples)
        elif axis == last and kind in ("real", "widened"):
            samples = n
        terms.append(product(("#real outputs", outputs), ("#terms", samples), name=f"axis {axis}"))
    return _sum_cost(*terms)


def _sum_cost(*terms: Product) -> Cost:
    sums = sum_of_products(*terms)
    return Cost(work=(Work("multiply", "elementwise", sums), Work("add", "elementwise", sums)))


@cost_rule("stft", domain=ATEN)
def stft_cost(x: TensorType, window: TensorType | None = None, *, n_fft: int, out: TensorType) -> Cost:
    """By its definition, a sum over the samples of a frame: per real output n_fft × (1 for a real signal, 2 for a
    complex one) multiplications and as many additions; 1 multiplication per windowed sample. A fast Fourier transform
    does less; no MACs are counted."""
    assert out.shape is not None
    shape = out.shape if out.dtype in COMPLEX else out.shape[:-1]
    parts = 2 if x.dtype in COMPLEX else 1
    cost = _sum_cost(product(("#real outputs", 2 * prod(shape)), ("#terms", n_fft * parts)))
    samples = prod(shape[:-2]) * shape[-1] * n_fft * parts
    windowed = elementwise_work("multiply", "elementwise", samples, 1, "#windowed samples")
    return cost._replace(work=cost.work + (windowed if window is not None else ()))


@cost_rule("istft", domain=ATEN)
def istft_cost(x: TensorType, window: TensorType | None = None, *, n_fft: int, out: TensorType) -> Cost:
    """By its definition, per sample of a frame a sum over its bins, 2 multiplications and 2 additions each; 1
    multiplication by the window and 1 addition into the signal; per output 1 division by the sum of the squared
    windows. A fast Fourier transform does less; no MACs are counted."""
    assert x.shape is not None
    shape = x.shape if x.dtype in COMPLEX else x.shape[:-1]
    samples = prod(shape[:-2]) * shape[-1] * n_fft
    cost = _sum_cost(product(("#samples of frames", samples), ("#terms", 2 * shape[-2])))
    frames = elementwise_work("multiply", "elementwise", samples, 1, "#windowed samples")
    frames += elementwise_work("add", "elementwise", samples, 1, "#windowed samples")
    return cost._replace(work=cost.work + frames + elementwise_work("divide", "elementwise", out.elements))
