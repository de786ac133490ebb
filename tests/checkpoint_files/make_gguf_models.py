"""Writes the beginnings of small GGUF models of each architecture with the package gguf (0.19.0) to tests/data/gguf/models:
`PYTHONPATH=. python tests/checkpoint_files/make_gguf_models.py`. Names of tensors are those of the package's TensorNameMap.

A file is cut behind its header, for its data are zeros; models.json has its whole size, and what the package's reader
says of the tensors. Matrices have the type of `TYPES` for their names, so that each model mixes several.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from costcalc.frontends import load

DATA = Path(__file__).parents[1] / "data" / "gguf" / "models"

Q = gguf.GGMLQuantizationType

TYPES = [("token_embd", Q.Q8_0), ("ffn_down", Q.Q6_K), ("attn_v", Q.Q5_K), ("exps", Q.MXFP4), ("output.", Q.Q6_K)]

BASE = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 64,
}
GROUPED = {**BASE, "num_key_value_heads": 2}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 256}
MLA = {"kv_lora_rank": 256, "q_lora_rank": 256, "qk_rope_head_dim": 64, "qk_nope_head_dim": 64, "v_head_dim": 64}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LLAMA", {"model_type": "llama", **GROUPED}),
    "llama_tied": ("LLAMA", {"model_type": "llama", **GROUPED, "tie_word_embeddings": True}),
    "mixtral": ("LLAMA", {"model_type": "mixtral", **GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen2": ("QWEN2", {"model_type": "qwen2", **GROUPED}),
    "qwen3": ("QWEN3", {"model_type": "qwen3", **GROUPED, "head_dim": 128}),
    "qwen3moe": ("QWEN3MOE", {"model_type": "qwen3_moe", **GROUPED, "head_dim": 128, **EXPERTS}),
    "qwen2vl": ("QWEN2VL", {"model_type": "qwen2", **GROUPED}),
    "qwen3vl": ("QWEN3VL", {"model_type": "qwen3", **GROUPED, "head_dim": 128}),
    "qwen3vlmoe": ("QWEN3VLMOE", {"model_type": "qwen3_moe", **GROUPED, "head_dim": 128, **EXPERTS}),
    "gemma": ("GEMMA", {"model_type": "gemma", **GROUPED, "head_dim": 128}),
    "gemma2": ("GEMMA2", {"model_type": "gemma2", **GROUPED, "head_dim": 128}),
    "gemma3": ("GEMMA3", {"model_type": "gemma3_text", **GROUPED, "head_dim": 128}),
    "phi3": ("PHI3", {"model_type": "phi3", **GROUPED}),
    "olmo2": ("OLMO2", {"model_type": "olmo2", **GROUPED}),
    "granite": ("GRANITE", {"model_type": "granite", **GROUPED}),
    "smollm3": ("SMOLLM3", {"model_type": "smollm3", **GROUPED}),
    "gpt2": (
        "GPT2",
        {"model_type": "gpt2", "n_embd": 256, "n_layer": 2, "n_head": 4, "n_positions": 128, "vocab_size": 64},
    ),
    "gptneox": ("GPTNEOX", {"model_type": "gpt_neox", **BASE}),
    "falcon": ("FALCON", {"model_type": "falcon", **{k: v for k, v in BASE.items() if k != "intermediate_size"}}),
    "deepseek2": (
        "DEEPSEEK2",
        {
            "model_type": "deepseek_v3",
            **BASE,
            **MLA,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_shared_experts": 1,
            "moe_intermediate_size": 256,
            "first_k_dense_replace": 1,
        },
    ),
    "gpt_oss": (
        "GPT_OSS",
        {
            "model_type": "gpt_oss",
            **GROUPED,
            "intermediate_size": 256,
            "head_dim": 64,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
        },
    ),
}


def gguf_names(names: gguf.TensorNameMap, name: str) -> list[str]:
    """A parameter's name -> the names of the tensors that llama.cpp has for it: two of a merged first map."""
    plain = name.replace(".*", "")
    if plain.endswith((".gate_up_proj", ".gate_up_proj_bias")) and "experts" in plain:
        suffix = ".bias" if plain.endswith("_bias") else ".weight"
        layer = plain.split(".")[2]
        return [f"blk.{layer}.ffn_{part}_exps{suffix}" for part in ("gate", "up")]
    if plain.endswith("down_proj_bias"):
        return [f"blk.{plain.split('.')[2]}.ffn_down_exps.bias"]
    if plain.endswith(("self_attn.sinks", "experts.down_proj")):
        plain += ".weight"
    found = names.get_name(
        plain.removesuffix("_bias") + ".bias" if plain.endswith("correction_bias") else plain, (".weight", ".bias")
    )
    if found is None:
        raise SystemExit(f"gguf has no name for {name}")
    return [found]


def shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    """The parameters of a graph by outputs, as checkpoints have them."""
    products = {node.inputs[1] for node in graph.nodes if node.op_type == "MatMul"}
    result = {}
    for name, type_ in graph.initializers.items():
        if type_.dtype.is_float and (name in graph.parameters or "bias" in name):
            result[name] = type_.shape[::-1] if name in products else type_.shape
    return result


def add_metadata(writer: gguf.GGUFWriter, config: dict[str, Any], values: dict[str, Any]) -> None:
    """The metadata that llama.cpp's converter writes for a configuration; values are the family's parameters."""
    hidden = config.get("hidden_size") or config["n_embd"]
    heads = config.get("num_attention_heads") or config["n_head"]
    writer.add_context_length(config.get("n_positions", 4096))
    writer.add_embedding_length(hidden)
    writer.add_block_count(config.get("num_hidden_layers") or config["n_layer"])
    writer.add_head_count(heads)
    writer.add_feed_forward_length(config.get("intermediate_size", 4 * hidden))
    if "num_key_value_heads" in config:
        writer.add_head_count_kv(config["num_key_value_heads"])
    elif config["model_type"] in ("falcon", "deepseek_v3"):
        writer.add_head_count_kv(1)
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
    if "kv_lora_rank" in config:
        writer.add_q_lora_rank(config["q_lora_rank"])
        writer.add_kv_lora_rank(config["kv_lora_rank"])
        writer.add_key_length(config["kv_lora_rank"] + config["qk_rope_head_dim"])
        writer.add_value_length(config["kv_lora_rank"])
        writer.add_key_length_mla(config["qk_nope_head_dim"] + config["qk_rope_head_dim"])
        writer.add_value_length_mla(config["v_head_dim"])
        writer.add_rope_dimension_count(config["qk_rope_head_dim"])
        writer.add_leading_dense_block_count(config["first_k_dense_replace"])
        writer.add_expert_shared_count(config["n_shared_experts"])
    if config["model_type"] == "gpt_neox":
        writer.add_rope_dimension_count(hidden // heads // 4)
        writer.add_parallel_residual(True)
    experts = next(
        (config[key] for key in ("num_experts", "num_local_experts", "n_routed_experts") if key in config), 0
    )
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(config["num_experts_per_tok"])
        if "moe_intermediate_size" in config:
            writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if values.get("sliding_window"):
        writer.add_sliding_window(values["sliding_window"])


def tensor_type(name: str, shape: tuple[int, ...]) -> gguf.GGMLQuantizationType:
    if len(shape) < 2 or name.endswith("bias") or shape[-1] % 256:
        return Q.F32
    return next((kind for part, kind in TYPES if part in name), Q.Q4_K)


def write_model(label: str, arch: str, config: dict[str, Any]) -> dict[str, Any]:
    path, folder = DATA / f"{label}.gguf", DATA / label
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    graph = load(str(folder))
    values = {"sliding_window": {"gemma2": 4096, "gemma3_text": 4096, "gpt_oss": 128}.get(config["model_type"])}
    kind = getattr(gguf.MODEL_ARCH, arch)
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[kind])
    add_metadata(writer, config, values)
    writer.add_array("tokenizer.ggml.tokens", [f"<{i}>" for i in range(64)])
    names = gguf.get_tensor_name_map(kind, 2)
    elements = 0
    for name, shape in shapes(graph).items():
        targets = gguf_names(names, name)
        if len(targets) == 2:
            shape = (shape[0], shape[1] // 2, *shape[2:])
        for target in targets:
            dtype = tensor_type(target, shape)
            values_in_block, nbytes = gguf.GGML_QUANT_SIZES[dtype]
            row = (*shape[:-1], shape[-1] // values_in_block * nbytes)
            writer.add_tensor(target, np.zeros(row, np.uint8), raw_dtype=dtype)
            elements += int(np.prod(shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reader = gguf.GGUFReader(path)
    figures = {
        "config": config,
        "size": path.stat().st_size,
        "elements": sum(int(t.n_elements) for t in reader.tensors),
        "nbytes": sum(int(t.n_bytes) for t in reader.tensors),
        "by_type": {},
    }
    assert figures["elements"] == elements
    for t in reader.tensors:
        figures["by_type"][t.tensor_type.name] = figures["by_type"].get(t.tensor_type.name, 0) + int(t.n_bytes)
    with path.open("r+b") as file:
        file.truncate(int(reader.data_offset))
    (folder / "config.json").unlink()
    folder.rmdir()
    return figures


def main() -> None:
    DATA.mkdir(parents=True, exist_ok=True)
    for path in DATA.iterdir():
        path.unlink()
    figures = {label: write_model(label, *model) for label, model in MODELS.items()}
    text = json.dumps(figures, indent=1)
    (DATA / "models.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
