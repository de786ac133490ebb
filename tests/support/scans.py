"""What FlopCounterMode counts of an implementation of a recurrence, less what the recurrence takes by its definition.

Without their kernels transformers' modules compute a recurrence in PyTorch, by chunks of tokens, with products that the
definition does not have, and with some that the counter does not see (element by element, or a triangular solver). The
number of each is written here from that code, so that the difference between both counts is explained to the last MAC.
Each of a case's `scans` gives the extents: layers, tokens, heads, k and v (the sizes of a state), chunk (tokens in a chunk),
channels and kernel (of the convolution before the scan).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Extents = Mapping[str, Any]


def _chunks(scan: Extents) -> int:
    """Chunks of the tokens, the last one filled up with zeros."""
    return -(-int(scan["tokens"]) // int(scan["chunk"]))


def _gated_delta(scan: Extents) -> tuple[int, int]:
    """torch_chunk_gated_delta_rule. Of a chunk c tokens: k_beta @ kᵀ and q @ kᵀ, c² · d_k each; k_cumdecay @ S and
    q @ S, c · d_k · d_v each; intra @ v_new, c² · d_v; kᵀ @ v_new, c · d_k · d_v. Both triangular systems are solved by
    linalg.solve_triangular, which the counter does not see. The definition: Sᵀk, k ⊗ v and qᵀS of each token."""
    c, k, v = scan["chunk"], scan["k"], scan["v"]
    per_chunk = 2 * c * c * k + c * c * v + 3 * c * k * v
    return _chunks(scan) * scan["heads"] * per_chunk, 3 * scan["tokens"] * scan["heads"] * k * v


def _kimi_delta(scan: Extents) -> tuple[int, int]:
    """chunk_kimi_delta_attention. Of a chunk of c tokens: the inverse with v_beta and with k_beta, c² · d_v and c² · d_k;
    q @ S, k_cumdecay @ S and kᵀ @ v_new, c · d_k · d_v each; intra @ v_new, c² · d_v. The scores and the inverse itself
    are computed element by element. The definition: as the gated delta rule."""
    c, k, v = scan["chunk"], scan["k"], scan["v"]
    per_chunk = c * c * (k + 2 * v) + 3 * c * k * v
    return _chunks(scan) * scan["heads"] * per_chunk, 3 * scan["tokens"] * scan["heads"] * k * v


def _lightning(scan: Extents) -> tuple[int, int]:
    """MiniMaxLightningAttention. Of a block of c tokens, the last one shorter: q @ kᵀ and scores @ v, c² · d each; q @ S
    and kᵀ @ v, c · d² each. The definition: k ⊗ v and qᵀS of each token."""
    k, v = scan["k"], scan["v"]
    sizes = [min(scan["chunk"], scan["tokens"] - start) for start in range(0, scan["tokens"], scan["chunk"])]
    counted = sum(c * c * (k + v) + 2 * c * k * v for c in sizes)
    return scan["heads"] * counted, 2 * scan["tokens"] * scan["heads"] * k * v


def _mamba2(scan: Extents) -> tuple[int, int]:
    """mamba2_chunk_scan, five products by einsum. Of a chunk of c tokens: C with B, c² · d_k; the scores with x, c² · d_v;
    its state from B and x, and C with the state before it, c · d_k · d_v each. Of all n chunks: the states before each
    of n + 1 from n + 1. The definition: k ⊗ v and qᵀS of each token."""
    c, k, v, n = scan["chunk"], scan["k"], scan["v"], _chunks(scan)
    counted = n * (c * c * (k + v) + 2 * c * k * v) + (n + 1) ** 2 * k * v
    return scan["heads"] * counted, 2 * scan["tokens"] * scan["heads"] * k * v


def _mlstm(scan: Extents) -> tuple[int, int]:
    """mlstm_chunkwise_native_autograd. Of a chunk of c tokens: kᵀ @ v and q @ C, c · d_k · d_v each; q @ kᵀ, c² · d_k; the
    scores with v, c² · d_v; q with the sum of keys, c · d_k. The definition: k ⊗ v and qᵀC of each token, and qᵀn."""
    c, k, v = scan["chunk"], scan["k"], scan["v"]
    per_chunk = 2 * c * k * v + c * c * (k + v) + c * k
    return _chunks(scan) * scan["heads"] * per_chunk, scan["tokens"] * scan["heads"] * (2 * k * v + k)


def _mamba(scan: Extents) -> tuple[int, int]:
    """mamba_selective_scan, token by token: qᵀS is a product, k ⊗ v is computed element by element, which the counter
    does not see."""
    products = scan["tokens"] * scan["heads"] * scan["k"] * scan["v"]
    return products, 2 * products


def _convolution(scan: Extents) -> tuple[int, int]:
    """A convolution alone: no scan stands behind it."""
    return 0, 0


def _one_hot_mean(scan: Extents) -> tuple[int, int]:
    """The mean of the patches of a token as a product of a matrix of ones and zeros [tokens, patches] with all patches
    (Gemma 4's pooler). The definition sums each patch once, without a product."""
    return scan["heads"] * scan["tokens"] * scan["v"], 0


RULES: Mapping[str, Callable[[Extents], tuple[int, int]]] = {
    "gated_delta": _gated_delta,
    "kimi_delta": _kimi_delta,
    "lightning": _lightning,
    "mamba2": _mamba2,
    "mamba": _mamba,
    "mlstm": _mlstm,
    "convolution": _convolution,
    "one_hot_mean": _one_hot_mean,
}
"""Rules by name: extents -> what the counter sees of the scan of a layer, what its definition takes."""


def counted_more(scan: Extents) -> int:
    """The MACs that FlopCounterMode counts beyond the definitions of all layers with a scan. Of the convolution it counts
    kernel - 1 positions more, which the padding makes and the module cuts off: each kernel products a channel."""
    counted, defined = RULES[scan["rule"]](scan)
    kernel = scan.get("kernel", 1)
    padding = (kernel - 1) * kernel * scan.get("channels", 0)
    return int(scan["layers"] * (counted - defined + padding))
