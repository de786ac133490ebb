"""Published measurements of serving, and the bounds that costcalc gives for them."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.graph.convert import normalise_dtype
from costcalc.studies.generation.serving import compute_serving_speed, measure_serving
from costcalc.studies.options import Settings

FILE = Path(__file__).parent.parent / "data" / "llm" / "serving_measurements.csv"

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16"}

CONFIGS = {
    "llama2-7b": {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32},
    "llama2-70b": {"vocab_size": 32000, "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80},
    "llama3-8b": {"vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32},
    "llama3-70b": {"vocab_size": 128256, "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80},
}

HEADS = {"llama2-7b": (32, 32), "llama2-70b": (64, 8), "llama3-8b": (32, 8), "llama3-70b": (64, 8)}
"""Model -> query heads, key and value heads."""


class Measurement(NamedTuple):
    """A published measurement: tokens a second, or milliseconds to the first token."""

    device: str
    model: str
    dtype: str
    tp: int
    pp: int
    batch: int
    prompt: int
    generate: int
    kind: str
    value: Fraction
    source: str

    @property
    def is_time(self) -> bool:
        return self.kind.endswith("ms")


def measurements() -> list[Measurement]:
    with FILE.open(encoding="utf-8") as file:
        return [
            Measurement(
                row["device"],
                row["model"],
                row["dtype"],
                int(row["tp"]),
                int(row["pp"]),
                int(row["batch"]),
                int(row["prompt"]),
                int(row["generate"]),
                row["kind"],
                Fraction(row["value"]),
                row["source"],
            )
            for row in csv.DictReader(file)
        ]


def write_config(model: str, folder: Path) -> str:
    """The Hugging Face configuration of a model -> the path of its folder."""
    heads, kv_heads = HEADS[model]
    target = folder / model
    target.mkdir(exist_ok=True)
    fields = {**LLAMA, **CONFIGS[model], "num_attention_heads": heads, "num_key_value_heads": kv_heads}
    (target / "config.json").write_text(json.dumps(fields), encoding="utf-8")
    return str(target)


def bound(item: Measurement, folder: Path) -> Fraction:
    """The bound of a measurement: at most so many tokens a second, or at least so many milliseconds."""
    settings = Settings.of(
        dtype=normalise_dtype(item.dtype),
        generation={"prompt": item.prompt, "generate": item.generate, "batch": item.batch},
        parallel={"tp": item.tp, "pp": item.pp},
    )
    serving = measure_serving(write_config(item.model, folder), settings)
    speed = compute_serving_speed(serving, find_profile(item.device))
    assert speed.prefill.seconds is not None and not speed.without_peak
    if item.is_time:
        return 1000 * speed.prefill.seconds
    if item.kind == "prompt tokens/s":
        return item.batch * item.prompt / speed.prefill.seconds
    if item.kind == "decode tokens/s":
        assert speed.tokens_per_s is not None
        return speed.tokens_per_s
    assert speed.total_seconds is not None
    return item.batch * item.generate / speed.total_seconds
