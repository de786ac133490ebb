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

from costcalc.core.assumptions import require_at_least
from costcalc.core.dim import Dim, Poly, bounds
from costcalc.core.errors import CostcalcError, ShapeError
from costcalc.core.formula import Cost
from costcalc.core.ir import EMPTY_OPTIONAL, DType, SequenceType, TensorType, Value
from costcalc.core.traits import traits

MS = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""

Types = Sequence[TensorType | None]

ShapeResult = TensorType | tuple[TensorType, ...]


class OperatorRule(NamedTuple):
    """A function and its signature: the keyword names that it accepts, those without a default (required), whether it
    takes any number of inputs, how many at most (arity) and at least, the positions of inputs that may not be absent,
    and whether those behind the arity may not."""

    function: Callable[..., Any]
    accepts: frozenset[str]
    variadic: bool
    arity: int
    required: frozenset[str] = frozenset()
    min_inputs: int = 0
    required_inputs: tuple[int, ...] = ()
    requires_rest: bool = False


SHAPE_RULES: dict[tuple[str, str], OperatorRule] = {}

COST_RULES: dict[tuple[str, str], OperatorRule] = {}

VALUE_RULES: dict[tuple[str, str], OperatorRule] = {}

FREE_OPS: set[tuple[str, str]] = set()

UNKNOWN_REASONS: dict[tuple[str, str], str] = {}
"""Why an operator has no cost rule, where that is known."""

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
    count, variadic = code.co_argcount, bool(code.co_flags & 0x04)
    rest = str(function.__annotations__.get(code.co_varnames[count + len(names)], "")) if variadic else ""
    requires_rest = rest != "" and "None" not in rest
    return OperatorRule(
        function, frozenset(names), variadic, count, required, min_inputs, required_inputs, requires_rest
    )


def shape_rule(*op_types: str, domain: str = "") -> Callable[[ShapeFunction], ShapeFunction]:
    """Registers a function (input types; attributes) -> output type or tuple of output types."""

    def register(function: ShapeFunction) -> ShapeFunction:
        SHAPE_RULES.update(dict.fromkeys([(domain, name) for name in op_types], _inspect_rule(function)))
        return function

    return register


def cost_rule(*op_types: str, domain: str = "") -> Callable[[CostFunction], CostFunction]:
    """Registers a function (input types; attributes, out, outs) -> Cost, or None where the cost depends on values that
    are not known. Its docstring states the formula."""

    def register(function: CostFunction) -> CostFunction:
        COST_RULES.update(dict.fromkeys([(domain, name) for name in op_types], _inspect_rule(function)))
        return function

    return register


def value_rule(*op_types: str, domain: str = "") -> Callable[[ValueFunction], ValueFunction]:
    """Registers a function (input types; attributes, out) -> the output's elements, or None where they are not known.
    It is called only where the output is a small tensor."""

    def register(function: ValueFunction) -> ValueFunction:
        VALUE_RULES.update(dict.fromkeys([(domain, name) for name in op_types], _inspect_rule(function)))
        return function

    return register


def free(*op_types: str, domain: str = "", view: bool = False) -> None:
    """Registers operators that do no arithmetic; a view shares its first input's memory."""
    FREE_OPS.update((domain, name) for name in op_types)
    if view:
        traits(*op_types, domain=domain, view=True)


def declare_unknown(reason: str, *op_types: str, domain: str = "") -> None:
    """Declares why operators have no cost rule: a clause without a subject."""
    UNKNOWN_REASONS.update(((domain, name), reason) for name in op_types)


def operands(*op_types: str, domain: str = "", weights: Sequence[int] = (), buffers: Sequence[int] = ()) -> None:
    """Declares which inputs are weights (a float constant there is a parameter) and which are buffers (running
    statistics, scales, zero points: stored, but not learned)."""
    traits(*op_types, domain=domain, weights=frozenset(weights), buffers=frozenset(buffers))


def describe(sentence: str, *op_types: str, domain: str = "") -> None:
    """Declares in a sentence what operators do, for `costcalc explain`."""
    traits(*op_types, domain=domain, sentence=sentence)


