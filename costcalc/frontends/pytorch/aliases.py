"""Calls of a graph -> which values share memory, so that a write in place to one is seen by those that read another.

A program names a tensor anew after a write to it, but not the tensors that it is a view of.
"""

from __future__ import annotations

from costcalc.frontends.pytorch.program import (
    Call,
    ProgramGraph,
    ValueName,
    is_in_place,
    operator_name,
    tensor_names,
)

VIEWS = frozenset(
    (
        "_conj",
        "_neg_view",
        "_reshape_alias",
        "adjoint",
        "alias",
        "as_strided",
        "broadcast_to",
        "chunk",
        "conj",
        "detach",
        "diagonal",
        "dsplit",
        "expand",
        "expand_as",
        "flatten",
        "hsplit",
        "imag",
        "lift_fresh",
        "linalg_diagonal",
        "mH",
        "mT",
        "matrix_H",
        "moveaxis",
        "movedim",
        "narrow",
        "numpy_T",
        "permute",
        "positive",
        "ravel",
        "real",
        "reshape",
        "reshape_as",
        "resolve_conj",
        "resolve_neg",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "swapaxes",
        "swapdims",
        "t",
        "tensor_split",
        "transpose",
        "unbind",
        "unflatten",
        "unfold",
        "unsqueeze",
        "view",
        "view_as",
        "view_as_complex",
        "view_as_real",
        "vsplit",
    )
)
"""Operators that give views of their first argument, or may: those whose schema says so, without COPIES."""

COPIES = frozenset(("contiguous", "pin_memory", "to"))
"""Operators that give their first argument itself where it is already what they make of it, and else a copy, which
is what they are called for."""

OVERWRITING = frozenset(("copy", "fill", "zero"))
"""Operators that in place write over all of a tensor, and read nothing of it."""


class Aliases:
    """Follows the calls of one graph in their order.

    bases maps a view to the tensor whose memory it shares; names maps such a tensor to all names that the program has
    for the whole of it. overwritten are views that are only written over: nothing reads what they hold. last_reads is
    known once it is asked for.
    """

    def __init__(self, graph: ProgramGraph) -> None:
        self.bases: dict[str, str] = {}
        self.names: dict[str, list[str]] = {}
        self.overwritten = _find_overwritten(graph)
        self.graph = graph
        self.last_reads: dict[str, int] = {}

    def follow(self, call: Call) -> tuple[str, ...]:
        """A call -> the names of the tensor that it writes to, all of it or a part; () where it writes to none."""
        source = first_tensor(call)
        if not source or not call.outputs:
            return ()
        base = self.bases.get(source, source)
        operator = operator_name(call.target)
        if operator in VIEWS:
            self.bases.update((output, base) for output in call.outputs if output)
            return ()
        if not is_in_place(call) or not call.outputs[0]:
            return ()
        names = self.names.setdefault(base, [base])
        self.bases[call.outputs[0]] = base
        if not self.is_part(source):
            names.append(call.outputs[0])
        return tuple(names)

    def is_whole_read(self, call: Call, position: int) -> bool:
        """Whether anything behind a write to a view, the call at this position, reads the tensor or another view of it;
        an input's memory is read outside of the program."""
        if not self.last_reads:
            self.last_reads = _find_last_reads(self.graph)
        source, written = first_tensor(call), call.outputs[0]
        base = self.bases.get(source, source)
        if base in self.graph.inputs:
            return True
        others = [base, *(name for name, other in self.bases.items() if other == base)]
        return any(self.last_reads.get(name, -1) > position for name in others if name not in (source, written))

    def is_overwritten(self, call: Call) -> bool:
        """Whether a call gives views only that are written over."""
        outputs = [output for output in call.outputs if output]
        return bool(outputs) and self.overwritten.issuperset(outputs)

    def is_part(self, name: str) -> bool:
        """Whether a value is a view of a tensor, not a name of the whole."""
        base = self.bases.get(name, name)
        return base != name and name not in self.names.get(base, ())


def first_tensor(call: Call) -> str:
    """A call -> the tensor that is its first argument; "" where that is none."""
    value = next(iter(call.arguments.values()), None)
    return value if isinstance(value, ValueName) else ""


def _find_last_reads(graph: ProgramGraph) -> dict[str, int]:
    """A graph -> the position of the last call that reads each value; that behind all calls for its outputs."""
    last = {name: i for i, call in enumerate(graph.calls) for name in tensor_names(call.arguments.values())}
    return last | dict.fromkeys(tensor_names(graph.outputs), len(graph.calls))


def _is_overwriting(call: Call) -> bool:
    return is_in_place(call) and operator_name(call.target) in OVERWRITING


def _find_overwritten(graph: ProgramGraph) -> frozenset[str]:
    """Views that are only written over, and views of which there are only such views."""
    if not any(_is_overwriting(call) for call in graph.calls):
        return frozenset()
    read: set[str] = {value for value in graph.outputs if isinstance(value, ValueName)}
    targets: set[str] = set()
    overwritten: set[str] = set()
    for call in reversed(graph.calls):
        source, outputs = first_tensor(call), {output for output in call.outputs if output}
        is_target = operator_name(call.target) in VIEWS and outputs <= targets and not outputs & read
        if is_target:
            overwritten |= outputs
        skipped = bool(source) and (_is_overwriting(call) or is_target)
        if skipped:
            targets.add(source)
        read.update(tensor_names(list(call.arguments.values())[int(skipped) :]))
    return frozenset(overwritten)
