"""Factorisations, solvers of linear systems, norms of matrices; the products of vectors that are decomposed."""

from __future__ import annotations

from typing import Any

import torch
from base import Program
from torch import linalg, nn


class Solvers(nn.Module):
    """Direct methods: Cholesky, LU, QR, triangles."""

    def forward(self, a: Any, b: Any) -> tuple[Any, ...]:
        lower, (factors, pivots) = linalg.cholesky(a), linalg.lu_factor(a)
        q, r = linalg.qr(b)
        return (
            torch.cholesky_solve(b, lower),
            torch.cholesky_inverse(lower),
            linalg.lu_solve(factors, pivots, b),
            *linalg.lu(b),
            *torch.lu_unpack(factors, pivots),
            linalg.solve(a, b),
            linalg.solve(a, b.mT, left=False),
            linalg.solve(a, b[..., 0]),
            linalg.solve_triangular(lower, b, upper=False),
            torch.triangular_solve(b, lower, upper=False)[0],
            linalg.inv(a),
            linalg.det(a),
            *linalg.slogdet(a),
            torch.logdet(a),
            q,
            r,
            linalg.qr(b, mode="complete")[0],
            linalg.qr(b.mT, mode="r")[1],
            linalg.householder_product(b, b[:, 0]),
            torch.ormqr(b, b[:, 0], b),
        )


class Spectra(nn.Module):
    """Eigenvalues and singular values, and what is made of them."""

    def forward(self, a: Any, b: Any) -> tuple[Any, ...]:
        return (
            *linalg.eigh(a),
            linalg.eigvalsh(a),
            *linalg.eig(a),
            linalg.eigvals(a),
            *linalg.svd(b),
            *torch.svd(b),
            linalg.svdvals(b),
            linalg.pinv(b),
            linalg.matrix_rank(b),
            linalg.cond(a),
            *(linalg.matrix_norm(b, order) for order in ("fro", "nuc", 1, -1, 2, -2, float("inf"))),
            linalg.norm(b[0], 2),
            linalg.matrix_power(a, 5),
            linalg.matrix_power(a, -3),
            linalg.cross(b[..., :3], b[..., :3]),
            linalg.vander(b[..., 0]),
        )


class Vectors(nn.Module):
    """Products of vectors, in a function of torch.cond too; what is no such product stays."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, a: Any, b: Any, z: Any) -> tuple[Any, ...]:
        return (
            a @ b,
            torch.dot(b, b),
            torch.vdot(b, b),
            linalg.vecdot(z, b),
            linalg.vecdot(z, z, dim=1),
            z @ b,
            self.layer(b),
            torch.addmv(a[:, 0], a, b),
            nn.functional.linear(z, b),
            torch.cond(b.sum() > 0, lambda x, y: x @ y, lambda x, y: x.sum(1) + y.sum(), (a, b)),
            (z * b).sum(-1),
        )


def matrices() -> tuple[Any, ...]:
    """Two square matrices, and two of 6 × 4."""
    return torch.empty(2, 6, 6), torch.empty(2, 6, 4)


def vectors() -> tuple[Any, ...]:
    """A matrix, a vector and a stack of matrices."""
    return torch.empty(16, 8), torch.empty(8), torch.empty(3, 4, 8)


POWERS = 2 * 5 * 6**3
"""A⁵ = A · (A²)² and A⁻³ = A⁻¹ · A⁻¹ · A⁻¹: 3 and 2 products of two matrices each."""

PRODUCTS = 128 + 8 + 8 + 96 + 96 + 96 + 64 + 128 + 96 + 128
"""Matrix and vector, dot and vdot, the two vecdots, the stack and the vector, a layer, addmv, linear, a branch."""

PROGRAMS = {
    "solvers": Program(Solvers, matrices),
    "solvers_decomposed": Program(Solvers, matrices, is_decomposed=True),
    "spectra": Program(Spectra, matrices, macs=POWERS),
    "spectra_decomposed": Program(Spectra, matrices, macs=POWERS, is_decomposed=True),
    "vectors": Program(Vectors, vectors, macs=PRODUCTS),
    "vectors_decomposed": Program(Vectors, vectors, macs=PRODUCTS, is_decomposed=True),
}
