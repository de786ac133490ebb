"""Model and settings to Serving: what each of several devices holds and sends while a decoder generates.

A device holds its part of the weights and of the cache of its stage (costcalc.analysis.parallel), and the peak of
activations of its part of a pass. Each of the dp replicas serves a part of the texts. In a pass it sends:

- all-reduce of n bytes among p devices: 2 · (p - 1) / p · n, the least where devices add (a ring); where the switch
  adds (NVLink SHARP), n, which the time bound takes;
- all-gather of n bytes in all: (p - 1) / p · n; the bound takes 0, as a sampler may look at parts of the logits;
- to the next pipeline stage: the residual stream of its texts, a p-th of it from each of p tensor-parallel devices;
- tokens to the experts of other replicas and back (all-to-all), where more than tp devices share the experts. With
  uniform routing a token needs a group that has e of E experts with the probability 1 - C(E - e, k) / C(E, k); at least
  0 bytes are sent (every token stays), and the time bound takes those.

A step that checks K guesses, each right with the probability a, gives (1 - a^(K+1)) / (1 - a) tokens (arXiv:2211.17192,
equation 1); the time of guessing counts as nothing, so that the bounds hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from typing import NamedTuple

from costcalc.analysis.experts import expected_groups, routing_of
from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.options import GenerationOptions, ParallelOptions
from costcalc.analysis.parallel.stages import boundary_bytes, node_stages, stored_stages
from costcalc.analysis.parallel.tensor_split import TensorSplit, local_bytes, local_graph, local_type, split_tensors
from costcalc.analysis.roofline.energy import MemoryFit
from costcalc.analysis.roofline.traffic import value_bytes
from costcalc.core.dim import Dim
from costcalc.core.errors import QuantityError, UsageError
from costcalc.core.ir import Graph, TensorType
from costcalc.core.quantity import Figure
from costcalc.core.traits import traits_of
from costcalc.frontends.source import ModelSource
from costcalc.graph.parameters import find_stored_tensors
from costcalc.studies.generation.cache import TOKEN_COUNT, CacheSize
from costcalc.studies.generation.decoder import Decoder, PassGraph
from costcalc.studies.generation.generation import (
    Generation,
    Pass,
    cost_generation,
    cross_cache_bytes,
    decoder_of,
    prompt_peak,
)
from costcalc.studies.generation.speed import NO_STEP, DevicePlan, GenerationSpeed, compute_generation_speed
from costcalc.studies.options import Settings

ZERO = Fraction(0)


class StageMemory(NamedTuple):
    """What a device of a pipeline stage holds: bytes of weights, and the size of its part of the cache."""

    weight_bytes: int
    cache: CacheSize

    def held_bytes(self, tokens: int) -> int:
        """Length of the texts -> bytes of weights and cache."""
        return self.weight_bytes + self.cache.nbytes(tokens)


class SentBytes(NamedTuple):
    """Bytes that a device sends in a pass, by kind; in all_to_all the expected ones under uniform routing. least are
    those of the time bound."""

    all_reduce: Fraction
    all_gather: Fraction
    all_to_all: Fraction
    stage: Fraction
    least: Fraction

    @property
    def total(self) -> Fraction:
        """Bytes of all kinds."""
        return self.all_reduce + self.all_gather + self.all_to_all + self.stage


@dataclass(frozen=True, slots=True)
class Serving:
    """A generation over several devices. device is the generation of one device over all layers, for the texts of one
    replica; texts are those of all. split says which tensors are shared, stage_of_nodes in which stage each node
    stands."""

    options: ParallelOptions
    generation_options: GenerationOptions
    device: Generation
    texts: int
    stages: tuple[StageMemory, ...]
    split: TensorSplit
    stage_of_nodes: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Tokens of a text at its end."""
        return self.device.prompt + self.device.generate

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights of the device with the most."""
        return max(stage.weight_bytes for stage in self.stages)

    @property
    def cache_bytes(self) -> int:
        """Bytes of the cache of the whole texts on the device with the most."""
        return max(stage.cache.nbytes(self.tokens) for stage in self.stages) + self.device.cross_cache_bytes

    @property
    def memory_bytes(self) -> int:
        """Bytes of weights, cache of the whole texts and peak activations on the device with the most."""
        held = max(stage.held_bytes(self.tokens) for stage in self.stages)
        return held + self.device.cross_cache_bytes + self.device.peak_bytes

    @property
    def tokens_per_step(self) -> Fraction:
        """Tokens that a step gives a text on average."""
        return expected_tokens(self.generation_options)

    def sent_bytes(self, phase: Pass) -> SentBytes:
        """A pass of the device -> bytes that the device with the most sends in it."""
        graph = phase.report.graph if phase.past else self.device.reduced_graph
        return _sent_bytes(self, graph, phase.new)

    def figure(self, key: str) -> Figure:
        """Key of a quantity -> its figure. QuantityError where there is no step."""
        values = {
            "device_weight_bytes": self.weight_bytes,
            "device_kv_cache_bytes": self.cache_bytes,
            "device_memory_bytes": self.memory_bytes,
        }
        if key in values:
            return Figure(values[key])
        if self.device.first is None:
            raise QuantityError(*NO_STEP)
        sent = self.sent_bytes(self.device.first)
        return Figure(int(sent.total), "estimate" if sent.all_to_all else "exact")

    def fit(self, profile: HardwareProfile) -> MemoryFit | None:
        """Profile -> whether what a device holds fits its memory; None where the profile does not state that."""
        capacity = profile.bytes_of("device")
        contents = "weights + peak activations + KV cache a device"
        return None if capacity is None else MemoryFit("device", contents, self.memory_bytes, capacity)


def is_served(settings: Settings) -> bool:
    """Whether settings ask for several devices, or for guesses that steps check."""
    guesses = settings.generation is not None and settings.generation.draft_tokens is not None
    return settings.is_parallel or guesses


def expected_tokens(options: GenerationOptions) -> Fraction:
    """Options -> tokens that a step gives on average: 1 without guesses. UsageError where guesses have no
    probability."""
    if options.draft_tokens is None:
        return Fraction(1)
    if options.acceptance is None:
        raise UsageError("--draft-tokens needs the probability that a guess is right", "add --acceptance 0.8")
    a = Fraction(str(options.acceptance))
    return sum((a**i for i in range(options.draft_tokens + 1)), ZERO)


class DeviceDecoder(NamedTuple):
    """The decoder of one device of a replica, over all layers, for so many texts; what it holds by stage; how tensors
    and nodes are split."""

    decoder: Decoder
    batch: int
    stages: tuple[StageMemory, ...]
    split: TensorSplit
    stage_of_nodes: tuple[int, ...]

    def memory_bytes(self, prompt: int, tokens: int, chunk: int | None) -> int:
        """Length of the prompt and of the whole text -> bytes that the device with the most holds."""
        held = max(stage.held_bytes(tokens) for stage in self.stages) + cross_cache_bytes(self.decoder)
        return held + prompt_peak(self.decoder, prompt, chunk)


def make_device_decoder(source: ModelSource, settings: Settings) -> DeviceDecoder:
    """Model and settings -> the decoder of one device. UsageError where the model cannot be split so."""
    options, generation = settings.parallel, settings.generation or GenerationOptions()
    options.check()
    batch = -(-generation.batch // options.replicas)
    decoder = decoder_of(source, settings, batch)
    decoder = decoder._replace(build_pass=lru_cache(maxsize=8)(decoder.build_pass))
    step = decoder.build_pass(1, 1)
    split = split_tensors(step.graph, options.tp, options.ep)
    if options.tp > 1 and not any(exchange.kind == "all-reduce" for exchange in split.exchanges):
        remedy = "use --pp or --dp, or the model's Hugging Face configuration"
        raise UsageError("no layer of the model is known to be split between devices", remedy)
    if options.ep > 1 and not any(traits_of(node).kind == "experts" for node in step.graph.nodes):
        raise UsageError("the model has no experts", "leave --ep out")
    stage_of_nodes = node_stages(step.graph, options.pp)
    local = decoder._replace(
        build_pass=partial(_local_pass, decoder, split), cache_types=partial(_local_cache, decoder, split)
    )
    caches = local.cache_types(TOKEN_COUNT)
    stages = _stage_memories(step, split, stage_of_nodes, options.pp, caches, generation.page)
    return DeviceDecoder(local, batch, stages, split, stage_of_nodes)


def measure_serving(source: ModelSource, settings: Settings) -> Serving:
    """Model and settings -> what each device holds and sends. Errors are those of make_device_decoder and of
    cost_generation."""
    generation = settings.generation or GenerationOptions()
    expected_tokens(generation)
    model = make_device_decoder(source, settings)
    prompt = model.decoder.prompt_length(generation.prompt)
    new, page, chunk = 1 + (generation.draft_tokens or 0), generation.page, generation.prefill_chunk
    device = cost_generation(model.decoder, prompt, generation.generate, page, chunk, new)
    return Serving(
        settings.parallel, generation, device, generation.batch, model.stages, model.split, model.stage_of_nodes
    )


def _local_pass(decoder: Decoder, split: TensorSplit, new: int, past: int) -> PassGraph:
    step = decoder.build_pass(new, past)
    return step._replace(graph=local_graph(step.graph, split))


def _local_cache(decoder: Decoder, split: TensorSplit, tokens: Dim) -> tuple[TensorType, ...]:
    names = decoder.build_pass(1, 1).caches
    return tuple(
        [local_type(t, split.shares.get(name)) for t, name in zip(decoder.cache_types(tokens), names, strict=True)]
    )


def _stage_memories(
    step: PassGraph,
    split: TensorSplit,
    stage_of_nodes: tuple[int, ...],
    count: int,
    caches: tuple[TensorType, ...],
    page: int,
) -> tuple[StageMemory, ...]:
    """A step's graph and its split -> what a device of each stage holds."""
    graph = step.graph
    places = stored_stages(graph, stage_of_nodes)
    weights = [0] * count
    for item in find_stored_tensors(graph):
        if item.kind == "constant":
            continue
        nbytes = local_bytes(item, split.shares.get(item.name))
        for stage in places.get(item.name, {stage_of_nodes[item.owner]}):
            weights[stage] += nbytes
    by_stage: list[list[TensorType]] = [[] for _ in range(count)]
    for name, cache_type in zip(step.caches, caches, strict=True):
        by_stage[min(places[name])].append(cache_type)
    return tuple([StageMemory(w, CacheSize(tuple(types), page)) for w, types in zip(weights, by_stage, strict=True)])


