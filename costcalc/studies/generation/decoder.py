"""Model to Decoder: the graph of any pass of generation, over `new` tokens behind `past` ones, with its KV cache.

A model that takes the keys and values of earlier tokens as inputs (an ONNX export with past_key_values) is bound: its
sequence to the new tokens, its past to the past ones. A model that reads a whole text (a YAML spec, an ONNX export with
Attention nodes, a Hugging Face configuration) is bound to the new tokens alone, and the nodes that keep something of
earlier tokens get it as new inputs (cache.py): what works position by position costs what it costs for the new
positions, attention has them as its queries and past + new keys.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.analysis.options import DEFAULT_PROMPT
from costcalc.core.dim import Dim, symbol, symbols
from costcalc.core.errors import AssumptionError, UsageError
from costcalc.core.ir import DType, Graph, TensorType, bind_type
from costcalc.core.traits import traits_of
from costcalc.frontends import load
from costcalc.frontends.source import hold_source
from costcalc.frontends.symbols import option_name, unknown_symbol_remedy
from costcalc.graph.convert import convert
from costcalc.studies.generation.cache import add_cache, cache_entries, cached_nodes, check_cache, keeps_tokens
from costcalc.studies.generation.decoder_inputs import (
    cache_inputs,
    cache_outputs,
    cross_caches,
    past_symbol,
    sequence_symbols,
    token_symbols_of,
    unnamed_batches,
)


def keep_text(graph: Graph) -> Graph:
    """Graph -> the part whose outputs depend on token ids or on a cache, where others stand beside it (a vision tower):
    their nodes and inputs are left out, their stored tensors stay and count for the last node."""
    tokens = {name for name in graph.inputs if not graph.types[name].dtype.is_float} | set(cache_inputs(graph))
    needed_by_output = {name: find_ancestors(graph, [name]) for name in graph.outputs} if len(graph.outputs) > 1 else {}
    outputs = tuple([name for name, needed in needed_by_output.items() if not tokens.isdisjoint(needed)])
    if not outputs or len(outputs) == len(graph.outputs):
        return graph
    return _keep_needed(graph, outputs, set().union(*[needed_by_output[name] for name in outputs]))


def _keep_needed(graph: Graph, outputs: tuple[str, ...], needed: Collection[str]) -> Graph:
    """Graph, outputs and all values that these need -> the graph of them; the other stored tensors count for the last
    node."""
    nodes = tuple([node for node in graph.nodes if any(name in needed for name in node.outputs)])
    left = [name for name in graph.initializers if name not in needed]
    return graph._replace(
        inputs=tuple([name for name in graph.inputs if name in needed]),
        outputs=outputs,
        nodes=nodes,
        owners={**graph.owners, **dict.fromkeys(left, nodes[-1].name)} if nodes else graph.owners,
    )


def cut_encoder(graph: Graph, tokens: Collection[str]) -> tuple[Graph, tuple[str, ...]]:
    """Graph of a pass and its inputs that hold tokens -> the graph in which no node computes what other inputs alone
    decide, and the names of the new inputs that hold it: the keys and values of cross-attention, which the first pass
    has computed. The graph as it is where there are none."""
    of_tokens, of_others = set(tokens), set(graph.inputs) - set(tokens)
    for node in graph.nodes:
        if not of_tokens.isdisjoint(node.inputs):
            of_tokens.update(node.outputs)
        elif not of_others.isdisjoint(node.inputs):
            of_others.update(node.outputs)
    of_others.difference_update(graph.inputs)
    read = [name for node in graph.nodes if not of_tokens.isdisjoint(node.outputs) for name in node.inputs]
    kept = tuple(dict.fromkeys(name for name in read if name in of_others))
    if not kept:
        return graph, ()
    graph = graph._replace(nodes=tuple([node for node in graph.nodes if of_others.isdisjoint(node.outputs)]))
    needed = find_ancestors(graph, graph.outputs)
    return _keep_needed(graph._replace(inputs=(*graph.inputs, *kept)), graph.outputs, needed), kept


def fill_lengths(graph: Graph, tokens: int) -> Graph:
    """Graph of a pass -> the same where operators that ask for the length of each text get this number of tokens."""
    types = dict(graph.types)
    for node in graph.nodes:
        position, less = traits_of(node).lengths or (len(node.inputs), 0)
        name = node.inputs[position] if position < len(node.inputs) else ""
        if name and types[name].value is None and isinstance(types[name].elements, int):
            types[name] = types[name]._replace(value=(tokens - less,) * types[name].elements)
    return graph._replace(types=types)


def convert_values(graph: Graph, names: Iterable[str], dtype: DType | None) -> Graph:
    """Graph -> the graph with these values in another element type; None leaves them."""
    if dtype is None:
        return graph
    types = dict(graph.types)
    for name in names:
        types[name] = types[name]._replace(dtype=dtype)
    return graph._replace(types=types)


class DecoderPrecision(NamedTuple):
    """Element types of weights, activations and the KV cache; None leaves those of the model."""

    weights: DType | None = None
    activations: DType | None = None
    cache: DType | None = None


class PassGraph(NamedTuple):
    """The graph of one pass, without the outputs that hold the cache (a runtime appends to it in place). caches names
    the inputs that hold it, new_entries the values that the pass appends to it, cross_caches the inputs that hold an
    encoder's keys and values."""

    graph: Graph
    caches: tuple[str, ...]
    new_entries: tuple[str, ...]
    cross_caches: tuple[str, ...] = ()


