"""Loop: its body's nodes are added to the graph with the trip count.

The trip count is M where that is known and the condition stays true; else it is the symbol NODE.trips. A Loop whose
carried values change their shape is unrolled while it has few trips; else the extents that change are symbols. The Loop
itself comes after its body and reads its results, besides its own inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.dim import Dim, maximum
from costcalc.errors import LoadError
from costcalc.ir import UNKNOWN, DType, TensorType
from costcalc.load.onnx_bodies import body_of, close, element, forget, merge, run_body, stacked
from costcalc.load.onnx_frame import Call, Frame
from costcalc.load.onnx_records import GraphProto
from costcalc.load.onnx_undo import mark, repeat, rollback
from costcalc.load.onnx_walk import Walker

UNROLLED = 64
"""Trips of the longest Loop that is unrolled."""
_ENDLESS = 1 << 40
"""Exporters write a while loop as a Loop of 2⁶³ - 1 trips."""


def expand_loop(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds a Loop: inputs M, cond, carried…; its body takes (iteration, cond, carried…) and gives (cond, carried…,
    scans…)."""
    body, types = body_of(call, "body"), walker.builder.types
    limit, go = (*call.inputs[:2], "", "")[:2]
    carried = [types.get(name, UNKNOWN) for name in call.inputs[2:]]
    most = element(types.get(limit)) if limit else None
    begins = element(types.get(go)) if go else True
    if len(body.input) != 2 + len(carried):
        raise LoadError(
            f"its body takes {len(body.input)} values, {2 + len(carried)} are given", "export the model again"
        )
    start = mark(walker)
    running = TensorType(DType.BOOL, (), (True,))
    fixed, results = stable(walker, frame, call, body, [TensorType(DType.INT64, ()), running], carried)
    endless = element(types[results[0]]) is not True
    known = most is not None and not isinstance(most, bool) and not endless and not _at_least(most, _ENDLESS)
    trips: Dim = 0
    if known and begins is True and most is not None:
        trips = maximum(0, most)
    elif begins is not False:
        trips = _open_trips(walker, call)
    if isinstance(trips, int) and trips <= UNROLLED and _changes(fixed, carried):
        rollback(walker, start)
        if begins is None or (begins is True and not known):
            _open_trips(walker, call)  # its name stays one that can be bound
        _unroll(walker, frame, call, body, carried, trips)
        return
    repeat(walker, start, trips)
    _note_changes(walker, call, body, fixed, carried)
    n = len(carried)
    finals = [forget(types[name]) for name in results[1 : 1 + n]] if trips != 0 else carried
    scans = [stacked(types[name], trips, 0) for name in results[1 + n :]]
    close(walker, call, results[1:], [*finals, *scans])


def _open_trips(walker: Walker, call: Call) -> Dim:
    return walker.builder.fresh(call.name, "trips")


def _note_changes(
    walker: Walker, call: Call, body: GraphProto, fixed: Sequence[TensorType], carried: Sequence[TensorType]
) -> None:
    """Says where one extent stands for those of all trips."""
    pairs = zip(body.input[2:], fixed, carried, strict=True)
    changed = ", ".join(info.name for info, a, b in pairs if a.shape != b.shape)
    if changed:
        walker.builder.notes.append(
            f"{call.name} changes the shape of {changed} from trip to trip; each trip is costed with one and the same"
        )


def _changes(a: Sequence[TensorType], b: Sequence[TensorType]) -> bool:
    return any(x.shape != y.shape for x, y in zip(a, b, strict=True))


def _unroll(walker: Walker, frame: Frame, call: Call, body: GraphProto, carried: list[TensorType], trips: int) -> None:
    types, n = walker.builder.types, len(carried)
    results: tuple[str, ...] = ()
    rows: list[TensorType] = []
    for i in range(max(trips, 1)):
        start = mark(walker)
        head = [TensorType(DType.INT64, (), (i,)), TensorType(DType.BOOL, (), (True,))]
        results = run_body(walker, frame, call, body, f"body/{i}", [*head, *carried])
        rows = [types[name] for name in results[1 + n :]]
        if trips < 1:
            repeat(walker, start, 0)
            break
        carried = [types[name] for name in results[1 : 1 + n]]
    scans = [stacked(t, trips, 0) for t in rows] or [UNKNOWN] * (len(call.outputs) - n)
    close(walker, call, results[1:], [*carried, *scans])


class _Result(NamedTuple):
    carried: list[TensorType]
    outputs: tuple[str, ...]


def stable(
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
    start = mark(walker)
    types = walker.builder.types
    skip = 1 if head else 0
    for attempt in range(4):
        results = run_body(walker, frame, call, body, "body", [*head, *carried, *tail])
        after = [types[name] for name in results[skip : skip + len(carried)]]
        if len(after) != len(carried):
            raise LoadError(f"its body gives {len(results)} values, too few", "export the model again")
        merged = [
            UNKNOWN if attempt == 2 and a != b else merge(walker, call.name, info.name, a, b)
            for info, a, b in zip(body.input[len(head) :], carried, after, strict=False)
        ]
        if merged == carried:
            return _Result(carried, results)
        rollback(walker, start)
        carried = merged
    results = run_body(walker, frame, call, body, "body", [*head, *carried, *tail])
    return _Result(carried, results)


def _at_least(a: Dim, b: int) -> bool:
    return isinstance(a, int) and a >= b
