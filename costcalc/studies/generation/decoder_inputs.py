"""Graph of a decoder -> which of its inputs and outputs hold the keys and values of earlier tokens, and which of its
symbols count texts, new tokens and past ones: by their types, their places and their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from costcalc.core.dim import Dim, symbols
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph
from costcalc.frontends.symbols import option_name, symbol_name


def cache_inputs(graph: Graph) -> tuple[str, ...]:
    """Graph -> the inputs that hold keys and values of earlier tokens: float, [batch, heads, past, size] (or with an
    axis of two before), `past` or `cache` in their name, and an open extent of past tokens."""
    caches = []
    for name in graph.inputs:
        tensor_type = graph.types[name]
        shape = tensor_type.shape if _has_cache_name(name) and tensor_type.dtype.is_float else None
        if shape is not None and len(shape) in (4, 5) and symbol_name(shape[-2]) is not None:
            caches.append(name)
    return tuple(caches)


def cross_caches(graph: Graph, caches: Collection[str]) -> tuple[str, ...]:
    """Graph and its caches of earlier tokens -> the other inputs that hold keys and values: those of the encoder's
    positions, which every pass of a decoder with cross-attention reads."""
    if not caches:
        return ()
    ranks = {graph.types[name].rank for name in caches}
    names = [name for name in graph.inputs if name not in caches and _has_cache_name(name)]
    return tuple([n for n in names if (t := graph.types[n]).shape is not None and t.dtype.is_float and t.rank in ranks])


def _has_cache_name(name: str) -> bool:
    return "past" in name.lower() or "cache" in name.lower()


def cache_outputs(graph: Graph, caches: Iterable[str], tokens: Dim) -> tuple[str, ...]:
    """Graph, cache inputs and number of all tokens -> the outputs that hold the cache with the new tokens' keys and
    values."""
    rank_and_size = {(len(shape), shape[-1]) for name in caches if (shape := graph.types[name].shape) is not None}

    def is_cache(name: str) -> bool:
        shape = graph.types[name].shape
        return shape is not None and len(shape) > 3 and (len(shape), shape[-1]) in rank_and_size and shape[-2] == tokens

    return tuple(name for name in graph.outputs if is_cache(name))


def unnamed_batches(graph: Graph) -> list[str]:
    """Graph without a symbol that is called a batch -> the symbols that are one by their place: axis 0 of token ids, an
    integer input with an open extent behind it."""
    shapes = [type_.shape or () for type_ in map(graph.types.__getitem__, graph.inputs) if not type_.dtype.is_float]
    names = [symbol_name(shape[0]) for shape in shapes if symbols(*shape[1:])]
    return list(dict.fromkeys([name for name in names if name is not None and name not in token_symbols_of(graph)]))


def token_symbols_of(graph: Graph) -> set[str]:
    """Graph -> the symbols that count tokens: of the lengths of its caches, and of the axes behind the first of its
    integer inputs. Those of an encoder's inputs do not, nor does the first axis of any input, the batch."""
    caches, tokens, others = cache_inputs(graph), set[str](), set[str]()
    for name in graph.inputs:
        type_ = graph.types[name]
        shape = type_.shape or ()
        is_encoder = "encoder" in name or "cross" in name
        others.update(symbols(*(shape if is_encoder else shape[:1])))
        if name in caches:
            tokens.update(symbols(*shape[-2:-1]))
        elif not type_.dtype.is_float:
            tokens.update(symbols(*shape[1:]))
    return tokens - others


def past_symbol(graph: Graph, caches: tuple[str, ...]) -> str:
    """Graph and its cache inputs -> the symbol that counts past tokens; "" without a cache."""
    past_symbols = dict.fromkeys(symbol_name(_extent(graph, name, -2)) for name in caches)
    if len(past_symbols) > 1:
        encoder = [str(s) for s in past_symbols if "encoder" in str(s) or "cross" in str(s)]
        remedy = "bind the encoder's: " + " ".join(f"--dim {s}=…" for s in encoder)
        raise UsageError(
            f"the caches have different lengths: {', '.join(map(str, past_symbols))}",
            remedy if len(encoder) == len(past_symbols) - 1 else "bind all but one by --dim",
        )
    return next(iter(past_symbols), None) or ""


def sequence_symbols(graph: Graph, caches: tuple[str, ...], past: str) -> tuple[str, tuple[str, ...]]:
    """Graph -> the symbol that counts new tokens, and those that count all tokens (an attention mask's)."""
    input_of: dict[str, str] = {}
    for name in graph.inputs:
        shape = graph.types[name].shape
        for name_of_extent in symbols(*shape) if shape is not None and name not in caches else ():
            input_of.setdefault(name_of_extent, name)
    names = [s for s in input_of if s != past]
    totals = tuple(s for s in names if past and ("total" in s.lower() or "mask" in input_of[s].lower()))
    candidates = [s for s in names if s not in totals]
    if not candidates:
        raise UsageError("the model has no open extent that counts tokens", "leave it open: --prompt binds it")
    if len(candidates) > 1:
        token_symbols = [s for s in candidates if not graph.types[input_of[s]].dtype.is_float and "seq" in s.lower()]
        if len(token_symbols) != 1:
            token_symbols = [s for s in candidates if s in token_symbols_of(graph)]
        options = {s: option_name(s, graph.data_symbols) for s in candidates}
        if len(token_symbols) != 1:
            raise UsageError(
                f"{', '.join(options.values())} are open: which one counts tokens is not clear",
                "bind all but that one: " + " ".join(f"--dim {name}=…" for name in options.values()),
            )
        other_symbols = [s for s in candidates if s != token_symbols[0]]
        raise UsageError(
            f"{', '.join(options[s] for s in other_symbols)} is open",
            "bind it: " + " ".join(f"--dim {options[s]}=…" for s in other_symbols),
        )
    return candidates[0], totals


def _extent(graph: Graph, name: str, axis: int) -> Dim:
    shape = graph.types[name].shape
    assert shape is not None
    return shape[axis]
