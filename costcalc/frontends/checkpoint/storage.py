"""A graph of a configuration, and its weights as files or the configuration store them -> the graph with their formats.

Files decide where they are there: the bytes of each tensor, with scales and zero points. Without them the bytes follow
from the quantisation's description. Parameters stay the model's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.core.budget import spend
from costcalc.core.elision import list_first
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType, Graph, StoredFormat, WarningNote
from costcalc.core.units import format_bytes
from costcalc.frontends.checkpoint.layouts import WeightLayout
from costcalc.frontends.checkpoint.names import ParameterNames
from costcalc.frontends.checkpoint.quantisation import HEADS, QuantisationScheme, parse_quantisation
from costcalc.frontends.checkpoint.safetensors import DTYPES
from costcalc.frontends.checkpoint.tensor import WeightFiles
from costcalc.frontends.checkpoint.weights import StoredWeight, group_weights

SCALE_ENCODINGS = {DType.FLOAT16: "F16", DType.FLOAT32: "F32"}
"""The element type of weights -> that of scales that a tool stores in the model's own; BF16 of all others."""

NAMED = 3
"""Tensors that a note names."""

IGNORED = ("rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias")
"""Ends of the names of tables that older versions of transformers stored, and compute now."""

MISMATCH = "the files are of another model than the configuration: download both again"


class ParameterStorage(NamedTuple):
    """What files have for a parameter: its values (None: not known), its bytes, the names of the formats."""

    values: int | None
    nbytes: int
    labels: tuple[str, ...]


def apply_storage(
    graph: Graph, fields: Mapping[str, Any], config: Mapping[str, Any] | None, files: WeightFiles | None
) -> Graph:
    """The graph of a configuration's fields, how these say that weights are quantised, and the weight files -> the
    graph with the bytes of its weights: the files' if they are there. A quantisation that is not known is named in a
    note where they are not."""
    dtype = next((t.dtype for t in graph.initializers.values() if t.dtype.is_float), DType.BFLOAT16)
    scheme: QuantisationScheme | None = None
    try:
        scheme = parse_quantisation(config, fields, SCALE_ENCODINGS.get(dtype, "BF16")) if config else None
    except LoadError as error:
        note = WarningNote(f"{error.fact}; the weights' bytes are told as if they were {dtype}")
        graph = graph if files is not None else graph._replace(notes=(*graph.notes, note))
    if files is not None:
        return apply_files(graph, files, scheme)
    return graph if scheme is None else apply_scheme(graph, scheme)


def apply_files(graph: Graph, files: WeightFiles, scheme: QuantisationScheme | None) -> Graph:
    """The graph with the bytes that weight files have for its parameters. Tensors that only one of both has are named
    in a note. LoadError where one has other values."""
    weights, cache_scales = group_weights(files.tensors)
    names = ParameterNames(graph.initializers)
    storage: dict[str, ParameterStorage] = {}
    extra: list[tuple[str, int]] = [(tensor.name, tensor.nbytes) for tensor in cache_scales]
    bits = None if scheme is None else scheme.bits
    spend(2 * len(weights))
    for name, weight in weights.items():
        parameters = names.find(name)
        if not parameters:
            extra.append((name, weight.nbytes))
        add_weight(storage, parameters, weight, bits)
    for name, item in storage.items():
        check_values(graph, name, item)
    missing = [name for name in graph.initializers if name not in storage and name in graph.parameters]
    layouts = {} if scheme is None else _scheme_layouts(graph, scheme)
    formats = {name: _file_format(graph, name, item, layouts.get(name)) for name, item in storage.items()}
    return graph._replace(
        stored_formats={name: form for name, form in formats.items() if form is not None},
        notes=(*graph.notes, *files.notes, *difference_notes(graph, extra, missing)),
    )


