"""Measurement -> the explanation of its report, with the working of what its settings ask for.

An execution: which step needs the most live bytes, and which tensors hold them. Training: backward MACs as products,
bytes as a sum of kinds. Devices and generation: the bounds, the cache and the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.memory.footprint import MemoryFootprint, measure_footprint
from costcalc.analysis.report import NODE_BY_NODE, Report
from costcalc.analysis.separable import separable_pairs
from costcalc.analysis.training.gradients import GradientFlow, gradient_flow
from costcalc.analysis.training.step import TrainingStep
from costcalc.core.dim import Dim, pretty_text
from costcalc.core.errors import QuantityError, UndecidedError, UsageError
from costcalc.core.formula import Product
from costcalc.core.ir import Node
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import QuantityRef
from costcalc.core.settings import option_words
from costcalc.core.traits import Contraction, traits_of
from costcalc.core.units import format_count, format_shape
from costcalc.ops.gradients import find_contractions, present_inputs
from costcalc.studies.measurement import Measurement
from costcalc.views.explain import (
    MAX_TERMS,
    Explanation,
    WorkingLine,
    explain_layers,
    explain_report,
    factor_names,
    factor_values,
    value_in_formula,
)
from costcalc.views.explain_bounds import bound_lines
from costcalc.views.explain_parts import PEAK, block_lines, find_block, find_quantity, is_layer_name, quantity_lines
from costcalc.views.explain_repeats import find_repeat, fold_layers, repeat_lines
from costcalc.views.figures import figure_text
from costcalc.views.memory import open_peak_text

BACKWARD_LABEL = CATALOGUE["backward_macs"].label


def explain_measurement(measurement: Measurement, layer: str | None = None) -> Explanation:
    """The working of a measured model's layers, or of one, and of what its settings ask for; of a block the working of
    its layers, of a total its own. UsageError where no layer, or more than one, has that name; QuantityError where
    generation is asked for and the model generates nothing."""
    report = measurement.report
    part = None if layer is None or is_layer_name(report, layer) else _explain_part(report, layer)
    if part is not None:
        return _with_part_settings(part, measurement)
    explanation = explain_report(report, layer)
    index = None
    if layer is not None:
        index = next(i for i, row in enumerate(report.rows) if row is explanation.workings[0].row)
    step: TrainingStep | None = report.step
    if step is not None:
        gradients = gradient_flow(report.graph, step.options.freeze, step.options.input_gradient)
        explanation = _with_backward(explanation, gradients)
    return replace(
        explanation,
        execution=tuple(execution_lines(report, index)),
        training=() if step is None or index is not None else tuple(training_lines(step)),
        bounds=tuple(bound_lines(explanation, measurement.rooflines())),
        generation=() if index is not None else tuple(generation_lines(measurement)),
        settings=measurement.given_settings,
    )


def _explain_part(report: Report, name: str) -> Explanation | None:
    """A report and a name -> the working of the total, or of the block, of this name; None where there is none."""
    if key := find_quantity(name):
        if key == PEAK:
            return Explanation(report, None, (), (), (), quantity=tuple(peak_lines(report)))
        lines, folded = (tuple(quantity_lines(report, key, items)) for items in (report.rows, fold_layers(report)))
        return Explanation(report, None, (), (), (), quantity=lines, folded_quantity=folded)
    if repeat := find_repeat(report, re.split(r"\s{2,}|\t", name.strip())[0]):
        stop = repeat.start + (repeat.stop - repeat.start) // repeat.times
        block = _explain_block(report, repeat.group.name, range(repeat.start, stop))
        return replace(block, sums=(*block.sums, *repeat_lines(report, repeat)))
    found = find_block(report, name)
    return None if found is None else _explain_block(report, *found)


def _explain_block(report: Report, path: str, indexes: Sequence[int]) -> Explanation:
    """A report, the path of a block and the indexes of its layers -> their working and sums."""
    workings = explain_layers(report, indexes)
    sums = tuple(block_lines(report, [report.rows[i] for i in indexes]))
    names = {working.row.name for working in workings}
    pairs = tuple([pair for pair in separable_pairs(report) if {pair.depthwise, pair.pointwise} <= names])
    return Explanation(report, None, workings, sums, pairs, block=path)


def _with_part_settings(part: Explanation, measurement: Measurement) -> Explanation:
    """The working of a part -> the same with what the settings ask for. UsageError for bounds of a block."""
    report, rooflines = measurement.report, measurement.rooflines()
    if part.block and rooflines:
        raise UsageError(
            "bounds on devices are those of a layer or of the model", "name a layer, or leave --hardware out"
        )
    if report.step is not None:
        options = report.step.options
        part = _with_backward(part, gradient_flow(report.graph, options.freeze, options.input_gradient))
    return replace(part, bounds=tuple(bound_lines(part, rooflines)), settings=measurement.given_settings)


def peak_lines(report: Report) -> Iterator[WorkingLine]:
    """The working of the peak of live activation bytes, under the report's execution: its step and the tensors that are
    alive then, with their sum."""
    if report.execution != NODE_BY_NODE:
        yield from execution_lines(report, None)
        return
    footprint = measure_footprint(report.graph, report.execution)
    if footprint.peak is None:
        yield WorkingLine("Peak", (open_peak_text(footprint),))
    elif footprint.schedule.steps:
        yield from _live_lines(footprint, footprint.liveness.peak_step, "Peak")


def execution_lines(report: Report, index: int | None) -> Iterator[WorkingLine]:
    """The peak under the report's execution, where it has one: its step and the tensors alive then; of a layer, the
    live bytes of the step that runs it."""
    execution = report.execution
    if execution == NODE_BY_NODE:
        return
    yield WorkingLine("Execution", (", ".join(option_words(execution)),))
    try:
        footprint = measure_footprint(report.graph, execution)
    except UndecidedError as error:
        yield WorkingLine("Peak", (str(error),))
        return
    if index is not None:
        step_index = next((i for i, step in enumerate(footprint.schedule.steps) if index in step.nodes), None)
        if step_index is None:
            yield WorkingLine("Step", ("none: it computes nothing while the model runs",))
        else:
            yield from _live_lines(footprint, step_index, "Live bytes")
    elif footprint.peak is None:
        yield WorkingLine("Peak", (open_peak_text(footprint),))
    elif footprint.schedule.steps:
        yield from _live_lines(footprint, footprint.liveness.peak_step, "Peak")
        if footprint.graph_order_peak is not None:
            yield WorkingLine("In the given order", (), footprint.graph_order_peak)
        if footprint.arena is not None:
            gap = footprint.arena.size - footprint.arena.bound
            offsets = f"offsets that are multiples of {footprint.arena.alignment}"
            yield WorkingLine(
                "Arena",
                (
                    f"alive at once + gaps between {offsets}",
                    f"{format_count(footprint.arena.bound)} + {format_count(gap)}",
                ),
                footprint.arena.size,
            )


def _live_lines(footprint: MemoryFootprint, step_index: int, label: str) -> Iterator[WorkingLine]:
    """A footprint and the index of a step → the step, its live tensors, the largest first, and their sum in bytes."""
    step, count = footprint.schedule.steps[step_index], len(footprint.schedule.steps)
    layers = [footprint.graph.nodes[i].name for i in step.nodes]
    runs = f", which runs {', '.join(layers)}" if len(layers) > 1 else ""
    yield WorkingLine("Step", (f"{step_index + 1:,} of {count:,}, {step.name}{runs}",))
    live_buffers = [
        b
        for b in map(footprint.schedule.buffers.__getitem__, footprint.rank_buffers())
        if b.first_step <= step_index <= b.last_step
    ]
    if all(isinstance(b.nbytes, int) for b in live_buffers):
        live_buffers.sort(key=lambda b: b.nbytes, reverse=True)
    for buffer in live_buffers[:MAX_TERMS]:
        tensor_type = footprint.graph.types[buffer.name]
        yield WorkingLine(
            "Alive", (f"{buffer.name} {format_shape(tensor_type.shape)} {tensor_type.dtype}",), buffer.nbytes
        )
    remainder: Dim = sum([b.nbytes for b in live_buffers[MAX_TERMS:]], 0)
    if len(live_buffers) > MAX_TERMS:
        yield WorkingLine("Alive", (f"{len(live_buffers) - MAX_TERMS:,} more",), remainder)
    parts = [value_in_formula(b.nbytes) for b in live_buffers[:MAX_TERMS]] + (
        [value_in_formula(remainder)] if len(live_buffers) > MAX_TERMS else []
    )
    unknown = " + ?" if footprint.schedule.unknown else ""
    yield WorkingLine(
        label, (" + ".join(parts) + unknown,), None if unknown else footprint.liveness.live_bytes[step_index]
    )


def _with_backward(explanation: Explanation, gradients: GradientFlow) -> Explanation:
    """An explanation and gradients → the explanation with the working of backward MACs in each layer's lines, behind
    its MACs."""
    node_of_row = {
        id(row): node for row, node in zip(explanation.report.rows, explanation.report.graph.nodes, strict=True)
    }
    workings = []
    for working in explanation.workings:
        lines = tuple(backward_lines(node_of_row[id(working.row)], working.row, explanation.report, gradients))
        position = max((i for i, step in enumerate(working.steps, 1) if step.label.startswith("MACs")), default=0)
        steps = (*working.steps[:position], *lines, *working.steps[position:])
        workings.append(replace(working, steps=steps))
    return replace(explanation, workings=tuple(workings))


def backward_lines(node: Node, row: LayerCost, report: Report, gradients: GradientFlow) -> Iterator[WorkingLine]:
    """A node and its row → the working of its backward MACs: each product of the forward pass once for the gradient of
    each operand that has one."""
    if not gradients.has_gradient(node):
        return
    types = [report.graph.types[name] if name else None for name in node.inputs]
    contractions = (
        None if row.cost is None else find_contractions(traits_of(node), row.cost.macs, types, node.attributes)
    )
    if contractions is None or row.cost is None:
        yield WorkingLine(BACKWARD_LABEL, ("?: no rule for its operator's gradient",))
        return
    terms = row.cost.macs.terms
    terms_match = len(contractions) == len(terms) and all(
        p.macs == t.value for p, t in zip(contractions, terms, strict=True)
    )
    per_run: list[Dim] = []
    for i, contraction in enumerate(contractions):
        kinds = _gradient_kinds(node, contraction, gradients)
        if kinds:
            per_run.append(contraction.macs * len(kinds))
            sides = _product_sides(terms[i] if terms_match else None, contraction, len(kinds))
            yield WorkingLine(BACKWARD_LABEL, (" + ".join(kinds), *sides), per_run[-1])
    if len(per_run) > 1:
        yield WorkingLine(BACKWARD_LABEL, (" + ".join(map(value_in_formula, per_run)),), sum(per_run, 0))
    if per_run and row.count != 1:
        text = f"{format_count(sum(per_run, 0))} × {format_count(row.count)} runs"
        yield WorkingLine(f"{BACKWARD_LABEL} of all runs", (text,), row.figures["backward_macs"])


def _gradient_kinds(node: Node, contraction: Contraction, gradients: GradientFlow) -> list[str]:
    """A contraction → `weight gradient` or `input gradient` for each operand that has one."""
    kinds = []
    for operand in (contraction.left, contraction.right):
        names = [name for name in present_inputs(node.inputs, operand) if name in gradients.with_gradient]
        if names:
            kinds.append("weight gradient" if all(n in gradients.weights for n in names) else "input gradient")
    return kinds


def _product_sides(term: Product | None, contraction: Contraction, count: int) -> Sequence[str]:
    """`2 × #filter params × #filters` and `2 × 27 × 5`; the product's number where its factors are not known."""
    multiplier = f"{count} × " if count > 1 else ""
    if term is None:
        return (f"{multiplier}{value_in_formula(contraction.macs)}",)
    return f"{multiplier}{factor_names(term.factors)}", f"{multiplier}{factor_values(term.factors)}"