class Decoder(NamedTuple):
    """A decoder model. build_pass(new, past) is the graph of a pass over `new` tokens behind `past` ones; open_graph
    has its sequence open, which the symbol `sequence` counts. cache_types(tokens) are the types of what it keeps of so
    many earlier tokens of each text, a number or a symbol. batch is the number of texts of a pass, bound_lengths are
    the symbols that count tokens and that --dim binds, by the names that it takes."""

    name: str
    source: str
    build_pass: Callable[[int, int], PassGraph]
    open_graph: Graph
    sequence: str
    notes: tuple[str, ...]
    cache_types: Callable[[Dim], tuple[TensorType, ...]]
    batch: int
    bound_lengths: Mapping[str, int] = {}

    def prompt_length(self, prompt: int | None) -> int:
        """Tokens of a prompt that is given, else those that --dim binds the length of a text to, else DEFAULT_PROMPT.
        UsageError where --dim binds the length of the cache too: each pass has its own."""
        if prompt is not None or not self.bound_lengths:
            return prompt or DEFAULT_PROMPT
        name = option_name(self.sequence, self.open_graph.data_symbols)
        if set(self.bound_lengths) != {name}:
            words = ", ".join(f"--dim {key}={value}" for key, value in self.bound_lengths.items())
            fact = f"{words} is one pass, and a generation has many"
            raise UsageError(fact, "say how long the prompt is by --prompt, or leave --dim out")
        return self.bound_lengths[name]

    def check_length(self, tokens: int) -> None:
        """Raises AssumptionError where a text of so many tokens is longer than the model allows."""
        for assumption in self.open_graph.assumptions:
            try:
                assumption.check({self.sequence: tokens})
            except AssumptionError as error:
                remedy = f"{tokens:,} tokens are asked for: make --prompt or --generate smaller"
                raise AssumptionError(error.fact, remedy, error.place) from error


PRECISION_OF_FILE = DecoderPrecision()
"""Every tensor in the type that the file gives it."""


def make_decoder(
    source: Any, batch: int = 1, precision: DecoderPrecision = PRECISION_OF_FILE, **options: Any
) -> Decoder:
    """Model -> Decoder with its batch bound, by batch or by dims; the other options are those of load. What dims binds
    of symbols that count tokens is for the quantities of one pass, and the prompt's where that is not given. UsageError
    where the model is no decoder: no open sequence, no cache and no causal attention node to give one to."""
    source = hold_source(source)
    dims, batches, batch, lengths = _bind_batch(source, batch, dict(options.pop("dims", None) or {}), options)
    graph = keep_text(load(source, dims=dims, **options))
    caches = cache_inputs(graph)
    _check_branches(source, graph, caches, {**options, "dims": dims})
    past = past_symbol(graph, caches)
    if not caches and not any(keeps_tokens(node) for node in graph.nodes):
        raise UsageError(*(NO_DECODER if batch == 1 else _no_batch(batch, batches)))
    sequence, totals = sequence_symbols(graph, caches, past)
    attentions = () if caches else _check_attentions(graph, sequence)
    token_inputs = [name for name in graph.inputs if sequence in symbols(*(graph.types[name].shape or ()))]

    def build_pass(new: int, past_tokens: int) -> PassGraph:
        bound = {**dims, sequence: new, **dict.fromkeys(totals, past_tokens + new)}
        pass_graph = keep_text(load(source, dims=bound | ({past: past_tokens} if past else {}), **options))
        pass_graph = fill_lengths(pass_graph, past_tokens + new)
        pass_graph = convert(pass_graph, precision.weights, precision.activations)
        names, cross = caches, tuple[str, ...]()
        if not caches and past_tokens:
            pass_graph, cross = cut_encoder(pass_graph, token_inputs)
            pass_graph, names = add_cache(pass_graph, attentions, past_tokens)
        pass_graph = convert_values(pass_graph, (*names, *cross), precision.cache)
        if not caches:
            return PassGraph(pass_graph, names, cache_entries(pass_graph, attentions), cross)
        entries = cache_outputs(pass_graph, names, past_tokens + new)
        cross = cross_caches(pass_graph, names)
        pass_graph = convert_values(pass_graph, cross, precision.cache)
        shapes = {pass_graph.types[name].shape for name in cross}  # a pass hands the encoder's part on as it is
        outputs = [n for n in pass_graph.outputs if n not in entries and pass_graph.types[n].shape not in shapes]
        return PassGraph(pass_graph._replace(outputs=tuple(outputs)), names, entries, cross)

    def cache_types(tokens: Dim) -> tuple[TensorType, ...]:
        step = build_pass(1, 1)
        shapes = graph.types if caches else add_cache(graph, attentions, tokens)[0].types
        bound = {past: tokens} if past else {}
        types = [bind_type(shapes[name], bound)._replace(dtype=step.graph.types[name].dtype) for name in step.caches]
        check_cache(types, tokens)
        return tuple(types)

    return Decoder(graph.name, graph.source, build_pass, graph, sequence, graph.notes, cache_types, batch, lengths)


