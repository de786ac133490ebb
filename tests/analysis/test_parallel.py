"""How a model is split over devices: what each holds, where values are exchanged, which layers a stage has."""

import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.serving import write_config

from costcalc.analysis.experts import Routing, expected_groups
from costcalc.analysis.options import GenerationOptions, ParallelOptions
from costcalc.analysis.parallel.stages import layer_counts
from costcalc.core.errors import UsageError
from costcalc.studies.generation.serving import Serving, expected_tokens, measure_serving
from costcalc.studies.options import Settings

DATA = Path(__file__).parent.parent / "data" / "huggingface"


def serve(model: str | bytes, parallel: dict[str, int], **generation: Any) -> Serving:
    options = {"prompt": 16, "generate": 4, **generation}
    return measure_serving(model, Settings.of(parallel=parallel, generation=options))


def llama3_layer(tp: int, kv_features: int) -> int:
    """Weights of a layer of Llama 3 8B on one of tp devices."""
    attention = 2 * 4096 * 4096 // tp + 2 * 4096 * kv_features
    return attention + 3 * 4096 * 14336 // tp + 2 * 4096


@pytest.mark.parametrize(("tp", "kv_features"), [(1, 1024), (2, 512), (8, 128), (16, 128), (32, 128)])
def test_weights_of_a_device(tp: int, kv_features: int, tmp_path: Path) -> None:
    """Key and value heads, of which there are 8, are copied on 16 and on 32 devices."""
    serving = serve(write_config("llama3-8b", tmp_path), {"tp": tp})
    tables = 2 * 128256 * 4096 // tp
    assert serving.weight_bytes == 2 * (tables + 32 * llama3_layer(tp, kv_features) + 4096)
    assert serving.cache_bytes == 2 * 2 * 32 * kv_features * 20


