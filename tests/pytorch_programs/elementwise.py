"""Elementwise operators: arithmetic with scalars, symbols and mixed types, functions, logic, selection, complex
numbers, activations, casts."""

from __future__ import annotations

import torch
from base import Program
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F  # noqa: N812


class Arithmetic(nn.Module):
    """Tensors with tensors, numbers, 0-d tensors and sizes; decimal, whole and boolean."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(()))
        self.gain = nn.Parameter(torch.empty(4))

    def forward(self, x: Tensor, i: Tensor, b: Tensor, h: Tensor) -> list[Tensor]:
        length = x.shape[1]
        return [
            *(x + 1, x + i, x + b, h + x, h * self.scale, x * self.gain, i + 2.5, b + b, b * b, i + True, x * length),
            *(1 - x, 1.5 - i, x - length, length - i, torch.sub(x, i, alpha=2), torch.add(x, x, alpha=0.5)),
            *(torch.rsub(x, i, alpha=3), torch.add(i, 3, alpha=2), x.add(x, alpha=1), x.clone().add_(1, alpha=2)),
            *(x / 2, x / i, i / i, i / 3, 1 / x, x // 2, i // 2, i // i, i % 3, x % 2, x % self.scale, length / x),
            torch.div(x, i, rounding_mode="floor"),
            torch.div(x, 2, rounding_mode="trunc"),
            torch.div(i, 2, rounding_mode="trunc"),
            torch.div(i, i, rounding_mode="floor"),
            *(torch.fmod(x, 2), torch.fmod(i, i), torch.remainder(x, x), torch.remainder(5, i)),
            *(x**2, x**0.5, 2**x, x**x, i**2, i**2.0, 2**i, x.float_power(2), h**3, torch.pow(2.0, i)),
            *(torch.addcmul(x, x, x), torch.addcmul(x, x, x, value=0.5), torch.addcdiv(x, x, x, value=2)),
            *(torch.lerp(x, x, 0.3), torch.lerp(x, x, self.gain), torch.hypot(x, x), torch.atan2(x, self.gain)),
            *(torch.logaddexp(x, x), torch.logaddexp2(x, x), torch.xlogy(x, x), torch.xlogy(2.0, x)),
            *(torch.maximum(x, self.scale), torch.minimum(i, i), torch.fmax(x, x), torch.fmin(x, x), torch.max(x, x)),
            *(torch.copysign(x, x), torch.heaviside(x, x), torch.nextafter(x, x), torch.ldexp(x, i)),
            *(x.clone().mul_(2), x.clone().div_(i), x.clone().sub_(x), x.clone().pow_(2), i.clone().floor_divide_(2)),
        ]


class Functions(nn.Module):
    """Functions of one number, of decimal and of whole ones."""

    def forward(self, x: Tensor, i: Tensor) -> list[Tensor]:
        unary = (
            *(
                torch.neg,
                torch.abs,
                torch.square,
                torch.sign,
                torch.sgn,
                torch.sqrt,
                torch.rsqrt,
                torch.exp,
                torch.exp2,
            ),
            *(torch.expm1, torch.log, torch.log2, torch.log10, torch.log1p, torch.sin, torch.cos, torch.tan),
            *(torch.asin, torch.acos, torch.atan, torch.sinh, torch.cosh, torch.tanh, torch.asinh, torch.acosh),
            *(torch.atanh, torch.erf, torch.erfc, torch.erfinv, torch.reciprocal, torch.sigmoid, torch.lgamma),
            *(lambda x: torch.polygamma(2, x), lambda x: torch.mvlgamma(x, 2), torch.special.spherical_bessel_j0),
            *(
                lambda x: torch.igamma(x, x),
                lambda x: torch.special.gammaincc(x, x),
                lambda x: torch.special.zeta(x, x),
            ),
            *(torch.digamma, torch.i0, torch.sinc, torch.deg2rad, torch.rad2deg, torch.positive, torch.logit),
            *(torch.isnan, torch.isinf, torch.isfinite, torch.isposinf, torch.isneginf, torch.signbit, torch.angle),
            *(
                torch.special.i1,
                torch.special.bessel_j0,
                torch.special.erfcx,
                torch.special.expit,
                torch.special.ndtr,
                torch.special.log_ndtr,
                torch.special.entr,
            ),
        )
        whole = (torch.floor, torch.ceil, torch.trunc, torch.round, torch.fix)
        return [
            *(f(t) for f in (*unary, *whole) for t in (x, i)),
            *(
                torch.special.xlog1py(x, x),
                torch.frac(x),
                torch.round(x, decimals=2),
                torch.logit(x, eps=1e-6),
                torch.special.ndtri(x),
            ),
            *(torch.nan_to_num(x), torch.nan_to_num(x, nan=1.0, posinf=2.0), torch.nan_to_num(i)),
            *(x.clone().exp_(), x.clone().sqrt_(), x.clone().clamp_(0), x.clone().neg_(), x.clone().sigmoid_()),
        ]


class Logic(nn.Module):
    """Comparisons, logic, bits, limits and selection; limits that are numbers, tensors, infinite or absent."""

    def forward(self, x: Tensor, i: Tensor, b: Tensor, h: Tensor) -> list[Tensor]:
        zero = torch.zeros((), dtype=torch.int64, device=x.device)
        length = x.shape[1]
        compared = (torch.eq, torch.ne, torch.lt, torch.le, torch.gt, torch.ge)
        return [
            *(f(x, other) for f in compared for other in (x, 0, i, h)),
            *(i == 0.5, i < x, b == b, i > length, x >= zero, i != zero, h < i, x.clone().gt_(0)),
            *(torch.logical_and(x, i), torch.logical_or(b, b), torch.logical_xor(b, i), torch.logical_not(x), ~b, ~i),
            *(i & i, i | 1, i ^ i, b & b, b | b, b ^ b, i << 2, i >> i, 1 << i),
            *(torch.clamp(x, 0, 1), x.clamp(min=0), x.clamp(max=float("inf")), i.clamp(0, 3), i.clamp(0.5, 3.5)),
            *(
                torch.clamp(x, x, x),
                torch.clamp(x, min=x),
                torch.clamp(x, max=h),
                x.clamp_min(1),
                x.clamp_max(i),
                x.clip(0),
            ),
            *(
                torch.where(b, x, x),
                torch.where(b, x, 0),
                torch.where(b, 1.0, x),
                torch.where(b, 1, 0),
                torch.where(b, i, x),
            ),
            *(x.masked_fill(b, float("-inf")), x.masked_fill(b, zero), i.masked_fill(b, 1), b.masked_fill(b, False)),
            *(h.masked_fill(b, 1.0), x.clone().masked_fill_(b, 0), torch.isclose(x, x), torch.isin(i, i)),
        ]


class Activations(nn.Module):
    """Activation functions and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.PReLU()
        self.slopes = nn.PReLU(4)
        self.dropouts = nn.ModuleList([nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout(), nn.FeatureAlphaDropout()])

    def forward(self, x: Tensor) -> list[Tensor]:
        functions = (
            *(F.relu, F.relu6, F.leaky_relu, F.elu, F.selu, F.celu, F.gelu, F.silu, F.mish, F.hardswish, F.hardsigmoid),
            *(F.hardtanh, F.sigmoid, F.tanh, F.softplus, F.softsign, F.tanhshrink, F.softshrink, F.hardshrink),
            *(F.logsigmoid, F.rrelu, F.glu, *self.dropouts, self.slope),
        )
        y = x.unsqueeze(-1).expand(-1, -1, 3)
        return [
            *(f(x) for f in functions),
            *(self.slopes(x), self.slopes(y), F.gelu(x, approximate="tanh"), F.softplus(x, beta=2), F.elu(x, 0.5)),
            *(F.leaky_relu(x, 0.2), F.celu(x, 2.0), F.threshold(x, 0.1, 20), F.hardtanh(x, -2, 2), F.glu(y, 1)),
            *(F.relu(x.clone(), inplace=True), F.dropout(x, 0.5, training=True), F.dropout(x, 0.0, training=True)),
            *(F.rrelu(x, training=True), torch.native_dropout(x, 0.5, True)[0], torch.native_dropout(x, 0.5, False)[0]),
        ]


