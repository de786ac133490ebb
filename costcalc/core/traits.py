"""(domain, op_type) -> the operator's Traits: kind, weights, layout, and what fusion, training and comparison rely on.

They are declared once, beside the operator's rules.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from costcalc.core.dim import Dim
from costcalc.core.formula import Formula
from costcalc.core.ir import TensorType

Key = tuple[str, str]
"""(domain, op_type)."""

Positions = tuple[int, ...]
"""Positions among an operator's inputs."""

Sides = tuple[Positions, Positions]
"""The inputs that the left and the right side of a contraction are computed from."""

Attributes = Mapping[str, Any]

Kind = Literal[
    "",
    "convolution",
    "transposed_convolution",
    "deformable_convolution",
    "causal_convolution",
    "product",
    "attention",
    "experts",
    "recurrent",
    "pool",
    "global_pool",
    "normalisation",
    "activation",
    "transpose",
    "lookup",
]

Layout = Literal["", "channels_first", "channels_last", "length_first"]

FilterOrder = Literal["", "outputs_first", "depthwise", "kernel_first"]
"""How the filters of a convolution are stored: as ONNX's, [filters, *kernel, C], [1, *kernel, filters], or
[*kernel, C, filters]."""


class Contraction(NamedTuple):
    """MACs of one product, and the positions of the inputs that each of its sides is computed from."""

    macs: Dim
    left: Positions
    right: Positions


GradientRule = Callable[[Formula, Sequence[TensorType | None], Attributes], tuple[Contraction, ...]]


class OperatorUse(NamedTuple):
    """A node that is asked for its least work: its MACs by the definition, the types of its inputs, its attributes, and
    the positions of those of its outputs that are needed."""

    macs: Formula
    types: Sequence[TensorType | None]
    attributes: Attributes
    outputs: frozenset[int]

    def input(self, position: int) -> TensorType | None:
        """The type of an input; None where it is absent."""
        return self.types[position] if position < len(self.types) else None


class LeastWork(NamedTuple):
    """What one run of a node cannot leave out. macs are the MACs that its outputs depend on; reads and writes are the
    elements that it must read of an input and write of an output, by position (all of one that is not named); unused
    are inputs that the needed outputs do not depend on, whatever the inputs hold."""

    macs: Dim
    reads: Mapping[int, Dim] = {}
    writes: Mapping[int, Dim] = {}
    unused: frozenset[int] = frozenset()


LeastWorkRule = Callable[[OperatorUse], LeastWork]


RegionRule = Callable[[Sequence[TensorType | None], Attributes], tuple[range, ...] | None]


class CacheSlot(NamedTuple):
    """An input of a node that holds what it keeps of earlier tokens: its position, its name and its type. What a pass
    adds stands in the input `new` (keys, values, latents of the new tokens); where the node rewrites all of it instead
    (a recurrent state), in the output `present`, and the length of `new` counts the tokens."""

    position: int
    name: str
    type: TensorType
    new: int
    present: int | None = None


CacheRule = Callable[[Sequence[TensorType | None], Attributes, Dim], tuple[CacheSlot, ...]]
"""(input types without a cache, attributes, number of earlier tokens) -> what the node keeps of them."""


class HeadInputs(NamedTuple):
    """How an attention divides into heads: the axes of its inputs along which query heads stand, and those of key and
    value heads, by position (an input in neither is common to all heads); and the attributes that count them."""

    query: Mapping[int, int]
    kv: Mapping[int, int]
    query_attribute: str = "q_num_heads"
    kv_attribute: str = "kv_num_heads"


class PackedInputs(NamedTuple):
    """Stored inputs whose elements hold several values, or parts of one. values: (its type, attributes) -> how many
    values it holds; bits: attributes -> the bits of a value, None where the operator does not multiply with them."""

    inputs: frozenset[int]
    values: Callable[[TensorType, Attributes], Dim]
    bits: Callable[[Attributes], int] | None = None


