"""Running sums and products along an axis."""

from __future__ import annotations

from itertools import accumulate

from costcalc.core.traits import traits
from costcalc.formula import Cost, per
from costcalc.ir import TensorType, Value
from costcalc.ops.arithmetic import ADD, MULTIPLY, Arithmetic, on_elements
from costcalc.registry import cost_rule, describe, shape_rule, value_rule

traits("CumSum", keeps="nothing")
describe("Sums the elements so far along an axis.", "CumSum")
describe("Multiplies the elements so far along an axis.", "CumProd")


@shape_rule("CumSum", "CumProd")
def cumulative_shape(x: TensorType, axis: TensorType) -> TensorType:
    """The input's type."""
    return TensorType(x.dtype, x.shape)


@cost_rule("CumSum")
def cumsum_cost(x: TensorType, axis: TensorType) -> Cost:
    """One addition per element."""
    return Cost(work=per("add", "reduction", x.elements))


@cost_rule("CumProd")
def cumprod_cost(x: TensorType, axis: TensorType) -> Cost:
    """One multiplication per element."""
    return Cost(work=per("multiply", "reduction", x.elements))


def _register_value(op_type: str, arithmetic: Arithmetic, neutral: int) -> None:
    @value_rule(op_type)
    def cumulative_value(x: TensorType, axis: TensorType, *, exclusive: int = 0, reverse: int = 0) -> Value | None:
        """The elements so far, combined; followed for vectors."""
        if x.value is None or x.shape is None or len(x.shape) != 1:
            return None
        function = on_elements(arithmetic, x.dtype)
        elements = x.value[::-1] if reverse else x.value
        if exclusive:
            elements = (neutral, *elements)[: len(elements)]
        result = tuple(accumulate(elements, lambda a, b: None if a is None else function(a, b)))
        return None if None in result else result[::-1] if reverse else result


_register_value("CumSum", ADD, 0)
_register_value("CumProd", MULTIPLY, 1)
