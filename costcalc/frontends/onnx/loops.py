"""A Loop, Scan or SequenceMap -> the nodes of its body, counted once per trip, slice or item.

The trip count is M where that is known and the condition stays true; else it is the symbol NODE.trips. A Loop whose
carried values change their shape is unrolled while it has few trips; else the extents that change are symbols. The Loop
itself comes after its body and reads its results, besides its own inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.core.budget import MAX_LENGTH
from costcalc.core.dim import Dim, maximum
from costcalc.core.errors import LoadError
from costcalc.core.ir import UNKNOWN, DType, SequenceType, TensorType
from costcalc.frontends.onnx.bodies import (
    add_control_node,
    body_graph,
    drop_value,
    merge_types,
    multiply_counts,
    restore_state,
    run_body,
    save_state,
    scalar_value,
    stack_type,
)
from costcalc.frontends.onnx.messages import GraphProto
from costcalc.frontends.onnx.scopes import Frame, ResolvedNode
from costcalc.frontends.onnx.walker import Walker

MAX_UNROLLED_TRIPS = 64
"""Trips of the longest Loop that is unrolled."""

_ENDLESS = 1 << 40
"""Exporters write a while loop as a Loop of 2⁶³ - 1 trips."""


def expand_loop(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds a Loop: inputs M, cond, carried…; its body takes (iteration, cond, carried…) and gives (cond, carried…,
    scans…)."""
    body, types = body_graph(call, "body"), walker.builder.types
    limit, condition = (*call.inputs[:2], "", "")[:2]
    carried = [types.get(name, UNKNOWN) for name in call.inputs[2:]]
    max_trips = scalar_value(types.get(limit)) if limit else None
    initial_condition = scalar_value(types.get(condition)) if condition else True
    if len(body.input) != 2 + len(carried):
        raise LoadError(
            f"its body takes {len(body.input)} values, {2 + len(carried)} are given", "export the model again"
        )
    start = save_state(walker)
    true_type = TensorType(DType.BOOL, (), (True,))
    invariant, results = add_loop_body(walker, frame, call, body, [TensorType(DType.INT64, ()), true_type], carried)
    may_stop = scalar_value(types[results[0]]) is not True
    is_counted = (
        max_trips is not None
        and not isinstance(max_trips, bool)
        and not may_stop
        and not _at_least(max_trips, _ENDLESS)
    )
    limit_trips: Dim | None = None
    if max_trips is not None and not isinstance(max_trips, bool) and not _at_least(max_trips, _ENDLESS):
        limit_trips = maximum(0, max_trips)
    trips: Dim = 0
    if is_counted and initial_condition is True and max_trips is not None:
        trips = maximum(0, max_trips)
    elif initial_condition is not False:
        trips = _open_trips(walker, call, limit_trips)
    if isinstance(trips, int) and trips <= MAX_UNROLLED_TRIPS and _shapes_differ(invariant, carried):
        restore_state(walker, start)
        if initial_condition is None or (initial_condition is True and not is_counted):
            _open_trips(walker, call, limit_trips)  # its name stays one that can be bound
        _unroll(walker, frame, call, body, carried, trips)
        return
    multiply_counts(walker, start, trips)
    _note_changes(walker, call, body, invariant, carried)
    n = len(carried)
    finals = [drop_value(types[name]) for name in results[1 : 1 + n]] if trips != 0 else carried
    scans = [stack_type(types[name], trips, 0) for name in results[1 + n :]]
    add_control_node(walker, call, results[1:], [*finals, *scans])


def _open_trips(walker: Walker, call: ResolvedNode, limit: Dim | None) -> Dim:
    return walker.builder.fresh(call.name, "trips", limit)


def _note_changes(
    walker: Walker, call: ResolvedNode, body: GraphProto, invariant: Sequence[TensorType], carried: Sequence[TensorType]
) -> None:
    """Adds a note where one extent stands for the extents of all trips."""
    pairs = zip(body.input[2:], invariant, carried, strict=True)
    changed = ", ".join(info.name for info, a, b in pairs if a.shape != b.shape)
    if changed:
        walker.builder.notes.append(
            f"{call.name} changes the shape of {changed} from trip to trip; each trip is costed with one and the same"
        )


def _shapes_differ(a: Sequence[TensorType], b: Sequence[TensorType]) -> bool:
    return any(x.shape != y.shape for x, y in zip(a, b, strict=True))


def _unroll(
    walker: Walker, frame: Frame, call: ResolvedNode, body: GraphProto, carried: list[TensorType], trips: int
) -> None:
    types, n = walker.builder.types, len(carried)
    results: tuple[str, ...] = ()
    rows: list[TensorType] = []
    for i in range(max(trips, 1)):
        start = save_state(walker)
        head = [TensorType(DType.INT64, (), (i,)), TensorType(DType.BOOL, (), (True,))]
        results = run_body(walker, frame, call, body, f"body/{i}", [*head, *carried])
        rows = [types[name] for name in results[1 + n :]]
        if trips < 1:
            multiply_counts(walker, start, 0)
            break
        carried = [types[name] for name in results[1 : 1 + n]]
    scans = [stack_type(t, trips, 0) for t in rows]
    add_control_node(walker, call, results[1:], [*carried, *scans])


class _LoopBody(NamedTuple):
    carried: list[TensorType]
    outputs: tuple[str, ...]


