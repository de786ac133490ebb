"""(domain, op_type) -> the operator's rules, pure functions on types: shape rule, cost rule and value rule.

A shape rule gives output types, a cost rule a Cost, a value rule the elements of a small integer output. An operator
without arithmetic is registered as free: one without a cost rule is unknown, and never counted as 0. Other properties
of an operator are its traits (costcalc.core.traits).

A rule's positional parameters are the operator's ONNX inputs (None where an optional one is absent), its keyword-only
parameters are the ONNX attributes it needs, with ONNX's defaults; and, where it names them: `opset` (the domain's
version), `n_outputs` (how many outputs the node names), in shape rules `fresh` (a function from a word to a new symbol,
for an extent that depends on data), in cost and value rules `out` (the first output's type) and in cost rules `outs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost
from costcalc.core.ir import TensorType, Value
from costcalc.core.traits import traits

Types = Sequence[TensorType | None]

ShapeResult = TensorType | tuple[TensorType, ...]


class OperatorRule(NamedTuple):
    """A function and its signature: the keyword names that it accepts, those without a default (required), whether it
    takes any number of inputs, how many at most (arity) and at least, and the positions of inputs that may not be
    absent."""

    function: Callable[..., Any]
    accepts: frozenset[str]
    variadic: bool
    arity: int
    required: frozenset[str] = frozenset()
    min_inputs: int = 0
    required_inputs: tuple[int, ...] = ()


SHAPE_RULES: dict[tuple[str, str], OperatorRule] = {}

COST_RULES: dict[tuple[str, str], OperatorRule] = {}

VALUE_RULES: dict[tuple[str, str], OperatorRule] = {}

FREE_OPS: set[tuple[str, str]] = set()

FreshSymbol = Callable[..., Dim]
"""(word, largest value or None) -> a new symbol named after the node, for an extent that depends on data: the type
of the parameter `fresh` of shape rules."""

ShapeFunction = Callable[..., ShapeResult]

CostFunction = TypeVar("CostFunction", bound=Callable[..., "Cost | None"])

ValueFunction = Callable[..., "Value | None"]

CONTEXT = frozenset(("opset", "n_outputs", "fresh", "out", "outs"))
"""Keyword parameters of rules that are not attributes."""


def _inspect_rule(function: Callable[..., Any]) -> OperatorRule:
    code = function.__code__
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    required = frozenset(names).difference(function.__kwdefaults__ or (), CONTEXT)
    min_inputs = code.co_argcount - len(function.__defaults__ or ())
    hints = [str(function.__annotations__.get(name, "")) for name in code.co_varnames[:min_inputs]]
    required_inputs = tuple(i for i, hint in enumerate(hints) if "None" not in hint)
    variadic = bool(code.co_flags & 0x04)
    return OperatorRule(function, frozenset(names), variadic, code.co_argcount, required, min_inputs, required_inputs)


def shape_rule(*op_types: str, domain: str = "") -> Callable[[ShapeFunction], ShapeFunction]:
    """Registers a function (input types; attributes) -> output type or tuple of output types."""

    def register(function: ShapeFunction) -> ShapeFunction:
        for name in op_types:
            SHAPE_RULES[domain, name] = _inspect_rule(function)
        return function

    return register


def cost_rule(*op_types: str, domain: str = "") -> Callable[[CostFunction], CostFunction]:
    """Registers a function (input types; attributes, out, outs) -> Cost, or None where the cost depends on values that
    are not known. Its docstring states the formula."""

    def register(function: CostFunction) -> CostFunction:
        for name in op_types:
            COST_RULES[domain, name] = _inspect_rule(function)
        return function

    return register


def value_rule(*op_types: str, domain: str = "") -> Callable[[ValueFunction], ValueFunction]:
    """Registers a function (input types; attributes, out) -> the output's elements, or None where they are not known.
    It is called only where the output is a small tensor."""

    def register(function: ValueFunction) -> ValueFunction:
        for name in op_types:
            VALUE_RULES[domain, name] = _inspect_rule(function)
        return function

    return register


def free(*op_types: str, domain: str = "", view: bool = False) -> None:
    """Registers operators that do no arithmetic; a view shares its first input's memory."""
    FREE_OPS.update((domain, name) for name in op_types)
    if view:
        traits(*op_types, domain=domain, view=True)


def operands(*op_types: str, domain: str = "", weights: Sequence[int] = (), buffers: Sequence[int] = ()) -> None:
    """Declares which inputs are weights (a float constant there is a parameter) and which are buffers (running
    statistics, scales, zero points: stored, but not learned)."""
    traits(*op_types, domain=domain, weights=frozenset(weights), buffers=frozenset(buffers))


def describe(sentence: str, *op_types: str, domain: str = "") -> None:
    """Declares in a sentence what operators do, for `costcalc explain`."""
    traits(*op_types, domain=domain, sentence=sentence)


def call_rule(rule: OperatorRule, inputs: Types, attributes: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
    """A rule, a node's input types, attributes and context -> the rule's result. ShapeError where an attribute or an
    input is missing, or there are too many inputs."""
    accepts = rule.accepts
    keywords = {k: v for k, v in attributes.items() if k in accepts} if attributes else {}
    keywords |= {k: v for k, v in context.items() if k in accepts}
    if rule.required and not rule.required <= keywords.keys():
        names = ", ".join(sorted(rule.required - keywords.keys()))
        raise ShapeError(f"the attribute {names} is missing", "give it")
    count, min_inputs = len(inputs), rule.min_inputs
    if count < min_inputs:
        raise ShapeError(f"{count} inputs are given, the operator needs {min_inputs}", "name them in `from:`")
    if count > rule.arity and not rule.variadic:
        raise ShapeError(f"{count} inputs are given, the operator takes {rule.arity}", "remove some")
    for position in rule.required_inputs:
        if inputs[position] is None:
            raise ShapeError(f"input {position + 1} is left out, which the operator needs", "give it")
    return rule.function(*inputs, **keywords)


def rule_state(domain: str, op_type: str) -> str:
    """An operator -> `costed`, `free`, `shape only` or `unknown`."""
    key = (domain, op_type)
    if key in COST_RULES:
        return "costed"
    if key in FREE_OPS:
        return "free"
    return "shape only" if key in SHAPE_RULES else "unknown"
