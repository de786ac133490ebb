"""Measurement -> the explanation of its report, with the working of what its settings ask for.

An execution: which step needs the most live bytes, and which tensors hold them. Training: backward MACs as products,
bytes as a sum of kinds. Devices and generation: the bounds, the cache and the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.memory.footprint import MemoryFootprint, measure_footprint
from costcalc.analysis.report import NODE_BY_NODE, Report
from costcalc.analysis.training.gradients import GradientFlow, gradient_flow
from costcalc.analysis.training.step import TrainingStep
from costcalc.core.dim import Dim, bind_remedy, symbols
from costcalc.core.errors import QuantityError, UndecidedError
from costcalc.core.formula import Product
from costcalc.core.ir import Node
from costcalc.core.quantities import CATALOGUE, QuantityRef
from costcalc.core.settings import option_words
from costcalc.core.traits import Contraction, traits_of
from costcalc.core.units import format_count, format_shape
from costcalc.ops.gradients import find_contractions, present_inputs
from costcalc.studies.measurement import Measurement
from costcalc.views.explain import (
    MAX_TERMS,
    Explanation,
    WorkingLine,
    explain_report,
    factor_names,
    factor_values,
    value_in_formula,
)
from costcalc.views.explain_bounds import bound_lines
from costcalc.views.figures import figure_text

BACKWARD = CATALOGUE["backward_macs"].label


def explain_measurement(measurement: Measurement, layer: str | None = None) -> Explanation:
    """The working of a measured model's layers, or of one, and of what its settings ask for. UsageError where no layer,
    or more than one, has that name; QuantityError where generation is asked for and the model generates nothing."""
    report = measurement.report
    explanation = explain_report(report, layer)
    index = None
    if layer is not None:
        index = next(i for i, row in enumerate(report.rows) if row is explanation.workings[0].row)
    step: TrainingStep | None = report.step
    if step is not None:
        gradients = gradient_flow(report.graph, step.setup.freeze, step.setup.input_gradient)
        explanation = _with_backward(explanation, gradients)
    return replace(
        explanation,
        execution=tuple(execution_lines(report, index)),
        training=() if step is None or index is not None else tuple(training_lines(step)),
        bounds=tuple(bound_lines(explanation, measurement.rooflines())),
        generation=() if index is not None else tuple(generation_lines(measurement)),
    )


def execution_lines(report: Report, index: int | None) -> Iterator[WorkingLine]:
    """The peak under the report's execution, where it has one: its step and the tensors alive then; of a layer, the
    live bytes of the step that runs it."""
    execution = report.execution
    if execution == NODE_BY_NODE:
        return
    yield WorkingLine("Execution", (", ".join(option_words(execution)),))
    try:
        found = measure_footprint(report.graph, execution)
    except UndecidedError as error:
        yield WorkingLine("Peak", (str(error),))
        return
    if index is not None:
        at = next((i for i, step in enumerate(found.plan.steps) if index in step.nodes), None)
        if at is None:
            yield WorkingLine("Step", ("none: it computes nothing while the model runs",))
        else:
            yield from _live_lines(found, at, "Live bytes")
    elif found.peak is None:
        names = symbols(*found.line.live)
        why = f"which step is the largest depends on {', '.join(names)}; {bind_remedy(sum(found.line.live, 0))}"
        yield WorkingLine("Peak", (why,))
    elif found.plan.steps:
        yield from _live_lines(found, found.line.step, "Peak")
        if found.given is not None:
            yield WorkingLine("In the given order", (), found.given)
        if found.arena is not None:
            over = found.arena.size - found.arena.bound
            offsets = f"offsets that are multiples of {found.arena.alignment}"
            yield WorkingLine(
                "Arena",
                (
                    f"alive at once + gaps between {offsets}",
                    f"{format_count(found.arena.bound)} + {format_count(over)}",
                ),
                found.arena.size,
            )


def _live_lines(found: MemoryFootprint, at: int, what: str) -> Iterator[WorkingLine]:
    """A step, the tensors that are alive then, the largest first, and their sum."""
    step, count = found.plan.steps[at], len(found.plan.steps)
    layers = [found.graph.nodes[i].name for i in step.nodes]
    runs = f", which runs {', '.join(layers)}" if len(layers) > 1 else ""
    yield WorkingLine("Step", (f"{at + 1:,} of {count:,}, {step.name}{runs}",))
    alive = [b for b in map(found.plan.buffers.__getitem__, found.largest()) if b.born <= at <= b.dies]
    if all(isinstance(b.nbytes, int) for b in alive):
        alive.sort(key=lambda b: b.nbytes, reverse=True)
    for buffer in alive[:MAX_TERMS]:
        kind = found.graph.types[buffer.name]
        yield WorkingLine("Alive", (f"{buffer.name} {format_shape(kind.shape)} {kind.dtype}",), buffer.nbytes)
    rest: Dim = sum([b.nbytes for b in alive[MAX_TERMS:]], 0)
    if len(alive) > MAX_TERMS:
        yield WorkingLine("Alive", (f"{len(alive) - MAX_TERMS:,} more",), rest)
    parts = [value_in_formula(b.nbytes) for b in alive[:MAX_TERMS]] + (
        [value_in_formula(rest)] if len(alive) > MAX_TERMS else []
    )
    unknown = " + ?" if found.plan.unknown else ""
    yield WorkingLine(what, (" + ".join(parts) + unknown,), None if unknown else found.line.live[at])


def _with_backward(explanation: Explanation, gradients: GradientFlow) -> Explanation:
    """The explanation with the working of backward MACs in each layer's lines, behind its MACs."""
    places = {id(row): node for row, node in zip(explanation.report.rows, explanation.report.graph.nodes, strict=True)}
    workings = []
    for working in explanation.workings:
        lines = tuple(backward_lines(places[id(working.row)], working.row, explanation.report, gradients))
        before = max((i for i, step in enumerate(working.steps, 1) if step.what.startswith("MACs")), default=0)
        steps = (*working.steps[:before], *lines, *working.steps[before:])
        workings.append(replace(working, steps=steps))
    return replace(explanation, workings=tuple(workings))


