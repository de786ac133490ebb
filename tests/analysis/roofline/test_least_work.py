"""Bounds of whole models whose attentions and recurrent layers may skip a part of what they are given."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import onnx
import pytest
from onnx import TensorProto
from onnx import helper as h

from costcalc import analyze
from costcalc.analysis.roofline.bounds import measure_workload

MS = "com.microsoft"
Shapes = Mapping[str, tuple[int, ...]]


def model(op_type: str, inputs: str, shapes: Shapes, outputs: str, domain: str = "", **more: Any) -> bytes:
    """One node as a file; stored are its small integer inputs (or weights of zeros), the other ones are given."""
    stored = {name: more.pop(name) for name in inputs.split(",") if name in more}
    opset = more.pop("opset", 24)
    node = h.make_node(op_type, inputs.split(","), outputs.split(","), domain=domain, **more)
    given = [h.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    results = [h.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs.split(",") if n]
    graph = h.make_graph([node], "g", given, results, [make(name) for name, make in stored.items()])
    imports = [h.make_opsetid("", opset), h.make_opsetid(MS, 1)]
    data: bytes = h.make_model(graph, opset_imports=imports, ir_version=11).SerializeToString()
    return data


def zeros(*shape: int) -> Any:
    """A stored weight."""
    return lambda name: h.make_tensor(name, TensorProto.FLOAT, shape, bytes(4 * prod(shape)), raw=True)


def lengths(*values: int) -> Any:
    return lambda name: h.make_tensor(name, TensorProto.INT32, [len(values)], values)


def longs(*values: int) -> Any:
    return lambda name: h.make_tensor(name, TensorProto.INT64, [len(values)], values)


def flags(*values: bool) -> Any:
    return lambda name: h.make_tensor(name, TensorProto.BOOL, [len(values)], values)


def number(value: int) -> Any:
    return lambda name: h.make_tensor(name, TensorProto.INT32, [], [value])


def bound(data: bytes) -> tuple[int, int]:
    """(multiplications, bytes) that a model takes at least."""
    work = measure_workload(analyze(data))
    assert work.traffic is not None
    return int(sum(work.multiplications.values())), work.traffic


HEADS: Shapes = {"q": (1, 8, 2, 64), "k": (1, 8, 1000, 64), "v": (1, 8, 1000, 64)}


@pytest.mark.parametrize(("ids", "rows"), [((7, 7, 7, 1), 2), (None, 1)])
def test_a_row_of_a_table_counts_once(ids: tuple[int, ...] | None, rows: int) -> None:
    """Whether the table is stored or an input: the rows, the ids that come at run time, the result."""
    stored: Any = {} if ids is None else {"ids": longs(*ids)}
    for table in ({"table": zeros(9, 5)}, {}):
        shapes: Shapes = {name: (9, 5) for name in ("table",) if not table}
        data = onnx.load_from_string(model("Gather", "table,ids", shapes, "y", **table, **stored))
        if ids is None:
            data.graph.input.append(h.make_tensor_value_info("ids", TensorProto.INT64, (4,)))
        assert bound(data.SerializeToString()) == (0, 4 * 5 * rows + 8 * 4 * (ids is None) + 4 * 4 * 5)


def test_experts_that_all_tokens_prefer() -> None:
    """Of 8 experts the same 2 serve all 6 tokens: their weights [16, 4] and [4, 16] are read once."""
    shapes: Shapes = {"x": (6, 4), "router": (6, 8)}
    weights = {"a": zeros(8, 16, 4), "b": zeros(8, 4, 16)}
    data = model("MoE", "x,router,a,,b", shapes, "y", domain=MS, k=2, **weights)
    assert bound(data) == (6 * 2 * 2 * 64, 4 * (2 * 2 * 64 + 6 * 4 + 6 * 8 + 6 * 4))


def test_causal_attention_of_more_keys_than_queries() -> None:
    """Query 1 sees one key, query 2 sees two; keys 3 to 1,000 are not read."""
    data = model("Attention", "q,k,v", HEADS, "y", is_causal=1)
    assert bound(data) == (8 * (1 + 2) * (64 + 64), 4 * 8 * 64 * (2 + 2 + 2 + 2)) == (3072, 16384)


def test_a_causal_chunk_behind_a_past() -> None:
    shapes = dict.fromkeys(("q", "k", "v", "pk", "pv"), (1, 8, 4096, 64))
    data = model("Attention", "q,k,v,,pk,pv", shapes, "y,present_k,present_v", is_causal=1)
    assert bound(data)[0] == 8 * (4096 * 4096 + 4096 * 4097 // 2) * 128 == 25_771_900_928
    assert bound(data)[1] == 4 * 8 * 64 * 4096 * (5 + 1 + 4), "a present is the whole past, copied, and the new keys"


def test_a_stored_length() -> None:
    shapes: Shapes = {"q": (1, 8, 1, 64), "k": (1, 8, 4096, 64), "v": (1, 8, 4096, 64)}
    assert bound(model("Attention", "q,k,v,,,,n", shapes, "y", n=longs(3))) == (8 * 3 * 128, 4 * 8 * 64 * (2 + 3 + 3))


@pytest.mark.parametrize(("past", "window", "pairs", "read"), [(255, 16, 16, 15), (255, -1, 256, 255), (9, 16, 10, 9)])
def test_a_window(past: int, window: int, pairs: int, read: int) -> None:
    """The window holds the token's own key; without present outputs only what it leaves of the past is read."""
    cache = (1, 8, past, 16)
    shapes: Shapes = {"q": (1, 1, 128), "k": (1, 1, 128), "v": (1, 1, 128), "pk": cache, "pv": cache}
    more: Any = {"num_heads": 8, "kv_num_heads": 8, "local_window_size": window, "domain": MS}
    more |= {"sl": lengths(past), "tl": number(past + 1)}
    macs, traffic = bound(model("GroupQueryAttention", "q,k,v,pk,pv,sl,tl", shapes, "y", **more))
    assert (macs, traffic) == (8 * pairs * 2 * 16, 4 * 128 * (4 + 2 * read))
    with_presents = bound(model("GroupQueryAttention", "q,k,v,pk,pv,sl,tl", shapes, "y,a,b", **more))
    assert with_presents == (macs, 4 * 128 * (4 + 2 * past + 2 * (past + 1)))


