"""A WHILE of a `.tflite` file -> how often its body runs, where its condition compares counters with constants.

Converters write a loop over n steps as a counter that begins at a constant, grows by a constant, and is compared with
one; a condition of several such comparisons ends with the first. Of any other loop the number depends on data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costcalc.frontends.tflite.model import OperatorCall, Subgraph, TfliteModel

COMPARISONS: Mapping[str, tuple[int, int]] = {
    "LESS": (1, 0),
    "LESS_EQUAL": (1, 1),
    "GREATER": (-1, 0),
    "GREATER_EQUAL": (-1, 1),
}
"""By the comparison of a counter with a limit: the direction in which it ends, and how far beyond the limit."""

STEPS = {"ADD": 1, "SUB": -1}


def count_trips(model: TfliteModel, condition: int, body: int, values: Sequence[int | None]) -> int | None:
    """A loop's subgraphs and the first values of what it carries (None where they are not known, or no whole number) ->
    how often the body runs; None where that depends on data."""
    subgraphs = model.subgraphs
    if not 0 <= condition < len(subgraphs) or not 0 <= body < len(subgraphs):
        return None
    test = subgraphs[condition]
    if len(test.outputs) != 1:
        return None
    positions = {tensor: position for position, tensor in enumerate(test.inputs)}
    steps = _find_steps(model, subgraphs[body])
    counts = [
        None if comparison is None else _count(model, test, comparison, positions, steps, values)
        for comparison in _find_comparisons(test, test.outputs[0])
    ]
    known = [count for count in counts if count is not None]
    return min(known) if known and len(known) == len(counts) else None


def find_invariants(model: TfliteModel, body: int) -> frozenset[int]:
    """The subgraph of a loop's body -> the positions of what it carries and gives on as it is."""
    if not 0 <= body < len(model.subgraphs):
        return frozenset()
    pairs = zip(model.subgraphs[body].inputs, model.subgraphs[body].outputs, strict=False)
    return frozenset([position for position, (source, result) in enumerate(pairs) if source == result])


def _producers(subgraph: Subgraph) -> dict[int, OperatorCall]:
    return {index: call for call in subgraph.operators for index in call.outputs}


def _find_comparisons(test: Subgraph, output: int) -> list[OperatorCall | None]:
    """The comparisons that a condition is the conjunction of; None in the place of anything else."""
    producers = _producers(test)
    comparisons: list[OperatorCall | None] = []
    terms, visited = [output], {output}
    while terms:
        call = producers.get(terms.pop())
        if call is not None and call.name == "LOGICAL_AND":
            terms += [index for index in call.inputs if index not in visited]
            visited.update(call.inputs)
        else:
            comparisons.append(call if call is not None and call.name in COMPARISONS else None)
    return comparisons


def _find_steps(model: TfliteModel, body: Subgraph) -> dict[int, int]:
    """By the position of what a body carries, what it adds to it in each run; those that it changes otherwise are
    left out."""
    producers = _producers(body)
    steps: dict[int, int] = {}
    for position, (source, result) in enumerate(zip(body.inputs, body.outputs, strict=False)):
        call = producers.get(result)
        if result == source:
            steps[position] = 0
        elif call is not None and call.name in STEPS and len(call.inputs) == 2 and source in call.inputs:
            others = [index for index in call.inputs if index != source]
            number = _read_scalar(model, body, others[0]) if others else None
            if number is not None and (call.name == "ADD" or call.inputs[0] == source):
                steps[position] = STEPS[call.name] * number
    return steps


def _read_scalar(model: TfliteModel, subgraph: Subgraph, index: int) -> int | None:
    """The whole number that a stored tensor of one element holds; None of another tensor."""
    values = model.values(subgraph.tensors[index]) if index >= 0 else None
    return int(values[0]) if values is not None and len(values) == 1 and isinstance(values[0], int) else None


def _count(
    model: TfliteModel,
    test: Subgraph,
    comparison: OperatorCall,
    positions: Mapping[int, int],
    steps: Mapping[int, int],
    values: Sequence[int | None],
) -> int | None:
    """How often a comparison of a counter with a limit holds, one run after another; None where it is another one, or
    never ends. positions are those of the inputs of the condition by their tensors."""
    if len(comparison.inputs) != 2:
        return None
    counter, bound = comparison.inputs
    direction, beyond = COMPARISONS[comparison.name]
    if _read_scalar(model, test, counter) is not None:  # 7 > i is i < 7
        counter, bound, direction = bound, counter, -direction
    position = positions.get(counter, -1)
    first = values[position] if 0 <= position < len(values) else None
    limit = _read_scalar(model, test, bound)
    place = positions.get(bound, -1)
    if limit is None and steps.get(place) == 0:  # a limit that is carried and stays
        limit = values[place] if place < len(values) else None
    step = steps.get(position, 0) * direction
    if first is None or limit is None:
        return None
    distance = (limit - first) * direction + beyond
    if distance <= 0:
        return 0
    return -(-distance // step) if step > 0 else None
