"""Report -> the working of its figures: formulas with the field's names, with numbers, and their values, as they
were costed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.analysis.layers import LAYER_QUANTITIES, LayerCost
from costcalc.analysis.receptive_field import (
    ReceptiveField,
    extent_formulas,
    receptive_field_text,
    receptive_fields,
    window_of,
)
from costcalc.analysis.report import Report, report_total
from costcalc.analysis.separable import SeparablePair, separable_pairs
from costcalc.core import registry
from costcalc.core.amount import LowerBound, json_amount
from costcalc.core.dim import Dim, Poly
from costcalc.core.elision import list_names, match_elided
from costcalc.core.errors import UsageError, is_near, near_names
from costcalc.core.formula import Cost, Factor, Formula
from costcalc.core.ir import Graph
from costcalc.core.quantities import CATALOGUE
from costcalc.core.registry import unknown_reason
from costcalc.core.result import Result, short_repr
from costcalc.core.traits import traits_of
from costcalc.core.units import format_count, format_shape
from costcalc.graph.parameters import StoredTensor, find_stored_tensors
from costcalc.views.settings import settings_document

EXPLAINED = (*LAYER_QUANTITIES, "peak_activation_bytes")
"""Quantities that have a working of their own: sums over layers, and over live tensors."""

MAX_TERMS = 8
"""A sum of more terms than this is shortened: equal terms together, then by operator type."""


class WorkingLine(NamedTuple):
    """A line of working: the label of the figure, the sides of its formula (names, numbers), its value."""

    label: str
    sides: tuple[str, ...]
    value: Dim | None = None

    def __str__(self) -> str:
        """`#filter params × #filters = 27 × 5 = 135`; a side that says the same as the one before it stands once."""
        sides = [*self.sides, *([] if self.value is None else [format_count(self.value)])]
        return " = ".join(dict.fromkeys(sides))


def layer_lines(
    row: LayerCost, graph: Graph, index: int, tensors: Sequence[StoredTensor], fields: Mapping[str, ReceptiveField]
) -> Iterator[WorkingLine]:
    """A layer's row → its steps: its module and the line of the source that calls it, output extents, MACs, parameters,
    operations, FLOPs, receptive field."""
    if row.module is not None:
        yield WorkingLine("Module", (" · ".join(filter(None, row.module)) or "the model itself",))
        if graph.nodes[index].place:
            place = graph.nodes[index].place.removeprefix(f"{Path.cwd().as_posix()}/")
            yield WorkingLine("Source", (place,))
    window = window_of(graph.nodes[index], graph.types)
    for line in extent_formulas(window) if window else ():
        yield WorkingLine("Extent", (line,))
    if row.cost is None:
        yield WorkingLine("MACs", ("?",))
        reason = unknown_reason(row.domain, row.op_type)
        if reason:
            yield WorkingLine("Why", (reason,))
    else:
        yield from _macs_lines(row.cost.macs, "MACs")
        yield from _params_lines(tensors)
        yield from _flops_lines(row.cost)
        if row.count != 1:
            for key in ("macs", "flops"):
                per_run = row.cost.macs.value if key == "macs" else row.cost.flops
                label = {"macs": "MACs", "flops": "FLOPs"}[key]
                yield WorkingLine(
                    f"{label} of all runs",
                    (f"{format_count(per_run)} × {format_count(row.count)} runs",),
                    row.figures[key],
                )
    field = fields.get(row.outputs[0].name) if row.outputs else None
    if field is not None:
        yield WorkingLine("Receptive field", (receptive_field_text(field),))


def _macs_lines(formula: Formula, label: str) -> Iterator[WorkingLine]:
    """A formula → lines with names, numbers and its value; then a line for each factor that is a product itself."""
    if not formula.terms:
        return
    if len(formula.terms) > 1 and any(term.name for term in formula.terms):
        for term in formula.terms:
            yield WorkingLine(label, (term.name or label, *_factor_sides(term.factors)), term.value)
        yield WorkingLine(label, (" + ".join(value_in_formula(term.value) for term in formula.terms),), formula.value)
    else:
        names = " + ".join(factor_names(term.factors) for term in formula.terms)
        yield WorkingLine(
            label, (names, " + ".join(factor_values(term.factors) for term in formula.terms)), formula.value
        )
    for factor in dict.fromkeys(factor for term in formula.terms for factor in term.factors if len(factor.factors) > 1):
        yield WorkingLine(label, (factor.name, *_factor_sides(factor.factors)), factor.value)


def _params_lines(stored_tensors: Sequence[StoredTensor]) -> Iterator[WorkingLine]:
    for kind, label in (("param", "Params"), ("buffer", "Buffers")):
        tensors = [tensor for tensor in stored_tensors if tensor.kind == kind]
        if tensors:
            shapes = " + ".join(map(_shape_product, tensors))
            yield WorkingLine(label, (shapes,), sum((tensor.values for tensor in tensors), 0))


def _shape_product(tensor: StoredTensor) -> str:
    if tensor.values != tensor.type.elements:
        return f"{value_in_formula(tensor.values)} (packed)"
    return " × ".join(map(value_in_formula, tensor.type.shape or ())) or "1"


def _flops_lines(cost: Cost) -> Iterator[WorkingLine]:
    """A cost → the lines of its FLOPs: each kind of elementwise operation with its own formula, and the sum with
    2 × MACs."""
    macs = cost.macs.value
    for work in cost.work:
        text = [f"{work.kind} ({work.role})", *_formula_sides(work.formula)]
        yield WorkingLine("Operations", tuple(text), work.formula.value)
    parts = [f"2 × {value_in_formula(macs)}"] if cost.macs.terms else []
    parts += [value_in_formula(work.formula.value) for work in cost.work]
    if parts:
        yield WorkingLine("FLOPs", (" + ".join(parts),), cost.flops)


def amount_line(row: LayerCost, key: str) -> WorkingLine:
    """A layer's row and a quantity, macs or flops -> how the row's figure comes about in one line: the names of the
    factors, their numbers, of all runs."""
    label, amount = CATALOGUE[key].label, row.figures[key]
    if row.cost is None:
        return WorkingLine(label, ("?",), amount)
    lines = _flops_lines(row.cost) if key == "flops" else [WorkingLine(label, _formula_sides(row.cost.macs))]
    *names, numbers = next((line.sides for line in lines if line.label == label), ("",))
    if not numbers:
        return WorkingLine(label, (format_count(0),), amount)
    if row.count != 1:
        per_run = f"({numbers})" if " + " in numbers else numbers
        numbers = f"{per_run} × {value_in_formula(row.count)}"
        names = [f"({name}) × runs" if " + " in name else f"{name} × runs" for name in names]
    return WorkingLine(label, (*names, numbers), amount)


def _factor_sides(factors: Sequence[Factor]) -> tuple[str, str]:
    return factor_names(factors), factor_values(factors)


def _formula_sides(formula: Formula) -> tuple[str, str]:
    return " + ".join(factor_names(t.factors) for t in formula.terms), " + ".join(
        factor_values(t.factors) for t in formula.terms
    )


def factor_names(factors: Sequence[Factor]) -> str:
    """#filter params × #filter positions × #filters."""
    return " × ".join(factor.name for factor in factors)


