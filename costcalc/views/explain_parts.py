"""Report and a name -> the working of a part of it: of a total (`traffic_bytes`, `peak_activation_bytes`), or of a
block of several layers (`layer1.0`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.layers import LAYER_QUANTITIES, LayerCost
from costcalc.analysis.report import Report
from costcalc.core.amount import magnitude, sum_amounts
from costcalc.core.dim import Dim, sum_dims
from costcalc.core.elision import match_elided
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph, Node
from costcalc.core.quantities import CATALOGUE
from costcalc.core.traits import traits_of
from costcalc.views.explain import EXPLAINED, MAX_TERMS, WorkingLine, value_in_formula

PEAK = "peak_activation_bytes"

SHORT_NAMES = {"peak": PEAK, "memory": PEAK, "dram": "traffic_bytes"}


def find_quantity(name: str) -> str:
    """A name as it may be asked for (`traffic_bytes`, `Peak activation bytes`, `traffic`) -> the quantity; "" for
    another name. UsageError for a quantity that is no sum over layers or tensors."""
    word = "_".join(name.lower().replace("-", " ").split())
    for key, quantity in CATALOGUE.items():
        if word not in (key, key.removesuffix("_bytes"), "_".join(quantity.label.lower().split())):
            continue
        if key not in EXPLAINED:
            remedy = (
                "leave it out, and add --hardware NAME, --training or --prompt N: their working comes with the rest"
            )
            raise UsageError(f"{key} is no sum over layers", remedy)
        return key
    return SHORT_NAMES.get(word, "")


def is_layer_name(report: Report, name: str) -> bool:
    """Whether a name is exactly that of a layer, or of a tensor that one computes."""
    return any(row.name == name or any(output.name == name for output in row.outputs) for row in report.rows)


def find_block(report: Report, name: str) -> tuple[str, tuple[int, ...]] | None:
    """A report and a name -> the path and the indexes of the rows of the only block of several layers that has this
    path, or whose path ends so; None where there is none. UsageError where several are called so."""
    blocks: dict[str, list[int]] = {}
    for index, row in enumerate(report.rows):
        for path in dict.fromkeys(_block_paths(row)):
            blocks.setdefault(path, []).append(index)
    wanted = name.strip("/")
    elided = frozenset(match_elided(wanted, list(blocks)))
    for found in (
        [path for path in blocks if path == wanted],
        [path for path in blocks if path in elided],
        [path for path in blocks if path.endswith((f"/{wanted}", f".{wanted}"))],
    ):
        several = {path: indexes for path, indexes in blocks.items() if path in found and len(indexes) > 1}
        if len(several) > 1 and len(set(map(tuple, several.values()))) > 1:
            names = list(several)
            listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
            raise UsageError(f"{name!r} fits {len(names)} blocks", f"which one of {listed}?")
        if several:
            path, indexes = next(iter(several.items()))
            return path, tuple(indexes)
    return None


def _block_paths(row: LayerCost) -> Iterator[str]:
    """A row -> the paths of the blocks and of the modules that it stands in."""
    for depth in range(1, len(row.scope) + 1):
        yield "/".join(row.scope[:depth])
    if row.module is not None and row.module.path:
        path = row.module.path
        yield from (path[:end] for end in [i for i, sign in enumerate(f"{path}.") if sign == "."])


def quantity_lines(
    report: Report, key: str, items: Sequence[LayerCost | LayerGroup] | None = None
) -> Iterator[WorkingLine]:
    """A report, a quantity that layers have and what to name (its layers by default, or some as groups) -> its working:
    those with most of it, of traffic with what each reads and writes, the sum of the rest, and the total."""
    label, parts = CATALOGUE[key].label, dict[int, Mapping[str, Dim]]()
    if key == "traffic_bytes":
        pairs = zip(report.graph.nodes, report.rows, strict=True)
        parts = {id(row): traffic_parts(report.graph, node, row) for node, row in pairs}
    terms = [term for item in items or report.rows for term in _make_terms(item, key) if term.amount != 0]
    terms.sort(key=lambda term: magnitude(term.amount), reverse=True)
    for term in terms[:MAX_TERMS]:
        row_parts = [parts[id(row)] for row in term.rows] if parts else []
        sides = (term.name, *([_parts_text(_sum_parts(row_parts))] if row_parts and all(row_parts) else []))
        yield WorkingLine(label, sides if term.amount is not None else (*sides, "?"), term.amount)
    rest = [row.figures[key] for term in terms[MAX_TERMS:] for row in term.rows if row.figures[key] != 0]
    known = [amount for amount in rest if amount is not None]
    if rest:
        unknown = f", {len(rest) - len(known):,} of them not known" if len(known) < len(rest) else ""
        yield WorkingLine(label, (f"{more_layers(len(rest))}{unknown}",), sum_dims(known))
    if key == "traffic_bytes" and all(parts.values()):
        sums = _sum_parts(list(parts.values()))
        yield WorkingLine(label, (_parts_text(sums),), sum_dims(list(sums.values())))
    yield sum_line(label, [(term.amount, len(term.rows)) for term in terms])


class _Term(NamedTuple):
    """A layer, or a group of layers, of a sum: its name, its amount, its rows."""

    name: str
    amount: Dim | None
    rows: tuple[LayerCost, ...]


def _make_terms(item: LayerCost | LayerGroup, key: str) -> Iterator[_Term]:
    """A layer or a group, and a quantity -> its term; those of its layers where one of a group is not known."""
    rows = item.rows if isinstance(item, LayerGroup) else (item,)
    known = [amount for row in rows if (amount := row.figures[key]) is not None]
    if len(known) == len(rows):
        yield _Term(item.name, sum_dims(known), tuple([row for row in rows if row.figures[key] != 0]))
    else:
        yield from (_Term(row.name, row.figures[key], (row,)) for row in rows)


def more_layers(count: int) -> str:
    """`20 more layers`, `1 more layer`."""
    return f"{count:,} more layer{'' if count == 1 else 's'}"


def sum_line(label: str, parts: Sequence[tuple[Dim | None, int]]) -> WorkingLine:
    """The amounts of a sum, and of how many layers each is -> the sum, of many the first ones and the sum of the others
    with how many layers these are; a lower bound where one is not known."""
    amounts = [amount for amount, _ in parts]
    known = [(amount, count) for amount, count in parts if amount is not None]
    terms = [value_in_formula(amount) for amount, _ in known[:MAX_TERMS]]
    if rest := known[MAX_TERMS:]:
        count = sum(count for _, count in rest)
        terms.append(f"{value_in_formula(sum_dims([amount for amount, _ in rest]))} ({more_layers(count)})")
    total = sum_dims([amount for amount, _ in known])
    if len(known) < len(amounts):
        return WorkingLine(label, (" + ".join([*terms, "?"]) + f" ≥ {value_in_formula(total)}",))
    return WorkingLine(label, (" + ".join(terms) or "0",), total)


TRAFFIC_PARTS = ("weights", "values", "outputs")
"""What a layer moves: stored tensors and values that it reads, and values that it writes."""


def traffic_parts(graph: Graph, node: Node, row: LayerCost) -> Mapping[str, Dim]:
    """A node and its row -> bytes of the weights and of the values that its runs read, and of what they write, which
    together are its traffic; {} where that is not known."""
    traffic, written = row.figures["traffic_bytes"], row.figures["activation_bytes"]
    if traffic is None or written is None:
        return {}
    if traffic == 0:
        return dict.fromkeys(TRAFFIC_PARTS, 0)
    reads = traits_of(node).reads
    stored = [name for name in dict.fromkeys(node.inputs) if name in graph.initializers]
    weights: Dim = 0
    for name in stored:
        form = graph.stored_formats.get(name) if reads == "all" else None
        if name != node.inputs[0] or reads == "all":
            weights = weights + (graph.types[name].nbytes if form is None else form.nbytes) * row.count
        elif reads == "part":
            weights = weights + written  # of a table as much is read as is given
    return {"weights": weights, "values": traffic - written - weights, "outputs": written}


def _sum_parts(parts: Sequence[Mapping[str, Dim]]) -> dict[str, Dim]:
    return {name: sum_dims([part[name] for part in parts]) for name in TRAFFIC_PARTS}


def _parts_text(parts: Mapping[str, Dim]) -> str:
    """`weights 37,632 + values 602,112 + outputs 3,211,264`; without what is 0."""
    return " + ".join(f"{name} {value_in_formula(amount)}" for name, amount in parts.items() if amount != 0) or "0"


def block_lines(report: Report, rows: Sequence[LayerCost]) -> Iterator[WorkingLine]:
    """The rows of a block -> the sums of the quantities that layers have."""
    for key in LAYER_QUANTITIES:
        if key in report.totals and magnitude(sum_amounts([row.figures[key] for row in rows]))[1] != 0:
            amounts = [row.figures[key] for row in rows]
            yield sum_line(CATALOGUE[key].label, [(amount, 1) for amount in amounts if amount != 0])
