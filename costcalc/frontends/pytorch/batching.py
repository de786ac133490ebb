"""Calls inside torch.vmap -> how often each counts: once for each element of the axis that vmap takes from its inputs.

A program has the sizes of one element there: _add_batch_dim(x, axis, level) takes the axis away, and
_remove_batch_dim(y, level, size, axis) puts one back (torch/_functorch/predispatch.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.core.dim import Dim, prod
from costcalc.core.ir import TensorType
from costcalc.frontends.pytorch.program import Call, operator_name, tensor_names

ENTRY, EXIT = "_add_batch_dim", "_remove_batch_dim"


class VmapLevels:
    """Follows the calls of a graph in their order. levels maps a value to those of the vmaps that it lies in, sizes a
    level to how many elements that one runs over."""

    def __init__(self) -> None:
        self.levels: dict[str, frozenset[int]] = {}
        self.sizes: dict[int, Dim] = {}

    def count_runs(self, call: Call, types: Mapping[str, TensorType]) -> Dim:
        """A call -> how many elements it runs for. types are those of the program's values."""
        if not self.levels and not call.target.endswith(ENTRY):
            return 1
        operator = operator_name(call.target)
        names = list(tensor_names(call.arguments.values()))
        levels = frozenset().union(*[self.levels.get(name, frozenset()) for name in names])
        level = call.arguments.get({ENTRY: "2", EXIT: "1"}.get(operator, ""))
        outer = levels - {level}
        if operator == ENTRY and isinstance(level, int):
            shape = types[names[0]].shape if names and names[0] in types else None
            axis = call.arguments.get("1")
            if shape and isinstance(axis, int) and -len(shape) <= axis < len(shape):
                self.sizes[level] = shape[axis]
                levels |= {level}
        elif operator == EXIT:
            levels = outer
        if levels:
            self.levels.update((output, levels) for output in call.outputs if output)
        return prod([self.sizes[each] for each in (outer if operator in (ENTRY, EXIT) else levels)])
