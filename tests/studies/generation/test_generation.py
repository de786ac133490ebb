"""Prompt, steps and cache of decoder models: closed forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.cli import ok
from support.exported_decoder import FFN, HEADS, KV_HEADS, SIZE, VOCABULARY, D
from support.exported_decoder import decoder as exported_decoder

from costcalc import analyze
from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.analysis.roofline.energy import memory_fits
from costcalc.core.errors import AssumptionError
from costcalc.rules import DType, UsageError
from costcalc.studies.generation.decoder import DecoderPrecision, make_decoder
from costcalc.studies.generation.generation import Generation, cost_generation, memory_report
from costcalc.views.generation import generation_document, least_macs, passes_table

DEPTH, WIDTH, HIDDEN, WORDS = 32, 4096, 11008, 32000
LLAMA = DEPTH * (4 * WIDTH**2 + 3 * WIDTH * HIDDEN) + WIDTH * WORDS
"""MACs of Llama 7B per token, attention apart: every weight but the embedding's and the norms' once."""


def of(
    model: Any,
    prompt: int,
    generate: int,
    batch: int = 1,
    precision: DecoderPrecision = DecoderPrecision(),  # noqa: B008
    **options: Any,
) -> Generation:
    return cost_generation(make_decoder(model, batch, precision, **options), prompt, generate, batch)


def test_llama_7b() -> None:
    found = of("llama_7b", 512, 64, 8)
    assert LLAMA == 6_607_077_376 == 6_738_415_616 - WORDS * WIDTH - 65 * WIDTH
    assert found.prefill.macs == 8 * (512 * LLAMA + 2 * 512**2 * WIDTH * DEPTH)
    assert found.first and found.last
    assert found.first.macs == 8 * (LLAMA + 2 * 513 * WIDTH * DEPTH)
    assert (found.first.context, found.last.context) == (513, 575)
    steps = sum(LLAMA + 2 * n * WIDTH * DEPTH for n in range(513, 576))
    assert found.steps == 63
    assert found.step_macs == 8 * steps
    assert found.cache_bytes(576) == 2 * DEPTH * 32 * 128 * 576 * 8 * 4
    assert found.weight_bytes == 4 * (6_738_415_616 + 2 * 2048 * 64)
    assert found.memory == found.weight_bytes + found.cache_bytes(576) + found.peak_bytes


def test_the_peak_has_the_logits_of_one_position() -> None:
    """In a feed-forward part live the residual, its norm, the gate and the other factor; the ids are an input. The
    logits of all 4,096 positions would be 4,096 × 32,000 numbers. What must fit is the same sum."""
    found, tokens = of("llama_7b", 512, 64, 8), 8 * 512
    assert found.peak_bytes == 4 * tokens * (2 * WIDTH + 2 * HIDDEN) + 8 * tokens
    (fit,) = memory_fits(memory_report(found), find_profile("a100"))
    assert fit.needed == found.memory


def test_seven_billion_parameters_in_24_gb() -> None:
    half = DecoderPrecision(DType.FLOAT16, DType.FLOAT16)
    (fit,) = memory_fits(memory_report(of("llama_7b", 2048, 256, 8, half)), find_profile("rtx4090"))
    assert fit.fits and fit.needed == 13_477_355_520 + 9_663_676_416 + 989_986_816


def test_a_text_that_is_too_long_names_its_options() -> None:
    with pytest.raises(AssumptionError, match="seq <= 1024; 1,200 tokens are asked for: make --prompt or --generate"):
        of("gpt2", 600, 600)


def test_the_prompt_and_its_steps_cost_what_the_whole_text_costs() -> None:
    """Position by position or at once: only the masked half of the scores makes a difference."""
    found = of("gpt2", 1, 100)
    whole = analyze("gpt2", dims={"seq": 100}).macs
    masked = 12 * 2 * 768 * sum(100 - n for n in range(1, 101))
    assert found.prefill.macs + found.step_macs == whole - masked


def test_grouped_query_attention_shrinks_the_cache() -> None:
    found = of("llama_7b", 16, 4, params={"kv_heads": 8})
    assert found.cache_elements == 2 * DEPTH * 8 * 128
    projections = DEPTH * (2 * WIDTH**2 + 2 * WIDTH * 8 * 128 + 3 * WIDTH * HIDDEN) + WIDTH * WORDS
    assert found.first and found.first.macs == projections + 2 * 17 * WIDTH * DEPTH


def test_precisions() -> None:
    plain = of("llama_7b", 16, 4, 2)
    found = of("llama_7b", 16, 4, 2, DecoderPrecision(DType.INT4, DType.FLOAT16, DType.INT8))
    assert found.weight_bytes == plain.weight_bytes // 8
    assert (found.cache_dtype, found.cache_bytes(20)) == ("int8", 2 * DEPTH * WIDTH * 20 * 2)
    assert found.first and plain.first
    assert found.first.cache == plain.first.cache // 4
    assert found.first.macs == plain.first.macs
    assert of("llama_7b", 16, 4, 2, DecoderPrecision(None, DType.FLOAT16)).cache_dtype == "float16"


def test_traffic_of_a_step() -> None:
    """Every weight that is multiplied with, the rows that are looked up, the cache read and written, ids and logits."""
    found = of("llama_7b", 16, 4, 2).first
    assert found
    tables = 2 * (WIDTH + 2 * 64) * 4
    cache = 2 * 2 * DEPTH * WIDTH * 4
    assert found.cache == 16 * cache
    ids, logits = 2 * 2 * 8, 2 * WORDS * 4
    assert found.traffic <= 4 * (LLAMA + 65 * WIDTH) + tables + 17 * cache + ids + logits
    assert found.traffic >= 4 * LLAMA + tables + 17 * cache + ids + logits - 2 * 2 * 64 * 4 * 2


def test_what_no_implementation_of_the_prompt_can_leave_out() -> None:
    """All of 31 layers and the keys and values of the last one; behind them one position. Half the scores."""
    found, n = of("llama_7b", 64, 4), 64
    layer, scores = 4 * WIDTH**2 + 3 * WIDTH * HIDDEN, 2 * WIDTH
    before = n * (DEPTH - 1) * layer + (DEPTH - 1) * scores * n * (n + 1) // 2
    last = n * 2 * WIDTH**2 + (layer - 2 * WIDTH**2) + scores * n + WIDTH * WORDS
    assert least_macs(found) == before + last


def test_a_single_token() -> None:
    found = of("gpt2", 7, 1)
    assert (found.first, found.last, found.step_macs, found.steps) == (None, None, 0, 0)
    two = of("gpt2", 7, 2)
    assert two.first is two.last and two.first and two.step_macs == two.first.macs


def layer_macs(kv: int) -> int:
    return 2 * (2 * D * D + 2 * D * kv * SIZE + 2 * D * FFN) + D * VOCABULARY


@pytest.mark.parametrize("grouped", [True, False])
def test_exported_decoders(tmp_path: Path, grouped: bool) -> None:
    model = exported_decoder(tmp_path / "decoder.onnx", grouped)
    kv = KV_HEADS if grouped else HEADS
    found, attention = of(model, 10, 5, 3), 2 * 2 * HEADS * SIZE
    assert found.prefill.macs == 3 * (10 * layer_macs(kv) + 10 * 10 * attention)
    assert found.first and found.last
    assert found.first.macs == 3 * (layer_macs(kv) + 11 * attention)
    assert found.last.macs == 3 * (layer_macs(kv) + 14 * attention)
    assert found.step_macs == sum(3 * (layer_macs(kv) + n * attention) for n in range(11, 15))
    assert found.cache_elements == 2 * 2 * kv * SIZE
    assert found.first.cache == 2 * 2 * kv * SIZE * 10 * 3 * 4
    weights = 4 * (2 * (2 * D * D + 2 * D * kv * SIZE + 2 * D * FFN) + D * VOCABULARY)
    looked_up, ids, logits, mask = 4 * 3 * D, 8 * 3, 4 * 3 * VOCABULARY, 8 * 3 * 11
    cache = found.first.cache * 11 // 10
    expected = weights + looked_up + ids + logits + cache
    assert found.first.traffic in (expected, expected + mask), "a mask that is only asked for its shape is not read"


def test_scores_that_multi_head_attention_masks_can_be_left_out(tmp_path: Path) -> None:
    """Each attention has n · (n + 1) / 2 scores a head. Both layers give keys and values back from their attention, so
    only what stands behind the second one is needed at one position: its output projection, feed-forward part, head."""
    found, n = of(exported_decoder(tmp_path / "decoder.onnx", False, multi_head=True), 10, 1), 10
    scores, q_k_v, behind = 2 * HEADS * SIZE, 3 * D * D, D * D + 2 * D * FFN
    assert found.prefill.macs == n * (2 * (q_k_v + behind) + D * VOCABULARY) + 2 * scores * n * n
    first = n * (q_k_v + behind) + scores * n * (n + 1) // 2
    second = n * q_k_v + scores * n * (n + 1) // 2 + behind
    assert least_macs(found) == first + second + D * VOCABULARY


def test_onnx_runtime_runs_a_step(tmp_path: Path) -> None:
    import numpy as np
    import onnxruntime

    path = exported_decoder(tmp_path / "decoder.onnx", False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {i.name: np.zeros((3, HEADS, 10, SIZE), np.float32) for i in session.get_inputs() if "past" in i.name}
    feeds |= {"input_ids": np.zeros((3, 1), np.int64)}
    if "attention_mask" in {i.name for i in session.get_inputs()}:
        feeds["attention_mask"] = np.ones((3, 11), np.int64)
    step = make_decoder(path, 3).at(1, 10)
    shapes = {o.name: r.shape for o, r in zip(session.get_outputs(), session.run(None, feeds), strict=True)}
    assert shapes == {name: step.graph.types[name].shape for name in (*step.graph.outputs, *step.new_entries)}


def test_exported_decoders_in_other_types(tmp_path: Path) -> None:
    model = exported_decoder(tmp_path / "decoder.onnx", True)
    found = of(model, 10, 5, 1, DecoderPrecision(DType.FLOAT16, DType.FLOAT16, DType.INT8))
    assert found.cache_bytes(15) == 2 * 2 * KV_HEADS * SIZE * 15


def test_a_text_that_is_too_long() -> None:
    with pytest.raises(AssumptionError, match="1024"):
        of("gpt2", 1000, 25)
    of("gpt2", 1000, 24)


@pytest.mark.parametrize(
    ("model", "options", "fact"),
    [
        ("bert_base", {}, "generates nothing"),
        ("resnet18", {}, "the model generates nothing"),
        ("gpt2", {"dims": {"seq": 8}}, "no open extent"),
    ],
)
def test_no_decoders(model: str, options: dict[str, Any], fact: str) -> None:
    with pytest.raises(UsageError, match=fact) as raised:
        of(model, 8, 8, **options)
    assert raised.value.remedy


def test_sheets_and_json_say_the_same() -> None:
    found = of("gpt2", 128, 32, 4)
    sheet, content = passes_table(found), generation_document(found)
    assert [row[3] for row in sheet.rows] == [
        content["prefill"]["macs"],
        content["first_step"]["macs"],
        content["last_step"]["macs"],
        content["steps"]["macs"],
    ]


def test_the_command_line() -> None:
    options = ["--prompt", "128", "--generate", "32", "--batch", "4", "--dtype", "float16"]
    content = json.loads(ok("llm", "gpt2", *options, "--format", "json", "--hardware", "a100-sxm-80gb"))["generation"]
    assert content["cache"] == {
        "dtype": "float16",
        "elements_per_token": 2 * 12 * 768,
        "bytes": 2 * 12 * 768 * 160 * 4 * 2,
    }
    device = content["hardware"][0]
    assert device["last_step"]["bound_by"] == "memory"
    assert device["fits"][0]["fits"]
    assert device["total_s"] == pytest.approx(device["prefill"]["time_bound_s"] + device["steps_s"])
    assert device["tokens_per_s"] == pytest.approx(4 * 31 / device["steps_s"])
    assert "does not fit" in ok("llm", "gpt2", *options, "--hardware", "t4,stm32f746")


def test_a_step_takes_at_least_what_its_bytes_take() -> None:
    from costcalc.studies.generation.speed import generation_speed

    profile = find_profile("a100-sxm-80gb")
    found = of("llama_7b", 512, 64, 1, DecoderPrecision(DType.FLOAT16, DType.FLOAT16))
    bound = generation_speed(found, profile)
    assert found.first and bound.first and bound.first.memory and profile.bandwidth
    cached = profile.bytes_of("on_chip") or 0
    assert bound.first.memory == (found.first.traffic - cached) / profile.bandwidth.value
    assert bound.tokens_per_s and bound.tokens_per_s < profile.bandwidth.value / (found.weight_bytes * 0.9)