def factor_values(factors: Sequence[Factor]) -> str:
    """27 × 16 × 5."""
    return " × ".join(value_in_formula(factor.value) for factor in factors)


def value_in_formula(d: Dim) -> str:
    """An extent or amount → its text inside a formula; a sum stands in parentheses."""
    return f"({format_count(d)})" if isinstance(d, Poly) and len(d.terms) > 1 else format_count(d)


def sum_lines(report: Report) -> Iterator[WorkingLine]:
    """A report → its totals as sums over layers: equal ones together where there are many, and by operator type where
    that is still long."""
    for key in ("macs", "backward_macs", "params", "flops"):
        if key not in report.totals:
            continue
        label = CATALOGUE[key].label
        amounts = [(row.operator, row.figures[key]) for row in report.rows]
        parts = [(op, amount) for op, amount in amounts if amount is not None and amount != 0]
        terms = [value_in_formula(amount) for _, amount in parts]
        if len(terms) > MAX_TERMS:
            equal = Counter(amount for _, amount in parts)
            terms = [
                f"{n} × {value_in_formula(amount)}" if n > 1 else value_in_formula(amount)
                for amount, n in equal.items()
            ]
        if len(terms) > MAX_TERMS:
            by_op: dict[str, Dim] = {}
            for op, amount in parts:
                by_op[op] = by_op.get(op, 0) + amount
            terms = [f"{op} {value_in_formula(amount)}" for op, amount in by_op.items()]
        if isinstance(report_total(report, key), LowerBound):
            yield WorkingLine(label, (f"{' + '.join([*terms, '?'])} ≥ {format_count(report.totals[key])}",))
        elif terms:
            yield WorkingLine(label, (" + ".join(terms),), report.totals[key])


