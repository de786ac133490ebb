"""If, Loop and Scan: their bodies' nodes are added to the graph, each with how often it runs.

- A decided If counts the branch that it takes. The other stands in the graph with count 0 where it holds weights:
  they are stored. Of an open If the dearer branch counts, the other has count 0, and the node is one of the graph's
  choices.
- A Loop's trip count is its M where that is known and its condition stays true; else it is the symbol NODE.trips.
  A Loop whose carried values change their shape is unrolled while it has few trips; else the extents that change are
  symbols.
- The node itself comes after its body and reads its results, besides its own inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from costcalc import registry
from costcalc.assume import collecting
from costcalc.dim import Dim
from costcalc.errors import CostcalcError, LoadError, UndecidedError
from costcalc.ir import UNKNOWN, DType, SequenceType, TensorType
from costcalc.load.onnx_proto import GraphProto
from costcalc.load.onnx_walk import Call, Frame, Mark, Walker

UNROLLED = 64
"""Trips of the longest Loop that is unrolled."""
_ENDLESS = 1 << 40
"""Exporters write a while loop as a Loop of 2⁶³ - 1 trips."""


def expand_if(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds an If with its branches."""
    then, other = _body(call, "then_branch"), _body(call, "else_branch")
    condition = _element(walker.builder.types.get(call.inputs[0]))
    if isinstance(condition, bool):
        if condition:
            results = _branch(walker, frame, call, "then_branch", then)
            _shadow(walker, frame, call, "else_branch", other)
        else:
            _shadow(walker, frame, call, "then_branch", then)
            results = _branch(walker, frame, call, "else_branch", other)
        _close(walker, call, results, [walker.builder.types[name] for name in results])
        return
    types = walker.builder.types
    mark_then = walker.mark()
    results = _branch(walker, frame, call, "then_branch", then)
    mark_else = walker.mark()
    others = _branch(walker, frame, call, "else_branch", other)
    end = walker.mark()
    nodes = walker.builder.nodes
    costs = [_flops(walker, a.nodes, b.nodes) for a, b in ((mark_then, mark_else), (mark_else, end))]
    first, last = (mark_then.nodes, mark_else.nodes) if _less(costs[0], costs[1]) else (mark_else.nodes, end.nodes)
    nodes[first:last] = [replace(n, count=0) for n in nodes[first:last]]
    if costs[0] != costs[1]:
        walker.choices.append(call.name)
    merged = [
        _merge(walker, call.name, name, types[a], types[b])
        for a, b, name in zip(results, others, call.outputs, strict=True)
    ]
    _close(walker, call, (*results, *others), merged)


