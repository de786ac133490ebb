"""Model of a `.tflite` file -> Graph in the file's own vocabulary (domain `tflite`), channels last as it stands.

All shapes stand in the file. costcalc's own rules infer them again, operator by operator: where they differ, the
operator counts as unknown and a note says so. With `--shape` the rules alone decide, as when the interpreter resizes
its inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from costcalc.core.assumptions import Assumption, collect_assumptions
from costcalc.core.dim import Dim
from costcalc.core.errors import UnknownNameError, UsageError, did_you_mean
from costcalc.core.ir import Graph
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.tflite.flat import flatten_model, resize_model
from costcalc.frontends.tflite.model import VERSION, Subgraph, TfliteModel
from costcalc.frontends.tflite.names import unique_names
from costcalc.frontends.tflite.walker import DOMAIN, ModelWalker
from costcalc.graph.builder import GraphBuilder


def load_model(model: TfliteModel, name: str, source: str, options: ReadOptions) -> Graph:
    """A model -> its graph, its inputs resized as the options say. UnknownNameError for an input that it does not have,
    UsageError for another number of axes, ShapeError where an operator does not take the new shapes."""
    subgraph = model.subgraphs[0]
    builder = GraphBuilder(name, source, {DOMAIN: VERSION}, None, options.dims, options.upper)
    names = unique_names([tensor.name for tensor in subgraph.tensors])
    shapes = _resize_inputs(subgraph, names, options)
    walker = ModelWalker(builder, model, is_resized=bool(shapes))
    assumptions: tuple[Assumption, ...] = ()
    with collect_assumptions() as collected:
        outputs = walker.run(subgraph, names, shapes)
        assumptions = tuple(collected)
    _check_dims(builder, options)
    builder.notes.extend(_quantisation_notes(model))
    builder.notes.extend(walker.notes())
    graph = builder.build(outputs, assumptions)
    flat = resize_model(flatten_model(model), names, graph.types, shapes)
    return replace(graph, quantised=frozenset(walker.quantised), flat=flat)


def _resize_inputs(subgraph: Subgraph, names: Sequence[str], options: ReadOptions) -> dict[str, tuple[Dim, ...]]:
    """The inputs' new shapes by name: shapes gives whole ones, dims single extents by input and axis (`x.0`)."""
    inputs = {names[i]: subgraph.tensors[i].type.shape or () for i in subgraph.inputs if i >= 0}
    shapes: dict[str, tuple[Dim, ...]] = {}
    for name, shape in options.shapes.items():
        if name not in inputs:
            remedy = did_you_mean(name, inputs) or "it has " + (", ".join(inputs) or "none")
            raise UnknownNameError(f"the model has no input {name!r}", remedy, argument="shapes", name=name)
        if len(shape) != len(inputs[name]):
            raise UsageError(f"--shape {name} has {len(shape)} extents", f"the input has {len(inputs[name])}")
        shapes[name] = tuple(shape)
    for name, old in inputs.items():
        for axis in range(len(old)):
            value = options.dims.get(f"{name}.{axis}")
            if value is not None:
                shape = shapes.get(name, old)
                shapes[name] = (*shape[:axis], value, *shape[axis + 1 :])
    return {name: shape for name, shape in shapes.items() if shape != inputs[name]}


def _check_dims(builder: GraphBuilder, options: ReadOptions) -> None:
    """UnknownNameError where dims name neither an axis of an input nor a symbol that depends on data."""
    axes = [f"{name}.{axis}" for name in builder.inputs for axis in range(len(builder.types[name].shape or ()))]
    for key in options.dims:
        if key not in axes and key not in builder.short_names and key not in builder.data_symbols:
            known = [*builder.data_symbols, *axes]
            remedy = did_you_mean(key, known) or "it has " + (", ".join(known[:8]) or "none")
            fact = f"--dim names {key!r}, which the model does not have"
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