class Traits(NamedTuple):
    """What an operator is; the defaults say of an unknown one as little as is known.

    kind             what it is called in the field; it implies layout, positions and fusion (KIND_DEFAULTS)
    counterpart      ONNX's operator that computes the same, of one of another format or of a special case ("": none)
    factors          the two inputs that it multiplies; of a convolution or a product the second is the weight
                     ([filters, C/group, *kernel], transposed [C, filters/group, *kernel]; [K, N])
    filters          the order in which the filters are stored, where it is not ONNX's
    bias             the position of an input that is added to the result
    weights, buffers inputs that are parameters (a float constant there is one), and inputs that are stored, not learned
                     (running statistics, scales, zero points)
    packed           inputs with several values an element
    derived          attributes that say how a weight is stored, or repeat an extent that is read
    arithmetic       what it does to two tensors, element by element
    in_place         it reads an element and writes it at the same place, so that it can write over an input
    view             its first output shares the first input's memory
    passes_on        its output has all the values of the first input: the same in another shape or order, in another
                     type (converted), or as the numbers that they stand for (dequantised)
    rearranges       its outputs have no other elements than its first input, in other shapes
    random           its output differs from run to run, so that it is no constant where its inputs are
    reads            how much of its first input it reads: all, as much as it gives, or only its shape
    region           (input types, attributes) -> the indexes of each axis of its first input that it reads; None where
                     they are not known
    layout           the order of the first input's axes: [N, C, …], [N, …, C] or [length, N, C]
    positions        whether each output sees what stands at its own place (kept; a window beside it), all places
                     (mixed), or places that are not followed (lost)
    fusion           whether a fused step begins with it, or whether it joins one that gives its first input; what
                     works in place joins as well
    quantises_input  the type that it makes its first input before it multiplies; int8 only where its weights are
                     integers and that input is not
    straight_through it computes with integers that stand for floats, and training takes the gradients of those
                     (arXiv:1308.3432)
    monotone, non_negative   of each element: it never falls where the input grows; it is never below 0
    causal           attributes -> whether an attention masks what comes later
    heads            how an attention divides into heads; None: not known
    cuts_axis        attributes -> the axis along which its outputs are parts of its first input
    caches           what it keeps of earlier tokens, and the inputs that take it
    routed           of a mixture of experts, the inputs with one slice an expert, and the attribute that says how many
                     experts a token goes to
    lengths          (input, n): the input that holds the number of keys of each text, less n
    least_work       what an implementation may skip, as the work that is left; None: nothing
    gradient         its contractions, for the backward pass; None: not known
    keeps            what the backward pass keeps of it where it is no contraction (a contraction keeps its sides, and
                     with "output" also that): its float inputs, its output, its integer inputs (indices), a mask, the
                     first input and the place of each maximum, or nothing
    statistics       (first input, attributes) -> numbers that a normalisation keeps for the backward pass
    states           numbers that a recurrent layer keeps for each step and hidden unit
    sentence         what it does, in words
    """

    kind: Kind = ""
    counterpart: str = ""
    factors: tuple[int, int] = (0, 1)
    filters: FilterOrder = ""
    bias: int | None = None
    weights: frozenset[int] = frozenset()
    buffers: frozenset[int] = frozenset()
    packed: PackedInputs | None = None
    derived: frozenset[str] = frozenset()
    arithmetic: Literal["", "add", "subtract", "multiply", "divide"] = ""
    in_place: bool = False
    view: bool = False
    passes_on: Literal["", "same", "converted", "dequantised"] = ""
    rearranges: bool = False
    random: bool = False
    reads: Literal["all", "part", "shape"] = "all"
    region: RegionRule | None = None
    layout: Layout = ""
    positions: Literal["kept", "mixed", "lost"] = "kept"
    fusion: Literal["", "begins", "joins"] = ""
    quantises_input: Literal["", "uint8", "int8"] = ""
    straight_through: bool = False
    monotone: bool = False
    non_negative: bool = False
    causal: Callable[[Attributes], bool] | None = None
    heads: HeadInputs | None = None
    cuts_axis: Callable[[Attributes], int] | None = None
    caches: CacheRule | None = None
    routed: tuple[frozenset[int], str] | None = None
    lengths: tuple[int, int] | None = None
    least_work: LeastWorkRule | None = None
    gradient: GradientRule | None = None
    keeps: Literal["inputs", "output", "indices", "mask", "maxima", "nothing"] = "inputs"
    statistics: Callable[[TensorType, Attributes], Dim] | None = None
    states: int = 0
    sentence: str = ""

    def layout_of(self, attributes: Attributes) -> Layout:
        """The layout of a node with these attributes: the attribute `channels_last` decides where the node has it."""
        if "channels_last" in attributes:
            return "channels_last" if attributes["channels_last"] else "channels_first"
        return self.layout

    def filter_shape(self, shape: Sequence[Dim]) -> tuple[Dim, ...]:
        """The shape of a convolution's filters as stored -> in ONNX's order: [filters, C/group, *kernel], transposed
        [C, filters/group, *kernel]."""
        if not self.filters or len(shape) < 3:
            return tuple(shape)
        if self.filters == "kernel_first":
            return (shape[-1], shape[-2], *shape[:-2])
        if self.filters == "depthwise":
            return (shape[-1], shape[0], *shape[1:-1])
        ends = (shape[0], shape[-1])
        return (*(ends[::-1] if self.kind == "transposed_convolution" else ends), *shape[1:-1])


