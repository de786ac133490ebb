"""Decoder to Generation: what the prompt's pass and each further token's pass cost, in MACs, least traffic and memory.

The pass over the prompt gives the first token; each of the `generate - 1` further tokens takes a pass of its own (a
step), which reads the last token and attends to prompt + k tokens in step k. traffic_bytes is the least that any
implementation moves: weights once a pass, rows that are looked up, the cache of past tokens read once and the new
tokens' part of it written, inputs and the outputs of one position; activations are taken to stay on the chip.

Of the prompt, generation needs the keys and values, and the output at its last position. So what leads to no key and no
value (the last layer's queries, scores and feed-forward part, the head) is needed at one position only, and what an
attention's rule of least work leaves out is needed nowhere: of S² scores of S tokens that a causal one has,
S · (S + 1) / 2 are left. The texts are as long as the pass says, whatever gives an operator their lengths. Masks that a
graph adds to scores of its own (an eager export) are not recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from costcalc.analysis.options import GenerationOptions
from costcalc.analysis.report import Report, analyze_graph
from costcalc.analysis.roofline.energy import fused_peak
from costcalc.analysis.roofline.least_work import find_needed_values, least_macs
from costcalc.analysis.roofline.traffic import Reads, minimum_traffic, value_bytes
from costcalc.core.dim import Dim, sum_dims
from costcalc.core.errors import UnknownOperatorError, UsageError
from costcalc.core.ir import DTYPES, ContextLimit, Graph
from costcalc.core.traits import traits_of
from costcalc.frontends.source import ModelSource
from costcalc.graph.convert import parse_dtype
from costcalc.studies.generation.cache import TOKEN_COUNT, CacheSize, cache_size
from costcalc.studies.generation.decoder import Decoder, DecoderPrecision, PassGraph, make_decoder
from costcalc.studies.options import Settings


class Pass(NamedTuple):
    """One pass over `new` tokens of each text behind `past` ones, and what it costs: MACs, FLOPs, least traffic in
    bytes, bytes of the cache that it reads. necessary_report is its report without what an implementation can leave
    out."""

    new: int
    past: int
    macs: int
    flops: int
    traffic_bytes: int
    cache_bytes: int
    report: Report
    necessary_report: Report
    written_bytes: int

    @property
    def weight_traffic_bytes(self) -> int:
        """Bytes of weights that the pass reads at least: its traffic without caches, inputs and outputs."""
        graph = self.report.graph
        others = sum(value_bytes(graph, name) for name in {*graph.data_inputs, *graph.outputs})
        return max(0, self.traffic_bytes - self.written_bytes - others)

    @property
    def context(self) -> int:
        """Number of tokens that the last query attends to."""
        return self.past + self.new


@dataclass(frozen=True, slots=True)
class Generation:
    """What it costs to generate `generate` tokens for each of `batch` texts behind a prompt of `prompt` tokens.

    prefill is the prompt's pass, first and last are the passes of the second and of the last token (None where the
    prompt's pass gives all); step_macs, step_traffic_bytes and step_cache_bytes are sums over all passes behind the
    prompt's. cache is the size of what is kept of earlier tokens, cache_dtype its element type.
    reduced_graph is the prompt's pass with one position behind the last keys and values, peak_bytes its peak
    activations with fused steps (no other pass needs as many). cross_cache_bytes are those of an encoder's keys and
    values, which stand beside activations all the time. cost_step(past) costs the pass behind so many tokens.
    """

    name: str
    source: str
    batch: int
    prompt: int
    generate: int
    prefill: Pass
    first: Pass | None
    last: Pass | None
    step_macs: int
    step_traffic_bytes: int
    step_cache_bytes: int
    cache: CacheSize
    cache_dtype: str
    notes: tuple[str, ...]
    reduced_graph: Graph
    peak_bytes: int
    cost_step: Callable[[int], Pass]
    cross_cache_bytes: int

    @property
    def token_bytes(self) -> int:
        """Bytes that a token adds to the cache of a text, as long as no window is full."""
        cache = self.cache.unpaged
        return -(-(cache.nbytes(1) - cache.nbytes(0)) // self.batch)

    @property
    def context_limit(self) -> ContextLimit | None:
        """The most tokens of a text that the model's file states."""
        return self.prefill.report.graph.context_limit

    @property
    def steps(self) -> int:
        """Number of passes behind the prompt's."""
        return self.generate - 1

    def cache_bytes(self, tokens: int) -> int:
        """Tokens of a text -> bytes of the cache of all texts."""
        return self.cache.nbytes(tokens)

    @property
    def state_elements(self) -> int:
        """Numbers that are kept of a text whatever its length."""
        return self.cache.unpaged.elements(0) // self.batch

    @property
    def cache_elements(self) -> int:
        """Numbers that a token adds to the cache of a text, as long as no window is full."""
        return self.cache.unpaged.elements(1) // self.batch - self.state_elements

    @property
    def weight_bytes(self) -> int:
        """Bytes of the stored parameters and buffers."""
        return closed_total(self.prefill.report, "weight_bytes")

    @property
    def memory_bytes(self) -> int:
        """Bytes of the weights, of the caches of the whole texts, and of the peak of activations."""
        caches = self.cache_bytes(self.prompt + self.generate) + self.cross_cache_bytes
        return self.weight_bytes + caches + self.peak_bytes


