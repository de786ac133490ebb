"""Sorting, selecting by rank, counting and searching: ATen's calls -> TopK, or nodes of ATen's own operators."""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.ir import DType
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import add_scalar, emit_own


@translates("topk", "sort", "msort", "argsort")
def sorted_elements(call: CallSite) -> None:
    """(values, places) of the k greatest or least elements along an axis; a sort takes all of them."""
    x = call.tensor("self")
    operator = call.operator
    if not call.shape(x):
        values = [x, add_scalar(call, 0, DType.INT64, "place")]
        for position, value in enumerate(values[1:] if operator == "argsort" else values[: len(call.outputs)]):
            call.alias(value, position)
        return
    axis = 0 if operator == "msort" else call.axis("dim", x, -1)
    count: Dim = call.dim("k") if operator == "topk" else call.extent(x, axis)
    largest = call.flag("largest", True) if operator == "topk" else call.flag("descending")
    attributes = {"axis": axis, "largest": int(largest), "sorted": int(call.flag("sorted", True))}
    places = f"{call.name}/indices"
    outputs = [call.output(0), places]
    if operator == "argsort":
        outputs = [f"{call.name}/values", call.output(0)]
    elif len(call.outputs) > 1:
        outputs = [call.output(0) or f"{call.name}/values", call.output(1) or places]
    call.emit("TopK", [x, call.constant((count,), "k")], attributes, outputs=outputs)


@translates(
    "kthvalue",
    "median",
    "nanmedian",
    "mode",
    "quantile",
    "nanquantile",
    "_unique",
    "_unique2",
    "unique_dim",
    "unique_consecutive",
    "unique_dim_consecutive",
)
def selected_elements(call: CallSite) -> None:
    """Elements by their rank among others, or each different one once."""
    emit_own(call, call.operator, call.tensor("self"))


@translates("searchsorted", "bucketize")
def search(call: CallSite) -> None:
    """Where numbers belong in a sorted sequence."""
    sequence = call.tensor("boundaries" if call.operator == "bucketize" else "sorted_sequence")
    numbers = call.optional_tensor("self") or add_scalar(call, call.get("self"), DType.FLOAT32, "number")
    emit_own(call, "searchsorted", sequence, numbers)


@translates("bincount", "histc")
def histogram(call: CallSite) -> None:
    """How many elements fall into each bin."""
    emit_own(call, call.operator, *call.tensor_inputs())