def test_a_prompt_with_a_window() -> None:
    shapes: Shapes = {"q": (1, 4096, 128), "k": (1, 4096, 32), "v": (1, 4096, 32)}
    more: Any = {"num_heads": 8, "kv_num_heads": 2, "local_window_size": 16, "domain": MS}
    data = model("GroupQueryAttention", "q,k,v,,,sl,tl", shapes, "y", sl=lengths(4095), tl=number(4096), **more)
    assert bound(data)[0] == 8 * (16 * 4096 - 16 * 15 // 2) * 2 * 16


def test_a_past_that_shares_its_buffer_with_the_present() -> None:
    """64 positions of which 9 are past: the new one is written, and no other."""
    cache = (1, 2, 64, 8)
    shapes: Shapes = {"q": (1, 1, 16), "k": (1, 1, 16), "v": (1, 1, 16), "pk": cache, "pv": cache}
    more: Any = {"num_heads": 2, "kv_num_heads": 2, "domain": MS, "sl": lengths(9), "tl": number(10)}
    data = model("GroupQueryAttention", "q,k,v,pk,pv,sl,tl", shapes, "y,a,b", **more)
    assert bound(data) == (2 * 10 * 2 * 8, 4 * 16 * (3 + 1 + 2 * 9 + 2))


@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_steps_behind_a_length(op: str, gates: int) -> None:
    """2 + 5 of 2 × 6 steps are there, and 1 + 4 of them have a hidden state before; at run time there may be none."""
    shapes: Shapes = {"x": (6, 2, 8)}
    stored: Any = {"w": zeros(1, gates * 4, 8), "r": zeros(1, gates * 4, 4)}
    macs, _ = bound(model(op, "x,w,r,,s", shapes, ",h", hidden_size=4, opset=22, s=lengths(2, 5), **stored))
    assert macs == 7 * gates * 4 * 8 + 5 * gates * 4 * 4
    node = h.make_node(op, ["x", "w", "r", "", "s"], ["", "h"], hidden_size=4)
    inputs = [h.make_tensor_value_info("x", TensorProto.FLOAT, (6, 2, 8)), h.make_tensor_value_info("s", 6, (2,))]
    graph = h.make_graph(
        [node], "g", inputs, [h.make_tensor_value_info("h", 1, None)], [make(name) for name, make in stored.items()]
    )
    data = h.make_model(graph, opset_imports=[h.make_opsetid("", 22)], ir_version=10).SerializeToString()
    assert bound(data) == (0, 2 * 4 + 2 * 4 * 4), "the lengths are read, the last states written"


@pytest.mark.parametrize(("first", "second", "rows"), [((0, 4), (0, 4), 4), ((0, 3), (2, 6), 6), ((0, 2), (5, 7), 4)])
def test_slices_read_what_they_cut_together(first: tuple[int, int], second: tuple[int, int], rows: int) -> None:
    nodes = [h.make_node("Slice", ["x", f"a{i}", f"b{i}"], [f"s{i}"]) for i in range(2)]
    nodes.append(h.make_node("Concat", ["s0", "s1"], ["y"], axis=0))
    inputs = [h.make_tensor_value_info("x", TensorProto.FLOAT, (8, 4))]
    stored = [
        longs(n)(f"{name}{i}") for i, cut in enumerate((first, second)) for name, n in zip("ab", cut, strict=True)
    ]
    graph = h.make_graph(nodes, "g", inputs, [h.make_tensor_value_info("y", 1, None)], stored)
    data = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9).SerializeToString()
    written = (first[1] - first[0]) + (second[1] - second[0])
    assert bound(data)[1] == 4 * 4 * (rows + written)


def test_a_strided_convolution_reads_the_positions_under_its_windows() -> None:
    """A 1x1 filter with stride 2 over 8 x 6 reads 4 x 3 positions; it gives as many."""
    shapes: Shapes = {"x": (1, 4, 8, 6)}
    data = model("Conv", "x,w", shapes, "y", strides=[2, 2], w=zeros(5, 4, 1, 1))
    assert bound(data) == (4 * 3 * 5 * 4, 4 * (4 * 4 * 3 + 5 * 4 + 5 * 4 * 3))
    last = model(
        "Conv",
        "x,w",
        {"x": (1, 8, 6, 4)},
        "y",
        domain="com.ms.internal.nhwc",
        strides=[2, 2],
        w=zeros(5, 4, 1, 1),
    )
    assert bound(last)[1] == bound(data)[1]


def test_of_a_split_the_parts_that_are_needed_are_read() -> None:
    shapes: Shapes = {"x": (12,)}
    whole = model("Split", "x,sizes", shapes, "a,b,c", sizes=longs(2, 4, 6))
    assert bound(whole)[1] == 4 * (12 + 12)
    part = onnx.load_from_string(whole)
    del part.graph.output[1:]
    assert bound(part.SerializeToString())[1] == 4 * (2 + 2)


def test_a_stored_condition_tells_what_is_read() -> None:
    shapes: Shapes = {"x": (64,), "y": (64,)}
    stored = model("Where", "c,x,y", shapes, "z", c=flags(*[i < 16 for i in range(64)]))
    assert bound(stored)[1] == 4 * (16 + 48 + 64)
