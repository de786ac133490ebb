"""Model of a `.tflite` file -> Graph in the file's own vocabulary (domain `tflite`), channels last as it stands.

All shapes stand in the file. costcalc's own rules infer them again, operator by operator: where they differ, the
operator counts as unknown and a note says so. With `--shape` the rules alone decide, as when the interpreter resizes
its inputs. Of several signatures the first subgraph's is read, unless `--set signature=KEY` names another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from costcalc.core.assumptions import Assumption, collect_assumptions
from costcalc.core.dim import Dim, substitute, symbols
from costcalc.core.errors import UnknownNameError, UsageError, did_you_mean
from costcalc.core.ir import Graph
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.symbols import IMAGE_SYMBOLS, symbolic_shape, unknown_symbol_remedy
from costcalc.frontends.tflite.flat import flatten_model, resize_model
from costcalc.frontends.tflite.model import VERSION, Subgraph, TfliteModel
from costcalc.frontends.tflite.names import unique_names
from costcalc.frontends.tflite.signatures import choose_signature, name_inputs
from costcalc.frontends.tflite.variables import mark_states
from costcalc.frontends.tflite.walker import ModelWalker
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.tflite import TFLITE


def load_model(model: TfliteModel, name: str, source: str, options: ReadOptions) -> Graph:
    """A model -> its graph, its inputs resized as the options say. UnknownNameError for an input or a signature that it
    does not have, UsageError for another number of axes, ShapeError where an operator does not take the new shapes."""
    index, signature, notes = choose_signature(model, options)
    subgraph = model.subgraphs[index]
    builder = GraphBuilder(name, source, {TFLITE: VERSION}, None, options.dims, options.upper)
    names = unique_names([tensor.name for tensor in subgraph.tensors])
    stored_names = list(names)
    if signature is not None:
        name_inputs(names, subgraph, signature)
    shapes = _resize_inputs(subgraph, names, stored_names, options)
    walker = ModelWalker(builder, model, is_resized=bool(shapes))
    assumptions: tuple[Assumption, ...] = ()
    with collect_assumptions() as collected:
        outputs = walker.run(subgraph, names, shapes)
        assumptions = tuple(collected)
    mark_states(builder, walker.variables.values())
    _check_dims(builder, dict(zip(names, stored_names, strict=True)), options)
    builder.notes.extend(notes)
    builder.notes.extend(_quantisation_notes(model))
    builder.notes.extend(_sparsity_notes(model))
    builder.notes.extend(walker.notes())
    graph = builder.build(outputs, assumptions)
    flat = flatten_model(model)
    if index:
        flat = flat._replace(without_arena="the interpreter runs the file's first subgraph, and this is another one's")
    else:
        flat = resize_model(flat, names, graph.types, shapes)
    return graph._replace(quantised=frozenset(walker.quantised), quantisation=walker.quantised, flat=flat)


def _resize_inputs(
    subgraph: Subgraph, names: Sequence[str], stored_names: Sequence[str], options: ReadOptions
) -> dict[str, tuple[Dim, ...]]:
    """The inputs' new shapes by name: shapes gives whole ones, dims single extents by input and axis (`x.0`), symbolic
    opens the batch and the extents of an image. An input may be called by its tensor's name too."""
    inputs = {names[i]: subgraph.tensors[i].type.shape or () for i in subgraph.inputs if i >= 0}
    aliases = {stored_names[i]: names[i] for i in subgraph.inputs if i >= 0}
    shapes: dict[str, tuple[Dim, ...]] = {}
    if options.symbolic:
        shapes = {name: tuple(symbolic_shape(shape, options.dims, "channels_last")) for name, shape in inputs.items()}
    for name, shape in options.shapes.items():
        key = aliases.get(name, name)
        if key not in inputs:
            remedy = did_you_mean(name, inputs) or "it has " + (", ".join(inputs) or "none")
            raise UnknownNameError(f"the model has no input {name!r}", remedy, argument="shapes", name=name)
        if len(shape) != len(inputs[key]):
            raise UsageError(f"--shape {name} has {len(shape)} extents", f"the input has {len(inputs[key])}")
        shapes[key] = tuple([substitute(d, options.dims) for d in shape])
    for alias, name in (*aliases.items(), *zip(inputs, inputs, strict=True)):
        for axis in range(len(inputs[name])):
            value = options.dims.get(f"{alias}.{axis}")
            if value is not None:
                shape = shapes.get(name, inputs[name])
                shapes[name] = (*shape[:axis], value, *shape[axis + 1 :])
    return {name: shape for name, shape in shapes.items() if shape != inputs[name]}


def _check_dims(builder: GraphBuilder, stored_names: Mapping[str, str], options: ReadOptions) -> None:
    """UnknownNameError where dims name neither an axis of an input, nor a symbol of a new shape or one that depends on
    data."""
    inputs = {name: builder.types[name].shape or () for name in builder.inputs}
    axes = [f"{name}.{axis}" for name, shape in inputs.items() for axis in range(len(shape))]
    aliases = [f"{stored_names[name]}.{axis}" for name, shape in inputs.items() for axis in range(len(shape))]
    asked = symbols(*[d for shape in options.shapes.values() for d in shape])
    known = {*axes, *aliases, *asked, *builder.short_names, *builder.data_symbols}
    if options.symbolic:
        known.update(IMAGE_SYMBOLS)
    for key, value in options.dims.items():
        if key not in known:
            choices = [*builder.data_symbols, *axes]
            remedy = did_you_mean(key, choices) or unknown_symbol_remedy(key, value, list(builder.data_symbols), inputs)
            fact = f"--dim names {key!r}, which the model does not have"
            remedy = remedy or "it has " + (", ".join(choices[:8]) or "none")
            raise UnknownNameError(fact, remedy, argument="dims", name=key)


def _quantisation_notes(model: TfliteModel) -> list[str]:
    """What is quantised, in a line: how many tensors of each type, and how many by channel or by block."""
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            if tensor.quantisation is not None and tensor.type.dtype.is_integer:
                counts[tensor.type.dtype.label] += 1
                by_block = tensor.quantisation.is_blockwise
                kinds["block" if by_block else "channel" if tensor.quantisation.scales > 1 else "tensor"] += 1
    if not counts:
        return []
    types = ", ".join(f"{count} {label}" for label, count in sorted(counts.items()))
    scales = ", ".join(f"{count} by {kind}" for kind, count in sorted(kinds.items()))
    return [f"quantised tensors: {types}; scales: {scales}"]


def _sparsity_notes(model: TfliteModel) -> list[str]:
    """How many tensors are stored sparsely, in a line, and how many of their values."""
    sparse = [t for subgraph in model.subgraphs for t in subgraph.tensors if t.sparse is not None]
    if not sparse:
        return []
    elements = sum(t.type.elements for t in sparse if isinstance(t.type.elements, int))
    values = sum(t.sparse.values for t in sparse if t.sparse is not None)
    plural = "s" if len(sparse) > 1 else ""
    return [f"sparse weights: {len(sparse)} tensor{plural}, {values:,} of {elements:,} values stored"]
