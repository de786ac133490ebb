"""Metadata of a GGUF file -> the fields of a Hugging Face configuration, for the families of models of specs/families.

Keys are those of gguf-py (constants.Keys) and of docs/gguf.md: `llama.block_count`. What metadata do not say follows
from the tensors: the vocabulary from the embedding's rows, biases and a separate output head from their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from costcalc.core.errors import LoadError, did_you_mean
from costcalc.core.ir import ContextLimit
from costcalc.frontends.checkpoint.tensor import TensorEntry
from costcalc.frontends.gguf.header import LongArray
from costcalc.frontends.huggingface.context import context_limit

CONVERT = "convert the model again"

Tensors = Mapping[str, TensorEntry]

Fields = dict[str, Any]

COMMON: Mapping[str, str] = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
}
"""Key behind the architecture -> field, of most architectures."""

EXPERTS: Mapping[str, str] = {
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
}

WINDOW: Mapping[str, str] = {"attention.sliding_window": "sliding_window"}

WITHOUT_HEAD_SIZE = {key: field for key, field in COMMON.items() if key != "attention.key_length"}


class _Metadata:
    """The metadata of an architecture by their keys behind its name."""

    def __init__(self, architecture: str, metadata: Mapping[str, Any], tensors: Tensors) -> None:
        self.architecture, self.metadata, self.tensors = architecture, metadata, tensors

    def get(self, key: str) -> Any:
        """A value, None where it is missing; of an array of equal items the item, of another a list of them. LoadError
        for an array that is too long to be of layers."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, LongArray):
            raise LoadError(f"its metadata have {value.length:,} items in {self.architecture}.{key}", CONVERT)
        if isinstance(value, tuple) and value:
            return value[0] if len(set(value)) == 1 else list(value)
        return value

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number; the default where it is missing. LoadError where it is none, or missing without a default."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise LoadError(f"its metadata have no number {self.architecture}.{key}", CONVERT)
        return value

    def fields(self, keys: Mapping[str, str]) -> Fields:
        """The fields that metadata give for their keys."""
        return {field: value for key, field in keys.items() if (value := self.get(key)) is not None}

    def has(self, tensor: str) -> bool:
        """Whether a tensor is there, in its first layer where it stands in layers."""
        return tensor in self.tensors or f"blk.0.{tensor}" in self.tensors


class GgufArchitecture(NamedTuple):
    """How an architecture of llama.cpp is a model type of transformers: keys of metadata are fields; more gives other
    fields, `model_type` among them where it depends on the file."""

    model_type: str
    keys: Mapping[str, str] = COMMON
    more: Callable[[_Metadata], Fields] = lambda m: {}


def _llama(m: _Metadata) -> Fields:
    """llama.cpp has Mixtral as a Llama with experts."""
    if m.get("expert_count"):
        experts = {"num_local_experts": m.get("expert_count"), "num_experts_per_tok": m.get("expert_used_count")}
        return {"model_type": "mixtral", **experts}
    return _biases(m)


def _biases(m: _Metadata) -> Fields:
    biases = {"attention_bias": "attn_q.bias", "mlp_bias": "ffn_gate.bias"}
    return {field: True for field, tensor in biases.items() if m.has(tensor)}


def _head_size(m: _Metadata) -> int:
    return m.number("embedding_length") // max(1, m.number("attention.head_count"))


def _gpt_neox(m: _Metadata) -> Fields:
    size = _head_size(m)
    return {
        "use_parallel_residual": m.get("use_parallel_residual") is not False,
        "rotary_pct": m.number("rope.dimension_count", size) / max(1, size),
        "attention_bias": m.has("attn_qkv.bias"),
    }


def _falcon(m: _Metadata) -> Fields:
    return {
        "new_decoder_architecture": m.has("attn_norm_2.weight"),
        "multi_query": m.number("attention.head_count_kv", 1) == 1,
        "bias": m.has("attn_qkv.bias"),
    }