def _bind_batch(
    source: Any, batch: int, dims: dict[str, Any], options: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], int, dict[str, int]]:
    """Model, number of texts and bound symbols -> the symbols with the batch bound and without those that count tokens,
    the names that --dim takes for the batch, the number of texts (where dims bind the batch, that), and what dims bind
    of the symbols that count tokens. UsageError where
    the model has no open batch and there are several texts, or where dims say another number."""
    open_graph = keep_text(load(source, **options))
    origins, token_symbols = open_graph.data_symbols, token_symbols_of(open_graph)
    symbol_of = {option_name(name, origins): name for name in origins}
    dims = {symbol_of.get(name, name): value for name, value in dims.items()}
    lengths = {option_name(name, origins): dims[name] for name in token_symbols if isinstance(dims.get(name), int)}
    dims = {name: value for name, value in dims.items() if name not in token_symbols}
    batches = list(open_graph.symbols) or unnamed_batches(open_graph)
    names = [option_name(name, origins) for name in batches]
    bound = {dims[name] for name in batches if isinstance(dims.get(name), int)}
    if batch != 1 and bound - {batch}:
        fact = f"--batch is {batch}, and --dim binds the batch to {', '.join(map(str, sorted(bound)))}"
        raise UsageError(fact, "give one of the two")
    if batch != 1 and not batches:
        shapes = {name: open_graph.types[name].shape or () for name in open_graph.inputs}
        open_symbols = symbols(*(extent for shape in shapes.values() for extent in shape))
        remedy = unknown_symbol_remedy("batch", batch, open_symbols, shapes) or "leave --batch out"
        raise UsageError("the model has no batch extent that is open", remedy)
    if len(bound) == 1:
        (batch,) = bound
    return {**dict.fromkeys(batches, batch), **dims}, names, batch, lengths


def _check_branches(source: Any, graph: Graph, caches: Collection[str], options: Mapping[str, Any]) -> None:
    """UsageError where a boolean input decides whether the model reads its cache, and is open or says that it does
    not."""
    values = options.get("values") or {}
    types = graph.types
    switches = [name for name in graph.inputs if types[name].dtype is DType.BOOL and types[name].shape in ((), (1,))]
    for name in switches if caches else ():
        reads = [_reads(load(source, **{**options, "values": {**values, name: value}}), caches) for value in (0, 1)]
        needed = reads.index(True) if reads[0] != reads[1] else None
        if needed is not None and values.get(name) != needed:
            fact = f"the model reads its cache in one of two branches, which {name} chooses"
            raise UsageError(fact, f"--value {name}={needed}")


def _reads(graph: Graph, names: Collection[str]) -> bool:
    """Whether nodes that run read each of these values."""
    read = {name for node in graph.nodes if node.count != 0 for name in node.inputs}
    return read.issuperset(names)


def find_ancestors(graph: Graph, names: Iterable[str]) -> set[str]:
    """Graph and names of values -> these values and all that they are computed from."""
    values = set(names)
    for node in reversed(graph.nodes):
        if values.intersection(node.outputs):
            values.update(node.inputs)
    values.discard("")
    return values


NO_DECODER = (
    "the model generates nothing: it has no past_key_values inputs and no causal Attention node",
    "export a decoder with its cache, or use an attention layer with `causal: true`",
)
"""Why a model is no decoder, and what would make it one."""


def _no_batch(batch: int, symbols: Sequence[str]) -> tuple[str, str]:
    """A number of texts and the symbols of a model's batch → why a model that is no decoder does not take it, and how
    its batch is written."""
    fact = f"--batch {batch} is a number of texts to generate, and the model generates nothing"
    return fact, "a batch of inputs is " + " ".join(f"--dim {symbol}={batch}" for symbol in symbols)


def _check_attentions(graph: Graph, sequence: str) -> tuple[str, ...]:
    attentions = cached_nodes(graph, symbol(sequence))
    if not attentions:
        raise UsageError(*NO_DECODER)
    return attentions
