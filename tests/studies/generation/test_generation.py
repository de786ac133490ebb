"""Prompt, steps and cache of decoder models: closed forms."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.cli import call, ok
from support.exported_decoder import FFN, HEADS, KV_HEADS, SIZE, VOCABULARY, D
from support.exported_decoder import decoder as exported_decoder
from support.paths import DATA

import costcalc
from costcalc import CostcalcError, analyze
from costcalc.studies.generation.decoder import make_decoder

DEPTH, WIDTH, HIDDEN, WORDS = 32, 4096, 11008, 32000
LLAMA = DEPTH * (4 * WIDTH**2 + 3 * WIDTH * HIDDEN) + WIDTH * WORDS
"""MACs of Llama 7B per token, attention apart: every weight but the embedding's and the norms' once."""


def of(model: Any, prompt: int, generate: int, batch: int = 1, *options: str) -> Any:
    """The entry of the JSON report of `costcalc llm`."""
    lengths = (f"--prompt={prompt}", f"--generate={generate}", f"--batch={batch}")
    return json.loads(ok("llm", str(model), *lengths, *options, "--format", "json"))["generation"]


def test_llama_7b() -> None:
    found = of("llama_7b", 512, 64, 8)
    assert LLAMA == 6_607_077_376 == 6_738_415_616 - WORDS * WIDTH - 65 * WIDTH
    assert found["prefill"]["macs"] == 8 * (512 * LLAMA + 2 * 512**2 * WIDTH * DEPTH)
    assert found["first_step"]["macs"] == 8 * (LLAMA + 2 * 513 * WIDTH * DEPTH)
    assert (found["first_step"]["past_tokens"], found["last_step"]["past_tokens"]) == (512, 574)
    steps = sum(LLAMA + 2 * n * WIDTH * DEPTH for n in range(513, 576))
    assert (found["steps"]["count"], found["steps"]["macs"]) == (63, 8 * steps)
    assert found["cache"]["bytes"] == 2 * DEPTH * 32 * 128 * 576 * 8 * 4
    assert found["weight_bytes"] == 4 * (6_738_415_616 + 2 * 2048 * 64)
    assert found["memory_bytes"] == found["weight_bytes"] + found["cache"]["bytes"] + found["peak_activation_bytes"]


def test_the_peak_has_the_logits_of_one_position() -> None:
    """In a feed-forward part live the residual, its norm, the gate and the other factor; the ids are an input. The
    logits of all 4,096 positions would be 4,096 × 32,000 numbers. What must fit is the same sum."""
    found, tokens = of("llama_7b", 512, 64, 8, "--hardware=a100"), 8 * 512
    assert found["peak_activation_bytes"] == 4 * tokens * (2 * WIDTH + 2 * HIDDEN) + 8 * tokens
    (fit,) = found["hardware"][0]["fits"]
    assert fit["needed_bytes"] == found["memory_bytes"]


def test_seven_billion_parameters_in_24_gb() -> None:
    found = of("llama_7b", 2048, 256, 8, "--dtype=float16", "--hardware=rtx4090")
    (fit,) = found["hardware"][0]["fits"]
    assert fit["fits"] and fit["needed_bytes"] == 13_477_355_520 + 9_663_676_416 + 989_986_816


def test_a_text_that_is_too_long_names_its_options() -> None:
    with pytest.raises(CostcalcError, match="seq <= 1024; 1,200 tokens are asked for: make --prompt or --generate"):
        of("gpt2", 600, 600)
    of("gpt2", 1000, 24)


def test_the_prompt_and_its_steps_cost_what_the_whole_text_costs() -> None:
    """Position by position or at once: only the masked half of the scores makes a difference."""
    found = of("gpt2", 1, 100)
    whole = analyze("gpt2", dims={"seq": 100}).macs
    masked = 12 * 2 * 768 * sum(100 - n for n in range(1, 101))
    assert found["prefill"]["macs"] + found["steps"]["macs"] == whole - masked


def test_grouped_query_attention_shrinks_the_cache() -> None:
    found = of("llama_7b", 16, 4, 1, "--set=kv_heads=8")
    assert found["cache"]["elements_per_token"] == 2 * DEPTH * 8 * 128
    projections = DEPTH * (2 * WIDTH**2 + 2 * WIDTH * 8 * 128 + 3 * WIDTH * HIDDEN) + WIDTH * WORDS
    assert found["first_step"]["macs"] == projections + 2 * 17 * WIDTH * DEPTH


def test_precisions() -> None:
    plain = of("llama_7b", 16, 4, 2)
    found = of("llama_7b", 16, 4, 2, "--dtype=int4", "--act-dtype=float16", "--cache-dtype=int8")
    assert found["weight_bytes"] == plain["weight_bytes"] // 8
    assert found["cache"]["dtype"] == "int8" and found["cache"]["bytes"] == 2 * DEPTH * WIDTH * 20 * 2
    assert found["first_step"]["cache_bytes"] == plain["first_step"]["cache_bytes"] // 4
    assert found["first_step"]["macs"] == plain["first_step"]["macs"]
    assert of("llama_7b", 16, 4, 2, "--act-dtype=float16")["cache"]["dtype"] == "float16"


def test_traffic_of_a_step() -> None:
    """Every weight that is multiplied with, a row that is looked up (both texts may have the same token), the cache read
    and written, ids and logits."""
    found = of("llama_7b", 16, 4, 2)["first_step"]
    tables = (WIDTH + 2 * 64) * 4
    cache = 2 * 2 * DEPTH * WIDTH * 4
    assert found["cache_bytes"] == 16 * cache
    ids, logits = 2 * 2 * 8, 2 * WORDS * 4
    assert found["traffic_bytes"] <= 4 * (LLAMA + 65 * WIDTH) + tables + 17 * cache + ids + logits
    assert found["traffic_bytes"] >= 4 * LLAMA + tables + 17 * cache + ids + logits - 2 * 2 * 64 * 4 * 2


def test_what_no_implementation_of_the_prompt_can_leave_out() -> None:
    """All of 31 layers and the keys and values of the last one; behind them one position. Half the scores."""
    found, n = of("llama_7b", 64, 4), 64
    layer, scores = 4 * WIDTH**2 + 3 * WIDTH * HIDDEN, 2 * WIDTH
    before = n * (DEPTH - 1) * layer + (DEPTH - 1) * scores * n * (n + 1) // 2
    last = n * 2 * WIDTH**2 + (layer - 2 * WIDTH**2) + scores * n + WIDTH * WORDS
    assert found["prefill"]["least_macs"] == before + last


def test_a_single_token() -> None:
    found = of("gpt2", 7, 1)
    assert found["first_step"] is found["last_step"] is None
    assert found["steps"] == {"count": 0, "macs": 0, "traffic_bytes": 0, "cache_bytes": 0}
    two = of("gpt2", 7, 2)
    assert two["first_step"] == two["last_step"] and two["steps"]["macs"] == two["first_step"]["macs"]


def layer_macs(kv: int) -> int:
    return 2 * (2 * D * D + 2 * D * kv * SIZE + 2 * D * FFN) + D * VOCABULARY


@pytest.mark.parametrize("grouped", [True, False])
def test_exported_decoders(tmp_path: Path, grouped: bool) -> None:
    model = exported_decoder(tmp_path / "decoder.onnx", grouped)
    kv = KV_HEADS if grouped else HEADS
    found, attention = of(model, 10, 5, 3), 2 * 2 * HEADS * SIZE
    first = found["first_step"]
    assert found["prefill"]["macs"] == 3 * (10 * layer_macs(kv) + 10 * 10 * attention)
    assert first["macs"] == 3 * (layer_macs(kv) + 11 * attention)
    assert found["last_step"]["macs"] == 3 * (layer_macs(kv) + 14 * attention)
    assert found["steps"]["macs"] == sum(3 * (layer_macs(kv) + n * attention) for n in range(11, 15))
    assert found["cache"]["elements_per_token"] == 2 * 2 * kv * SIZE
    assert first["cache_bytes"] == 2 * 2 * kv * SIZE * 10 * 3 * 4
    weights = 4 * (2 * (2 * D * D + 2 * D * kv * SIZE + 2 * D * FFN) + D * VOCABULARY)
    looked_up, ids, logits, mask = 4 * D, 8 * 3, 4 * 3 * VOCABULARY, 8 * 3 * 11
    expected = weights + looked_up + ids + logits + first["cache_bytes"] * 11 // 10
    assert first["traffic_bytes"] in (expected, expected + mask), "a mask that is only asked for its shape is not read"


def test_scores_that_multi_head_attention_masks_can_be_left_out(tmp_path: Path) -> None:
    """Each attention has n · (n + 1) / 2 scores a head. Both layers give keys and values back from their attention, but
    of the second one these take no arithmetic: its queries, its scores and all behind it are needed at one position."""
    found, n = of(exported_decoder(tmp_path / "decoder.onnx", False, multi_head=True), 10, 1)["prefill"], 10
    scores, q_k_v, behind = 2 * HEADS * SIZE, 3 * D * D, D * D + 2 * D * FFN
    assert found["macs"] == n * (2 * (q_k_v + behind) + D * VOCABULARY) + 2 * scores * n * n
    first = n * (q_k_v + behind) + scores * n * (n + 1) // 2
    second = n * 2 * D * D + D * D + scores * n + behind
    assert found["least_macs"] == first + second + D * VOCABULARY


def test_a_window_bounds_the_cache_that_a_step_reads(tmp_path: Path) -> None:
    """A window of 4 tokens leaves 3 of the past ones; the cache holds all."""
    path = exported_decoder(tmp_path / "decoder.onnx", True, window=4)
    found, row = of(path, 10, 5, 3), 2 * 2 * KV_HEADS * SIZE * 4
    assert [found[step]["cache_bytes"] for step in ("first_step", "last_step")] == [3 * 3 * row] * 2
    assert found["steps"]["cache_bytes"] == 4 * 3 * 3 * row and found["cache"]["bytes"] == 3 * 15 * row
    whole = of(exported_decoder(tmp_path / "whole.onnx", True), 10, 5, 3)["first_step"]
    assert whole["traffic_bytes"] - found["first_step"]["traffic_bytes"] == (10 - 3) * 3 * row
    assert of(path, 10, 1)["prefill"]["least_macs"] == (
        10 * (2 * D * D + 2 * D * KV_HEADS * SIZE + 2 * D * FFN)
        + (1 + 2 + 3 + 7 * 4) * 2 * HEADS * SIZE
        + 10 * 2 * D * KV_HEADS * SIZE
        + (2 * D * D + 2 * D * FFN + D * VOCABULARY)
        + 4 * 2 * HEADS * SIZE
    )


def test_masked_scores_are_only_said_to_be_left_out_where_they_are(tmp_path: Path) -> None:
    for grouped, multi_head in ((True, False), (False, True), (False, False)):
        path = exported_decoder(tmp_path / "decoder.onnx", grouped, multi_head=multi_head)
        text = " ".join(ok("llm", str(path), "--prompt", "10", "--generate", "2").split())
        is_eager = not (grouped or multi_head)
        assert ("without masked scores, and with one position" in text) is not is_eager
        assert ("every position and every score counts" in text) is is_eager
    text = " ".join(ok("llm", str(path), "--prompt", "1", "--generate", "2").split())
    assert "masked" not in text, "a prompt of one token has no masked score"


def test_onnx_runtime_runs_a_step(tmp_path: Path) -> None:
    import numpy as np
    import onnxruntime

    path = exported_decoder(tmp_path / "decoder.onnx", False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {i.name: np.zeros((3, HEADS, 10, SIZE), np.float32) for i in session.get_inputs() if "past" in i.name}
    feeds |= {"input_ids": np.zeros((3, 1), np.int64)}
    if "attention_mask" in {i.name for i in session.get_inputs()}:
        feeds["attention_mask"] = np.ones((3, 11), np.int64)
    step = make_decoder(path, 3).build_pass(1, 10)
    shapes = {o.name: r.shape for o, r in zip(session.get_outputs(), session.run(None, feeds), strict=True)}
    assert shapes == {name: step.graph.types[name].shape for name in (*step.graph.outputs, *step.new_entries)}


def test_exported_decoders_in_other_types(tmp_path: Path) -> None:
    model = exported_decoder(tmp_path / "decoder.onnx", True)
    found = of(model, 10, 5, 1, "--dtype=float16", "--cache-dtype=int8")
    assert found["cache"]["bytes"] == 2 * 2 * KV_HEADS * SIZE * 15


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["bert_base"], "generates nothing"),
        (["resnet18"], "the model generates nothing"),
        (["gpt2", "--shape=input_ids=1,8"], "by --shape input_ids, 8"),
    ],
)
def test_no_decoders(options: list[str], fact: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "llm", *options)
    assert (code, out) == (2, "") and fact in err and "; " in err, "the fact and the remedy"


def test_the_first_axis_of_token_ids_counts_texts(tmp_path: Path) -> None:
    model = tmp_path / "decoder.yaml"
    layers = "[{embedding: {entries: 9, features: 8}}, {attention: {heads: 2, causal: true}}]"
    model.write_text(f"input:\n  ids: {{shape: [s23, s27], dtype: int64}}\nlayers: {layers}\n")
    assert of(model, 4, 2, 3)["prefill"]["macs"] == 3 * of(model, 4, 2)["prefill"]["macs"]


def test_tokens_that_are_bound_for_one_pass_leave_a_generation_as_it_is() -> None:
    """check gpt2 --prompt 64 --dim seq=64 --max time.t4=… --min tokens_per_second.t4=… holds both."""
    options: dict[str, Any] = {"generation": {"prompt": 64, "generate": 2}}
    report = costcalc.analyze("gpt2", dims={"seq": 64}, **options).to_dict()
    alone = costcalc.analyze("gpt2", **options).to_dict()
    assert report["totals"]["macs"] == costcalc.analyze("gpt2", dims={"seq": 64}).macs
    assert [report["totals"][k] for k in ("prompt_macs", "memory_bytes")] == [
        alone["totals"][k] for k in ("prompt_macs", "memory_bytes")
    ]


def test_tables_and_json_say_the_same() -> None:
    options = ("llm", "gpt2", "--prompt=128", "--generate=32", "--batch=4")
    rows = list(csv.DictReader(io.StringIO(ok(*options, "--format", "csv"))))
    content = of("gpt2", 128, 32, 4)
    passes = [content[name]["macs"] for name in ("prefill", "first_step", "last_step", "steps")]
    assert [int(row["macs"]) for row in rows] == passes


def test_the_command_line() -> None:
    options = ["--prompt", "128", "--generate", "32", "--batch", "4", "--dtype", "float16"]
    content = json.loads(ok("llm", "gpt2", *options, "--format", "json", "--hardware", "a100-sxm-80gb"))["generation"]
    assert content["cache"] == {
        "dtype": "float16",
        "elements_per_token": 2 * 12 * 768,
        "bytes": 2 * 12 * 768 * 160 * 4 * 2,
        "cross_attention_bytes": 0,
        "state_elements": 0,
        "bytes_by_tokens": f"{2 * 12 * 768 * 4 * 2}*tokens",
    }
    device = content["hardware"][0]
    assert device["last_step"]["bound_by"] == "memory"
    assert device["fits"][0]["fits"]
    assert device["total_s"] == pytest.approx(device["prefill"]["time_bound_s"] + device["steps_s"])
    assert device["tokens_per_s"] == pytest.approx(4 * 31 / device["steps_s"])
    assert "does not fit" in ok("llm", "gpt2", *options, "--hardware", "t4,stm32f746")


def test_a_step_takes_at_least_what_its_bytes_take() -> None:
    figures = json.loads(ok("hardware", "a100-sxm-80gb", "--format", "json"))["a100-sxm-80gb"]
    device = {figure["figure"]: figure["value"] for figure in figures}
    found = of("llama_7b", 512, 64, 1, "--dtype=float16", "--hardware=a100-sxm-80gb")
    (bound,) = found["hardware"]
    read = found["first_step"]["traffic_bytes"] - device["memory on_chip"]
    assert bound["first_step"] == {"time_bound_s": pytest.approx(read / device["bandwidth"]), "bound_by": "memory"}
    assert bound["tokens_per_s"] < device["bandwidth"] / (found["weight_bytes"] * 0.9)


@pytest.mark.parametrize("options", [("--batch=4",), ("--dim=tokens.0=4",), ("--dim=tokens.0=4", "--batch=4")])
def test_the_first_axis_of_the_token_ids_is_a_batch_without_a_name(options: tuple[str, ...]) -> None:
    """torch.export.save keeps no names. A decoder of one block: qkv, output and head, and scores in width 16."""
    args = ("llm", str(DATA / "pt2" / "networks_decoder.pt2"), "--prompt=5", "--generate=3", "--format=json")
    found, alone = (json.loads(ok(*args, *more))["generation"] for more in (options, ()))
    token = 16 * 48 + 16 * 16 + 16 * 50
    assert alone["prefill"]["macs"] == 5 * token + 2 * 5 * 5 * 16
    assert found["prefill"]["macs"] == 4 * alone["prefill"]["macs"] and found["batch"] == 4
    assert found["cache"]["bytes"] == 4 * alone["cache"]["bytes"] == 4 * 2 * 16 * 8 * 4


def test_the_axes_of_an_exported_program_are_bound_by_their_names() -> None:
    args = ("llm", str(DATA / "pt2" / "networks_decoder.pt2"), "--generate=3")
    assert ok(*args, "--dim=tokens.1=5") == f"{ok(*args, '--prompt=5')}Given     --dim tokens.1=5\n"


def test_dims_that_bind_the_batch_are_the_number_of_texts() -> None:
    assert ok("llm", "gpt2", "--dim=N=4") == f"{ok('llm', 'gpt2', '--batch=4')}Given     --dim N=4\n"
    with pytest.raises(CostcalcError, match="--batch is 2, and --dim binds the batch to 4"):
        make_decoder("gpt2", 2, dims={"N": 4})
