"""The stable import path of authors of operator rules and of front ends: these names stay when modules move.

A rule file (`--rules FILE`) or a package under the entry-point groups `costcalc.rules` and `costcalc.frontends` imports
from here only. Rules: shape_rule, cost_rule, value_rule, least_work_rule and traits register them; they work on
TensorTypes and give Costs. Front ends: an object like Frontend reads a Source into Loaded(graph), which a GraphBuilder
makes.
"""

from __future__ import annotations

from costcalc.core.assumptions import collect_assumptions as collect_assumptions
from costcalc.core.assumptions import require_at_least, require_equal
from costcalc.core.dim import Dim, maximum, minimum, prod, symbol
from costcalc.core.errors import CostcalcError, LoadError, ShapeError, UnknownNameError, UsageError
from costcalc.core.formula import (
    Cost,
    Factor,
    Formula,
    Product,
    contraction,
    elementwise_work,
    formula,
    product,
    product_factor,
    sum_of_products,
)
from costcalc.core.ir import DType, Graph, Node, SequenceType, TensorType
from costcalc.core.registry import FreshSymbol, cost_rule, describe, free, operands, shape_rule, value_rule
from costcalc.core.traits import (
    PRODUCT_GRADIENT,
    Contraction,
    LeastWork,
    OperatorUse,
    PackedInputs,
    Traits,
    contraction_gradient,
    gradient_rule,
    least_work_rule,
    traits,
)
from costcalc.frontends.frontend import Frontend, Loaded, ParametricFrontend
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.common.axes import broadcast, normalise_axis

__all__ = [
    "PRODUCT_GRADIENT",
    "Contraction",
    "Cost",
    "CostcalcError",
    "DType",
    "Dim",
    "Factor",
    "Formula",
    "FreshSymbol",
    "Frontend",
    "Graph",
    "GraphBuilder",
    "LeastWork",
    "LoadError",
    "Loaded",
    "Node",
    "OperatorUse",
    "PackedInputs",
    "ParametricFrontend",
    "Product",
    "ReadOptions",
    "SequenceType",
    "ShapeError",
    "Source",
    "TensorType",
    "Traits",
    "UnknownNameError",
    "UsageError",
    "broadcast",
    "collect_assumptions",
    "contraction",
    "contraction_gradient",
    "cost_rule",
    "describe",
    "elementwise_work",
    "formula",
    "free",
    "gradient_rule",
    "least_work_rule",
    "maximum",
    "minimum",
    "normalise_axis",
    "operands",
    "prod",
    "product",
    "product_factor",
    "require_at_least",
    "require_equal",
    "shape_rule",
    "sum_of_products",
    "symbol",
    "traits",
    "value_rule",
]
