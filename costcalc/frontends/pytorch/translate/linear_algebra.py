"""Factorisations and solvers of linear systems: ATen's calls -> nodes of ATen's own operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from costcalc.core.errors import LoadError
from costcalc.frontends.pytorch.translate.call import TRANSLATIONS, CallSite, Translation, translates
from costcalc.frontends.pytorch.translate.operand import emit_own
from costcalc.ops.aten import ATEN


class Solver(NamedTuple):
    """An operator of the domain `aten`, the arguments that are its inputs, and its attributes."""

    name: str
    inputs: tuple[str, ...]
    attributes: Callable[[CallSite], Mapping[str, Any]] = lambda call: {}


def _left(call: CallSite) -> Mapping[str, Any]:
    return {"left": int(call.flag("left", True))}


def _vectors(call: CallSite) -> Mapping[str, Any]:
    return {"vectors": int(call.flag("compute_v", True))}


def _singular_vectors(call: CallSite) -> Mapping[str, Any]:
    """linalg_svd gives all vectors unless told, svd the first ones; either may give none."""
    is_full = call.flag("full_matrices", call.operator == "linalg_svd") or not call.flag("some", True)
    return {"vectors": "none" if not call.flag("compute_uv", True) else "all" if is_full else "thin"}


def _symmetric(call: CallSite) -> Mapping[str, Any]:
    return {"symmetric": int(call.flag("hermitian"))}


SOLVERS: Mapping[str, Solver] = {
    "linalg_cholesky linalg_cholesky_ex cholesky": Solver("cholesky", ("self",)),
    "cholesky_inverse": Solver("cholesky_inverse", ("self",)),
    "cholesky_solve": Solver("cholesky_solve", ("self", "input2")),
    "linalg_lu linalg_lu_factor linalg_lu_factor_ex": Solver("lu_factor", ("A",)),
    "_lu_with_info": Solver("lu_factor", ("self",)),
    "lu_unpack": Solver("lu_unpack", ("LU_data", "LU_pivots")),
    "linalg_lu_solve": Solver("lu_solve", ("LU", "pivots", "B"), _left),
    "lu_solve": Solver("lu_solve", ("LU_data", "LU_pivots", "self")),
    "linalg_solve linalg_solve_ex _linalg_solve_ex": Solver("solve", ("A", "B"), _left),
    "linalg_solve_triangular": Solver("solve_triangular", ("self", "B"), _left),
    "triangular_solve": Solver("solve_triangular", ("A", "self")),
    "linalg_inv linalg_inv_ex": Solver("inverse", ("A",)),
    "inverse": Solver("inverse", ("self",)),
    "linalg_det _linalg_det": Solver("determinant", ("A",)),
    "det": Solver("determinant", ("self",)),
    "linalg_slogdet _linalg_slogdet": Solver("determinant", ("A",), lambda call: {"logarithm": 1}),
    "slogdet logdet": Solver("determinant", ("self",), lambda call: {"logarithm": 1}),
    "linalg_qr": Solver("qr", ("A",), lambda call: {"mode": call.get("mode", "reduced")}),
    "geqrf": Solver("qr", ("self",), lambda call: {"mode": "r"}),
    "linalg_householder_product": Solver("householder_product", ("input", "tau")),
    "orgqr": Solver("householder_product", ("self", "input2")),
    "ormqr": Solver("ormqr", ("self", "input2", "input3"), _left),
    "_linalg_eigh": Solver("symmetric_eigenvalues", ("A",), _vectors),
    "linalg_eigh": Solver("symmetric_eigenvalues", ("self",)),
    "linalg_eigvalsh": Solver("symmetric_eigenvalues", ("self",), lambda call: {"vectors": 0}),
    "linalg_eig": Solver("eigenvalues", ("self",)),
    "linalg_eigvals _linalg_eigvals": Solver("eigenvalues", ("self",), lambda call: {"vectors": 0}),
    "linalg_svd _linalg_svd": Solver("singular_values", ("A",), _singular_vectors),
    "svd": Solver("singular_values", ("self",), _singular_vectors),
    "linalg_svdvals": Solver("singular_values", ("A",), lambda call: {"vectors": "none"}),
    "linalg_pinv pinverse": Solver("pinv", ("self",), _symmetric),
    "linalg_matrix_rank": Solver("matrix_rank", ("self",), _symmetric),
    "linalg_matrix_rank.atol_rtol_tensor": Solver("matrix_rank", ("input",), _symmetric),
    "linalg_cross cross": Solver("cross", ("self", "other")),
    "linalg_vander vander": Solver("vander", ("x",)),
    "linalg_matrix_exp matrix_exp": Solver("matrix_exp", ("self",)),
}
"""ATen's operators -> what they are."""


def _bind(solver: Solver) -> Translation:
    def translate(call: CallSite) -> None:
        inputs = [call.tensor(name) for name in solver.inputs]
        emit_own(call, solver.name, *inputs, attributes=solver.attributes(call))

    return translate


for _names, _solver in SOLVERS.items():
    for _name in _names.split():
        TRANSLATIONS[f"aten.{_name}"] = _bind(_solver)


@translates("linalg_matrix_power", "matrix_power")
def matrix_power(call: CallSite) -> None:
    """A product of so many equal matrices, by squares; of a negative power the inverse's."""
    x, power = call.tensor("self"), call.integer("n")
    if power == 0:
        emit_own(call, "eye")
        return
    if power < 0:
        x = call.emit("inverse", [x], suffix="inverse", domain=ATEN, types=[call.type(x)])
    products = _multiplications(abs(power))
    values = [x]
    for i, (first, second) in enumerate(products):
        suffix = "" if i == len(products) - 1 else f"product{i + 1}"
        values.append(call.emit("MatMul", [values[first], values[second]], suffix=suffix))
    if not products:
        call.alias(x)


def _multiplications(power: int) -> list[tuple[int, int]]:
    """An exponent -> the products that give it, of values by number: 0 is the matrix, 1 the first product. PyTorch
    multiplies by squares from the lowest bit on; 3 is A² · A."""
    if power == 3:
        return [(0, 0), (1, 0)]
    products: list[tuple[int, int]] = []
    square, result = 0, -1
    while power:
        if power & 1:
            if result < 0:
                result = square
            else:
                products.append((result, square))
                result = len(products)
        power >>= 1
        if power:
            products.append((square, square))
            square = len(products)
    return products


@translates("linalg_cond", "nuclear_norm")
def singular_norm(call: CallSite) -> None:
    """The greatest singular value divided by the least, or their sum."""
    if call.operator == "linalg_cond" and call.get("p", 2) not in (2, -2):
        raise LoadError(f"{call.target} with p = {call.get('p')!r}", "costcalc follows p = 2 and -2")
    emit_own(call, "singular_norm", call.tensor("self"))
