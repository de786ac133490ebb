"""quantization_config and hf_quant_config.json: which weights are quantised, and their bytes, spelled out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from support.quantisations import AWQ, BYTES, EXPERT, FP8, GPTQ, INT4, NF4, K, N, Q, compressed, modelopt, parse

from costcalc.core.errors import LoadError
from costcalc.frontends.checkpoint.modules import ModuleList, compile_pattern


@pytest.mark.parametrize(("config", "nbytes"), [row[1:] for row in BYTES], ids=[row[0] for row in BYTES])
def test_bytes_of_a_weight(config: Mapping[str, Any], nbytes: int) -> None:
    quantisation = parse(config)
    layout = quantisation.layout_of(Q, (N, K))
    assert layout is not None and layout.nbytes((N, K)) == nbytes
    assert layout.exact == (quantisation.method != "bitsandbytes" or quantisation.bits is None)
    for name in ("lm_head.weight", "model.embed_tokens.weight", "model.layers.0.mlp.gate.weight"):
        assert quantisation.layout_of(name, (N, K)) is None
    assert quantisation.layout_of("model.layers.0.input_layernorm.weight", (N,)) is None
    assert quantisation.layout_of("model.layers.0.self_attn.q_proj.bias", (N,)) is None


def test_experts_in_one_tensor() -> None:
    """The bytes of 8 experts in a tensor are those of 8 tensors."""
    merged = "model.layers.0.mlp.experts.gate_up_proj"
    for _, config, nbytes in BYTES:
        layout = parse(config).layout_of(merged, (8, N, K))
        assert layout is not None and layout.nbytes((8, N, K)) == 8 * nbytes


def test_gpt_oss() -> None:
    excluded = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
    quantisation = parse({"quant_method": "mxfp4", "modules_to_not_convert": excluded})
    assert quantisation.layout_of(Q, (N, K)) is None
    assert quantisation.layout_of("model.layers.0.mlp.experts.gate_up_proj_bias", (128, 5760)) is None
    layout = quantisation.layout_of("model.layers.0.mlp.experts.gate_up_proj", (128, 2880, 5760))
    assert layout is not None and layout.nbytes((128, 2880, 5760)) == 128 * 5760 * (2880 // 32) * (16 + 1)


def test_deepseek_v4_has_experts_of_four_bits() -> None:
    quantisation = parse({**FP8, "scale_fmt": "ue8m0"}, {"expert_dtype": "fp4"})
    attention, expert = quantisation.layout_of(Q, (N, K)), quantisation.layout_of(EXPERT, (N, K))
    assert attention is not None and attention.nbytes((N, K)) == N * K + (N // 128) * (K // 128)
    assert expert is not None and expert.nbytes((N, K)) == N * K // 2 + N * K // 32
    shared = quantisation.layout_of("model.layers.0.mlp.shared_experts.gate_proj.weight", (N, K))
    assert shared == attention


def test_mixed_precision_of_modelopt() -> None:
    layers = {"model.layers.0.self_attn.q_proj": {"quant_algo": "FP8"}, "model.layers.1*": {"quant_algo": "NVFP4"}}
    quantisation = parse({"quantization": {"quant_algo": "MIXED_PRECISION", "quantized_layers": layers}})
    first, second = quantisation.layout_of(Q, (N, K)), quantisation.layout_of(Q.replace("0", "1"), (N, K))
    assert first is not None and first.label == "fp8"
    assert second is not None and second.label == "nvfp4"
    assert quantisation.layout_of(Q.replace("0", "2"), (N, K)) is None


def test_a_group_of_minus_one_is_a_row() -> None:
    """compressed-tensors, QuantizationArgs: without a strategy -1 means channel, no group size means tensor."""
    layout = parse(compressed("int-quantized", {**INT8, "group_size": -1})).layout_of(Q, (N, K))
    assert layout is not None and layout.nbytes((N, K)) == N * K + N * 2


def test_extents_that_no_block_divides() -> None:
    layout = parse(FP8).layout_of("model.layers.0.self_attn.kv_a_proj_with_mqa.weight", (576, 7168))
    assert layout is not None and layout.nbytes((576, 7168)) == 576 * 7168 + 5 * 56 * 4  # ⌈576 / 128⌉ = 5


MATCHES = [
    ("transformers", "model.layers.1", "model.layers.1.attn", True),
    ("transformers", "model.layers.1", "model.layers.11.attn", False),
    ("transformers", "model.layers.*.self_attn", "model.layers.17.self_attn.q_proj", True),
    ("transformers", "gate", "model.layers.3.mlp.gate", True),
    ("transformers", "mlp.gate", "model.layers.3.mlp.gate_proj", False),
    ("substring", "visual", "model.visual.blocks.0.attn", True),
    ("glob", "model.layers.61*", "model.layers.61.mlp.experts.0.up_proj", True),
    ("glob", "model.layers.6", "model.layers.61.mlp", False),
    ("glob", "model.layers.6", "model.layers.6.mlp", True),
    ("glob", "*router*", "a.router.b", True),
    ("compressed-tensors", "re:.*mlp\\.(gate|up|gate_up|down)_proj.*", "model.layers.0.mlp.up_proj", True),
    ("compressed-tensors", "re:.*mlp\\.(gate|up|gate_up|down)_proj.*", "model.layers.1.mlp.experts.0.up_proj", False),
    ("compressed-tensors", "re:vision", "model.vision", False),
    ("compressed-tensors", "lm_head", "model.lm_head", False),
]


@pytest.mark.parametrize(("matching", "pattern", "module", "expected"), MATCHES)
def test_lists_of_modules(matching: Any, pattern: str, module: str, expected: bool) -> None:
    assert (module in ModuleList([pattern], matching)) is expected


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(.*a){25}", ".*.*.*.*b", r"(a*)\1", "(" * 2000, "[", "a{99999999999}"]
)
def test_expressions_that_take_long_are_refused(pattern: str) -> None:
    with pytest.raises(LoadError):
        compile_pattern(pattern)


def test_the_slowest_expression_ends() -> None:
    begin = time.process_time()
    assert ("a" * 10_000) not in ModuleList(["re:a*a*a*b"], "compressed-tensors")
    assert time.process_time() - begin < 5


INT8 = {"num_bits": 8, "type": "int"}
REFUSED = [
    ({}, "the quantisation '' is not known"),
    ({"quant_method": "awqq"}, "did you mean 'awq'"),
    ({**AWQ, "bits": 5}, "bits = 5; there are 4, 8"),
    ({**AWQ, "bits": True}, "bits = 'True'"),
    ({**AWQ, "version": "marlin"}, "AWQ's version 'marlin'"),
    ({**GPTQ, "group_size": 1 << 70}, "group_size = "),
    ({**FP8, "weight_block_size": [0, 128]}, "blocks of"),
    ({**FP8, "weight_block_size": "128"}, "blocks of 128"),
    ({**FP8, "modules_to_not_convert": "lm_head"}, "no list of names"),
    (modelopt("FP9"), "ModelOpt's algorithm 'FP9'"),
    (compressed("marlin-24", INT4), "format 'marlin-24' with 4 bits is not known"),
    ({"quant_method": "compressed-tensors"}, "no config_groups"),
    ({"quant_method": "torchao", "quant_type": "autoquant"}, "torchao's configuration 'autoquant'"),
    ({**NF4, "bnb_4bit_quant_type": "nf3"}, "no type 'nf3' of 4 bits"),
    ({**AWQ, "modules_to_not_convert": 5}, "modules_to_not_convert = '5', which is no list"),
    ({**AWQ, "modules_to_not_convert": "lm_head"}, "= 'lm_head', which is no list"),
    ({**GPTQ, "modules_in_block_to_quantize": [[1]]}, "modules_in_block_to_quantize"),
    (compressed("int-quantized", {**INT8, "strategy": "group", "group_size": -1}), "groups of -1"),
    (compressed("int-quantized", {**INT8, "strategy": "block"}), "scales by 'block'"),
    (compressed("int-quantized", {**INT8, "strategy": "head"}), "scales by 'head'"),
]


@pytest.mark.parametrize(("config", "message"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_is_not_known_is_refused_by_name(config: Mapping[str, Any], message: str) -> None:
    with pytest.raises(LoadError, match=message):
        parse(config)