def _sent_bytes(serving: Serving, graph: Graph, new: int) -> SentBytes:
    """The graph of a device's pass -> bytes that it sends, of the stage with the most."""
    options, split = serving.options, serving.split
    p, stages = options.tp, options.pp
    reduced, gathered, routed = [ZERO] * stages, [ZERO] * stages, [ZERO] * stages
    for exchange in split.exchanges if p > 1 else ():
        nbytes = value_bytes(graph, exchange.value)
        stage = serving.stage_of_nodes[exchange.node]
        if exchange.statistics:
            last = (graph.types[exchange.value].shape or (1,))[-1]
            nbytes = 4 * nbytes * 8 // (graph.types[exchange.value].dtype.bits * int(last))
        if exchange.kind == "all-reduce":
            reduced[stage] += nbytes
        else:
            gathered[stage] += Fraction(p - 1, p) * nbytes * p
    for index, node in enumerate(graph.nodes):
        routing = routing_of(node, graph) if traits_of(node).kind == "experts" else None
        if routing is not None and options.ep > p:
            nbytes = value_bytes(graph, node.inputs[0])
            routed[serving.stage_of_nodes[index]] += 2 * nbytes * expected_groups(routing, options.ep // p) / p
    boundary = boundary_bytes(graph, serving.stage_of_nodes) if stages > 1 else 0
    ring = Fraction(2 * (p - 1), p)
    sums = [ring * r + g + a for r, g, a in zip(reduced, gathered, routed, strict=True)]
    most = sums.index(max(sums))
    least = sum(reduced, ZERO) / stages
    return SentBytes(
        ring * reduced[most], gathered[most], routed[most], Fraction(boundary, p), max(least, Fraction(boundary, p))
    )


def compute_serving_speed(serving: Serving, profile: HardwareProfile) -> GenerationSpeed:
    """Serving and profile -> least seconds of the passes, most tokens a second of all devices, and what must fit in a
    device's memory."""
    plan = DevicePlan(
        serving.options.pp, serving.texts, lambda phase: serving.sent_bytes(phase).least, serving.tokens_per_step
    )
    speed = compute_generation_speed(serving.device, profile, plan)
    fit = serving.fit(profile)
    return speed._replace(fits=() if fit is None else (fit,))
