"""The names that authors of operator rules and front ends may rely on; they stay when modules in the package move.

A rule file (`--rules FILE`) or a package under the entry-point groups `costcalc.rules` and `costcalc.frontends` imports
from here only.
"""

from __future__ import annotations

from costcalc.core.dim import Dim, maximum, minimum, prod
from costcalc.core.errors import LoadError, ShapeError, UnknownNameError
from costcalc.core.formula import Cost, contraction, formula, per, product, total
from costcalc.core.ir import DType, Graph, Node, TensorType
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule, value_rule
from costcalc.core.traits import FIRST_TWO, Contraction, Traits, gradient_rule, sides, traits
from costcalc.frontends.frontend import Frontend, Loaded, ParametricFrontend
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source
from costcalc.graph.builder import GraphBuilder

__all__ = [
    "FIRST_TWO",
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
    "cost_rule",
    "describe",
    "formula",
    "free",
    "gradient_rule",
    "maximum",
    "minimum",
    "operands",
    "per",
    "prod",
    "product",
    "shape_rule",
    "sides",
    "total",
    "traits",
    "value_rule",
]