def cost_generation(
    decoder: Decoder, prompt: int, generate: int, page: int = 1, chunk: int | None = None, new: int = 1
) -> Generation:
    """Decoder -> what generation costs, with a cache in pages of so many tokens, a prompt's pass in chunks of so many,
    and steps that each read `new` tokens of a text: more than one where guesses are checked. UsageError where a text
    has no token, AssumptionError where it is longer than the model allows, UnknownOperatorError where an operator's
    cost is unknown."""
    if prompt < 1 or generate < 1:
        raise UsageError("a text has a prompt of at least one token, and at least one is generated", "use 1 or more")
    decoder.check_length(prompt + generate)
    cache = cache_size(decoder.cache_types(TOKEN_COUNT), page)

    @lru_cache(maxsize=64)
    def cost_step(past: int) -> Pass:
        return _cost_pass(decoder.build_pass(new, past), new, past, cache.unpaged.nbytes(1) * new)

    prefill, reduced_graph = _cost_prompt(decoder, prompt, cache.unpaged)
    first = cost_step(prompt) if generate > 1 else None
    last = cost_step(prompt + generate - 2) if generate > 2 else first
    macs = traffic = cache_reads = 0
    if first and last:
        macs = sum_steps(first, last, cost_step, lambda phase: Fraction(phase.macs))
        traffic = sum_steps(first, last, cost_step, lambda phase: Fraction(phase.traffic_bytes))
        cache_reads = sum_steps(first, last, cost_step, lambda phase: Fraction(phase.cache_bytes))
    return Generation(
        decoder.name,
        decoder.source,
        decoder.batch,
        prompt,
        generate,
        prefill,
        first,
        last,
        macs,
        traffic,
        cache_reads,
        cache,
        str(cache.types[0].dtype),
        prefill.report.notes,
        reduced_graph,
        prompt_peak(decoder, prompt, chunk) if chunk else _peak(reduced_graph, prefill.report),
        cost_step,
        cross_cache_bytes(decoder),
    )


def cross_cache_bytes(decoder: Decoder) -> int:
    """Decoder -> bytes of an encoder's keys and values, which every step reads; 0 without an encoder. UsageError where
    a symbol is open."""
    step = decoder.build_pass(1, 1)
    total = sum_dims([step.graph.types[name].nbytes for name in step.cross_caches])
    return total if isinstance(total, int) else closed_figure(total, "the encoder's cache", analyze_graph(step.graph))


def prompt_peak(decoder: Decoder, prompt: int, chunk: int | None = None) -> int:
    """Decoder -> peak activation bytes of the prompt's pass with fused steps; in chunks, of the last of them, which
    attends to the whole prompt, or of the first, which computes an encoder, where there is one."""
    decoder.check_length(prompt)
    new = min(prompt, chunk or prompt)
    step, last_step = decoder.build_pass(new, prompt - new), decoder.build_pass(1, prompt - 1)
    peak = _peak(_reduce_pass(step, last_step), analyze_graph(step.graph))
    return max(peak, prompt_peak(decoder, new)) if new < prompt and step.cross_caches else peak


def _reduce_pass(step: PassGraph, last_step: PassGraph) -> Graph:
    """A pass over the prompt, or its end, and that of its last token -> what generation needs of it: the output at the
    last position, and keys and values of all. What the cache holds is no activation."""
    graph = reduce_to_last_position(step.graph, last_step.graph, step.new_entries)
    return store_values(graph, (*step.caches, *step.cross_caches))


def _peak(graph: Graph, report: Report) -> int:
    return closed_figure(fused_peak(graph), "peak_activation_bytes", report)


