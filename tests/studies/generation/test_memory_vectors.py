"""KV caches that were measured or confirmed in public: byte for byte where they say bytes, else within 1 %."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.serving import write_config

from costcalc.studies.generation.generation import measure_generation
from costcalc.studies.options import Settings

FILE = Path(__file__).parents[2] / "data" / "llm" / "memory_vectors.csv"

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


class Vector(NamedTuple):
    """The model of a row, its configuration ("" of tests/support), and the length of a text."""

    model: str
    config: dict[str, Any] | None
    tokens: int


VECTORS = (
    Vector("llama-3-8b", None, 1),
    Vector("Gemma-3 27B", GEMMA3, 128 * 1024),
    Vector("DeepSeek-V3.1", LATENT, 160 * 1024),
    Vector("Kimi-K2.5", LATENT, 256 * 1024),  # the same 61 layers with 512 + 64 numbers a token
)


def published(model: str) -> tuple[float, str]:
    with FILE.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == model and row["kind"].startswith("kv_")]
    return float(rows[0]["value"]), rows[0]["unit"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.model)
def test_the_cache_of_a_text(vector: Vector, tmp_path: Path) -> None:
    if vector.config is None:
        model = write_config("llama3-8b", tmp_path)
    else:
        model = str(tmp_path)
        (tmp_path / "config.json").write_text(json.dumps(vector.config), encoding="utf-8")
    generation = measure_generation(model, Settings.of(generation={"prompt": 2, "generate": 2}))
    nbytes = generation.cache_bytes(vector.tokens)
    value, unit = published(vector.model)
    if unit == "bytes":
        assert nbytes == value
    else:
        assert nbytes / 2**30 == pytest.approx(value, rel=0.01)  # the tables print GiB and call them GB
