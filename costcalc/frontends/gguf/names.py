"""Names of GGUF tensors (`blk.5.attn_q.weight`) -> parameters of a graph (`model.layers.5.self_attn.q_proj.weight`).

llama.cpp calls the parts of all architectures alike (gguf-py, constants.TENSOR_NAMES); families of models call them
differently. A part's names in the families are tried in turn; a graph has one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from costcalc.frontends.checkpoint.names import core_of

_LAYER = re.compile(r"^(?:layers|h|blocks)\.([0-9]{1,9})\.(.+)$")

_BLOCK = re.compile(r"^blk\.(\d{1,6})\.(\w+(?:\.\w+)*?)(?:\.(weight|bias))?$")

GLOBALS: Mapping[str, tuple[str, ...]] = {
    "token_embd": ("embed_tokens", "wte", "embed_in", "word_embeddings", "embeddings"),
    "position_embd": ("wpe", "embed_positions"),
    "output_norm": ("norm", "ln_f", "final_layer_norm", "final_layernorm", "norm_f"),
    "output": ("lm_head", "embed_out"),
    "per_layer_token_embd": ("embed_tokens_per_layer",),
    "per_layer_model_proj": ("per_layer_model_projection",),
    "per_layer_proj_norm": ("per_layer_projection_norm",),
}
"""Tensors outside of the layers -> the families' names without what stands before them."""

_MLPS = ("mlp", "feed_forward", "block_sparse_moe", "mixer", "moe")

_ATTENTIONS = ("self_attn", "attn", "attention", "self_attention", "mixer")


def _within(modules: Iterable[str], *leaves: str) -> tuple[str, ...]:
    return tuple([f"{module}.{leaf}" for leaf in leaves for module in modules])


