"""The most tokens of a text that configurations and GGUF files state."""

from typing import Any

import pytest

from costcalc.core.ir import ContextLimit
from costcalc.frontends.gguf.configuration import stated_context
from costcalc.frontends.huggingface.context import context_limit

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}

LENGTH = "max_position_embeddings"


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({LENGTH: 40960}, 40960),
        ({"n_positions": 1024, "n_ctx": 2048}, 1024),
        ({"max_seq_len": 32768}, 32768),
        ({"text_config": {LENGTH: 262144}, LENGTH: 77}, 262144),
        ({"text_config": {"hidden_size": 64}, LENGTH: 4096}, 4096),
        ({LENGTH: 131072, "rope_scaling": {**YARN, "rope_type": "llama3", "factor": 8.0}}, 131072),
        ({LENGTH: 131072, "rope_scaling": {"type": "longrope", "short_factor": [1.0]}}, 131072),
        ({LENGTH: 40960, "rope_scaling": YARN}, 131072),
        ({LENGTH: 131072, "rope_parameters": YARN}, 131072),
        ({LENGTH: 32768, "rope_scaling": {"type": "yarn", "factor": 4}}, 131072),
        ({LENGTH: 32768, "rope_parameters": {"sliding_attention": {"rope_type": "default"}, "full": YARN}}, 131072),
        ({LENGTH: 163840, "rope_scaling": {**YARN, "factor": 40, "original_max_position_embeddings": 4096}}, 163840),
    ],
)
def test_what_a_configuration_states(fields: dict[str, Any], tokens: int) -> None:
    limit = context_limit(fields)
    assert limit is not None and limit.tokens == tokens


def test_a_scaling_that_may_be_part_of_the_length_is_named() -> None:
    limit = context_limit({LENGTH: 16384, "rope_scaling": {"type": "linear", "factor": 4.0}})
    words = "max_position_embeddings; scaling linear by 4 may be part of it, or reach further"
    assert limit == ContextLimit(16384, words)


@pytest.mark.parametrize(
    "fields",
    [{}, {LENGTH: None}, {LENGTH: "many"}, {LENGTH: -1}, {LENGTH: True}, {"text_config": None}, {"text_config": [1]}],
)
def test_what_states_nothing(fields: dict[str, Any]) -> None:
    assert context_limit(fields) is None


@pytest.mark.parametrize("factor", [float("inf"), float("nan"), -4, 0, "4", None, True])
def test_a_factor_that_is_none_is_left_out(factor: Any) -> None:
    limit = context_limit({LENGTH: 64, "rope_scaling": {"type": "yarn", "factor": factor}})
    assert limit is not None and limit.tokens == 64


def test_what_a_gguf_file_states() -> None:
    metadata = {"general.architecture": "qwen3", "qwen3.context_length": 40960}
    assert stated_context(metadata) == ContextLimit(40960, "qwen3.context_length")
    scaling = {"type": "yarn", "factor": 4.0, "original_context_length": 32768}
    metadata |= {f"qwen3.rope.scaling.{key}": value for key, value in scaling.items()}
    assert stated_context(metadata) == ContextLimit(131072, "qwen3.context_length, yarn: 32,768 × 4")
    assert stated_context({"general.architecture": "qwen3"}) is None