def _deepseek(m: _Metadata) -> Fields:
    """`key_length` is that of the latent in files for multi-head latent attention, which have `key_length_mla` too."""
    rotated = m.number("rope.dimension_count")
    keys = m.number("attention.key_length_mla", 0) or m.number("attention.key_length")
    has_bias = any(name.endswith("exp_probs_b.bias") for name in m.tensors)
    return {
        "model_type": "deepseek_v3" if has_bias else "deepseek_v2",
        "num_hidden_layers": m.number("block_count") - m.number("nextn_predict_layers", 0),
        "qk_rope_head_dim": rotated,
        "qk_nope_head_dim": keys - rotated,
        "v_head_dim": m.number("attention.value_length_mla", 0) or m.number("attention.value_length"),
        "q_lora_rank": m.get("attention.q_lora_rank"),
    }


def _gpt_oss(m: _Metadata) -> Fields:
    width = m.number("expert_feed_forward_length", 0) or m.number("feed_forward_length")
    return {"intermediate_size": width, "num_local_experts": m.number("expert_count")}


def _rotated_part(m: _Metadata) -> Fields:
    size = m.number("attention.key_length", 0) or _head_size(m)
    rotated = m.number("rope.dimension_count", size)
    return {} if rotated == size else {"partial_rotary_factor": rotated / max(1, size)}


def _qwen35(m: _Metadata) -> Fields:
    """Layers with a state and layers of attention; blocks that predict more tokens are counted, too."""
    value_heads = m.number("ssm.time_step_rank")
    is_mixture = bool(m.get("expert_count"))
    return {
        "model_type": "qwen3_5_moe_text" if is_mixture else "qwen3_5_text",
        "num_hidden_layers": m.number("block_count") - m.number("nextn_predict_layers", 0),
        "linear_num_value_heads": value_heads,
        "linear_value_head_dim": m.number("ssm.inner_size") // max(1, value_heads),
        **_rotated_part(m),
    }


_LINEAR_ATTENTION = {
    "full_attention_interval": "full_attention_interval",
    "ssm.conv_kernel": "linear_conv_kernel_dim",
    "ssm.state_size": "linear_key_head_dim",
    "ssm.group_count": "linear_num_key_heads",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
}

_GPT2 = {
    "embedding_length": "n_embd",
    "block_count": "n_layer",
    "attention.head_count": "n_head",
    "feed_forward_length": "n_inner",
    "context_length": "n_positions",
}

_FALCON = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_kv_heads",
    "feed_forward_length": "ffn_hidden_size",
}

_DEEPSEEK = {
    **{key: field for key, field in WITHOUT_HEAD_SIZE.items() if key != "attention.head_count_kv"},
    "expert_count": "n_routed_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_shared_count": "n_shared_experts",
    "expert_feed_forward_length": "moe_intermediate_size",
    "leading_dense_block_count": "first_k_dense_replace",
    "attention.kv_lora_rank": "kv_lora_rank",
}

_GPT_NEOX = {key: field for key, field in WITHOUT_HEAD_SIZE.items() if key != "attention.head_count_kv"}

