"""Graph → the same graph as if its weights were stored, or its values computed, in another precision.

Weights are the parameters of costcalc.graph.parameters (float and quantised ones, with biases and the scales of
normalisations) and the float buffers: running statistics of BatchNormalization and quantisation scales. A node that
reshapes or transposes a weight keeps the weight's precision. Tensors whose bytes hold packed values (MatMulNBits) are
quantised by their operator and stay. Scales and zero points of a narrower type are not added.

Activations are the float graph inputs, the float values computed at run time, and the float constants that they are
computed with. Integers (ids, shapes, quantised values), booleans and strings always stay.

No rule is applied again: shapes, and so MACs, do not depend on the precision.
"""

from __future__ import annotations

from costcalc.core.errors import UsageError
from costcalc.core.ir import DTYPES, DType, Graph, SequenceType, TensorType
from costcalc.core.traits import traits_of
from costcalc.graph.parameters import find_stored_tensors

PRECISIONS = (
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "float8e4m3fn",
    "float8e5m2",
    "float4e2m1",
    "int16",
    "int8",
    "uint8",
    "int4",
    "uint4",
    "int2",
)
"""The precisions that weights and activations can be converted to."""

DTYPE_ALIASES = {"fp64": "float64", "fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "fp8": "float8e4m3fn"}
"""Other names of them."""


def normalise_dtype(name: str) -> str:
    """A name of a precision -> its full name in small letters: FP16 becomes float16; any other name only loses its
    capitals."""
    return DTYPE_ALIASES.get(name.lower(), name.lower())


def convert(graph: Graph, weights: DType | None = None, activations: DType | None = None) -> Graph:
    """The graph as if its weights were stored, and its activations computed, in these types; None leaves them as they
    are."""
    if weights is None and activations is None:
        return graph
    packed = frozenset[str]()
    learned, buffers = set[str](), set[str]()
    for item in find_stored_tensors(graph):
        if item.kind == "param" and item.values != item.type.elements and not item.type.dtype.is_float:
            packed |= {item.name}
        elif item.kind == "param":
            learned.add(item.name)
        elif item.kind == "buffer":
            buffers.add(item.name)
    as_weights = _views_of(graph, learned)
    types: dict[str, TensorType] = {}
    for name, type_ in graph.types.items():
        if name in packed:
            types[name] = type_
        elif name in as_weights or name in buffers:
            types[name] = (
                type_ if weights is None or not _is_convertible(type_, name in learned) else _with_dtype(type_, weights)
            )
        else:
            types[name] = (
                type_ if activations is None or not _is_convertible(type_, False) else _with_dtype(type_, activations)
            )
    quantised = [n for n, type_ in types.items() if graph.types[n].dtype.is_float and not type_.dtype.is_float]
    return graph._replace(
        types=types,
        quantised=graph.quantised.union(quantised),
        initializers={name: types[name] for name in graph.initializers},
        stored_formats=graph.stored_formats if weights is None else {},
        flat=None if graph.flat is None else graph.flat._replace(is_as_stored=False),
        parameters=graph.parameters | learned | packed,
        notes=(*graph.notes, *_make_notes(weights, activations, len(packed))),
        settings={**graph.settings, **_dtype_settings(weights, activations)},
    )


def parse_dtype(name: str | None) -> DType | None:
    """The name of a precision -> its DType, None for None. UsageError for an unknown name."""
    if name is not None and name not in PRECISIONS:
        raise UsageError(f"{name!r} is no element type", f"use one of {', '.join(PRECISIONS)}")
    return None if name is None else DTYPES[name]


def _views_of(graph: Graph, learned: set[str]) -> set[str]:
    """The parameters, and what only reshapes or transposes one."""
    names = set(learned)
    for node in graph.nodes:
        if traits_of(node).passes_on == "same" and node.inputs[0] in names:
            names.update(node.outputs)
    return names


def _is_convertible(type_: TensorType, learned: bool) -> bool:
    return type_.dtype.is_float or (learned and type_.dtype.is_integer)


def _with_dtype(type_: TensorType, dtype: DType) -> TensorType:
    if isinstance(type_, SequenceType) and type_.value is not None:
        items = tuple(_with_dtype(item, dtype) if _is_convertible(item, False) else item for item in type_.value)
        return SequenceType(dtype, type_.shape, items)
    return type_._replace(dtype=dtype)


def _dtype_settings(weights: DType | None, activations: DType | None) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in (("dtype", weights), ("act_dtype", activations)) if dtype is not None}


def _make_notes(weights: DType | None, activations: DType | None, packed_count: int) -> tuple[str, ...]:
    notes = []
    if weights is not None:
        packed = (
            f"; {packed_count} packed {'tensor stays' if packed_count == 1 else 'tensors stay'} as stored"
            if packed_count
            else ""
        )
        notes.append(f"weights as if {weights}{packed}")
    if activations is not None:
        notes.append(f"activations as if {activations}")
    return tuple(notes)
