"""Families of Hugging Face configurations, held to transformers' figures on the meta device (tests/data/huggingface) and to
published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.core.dim import Dim
from costcalc.core.errors import UnknownNameError
from costcalc.core.ir import DType
from costcalc.frontends import load
from costcalc.frontends.builtin import specs_folder
from costcalc.frontends.huggingface.family import family_files, find_family
from costcalc.studies.generation.cache import TOKEN_COUNT, cache_size
from costcalc.studies.generation.decoder import make_decoder

DATA = Path(__file__).parents[2] / "data" / "huggingface"

TOKENS = 128

Case = Mapping[str, Any]


def cases() -> list[Any]:
    """The cases of all files, each called after its model or its fields."""
    found = []
    for path in sorted(DATA.glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8")):
            fields = ", ".join(f"{k}={v}" for k, v in case["config"].items())
            found.append(pytest.param(case, id=case.get("name") or fields[:80]))
    return found


def source(case: Case) -> bytes:
    return json.dumps(case["config"]).encode()


@pytest.mark.parametrize("case", cases())
def test_parameters_and_macs_are_those_of_transformers(case: Case) -> None:
    """The products of experts are added by hand: layers × tokens × experts of a token × matrices × their extents."""
    report = costcalc.analyze(source(case), dims={"seq": TOKENS})
    assert report.params == case["params"]
    experts = prod(case["experts"]) if "experts" in case else 0
    if "macs" in case:
        assert report.macs == case["macs"] + experts
    assert not report.unknown
    if "active_params" in case:
        assert report.totals.get("active_params", report.params) == case["active_params"]


@pytest.mark.parametrize(
    "case", [c for c in cases() if "cache" in c.values[0] or "kv_elements_per_token" in c.values[0]]
)
def test_the_cache_is_that_of_transformers(case: Case) -> None:
    """transformers keeps keys and values of window - 1 tokens in a layer with a window."""
    size = cache_size(make_decoder(source(case)).cache_types(TOKEN_COUNT))
    if "cache" in case:
        assert size.elements(TOKENS) == case["cache"]
    else:
        assert size.elements(1) - size.elements(0) == case["kv_elements_per_token"]


@pytest.mark.parametrize("model_type", family_files())
def test_every_model_type_has_a_class_with_defaults(model_type: str) -> None:
    family = find_family(model_type, "config.json")
    if not family.parts:
        graph = load(json.dumps({"model_type": model_type}).encode())
        assert graph.parameters and all("/" not in name for name in graph.parameters)


@pytest.mark.parametrize("path", sorted((specs_folder() / "families").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_family_says_where_it_was_published(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "\nname: " in text and "\nsource: " in text and "\n  model_types:\n    " in text


def names(case: Mapping[str, Any]) -> dict[str, tuple[Dim, ...] | None]:
    graph = load(json.dumps(case).encode())
    return {name: graph.types[name].shape for name in graph.parameters}


def test_parameters_have_the_names_of_the_checkpoint() -> None:
    found = names({"model_type": "llama", "num_hidden_layers": 4, "num_key_value_heads": 8})
    assert len(found) == 4 * 9 + 3
    assert found["model.layers.3.self_attn.k_proj.weight"] == (4096, 1024)
    assert (found["model.embed_tokens.weight"], found["lm_head.weight"]) == ((32000, 4096), (4096, 32000))


def test_a_star_stands_for_the_number_of_an_expert() -> None:
    found = names({"model_type": "mixtral", "num_hidden_layers": 1})
    assert found["model.layers.0.block_sparse_moe.experts.*.w1.weight"] == (8, 14336, 4096)
    assert found["model.layers.0.block_sparse_moe.gate.weight"] == (4096, 8)


def test_weights_have_the_type_of_the_configuration() -> None:
    for field, dtype in (
        ({"torch_dtype": "float16"}, DType.FLOAT16),
        ({"dtype": "torch.bfloat16"}, DType.BFLOAT16),
        ({}, DType.FLOAT32),
        ({"quantization_config": {"quant_method": "mxfp4"}}, DType.BFLOAT16),
    ):
        graph = load(json.dumps({"model_type": "gpt2", **field}).encode())
        assert {t.dtype for t in graph.initializers.values()} == {dtype}


def test_parts_stand_side_by_side() -> None:
    """Gemma 3 4B: 4,300,079,472 parameters (transformers), of which 419,816,304 are the tower's and the projector's."""
    config = {
        "model_type": "gemma3",
        "mm_tokens_per_image": 256,
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "num_hidden_layers": 34,
            "sliding_window": 1024,
        },
        "vision_config": {
            "model_type": "siglip_vision_model",
            "hidden_size": 1152,
            "image_size": 896,
            "intermediate_size": 4304,
            "num_attention_heads": 16,
            "num_hidden_layers": 27,
            "patch_size": 14,
            "vision_use_head": False,
        },
    }
    source = json.dumps(config).encode()
    report = costcalc.analyze(source, dims={"seq": 128, "images": 0})
    assert report.params == 4_300_079_472
    text = costcalc.analyze(json.dumps(config["text_config"]).encode(), dims={"seq": 128})
    assert report.macs == text.macs and report.params - text.params == 419_816_304
    stored = load(source).parameters
    assert "language_model.model.layers.33.self_attn.q_norm.weight" in stored
    assert "vision_tower.vision_model.encoder.layers.26.mlp.fc2.bias" in stored
    assert "multi_modal_projector.mm_input_projection_weight" in stored
    assert (
        costcalc.analyze(source, params={"vision_config.num_hidden_layers": 0}, dims={"seq": 1}).params < report.params
    )
    decoder = make_decoder(source)
    assert decoder.sequence == "seq" and "pixel_values" not in decoder.open_graph.inputs
    for name, says in (
        ("depth", "no parameter 'depth'"),
        ("vision_config.depth", "no parameter 'depth'"),
        ("vision_confg.num_hidden_layers", "no part for the parameter.*did you mean 'vision_config'"),
    ):
        with pytest.raises(UnknownNameError, match=says):
            load(source, params={name: 1})
