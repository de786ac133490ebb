"""ONNX decoders as exporters write them, with the keys and values of earlier tokens as inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

VOCABULARY, D, HEADS, KV_HEADS, SIZE, FFN = 100, 32, 4, 2, 8, 64
F32, I64 = TensorProto.FLOAT, TensorProto.INT64


class _Writer:
    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.stored: list[Any] = []

    def weight(self, name: str, *shape: int) -> str:
        self.stored.append(helper.make_tensor(name, F32, shape, bytes(4 * prod(shape)), raw=True))
        return name

    def add(self, op: str, inputs: Sequence[Any], name: str, domain: str = "", n: int = 1, **attributes: Any) -> str:
        outputs = [name, *(f"{name}.{i}" for i in range(1, n))]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, domain=domain, **attributes))
        return name

    def constant(self, name: str, *values: int) -> str:
        self.stored.append(helper.make_tensor(name, I64, [len(values)], values))
        return name


def decoder(path: Path, grouped: bool, layers: int = 2, multi_head: bool = False, window: int = -1) -> Path:
    """A decoder of `layers` layers, d = 32, 4 heads of 8 and 2 of keys and values (4 in the other forms): attention by
    GroupQueryAttention (with a sliding window), by MultiHeadAttention, or written out with Concat, MatMul and Softmax."""
    kv = KV_HEADS if grouped else HEADS
    w = _Writer()
    inputs: list[Any] = [("input_ids", I64, ["batch_size", "sequence_length"])]
    mask = "total_sequence_length" if grouped else "past_sequence_length + sequence_length"
    inputs.append(("attention_mask", I64, ["batch_size", mask]))
    outputs: list[Any] = [("logits", F32, ["batch_size", "sequence_length", VOCABULARY])]
    if grouped:
        w.add("Shape", ["attention_mask"], "mask_shape")
        w.add("Gather", ["mask_shape", w.constant("one", 1)], "total")
        w.add("Cast", ["total"], "total32", to=TensorProto.INT32)
        w.add("ReduceSum", ["attention_mask", "one"], "lengths", keepdims=0)
        w.add("Cast", ["lengths"], "lengths32", to=TensorProto.INT32)
    x = w.add("Gather", [w.weight("embed", VOCABULARY, D), "input_ids"], "tokens")
    w.constant("split", 0, 0, -1, SIZE)
    w.constant("join", 0, 0, D)
    for i in range(layers):
        past = [f"past_key_values.{i}.{what}" for what in ("key", "value")]
        present = [f"present.{i}.{what}" for what in ("key", "value")]
        inputs += [(name, F32, ["batch_size", kv, "past_sequence_length", SIZE]) for name in past]
        outputs += [(name, F32, ["batch_size", kv, "present_sequence_length", SIZE]) for name in present]
        q = w.add("MatMul", [x, w.weight(f"wq{i}", D, D)], f"q{i}")
        k = w.add("MatMul", [x, w.weight(f"wk{i}", D, kv * SIZE)], f"k{i}")
        v = w.add("MatMul", [x, w.weight(f"wv{i}", D, kv * SIZE)], f"v{i}")
        if grouped:
            names = [q, k, v, *past, "lengths32", "total32"]
            node = helper.make_node(
                "GroupQueryAttention",
                names,
                [f"a{i}", *present],
                name=f"a{i}",
                domain="com.microsoft",
                num_heads=HEADS,
                kv_num_heads=kv,
                local_window_size=window,
            )
            w.nodes.append(node)
            a = f"a{i}"
        elif multi_head:
            names = [q, k, v, "", "", "", *past]
            node = helper.make_node(
                "MultiHeadAttention",
                names,
                [f"a{i}", *present],
                name=f"a{i}",
                domain="com.microsoft",
                num_heads=HEADS,
                unidirectional=1,
            )
            w.nodes.append(node)
            a = f"a{i}"
        else:
            a = _eager(w, i, q, k, v, past, present)
        x = w.add("Add", [x, w.add("MatMul", [a, w.weight(f"wo{i}", D, D)], f"o{i}")], f"r{i}")
        h = w.add("Relu", [w.add("MatMul", [x, w.weight(f"wu{i}", D, FFN)], f"u{i}")], f"h{i}")
        x = w.add("Add", [x, w.add("MatMul", [h, w.weight(f"wd{i}", FFN, D)], f"d{i}")], f"s{i}")
    w.add("MatMul", [x, w.weight("head", D, VOCABULARY)], "logits")
    given, results = ([helper.make_tensor_value_info(*item) for item in group] for group in (inputs, outputs))
    graph = helper.make_graph(w.nodes, "decoder", given, results, w.stored)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))
    return path


def _eager(w: _Writer, i: int, q: str, k: str, v: str, past: list[str], present: list[str]) -> str:
    heads = []
    for name in (q, k, v):
        split = w.add("Reshape", [name, "split"], f"{name}.split")
        heads.append(w.add("Transpose", [split], f"{name}.heads", perm=[0, 2, 1, 3]))
    for name, before, after in zip(heads[1:], past, present, strict=True):
        w.nodes.append(helper.make_node("Concat", [before, name], [after], name=after, axis=2))
    keys = w.add("Transpose", [present[0]], f"kt{i}", perm=[0, 1, 3, 2])
    scores = w.add("Softmax", [w.add("MatMul", [heads[0], keys], f"qk{i}")], f"p{i}", axis=-1)
    mixed = w.add("Transpose", [w.add("MatMul", [scores, present[1]], f"pv{i}")], f"pvt{i}", perm=[0, 2, 1, 3])
    return w.add("Reshape", [mixed, "join"], f"a{i}")
