"""TensorFlow Lite's operators that compute what one of ONNX's does: its rules and traits, under the name in the file.

A fused activation adds one operation per output. Operators that rescale quantised data count as ONNX Runtime's QLinear
operators do: per input one subtraction and one multiplication, per output one multiplication and one addition.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from costcalc.core.formula import Cost
from costcalc.core.ir import TensorType
from costcalc.core.registry import COST_RULES, FREE_OPS, SHAPE_RULES, VALUE_RULES, OperatorRule
from costcalc.core.traits import TRAITS, traits
from costcalc.ops import activation as activation_rules  # noqa: F401  their rules
from costcalc.ops import (  # noqa: F401  their rules
    creation,
    elementwise,
    indexing,
    join_split,
    layout,
    reduce,
    reshape,
    softmax,
    unary,
)
from costcalc.ops.contrib.quantized import quantised_work
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import activation_work, is_quantised

OPSET = 23
"""The version of ONNX whose rules are taken."""

FUNCTIONS = {
    "ABS": "Abs",
    "CEIL": "Ceil",
    "COS": "Cos",
    "ELU": "Elu",
    "EXP": "Exp",
    "FLOOR": "Floor",
    "GELU": "Gelu",
    "HARD_SWISH": "HardSwish",
    "LEAKY_RELU": "LeakyRelu",
    "LOG": "Log",
    "LOGICAL_NOT": "Not",
    "LOGISTIC": "Sigmoid",
    "NEG": "Neg",
    "RELU": "Relu",
    "RELU6": "Clip",
    "RELU_0_TO_1": "Clip",
    "RELU_N1_TO_1": "Clip",
    "ROUND": "Round",
    "SIGN": "Sign",
    "SIN": "Sin",
    "SQRT": "Sqrt",
    "TANH": "Tanh",
    "STABLEHLO_ABS": "Abs",
    "STABLEHLO_COSINE": "Cos",
    "STABLEHLO_EXPONENTIAL": "Exp",
    "STABLEHLO_FLOOR": "Floor",
    "STABLEHLO_LOG": "Log",
    "STABLEHLO_LOGISTIC": "Sigmoid",
    "STABLEHLO_NEGATE": "Neg",
    "STABLEHLO_TANH": "Tanh",
}
"""Operators on each element of one tensor."""

ARITHMETIC = {
    "ADD": "Add",
    "BITWISE_XOR": "BitwiseXor",
    "DIV": "Div",
    "EQUAL": "Equal",
    "FLOOR_DIV": "Div",
    "FLOOR_MOD": "Mod",
    "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterOrEqual",
    "LESS": "Less",
    "LESS_EQUAL": "LessOrEqual",
    "LOGICAL_AND": "And",
    "LOGICAL_OR": "Or",
    "MAXIMUM": "Max",
    "MINIMUM": "Min",
    "MUL": "Mul",
    "NOT_EQUAL": "Equal",
    "POW": "Pow",
    "PRELU": "PRelu",
    "RIGHT_SHIFT": "BitShift",
    "SELECT_V2": "Where",
    "SUB": "Sub",
    "STABLEHLO_ADD": "Add",
    "STABLEHLO_AND": "And",
    "STABLEHLO_DIVIDE": "Div",
    "STABLEHLO_MAXIMUM": "Max",
    "STABLEHLO_MINIMUM": "Min",
    "STABLEHLO_MULTIPLY": "Mul",
    "STABLEHLO_OR": "Or",
    "STABLEHLO_POWER": "Pow",
    "STABLEHLO_REMAINDER": "Mod",
    "STABLEHLO_SELECT": "Where",
    "STABLEHLO_SHIFT_LEFT": "BitShift",
    "STABLEHLO_SUBTRACT": "Sub",
}
"""Operators on the elements of several tensors at each place, with broadcasting."""

COMBINATIONS = {
    "ADD_N": "Sum",
    "BROADCAST_TO": "Expand",
    "CONCATENATION": "Concat",
    "CUMSUM": "CumSum",
    "GATHER_ND": "GatherND",
    "LOG_SOFTMAX": "LogSoftmax",
    "MEAN": "ReduceMean",
    "RANGE": "Range",
    "REDUCE_MAX": "ReduceMax",
    "REDUCE_MIN": "ReduceMin",
    "REDUCE_PROD": "ReduceProd",
    "SHAPE": "Shape",
    "SOFTMAX": "Softmax",
    "SUM": "ReduceSum",
    "TILE": "Tile",
    "STABLEHLO_CONCATENATE": "Concat",
    "STABLEHLO_TRANSPOSE": "Transpose",
}
"""Operators on whole tensors whose inputs and attributes are ONNX's."""

RESCALED = frozenset(
    ("ADD", "DIV", "ELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "MEAN", "MUL", "SOFTMAX", "SUB", "SUM", "TANH")
)
"""Operators whose quantised inputs and output have scales of their own."""

CLIPS = frozenset(("RELU6", "RELU_0_TO_1", "RELU_N1_TO_1"))
"""Operators whose bounds are in their names, where ONNX's Clip reads them."""

OTHER_VALUES = CLIPS | {"NOT_EQUAL", "RIGHT_SHIFT", "STABLEHLO_REMAINDER", "FLOOR_DIV"}
"""Operators that cost what their counterpart does, and give other elements."""


def _adapted(rule: OperatorRule) -> OperatorRule:
    """A rule of ONNX's operator -> the same for one version of ONNX."""
    if "opset" not in rule.accepts:
        return rule

    @wraps(rule.function)
    def function(*inputs: Any, **keywords: Any) -> Any:
        return rule.function(*inputs, **keywords, opset=OPSET)

    return rule._replace(function=function, accepts=rule.accepts - {"opset"})


def _fused(name: str, rule: OperatorRule) -> OperatorRule:
    """A cost rule -> the same with what a fused activation and quantised data add."""

    @wraps(rule.function)
    def function(*inputs: TensorType | None, activation: str = "", out: TensorType, **keywords: Any) -> Cost | None:
        given = {**keywords, "out": out} if "out" in rule.accepts else keywords
        cost: Cost | None = rule.function(*inputs, **given)
        if cost is None:
            return None
        rescaled = [t for t in inputs if t is not None and is_quantised(t)] if name in RESCALED else []
        more = quantised_work(rescaled, out) if rescaled and is_quantised(out) else ()
        return Cost(cost.macs, cost.work + more + activation_work(activation, out))

    return rule._replace(function=function, accepts=rule.accepts | {"out", "activation"})


def take_rules(name: str, counterpart: str, domain: str = TFLITE) -> None:
    """Registers ONNX's rules and traits of an operator under TensorFlow Lite's name for it, or that of a domain."""
    for rules in (SHAPE_RULES, VALUE_RULES):
        rule = rules.get(("", counterpart))
        if rule is not None and not (rules is VALUE_RULES and name in OTHER_VALUES):
            rules[domain, name] = _adapted(rule)
    cost = COST_RULES.get(("", counterpart))
    if cost is not None:
        COST_RULES[domain, name] = _fused(name, _adapted(cost))
    else:
        FREE_OPS.add((domain, name))
    is_same = name not in OTHER_VALUES or name in CLIPS
    TRAITS[domain, name] = TRAITS["", counterpart]._replace(counterpart=counterpart if is_same else "")


for _name, _counterpart in {**FUNCTIONS, **ARITHMETIC, **COMBINATIONS}.items():
    take_rules(_name, _counterpart)


traits("RELU6", "RELU_0_TO_1", domain=TFLITE, non_negative=True)
