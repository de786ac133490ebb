"""A layer before and after → whether it is the same, was renamed, follows what it reads, or was changed itself."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.diff.definition import definition, filters_at, operator_traits, right_operand_at
from costcalc.dim import Dim
from costcalc.snapshot import Layer, Tensor


def status(before: Layer, after: Layer, one_name: bool) -> str:
    """changed, follows, renamed or same; one_name tells whether the names differ at most by automatic numbers.

    A layer was changed if it has another operator, attribute, number of filters or units, another type of weights or
    another set of inputs. It was changed too where all that it reads is as it was, yet its weights or its results have
    other shapes. It follows where what it reads has another shape, or where it only costs otherwise (a weight that it
    shares counts for another layer now, or a loop runs more often).
    """
    if _changed(before, after):
        return "changed"
    results = [[(t.dtype, t.shape) for t in layer.outputs] for layer in (before, after)]
    if (
        _read(before) != _read(after)
        or results[0] != results[1]
        or before.amounts != after.amounts
        or before.count != after.count
    ):
        return "follows"
    return "same" if one_name else "renamed"


def _changed(before: Layer, after: Layer) -> bool:
    if (before.domain, before.op_type) != (after.domain, after.op_type) or definition(before) != definition(after):
        return True
    if len(before.inputs) != len(after.inputs) or len(before.outputs) != len(after.outputs):
        return True
    pairs = list(zip(before.inputs, after.inputs, strict=True))
    if any(bool(x.name) != bool(y.name) or _retyped(x, y) for x, y in pairs):
        return True
    if _read(before) == _read(after):
        # what is cut from a table follows a length that the layer does not read
        shapes = [[t.shape for t in (*x.inputs, *(x.outputs if _read(x) else ()))] for x in (before, after)]
        return shapes[0] != shapes[1]
    operator = operator_traits((before.domain, before.op_type))
    if filters_at(operator) is not None or right_operand_at(operator) is not None:
        return False
    ratios = list(_ratios(before, after))
    return any(x.stored and y.stored and not _follows(x, y, ratios) for x, y in pairs)


def _retyped(before: Tensor, after: Tensor) -> bool:
    """Whether a weight has another element type; that of a single number (a bound, a ratio) follows the activations."""
    return before.stored and after.stored and before.dtype != after.dtype and after.shape not in ((), (1,))


def _read(layer: Layer) -> list[tuple[str, tuple[Dim, ...] | None]]:
    """The types that a layer reads while the model runs."""
    return [(t.dtype, t.shape) for t in layer.inputs if not t.stored]


def _ratios(before: Layer, after: Layer) -> Iterator[tuple[Dim, Dim]]:
    """(old, new) of each extent that a layer reads and that is another one now."""
    for x, y in zip(before.inputs, after.inputs, strict=True):
        if not x.stored and x.shape is not None and y.shape is not None and len(x.shape) == len(y.shape):
            yield from ((old, new) for old, new in zip(x.shape, y.shape, strict=True) if old != new)


def _follows(before: Tensor, after: Tensor, ratios: list[tuple[Dim, Dim]]) -> bool:
    """Whether each extent of a weight is as it was, or grew as an extent did that its layer reads."""
    if before.shape is None or after.shape is None or len(before.shape) != len(after.shape):
        return before.shape == after.shape
    return all(
        old == new or any(old * to == new * from_ for from_, to in ratios)
        for old, new in zip(before.shape, after.shape, strict=True)
    )
