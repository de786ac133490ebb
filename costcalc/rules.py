"""The names that authors of operator rules and front ends may rely on; they stay when modules in the package move.

A rule file (`--rules FILE`) or a package under the entry-point groups `costcalc.rules` and `costcalc.frontends` imports
from here only.
"""

from __future__ import annotations

from costcalc.build import GraphBuilder
from costcalc.core.traits import FIRST_TWO, Contraction, Traits, gradient_rule, sides, traits
from costcalc.dim import Dim, maximum, minimum, prod
from costcalc.errors import LoadError, ShapeError, UnknownNameError
from costcalc.formula import Cost, contraction, formula, per, product, total
from costcalc.frontends import Frontend, Loaded, ParametricFrontend, ReadOptions, Source
from costcalc.ir import DType, Graph, Node, TensorType
from costcalc.registry import cost_rule, describe, free, operands, shape_rule, value_rule

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