def backward_lines(node: Node, row: LayerCost, report: Report, gradients: GradientFlow) -> Iterator[WorkingLine]:
    """A layer's backward MACs: each product of its forward pass once for the gradient of each side that has one."""
    if not gradients.has_gradient(node):
        return
    types = [report.graph.types[name] if name else None for name in node.inputs]
    parts = None if row.cost is None else find_contractions(traits_of(node), row.cost.macs, types, node.attributes)
    if parts is None or row.cost is None:
        yield WorkingLine(BACKWARD, ("?: no rule for its operator's gradient",))
        return
    terms = row.cost.macs.terms
    alike = len(parts) == len(terms) and all(p.macs == t.value for p, t in zip(parts, terms, strict=True))
    once: list[Dim] = []
    for i, part in enumerate(parts):
        kinds = _gradients(node, part, gradients)
        if kinds:
            once.append(part.macs * len(kinds))
            sides = _product_sides(terms[i] if alike else None, part, len(kinds))
            yield WorkingLine(BACKWARD, (" + ".join(kinds), *sides), once[-1])
    if len(once) > 1:
        yield WorkingLine(BACKWARD, (" + ".join(map(value_in_formula, once)),), sum(once, 0))
    if once and row.count != 1:
        text = f"{format_count(sum(once, 0))} × {format_count(row.count)} runs"
        yield WorkingLine(f"{BACKWARD} of all runs", (text,), row.amounts["backward_macs"])


def _gradients(node: Node, part: Contraction, gradients: GradientFlow) -> list[str]:
    """What a product's gradients are of: weights or an input, for each side that has one."""
    found = []
    for side in (part.left, part.right):
        needed = [name for name in present_inputs(node.inputs, side) if name in gradients.with_gradient]
        if needed:
            found.append("weight gradient" if all(n in gradients.weights for n in needed) else "input gradient")
    return found


def _product_sides(term: Product | None, part: Contraction, times: int) -> Sequence[str]:
    """`2 × #filter params × #filters` and `2 × 27 × 5`; the product's number where its factors are not known."""
    before = f"{times} × " if times > 1 else ""
    if term is None:
        return (f"{before}{value_in_formula(part.macs)}",)
    return f"{before}{factor_names(term.factors)}", f"{before}{factor_values(term.factors)}"


def training_lines(step: TrainingStep) -> Iterator[WorkingLine]:
    """MACs of a training step as a sum of passes, bytes as a sum of kinds."""
    parts = {"forward": "forward", "weight_gradient": "weight gradients", "input_gradient": "input gradients"}
    if step.checkpoint:
        parts["recompute"] = "computed again"
    values = " + ".join(value_in_formula(step.macs[key]) for key in parts)
    yield WorkingLine(CATALOGUE["training_macs"].label, (" + ".join(parts.values()), values), step.total_macs)
    kinds = {
        "weights": "weights",
        "gradients": "gradients",
        "optimizer": f"state of {step.setup.optimizer}",
        "activations": "kept activations",
    }
    values = " + ".join(value_in_formula(step.nbytes[key]) for key in kinds)
    yield WorkingLine(CATALOGUE["training_bytes"].label, (" + ".join(kinds.values()), values), step.total_bytes)
    for name in step.without_rule[:3]:
        yield WorkingLine("No gradient", (f"{name}: no rule for its operator's gradient; the sums are lower bounds",))


def generation_lines(measurement: Measurement) -> Iterator[WorkingLine]:
    """The cache, the passes and the memory of generation, where the settings ask for it, and tokens a second."""
    if measurement.settings.generation is None:
        return
    found = measurement.generation
    tokens = found.prompt + found.generate
    cache = found.cache_bytes(tokens)
    elements, texts = format_count(found.cache_elements), format_count(found.batch)
    yield WorkingLine(
        CATALOGUE["kv_cache_bytes"].label,
        (
            "numbers a token × tokens × texts × bits / 8",
            f"{elements} × {format_count(tokens)} × {texts} × {found.cache_bits} / 8",
        ),
        cache,
    )
    yield WorkingLine(
        CATALOGUE["prompt_macs"].label, (f"one pass over {format_count(found.prompt)} tokens",), found.prefill.macs
    )
    if found.first and found.last:
        context = f"{format_count(found.first.context)} to {format_count(found.last.context)} tokens"
        each = f"{format_count(found.first.macs)} to {format_count(found.last.macs)}"
        text = f"{format_count(found.steps)} steps, which attend to {context}, of {each} MACs"
        yield WorkingLine(CATALOGUE["step_macs"].label, (text,), found.step_macs)
    yield WorkingLine(
        CATALOGUE["memory_bytes"].label,
        (
            "weights + KV cache + peak activations of the prompt's pass",
            f"{format_count(found.weight_bytes)} + {format_count(cache)} + {format_count(found.peak_bytes)}",
        ),
        found.memory,
    )
    for device in measurement.settings.devices:
        ref = QuantityRef(CATALOGUE["tokens_per_second"], device)
        figure = measurement.attempt(ref)
        text = f"?: {figure.fact}" if isinstance(figure, QuantityError) else figure_text(ref, figure)
        yield WorkingLine(ref.label, (text,))
