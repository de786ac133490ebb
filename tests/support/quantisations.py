"""Configurations of quantisations, each with the bytes of a weight of [N, K], spelled out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.frontends.checkpoint.quantisation import QuantisationScheme, parse_quantisation

N, K = 1024, 4096
Q = "model.layers.0.self_attn.q_proj.weight"
EXPERT = "model.layers.0.mlp.experts.3.gate_proj.weight"


def parse(config: Mapping[str, Any], model: Mapping[str, Any] | None = None) -> QuantisationScheme:
    return parse_quantisation(config, model or {})


AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm", "zero_point": True}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": True}
FP8 = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
NF4 = {
    "quant_method": "bitsandbytes",
    "load_in_4bit": True,
    "bnb_4bit_quant_type": "nf4",
    "bnb_4bit_use_double_quant": True,
}


def compressed(form: str, weights: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    group = {"targets": ["Linear"], "weights": weights, **more}
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "config_groups": {"group_0": group},
        "ignore": ["lm_head"],
    }


def modelopt(algorithm: str, **more: Any) -> dict[str, Any]:
    return {
        "producer": {"name": "modelopt"},
        "quantization": {"quant_algo": algorithm, "exclude_modules": ["lm_head"], **more},
    }


INT4 = {"num_bits": 4, "type": "int", "group_size": 32, "strategy": "group", "symmetric": True}
BYTES: list[tuple[str, Mapping[str, Any], int]] = [
    ("awq", AWQ, K * N // 8 * 4 + K // 128 * N // 8 * 4 + K // 128 * N * 2),
    ("awq by rows", {**AWQ, "group_size": -1}, K * N // 8 * 4 + N // 8 * 4 + N * 2),
    ("awq gemv", {**AWQ, "version": "gemv"}, N * K // 8 * 4 + N * (K // 128 // 8) * 4 + N * (K // 128) * 2),
    ("gptq", GPTQ, K // 8 * N * 4 + K // 128 * N // 8 * 4 + K // 128 * N * 2 + K * 4),
    ("gptq 3", {**GPTQ, "bits": 3}, K * 3 // 32 * N * 4 + K // 128 * (N * 3 // 32) * 4 + K // 128 * N * 2 + K * 4),
    ("gptq 8", {**GPTQ, "bits": 8, "group_size": 32}, K // 4 * N * 4 + K // 32 * N // 4 * 4 + K // 32 * N * 2 + K * 4),
    ("nf4", NF4, N * K // 2 + N * K // 64 + 16 * 4 + N * K // 64 // 256 * 4 + 256 * 4),
    ("fp4", {**NF4, "bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": False}, N * K // 2 + N * K // 64 * 4 + 64),
    ("int8", {"quant_method": "bitsandbytes", "load_in_8bit": True}, N * K + N * 4 + 1),
    ("fp8", FP8, N * K + (N // 128) * (K // 128) * 4),
    ("fp8 static", {**FP8, "activation_scheme": "static"}, N * K + (N // 128) * (K // 128) * 4 + 4),
    ("fp8 whole", {"quant_method": "fp8", "activation_scheme": "static"}, N * K + 4 + 4),
    ("fbgemm", {"quant_method": "fbgemm_fp8"}, N * K + N * 4),
    ("modelopt fp8", modelopt("FP8"), N * K + 4 + 4),
    ("nvfp4", modelopt("NVFP4", group_size=16), N * K // 2 + N * K // 16 + 4 + 4),
    ("nvfp4 weights", modelopt("W4A16_NVFP4"), N * K // 2 + N * K // 16 + 4),
    ("mxfp8", modelopt("MXFP8"), N * K + N * K // 32),
    ("int4 awq", modelopt("W4A16_AWQ", group_size=128), N * K // 2 + N * K // 128 * 2 + K * 2),
    ("packed", compressed("pack-quantized", INT4), N * K // 8 * 4 + N * K // 32 * 2 + 2 * 8),
    (
        "packed, zero points, order",
        compressed("pack-quantized", {**INT4, "symmetric": False, "actorder": "group"}),
        N * K // 8 * 4 + N * K // 32 * 2 + 2 * 8 + N // 8 * (K // 32) * 4 + K * 4,
    ),
    ("int8 rows", compressed("int-quantized", {"num_bits": 8, "type": "int", "strategy": "channel"}), N * K + N * 2),
    (
        "fp8 static tensor",
        compressed("float-quantized", {"num_bits": 8, "type": "float", "strategy": "tensor"}, input_activations={"dynamic": False}),
        N * K + 2 + 2,
    ),
    (
        "fp8 blocks",
        compressed("float-quantized", {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [128, 128]}),
        N * K + (N // 128) * (K // 128) * 2,
    ),
    (
        "nvfp4 packed",
        compressed("nvfp4-pack-quantized", {"num_bits": 4, "type": "float", "group_size": 16}, input_activations={"dynamic": "local"}),
        N * K // 2 + N * K // 16 + 4 + 4,
    ),
    (
        "mxfp4 packed",
        compressed("mxfp4-pack-quantized", {"num_bits": 4, "type": "float", "group_size": 32}),
        N * K // 2 + N * K // 32,
    ),
    (
        "torchao int4",
        {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 128}}}},
        N * K // 2 + 2 * (N * K // 128) * 2,
    ),
    (
        "torchao float8",
        {"quant_method": "torchao", "quant_type": {"default": {"_type": "Float8DynamicActivationFloat8WeightConfig"}}},
        N * K + N * 4,
    ),
]  # fmt: off
