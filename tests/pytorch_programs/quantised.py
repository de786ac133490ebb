"""Programs of the quantised dialects: conversions by PT2E, products of integers and of packed weights."""

from __future__ import annotations

from typing import Any

import torch
import torch.ao.quantization.fx._decomposed  # registers quantized_decomposed
from base import Program
from torch import nn
from torch.nn import functional as F  # noqa: N812


class Conversions(nn.Module):
    """Every quantisation and dequantisation of quantized_decomposed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(16, 8, dtype=torch.int8), requires_grad=False)
        self.register_buffer("scales", torch.ones(16))
        self.register_buffer("zeros", torch.zeros(16, dtype=torch.int64))

    def forward(self, x: Any) -> Any:
        q = torch.ops.quantized_decomposed
        codes = q.quantize_per_tensor(x, 0.1, 3, -128, 127, torch.int8)
        x = q.dequantize_per_tensor(codes, 0.1, 3, -128, 127, torch.int8)
        scale, zero = q.choose_qparams.tensor(x, -128, 127, 1e-5, torch.int8)
        codes = q.quantize_per_tensor.tensor(x, scale, zero, -128, 127, torch.int8)
        x = q.dequantize_per_tensor.tensor(codes, scale, zero, -128, 127, torch.int8)
        scales, zeros = q.choose_qparams_per_token_asymmetric(x, torch.int8)
        codes = q.quantize_per_token(x, scales, zeros, -128, 127, torch.int8)
        x = q.dequantize_per_token(codes, scales, zeros, -128, 127, torch.int8, torch.float32)
        channels = (self.scales, self.zeros, 0, -128, 127, torch.int8)
        again = q.quantize_per_channel(q.dequantize_per_channel(self.weight, *channels), *channels)
        return F.linear(x, q.dequantize_per_channel(again, *channels))


class Products(nn.Module):
    """Products of integers, of float8, and with weights of 8 bits."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Parameter(torch.zeros(24, 16, dtype=torch.int8), requires_grad=False)
        self.register_buffer("scales", torch.ones(24, dtype=torch.bfloat16))

    def forward(self, x: Any, a: Any, b: Any, scale: Any) -> Any:
        return (
            torch._weight_int8pack_mm(x, self.codes, self.scales),
            torch._int_mm(a, b),
            torch._scaled_mm(
                x.to(torch.float8_e4m3fn), x.to(torch.float8_e4m3fn).t(), scale, scale, out_dtype=torch.bfloat16
            ),
        )


class FakeQuantisation(nn.Module):
    """What quantisation-aware training does to a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 16)

    def forward(self, x: Any, scales: Any, zeros: Any) -> Any:
        fake_quantise = torch.ops.quantized_decomposed.fake_quant_per_channel
        weight = fake_quantise(self.layer.weight, scales, zeros, 0, -128, 127)
        return F.linear(x, weight, self.layer.bias)


PROGRAMS = {
    "conversions": Program(Conversions, lambda: (torch.empty(2, 3, 8),)),
    "products": Program(
        Products,
        lambda: (
            torch.empty(32, 16, dtype=torch.bfloat16),
            torch.zeros(32, 16, dtype=torch.int8),
            torch.zeros(16, 24, dtype=torch.int8),
            torch.ones(()),
        ),
        macs=2 * (32 * 16 * 24) + 32 * 16 * 32,
    ),
    "fake": Program(
        FakeQuantisation, lambda: (torch.empty(2, 3, 8), torch.ones(16), torch.zeros(16, dtype=torch.int64))
    ),
}