def test_a_vocabulary_that_does_not_divide_is_rounded_up(tmp_path: Path) -> None:
    serving = serve("gpt2", {"tp": 4})
    layer = 768 * 3 * 192 + 3 * 192 + 192 * 768 + 768 + 2 * 768 * 768 + 768 + 768 + 4 * 768
    assert -(-50257 // 4) == 12565
    assert serving.weight_bytes == 4 * (12565 * 768 + 1024 * 768 + 12 * layer + 2 * 768)


def test_what_is_sent_in_a_step(tmp_path: Path) -> None:
    """An all-reduce behind the embedding, every attention and every feed-forward part; the logits are gathered."""
    serving = serve(write_config("llama3-8b", tmp_path), {"tp": 8}, batch=32)
    assert serving.device.first is not None
    sent = serving.sent_bytes(serving.device.first)
    assert sent.all_reduce == Fraction(2 * 7, 8) * (1 + 2 * 32) * 32 * 4096 * 2
    assert sent.all_gather == 7 * 32 * (128256 // 8) * 2
    assert sent.all_to_all == sent.stage == 0
    assert sent.least == 65 * 32 * 4096 * 2


def test_pipeline_stages(tmp_path: Path) -> None:
    serving = serve(write_config("llama3-8b", tmp_path), {"pp": 3}, batch=2)
    layer, table = llama3_layer(1, 1024), 128256 * 4096
    counts = (11, 11, 10)
    sizes = [count * layer for count in counts]
    assert [s.weight_bytes for s in serving.stages] == [
        2 * (sizes[0] + table),
        2 * sizes[1],
        2 * (sizes[2] + table + 4096),
    ]
    assert [s.cache.nbytes(20) for s in serving.stages] == [2 * 2 * 2 * 1024 * count * 20 for count in counts]
    assert serving.device.first is not None
    assert serving.sent_bytes(serving.device.first).stage == 2 * 4096 * 2


@pytest.mark.parametrize(
    ("layers", "stages", "counts"),
    [(32, 4, (8, 8, 8, 8)), (10, 4, (2, 3, 3, 2)), (61, 8, (7, 7, 8, 8, 8, 8, 8, 7)), (3, 3, (1, 1, 1))],
)
def test_layers_of_stages_as_in_vllm(layers: int, stages: int, counts: tuple[int, ...]) -> None:
    assert layer_counts(layers, stages) == counts
    assert sum(counts) == layers


def test_a_tied_table_stands_in_the_first_and_the_last_stage() -> None:
    whole, split = serve("gpt2", {}), serve("gpt2", {"pp": 2})
    assert sum(s.weight_bytes for s in split.stages) == whole.weight_bytes + 4 * 50257 * 768


@pytest.mark.parametrize(
    ("parallel", "fact"),
    [
        ({"tp": 3}, "cannot be split over 3 devices"),
        ({"pp": 40}, "32 layers cannot be split into 40 stages"),
        ({"device_count": 8, "tp": 3}, "are 6 devices, not 8"),
        ({"tp": 4, "ep": 3}, "--ep 3 does not fit"),
        ({"tp": 2, "ep": 2}, "the model has no experts"),
    ],
)
def test_what_cannot_be(parallel: dict[str, int], fact: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=fact):
        serve(write_config("llama3-8b", tmp_path), parallel)


def test_what_is_left_of_the_devices_is_data_parallel() -> None:
    assert ParallelOptions(device_count=8, tp=2).replicas == 4
    assert ParallelOptions(device_count=8, tp=8).replicas == 1
    assert ParallelOptions(tp=2, dp=3).total == 6


@pytest.mark.parametrize(("experts", "k", "groups"), [(8, 2, 4), (8, 3, 2), (6, 2, 3), (4, 1, 4)])
def test_groups_that_a_token_goes_to(experts: int, k: int, groups: int) -> None:
    """Every choice of k experts is equally likely; a token stands in group 0."""
    choices = list(itertools.combinations(range(experts), k))
    each = experts // groups
    others = sum(len({expert // each for expert in choice} - {0}) for choice in choices)
    assert expected_groups(Routing(experts, k), groups) == Fraction(others, len(choices))


@pytest.mark.parametrize(("k", "a"), [(1, 0.8), (4, 0.5), (3, 0.0), (2, 1.0)])
def test_tokens_of_a_step_with_guesses(k: int, a: float) -> None:
    exact = Fraction(str(a))
    expected = k + 1 if exact == 1 else (1 - exact ** (k + 1)) / (1 - exact)
    assert expected_tokens(GenerationOptions(draft_tokens=k, acceptance=a)) == expected
    assert expected_tokens(GenerationOptions()) == 1


def test_guesses_need_a_probability() -> None:
    with pytest.raises(UsageError, match="--draft-tokens needs the probability"):
        serve("gpt2", {}, draft_tokens=2)


def test_pages_are_whole() -> None:
    assert serve("gpt2", {}, page=16).cache_bytes == serve("gpt2", {}, prompt=28).cache_bytes  # 20 tokens: 2 pages
    assert serve("gpt2", {}, page=1).cache_bytes == 2 * 12 * 768 * 4 * 20


def test_a_prompt_in_chunks_has_a_lower_peak(tmp_path: Path) -> None:
    model = write_config("llama3-8b", tmp_path)
    whole, chunks = (serve(model, {}, prompt=512, prefill_chunk=chunk) for chunk in (None, 64))
    assert chunks.device.peak_bytes < whole.device.peak_bytes / 4
    assert serve(model, {}, prompt=512, prefill_chunk=512).device.peak_bytes == whole.device.peak_bytes


def test_quantised_weights_are_split_as_they_are_stored() -> None:
    """A linear layer in fp8, with a float32 scale for each block of 128 × 128; the embedding, the head and the
    normalisations are bfloat16."""
    config = {"model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 1}
    config |= {"num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 512, "torch_dtype": "bfloat16"}
    config["quantization_config"] = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    attention, feed_forward = 256 * 256 + 4 * 2 * 2, 256 * 512 + 4 * 2 * 4
    for tp in (1, 2):
        serving = serve(json.dumps(config).encode(), {"tp": tp})
        assert serving.weight_bytes == (4 * attention + 3 * feed_forward + 2 * 2 * 512 * 256) // tp + 2 * 3 * 256
