"""Tables and indices -> the fewest elements of a table that a look-up reads: each row once, however often it is named.

Indices whose elements the file holds are read; those that come at run time may all name the same row.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod as product_of

from costcalc.core.dim import Dim, minimum, prod
from costcalc.core.ir import TensorType
from costcalc.ops.common.axes import known_integers, normalise_axis


def fewest_rows(indices: TensorType, extent: Dim) -> Dim:
    """Indices into an axis of this extent -> how many of its rows they name at least: one where they are not known,
    none where there are no indices."""
    known = known_integers(indices)
    if known is not None and isinstance(extent, int) and extent > 0:
        return len({index % extent for index in known})
    return minimum(minimum(1, indices.elements), extent)


def count_gathered(data: TensorType, indices: TensorType, axis: int = 0, batch_axes: int = 0) -> Dim:
    """Slices of an axis of data that indices name, of which the first batch_axes axes go along with those of data ->
    elements that are read at least."""
    assert data.shape is not None and indices.shape is not None
    axis = normalise_axis(axis, data.rank)
    batches, known = prod(data.shape[:batch_axes]), known_integers(indices)
    slice_size = prod([extent for i, extent in enumerate(data.shape) if i != axis and i >= batch_axes])
    if known is None or not batch_axes or not isinstance(batches, int) or not batches:
        return batches * fewest_rows(indices, data.shape[axis]) * slice_size
    each = len(known) // batches
    parts = [known[i * each : (i + 1) * each] for i in range(batches)]
    rows = [fewest_rows(TensorType(indices.dtype, (each,), part), data.shape[axis]) for part in parts]
    return sum(rows, 0) * slice_size


def count_elements_along(data: TensorType, indices: TensorType, axis: int = 0) -> Dim:
    """One element of data for each index, at the index's own place on the other axes -> elements that are read at
    least: one of each place where the indices are not known."""
    assert data.shape is not None and indices.shape is not None
    axis = normalise_axis(axis, data.rank)
    places, known, extent = (
        [d for i, d in enumerate(indices.shape) if i != axis],
        known_integers(indices),
        data.shape[axis],
    )
    if known is None or not isinstance(extent, int) or not extent or not all(isinstance(d, int) for d in indices.shape):
        return prod(places) * minimum(1, indices.shape[axis])
    inner = product_of(int(d) for d in indices.shape[axis + 1 :])
    outer = inner * int(indices.shape[axis])
    return len({(i // outer, i % inner, index % extent) for i, index in enumerate(known)})


def count_places(data: TensorType, indices: TensorType, batch_axes: int = 0) -> Dim:
    """Vectors of indices [*batch, …, depth], each of which names a slice of data -> elements that are read at least."""
    assert data.shape is not None and indices.shape is not None
    depth, batches = indices.shape[-1], prod(data.shape[:batch_axes])
    if not isinstance(depth, int):
        return 0
    indexed = data.shape[batch_axes : batch_axes + depth]
    slice_size, vectors = prod(data.shape[batch_axes + depth :]), prod(indices.shape[:-1])
    known = known_integers(indices)
    if known is None or not depth or not isinstance(batches, int) or not batches or not all(indexed):
        return batches * minimum(1, vectors) * slice_size
    each = len(known) // depth // batches
    rows = zip(*[iter(known)] * depth, strict=True)
    named = {(n // each, *(i % d for i, d in zip(row, indexed, strict=True))) for n, row in enumerate(rows)}
    return len(named) * slice_size


def count_strided(shape: tuple[Dim, ...], strides: tuple[int, ...]) -> Dim:
    """Places Σ index · stride -> how many different ones there are at least."""
    places: Dim = 1
    reach: Dim = 0
    for extent, stride in sorted(zip(shape, map(abs, strides), strict=True), key=lambda pair: pair[1]):
        if not isinstance(extent, int) or not extent:
            return 0
        places = places * extent if stride > reach else max(int(places), extent if stride else 1)
        reach = reach + (extent - 1) * stride
    return places


def expert_parts(types: Mapping[int, TensorType | None], experts: Dim, chosen: int) -> dict[int, Dim]:
    """Inputs by position, those of experts [experts, …] among them -> the elements of the chosen experts, of those."""
    parts: dict[int, Dim] = {}
    for position, type_ in types.items():
        if type_ is not None and type_.shape and type_.shape[0] == experts:
            parts[position] = minimum(chosen, experts) * prod(type_.shape[1:])
    return parts