def training_lines(step: TrainingStep) -> Iterator[WorkingLine]:
    """A training step → its MACs as a sum of passes, bytes as a sum of kinds."""
    passes = {"forward": "forward", "weight_gradient": "weight gradients", "input_gradient": "input gradients"}
    if step.checkpoint:
        passes["recompute"] = "computed again"
    values = " + ".join(value_in_formula(step.macs[key]) for key in passes)
    yield WorkingLine(CATALOGUE["training_macs"].label, (" + ".join(passes.values()), values), step.total_macs)
    kinds = {
        "weights": "weights",
        "gradients": "gradients",
        "optimizer": f"state of {step.options.optimizer}",
        "activations": "kept activations",
    }
    values = " + ".join(value_in_formula(step.nbytes[key]) for key in kinds)
    yield WorkingLine(CATALOGUE["training_bytes"].label, (" + ".join(kinds.values()), values), step.total_bytes)
    for name in step.without_rule[:3]:
        yield WorkingLine("No gradient", (f"{name}: no rule for its operator's gradient; the sums are lower bounds",))


def generation_lines(measurement: Measurement) -> Iterator[WorkingLine]:
    """A measurement → the working of generation, where the settings ask for it: cache, passes, memory, tokens a
    second."""
    if measurement.settings.generation is None:
        return
    generation = measurement.generation
    tokens = generation.prompt + generation.generate
    cache = generation.cache_bytes(tokens)
    elements, texts = format_count(generation.cache_elements), format_count(generation.batch)
    bits = generation.cache.types[0].dtype.bits
    working = (
        "numbers a token × tokens × texts × bits / 8",
        f"{elements} × {format_count(tokens)} × {texts} × {bits} / 8",
    )
    if not generation.cache.is_proportional:
        working = (pretty_text(generation.cache.formula()), f"of {format_count(tokens)} tokens")
    yield WorkingLine(CATALOGUE["kv_cache_bytes"].label, working, cache)
    yield WorkingLine(
        CATALOGUE["prompt_macs"].label,
        (f"one pass over {format_count(generation.prompt)} tokens",),
        generation.prefill.macs,
    )
    if generation.first and generation.last:
        context = f"{format_count(generation.first.context)} to {format_count(generation.last.context)} tokens"
        macs = f"{format_count(generation.first.macs)} to {format_count(generation.last.macs)}"
        text = f"{format_count(generation.steps)} steps, which attend to {context}, of {macs} MACs"
        yield WorkingLine(CATALOGUE["step_macs"].label, (text,), generation.step_macs)
    yield WorkingLine(
        CATALOGUE["memory_bytes"].label,
        (
            "weights + KV cache + peak activations of the prompt's pass",
            f"{format_count(generation.weight_bytes)} + {format_count(cache)} + {format_count(generation.peak_bytes)}",
        ),
        generation.memory_bytes,
    )
    for device in measurement.settings.devices:
        ref = QuantityRef(CATALOGUE["tokens_per_second"], device)
        figure = measurement.attempt(ref)
        text = f"?: {figure.fact}" if isinstance(figure, QuantityError) else figure_text(ref, figure)
        yield WorkingLine(ref.label, (text,))