LAYERS: Mapping[str, tuple[str, ...]] = {
    "attn_norm": ("input_layernorm", "ln_1", "ln_mlp", "self_attn_layer_norm", "norm"),
    "attn_norm_2": ("ln_attn",),
    "attn_q": _within(_ATTENTIONS, "q_proj"),
    "attn_k": _within(_ATTENTIONS, "k_proj"),
    "attn_v": _within(_ATTENTIONS, "v_proj"),
    "attn_qkv": (
        *_within(_ATTENTIONS, "qkv_proj", "query_key_value", "c_attn"),
        "linear_attn.in_proj_qkv",
        "linear_attn.in_proj_qkvz",
    ),
    "attn_output": _within(_ATTENTIONS, "o_proj", "out_proj", "dense", "c_proj"),
    "attn_gate": ("linear_attn.in_proj_z", "linear_attn.in_proj_qkvz"),
    "attn_q_norm": _within(_ATTENTIONS, "q_norm", "q_layernorm"),
    "attn_k_norm": _within(_ATTENTIONS, "k_norm", "k_layernorm"),
    "attn_sinks": ("self_attn.sinks", "self_attn.attention_sink_bias"),
    "attn_q_a": ("self_attn.q_a_proj",),
    "attn_q_a_norm": ("self_attn.q_a_layernorm",),
    "attn_q_b": ("self_attn.q_b_proj",),
    "attn_kv_a_mqa": ("self_attn.kv_a_proj_with_mqa",),
    "attn_kv_a_norm": ("self_attn.kv_a_layernorm",),
    "attn_kv_b": ("self_attn.kv_b_proj",),
    "attn_k_b": ("self_attn.kv_b_proj",),
    "attn_v_b": ("self_attn.kv_b_proj",),
    "ffn_norm": ("pre_feedforward_layernorm", "post_attention_layernorm", "ln_2", "final_layer_norm"),
    "post_attention_norm": ("post_attention_layernorm",),
    "post_ffw_norm": ("post_feedforward_layernorm",),
    "ffn_gate": _within(_MLPS, "gate_proj", "w1"),
    "ffn_up": (*_within(_MLPS, "up_proj", "gate_up_proj", "c_fc", "dense_h_to_4h", "fc1", "w3"), "fc1"),
    "ffn_down": (*_within(_MLPS, "down_proj", "c_proj", "dense_4h_to_h", "fc2", "w2"), "fc2"),
    "ffn_gate_inp": (*_within(_MLPS, "gate", "router"), "router.proj"),
    "exp_probs_b": (*_within(_MLPS, "gate.e_score_correction", "e_score_correction"),),
    "ffn_gate_exps": _within(_MLPS, "experts.*.gate_proj", "experts.*.w1", "experts.gate_up_proj"),
    "ffn_up_exps": _within(_MLPS, "experts.*.up_proj", "experts.*.w3", "experts.gate_up_proj"),
    "ffn_down_exps": (*_within(_MLPS, "experts.*.down_proj", "experts.*.w2", "experts.down_proj"), "experts.down_proj"),
    "ffn_gate_up_exps": (*_within(_MLPS, "experts.gate_up_proj"), "experts.gate_up_proj"),
    "ffn_gate_inp_shexp": ("mlp.shared_expert_gate",),
    "ffn_gate_shexp": _within(_MLPS, "shared_experts.gate_proj", "shared_expert.gate_proj"),
    "ffn_up_shexp": _within(_MLPS, "shared_experts.up_proj", "shared_expert.up_proj"),
    "ffn_down_shexp": _within(_MLPS, "shared_experts.down_proj", "shared_expert.down_proj"),
    "ssm_in": ("mixer.in_proj", "linear_attn.in_proj_qkvz"),
    "ssm_ba": ("linear_attn.in_proj_ba",),
    "ssm_conv1d": ("mixer.conv1d", "linear_attn.conv1d"),
    "ssm_x": ("mixer.x_proj",),
    "ssm_dt": ("mixer.dt_proj", "mixer.dt", "linear_attn.dt"),
    "ssm_a": ("mixer.A_log", "linear_attn.A_log"),
    "ssm_d": ("mixer.D",),
    "ssm_norm": ("mixer.norm", "linear_attn.norm"),
    "ssm_out": ("mixer.out_proj", "linear_attn.out_proj"),
    "ssm_alpha": ("linear_attn.in_proj_a",),
    "ssm_beta": ("linear_attn.in_proj_b",),
    "inp_gate": ("per_layer_input_gate",),
    "proj": ("per_layer_projection",),
    "post_norm": ("post_per_layer_input_norm",),
    "layer_output_scale": ("layer_scalar",),
}
"""Tensors of a layer -> the families' names in the layer. Where a file has two for one (gate and up, keys and values)
both belong to it."""

TABLES = ("rope_freqs", "rope_factors_long", "rope_factors_short", "attn_rot_embd")
"""Tables that a runtime computes with and transformers makes itself: no parameters."""


class GgufNames:
    """The parameters of a graph, to find the one that a GGUF tensor belongs to."""

    def __init__(self, parameters: Iterable[str]) -> None:
        self.globals: dict[str, str] = {}
        self.layers: dict[tuple[int, str], str] = {}
        for name in parameters:
            core = core_of(name)
            match = _LAYER.match(core)
            if match is None:
                self.globals[core] = name
            else:
                self.layers[int(match[1]), match[2]] = name

    def find(self, tensor: str) -> str:
        """A tensor's name -> the parameter's; "" where the graph has none for it."""
        match = _BLOCK.match(tensor)
        if match is not None:
            number, suffix = int(match[1]), match[3] or ""
            names = [f for path in LAYERS.get(match[2], ()) for f in _forms(path, suffix)]
            return next((self.layers[number, name] for name in names if (number, name) in self.layers), "")
        stem, _, suffix = tensor.rpartition(".")
        names = [f for path in GLOBALS.get(stem, ()) for f in _forms(path, suffix)]
        return next((self.globals[name] for name in names if name in self.globals), "")


def _forms(path: str, suffix: str) -> tuple[str, ...]:
    """A part's name and `weight`, `bias` or "" -> how its tensor may be called: `….weight`, `…_bias`, or the part."""
    if suffix == "bias":
        return f"{path}.bias", f"{path}_bias"
    return (f"{path}.weight", path) if suffix else (path,)
