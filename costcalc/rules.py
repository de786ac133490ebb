"""The names that authors of operator rules may rely on; they stay where modules inside the package move.

A rule file (`--rules FILE`) or a package under the entry-point group `costcalc.rules` imports from here only.
"""

from __future__ import annotations

from costcalc.dim import Dim, maximum, minimum, prod
from costcalc.errors import ShapeError
from costcalc.formula import Cost, contraction, formula, per, product, total
from costcalc.ir import DType, TensorType
from costcalc.registry import cost_rule, describe, free, operands, shape_rule, value_rule

__all__ = [
    "Cost",
    "DType",
    "Dim",
    "ShapeError",
    "TensorType",
    "contraction",
    "cost_rule",
    "describe",
    "formula",
    "free",
    "maximum",
    "minimum",
    "operands",
    "per",
    "prod",
    "product",
    "shape_rule",
    "total",
    "value_rule",
]