def sum_steps(first: Pass, last: Pass, cost_step: Callable[[int], Pass], amount: Callable[[Pass], Fraction]) -> int:
    """Sum of an amount over all steps from first to last."""
    return int(sum(amounts_by_step(first, last, cost_step, amount), Fraction(0)))


def amounts_by_step(
    first: Pass, last: Pass, cost_step: Callable[[int], Pass], amount: Callable[[Pass], Fraction]
) -> list[Fraction]:
    """An amount at each step from first to last.

    It grows by the same with every token (attention reads one more), which the step in the middle confirms; where it
    does not (a window is full), both halves are looked at alone.
    """
    n = last.past - first.past
    a, b = amount(first), amount(last)
    if n == 0:
        return [a]
    middle = n // 2
    if middle:
        step = cost_step(first.past + middle)
        if amount(step) * n != a * (n - middle) + b * middle:
            halves = [amounts_by_step(*ends, cost_step, amount) for ends in ((first, step), (step, last))]
            return [*halves[0], *halves[1][1:]]
    return [a + (b - a) * k / n for k in range(n + 1)]


def _cost_prompt(decoder: Decoder, prompt: int, cache: CacheSize) -> tuple[Pass, Graph]:
    """Decoder -> the prompt's pass, and its graph reduced to what generation needs of it: the last token's output, and
    keys and values of all tokens."""
    step, last_step = decoder.build_pass(prompt, 0), decoder.build_pass(1, prompt - 1)
    prefill, last = _cost_pass(step, prompt, 0, cache.nbytes(prompt)), _cost_pass(last_step, 1, prompt - 1, 0)
    necessary_report = keep_necessary_macs(prefill.report, last.report, step.new_entries)
    outputs = sum(value_bytes(last_step.graph, name) for name in last_step.graph.outputs)
    traffic = minimum_traffic(necessary_report.graph, necessary_report.rows) + outputs + cache.nbytes(prompt)
    return prefill._replace(necessary_report=necessary_report, traffic_bytes=traffic), _reduce_pass(step, last_step)


def _cost_pass(step: PassGraph, new: int, past: int, written_bytes: int) -> Pass:
    report = analyze_graph(step.graph)
    if report.unknown:
        names = ", ".join(unknown.op_type for unknown in report.unknown)
        raise UnknownOperatorError(f"no cost is known of {names}", "`costcalc analyze` shows where", report.name)
    reads = Reads(report.graph, report.rows)
    cache_bytes = sum(reads.read_bytes(name) for name in step.caches) if past else 0
    traffic = minimum_traffic(report.graph, report.rows) + written_bytes
    return Pass(
        new,
        past,
        closed_total(report, "macs"),
        closed_total(report, "flops"),
        traffic,
        cache_bytes,
        report,
        report,
        written_bytes,
    )


def closed_total(report: Report, name: str) -> int:
    """Report and quantity -> its total as a number. UsageError where a symbol is open."""
    return closed_figure(report.totals.get(name), name, report)


def closed_figure(value: Dim | None, name: str, report: Report) -> int:
    """Figure of a report -> the same as a number. UsageError where a symbol is open."""
    if not isinstance(value, int):
        names = report.open_symbols
        raise UsageError(f"{name} depends on {', '.join(names)}", " ".join(f"--dim {n}=…" for n in names))
    return value


def memory_report(generation: Generation) -> Report:
    """Generation -> the report of the reduced prompt's pass with kv_cache_bytes of the whole texts among its totals:
    what must fit in a memory."""
    report = generation.prefill.report
    cache = generation.cache_bytes(generation.prompt + generation.generate) + generation.cross_cache_bytes
    return replace(report, graph=generation.reduced_graph, totals={**report.totals, "kv_cache_bytes": cache})


def measure_generation(source: ModelSource, settings: Settings) -> Generation:
    """Model and settings -> what generation costs; without generation settings their defaults hold. Errors are those of
    make_decoder and of cost_generation."""
    options = settings.generation or GenerationOptions()
    model = decoder_of(source, settings, options.batch)
    prompt = model.prompt_length(options.prompt)
    return cost_generation(model, prompt, options.generate, options.page, options.prefill_chunk)