def add_weight(
    storage: dict[str, ParameterStorage], parameters: Sequence[str], weight: StoredWeight, bits: int | None
) -> None:
    """Counts a weight of a file for the parameters that it holds, each an equal part of it."""
    values, label = weight.values(bits), weight.payload.encoding
    for number, name in enumerate(parameters):
        before = storage.get(name, ParameterStorage(0, 0, ()))
        share = weight.nbytes // len(parameters) + (number < weight.nbytes % len(parameters))
        known = None if values is None or before.values is None else before.values + values // len(parameters)
        labels = before.labels if label in before.labels else (*before.labels, label)
        storage[name] = ParameterStorage(known, before.nbytes + share, labels)


def check_values(graph: Graph, name: str, item: ParameterStorage) -> None:
    elements = graph.types[name].elements
    if item.values is not None and isinstance(elements, int) and item.values != elements:
        fact = f"the files have {item.values:,} values of {name}, the configuration's network {elements:,}"
        raise LoadError(fact, MISMATCH)


def _scheme_layouts(graph: Graph, scheme: QuantisationScheme) -> dict[str, WeightLayout]:
    """How a quantisation stores the parameters of a graph that it quantises."""
    layouts = {name: _layout(scheme, name, shape) for name, shape in _matrix_shapes(graph).items()}
    return {name: layout for name, layout in layouts.items() if layout is not None}


def _layout(scheme: QuantisationScheme, name: str, shape: tuple[int, ...]) -> WeightLayout | None:
    """How a parameter is stored; the first expert stands for all."""
    return scheme.layout_of(name.replace("*", "0"), shape)


def _file_format(graph: Graph, name: str, item: ParameterStorage, layout: WeightLayout | None) -> StoredFormat | None:
    """The format of a parameter in files, called as its quantisation; None where it is its own type."""
    type_ = graph.types[name]
    plain = DTYPES.get(item.labels[0]) if len(item.labels) == 1 else None
    if plain is not None and plain.bits * type_.elements == 8 * item.nbytes:
        return None if plain is type_.dtype else StoredFormat(str(plain), item.nbytes)
    if layout is None:
        return StoredFormat("+".join(item.labels), item.nbytes)
    return StoredFormat(layout.label, item.nbytes, layout.compute_dtype)


def difference_notes(graph: Graph, extra: Iterable[tuple[str, int]], missing: Sequence[str]) -> Iterable[str]:
    """Notes that name the tensors that only the files, or only the graph have."""
    heads = tuple(f"{head}.weight" for head in HEADS)
    unused = [(name, size) for name, size in extra if not name.endswith((*heads, *IGNORED))]
    if unused:
        size = format_bytes(sum([nbytes for _, nbytes in unused]))
        yield WarningNote(f"the files hold what the network does not have, {size}: {_list([n for n, _ in unused])}")
    if missing:
        yield WarningNote(
            f"the files lack parameters of the network, which count in its own type: {_list(list(missing))}"
        )


def _list(names: Sequence[str]) -> str:
    return list_first([name[:120] for name in names], NAMED)


def apply_scheme(graph: Graph, scheme: QuantisationScheme) -> Graph:
    """The graph with the bytes that its parameters have by the description of a quantisation, without files."""
    formats: dict[str, StoredFormat] = {}
    is_exact = True
    for name, shape in _matrix_shapes(graph).items():
        layout = _layout(scheme, name, shape) if name in graph.parameters else None
        if layout is not None:
            formats[name] = StoredFormat(layout.label, layout.nbytes(shape), layout.compute_dtype)
            is_exact = is_exact and layout.exact
    notes = []
    if formats:
        left_out = "" if is_exact else "; without the JSON that bitsandbytes stores for each weight"
        notes.append(f"weights as {scheme.method} stores them, by the configuration; no file was read{left_out}")
    return graph._replace(stored_formats=formats, notes=(*graph.notes, *notes))


def _matrix_shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """A graph -> the shapes of its parameters with outputs before inputs, as files have them: a MatMul's own has them
    the other way. Those that are not known are left out."""
    by_columns = {node.inputs[1] for node in graph.nodes if node.op_type == "MatMul"}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, type_ in graph.initializers.items():
        extents = tuple([extent for extent in type_.shape or () if isinstance(extent, int)])
        if len(extents) == len(type_.shape or ()):
            shapes[name] = extents[::-1] if len(extents) == 2 and name in by_columns else extents
    return shapes
