"""Memory and speed that were measured or confirmed in public (tests/data/llm/memory_vectors.csv), a test for each row: a
cache byte for byte where the row says bytes and within its rounding else; where an engine's own overhead is in a row's
figure, the direction that must hold and the band that is published for that overhead."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.serving import bound, measurements, write_config

from costcalc.core.dim import substitute
from costcalc.studies.generation.cache import TOKENS
from costcalc.studies.generation.generation import Generation, measure_generation
from costcalc.studies.options import Settings

DATA = Path(__file__).parents[2] / "data"

GIB = 2**30

LATENT = {"model_type": "deepseek_v3", "architectures": ["DeepseekV3ForCausalLM"], "torch_dtype": "bfloat16"}

GEMMA3 = {
    "model_type": "gemma3_text",
    "architectures": ["Gemma3ForCausalLM"],
    "torch_dtype": "bfloat16",
    "vocab_size": 262208,
    "hidden_size": 5376,
    "intermediate_size": 21504,
    "num_hidden_layers": 62,
    "num_attention_heads": 32,
    "num_key_value_heads": 16,
    "head_dim": 128,
    "sliding_window": 1024,
}

GEMMA4_31B = {
    "model_type": "gemma4_text",
    "architectures": ["Gemma4ForCausalLM"],
    "dtype": "bfloat16",
    "vocab_size": 262144,
    "hidden_size": 5376,
    "intermediate_size": 21504,
    "num_hidden_layers": 60,
    "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 10,
    "num_attention_heads": 32,
    "num_key_value_heads": 16,
    "num_global_key_value_heads": 4,
    "head_dim": 256,
    "global_head_dim": 512,
    "attention_k_eq_v": True,
    "sliding_window": 1024,
    "hidden_size_per_layer_input": 0,
    "final_logit_softcapping": 30.0,
}

QWEN2_14B = {
    "model_type": "qwen2",
    "architectures": ["Qwen2ForCausalLM"],
    "torch_dtype": "bfloat16",
    "vocab_size": 152064,
    "hidden_size": 5120,
    "intermediate_size": 13824,
    "num_hidden_layers": 48,
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
}

LLAMA_70B_AWQ = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "torch_dtype": "float16",
    "vocab_size": 128256,
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True},
}


class Vector(NamedTuple):
    """The model of a row, its configuration ({} of tests/support), and the length of a text."""

    model: str
    config: dict[str, Any]
    tokens: int


VECTORS = (
    Vector("llama-3-8b", {}, 1),
    Vector("Gemma-3 27B", GEMMA3, 128 * 1024),
    Vector("DeepSeek-V3.1", LATENT, 160 * 1024),
    Vector("Kimi-K2.5", LATENT, 256 * 1024),  # the same 61 layers with 512 + 64 numbers a token
)


def row(model: str, kind: str) -> dict[str, str]:
    with (DATA / "llm" / "memory_vectors.csv").open(encoding="utf-8") as file:
        (found,) = (row for row in csv.DictReader(file) if row["model"] == model and row["kind"].startswith(kind))
    return found


def published(model: str, kind: str = "kv_") -> float:
    return float(row(model, kind)["value"])


def published_config(name: str, file: str) -> dict[str, Any]:
    """The configuration of a case of tests/data/huggingface."""
    cases = json.loads((DATA / "huggingface" / file).read_text(encoding="utf-8"))
    (config,) = (case["config"] for case in cases if case.get("name") == name)
    return dict(config)


def generate(config: dict[str, Any], folder: Path, prompt: int = 2) -> Generation:
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return measure_generation(str(folder), Settings.of(generation={"prompt": prompt, "generate": 2}))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.model)
def test_the_cache_of_a_text(vector: Vector, tmp_path: Path) -> None:
    if vector.config:
        generation = generate(vector.config, tmp_path)
    else:
        model = write_config("llama3-8b", tmp_path)
        generation = measure_generation(model, Settings.of(generation={"prompt": 2, "generate": 2}))
    nbytes = generation.cache_bytes(vector.tokens)
    if row(vector.model, "kv_")["unit"] == "bytes":
        assert nbytes == published(vector.model)
    else:
        assert nbytes / GIB == pytest.approx(published(vector.model), rel=0.01)  # that table prints GiB as GB


def test_the_cache_of_windows_and_of_the_batch_that_an_engine_adds_to_them(tmp_path: Path) -> None:
    """ollama and llama.cpp keep the window and the 512 tokens of a batch in each layer with a window (ollama/ollama
    #16958: k = 1,024 tokens, GB = 10^9 bytes); transformers keeps window - 1 tokens, as costcalc does."""
    generation = generate(published_config("google/gemma-4-26B-A4B, text", "gemma4_text.json"), tmp_path)
    windows = [t for t in generation.cache.types if substitute(t.elements, {TOKENS: 10**5}) != t.elements]
    windows = [t for t in windows if substitute(t.elements, {TOKENS: 10**5}) == substitute(t.elements, {TOKENS: 10**6})]
    assert len(windows) == 2 * 25
    token_bytes = sum(substitute(t.elements, {TOKENS: 1}) * t.dtype.bits // 8 for t in windows)
    assert isinstance(token_bytes, int) and token_bytes == 204_800
    texts = row("Gemma 4 26B A4B", "kv_")
    lengths = [int(part.strip(" ctxk")) * 1024 for part in texts["setting"].split("/")]
    for tokens, value in zip(lengths, texts["value"].split("/"), strict=True):
        assert round((generation.cache_bytes(tokens) + (1 + 512) * token_bytes) / 1e9, 2) == float(value)


def test_the_cache_of_layers_in_pages_of_one_size(tmp_path: Path) -> None:
    """vLLM gives every layer pages of as many bytes as the widest one's; the 10 full layers of 4 · 512 numbers take
    those of the 50 with 16 · 256 (alvarobartt/hf-mem#61: its log says 24.54 GiB for 26,800 tokens). What is kept in
    them is less: 901,120 bytes a token, as in transformers' Cache."""
    generation = generate(GEMMA4_31B, tmp_path)
    sizes = [substitute(t.elements, {TOKENS: 1}) * t.dtype.bits // 8 for t in generation.cache.types]
    assert len(sizes) == 2 * 60 and len(sizes) * max(sizes) == published("gemma-4-31B-it")
    assert generation.cache_bytes(1) == 50 * 2 * 16 * 256 * 2 + 10 * 2 * 4 * 512 * 2 < published("gemma-4-31B-it")
    assert published("gemma-4-31B-it") == pytest.approx(24.54 * GIB / 26_800, abs=0.005 * GIB / 26_800)


POOLS = [
    ("deepseek-r1-distill-14b", QWEN2_14B),
    ("llama-3-70b-awq", LLAMA_70B_AWQ),
]


@pytest.mark.parametrize(("model", "config"), POOLS, ids=[model for model, _ in POOLS])
def test_the_memory_that_is_left_for_caches(model: str, config: dict[str, Any], tmp_path: Path) -> None:
    """90 % of 80 GiB without weights and the activations of 2,048 tokens (the least chunk of a prompt that vLLM tries)
    is the most that can be left. What vLLM takes besides is not the model's: the driver's 0.75 GiB, and by the same
    source d_model / 4096 GiB for activations, 0.55 times that for CUDA graphs, 0.28 GiB for libraries."""
    generation = generate(config, tmp_path, prompt=2048)
    unit = config["hidden_size"] / 4096
    most = 0.9 * 80 - (generation.weight_bytes + generation.peak_bytes) / GIB
    least = 0.9 * (80 - 0.75) - generation.weight_bytes / GIB - (1.55 * unit + 0.28)
    assert least <= published(model, "kv_pool") <= most


def test_the_weights_of_a_packed_model(tmp_path: Path) -> None:
    """The source measured 37.06 GiB of weights for the pool of llama-3-70b-awq."""
    assert generate(LLAMA_70B_AWQ, tmp_path).weight_bytes / GIB == pytest.approx(37.06, rel=0.001)


def test_tokens_a_second_are_below_their_bound(tmp_path: Path) -> None:
    """The source calls its 125.1 tokens a second 0.60 of what 3.35 TB/s allow for all 16.06 GB of weights. Ours is
    higher: of the table of embeddings (1.05 GB) a step reads one row."""
    value = published("llama-3-8b", "decode_tok_s")
    (item,) = (item for item in measurements() if "ridgepoint" in item.source and float(item.value) == value)
    table = 128_256 * 4096 * 2
    assert 0.595 <= value / float(bound(item, tmp_path)) * 16.06e9 / (16.06e9 - table) < 0.605


def test_the_memory_of_an_engine(tmp_path: Path) -> None:
    """Qwen3.6-27B has the architecture of Qwen3.5-27B. Keys and values of one text in Q8_0 (34 bytes for 32 numbers)
    and states in float32 are counted; weights in Q4_K_M are a mixture that the row does not give: at least 4.5 bits
    (Q4_K alone), and 4.8944 where llama.cpp publishes it (tools/quantize/README.md, Llama-3.1-8B)."""
    generation = generate(published_config("Qwen/Qwen3.5-27B (text)", "qwen3_next.json"), tmp_path)
    cache = generation.cache_elements * 65_536 * 34 / 32 + generation.state_elements * 4
    params = generation.prefill.report.params
    assert isinstance(params, int)
    measured = published("Qwen3.6-27B Q4_K_M", "engine_total") * GIB
    assert cache + params * 4.5 / 8 < measured
    assert cache + params * 4.8944 / 8 == pytest.approx(measured, rel=0.01)


def test_parameters_of_a_packed_model_are_the_models(tmp_path: Path) -> None:
    """The Hub reports packed words; parameters are those of the model without quantisation, 3 to 6 times as many
    (AlexsJones/llmfit#1045). Which of its layers are packed is not in the row, so its bytes are a limit: the file of
    25.1 GB keeps more in 16 bits than one that packs every layer's products."""
    config = published_config("Qwen/Qwen3.5-27B (text)", "qwen3_next.json")
    quantised = {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False, "sym": True}
    plain = generate(config, tmp_path)
    packed = generate({**config, "quantization_config": quantised}, tmp_path)
    params = packed.prefill.report.params
    assert isinstance(params, int) and params == plain.prefill.report.params
    assert 3 < params / published("TelperionAI/Qwen3.8-27B-INT4-AWQ-GPTQ", "params") < 6
    assert packed.weight_bytes < 25.1e9 < plain.weight_bytes