def refuse_unused_length(source: ModelSource, settings: Settings, is_searched: bool) -> None:
    """UsageError where --dim binds the length of a text and --prompt says another, or the length is what is searched: a
    question about generation alone would not use what --dim says."""
    prompt = settings.generation.prompt if settings.generation is not None else None
    if prompt is None and not is_searched:
        return
    for name, value in decoder_of(source, settings, 1).bound_lengths.items():
        if is_searched:
            fact = f"--max-context finds the length of a text, and --dim {name}={value} binds it"
            raise UsageError(fact, f"leave --dim {name} out")
        if value != prompt:
            raise UsageError(f"--dim {name}={value} and --prompt {prompt} say different lengths", "give one of the two")


def decoder_of(source: ModelSource, settings: Settings, batch: int) -> Decoder:
    """Model, settings and number of texts -> its decoder in the settings' element types.

    A float dtype holds for activations too unless act_dtype says otherwise; the cache has the activations' type unless
    cache_dtype says otherwise. Errors are those of make_decoder.
    """
    options = settings.generation or GenerationOptions()
    weights, activations = parse_dtype(settings.dtype), parse_dtype(settings.act_dtype)
    if activations is None and settings.dtype and weights and weights.is_float:
        activations = DTYPES[settings.dtype]
    precision = DecoderPrecision(weights, activations, parse_dtype(options.cache_dtype))
    return make_decoder(source, batch, precision, **settings.source_options())


def keep_necessary_macs(prefill: Report, step: Report, entries: Iterable[str]) -> Report:
    """The prompt's pass -> the same with the MACs that no implementation can leave out. step is the pass of its last
    token alone; entries names the values that the cache holds.

    Of a node that gives both the cache and what the last position needs (an attention), the former counts for the whole
    prompt and the latter for the last token.
    """
    graph, last_graph = prefill.graph, step.graph
    cache_values = find_needed_values(graph, entries)
    lasts = pair_with_last(graph, last_graph)
    pairs = [zip(graph.nodes[i].outputs, last_graph.nodes[j].outputs, strict=True) for i, j in lasts.items()]
    last_values = {last_name for names in pairs for name, last_name in names if name in cache_values}
    rows = []
    for index, (node, row) in enumerate(zip(graph.nodes, prefill.rows, strict=True)):
        macs = row.figures["macs"]
        if isinstance(macs, int) and index in lasts:
            last, last_row = last_graph.nodes[lasts[index]], step.rows[lasts[index]]
            behind = least_macs(last_graph, last_row, last) - least_macs(last_graph, last_row, last, last_values)
            macs = least_macs(graph, row, node, cache_values) + behind
        elif isinstance(macs, int):
            macs = least_macs(graph, row, node)
        rows.append(replace(row, figures={**row.figures, "macs": macs}))
    return replace(prefill, rows=tuple(rows), graph=graph._replace(outputs=()))


def reduce_to_last_position(prompt: Graph, last: Graph, entries: Iterable[str]) -> Graph:
    """The prompt's pass -> the same with one position of every value that leads to no key and no value: the types of
    last, the pass of its last token alone."""
    cache_values, types = find_needed_values(prompt, entries), dict(prompt.types)
    for index, last_index in pair_with_last(prompt, last).items():
        pairs = zip(prompt.nodes[index].outputs, last.nodes[last_index].outputs, strict=True)
        types.update({v: last.types[w] for v, w in pairs if v and v not in cache_values})
    return prompt._replace(types=types)


def pair_with_last(prompt: Graph, last: Graph) -> dict[int, int]:
    """The prompt's pass and that of its last token alone -> the indexes of their nodes in pairs. The latter has the
    same nodes, but for those of an encoder: these are computed once, whole, with the prompt."""
    if len(prompt.nodes) == len(last.nodes):
        return {index: index for index in range(len(last.nodes))}
    index_by_outputs = {node.outputs: index for index, node in enumerate(prompt.nodes)}
    return {index_by_outputs[node.outputs]: index for index, node in enumerate(last.nodes)}


def masked_attentions(report: Report) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Report -> the attention operators whose masked scores may be left out, and those of which every score counts."""
    operators: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for node, row in zip(report.graph.nodes, report.rows, strict=True):
        macs = row.figures["macs"]
        if traits_of(node).kind == "attention" and isinstance(macs, int) and macs:
            operators[least_macs(report.graph, row, node) < macs][row.operator] = None
    return tuple(operators[True]), tuple(operators[False])


def store_values(graph: Graph, names: Collection[str]) -> Graph:
    """A graph and names of inputs -> the graph in which they are stored tensors: no step's activations."""
    stored = {name: graph.types[name] for name in names}
    inputs = tuple([name for name in graph.inputs if name not in stored])
    return graph._replace(inputs=inputs, initializers={**graph.initializers, **stored})
