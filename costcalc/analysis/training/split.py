"""Report, training options and parallel options to TrainingSplit: what each device holds by kind, and what it sends
in a step, where several train a model.

- Tensor, expert and pipeline parallelism split weights as in serving (costcalc.analysis.parallel). The report's batch
  is a micro-batch of one replica; a step has micro_batches of them.
- ZeRO (arXiv:1910.02054) and FSDP split over the replicas: stage 1 the optimiser's state, 2 the gradients too, 3 the
  weights too; those of experts over the replicas of an expert.
- Stage i of P keeps the activations of min(m, P - i) of m micro-batches (1F1B, arXiv:2104.04473). Sequence parallelism
  (arXiv:2205.05198) splits along the sequence what tensor parallelism leaves whole. Selective recomputation drops what
  lies between the operands of an attention and its output; full recomputation keeps the inputs of blocks.
- Sent, with p tensor-parallel devices and d replicas: per micro-batch 2 (p - 1) / p · n for each all-reduce of n bytes,
  forward (behind rows that are split) and backward (before columns that are split), as much with sequence parallelism
  (reduce-scatter and all-gather), which gathers the inputs once more in the backward pass; the forward ones again with
  full recomputation. Per step 2 (d - 1) / d · gradients; with ZeRO 1 and 2 gradients are scattered and weights
  gathered; with ZeRO 3 weights are gathered twice in each micro-batch. Tokens to the experts of other replicas and
  back, forward and backward, as many as with uniform routing. The residual stream to the next stage, its gradient back.
  The sums of a vocabulary-parallel loss, three numbers a position, do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from costcalc.analysis.experts import expected_groups, routing_of
from costcalc.analysis.options import ParallelOptions, TrainingOptions
from costcalc.analysis.parallel.stages import boundary_bytes, node_stages, stored_stages
from costcalc.analysis.parallel.tensor_split import AxisShare, TensorSplit, local_graph, local_type, split_tensors
from costcalc.analysis.report import Report, analyze_graph, open_remedy
from costcalc.analysis.roofline.traffic import value_bytes
from costcalc.analysis.training.activations import ActivationMemory, SavedActivations, best_checkpoint, saved_bytes
from costcalc.analysis.training.backward import STATE_BYTES, cost_backward, gradient_bytes
from costcalc.analysis.training.gradients import gradient_flow
from costcalc.core.dim import Dim, symbols
from costcalc.core.errors import OpenQuantityError, UsageError
from costcalc.core.ir import Graph
from costcalc.core.quantity import Figure
from costcalc.core.traits import traits_of
from costcalc.graph.parameters import StoredTensor, find_stored_tensors

ZERO = Fraction(0)


class TrainingSplit(NamedTuple):
    """Bytes that the device with the most holds (weights, gradients, optimizer, activations), those of each stage, and
    bytes that a device sends in a step (tensor, data, expert, pipeline). is_lower_bound: of some layers it is not known
    what they keep."""

    devices: int
    nbytes: Mapping[str, int]
    stages: tuple[Mapping[str, int], ...]
    sent: Mapping[str, Fraction]
    is_lower_bound: bool

    def figure(self, key: str) -> Figure:
        """`device_training_bytes` or `training_sent_bytes` -> its figure; what routing decides is estimated."""
        if key == "device_training_bytes":
            return Figure(self.total_bytes, "lower" if self.is_lower_bound else "exact")
        return Figure(self.sent_bytes, "estimate" if self.sent["expert"] else "exact")

    @property
    def total_bytes(self) -> int:
        """Bytes of all kinds."""
        return sum(self.nbytes.values())

    @property
    def sent_bytes(self) -> int:
        """Bytes that the device with the most sends in a step."""
        return int(sum(self.sent.values()))


class _ModelStates(NamedTuple):
    """Bytes of weights, gradients and the optimiser's state, and those of them that are sent to replicas in a step."""

    nbytes: Mapping[str, int]
    sent: Fraction


class _LocalGraph(NamedTuple):
    """A graph over devices: of the device with the most, the same with its sequence split, the splits, the stage of
    each node and the stages of each stored tensor."""

    graph: Graph
    saved_graph: Graph
    split: TensorSplit
    stages: tuple[int, ...]
    places: Mapping[str, frozenset[int]]


def split_training(report: Report, options: TrainingOptions, parallel: ParallelOptions) -> TrainingSplit:
    """Report, how it is trained and over how many devices -> what each holds and sends. OpenQuantityError where extents
    are open, UsageError where the model cannot be split so, or there is no such ZeRO stage."""
    parallel.check()
    if (options.zero or 0) > 3:
        raise UsageError(f"there is no ZeRO stage {options.zero}", "use --zero 1, 2 or 3")
    names = symbols(*[report.totals[key] for key in ("macs", "activation_bytes")])
    if names:
        raise OpenQuantityError(f"it depends on {', '.join(names)}", open_remedy(names))
    local = _localise(report.graph, options, parallel)
    states = [_model_states(local, options, parallel, stage) for stage in range(parallel.pp)]
    activations = _kept_bytes(local, options, parallel)
    stages = tuple([{**state.nbytes, "activations": kept} for state, kept in zip(states, activations, strict=True)])
    sent = [_sent_bytes(local, options, parallel, stage, states[stage].sent) for stage in range(parallel.pp)]
    most = max(stages, key=lambda kinds: sum(kinds.values()))
    most_sent = max(sent, key=lambda kinds: sum(kinds.values()))
    return TrainingSplit(parallel.total, most, stages, most_sent, report.lower_bound)


