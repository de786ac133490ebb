"""A model -> Decoder: the graph of any step of generation, `new` tokens behind `past` ones.

A model that takes the keys and values of earlier tokens as inputs (an ONNX export with past_key_values) is bound: its
sequence to the new tokens, its past to the past ones. A model that reads a whole text (a YAML spec, an ONNX export with
Attention nodes) is bound to the new tokens alone, and its causal Attention nodes are given the past as a cache: what
works position by position costs what it costs for the new positions, attention has them as its queries and past + new
keys.

The KV cache of a graph: where a decoder takes it as inputs, and how one that does not is given it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from costcalc.core.dim import Dim, symbol, symbols
from costcalc.core.errors import AssumptionError, UsageError
from costcalc.core.ir import DType, Graph, Node, TensorType
from costcalc.core.traits import traits_of
from costcalc.frontends import load
from costcalc.frontends.source import hold_source
from costcalc.frontends.symbols import symbol_name
from costcalc.graph.bind import bind_graph
from costcalc.graph.convert import convert
from costcalc.ops.attention import by_head


def cache_inputs(graph: Graph) -> tuple[str, ...]:
    """The inputs that hold keys and values of earlier tokens: float, [batch, heads, past, size] (or with an axis of two
    before), `past` or `cache` in their name, and an open extent of past tokens."""
    found = []
    for name in graph.inputs:
        kind = graph.types[name]
        says = "past" in name.lower() or "cache" in name.lower()
        shape = kind.shape if says and kind.dtype.is_float else None
        if shape is not None and len(shape) in (4, 5) and symbol_name(shape[-2]) is not None:
            found.append(name)
    return tuple(found)


def cache_outputs(graph: Graph, caches: Iterable[str], tokens: Dim) -> tuple[str, ...]:
    """The outputs that give the cache back, with the keys and values of the new tokens."""
    alike = {(len(shape), shape[-1]) for name in caches if (shape := graph.types[name].shape) is not None}

    def present(name: str) -> bool:
        shape = graph.types[name].shape
        return shape is not None and len(shape) > 3 and (len(shape), shape[-1]) in alike and shape[-2] == tokens

    return tuple(name for name in graph.outputs if present(name))


def causal_attentions(graph: Graph, sequence: Dim) -> tuple[str, ...]:
    """The names of the nodes whose keys and values can be kept: causal attentions over the whole sequence."""
    found = []
    for node in graph.nodes:
        operator = traits_of(node)
        if operator.causal is None or operator.past is None or len(node.inputs) > operator.past[0]:
            continue
        keys = _extents_by_head(node, graph, 1, "kv_num_heads")
        if operator.causal(node.attributes) and keys[2] == sequence:
            found.append(node.name)
    return tuple(found)


def add_cache(graph: Graph, names: Iterable[str], past: int) -> tuple[Graph, tuple[str, ...]]:
    """The graph in which these nodes are given the keys and values of `past` tokens, as inputs; and those inputs'
    names. What a node computes of its own tokens stays: its output does not change its shape."""
    chosen, types, nodes, added = set(names), dict(graph.types), [], []
    for node in graph.nodes:
        if node.name in chosen:
            given = []
            for position, what in ((1, "past_key"), (2, "past_value")):
                batch, heads, _, size = _extents_by_head(node, graph, position, "kv_num_heads")
                name = f"{node.name}.{what}"
                types[name] = TensorType(graph.types[node.inputs[position]].dtype, (batch, heads, past, size))
                given.append(name)
            first = (traits_of(node).past or (len(node.inputs),))[0]
            inputs = (*node.inputs, *("",) * (first - len(node.inputs)), *given)
            node = replace(node, inputs=inputs)
            added += given
        nodes.append(node)
    return replace(graph, inputs=(*graph.inputs, *added), nodes=tuple(nodes), types=types), tuple(added)


def convert_values(graph: Graph, names: Iterable[str], dtype: DType | None) -> Graph:
    """The graph with its cache in another element type."""
    if dtype is None:
        return graph
    types = dict(graph.types)
    for name in names:
        types[name] = types[name]._replace(dtype=dtype)
    return replace(graph, types=types)


def _extents_by_head(node: Node, graph: Graph, position: int, attribute: str) -> tuple[Dim, Dim, Dim, Dim]:
    heads = int(node.attributes.get(attribute, 0))
    return by_head(graph.types[node.inputs[position]], heads, "K" if position == 1 else "V", attribute)


class DecoderPrecision(NamedTuple):
    """Element types that weights, activations and the cache are taken to have; None leaves them."""

    weights: DType | None = None
    activations: DType | None = None
    cache: DType | None = None


class PassGraph(NamedTuple):
    """The graph of one pass, without the outputs that give the cache back (a runtime appends to it in its place);
    caches names the inputs that hold it, kept the values that it is extended with."""

    graph: Graph
    caches: tuple[str, ...]
    kept: tuple[str, ...]


class Decoder(NamedTuple):
    """A decoder model; at(new, past) is the graph of a pass over `new` tokens behind `past` ones. attends names the
    nodes that are given a cache, caches the inputs that are one."""

    name: str
    source: str
    at: Callable[[int, int], PassGraph]
    opened: Graph
    sequence: str
    notes: tuple[str, ...]

    def check(self, tokens: int) -> None:
        """AssumptionError where a text of so many tokens is longer than the model allows."""
        for assumption in self.opened.assumptions:
            try:
                assumption.check({self.sequence: tokens})
            except AssumptionError as error:
                remedy = f"{tokens:,} tokens are asked for: make --prompt or --generate smaller"
                raise AssumptionError(error.fact, remedy, error.place) from error


def make_decoder(
    source: Any, batch: int = 1, precision: DecoderPrecision = DecoderPrecision(), **options: Any
) -> Decoder:
    """A decoder with its batch bound. The options are load's. UsageError where it is none: no open sequence, no cache
    and no causal Attention node to give one to."""
    source = hold_source(source)
    first = load(source, **options)
    dims = dict(options.pop("dims", None) or {})
    batches = [name for name in first.symbols if name not in dims]
    if batch != 1 and not batches:
        raise UsageError("the model has no batch extent that is open", "leave --batch out, or bind its extent by --dim")
    dims |= dict.fromkeys(batches, batch)
    opened = load(source, dims=dims, **options)
    caches = cache_inputs(opened)
    past = _past_symbol(opened, caches)
    sequence, totals = _sequence_symbols(opened, caches, past)
    attends = () if caches else _check_attentions(opened, sequence)

    def at(new: int, past_tokens: int) -> PassGraph:
        # A reader takes no extent of 0, so a past of none is bound afterwards.
        behind: Dim = symbol(past) if past and not past_tokens else past_tokens
        bound = {**dims, sequence: new, **dict.fromkeys(totals, behind + new)} | ({past: behind} if past else {})
        graph = load(source, dims=bound, **options)
        graph = bind_graph(graph, {past: 0}) if past and not past_tokens else graph
        graph = convert(graph, precision.weights, precision.activations)
        names = caches
        if not caches and past_tokens:
            graph, names = add_cache(graph, attends, past_tokens)
        graph = convert_values(graph, names, precision.cache)
        if not caches:
            kept = tuple(node.inputs[i] for node in graph.nodes if node.name in attends for i in (1, 2))
            return PassGraph(graph, names, kept)
        kept = cache_outputs(graph, names, past_tokens + new)
        outputs = tuple(name for name in graph.outputs if name not in kept)
        return PassGraph(replace(graph, outputs=outputs), names, kept)

    return Decoder(opened.name, opened.source, at, opened, sequence, opened.notes)


def _past_symbol(graph: Graph, caches: tuple[str, ...]) -> str:
    """The symbol that counts past tokens; "" without a cache."""
    found = dict.fromkeys(symbol_name(_extent(graph, name, -2)) for name in caches)
    if len(found) > 1:
        raise UsageError(
            f"the caches have different lengths: {', '.join(map(str, found))}", "bind all but one by --dim"
        )
    return next(iter(found), None) or ""


def _sequence_symbols(graph: Graph, caches: tuple[str, ...], past: str) -> tuple[str, tuple[str, ...]]:
    """The symbol that counts new tokens, and those that count all tokens: an attention mask's."""
    found: dict[str, str] = {}
    for name in graph.inputs:
        shape = graph.types[name].shape
        for held in symbols(*shape) if shape is not None and name not in caches else ():
            found.setdefault(held, name)
    names = [s for s in found if s != past]
    totals = tuple(s for s in names if past and ("total" in s.lower() or "mask" in found[s].lower()))
    rest = [s for s in names if s not in totals]
    if not rest:
        raise UsageError("the model has no open extent that counts tokens", "leave it open: --prompt binds it")
    if len(rest) > 1:
        ids = [s for s in rest if not graph.types[found[s]].dtype.is_float and "seq" in s.lower()]
        if len(ids) != 1:
            raise UsageError(
                f"{', '.join(rest)} are open: which one counts tokens is not clear",
                "bind the others: " + " ".join(f"--dim {s}=…" for s in rest),
            )
        others = [s for s in rest if s != ids[0]]
        raise UsageError(f"{', '.join(others)} is open", "bind it: " + " ".join(f"--dim {s}=…" for s in others))
    return rest[0], totals


def _check_attentions(graph: Graph, sequence: str) -> tuple[str, ...]:
    found = causal_attentions(graph, symbol(sequence))
    if not found:
        raise UsageError(
            "the model generates nothing: it has no past_key_values inputs and no causal Attention node",
            "export a decoder with its cache, or use an attention layer with `causal: true`",
        )
    return found


def _extent(graph: Graph, name: str, axis: int) -> Dim:
    shape = graph.types[name].shape
    assert shape is not None
    return shape[axis]
