"""Scan and SequenceMap: their bodies' nodes are added to the graph, counted once per slice or item."""

from __future__ import annotations

from costcalc.dim import Dim
from costcalc.errors import LoadError
from costcalc.ir import UNKNOWN, DType, SequenceType, TensorType
from costcalc.load.onnx_bodies import body_of, close, forget, run_body, stacked
from costcalc.load.onnx_frame import Call, Frame
from costcalc.load.onnx_loop import stable
from costcalc.load.onnx_undo import mark, repeat
from costcalc.load.onnx_walk import Walker


def expand_scan(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds a Scan with its body: it runs once per slice of the scanned inputs."""
    body, types = body_of(call, "body"), walker.builder.types
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
    start = mark(walker)
    _, results = stable(walker, frame, call, body, [], whole[:n], slices)
    times: Dim = trips
    for extent in batch:
        times = times * extent
    repeat(walker, start, times)
    outs = call.attributes.get("scan_output_axes") or (0,) * (len(results) - n)
    finals = [forget(types[name]) for name in results[:n]]
    stacks = [stacked(types[name], trips, axis) for name, axis in zip(results[n:], outs, strict=False)]
    if batch:
        finals, stacks = ([t._replace(shape=t.shape and (*batch, *t.shape)) for t in ts] for ts in (finals, stacks))
    close(walker, call, results, [*finals, *stacks])


def expand_sequence_map(walker: Walker, frame: Frame, call: Call) -> None:
    """Adds a SequenceMap: its body runs once per item of the first sequence, and on the item of the same place of each
    other sequence; a tensor goes into every run as it is. Items of one type are counted together."""
    body, types = body_of(call, "body"), walker.builder.types
    given = [types.get(name, UNKNOWN) for name in call.inputs]
    first = given[0]
    if not isinstance(first, SequenceType) or len(body.input) != len(given) or first.shape is None:
        close(walker, call, (), [UNKNOWN] * len(call.outputs))
        return
    columns = [t.value or () if isinstance(t, SequenceType) else (t,) for t in given]
    alike = all(len(set(column)) == 1 for column in columns)
    runs = 1 if alike else len(columns[0])
    items: list[tuple[TensorType, ...]] = []
    names: list[str] = []
    for i in range(runs):
        start = mark(walker)
        branch = "body" if alike else f"body/{i}"
        row = [column[i if len(column) > 1 else 0] for column in columns]
        results = run_body(walker, frame, call, body, branch, row)
        items.append(tuple(types[name] for name in results))
        names += results
        if alike:
            repeat(walker, start, first.shape[0])
    sequences = [_sequence(first, column, alike) for column in zip(*items, strict=True)] or [
        SequenceType(DType.UNDEFINED, (0,), ()) for _ in call.outputs
    ]
    close(walker, call, names, sequences)


def _sequence(like: SequenceType, items: tuple[TensorType, ...], alike: bool) -> SequenceType:
    """A sequence as long as another."""
    assert like.shape is not None
    length = like.shape[0]
    if alike and isinstance(length, int):
        items = items * length
    return SequenceType(items[0].dtype if items else DType.UNDEFINED, (length,), items)