def _localise(graph: Graph, options: TrainingOptions, parallel: ParallelOptions) -> _LocalGraph:
    split = split_tensors(graph, parallel.tp, parallel.ep)
    stages = node_stages(graph, parallel.pp)
    local = local_graph(graph, split)
    saved_graph = _split_sequence(local, split, parallel.tp) if options.sequence_parallel else local
    return _LocalGraph(local, saved_graph, split, stages, stored_stages(graph, stages))


def _split_sequence(graph: Graph, split: TensorSplit, tensor: int) -> Graph:
    """Graph of a device -> the same where values that no head, feature or vocabulary splits have a part of their
    sequence, the second axis."""
    types = dict(graph.types)
    for node in graph.nodes:
        for name in filter(None, node.outputs):
            shape = types[name].shape or ()
            extent = shape[1] if len(shape) > 2 else 1
            if name not in split.shares and isinstance(extent, int) and extent % tensor == 0:
                types[name] = local_type(types[name], AxisShare(1, Fraction(1, tensor)))
    return graph._replace(types=types)


def _model_states(local: _LocalGraph, options: TrainingOptions, parallel: ParallelOptions, stage: int) -> _ModelStates:
    """Stage -> what one of its devices holds of weights, gradients and the optimiser's state, and sends of them to its
    replicas."""
    gradient_of = gradient_flow(local.graph, options.freeze, False).with_gradient
    zero, gathers = options.zero or 0, 2 * (options.micro_batches or parallel.pp)
    sums, sent = {"weights": ZERO, "gradients": ZERO, "optimizer": ZERO}, ZERO
    for item in find_stored_tensors(local.graph):
        if item.kind == "constant" or stage not in local.places.get(item.name, {local.stages[item.owner]}):
            continue
        replicas, weights = _replicas(local.graph, item, parallel), _known(item.nbytes)
        part = Fraction(replicas - 1, replicas)
        sums["weights"] += Fraction(weights, replicas if zero > 2 else 1)
        sent += part * gathers * weights if zero > 2 else 0
        if item.kind == "param" and item.name in gradient_of:
            gradients = _known(gradient_bytes(item))
            sums["gradients"] += Fraction(gradients, replicas if zero > 1 else 1)
            sums["optimizer"] += Fraction(_known(STATE_BYTES[options.optimizer](item)), replicas if zero else 1)
            sent += part * {0: 2 * gradients, 3: gradients}.get(zero, gradients + weights)
    return _ModelStates({kind: ceil(total) for kind, total in sums.items()}, sent)


def _replicas(graph: Graph, item: StoredTensor, parallel: ParallelOptions) -> int:
    """Stored tensor -> the number of devices that hold the same part of it: replicas, or those of an expert."""
    node = graph.nodes[item.owner]
    routed = traits_of(node).routed
    if routed is None or not any(node.inputs[i] == item.name for i in routed[0] if i < len(node.inputs)):
        return parallel.replicas
    within = max(1, parallel.tp // parallel.ep)
    return parallel.tp * parallel.replicas // (parallel.ep * within)


def _kept_bytes(local: _LocalGraph, options: TrainingOptions, parallel: ParallelOptions) -> list[int]:
    """Bytes of activations that a device of each stage keeps: of all micro-batches on their way."""
    graph = local.saved_graph
    gradients = gradient_flow(graph, options.freeze, False)
    saved = cost_backward(analyze_graph(graph), gradients).saved
    if options.recompute == "selective":
        saved = {i: _without_scores(graph, i, item) for i, item in saved.items()}
    memory, kept = ActivationMemory(graph, gradients), []
    for stage in range(parallel.pp):
        own = {i: item for i, item in saved.items() if local.stages[i] == stage}
        on_their_way = min(options.micro_batches or parallel.pp, parallel.pp - stage)
        if options.recompute == "full":
            checkpoint = best_checkpoint(memory, own)
            working = _known(checkpoint.working_bytes)
            kept.append((_known(checkpoint.nbytes) - working) * on_their_way + working)
        else:
            kept.append(_known(saved_bytes(memory, own)) * on_their_way)
    return kept


def _without_scores(graph: Graph, index: int, item: SavedActivations) -> SavedActivations:
    return item._replace(extra_bytes=0) if traits_of(graph.nodes[index]).kind == "attention" else item


def _sent_bytes(
    local: _LocalGraph, options: TrainingOptions, parallel: ParallelOptions, stage: int, data: Fraction
) -> dict[str, Fraction]:
    """Stage -> bytes that one of its devices sends in a step, by what splits the model."""
    graph, p, batches = local.graph, parallel.tp, options.micro_batches or parallel.pp
    sums = [e for e in local.split.exchanges if e.kind == "all-reduce" and local.stages[e.node] == stage]
    forward = sum(value_bytes(graph, e.value) for e in sums if not e.statistics)
    inputs = {name for name, node in local.split.column_inputs if local.stages[node] == stage}
    backward = sum(value_bytes(graph, name) for name in inputs)
    ring = Fraction(2 * (p - 1), p)
    tensor = ring * (forward * (2 if options.recompute == "full" else 1) + backward)
    tensor += ring / 2 * backward if options.sequence_parallel else 0
    routed = ZERO
    for index, node in enumerate(graph.nodes):
        routing = routing_of(node, graph) if local.stages[index] == stage and parallel.ep > p else None
        if routing is not None:
            routed += 4 * value_bytes(graph, node.inputs[0]) * expected_groups(routing, parallel.ep // p) / p
    sends = (stage < parallel.pp - 1) + (stage > 0)
    boundary = boundary_bytes(graph, local.stages) if parallel.pp > 1 else 0
    return {
        "tensor": batches * tensor,
        "data": data,
        "expert": batches * routed,
        "pipeline": Fraction(batches * sends * boundary, p),
    }


def _known(value: Dim) -> int:
    assert isinstance(value, int), "extents are bound"
    return value
