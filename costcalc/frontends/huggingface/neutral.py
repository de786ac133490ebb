"""Fields of every configuration that change neither parameters nor arithmetic, by the names of transformers.

A pattern is a name, or the first name of a path; `*` stands for any part of it. What such a field is about: tokens and
texts (special tokens, labels), training (initialisation, dropout, losses), the values of positions' angles, how weights
are stored (quantization_config is for the reader of the weights), and where the file comes from.
"""

from __future__ import annotations

from functools import lru_cache

NEUTRAL = (
    # tokens, texts, labels
    "*_token_id",
    "*_token_ids",
    "*_token_index",
    "bos_token",
    "eos_token",
    "pad_token",
    "unk_token",
    "sep_token",
    "mask_token",
    "id2label",
    "label2id",
    "num_labels",
    "_num_labels",
    "problem_type",
    "finetuning_task",
    "task_specific_params",
    "tokenizer_class",
    "language",
    "prefix",
    # training
    "initializer_*",
    "*initializer_range",
    "init_method*",
    "*_std",
    "*dropout*",
    "*_pdrop",
    "*_drop",
    "layerdrop",
    "*_jitter_noise",
    "*_loss_coef",
    "*_loss_weight",
    "aux_loss_alpha",
    "*_loss",
    "seq_aux",
    "gradient_checkpointing",
    "pretraining_tp",
    "rescale_prenorm_residual",
    "time_step_min",
    "time_step_max",
    "time_step_floor",
    "time_step_limit",
    # outputs, generation
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "output_router_logits",
    "output_past",
    "return_dict*",
    "use_cache",
    "use_return_dict",
    "generation_config",
    "max_length",
    "min_length",
    "max_new_tokens",
    "do_sample",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "num_beams",
    "num_beam_groups",
    "diversity_penalty",
    "early_stopping",
    "length_penalty",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "repetition_penalty",
    "bad_words_ids",
    "num_return_sequences",
    "chunk_size_feed_forward",
    "exponential_decay_length_penalty",
    "suppress_tokens",
    "begin_suppress_tokens",
    # normalisation, positions
    "*norm_eps",
    "*norm_epsilon",
    "rms_eps",
    "norm_eps",
    "layer_norm_eps*",
    "rope_theta",
    "rope_scaling*",
    "rope_parameters",
    "rope_type",
    "rope_interleave*",
    "rope_local_base_freq",
    "rotary_emb_base",
    "rotary_base",
    "max_position_embeddings",
    "original_max_position_embeddings",
    "initial_context_length",
    "max_sequence_length",
    "max_seq_len*",
    "seq_length",
    "model_max_length",
    # how it is stored and run
    "quantization_config",
    "torch_dtype",
    "dtype",
    "torchscript",
    "use_bfloat16",
    "*attn_implementation*",
    "attention_softmax_in_fp32",
    "scale_attention_softmax_in_fp32",
    "use_flash_attn*",
    "_flash_attn_2_enabled",
    "use_kernels",
    "use_mamba_kernels",
    "ep_size",
    "tp_plan",
    "pruned_heads",
    # the file
    "model_type",
    "architectures",
    "auto_map",
    "transformers_version",
    "_name_or_path",
    "name_or_path",
    "_commit_hash",
    "unsloth_*",
    "transformers.js_config",
    "is_decoder",
    "is_encoder_decoder",
)


_NAMES = frozenset(pattern for pattern in NEUTRAL if "*" not in pattern)

_PATTERNS = tuple([pattern for pattern in NEUTRAL if "*" in pattern])


@lru_cache(maxsize=4096)
def is_neutral(path: str, more: frozenset[str] = frozenset()) -> bool:
    """The path of a field -> whether it changes no figure of any family, or of the one whose patterns are given."""
    name = path.partition(".")[0].partition("[")[0]
    if name in _NAMES or name in more:
        return True
    return any(_matches(name, pattern) for pattern in (*_PATTERNS, *[p for p in more if "*" in p]))


def _matches(name: str, pattern: str) -> bool:
    """Whether a name is one of a pattern's with `*`. (fnmatch would compile each pattern, which takes longer than to
    read a configuration.)"""
    first, *middle, last = pattern.split("*")
    if len(name) < len(first) + len(last):
        return False
    return name.startswith(first) and name.endswith(last) and all(part in name for part in middle)
