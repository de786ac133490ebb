"""Folders as they are downloaded: a small config.json, and safetensors files of a network with any quantisation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from costcalc.core.ir import Graph
from costcalc.frontends import load
from costcalc.frontends.checkpoint.quantisation import parse_quantisation
from support.checkpoint_files import write_safetensors

LLAMA = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
    "torch_dtype": "bfloat16",
}
QWEN3_MOE = {
    **LLAMA,
    "model_type": "qwen3_moe",
    "head_dim": 64,
    "moe_intermediate_size": 128,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
GPT_OSS = {
    "model_type": "gpt_oss",
    "hidden_size": 256,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "vocab_size": 1000,
}
TYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}

Tensors = dict[str, tuple[str, tuple[int, ...]]]


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def stored_tensors(graph: Graph, config: Mapping[str, Any], quantisation: Mapping[str, Any] | None = None) -> Tensors:
    """A graph of a configuration -> the tensors that its files have under a quantisation, one for each expert. Matrices of
    linear layers are stored by outputs, as PyTorch has them."""
    scheme = parse_quantisation(quantisation, config) if quantisation else None
    products = {node.inputs[1] for node in graph.nodes if node.op_type == "MatMul"}
    tensors: Tensors = {}
    for name, type_ in graph.initializers.items():
        shape = tuple(int(extent) for extent in type_.shape or ())
        if str(type_.dtype) not in TYPES:
            continue
        shape = shape[::-1] if name in products else shape
        experts = [name.replace("*", str(i)) for i in range(shape[0])] if "*" in name else [name]
        for expert in experts:
            own = shape[1:] if "*" in name else shape
            layout = scheme.layout_of(expert, own) if scheme else None
            if layout is None:
                tensors[expert] = TYPES[str(type_.dtype)], own
            else:
                stem = expert.removesuffix("weight") if expert.endswith(".weight") else expert
                tensors |= {stem + part.suffix: (part.encoding, part.shape) for part in layout.parts(own)}
    return tensors


def write_model(folder: Path, config: Mapping[str, Any], quantisation: Mapping[str, Any] | None = None) -> Tensors:
    """Writes a folder with a configuration and one file of weights, and gives the file's tensors."""
    write_config(folder, config)
    tensors = stored_tensors(load(str(folder)), config, quantisation)
    write_config(folder, {**config, **({"quantization_config": quantisation} if quantisation else {})})
    write_safetensors(folder / "model.safetensors", tensors)
    return tensors