UNKNOWN_TRAITS = Traits()
"""The traits of an operator without a declaration."""

TRAITS: dict[Key, Traits] = {}

KIND_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "convolution": {"layout": "channels_first", "fusion": "begins"},
    "transposed_convolution": {"layout": "channels_first", "fusion": "begins"},
    "deformable_convolution": {"layout": "channels_first"},
    "product": {"positions": "mixed", "fusion": "begins"},
    "attention": {"positions": "mixed"},
    "recurrent": {"positions": "mixed", "layout": "length_first"},
    "pool": {"layout": "channels_first"},
    "global_pool": {"positions": "mixed", "layout": "channels_first"},
}
"""The traits that a kind implies, where a declaration does not set them."""


class Operator(Protocol):
    """Anything with a domain and an op_type: a node, a row of a report, a layer of a snapshot."""

    @property
    def domain(self) -> str: ...

    @property
    def op_type(self) -> str: ...


def traits_of(operator: Operator) -> Traits:
    """The traits of a node's operator; UNKNOWN where none are declared."""
    return TRAITS.get((operator.domain, operator.op_type), UNKNOWN_TRAITS)


def traits(*op_types: str, domain: str = "", **fields: Any) -> None:
    """Declares traits of operators (the fields of Traits), beside those that are declared of them already."""
    implied = dict(KIND_DEFAULTS.get(fields.get("kind", ""), {}))
    if fields.get("view"):
        implied["keeps"] = "nothing"
    changes = {**implied, **fields}
    before = after = UNKNOWN_TRAITS
    for name in op_types:
        declared = TRAITS.get((domain, name), UNKNOWN_TRAITS)
        if declared is not before or after is UNKNOWN_TRAITS:
            before, after = (
                declared,
                Traits(**changes) if declared is UNKNOWN_TRAITS else Traits(**{**declared._asdict(), **changes}),
            )
        TRAITS[domain, name] = after


def contraction_gradient(*sides: Sides) -> GradientRule:
    """The gradient rule of operators whose formula always has the same products: sides are those of each product, in
    order."""

    def rule(formula: Formula, types: Sequence[TensorType | None], attributes: Attributes) -> tuple[Contraction, ...]:
        return tuple(Contraction(term.value, *pair) for term, pair in zip(formula.terms, sides, strict=True))

    return rule


PRODUCT_GRADIENT = contraction_gradient(((0,), (1,)))
"""The gradient rule of one product of the first two inputs."""


def gradient_rule(*op_types: str, domain: str = "") -> Callable[[GradientRule], GradientRule]:
    """Registers a function (cost formula, input types, attributes) -> the contractions of operators."""

    def register(rule: GradientRule) -> GradientRule:
        traits(*op_types, domain=domain, gradient=rule)
        return rule

    return register


def cache_rule(*op_types: str, domain: str = "") -> Callable[[CacheRule], CacheRule]:
    """Registers a function (input types, attributes, earlier tokens) -> the slots that operators keep them in."""

    def register(rule: CacheRule) -> CacheRule:
        traits(*op_types, domain=domain, caches=rule)
        return rule

    return register


def least_work_rule(*op_types: str, domain: str = "") -> Callable[[LeastWorkRule], LeastWorkRule]:
    """Registers a function OperatorUse -> LeastWork of operators; its docstring says what an implementation may skip
    (docs/explanation/bounds.md quotes it)."""

    def register(rule: LeastWorkRule) -> LeastWorkRule:
        traits(*op_types, domain=domain, least_work=rule)
        return rule

    return register
