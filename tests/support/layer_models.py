"""A small YAML model of every short name of a layer."""

from __future__ import annotations

IMAGE, TOKENS = "[N, 8, 12, 10]", "[N, 7, 16]"

LAYER_MODELS = {
    "conv": (
        IMAGE,
        [
            "conv: {filters: 6, kernel: [3, 5], stride: 2, pad: [1, 2], dilation: [2, 1], groups: 2}",
            "conv: {filters: 6, kernel: 3, stride: 2, pad: same, dilation: 2}",
            "conv: {filters: 6, kernel: 2, pad: same_lower}",
            "conv: {filters: 4, kernel: 2, pad: [0, 1, 1, 0], bias: false}",
            "conv: {filters: 4, kernel: 1, pad: valid}",
        ],
    ),
    "depthwise_conv": (IMAGE, ["depthwise_conv: {kernel: 3, multiplier: 2, pad: same, stride: 2}"]),
    "pointwise_conv": (IMAGE, ["pointwise_conv: {filters: 4, groups: 2}"]),
    "conv_transpose": (
        IMAGE,
        [
            "conv_transpose: {filters: 4, kernel: 4, stride: 2, pad: 1}",
            "conv_transpose: {filters: 6, kernel: 3, stride: 2, pad: 1, output_pad: 1, groups: 2}",
            "conv_transpose: {filters: 6, kernel: 3, stride: 2, pad: same, dilation: 2}",
            "conv_transpose: {filters: 6, kernel: 3, stride: [1, 3], pad: valid, bias: false}",
        ],
    ),
    "linear": (
        TOKENS,
        [
            "linear: {units: 12}",
            "linear: {units: 12, bias: false}",
            "linear: {units: 12, as: a}",
            "linear: {units: 12, weights: a}",
            "flatten",
            "linear: {units: 5, as: b}",
            "linear: {units: 5}",
            "linear: {units: 5, bias: false}",
        ],
    ),
    "embedding": (
        "{shape: [N, 7], dtype: int64}",
        ["embedding: {entries: 100, features: 16, as: table}", "linear: {units: 100, bias: false, weights: table}"],
    ),
    "matmul": (TOKENS, ["transpose: {perm: [0, 2, 1], as: t}", "matmul: {from: [x, t]}"]),
    "einsum": (TOKENS, ["einsum: {equation: 'nic,njc->nij', from: [x, x]}"]),
    "attention": (
        TOKENS,
        [
            "attention: {heads: 4}",
            "attention: {heads: 4, causal: true}",
            "linear: {units: 8, as: kv}",
            "attention: {heads: 4, kv_heads: 2, from: [x, kv, kv]}",
        ],
    ),
    "latent_attention": (
        TOKENS,
        [
            "linear: {units: 4 * (6 + 2), as: query}",
            "linear: {units: 10, as: latent}",
            "linear: {units: 2, as: rope_key}",
            "latent_attention: {heads: 4, size: 6, value_size: 5, from: [query, latent, rope_key]}",
        ],
    ),
    "sparse_indexer": (
        TOKENS,
        [
            "linear: {units: 4 * 6, as: query}",
            "linear: {units: 6, from: x, as: key}",
            "linear: {units: 4, from: x, as: weights}",
            "sparse_indexer: {top_k: 3, from: [query, key, weights]}",
        ],
    ),
    "compressed_indexer": (
        TOKENS,
        [
            "linear: {units: 4 * 6, as: query}",
            "linear: {units: 12, from: x, as: state}",
            "linear: {units: 4, from: x, as: weights}",
            "parameter: {shape: [2, 12], as: bias}",
            "parameter: {shape: [6], as: norm}",
            "compressed_indexer: {top_k: 2, from: [query, state, state, bias, norm, weights]}",
        ],
    ),
    "compressed_attention": (
        TOKENS,
        [
            "linear: {units: 4 * 6, as: query}",
            "linear: {units: 6, from: x, as: kv}",
            "parameter: {shape: [4], as: sinks}",
            "parameter: {shape: [2, 6], as: bias}",
            "parameter: {shape: [6], as: norm}",
            "compressed_attention: {heads: 4, window: 3, from: [query, kv, sinks, kv, kv, bias, norm]}",
        ],
    ),
    "hyper_connection": (
        TOKENS,
        [
            "reshape: {shape: [0, 0, 2, -1], as: streams}",
            "parameter: {shape: [8, 16], as: fn}",
            "parameter: {shape: [8], as: base}",
            "parameter: {shape: [3], as: scale}",
            "hyper_connection: {iterations: 20, from: [streams, fn, base, scale], as: [one, post, comb]}",
        ],
    ),
    "rotary_table": ("{shape: [N, 7], dtype: int64}", ["rotary_table: {size: 8, as: [cosines, sines]}"]),
    "rotary": (
        TOKENS,
        [
            "constant: {value: [0, 1, 2, 3, 4, 5, 6], as: row}",
            "unsqueeze: {axes: 0, from: row}",
            "rotary_table: {size: 4, as: [cosines, sines]}",
            "rotary: {heads: 4, from: [x, cosines, sines]}",
        ],
    ),
    "experts": (
        TOKENS,
        [
            "linear: {units: 4, bias: false, from: x, as: scores}",
            "experts: {count: 4, top_k: 2, units: 12, gated: false, bias: true, activation: relu, from: [x, scores]}",
            "experts: {count: 4, top_k: 1, units: 12, tensors: [gate_up_proj, down_proj], from: [x, scores]}",
        ],
    ),
    "activation": (TOKENS, ["activation: {function: relu2}", "activation: {function: quick_gelu}"]),
    "scale": (TOKENS, ["scale: {by: 0.5}"]),
    "softcap": (TOKENS, ["softcap: {limit: 30}"]),
    "batch_norm": (IMAGE, ["batch_norm"]),
    "layer_norm": (TOKENS, ["layer_norm", "layer_norm: {axis: 1, bias: false}"]),
    "rms_norm": (TOKENS, ["rms_norm", "rms_norm: {axis: 1}", "rms_norm: {heads: 4}"]),
    "group_norm": (IMAGE, ["group_norm: {groups: 4}"]),
    "instance_norm": (IMAGE, ["instance_norm"]),
    "lrn": (IMAGE, ["lrn: {size: 5}"]),
    "max_pool": (
        IMAGE,
        [
            "max_pool: {kernel: 3, stride: 2, pad: 1}",
            "max_pool: {kernel: 2, stride: 2, ceil: true}",
            "max_pool: {kernel: 2, pad: same, stride: 1, dilation: 2}",
            "max_pool: {kernel: 3, pad: 2, dilation: 2}",
            "max_pool: {kernel: 2}",
        ],
    ),
    "avg_pool": (
        IMAGE,
        [
            "avg_pool: {kernel: 3, stride: 2, pad: 1, count_pad: true}",
            "avg_pool: {kernel: 3, stride: 2, ceil: true, pad: 1}",
            "avg_pool: {kernel: 2, pad: same_lower, stride: 1}",
            "avg_pool: {kernel: [2, 1]}",
        ],
    ),
    "global_avg_pool": (IMAGE, ["global_avg_pool"]),
    "global_max_pool": (IMAGE, ["global_max_pool"]),
    "lstm": (TOKENS, ["lstm: {hidden: 6, layers: 2, bidirectional: true}", "lstm: {hidden: 5, output: state}"]),
    "gru": (
        TOKENS,
        ["gru: {hidden: 6, bias: false}", "gru: {hidden: 5, layers: 2, bidirectional: true, output: state}"],
    ),
    "rnn": (TOKENS, ["rnn: {hidden: 6, bidirectional: true}", "rnn: {hidden: 5, output: state, layers: 2}"]),
    "flatten": (IMAGE, ["flatten", "flatten: {axis: 0}"]),
    "reshape": (IMAGE, ["reshape: {shape: [0, 4, -1]}"]),
    "transpose": (IMAGE, ["transpose: {perm: [0, 2, 3, 1]}"]),
    "squeeze": (IMAGE, ["global_avg_pool", "squeeze: {axes: [2, 3]}"]),
    "unsqueeze": (IMAGE, ["unsqueeze: {axes: 1}"]),
    "concat": (IMAGE, ["concat: {from: [x, x]}", "concat: {axis: -1, from: [x, x, x]}"]),
    "split": (
        IMAGE,
        [
            "split: {as: [a, b]}",
            "split: {axis: 2, parts: [3, 9], from: x, as: [c, d]}",
            "split: {axis: -1, parts: 5, from: x}",
        ],
    ),
    "slice": (IMAGE, ["slice: {axis: 2, start: 2, end: -1, step: 3}", "slice: {axis: 3, start: -3}"]),
    "select": (TOKENS, ["select: {axis: 1}", "select: {axis: 1, index: -1}"]),
    "pad": (IMAGE, ["pad: {pads: 2}", "pad: {pads: [0, 0, 1, 2, 0, 0, 0, 3]}"]),
    "pad_channels": (IMAGE, ["pad_channels: {to: 13}"]),
    "upsample": (IMAGE, ["upsample", "upsample: {scale: 3, mode: linear}"]),
    "depth_to_space": (IMAGE, ["depth_to_space: {block: 2}"]),
    "space_to_depth": (IMAGE, ["space_to_depth: {block: 2}"]),
    "channel_shuffle": (IMAGE, ["channel_shuffle: {groups: 4}"]),
    "mean": (IMAGE, ["mean: {axes: [2, 3], keep: true}", "mean: {axes: [-1, 1]}"]),
    "cast": (IMAGE, ["cast: {to: float16}", "cast: {to: int32}", "cast: {to: bool}"]),
    "parameter": (TOKENS, ["parameter: {shape: [7, 16], as: p}", "add: {from: [x, p]}"]),
    "unused_parameter": (TOKENS, ["relu", "unused_parameter: {shape: [7, 16], as: p}"]),
    "constant": (
        TOKENS,
        [
            "constant: {value: 2.5, as: c}",
            "mul: {from: [x, c]}",
            "constant: {value: [0, -1], as: s}",
            "Reshape: {from: [x, s]}",
        ],
    ),
    "linear_attention": (
        TOKENS,
        [
            "linear: {units: 8, as: key}",
            "linear: {units: 4, from: x, as: gate}",
            "linear_attention: {heads: 4, update: linear, from: [x, x, x], as: [a, states]}",
            "linear_attention: {heads: 4, key_heads: 2, from: [key, key, x, gate], as: [b, more_states]}",
            "linear_attention: {heads: 4, key_heads: 2, update: gated_delta, state_dtype: float32, "
            "from: [key, key, x, gate, gate], as: [c, last_states]}",
        ],
    ),
    "causal_conv": (TOKENS, ["causal_conv: {kernel: 4, as: [a, window]}", "causal_conv: {kernel: 2, bias: false}"]),
    "diagonal_recurrence": (TOKENS, ["diagonal_recurrence: {state_dtype: float32, from: [x, x], as: [h, states]}"]),
    "expand": (TOKENS, ["unsqueeze: {axes: 0}", "expand: {shape: [5, 1, 7, 16]}"]),
    "prelu": (IMAGE, ["prelu"]),
    "dropout": (TOKENS, ["dropout: {rate: 0.1}"]),
    "gelu": (TOKENS, ["gelu", "gelu: {approximate: tanh}"]),
    "softmax": (TOKENS, ["softmax", "softmax: {axis: 1}"]),
    **{name: (TOKENS, [f"{name}: {{from: [x, x, x]}}"]) for name in ("add", "mul", "sub", "div")},
}
"""A small model of every short name: its input and its layers, each of which reads the input unless it has a `from`."""

CHAINED = {"linear", "embedding", "attention", "squeeze", "expand", "matmul", "cast", "parameter", "constant"}
CHAINED |= {"latent_attention", "linear_attention", "rotary", "sparse_indexer"}
CHAINED |= {"compressed_indexer", "compressed_attention", "hyper_connection"}

OWN_OPERATORS = {"latent_attention", "sparse_indexer", "compressed_indexer", "compressed_attention", "hyper_connection"}
OWN_OPERATORS |= {"linear_attention", "causal_conv", "diagonal_recurrence"}
"""Layers with operators of costcalc's own, which no runtime has."""


def layer_model(name: str) -> str:
    """Layers that stand alone read x; those of CHAINED read the one before."""
    shape, layers = LAYER_MODELS.get(name, (TOKENS, [name]))
    lines = [f"input: {{x: {shape}}}", "layers:"]
    for entry in layers:
        kind, colon, options = entry.partition(": ")
        if name not in CHAINED and "from:" not in options:
            options = "{from: x" + (", " + options[1:] if colon else "}")
        lines.append(f"  - {kind}: {options}" if options else f"  - {kind}")
    return "\n".join(lines)