def add_loop_body(
    walker: Walker,
    frame: Frame,
    call: ResolvedNode,
    body: GraphProto,
    head: list[TensorType],
    carried: list[TensorType],
    tail: Sequence[TensorType] = (),
) -> _LoopBody:
    """Adds the body with types of the carried values that hold in every trip: an extent that changes becomes a symbol,
    an element that changes is not known."""
    start = save_state(walker)
    types = walker.builder.types
    skip = 1 if head else 0
    for attempt in range(4):
        results = run_body(walker, frame, call, body, "body", [*head, *carried, *tail])
        after = [types[name] for name in results[skip : skip + len(carried)]]
        if len(after) != len(carried):
            raise LoadError(f"its body gives {len(results)} values, too few", "export the model again")
        merged = [
            UNKNOWN if attempt == 2 and a != b else merge_types(walker, call.name, info.name, a, b)
            for info, a, b in zip(body.input[len(head) :], carried, after, strict=False)
        ]
        if merged == carried:
            return _LoopBody(carried, results)
        restore_state(walker, start)
        carried = merged
    results = run_body(walker, frame, call, body, "body", [*head, *carried, *tail])
    return _LoopBody(carried, results)


def _at_least(a: Dim, b: int) -> bool:
    return isinstance(a, int) and a >= b


def expand_scan(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds a Scan with its body: it runs once per slice of the scanned inputs."""
    body, types = body_graph(call, "body"), walker.builder.types
    batched = walker.builder.opset.get("", 9) < 9
    inputs = call.inputs[1:] if batched else call.inputs
    scanned = int(call.attributes.get("num_scan_inputs", 0))
    n = len(inputs) - scanned
    if n < 0 or scanned < 0 or len(body.input) != len(inputs):
        raise LoadError("its inputs do not fit its body and num_scan_inputs", "export the model again")
    axes = call.attributes.get("scan_input_axes") or (0,) * scanned
    if len(axes) != scanned:
        raise LoadError(f"it has {len(axes)} scan_input_axes for {scanned} scanned inputs", "export the model again")
    input_types = [types.get(name, UNKNOWN) for name in inputs]
    batch: tuple[Dim, ...] = ()
    if batched:
        batch = next((t.shape[:1] for t in input_types if t.shape), ())
        input_types = [t._replace(shape=t.shape and t.shape[1:], value=None) for t in input_types]
    length: Dim | None = None
    slices: list[TensorType] = []
    for t, axis in zip(input_types[n:], axes, strict=True):
        if t.shape is None or not -len(t.shape) <= axis < len(t.shape):
            slices.append(UNKNOWN)
            continue
        axis %= len(t.shape)
        length = t.shape[axis] if length is None else length
        slices.append(TensorType(t.dtype, t.shape[:axis] + t.shape[axis + 1 :]))
    trips = walker.builder.fresh(call.name, "trips") if length is None else length
    start = save_state(walker)
    _, results = add_loop_body(walker, frame, call, body, [], input_types[:n], slices)
    times: Dim = trips
    for extent in batch:
        times = times * extent
    multiply_counts(walker, start, times)
    outs = call.attributes.get("scan_output_axes") or (0,) * (len(results) - n)
    finals = [drop_value(types[name]) for name in results[:n]]
    stacks = [stack_type(types[name], trips, axis) for name, axis in zip(results[n:], outs, strict=False)]
    if batch:
        finals, stacks = ([t._replace(shape=t.shape and (*batch, *t.shape)) for t in ts] for ts in (finals, stacks))
    add_control_node(walker, call, results, [*finals, *stacks])


def expand_sequence_map(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds a SequenceMap: its body runs once per item of the first sequence and the item at the same index of each
    other sequence; a tensor is an input of every run. Items of one type are counted together."""
    body, types = body_graph(call, "body"), walker.builder.types
    input_types = [types.get(name, UNKNOWN) for name in call.inputs]
    first = input_types[0]
    if not isinstance(first, SequenceType) or len(body.input) != len(input_types) or first.shape is None:
        add_control_node(walker, call, (), [UNKNOWN] * len(call.outputs))
        return
    columns = [t.value or () if isinstance(t, SequenceType) else (t,) for t in input_types]
    is_uniform = all(len(set(column)) == 1 for column in columns)
    runs = 1 if is_uniform else len(columns[0])
    items: list[tuple[TensorType, ...]] = []
    names: list[str] = []
    for i in range(runs):
        start = save_state(walker)
        branch = "body" if is_uniform else f"body/{i}"
        row = [column[i if len(column) > 1 else 0] for column in columns]
        results = run_body(walker, frame, call, body, branch, row)
        items.append(tuple(types[name] for name in results))
        names += results
        if is_uniform:
            multiply_counts(walker, start, first.shape[0])
    sequences = [_sequence_type(first, column, is_uniform) for column in zip(*items, strict=True)] or [
        SequenceType(DType.UNDEFINED, (0,), ()) for _ in call.outputs
    ]
    add_control_node(walker, call, names, sequences)


def _sequence_type(template: SequenceType, items: tuple[TensorType, ...], is_uniform: bool) -> SequenceType:
    """A sequence as long as another."""
    assert template.shape is not None
    length = template.shape[0]
    if is_uniform and isinstance(length, int) and length <= MAX_LENGTH:
        items = items * length
    return SequenceType(items[0].dtype if items else DType.UNDEFINED, (length,), items)
