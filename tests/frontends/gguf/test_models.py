"""GGUF files of each architecture, named and described as llama.cpp's converter does: the same graph as of the
configuration, and the bytes that the official package reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.cli import call, ok

import costcalc
from costcalc.core.errors import LoadError
from costcalc.core.ir import WarningNote
from costcalc.frontends.checkpoint.tensor import TensorEntry, WeightFiles
from costcalc.frontends.gguf.configuration import configuration_fields
from costcalc.frontends.gguf.frontend import apply_tensors
from costcalc.frontends.gguf.header import LongArray, parse_header
from costcalc.frontends.gguf.names import GgufNames

DATA = Path(__file__).parents[2] / "data" / "gguf" / "models"
MODELS: dict[str, dict[str, Any]] = json.loads((DATA / "models.json").read_text(encoding="utf-8"))


def whole_file(label: str, folder: Path) -> Path:
    """The file with its data, which are zeros and are left out in tests/data."""
    path = folder / f"{label}.gguf"
    shutil.copy(DATA / f"{label}.gguf", path)
    with path.open("r+b") as file:
        file.truncate(MODELS[label]["size"])
    return path


def analyze(path: Path) -> costcalc.Report:
    return costcalc.analyze(str(path), dims={"seq": 16})


@pytest.mark.parametrize("label", MODELS)
def test_the_graph_of_the_configuration_and_the_bytes_of_the_file(label: str, tmp_path: Path) -> None:
    figures = MODELS[label]
    report = analyze(whole_file(label, tmp_path))
    assert [note for note in report.graph.notes if isinstance(note, WarningNote)] == []
    assert report.totals["weight_bytes"] == figures["nbytes"]
    assert report.weight_bytes_by_dtype() == figures["by_type"]
    folder = tmp_path / "hf"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(figures["config"]))
    expected = analyze(folder)
    assert report.totals["params"] + report.totals["buffers"] == figures["elements"]
    for key in ("params", "buffers", "macs", "flops"):
        assert report.totals[key] == expected.totals[key]


def test_a_model_in_the_command_line(tmp_path: Path) -> None:
    path = whole_file("qwen3moe", tmp_path)
    output = ok("analyze", str(path), "--dim", "seq=16")
    assert "Weights by type" in output and "MXFP4" in output and "Q4_K" in output


def test_keys_and_values_apart() -> None:
    """Newer files have the two halves of DeepSeek's kv_b_proj apart: attn_k_b [heads, latent, nope], attn_v_b."""
    header = parse_header((DATA / "deepseek2.gguf").read_bytes(), MODELS["deepseek2"]["size"])
    tensors = {tensor.name: tensor for tensor in header.tensors}
    whole = tensors.pop("blk.0.attn_kv_b.weight")
    halves = [
        TensorEntry(f"blk.0.attn_{part}_b.weight", "Q8_0", (4, 256, 64), 4 * 256 * 64 // 32 * 34) for part in "kv"
    ]
    assert whole.elements == sum(half.elements for half in halves)
    tensors |= {half.name: half for half in halves}
    fields = configuration_fields(header.metadata, tensors)
    graph = costcalc.load(json.dumps(fields).encode())
    stored = apply_tensors(graph, WeightFiles(tensors, ("x",)))
    form = stored.stored_formats["model.layers.0.self_attn.kv_b_proj.weight"]
    assert form == ("Q8_0", sum(half.nbytes for half in halves), "int8")
    assert stored.notes == graph.notes


def test_tables_of_positions_are_no_parameters(tmp_path: Path) -> None:
    header = parse_header((DATA / "llama.gguf").read_bytes(), MODELS["llama"]["size"])
    tensors = {t.name: t for t in header.tensors} | {
        "rope_freqs.weight": TensorEntry("rope_freqs.weight", "F32", (32,), 128)
    }
    graph = costcalc.load(json.dumps(configuration_fields(header.metadata, tensors)).encode())
    assert apply_tensors(graph, WeightFiles(tensors, ("x",))).notes == graph.notes
    del tensors["blk.1.ffn_up.weight"]
    tensors["blk.7.strange.weight"] = TensorEntry("blk.7.strange.weight", "F32", (8,), 32)
    notes = apply_tensors(graph, WeightFiles(tensors, ("x",))).notes
    assert "the files hold what the network does not have, 32 B: blk.7.strange.weight" in notes
    assert any("model.layers.1.mlp.up_proj.weight" in note for note in notes)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"general.architecture": "rwkv9"}, "the GGUF architecture 'rwkv9' is not known"),
        ({"general.architecture": "qwen33"}, "did you mean 'qwen3'"),
        ({}, "the GGUF architecture 'None' is not known"),
        ({"general.architecture": "clip"}, "it is the vision or audio part"),
        ({"general.architecture": "llama", "general.type": "adapter"}, "of the type 'adapter', and no whole network"),
        ({"general.architecture": "llama"}, "it has no matrix token_embd.weight"),
    ],
)
def test_what_is_no_known_network(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(LoadError, match=message):
        configuration_fields(metadata, {})


def test_numbers_that_are_missing_or_wrong() -> None:
    embedding = {"token_embd.weight": TensorEntry("token_embd.weight", "F32", (8, 8), 256)}
    with pytest.raises(LoadError, match=r"no number deepseek2\.rope\.dimension_count"):
        configuration_fields({"general.architecture": "deepseek2"}, embedding)
    metadata = {"general.architecture": "llama", "llama.attention.head_count": (4, 8), "llama.block_count": (2, 2)}
    fields = configuration_fields(metadata, embedding)
    assert fields["num_attention_heads"] == [4, 8] and fields["num_hidden_layers"] == 2
    metadata["llama.feed_forward_length"] = LongArray(5000)
    with pytest.raises(LoadError, match=r"5,000 items in llama\.feed_forward_length"):
        configuration_fields(metadata, embedding)


@pytest.mark.parametrize(
    ("architecture", "key"),
    [
        ("gptneox", "rope.dimension_count"),
        ("phi3", "rope.dimension_count"),
        ("falcon", "attention.head_count_kv"),
        ("deepseek2", "attention.key_length_mla"),
        ("deepseek2", "nextn_predict_layers"),
        ("gpt-oss", "expert_feed_forward_length"),
    ],
)
def test_texts_in_the_place_of_numbers(architecture: str, key: str) -> None:
    embedding = {"token_embd.weight": TensorEntry("token_embd.weight", "F32", (8, 8), 256)}
    numbers = (
        "embedding_length",
        "block_count",
        "attention.head_count",
        "attention.key_length",
        "rope.dimension_count",
    )
    metadata: dict[str, Any] = {
        f"{architecture}.{name}": 8 for name in (*numbers, "attention.value_length", "expert_count")
    }
    metadata |= {"general.architecture": architecture, f"{architecture}.{key}": "eight"}
    with pytest.raises(LoadError, match=f"no number {architecture}.{key}"):
        configuration_fields(metadata, embedding)


def test_a_layer_of_5000_digits_is_no_layer() -> None:
    assert GgufNames(["model.layers.0.self_attn.q_proj.weight"]).find(f"blk.{'9' * 5000}.attn_q.weight") == ""


def test_layers_with_a_state() -> None:
    """The fields of transformers 5.24, integrations/gguf/gguf_config_mapping.py, for Qwen3.5."""
    metadata = {
        "general.architecture": "qwen35moe",
        "qwen35moe.block_count": 41,
        "qwen35moe.nextn_predict_layers": 1,
        "qwen35moe.embedding_length": 2048,
        "qwen35moe.attention.head_count": 16,
        "qwen35moe.attention.head_count_kv": 2,
        "qwen35moe.attention.key_length": 256,
        "qwen35moe.rope.dimension_count": 64,
        "qwen35moe.full_attention_interval": 4,
        "qwen35moe.ssm.conv_kernel": 4,
        "qwen35moe.ssm.state_size": 128,
        "qwen35moe.ssm.group_count": 16,
        "qwen35moe.ssm.time_step_rank": 32,
        "qwen35moe.ssm.inner_size": 4096,
        "qwen35moe.expert_count": 256,
        "qwen35moe.expert_used_count": 8,
        "qwen35moe.expert_feed_forward_length": 512,
        "qwen35moe.expert_shared_feed_forward_length": 512,
    }
    embedding = {"token_embd.weight": TensorEntry("token_embd.weight", "Q8_0", (248320, 2048), 1)}
    assert configuration_fields(metadata, embedding) == {
        "model_type": "qwen3_5_moe_text",
        "torch_dtype": "float16",
        "vocab_size": 248320,
        "tie_word_embeddings": True,
        "hidden_size": 2048,
        "num_hidden_layers": 40,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "head_dim": 256,
        "partial_rotary_factor": 0.25,
        "full_attention_interval": 4,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 32,
        "linear_value_head_dim": 128,
        "num_experts": 256,
        "num_experts_per_tok": 8,
        "moe_intermediate_size": 512,
        "shared_expert_intermediate_size": 512,
    }


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = whole_file("llama", tmp_path)
    with path.open("r+b") as file:
        file.truncate(MODELS["llama"]["size"] - 32)
    with pytest.raises(LoadError, match=r"llama\.gguf: its tensors end at byte"):
        analyze(path)


def test_a_directory_of_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file is a model; of a model in several files the first stands for it."""
    for label in ("llama", "qwen2"):
        whole_file(label, tmp_path)
    for name in ("split-00001-of-00002.gguf", "split-00002-of-00002.gguf"):
        shutil.copy(DATA.parent / name, tmp_path)
    code, output, errors = call(capsys, "analyze", str(tmp_path), "--dim", "seq=16", "--format", "json")
    assert len(json.loads(output)["models"]) == 2
    assert code == 2 and "split-00001-of-00002.gguf" in errors and "split-00002-of-00002.gguf" not in errors
