"""The names that authors of operator rules and front ends may rely on; they stay when modules in the package move.

A rule file (`--rules FILE`) or a package under the entry-point groups `costcalc.rules` and `costcalc.frontends` imports
from here only.
"""

from __future__ import annotations

from costcalc.core.dim import Dim, maximum, minimum, prod
from costcalc.core.errors import LoadError, ShapeError, UnknownNameError
from costcalc.core.formula import Cost, contraction, elementwise_work, formula, product, sum_of_products
from costcalc.core.ir import DType, Graph, Node, TensorType
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule, value_rule
from costcalc.core.traits import PRODUCT_GRADIENT, Contraction, Traits, contraction_gradient, gradient_rule, traits
from costcalc.frontends.frontend import Frontend, Loaded, ParametricFrontend
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source
from costcalc.graph.builder import GraphBuilder

__all__ = [
    "PRODUCT_GRADIENT",
    "Contraction",
    "Cost",
    "DType",
    "Dim",
    "Frontend",
    "Graph",
    "GraphBuilder",
    "LoadError",
    "Loaded",
    "Node",
    "ParametricFrontend",
    "ReadOptions",
    "ShapeError",
    "Source",
    "TensorType",
    "Traits",
    "UnknownNameError",
    "contraction",
    "contraction_gradient",
    "cost_rule",
    "describe",
    "elementwise_work",
    "formula",
    "free",
    "gradient_rule",
    "maximum",
    "minimum",
    "operands",
    "prod",
    "product",
    "shape_rule",
    "sum_of_products",
    "traits",
    "value_rule",
]
