"""ProgramGraph -> how its calls read stored tensors: how often, and whether all of them read one transposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from costcalc.frontends.pytorch.program import Call, InputSpec, ProgramGraph, SubgraphArgument, ValueName

TRANSPOSITIONS = frozenset(("aten.t.default", "aten.numpy_T.default", "aten.transpose.int", "aten.permute.default"))


def count_uses(graph: ProgramGraph) -> Counter[str]:
    """A graph -> how many arguments of its calls each value is."""
    return Counter(value for call in graph.calls for argument in call.arguments.values() for value in _values(argument))


def find_transposed_weights(graph: ProgramGraph, inputs: Collection[InputSpec]) -> frozenset[str]:
    """A graph and its inputs -> the stored matrices (by their names in the module) that every call reads transposed:
    as the weight [out, in] of a linear layer, or to transpose it.

    ONNX exporters store such a matrix as [in, out]. One that only linear layers with a bias read, of [N, in], stays
    as it is: a Gemm transposes it.
    """
    transposing: Counter[str] = Counter()
    needed: set[str] = set()
    for call in graph.calls:
        if call.target == "aten.linear.default":
            weight = call.arguments.get("weight")
            if isinstance(weight, ValueName):
                transposing[weight] += 1
                if not is_gemm(graph, call):
                    needed.add(weight)
        elif is_transposition(call):
            source = str(call.arguments["self"])
            transposing[source] += 1
            needed.add(source)
    if not needed:
        return frozenset()
    uses = count_uses(graph)
    uses.update(str(value) for value in graph.outputs if isinstance(value, ValueName))
    excluded: set[str] = set()
    found: set[str] = set()
    for spec in inputs:
        if spec.kind == "input":
            continue
        type_ = graph.types.get(spec.value)
        is_matrix = type_ is not None and type_.shape is not None and len(type_.shape) == 2
        if uses[spec.value] and not (is_matrix and uses[spec.value] == transposing[spec.value]):
            excluded.add(spec.target)
        elif spec.value in needed:
            found.add(spec.target)
    return frozenset(found - excluded)


def is_gemm(graph: ProgramGraph, call: Call) -> bool:
    """Whether a linear layer has a bias and reads [N, in]."""
    type_ = graph.types.get(str(call.arguments.get("input")))
    has_bias = isinstance(call.arguments.get("bias"), ValueName)
    return has_bias and type_ is not None and type_.shape is not None and len(type_.shape) == 2


def is_transposition(call: Call) -> bool:
    """Whether a call exchanges the two axes of a matrix."""
    arguments = call.arguments
    if call.target not in TRANSPOSITIONS or not isinstance(arguments.get("self"), ValueName):
        return False
    if call.target == "aten.transpose.int":
        return {arguments.get("dim0"), arguments.get("dim1")} in ({0, 1}, {0, -1}, {-2, 1}, {-2, -1})
    return call.target != "aten.permute.default" or arguments.get("dims") in ((1, 0), (-1, 0), (1, -2), (-1, -2))


def _values(argument: Any) -> Iterator[str]:
    if isinstance(argument, ValueName):
        yield argument
    elif isinstance(argument, tuple) and not isinstance(argument, SubgraphArgument):
        for item in argument:
            yield from _values(item)
