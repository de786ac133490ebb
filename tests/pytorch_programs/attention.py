"""Programs of scaled dot-product attention and of the modules that use it."""

from __future__ import annotations

from typing import Any

import torch
from base import Program
from torch import nn
from torch.nn import functional as F  # noqa: N812


class Attention(nn.Module):
    """The forms of F.scaled_dot_product_attention: masks, causal, grouped queries, a scale, other values, any number of
    axes, one batch for several."""

    def forward(self, q: Any, kv: Any, v: Any, mask: Any) -> Any:
        attention = F.scaled_dot_product_attention
        return (
            attention(q, q, q),
            attention(q, q, q, is_causal=True, scale=0.5),
            attention(q, kv, v),
            attention(q, kv, kv, attn_mask=mask),
            attention(q, kv, kv, attn_mask=mask[None, None] > 0),
            attention(q, kv[:, :2], kv[:, :2], enable_gqa=True),
            attention(q[0], kv[0], kv[0]),
            attention(q[0, 0], kv[0, 0], v[0, 0]),
            attention(q[None], kv[None], v[None], attn_mask=mask),
            attention(q[None], q[None], q[None], attn_mask=mask[None, None, None, :, :6]),
        )


class Dropout(nn.Module):
    """Attention with dropout."""

    def forward(self, q: Any) -> Any:
        return F.scaled_dot_product_attention(q, q, q, dropout_p=0.1)


class Kernels(nn.Module):
    """The operators of one device each, and what they give for the backward pass."""

    def forward(self, q: Any, mask: Any) -> Any:
        aten = torch.ops.aten
        cpu = aten._scaled_dot_product_flash_attention_for_cpu(q, q, q, attn_mask=mask)
        flash = aten._scaled_dot_product_flash_attention(q, q, q, is_causal=True)
        efficient = aten._scaled_dot_product_efficient_attention(q, q, q, mask, True)
        return cpu[0], cpu[1], flash[0], efficient[0], efficient[1]


class Modules(nn.Module):
    """nn.MultiheadAttention with its weights and without, with other sizes of keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.MultiheadAttention(16, 4, batch_first=True)
        self.other = nn.MultiheadAttention(16, 4, kdim=12, vdim=8, bias=False)
        self.extra = nn.MultiheadAttention(16, 2, add_bias_kv=True, add_zero_attn=True)

    def forward(self, x: Any, k: Any, v: Any, mask: Any) -> Any:
        return (
            self.plain(x, x, x, need_weights=False)[0],
            self.plain(x, x, x, key_padding_mask=mask),
            self.other(x, k, v),
            self.extra(x, x, x, need_weights=False)[0],
        )


class FastPath(nn.Module):
    """The operators of the fast path of nn.TransformerEncoderLayer."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(16, 48), nn.Linear(16, 16)
        self.fc1, self.fc2 = nn.Linear(16, 32), nn.Linear(32, 16)
        self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)

    def forward(self, x: Any) -> Any:
        aten = torch.ops.aten
        qkv = (self.qkv.weight, self.qkv.bias, self.proj.weight, self.proj.bias)
        norms = (self.norm1.weight, self.norm1.bias, self.norm2.weight, self.norm2.bias)
        ffn = (self.fc1.weight, self.fc1.bias, self.fc2.weight, self.fc2.bias)
        y = aten._native_multi_head_attention(x, x, x, 16, 4, *qkv, need_weights=False)[0]
        return aten._transformer_encoder_layer_fwd(y, 16, 4, *qkv, True, False, 1e-5, *norms, *ffn)


PRODUCTS = 2 * 2 * 4 * 6 * 6 * 8
"""MACs of the two products of one attention: batch 2, 4 heads, 6 queries, 6 keys, 8 features."""


PROGRAMS = {
    "forms": Program(
        Attention,
        lambda: (torch.empty(2, 4, 6, 8), torch.empty(2, 4, 10, 8), torch.empty(2, 4, 10, 5), torch.empty(6, 10)),
    ),
    "open": Program(
        Attention,
        lambda: (torch.empty(2, 4, 6, 8), torch.empty(2, 4, 10, 8), torch.empty(2, 4, 10, 5), torch.empty(6, 10)),
        {
            "q": {0: torch.export.Dim("batch")},
            "kv": {0: torch.export.Dim("batch")},
            "v": {0: torch.export.Dim("batch")},
            "mask": {},
        },
    ),
    "dropout": Program(Dropout, lambda: (torch.empty(2, 4, 6, 8),)),
    "kernels": Program(Kernels, lambda: (torch.empty(2, 4, 6, 8), torch.empty(2, 4, 6, 6)), macs=3 * PRODUCTS),
    "modules": Program(
        Modules,
        lambda: (
            torch.empty(5, 7, 16),
            torch.empty(5, 7, 12),
            torch.empty(5, 7, 8),
            torch.zeros(5, 7, dtype=torch.bool),
        ),
    ),
    "fast_path": Program(
        FastPath,
        lambda: (torch.empty(2, 6, 16),),
        macs=2 * 2 * (6 * 16 * 64 + 2 * 6 * 6 * 16) + 2 * 6 * 2 * 16 * 32,
    ),
    "encoder": Program(
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2),
        lambda: (torch.empty(2, 6, 16),),
    ),
}
