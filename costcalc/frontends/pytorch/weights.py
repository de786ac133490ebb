"""ProgramGraph -> how its calls read stored tensors: how often, and whether all of them read one permuted alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from costcalc.frontends.pytorch.program import Call, InputSpec, ProgramGraph, ValueName, tensor_names

Permutation = tuple[int, ...]

LINEAR: Permutation = (1, 0)

TRANSPOSITIONS = frozenset(("aten.t.default", "aten.numpy_T.default", "aten.transpose.int", "aten.permute.default"))


def count_uses(graph: ProgramGraph) -> Counter[str]:
    """A graph -> how many arguments of its calls each value is."""
    return Counter(value for call in graph.calls for value in tensor_names(call.arguments.values()))


def find_transposed_weights(graph: ProgramGraph, inputs: Collection[InputSpec]) -> Mapping[str, Permutation]:
    """A graph and its inputs -> the stored tensors (by their names in the module) that every call reads with their axes
    permuted alike, and that permutation: the weight [out, in] of a linear layer; one that calls transpose.

    ONNX exporters store such a tensor permuted. A matrix that only linear layers with a bias read, of [N, in], stays as
    it is: a Gemm transposes it.
    """
    reads: dict[str, list[Permutation]] = {}
    needed: set[str] = set()
    for call in graph.calls:
        if call.target == "aten.linear.default":
            source, permutation = call.arguments.get("weight"), LINEAR
        else:
            source, permutation = call.arguments.get("self"), permutation_of(graph, call)
        if isinstance(source, ValueName) and permutation:
            reads.setdefault(source, []).append(permutation)
            if not is_gemm(graph, call):
                needed.add(source)
    if not needed:
        return {}
    uses = count_uses(graph)
    uses.update(str(value) for value in graph.outputs if isinstance(value, ValueName))
    excluded: set[str] = set()
    permutations: dict[str, Permutation] = {}
    for spec in inputs:
        if spec.kind == "input" or not uses[spec.value]:
            continue
        found = reads.get(spec.value, [])
        first = found[0] if found else ()
        same = len(found) == uses[spec.value] == found.count(first) and len(first) == _rank(graph, spec.value)
        if not same or permutations.get(spec.target, first) != first:
            excluded.add(spec.target)
        elif spec.value in needed:
            permutations[spec.target] = first
    return {name: permutation for name, permutation in permutations.items() if name not in excluded}


def is_gemm(graph: ProgramGraph, call: Call) -> bool:
    """Whether a call is a linear layer with a bias that reads [N, in]."""
    has_bias = isinstance(call.arguments.get("bias"), ValueName)
    return call.target == "aten.linear.default" and has_bias and _rank(graph, str(call.arguments.get("input"))) == 2


def permutation_of(graph: ProgramGraph, call: Call) -> Permutation:
    """The permutation of axes that a call is; () where it is none."""
    source = call.arguments.get("self")
    if call.target not in TRANSPOSITIONS or not isinstance(source, ValueName):
        return ()
    rank = _rank(graph, source)
    axes = list(range(rank))
    if call.target == "aten.permute.default":
        axes = _as_axes(call.arguments.get("dims"), rank)
    elif call.target == "aten.transpose.int":
        pair = _as_axes((call.arguments.get("dim0"), call.arguments.get("dim1")), rank)
        if pair:
            axes[pair[0]], axes[pair[1]] = axes[pair[1]], axes[pair[0]]
    else:
        axes.reverse()
    return tuple(axes) if sorted(axes) == list(range(rank)) else ()


def _as_axes(values: Any, rank: int) -> list[int]:
    """Axes as the program has them -> counted from 0; none where one is no axis."""
    is_valid = isinstance(values, tuple) and all(type(v) is int and -rank <= v < rank for v in values)
    return [v % rank for v in values] if is_valid else []


def _rank(graph: ProgramGraph, value: str) -> int:
    type_ = graph.types.get(value)
    return -1 if type_ is None or type_.shape is None else len(type_.shape)