def expand_loop(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds a Loop: inputs M, cond, carried…; its body takes (iteration, cond, carried…) and gives (cond, carried…,
    scans…)."""
    body, types = _body(call, "body"), walker.builder.types
    limit, go = (*call.inputs[:2], "", "")[:2]
    carried = [types.get(name, UNKNOWN) for name in call.inputs[2:]]
    most = _element(types.get(limit)) if limit else None
    start = _element(types.get(go)) if go else True
    if len(body.input) != 2 + len(carried):
        raise LoadError(
            f"its body takes {len(body.input)} values, {2 + len(carried)} are given", "export the model again"
        )
    mark = walker.mark()
    running = TensorType(DType.BOOL, (), (True,))
    stable, results = _stable(walker, frame, call, body, [TensorType(DType.INT64, ()), running], carried)
    endless = _element(types[results[0]]) is not True
    known = most is not None and not isinstance(most, bool) and not endless and not _at_least(most, _ENDLESS)
    trips: Dim = 0
    if start is not False:
        trips = most if known and start is True and most is not None else walker.builder.fresh(call.name, "trips")
    if isinstance(trips, int) and trips <= UNROLLED and stable != carried and _changes(stable, carried):
        walker.rollback(mark)
        _unroll(walker, frame, call, body, carried, trips)
        return
    walker.repeat(mark, trips)
    n = len(carried)
    finals = [_forget(types[name]) for name in results[1 : 1 + n]] if trips != 0 else carried
    scans = [_stacked(types[name], trips, 0) for name in results[1 + n :]]
    _close(walker, call, results[1:], [*finals, *scans])


def _changes(a: Sequence[TensorType], b: Sequence[TensorType]) -> bool:
    return any(x.shape != y.shape for x, y in zip(a, b, strict=True))


def _unroll(walker: Walker, frame: Frame, call: Call, body: GraphProto, carried: list[TensorType], trips: int) -> None:
    types, n = walker.builder.types, len(carried)
    results: tuple[str, ...] = ()
    rows: list[TensorType] = []
    for i in range(trips):
        head = [TensorType(DType.INT64, (), (i,)), TensorType(DType.BOOL, (), (True,))]
        results = _run_body(walker, frame, call, body, f"body/{i}", [*head, *carried])
        carried = [types[name] for name in results[1 : 1 + n]]
        rows = [types[name] for name in results[1 + n :]]
    scans = [_stacked(t, trips, 0) for t in rows] or [UNKNOWN] * (len(call.outputs) - n)
    _close(walker, call, results[1:], [*carried, *scans])


def expand_scan(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds a Scan with its body: it runs once per slice of the scanned inputs."""
    body, types = _body(call, "body"), walker.builder.types
    batched = walker.builder.opset.get("", 9) < 9
    inputs = call.inputs[1:] if batched else call.inputs
    scanned = int(call.attributes.get("num_scan_inputs", 0))
    n = len(inputs) - scanned
    axes = call.attributes.get("scan_input_axes") or (0,) * scanned
    if n < 0 or len(body.input) != len(inputs) or len(axes) != scanned:
        raise LoadError("its inputs do not fit its body and num_scan_inputs", "export the model again")
    whole = [types.get(name, UNKNOWN) for name in inputs]
    batch: tuple[Dim, ...] = ()
    if batched:
        batch = next((t.shape[:1] for t in whole if t.shape), ())
        whole = [t._replace(shape=t.shape and t.shape[1:], value=None) for t in whole]
    found: Dim | None = None
    slices: list[TensorType] = []
    for t, axis in zip(whole[n:], axes, strict=True):
        if t.shape is None or not -len(t.shape) <= axis < len(t.shape):
            slices.append(UNKNOWN)
            continue
        axis %= len(t.shape)
        found = t.shape[axis] if found is None else found
        slices.append(TensorType(t.dtype, t.shape[:axis] + t.shape[axis + 1 :]))
    trips = walker.builder.fresh(call.name, "trips") if found is None else found
    mark = walker.mark()
    _, results = _stable(walker, frame, call, body, [], whole[:n], slices)
    times: Dim = trips
    for extent in batch:
        times = times * extent
    walker.repeat(mark, times)
    outs = call.attributes.get("scan_output_axes") or (0,) * (len(results) - n)
    finals = [_forget(types[name]) for name in results[:n]]
    stacks = [_stacked(types[name], trips, axis) for name, axis in zip(results[n:], outs, strict=False)]
    if batch:
        finals, stacks = ([t._replace(shape=t.shape and (*batch, *t.shape)) for t in ts] for ts in (finals, stacks))
    _close(walker, call, results, [*finals, *stacks])


def expand_sequence_map(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds a SequenceMap: its body runs once per item of the first sequence, and on the item of the same place of each
    other sequence; a tensor goes into every run as it is. Items of one type are counted together."""
    body, types = _body(call, "body"), walker.builder.types
    given = [types.get(name, UNKNOWN) for name in call.inputs]
    first = given[0]
    if not isinstance(first, SequenceType) or len(body.input) != len(given) or first.shape is None:
        _close(walker, call, (), [UNKNOWN] * len(call.outputs))
        return
    columns = [t.value or () if isinstance(t, SequenceType) else (t,) for t in given]
    alike = all(len(set(column)) == 1 for column in columns)
    runs = 1 if alike else len(columns[0])
    items: list[tuple[TensorType, ...]] = []
    names: list[str] = []
    for i in range(runs):
        mark = walker.mark()
        branch = "body" if alike else f"body/{i}"
        row = [column[i if len(column) > 1 else 0] for column in columns]
        results = _run_body(walker, frame, call, body, branch, row)
        items.append(tuple(types[name] for name in results))
        names += results
        if alike:
            walker.repeat(mark, first.shape[0])
    sequences = [_sequence(first, column, alike) for column in zip(*items, strict=True)] or [
        SequenceType(DType.UNDEFINED, (0,), ()) for _ in call.outputs
    ]
    _close(walker, call, names, sequences)


def _sequence(like: SequenceType, items: tuple[TensorType, ...], alike: bool) -> SequenceType:
    """A sequence as long as another."""
    assert like.shape is not None
    length = like.shape[0]
    if alike and isinstance(length, int):
        items = items * length
    return SequenceType(items[0].dtype if items else DType.UNDEFINED, (length,), items)


EXPAND = {"If": expand_if, "Loop": expand_loop, "Scan": expand_scan, "SequenceMap": expand_sequence_map}


def _body(call: Call, name: str) -> GraphProto:
    body = call.attributes.pop(name, None)
    if not isinstance(body, GraphProto):
        raise LoadError(f"it has no {name}", "export the model again")
    return body


def _element(t: TensorType | None) -> Dim | bool | None:
    """The value of a scalar; None where it is not known."""
    if t is None or t.value is None or len(t.value) != 1:
        return None
    element: Dim | bool = t.value[0]
    return bool(element) if t.dtype is DType.BOOL else element


def _frame(frame: Frame, call: Call, branch: str) -> Frame:
    values = f"{call.name}/{branch}"
    return Frame({}, frame, values, frame.names, call.scope, frame.attributes, frame.depth + 1)


def _branch(walker: Walker, frame: Frame, call: Call, branch: str, graph: GraphProto) -> tuple[str, ...]:
    results = walker.graph(_frame(frame, call, branch), graph)
    if len(results) != len(call.outputs):
        raise LoadError(f"its {branch} gives {len(results)} values, {len(call.outputs)} are named", "export it again")
    return results


def _shadow(walker: Walker, frame: Frame, call: Call, branch: str, graph: GraphProto) -> None:
    """Adds a branch that is not taken, with count 0, where it holds weights. It need not be valid."""
    mark = walker.mark()
    try:
        with collecting():
            walker.graph(_frame(frame, call, branch), graph)
    except CostcalcError:
        walker.rollback(mark)
        return
    builder = walker.builder
    stored = builder.initializers
    if any(name in stored and stored[name].dtype.is_float for n in builder.nodes[mark.nodes :] for name in n.inputs):
        walker.repeat(mark, 0)
    else:
        walker.rollback(mark)


def _run_body(
    walker: Walker, frame: Frame, call: Call, body: GraphProto, branch: str, given: Sequence[TensorType]
) -> tuple[str, ...]:
    inner = _frame(frame, call, branch)
    for info, type_ in zip(body.input, given, strict=True):
        walker.builder.types[inner.define(info.name)] = type_
    return walker.graph(inner, body)


class _Result(NamedTuple):
    carried: list[TensorType]
    outputs: tuple[str, ...]


def _stable(
    walker: Walker,
    frame: Frame,
    call: Call,
    body: GraphProto,
    head: list[TensorType],
    carried: list[TensorType],
    tail: Sequence[TensorType] = (),
) -> _Result:
    """Adds the body with types of the carried values that hold in every trip: an extent that changes becomes a symbol,
    an element that changes is not known."""
    mark: Mark = walker.mark()
    types = walker.builder.types
    skip = 1 if head else 0
    for attempt in range(4):
        results = _run_body(walker, frame, call, body, "body", [*head, *carried, *tail])
        after = [types[name] for name in results[skip : skip + len(carried)]]
        if len(after) != len(carried):
            raise LoadError(f"its body gives {len(results)} values, too few", "export the model again")
        merged = [
            UNKNOWN if attempt == 2 and a != b else _merge(walker, call.name, info.name, a, b)
            for info, a, b in zip(body.input[len(head) :], carried, after, strict=False)
        ]
        if merged == carried:
            return _Result(carried, results)
        walker.rollback(mark)
        carried = merged
    results = _run_body(walker, frame, call, body, "body", [*head, *carried, *tail])
    return _Result(carried, results)


def _merge(walker: Walker, node: str, name: str, a: TensorType, b: TensorType) -> TensorType:
    """What holds for both types."""
    if a == b:
        return a
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape) or a.dtype is not b.dtype:
        return UNKNOWN
    if isinstance(a, SequenceType) or isinstance(b, SequenceType):
        items = {TensorType(t.dtype, t.shape) for t in (*(a.value or ()), *(b.value or ()))}
        if type(a) is not type(b) or len(items) != 1:
            return UNKNOWN
        return SequenceType(a.dtype, (_symbol(walker, node, name, 0),), tuple(items))
    shape = tuple(
        x if x == y or x == _symbol(walker, node, name, i) else _symbol(walker, node, name, i)
        for i, (x, y) in enumerate(zip(a.shape, b.shape, strict=True))
    )
    return TensorType(a.dtype, shape, a.value if a.value == b.value else None)


def _forget(t: TensorType) -> TensorType:
    """A type without elements; a sequence's value is its items' types and stays."""
    return t if isinstance(t, SequenceType) else t._replace(value=None)


def _symbol(walker: Walker, node: str, name: str, axis: int) -> Dim:
    return walker.builder.fresh(node, f"{name.lstrip('/')}_dim{axis}")


def _stacked(t: TensorType, trips: Dim, axis: int) -> TensorType:
    """The results of all trips along a new axis."""
    if t.shape is None:
        return UNKNOWN
    axis = axis % (len(t.shape) + 1)
    return TensorType(t.dtype, (*t.shape[:axis], trips, *t.shape[axis:]))


def _at_least(a: Dim, b: int) -> bool:
    return isinstance(a, int) and a >= b


def _less(a: Dim, b: Dim) -> bool:
    """a < b; where that depends on a symbol, by the number of the highest powers' terms printed first."""
    try:
        return a < b
    except UndecidedError:
        return False


def _flops(walker: Walker, first: int, last: int) -> Dim:
    """FLOPs of nodes[first:last], those without a rule left out."""
    types = walker.builder.types
    total: Dim = 0
    for node in walker.builder.nodes[first:last]:
        rule = registry.COSTS.get((node.domain, node.op_type))
        inputs = [types[name] if name else None for name in node.inputs]
        outs = [types[name] if name else None for name in node.outputs]
        if rule is None or any(t is not None and t.shape is None for t in (*inputs, *outs)):
            continue
        context = {"out": outs[0], "outs": outs, "opset": walker.builder.opset.get(node.domain, 0)}
        cost = registry.call(rule, inputs, node.attributes, context)
        once = 2 * cost.macs.value if cost.macs.terms else 0
        for work in cost.work:
            once = once + work.formula.value
        total = total + once * node.count
    return total


def _close(walker: Walker, call: Call, results: Sequence[str], types: Sequence[TensorType]) -> None:
    """Adds the node itself, with the types of its outputs."""
    walker.builder.add(
        call.op_type,
        (*call.inputs, *results),
        call.attributes,
        name=call.name,
        outputs=call.outputs,
        domain=call.domain,
        scope=call.scope,
        place=walker.place,
        types=tuple(types[: len(call.outputs)]),
    )
