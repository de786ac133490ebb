"""The working of a report's figures: formulas with the field's names and with numbers, as they were costed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from costcalc import registry
from costcalc.core.amount import plain
from costcalc.core.result import Result
from costcalc.core.traits import traits_of
from costcalc.errors import UsageError
from costcalc.report import Report
from costcalc.rows import Row
from costcalc.separable import Separable, separables
from costcalc.steps import Step, steps_of, sums
from costcalc.storage import Stored, stored
from costcalc.units import shape_text
from costcalc.windows import Field, fields


@dataclass(frozen=True, slots=True)
class Working:
    """One layer: what it does, its rule's own words, its inputs and outputs as (name, shape), and the steps."""

    row: Row
    sentence: str
    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Explanation(Result):
    """The workings of a model's layers that cost MACs (or, where none does, FLOPs), or of the layer asked for; bounds
    is the working of its bounds on devices."""

    report: Report
    layer: str | None
    workings: tuple[Working, ...]
    sums: tuple[Step, ...]
    separable: tuple[Separable, ...]
    bounds: tuple[Step, ...] = ()

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the working."""
        return f"<Explanation of {self.report.name}: {self.layer or f'{len(self.workings)} layers'}>"


def explain_report(report: Report, layer: str | None = None) -> Explanation:
    """The working of a report's layers, or of one. UsageError where no layer, or more than one, has that name."""
    if layer is not None:
        chosen = [find(report, layer)]
    else:
        costed = [i for i, row in enumerate(report.rows) if row.amounts["macs"] not in (0, None)]
        chosen = costed or [i for i, row in enumerate(report.rows) if row.amounts["flops"] not in (0, None)]
    owned: dict[int, list[Stored]] = {}
    for item in stored(report.graph):
        if item.kind != "constant":
            owned.setdefault(item.owner, []).append(item)
    seen = fields(report.graph)
    workings = tuple(_working(report, index, owned.get(index, ()), seen) for index in chosen)
    if layer is not None:
        pairs = tuple(p for p in separables(report) if workings[0].row.name in (p.depthwise, p.pointwise))
        return Explanation(report, workings[0].row.name, workings, (), pairs)
    return Explanation(report, None, workings, tuple(sums(report)), tuple(separables(report)))


def find(report: Report, name: str) -> int:
    """The index of the layer meant: exactly so called, but for case, the only one that ends so, holds it or has its
    parts in that order, or the only one of that operator type."""
    names = [row.name for row in report.rows]
    lower, asked = [n.lower() for n in names], name.lower()
    parts = [part for part in re.split("[/…]", asked) if part]
    matches: list[int] = []
    tests: tuple[Callable[[str, str], bool], ...] = (
        lambda own, _: own == name,
        lambda _, own: own == asked,
        lambda _, own: own.endswith(asked) and not own[: -len(asked)][-1:].isalnum(),
        lambda _, own: asked in own,
        lambda _, own: _in_order(parts, own.split("/")),
    )
    for test in tests:
        matches = matches or [i for i in range(len(names)) if test(names[i], lower[i])]
    matches = matches or [i for i, row in enumerate(report.rows) if row.op_type.lower() == asked]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = ", ".join(names[i] for i in matches[:6]) + (", …" if len(matches) > 6 else "")
        raise UsageError(f"{name!r} fits {len(matches)} layers", f"which one of {listed}?")
    numbers = re.findall(r"\d+", asked)
    close = difflib.get_close_matches(asked, lower, 30, 0.5)
    close = sorted(close, key=lambda own: re.findall(r"\d+", own)[: len(numbers)] != numbers)[:3]
    hint = f"did you mean {' or '.join(names[lower.index(c)] for c in close)}?" if close else "see `costcalc analyze`"
    raise UsageError(f"{report.name} has no layer {name!r}", hint)


def _in_order(parts: Sequence[str], own: Sequence[str]) -> bool:
    """Whether a path has these parts in this order: encoder1/attention of encoder1/residual1/attention."""
    left = iter(own)
    return bool(parts) and all(part in left for part in parts)


def _working(report: Report, index: int, owned: Sequence[Stored], seen: Mapping[str, Field]) -> Working:
    row, graph = report.rows[index], report.graph
    rule = registry.COSTS.get((row.domain, row.op_type))
    words = " ".join((rule.function.__doc__ or "").split()) if rule else ""
    sentence = traits_of(row).sentence
    return Working(
        row,
        sentence or ("Moves or renames data, no arithmetic." if row.state == "free" else ""),
        words,
        tuple(f"{name} {shape_text(graph.types[name].shape)}" for name in row.inputs if name),
        tuple(f"{output.name} {shape_text(output.type.shape)}" for output in row.outputs),
        tuple(steps_of(row, graph, index, owned, seen)),
    )


def _step_dict(step: Step) -> dict[str, Any]:
    return {"what": step.what, "working": list(step.sides), "value": plain(step.value)}


def _working_dict(working: Working) -> dict[str, Any]:
    row = working.row
    return {
        "name": row.name,
        "op_type": row.op_type,
        "domain": row.domain,
        "sentence": working.sentence,
        "rule": working.rule,
        "inputs": list(working.inputs),
        "outputs": list(working.outputs),
        "steps": [_step_dict(step) for step in working.steps],
    }


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """The explanation's entry of the JSON report."""
    return {
        "model": explanation.report.name,
        "source": explanation.report.source,
        "layers": [_working_dict(working) for working in explanation.workings],
        "sums": [_step_dict(step) for step in explanation.sums],
        "separable": [{k: plain(v) if k not in ("depthwise", "pointwise") else v for k, v in pair._asdict().items()}
                      for pair in explanation.separable],
        **({"bounds": [_step_dict(step) for step in explanation.bounds]} if explanation.bounds else {}),
    }  # fmt: skip
