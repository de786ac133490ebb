"""A run with a defect -> a smaller one with the same defect: arguments, nodes, attributes, tensors and lines go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import onnx
from support.sandbox import Run

from .cases import parse, serialize
from .onnx_mutations import graphs

SECONDS = 90.0
"""How long the shrinking of a run may take."""


def shrink(run: Run, same: Callable[[Run], bool], seconds: float = SECONDS) -> Run:
    """A run and whether another one has the same defect -> the smallest that is met in the time."""
    end = time.monotonic() + seconds
    for plain in (replace(run, variables={}, encoding="utf-8", stdin=b""), replace(run, stdin=b"")):
        if plain != run and same(plain):
            run = plain
            break
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(run):
            if time.monotonic() > end:
                return run
            if same(candidate):
                run, smaller = candidate, True
                break
    return run


def _candidates(run: Run) -> Iterator[Run]:
    """Smaller runs, the boldest first."""
    words = run.arguments
    for name in run.files:
        yield replace(run, files={n: c for n, c in run.files.items() if n != name})
    for width in (2, 1):
        for i in range(len(words) - width, 0, -1):
            yield replace(run, arguments=(*words[:i], *words[i + width :]))
    for name, content in run.files.items():
        pieces = _smaller_models(content) if name.endswith(".onnx") else _smaller_texts(content)
        for piece in pieces:
            yield replace(run, files={**run.files, name: piece})


def _smaller_models(content: bytes) -> Iterator[bytes]:
    """A model without some of its parts."""
    model = parse(content)
    if model is None:
        return
    yield from _without(model, model.functions)
    yield from _without(model, model.metadata_props)
    for graph in reversed(graphs(model)):
        for field in (
            graph.node,
            graph.initializer,
            graph.value_info,
            graph.input,
            graph.output,
            graph.sparse_initializer,
        ):
            yield from _without(model, field)
        for node in graph.node:
            for field in (node.attribute, node.input, node.output):
                yield from _without(model, field)
            if node.name or node.doc_string:
                kept = node.name
                node.name = ""
                yield serialize(model)
                node.name = kept
        for tensor in graph.initializer:
            yield from _without(model, tensor.dims)


def _without(model: onnx.ModelProto, field: object) -> Iterator[bytes]:
    """A model without halves, quarters … and then single entries of a repeated field."""
    entries = list(field)  # type: ignore[call-overload]
    size = len(entries)
    while size >= 1:
        for start in range(0, len(entries), size):
            kept = entries[:start] + entries[start + size :]
            copies = [type(e).FromString(e.SerializeToString()) if hasattr(e, "SerializeToString") else e for e in kept]
            before = [
                type(e).FromString(e.SerializeToString()) if hasattr(e, "SerializeToString") else e for e in entries
            ]
            del field[:]  # type: ignore[attr-defined]
            field.extend(copies)  # type: ignore[attr-defined]
            content = serialize(model)
            del field[:]  # type: ignore[attr-defined]
            field.extend(before)  # type: ignore[attr-defined]
            entries = list(field)  # type: ignore[call-overload]
            yield content
        size //= 2


def _smaller_texts(content: bytes) -> Iterator[bytes]:
    """A text without some of its lines."""
    lines = content.split(b"\n")
    size = len(lines) // 2
    while size >= 1:
        for start in range(0, len(lines), size):
            yield b"\n".join(lines[:start] + lines[start + size :])
        size //= 2