class Conversions(nn.Module):
    """Casts and copies, also of what has another shape."""

    def forward(self, x: Tensor, i: Tensor, b: Tensor, h: Tensor) -> list[Tensor]:
        buffer = torch.zeros(3, 4, device=x.device)
        return [
            *(x.half(), x.float(), i.float(), x.long(), x.bool(), b.int(), h.double(), x.to(torch.bfloat16)),
            *(
                x.to(i),
                x.type_as(h),
                x.to(x.device, torch.float16),
                x.clone(),
                x.detach(),
                x.contiguous(),
                x.T.contiguous(),
            ),
            *(
                x.clone().copy_(h),
                x.clone().copy_(x[0]),
                x.clone().fill_(2),
                x.clone().zero_(),
                torch.ones(4, device=x.device).copy_(x[0]),
            ),
            *(x.clone().fill_(i.sum()), torch.real(x), x.conj(), x.resolve_conj(), buffer.copy_(i)),
        ]


class Complex(nn.Module):
    """Complex numbers: rotary embeddings as products of them, and their functions."""

    def forward(self, x: Tensor, angles: Tensor) -> list[Tensor]:
        z = torch.view_as_complex(x)
        turn = torch.polar(torch.ones_like(angles), angles)
        y = z * turn
        return [
            *(torch.view_as_real(y).flatten(1), y.real, y.imag, y.abs(), y.angle(), y + z, y - 1, y / z, -y, 2 * y),
            *(
                y.conj() * z,
                torch.complex(angles, angles),
                y.exp(),
                y.sum(),
                y.mean(0),
                torch.conj_physical(y),
                y * x[..., 0],
            ),
            *(
                y == z,
                y**2,
                y.reciprocal(),
                torch.where(angles > 0, y, z),
                y.sqrt(),
                y.to(torch.complex128),
                x.to(torch.complex64),
            ),
        ]


def inputs() -> tuple[Tensor, ...]:
    x = torch.empty(3, 4)
    return x, torch.empty(3, 4, dtype=torch.int64), torch.empty(3, 4, dtype=torch.bool), x.half()


ROWS = Dim("rows", max=64)

PROGRAMS = {
    "arithmetic": Program(Arithmetic, inputs, {name: {0: ROWS} for name in "xibh"}),
    "functions": Program(Functions, lambda: inputs()[:2]),
    "logic": Program(Logic, inputs, {name: {0: ROWS} for name in "xibh"}),
    "activations": Program(Activations, lambda: (torch.empty(2, 4),)),
    "conversions": Program(Conversions, inputs),
    "complex": Program(Complex, lambda: (torch.empty(3, 5, 2), torch.empty(3, 5))),
}