@dataclass(frozen=True, slots=True)
class LayerExplanation:
    """One layer: what it does, its rule's own words, its inputs and outputs as (name, shape), and the steps."""

    row: LayerCost
    sentence: str
    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple[WorkingLine, ...]


@dataclass(frozen=True, slots=True)
class Explanation(Result):
    """The workings of a model's layers that cost MACs (or, where none does, FLOPs), or of the layer asked for; and
    those of what its settings ask for: live bytes under an execution, a training step, bounds on devices, generation.
    settings are those that are not their defaults, by name. Where one total was asked for, quantity is its working,
    and folded_quantity the same with equal blocks as one; where a block was, block is its path, and the workings and
    sums are those of its layers."""

    report: Report
    layer: str | None
    workings: tuple[LayerExplanation, ...]
    sums: tuple[WorkingLine, ...]
    separable: tuple[SeparablePair, ...]
    execution: tuple[WorkingLine, ...] = ()
    training: tuple[WorkingLine, ...] = ()
    bounds: tuple[WorkingLine, ...] = ()
    generation: tuple[WorkingLine, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    quantity: tuple[WorkingLine, ...] = ()
    block: str = ""
    folded_quantity: tuple[WorkingLine, ...] = ()

    @property
    def sections(self) -> dict[str, tuple[WorkingLine, ...]]:
        """The workings of what the settings ask for, those that there are."""
        names = ("quantity", "execution", "training", "bounds", "generation")
        return {name: lines for name in names if (lines := getattr(self, name))}

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the working."""
        return short_repr(
            "Explanation of", self.report.name, self.layer or self.block or f"{len(self.workings)} layers"
        )


def explain_report(report: Report, layer: str | None = None) -> Explanation:
    """The working of a report's layers, or of one. UsageError where no layer, or more than one, has that name."""
    workings = explain_layers(report, range(len(report.rows)) if layer is None else [find_layer(report, layer)])
    if layer is not None:
        pairs = tuple(p for p in separable_pairs(report) if workings[0].row.name in (p.depthwise, p.pointwise))
        return Explanation(report, workings[0].row.name, workings, (), pairs)
    return Explanation(report, None, workings, tuple(sum_lines(report)), tuple(separable_pairs(report)))


def explain_layers(report: Report, indexes: Sequence[int]) -> tuple[LayerExplanation, ...]:
    """A report and indexes of its layers -> the working of those that cost MACs, or, where none does, FLOPs; of a lone
    layer in any case."""
    if len(indexes) > 1:
        with_macs = [i for i in indexes if report.rows[i].figures["macs"] not in (0, None)]
        indexes = with_macs or [i for i in indexes if report.rows[i].figures["flops"] not in (0, None)]
    tensors: dict[int, list[StoredTensor]] = {}
    for tensor in find_stored_tensors(report.graph):
        if tensor.kind != "constant":
            tensors.setdefault(tensor.owner, []).append(tensor)
    fields = receptive_fields(report.graph)
    return tuple(_explain_layer(report, index, tensors.get(index, ()), fields) for index in indexes)


def find_layer(report: Report, name: str) -> int:
    """A report and a name → the index of the layer: of exactly this name, or that computes the tensor of this name, or
    but for case, else the only one that ends so, contains it or has its parts in this order, or the only one of this
    operator type."""
    names = [row.name for row in report.rows]
    lower_names, lower_name = [n.lower() for n in names], name.lower()
    parts = [part for part in re.split("[/…]", lower_name) if part]
    matches: list[int] = []
    elided_names = frozenset(match_elided(name, names))
    tests: tuple[Callable[[str, str], bool], ...] = (
        lambda candidate, _: candidate == name,
        lambda candidate, _: candidate in elided_names,
        lambda _, candidate: candidate == lower_name,
        lambda _, candidate: candidate.endswith(lower_name) and not candidate[: -len(lower_name)][-1:].isalnum(),
        lambda _, candidate: lower_name in candidate,
        lambda _, candidate: _has_parts_in_order(parts, candidate.split("/")),
    )
    producers = {output.name: i for i, row in enumerate(report.rows) for output in row.outputs}
    if name not in names and name in producers:
        return producers[name]
    for test in tests:
        matches = matches or [i for i in range(len(names)) if test(names[i], lower_names[i])]
    matches = matches or [i for i, row in enumerate(report.rows) if row.op_type.lower() == lower_name]
    matches = matches or sorted({producers[tensor] for tensor in match_elided(name, producers)})
    if len(matches) == 1:
        return matches[0]
    if matches:
        names_text = list_names(names[i] for i in matches)
        raise UsageError(f"{name!r} fits {len(matches)} layers", f"which one of {names_text}?")
    first_cell = re.split(r"\s{2,}|\t", name.strip())[0]
    if first_cell != name:  # a whole row of a table
        return find_layer(report, first_cell)
    from_parts = [candidate for candidate in names if _has_near_words(name.lower(), candidate.lower())]
    raise UsageError(f"{report.name} has no layer {name!r}", _part_remedy(report, name, from_parts))


def _part_remedy(report: Report, name: str, layers: Sequence[str]) -> str:
    """A name that nothing has, and the layers whose paths are near it -> the remedy: the blocks, layers and quantities
    that may be meant, those with the name's numbers first; else where there are names."""
    rows = report.rows
    blocks = dict.fromkeys("/".join(row.scope[:end]) for row in rows for end in range(1, len(row.scope) + 1))
    modules = dict.fromkeys(row.module.path for row in rows if row.module is not None and row.module.path)
    near = [*near_names(name, [*blocks, *modules, *(row.name for row in rows), *EXPLAINED], 30), *layers]
    numbers = re.findall(r"\d+", name)
    near.sort(key=lambda candidate: re.findall(r"\d+", candidate)[: len(numbers)] != numbers)
    if near:
        return f"did you mean {' or '.join(list(dict.fromkeys(near))[:3])}?"
    return f"see `costcalc analyze` for layers and blocks; of quantities there are {', '.join(EXPLAINED)}"


def _has_near_words(name: str, path: str) -> bool:
    """Whether a path has words near those of a name of several parts, in this order: encoder1/self_attention/query
    those of encoder1/attentoin/query."""
    remaining_words = iter(re.split("[/_.]", path))
    words = [word for word in re.split("[/…_.]", name) if word]
    return "/" in name and all(any(is_near(word, other) for other in remaining_words) for word in words)


def _has_parts_in_order(parts: Sequence[str], path: Sequence[str]) -> bool:
    """Whether a path has the parts of a name in this order: encoder1/attention of encoder1/residual1/attention."""
    remaining_path = iter(path)
    return bool(parts) and all(part in remaining_path for part in parts)


def _explain_layer(
    report: Report, index: int, tensors: Sequence[StoredTensor], fields: Mapping[str, ReceptiveField]
) -> LayerExplanation:
    row, graph = report.rows[index], report.graph
    rule = registry.COST_RULES.get((row.domain, row.op_type))
    rule_text = " ".join((rule.function.__doc__ or "").split()) if rule else ""
    sentence = traits_of(row).sentence
    return LayerExplanation(
        row,
        sentence or ("Moves or renames data, no arithmetic." if row.state == "free" else ""),
        rule_text,
        tuple(f"{name} {format_shape(graph.types[name].shape)}" for name in row.inputs if name),
        tuple(f"{output.name} {format_shape(output.type.shape)}" for output in row.outputs),
        tuple(layer_lines(row, graph, index, tensors, fields)),
    )


def _line_document(step: WorkingLine) -> dict[str, Any]:
    return {"what": step.label, "working": list(step.sides), "value": json_amount(step.value)}


def _layer_document(working: LayerExplanation) -> dict[str, Any]:
    row = working.row
    return {
        "name": row.name,
        "op_type": row.op_type,
        "domain": row.domain,
        "sentence": working.sentence,
        "rule": working.rule,
        "inputs": list(working.inputs),
        "outputs": list(working.outputs),
        "steps": [_line_document(step) for step in working.steps],
    }


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """The explanation's entry of the JSON report."""
    return {
        "model": explanation.report.name,
        "source": explanation.report.source,
        **settings_document(explanation.settings),
        **({"block": explanation.block} if explanation.block else {}),
        "layers": [_layer_document(working) for working in explanation.workings],
        "sums": [_line_document(step) for step in explanation.sums],
        "separable": [
            {k: json_amount(v) if k not in ("depthwise", "pointwise") else v for k, v in pair._asdict().items()}
            for pair in explanation.separable
        ],
        **{name: [_line_document(step) for step in lines] for name, lines in explanation.sections.items()},
    }
