"""Configurations that are not understood are refused by name, with exit code 2; hostile ones at once."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.cli.app import run
from costcalc.core.errors import CostcalcError, LoadError
from costcalc.frontends import find_frontend, find_source, model_parameters

LLAMA: dict[str, Any] = {"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 4}


def analyze(**fields: Any) -> costcalc.Report:
    return costcalc.analyze(json.dumps({**LLAMA, **fields}).encode(), dims={"seq": 4})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"model_type": "llama9"}, r"the model type 'llama9' is not known; known are llama, .*; its code is read"),
        ({"model_type": "mystery"}, r"the model type 'mystery' is not known.*transformers:FOLDER"),
        ({"model_type": None, "architectures": ["LlamaForCausalLM"]}, "it has no model_type, only architectures"),
        ({"attention_sparsity": 4}, r"attention_sparsity \(4\) is not understood, and may change the architecture"),
        (
            {"a": 1, "b": "x", "c": [1], "d": 0.5, "e": 2},
            r'a \(1\), b \("x"\), c \(\[1\]\), d \(0.5\) and 1 more are not',
        ),
        ({"num_hidden_layer": 4}, r"num_hidden_layer \(4\) is not understood.*did you mean 'num_hidden_layers'"),
        ({"memory": {"slots": 4}}, r"memory.slots \(4\) is not understood"),
        ({"hidden_act": "wobble"}, "function is 'wobble'"),
        ({"hidden_size": "wide"}, "'wide'"),
        ({"hidden_size": -64}, "it is at least 1"),
        ({"hidden_size": {"a": 1}}, r"hidden_size.a \(1\) is not understood"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "LlamaForSequenceClassification has another head"),
        ({"model_type": "bert", "architectures": ["BertForMimicry"]}, "BertForMimicry has a head that is not known"),
        ({"model_type": "t5", "architectures": ["T5ForTokenClassification"]}, "T5ForTokenClassification has a head"),
        ({"model_type": "bert", "is_decoder": True}, "is_decoder is true"),
        ({"torch_dtype": "float13"}, "the element type 'float13' is not known"),
        ({"layer_types": ["full_attention"], "num_hidden_layers": 2}, "takes the element 1 of 1"),
        ({"model_type": "recurrent_gemma", "conv1d_width": 1}, "conv1d_width is 1, which leaves no position to keep"),
        ({"model_type": "exaone_moe", "is_moe_layer": [True]}, r"is_moe_layer \(\[true\]\) is not understood"),
        (
            {"model_type": "hunyuan_v1_moe", "num_hidden_layers": 2, "moe_topk": [2, 1, 1]},
            r"\[2, 1, 1\] has 3 values for 2 layers; give one, or one for each",
        ),
        ({"num_hidden_layers": 10**9}, "at most"),
        ({"num_hidden_layers": 1 << 62}, "at most"),
        ({"rms_norm_eps": 1, "partial": float("nan")}, "partial"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(CostcalcError, match=says) as refusal:
        analyze(**fields)
    assert refusal.value.exit_code == 2


def block(**attention: Any) -> dict[str, Any]:
    """A configuration of one block of a searched network."""
    given = {"n_heads_in_group": 1, "no_op": False, "window_length": None, "sparsify": None, **attention}
    return {
        "model_type": "nemotron-nas",
        "num_hidden_layers": 1,
        "block_configs": [{"attention": given, "ffn": {"ffn_mult": 1.5, "hidden_act": "silu"}}],
    }


def test_what_a_block_has_is_refused_by_its_path() -> None:
    """A list with nothing in it says nothing; one with a value in one block is refused."""
    assert not analyze(**block()).unknown
    with pytest.raises(LoadError, match=r"block_configs\[\].attention.window_length .* is not understood"):
        analyze(**block(window_length=512))
    fields = block()
    fields["block_configs"][0]["ffn"]["hidden_act"] = "gelu"
    with pytest.raises(
        LoadError, match=r'block_configs\[\].ffn.hidden_act is "gelu", which the family .* "silu", null'
    ):
        analyze(**fields)


def test_a_flat_configuration_is_that_of_its_text() -> None:
    """Published configurations of Qwen2-VL have the fields of the text beside vision_config; what is unknown there is
    refused as well."""
    flat = {"model_type": "qwen2_vl", "hidden_size": 64, "num_attention_heads": 4, "vision_config": {"depth": 1}}
    flat |= {"num_hidden_layers": 1, "num_key_value_heads": 4, "vocab_size": 100}
    text = analyze(**(flat | {"model_type": "qwen2_vl_text", "vision_config": None}))
    assert costcalc.analyze(json.dumps(flat).encode(), dims={"seq": 4, "images": 0}).macs == text.macs
    with pytest.raises(LoadError, match=r"audio_config.depth \(1\) is not understood"):
        analyze(**flat, audio_config={"depth": 1})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"architectures": ["CLIPTextModel"]}, "CLIPTextModel has a head that is not known"),
        ({"architectures": ["CLIPModel"], "text_config": 7}, "text_config is no object"),
        ({"fusion_layers": 2}, r"fusion_layers \(2\) is not understood"),
        ({"vision_config": {"registers": 4}}, r"registers \(4\) is not understood"),
    ],
)
def test_a_network_of_parts_is_refused_by_name(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(LoadError, match=says):
        costcalc.load(json.dumps({"model_type": "clip", **fields}).encode())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"model_type": "gemma4_text", "per_layer_config": {"05": {"head_dim": 64, "skip": ["mlp"]}}},
            r"per_layer_config\[\].skip .* is not understood",
        ),
        ({"model_type": "gemma4_text", "per_layer_config": {"x": {"head_dim": 64}}}, "per_layer_config.x.head_dim"),
        ({"model_type": "gemma4_text", "per_layer_config": {str(10**15): {"head_dim": 1}}}, "per_layer_config.1000"),
        ({"model_type": "llama", "per_layer_config": {"0": {"head_dim": 64}}}, r"per_layer_config\[\].head_dim"),
        (
            {"model_type": "deepseek_v32", "layer_types": ["indexed_attention", "mamba"]},
            'layer_types is "mamba", which the family deepseek_v3.yaml does not have',
        ),
        ({"model_type": "mpt", "attn_config": {"qk_ln": True}}, "attn_config.qk_ln is true"),
        ({"model_type": "mpt", "attn_config": {"kv_n_heads": 2}}, r"attn_config.kv_n_heads \(2\) is not understood"),
        (
            {"model_type": "gemma3", "text_config": {}, "vision_config": {"model_type": "siglip_vision_model"}},
            r"image_size \(224\) and patch_size \(16\) give 14 × 14 patches.*mm_tokens_per_image \(256\)",
        ),
        (
            {"model_type": "kimi_k25", "text_config": {}, "vision_config": {}, "projection_hidden_size": 65},
            r"projection_hidden_size \(65\) is not hidden_size \(1152\)",
        ),
    ],
)
def test_what_a_family_does_not_have_is_refused_by_its_fields(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(LoadError, match=says):
        costcalc.load(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "fields",
    [
        {"attention_sparsity": None, "new_switch": False, "extra": {}, "names": []},
        {"eos_token_id": [1, 2], "attention_dropout": 0.1, "initializer_range": 0.02, "rope_theta": 5e5},
        {"embedding_initializer_range": 0.03, "router_std": 0.02},
        {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}, "max_position_embeddings": 131072},
        {"transformers_version": "5.0", "_name_or_path": "/x", "torch_dtype": "float32", "use_cache": True},
    ],
)
def test_what_changes_nothing_is_passed_over(fields: dict[str, Any]) -> None:
    assert analyze(**fields).totals == analyze().totals


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"model_type": "llama", ', "it is no JSON"),
        (b'{"model_type": "llama", "model_type": "gpt2"}', "'model_type' stands twice"),
        (b'{"model_type": "llama", "x": ' + b"[" * 100 + b"]" * 100 + b"}", "more than 16 levels are nested"),
        (
            b'{"model_type": "llama", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "levels are nested|nested too deep",
        ),
        (b'{"model_type": "llama", "hidden_size": ' + b"9" * 20 + b"}", "holds the number"),
        (b'{"model_type": "llama", "hidden_size": ' + b"9" * 400 + b"}", "a number has 400 digits"),
        (b'{"model_type": "llama", "x": [' + b"1," * 200_000 + b"1]}", "more than 100,000 values"),
        (b'{"model_type": "llama", "x": "' + b"a" * (9 << 20) + b'"}', "it has 9,437,2"),
        (b'{"model_type": "llama", "x": "\xff\xfe"}', "it is no JSON"),
        (b'{"model_type": ["llama"]}', "no model_type"),
        (
            b'{"model_type": "llama", ' + b", ".join(b'"%d": 1' % i for i in (*range(200_000), 7)) + b"}",
            "'7' stands twice",
        ),
    ],
)
def test_hostile_configurations(content: bytes, says: str) -> None:
    with pytest.raises(LoadError, match=says):
        costcalc.load(content)


def test_mutated_configurations_are_read_or_refused() -> None:
    numbers = random.Random(7)
    values: list[Any] = [0, -1, 1, 2**40, 1.5, "x", "", None, True, [], [[]], {}, {"a": [1]}, "full_attention", [1] * 9]
    names = ["hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "layer_types", "sliding_window"]
    names += ["vocab_size", "hidden_act", "tie_word_embeddings", "no_rope_layers", "max_window_layers", "torch_dtype"]
    refused = 0
    for _ in range(300):
        fields = {name: numbers.choice(values) for name in numbers.sample(names, numbers.randint(1, 4))}
        try:
            analyze(**fields)
        except CostcalcError:
            refused += 1
    assert 0 < refused < 300


def test_a_directory_is_read_as_it_is_downloaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "tiny-llama"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"id2label": {"0": "x" * 5000}, **LLAMA}))
    for name in ("generation_config.json", "tokenizer.json", "model.safetensors.index.json"):
        (folder / name).write_text('{"weight_map": {}}')
    assert run(["analyze", str(folder), "--set", "num_hidden_layers=3", "--dim", "seq=8", "--by", "block"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("tiny-llama  num_hidden_layers = 3, ") and "--set num_hidden_layers=3" in out
    assert "model.layers.1 … 2" in out and "model.layers.3" not in out
    assert run(["analyze", str(folder), "--set", "depth=3"]) == 2
    assert "has no parameter 'depth'" in capsys.readouterr().err


def test_a_model_type_behind_the_first_bytes_is_found(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"id2label": {str(i): f"label {i}" for i in range(1000)}, **LLAMA}))
    assert find_frontend(find_source(path)).name == "huggingface"


def test_parameters_are_the_fields() -> None:
    values = model_parameters(json.dumps({**LLAMA, "num_key_value_heads": None}).encode())
    assert values is not None
    assert values["num_key_value_heads"] == 4 and values["head_dim"] == 16 and values["vocab_size"] == 32000
    assert values["layer_types"] == ["full_attention"]
