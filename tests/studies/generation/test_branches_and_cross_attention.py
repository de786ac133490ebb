"""Decoders with a branch for the first pass, and decoders that read an encoder's keys and values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper
from support import onnx_models
from support.cli import call, ok

HEADS, SIZE = 2, 4
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def info(name: str, *shape: Any, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def attention(prefix: str, query: str, key: str, value: str) -> list[Any]:
    """query, key and value [B, HEADS, tokens, SIZE] -> [B, HEADS, tokens, SIZE]."""
    return [
        helper.make_node("Transpose", [key], [f"{prefix}kt"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", [query, f"{prefix}kt"], [f"{prefix}s"]),
        helper.make_node("Softmax", [f"{prefix}s"], [f"{prefix}p"]),
        helper.make_node("MatMul", [f"{prefix}p", value], [f"{prefix}o"]),
    ]


def merged_decoder() -> bytes:
    """A decoder whose If reads the cache where use_cache_branch is true."""
    join = [helper.make_node("Concat", ["past.key", "x"], ["k_then"], axis=2)]
    then_branch = helper.make_graph(join, "then", [], [onnx_models.info("k_then")])
    copy = [helper.make_node("Identity", ["x"], ["k_else"])]
    else_branch = helper.make_graph(copy, "else", [], [onnx_models.info("k_else")])
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"]),
        helper.make_node("Reshape", ["e", "shape"], ["r"]),
        helper.make_node("Transpose", ["r"], ["x"], perm=[0, 2, 1, 3]),
        helper.make_node(
            "If", ["use_cache_branch"], ["present.key"], name="o", then_branch=then_branch, else_branch=else_branch
        ),
        *attention("a", "x", "present.key", "present.key"),
    ]
    inputs = [
        info("ids", "batch", "seq", kind=INT64),
        info("past.key", "batch", HEADS, "past", SIZE),
        info("use_cache_branch", 1, kind=BOOL),
    ]
    stored = [
        onnx_models.weight("table", 10, HEADS * SIZE),
        helper.make_tensor("shape", INT64, [4], [0, 0, HEADS, SIZE]),
    ]
    return onnx_models.model(nodes, inputs, ["ao", "present.key"], stored)


@pytest.mark.parametrize("arguments", [(), ("--value", "use_cache_branch=0")])
def test_a_merged_decoder_says_which_branch_reads_the_cache(
    tmp_path: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "merged.onnx"
    path.write_bytes(merged_decoder())
    code, _, error = call(capsys, "llm", str(path), *arguments)
    assert code == 2 and "--value use_cache_branch=1" in error


def test_a_merged_decoder_generates_by_the_branch_that_reads_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "merged.onnx"
    path.write_bytes(merged_decoder())
    options = ("--value", "use_cache_branch=1", "--prompt", "8", "--generate", "3", "--format", "json")
    found = json.loads(ok("llm", str(path), *options))["generation"]
    assert found["prefill"]["macs"] == 2 * HEADS * 8 * 8 * SIZE
    assert found["first_step"]["macs"] == 2 * HEADS * 1 * 9 * SIZE
    assert found["cache"]["cross_attention_bytes"] == 0


def encoder_decoder() -> bytes:
    """A decoder with a cache of its own and one of the encoder's positions, which it hands on."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"]),
        helper.make_node("Reshape", ["e", "shape"], ["r"]),
        helper.make_node("Transpose", ["r"], ["x"], perm=[0, 2, 1, 3]),
        helper.make_node("Concat", ["past.decoder.key", "x"], ["present.decoder.key"], axis=2),
        *attention("a", "x", "present.decoder.key", "present.decoder.key"),
        *attention("c", "ao", "past.encoder.key", "past.encoder.value"),
        helper.make_node("Identity", ["past.encoder.key"], ["present.encoder.key"]),
    ]
    inputs = [
        info("ids", "batch", "seq", kind=INT64),
        info("past.decoder.key", "batch", HEADS, "past", SIZE),
        info("past.encoder.key", "batch", HEADS, "encoder_length", SIZE),
        info("past.encoder.value", "batch", HEADS, "encoder_length", SIZE),
    ]
    stored = [
        onnx_models.weight("table", 10, HEADS * SIZE),
        helper.make_tensor("shape", INT64, [4], [0, 0, HEADS, SIZE]),
    ]
    return onnx_models.model(nodes, inputs, ["co", "present.decoder.key", "present.encoder.key"], stored)


def test_the_cache_of_cross_attention_has_a_row_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "decoder.onnx"
    path.write_bytes(encoder_decoder())
    assert "bind the encoder's: --dim encoder_length=…" in call(capsys, "llm", str(path))[2]
    options = ("--dim", "encoder_length=50", "--batch", "3", "--prompt", "8", "--generate", "3")
    found = json.loads(ok("llm", str(path), *options, "--format", "json"))["generation"]
    assert found["prefill"]["macs"] == 3 * 2 * HEADS * SIZE * (8 * 8 + 8 * 50)
    assert found["cache"]["bytes"] == 3 * HEADS * SIZE * 11 * 4
    cross = found["cache"]["cross_attention_bytes"]
    assert cross == 2 * 3 * HEADS * SIZE * 50 * 4
    parts = (found["weight_bytes"], found["cache"]["bytes"], cross, found["peak_activation_bytes"])
    assert found["memory_bytes"] == sum(parts)
    assert "Cross-attention cache" in ok("llm", str(path), *options)
    assert "Cross-attention cache" not in ok("llm", "gpt2")