ARCHITECTURES: Mapping[str, GgufArchitecture] = {
    "llama": GgufArchitecture("llama", more=_llama),
    "mistral3": GgufArchitecture("ministral3"),
    "qwen2": GgufArchitecture("qwen2", WITHOUT_HEAD_SIZE),
    "qwen3": GgufArchitecture("qwen3", more=_biases),
    "qwen3moe": GgufArchitecture("qwen3_moe", {**COMMON, **EXPERTS}, _biases),
    "qwen2vl": GgufArchitecture("qwen2", WITHOUT_HEAD_SIZE),
    "qwen3vl": GgufArchitecture("qwen3", more=_biases),
    "qwen3vlmoe": GgufArchitecture("qwen3_moe", {**COMMON, **EXPERTS}, _biases),
    "qwen35": GgufArchitecture("qwen3_5_text", {**COMMON, **_LINEAR_ATTENTION}, _qwen35),
    "qwen35moe": GgufArchitecture("qwen3_5_moe_text", {**COMMON, **EXPERTS, **_LINEAR_ATTENTION}, _qwen35),
    "gemma": GgufArchitecture("gemma"),
    "gemma2": GgufArchitecture("gemma2", {**COMMON, **WINDOW}),
    "gemma3": GgufArchitecture("gemma3_text", {**COMMON, **WINDOW}),
    "phi3": GgufArchitecture("phi3", {**WITHOUT_HEAD_SIZE, **WINDOW}, _rotated_part),
    "olmo": GgufArchitecture("olmo", WITHOUT_HEAD_SIZE),
    "olmo2": GgufArchitecture("olmo2", WITHOUT_HEAD_SIZE),
    "granite": GgufArchitecture("granite", COMMON, _biases),
    "smollm3": GgufArchitecture("smollm3", WITHOUT_HEAD_SIZE),
    "seed_oss": GgufArchitecture("seed_oss", COMMON, _biases),
    "gpt2": GgufArchitecture("gpt2", _GPT2),
    "gptneox": GgufArchitecture("gpt_neox", _GPT_NEOX, _gpt_neox),
    "falcon": GgufArchitecture("falcon", _FALCON, _falcon),
    "deepseek2": GgufArchitecture("deepseek_v3", _DEEPSEEK, _deepseek),
    "gpt-oss": GgufArchitecture("gpt_oss", {**COMMON, **WINDOW, "expert_used_count": "num_experts_per_tok"}, _gpt_oss),
}
"""llama.cpp's architectures (gguf-py, MODEL_ARCH_NAMES) whose families are known."""

CONTEXT = "context_length"

SCALING = {
    "rope.scaling.type": "rope_type",
    "rope.scaling.factor": "factor",
    "rope.scaling.original_context_length": "original_max_position_embeddings",
}


def stated_context(metadata: Mapping[str, Any]) -> ContextLimit | None:
    """The metadata of a file -> the most tokens of a text that they state."""
    m = _Metadata(str(metadata.get("general.architecture")), metadata, {})
    fields = {"max_position_embeddings": m.get(CONTEXT), "rope_scaling": m.fields(SCALING)}
    return context_limit(fields, {"max_position_embeddings": f"{m.architecture}.{CONTEXT}"})


EMBEDDING = "token_embd.weight"

NO_NETWORKS = {"clip": "the vision or audio part of a model (mmproj)", "mmproj": "the vision or audio part of a model"}


def configuration_fields(metadata: Mapping[str, Any], tensors: Tensors) -> Fields:
    """The metadata and tensors of a file -> the fields of a configuration. LoadError where the architecture is not
    known, the file holds no whole network, or a number is missing."""
    name = metadata.get("general.architecture")
    if metadata.get("general.type", "model") not in ("model", "") or name in NO_NETWORKS:
        what = NO_NETWORKS.get(str(name)) or f"of the type {str(metadata.get('general.type'))[:40]!r}"
        raise LoadError(f"it is {what}, and no whole network", "analyze the file of the language model")
    architecture = ARCHITECTURES.get(str(name))
    if architecture is None:
        known = ", ".join(ARCHITECTURES)
        remedy = did_you_mean(str(name), ARCHITECTURES) or f"known are {known}"
        raise LoadError(f"the GGUF architecture {str(name)[:60]!r} is not known", remedy)
    if EMBEDDING not in tensors or len(tensors[EMBEDDING].shape) != 2:
        raise LoadError(f"it has no matrix {EMBEDDING}: it is no whole network", "analyze the file of the whole model")
    m = _Metadata(str(name), metadata, tensors)
    return {
        "model_type": architecture.model_type,
        "torch_dtype": "float16",
        "vocab_size": tensors[EMBEDDING].shape[0],
        "tie_word_embeddings": "output.weight" not in tensors,
        **m.fields(architecture.keys),
        **architecture.more(m),
    }