def infer_types(
    rule: OperatorRule, inputs: Types, attributes: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[TensorType, ...]:
    """A shape rule and a node's input types, attributes and context -> its output types. ShapeError as call_rule, and
    where a result is no type, or an extent is below 0 or no whole number; an extent that may be below 0 for some values
    of its symbols is assumed not to be."""
    result = call_rule(rule, inputs, attributes, context)
    types = (result,) if isinstance(result, TensorType) else result
    if not isinstance(types, tuple) or not all(isinstance(t, TensorType) for t in types):
        raise ShapeError(f"its shape rule gives {result!r}", "a shape rule gives a TensorType, or a tuple of them")
    for t in types:
        _check_extents(t)
    return types


def _check_extents(t: TensorType) -> None:
    if not isinstance(t.dtype, DType):
        raise ShapeError(f"the element type of its output is {t.dtype!r}", "give a DType")
    if t.dtype is DType.UNDEFINED and t.shape is not None and t != EMPTY_OPTIONAL:
        raise ShapeError("the element type of its output is none of ONNX's", "correct its attributes")
    for d in t.shape or ():
        if type(d) is int:
            if d < 0:
                raise ShapeError(f"an extent of its output is {d}", "no extent is below 0: correct the node")
        elif not isinstance(d, Poly):
            raise ShapeError(f"an extent of its output is {d!r}, no whole number", "give shapes as integer tensors")
        elif min(d.terms.values()) < 0:
            require_at_least(d, 0, f"an extent of its output is {d}", "no extent is below 0: correct the node")
    if isinstance(t, SequenceType):
        for item in t.value or ():
            _check_extents(item)


def infer_value(
    rule: OperatorRule, inputs: Types, attributes: Mapping[str, Any], context: Mapping[str, Any]
) -> Value | None:
    """A value rule and a node's input types, attributes and context (with `out`, its type) -> the elements of its
    output; None where they are not known. ShapeError as call_rule, and where an element of an integer tensor is a
    decimal number."""
    value: Value | None = call_rule(rule, inputs, attributes, context)
    if value is not None and context["out"].dtype.is_integer and float in map(type, value):
        raise ShapeError("an element of its output is no whole number", "give integer tensors")
    return value


def infer_cost(
    rule: OperatorRule, inputs: Types, attributes: Mapping[str, Any], context: Mapping[str, Any]
) -> Cost | None:
    """A cost rule and a node's input types, attributes and context -> its Cost; None where it depends on values that
    are not known. ShapeError as call_rule, and where an amount is below 0 or no whole number."""
    cost = call_rule(rule, inputs, attributes, context)
    if cost is None:
        return None
    if not isinstance(cost, Cost):
        raise ShapeError(f"its cost rule gives {cost!r}", "a cost rule gives a Cost, or None")
    for formula in (cost.macs, *(work.formula for work in cost.work)):
        for amount in (term.value for term in formula.terms):
            if type(amount) is not int and not isinstance(amount, Poly):
                raise ShapeError(f"its cost holds {amount!r}, no whole number", "correct the node, or its rule")
            is_below = amount < 0 if isinstance(amount, int) else _is_below_zero(amount)
            if is_below:
                raise ShapeError(f"its cost holds {amount}", "no cost is below 0: correct the node, or its rule")
    return cost


def _is_below_zero(amount: Poly) -> bool:
    return max(amount.terms.values()) < 0 or (min(amount.terms.values()) < 0 and bounds(amount)[1] < 0)


def call_rule(rule: OperatorRule, inputs: Types, attributes: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
    """A rule, a node's input types, attributes and context -> the rule's result. ShapeError where an attribute or an
    input is missing, there are too many inputs, or the rule fails."""
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
    rest = range(rule.arity, count) if rule.requires_rest and None in inputs else ()
    for position in (*rule.required_inputs, *rest):
        if inputs[position] is None:
            raise ShapeError(f"input {position + 1} is left out, which the operator needs", "give it")
    try:
        return rule.function(*inputs, **keywords)
    except (CostcalcError, MemoryError, RecursionError):
        raise
    except Exception as error:
        fact = f"its rule {rule.function.__name__} fails with {type(error).__name__}: {error}"
        raise ShapeError(fact, "the node is malformed, or the rule is wrong: --debug shows where") from error


def unknown_reason(domain: str, op_type: str) -> str:
    """Why an operator has no cost rule; "" where it has one, and where nothing is declared."""
    key = (domain, op_type)
    return "" if key in COST_RULES or key in FREE_OPS else UNKNOWN_REASONS.get(key, "")


def rule_state(domain: str, op_type: str) -> str:
    """An operator -> `costed`, `free`, `shape only` or `unknown`."""
    key = (domain, op_type)
    if key in COST_RULES:
        return "costed"
    if key in FREE_OPS:
        return "free"
    return "shape only" if key in SHAPE_RULES else "unknown"
