"""Decoders with a branch for the first pass, and decoders that read an encoder's keys and values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper
from support import onnx_models
from support.cli import call, ok

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.studies.generation.generation import measure_generation
from costcalc.studies.generation.largest import longest_context
from costcalc.studies.generation.serving import measure_serving
from costcalc.studies.options import Settings

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


D, INNER, HIDDEN, VOCABULARY, SOURCE_TOKENS = 512, 512, 2048, 32128, 64
T5 = json.dumps({"model_type": "t5", "num_layers": 2, "num_decoder_layers": 2}).encode()
"""T5 small with two layers on either side."""


def t5_settings(**generation: int) -> Settings:
    return Settings.of(dims={"source": SOURCE_TOKENS}, generation=generation)


def t5_prompt_macs(tokens: int) -> int:
    """The encoder whole, its keys and values for each layer of the decoder, and the decoder over the prompt."""
    s, n = SOURCE_TOKENS, tokens
    encoder = 2 * (s * (4 * D * INNER + 2 * D * HIDDEN) + 2 * s * s * INNER)
    crossed = 2 * 2 * s * D * INNER
    layer = n * (6 * D * INNER + 2 * D * HIDDEN) + 2 * n * (n + s) * INNER
    return encoder + crossed + 2 * layer + n * D * VOCABULARY


@pytest.mark.parametrize("prompt", [1, 20])
def test_an_encoder_is_computed_once_with_the_prompt(prompt: int) -> None:
    generation = measure_generation(T5, t5_settings(prompt=prompt, generate=10))
    assert generation.prefill.macs == t5_prompt_macs(prompt)
    assert generation.first is not None
    layer = 6 * D * INNER + 2 * D * HIDDEN + 2 * (prompt + 1 + SOURCE_TOKENS) * INNER
    assert generation.first.macs == 2 * layer + D * VOCABULARY
    assert generation.cross_cache_bytes == 2 * 2 * SOURCE_TOKENS * INNER * 4


def test_the_first_chunk_of_a_prompt_computes_the_encoder() -> None:
    whole, chunks = (
        measure_generation(T5, t5_settings(prompt=20, generate=4, **options)) for options in ({}, {"prefill_chunk": 8})
    )
    assert chunks.peak_bytes == measure_generation(T5, t5_settings(prompt=8, generate=4)).peak_bytes < whole.peak_bytes


def test_the_longest_text_leaves_room_for_the_encoders_keys_and_values() -> None:
    found = longest_context(T5, t5_settings(generate=4), find_profile("t4"))
    serving = measure_serving(T5, t5_settings(prompt=found.number - 4, generate=4))
    assert serving.device.cross_cache_bytes > 0
    assert serving.memory_bytes == found.nbytes <= found.capacity
    assert found.next_nbytes is not None and found.next_nbytes > found.capacity
