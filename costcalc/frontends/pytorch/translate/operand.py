"""Operands of elementwise calls: scalars -> constants, tensors -> the type that is computed in, formulas -> nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from costcalc.core.dim import Poly
from costcalc.core.errors import LoadError
from costcalc.core.ir import DTYPE_OF_CODE, UNKNOWN, DType, TensorType
from costcalc.frontends.pytorch.program import REMEDY, ValueName
from costcalc.frontends.pytorch.translate.call import CallSite
from costcalc.ops.aten import ATEN
from costcalc.ops.common.axes import broadcast_types

Expression = Any
"""A formula over operands: the name of one, a number, or (ONNX operator, operands…), with its attributes as a last
tuple of (name, value) where it has any: ("Mul", "self", ("Sigmoid", "self"))."""

COMPLEX = frozenset((DType.COMPLEX64, DType.COMPLEX128))

LOGICAL = {
    "Add": "Or",
    "Mul": "And",
    "Max": "Or",
    "Min": "And",
    "BitwiseAnd": "And",
    "BitwiseOr": "Or",
    "BitwiseXor": "Xor",
    "BitwiseNot": "Not",
}
"""ONNX operator -> what it is of booleans, which ONNX's arithmetic does not take."""

COMPLEX_OPERATORS = {
    "Abs": "complex_abs",
    "Add": "complex_add",
    "Cos": "complex_function",
    "Cosh": "complex_function",
    "Div": "complex_div",
    "Equal": "complex_equal",
    "Exp": "complex_exp",
    "Log": "complex_function",
    "Mul": "complex_mul",
    "Neg": "complex_neg",
    "Pow": "complex_function",
    "Reciprocal": "complex_reciprocal",
    "Sigmoid": "complex_function",
    "Sin": "complex_function",
    "Sinh": "complex_function",
    "Sqrt": "complex_function",
    "Sub": "complex_add",
    "Tan": "complex_function",
    "Tanh": "complex_function",
}
"""ONNX operator -> its counterpart for complex numbers, which ONNX does not compute with."""

COMPLEX_SAME = frozenset(("Cast", "Not", "Where"))
"""Operators that do the same to complex numbers."""


def cast(call: CallSite, value: str, dtype: DType, suffix: str = "cast") -> str:
    """A value -> the same in an element type: itself, or a Cast's output. LoadError where a type is not known."""
    own = call.type(value).dtype
    if own is dtype:
        return value
    if DType.UNDEFINED in (own, dtype):
        raise LoadError(f"{call.target} has an element type that ONNX does not have", "write it in another type")
    return emit_cast(call, value, dtype, suffix)


def emit_cast(call: CallSite, value: str, dtype: DType, suffix: str = "", position: int = 0) -> str:
    """Adds the conversion of a value to an element type, as an output or, with a suffix, as an intermediate value."""
    outputs = None if suffix else [call.output(position)]
    if COMPLEX.isdisjoint((call.type(value).dtype, dtype)):
        return call.emit("Cast", [value], {"to": dtype.code}, outputs=outputs, suffix=suffix)
    types = [TensorType(dtype, call.type(value).shape)]
    return call.emit("complex_cast", [value], outputs=outputs, suffix=suffix, domain=ATEN, types=types)


def constant_element(value: Any, dtype: DType) -> Any:
    """A number of a call -> an element of a constant; None where it is not known, or no such element."""
    if value is None or isinstance(value, Poly):
        return value
    if dtype is DType.BOOL:
        return bool(value)
    if dtype.is_integer:
        return int(value) if math.isfinite(value) else None
    return float(value) if dtype.is_float else None


def add_scalar(call: CallSite, value: Any, dtype: DType, suffix: str) -> str:
    """A number -> a constant without axes."""
    if value is not None and not isinstance(value, (int, float, Poly)):
        raise LoadError(f"{suffix} of {call.target} is {value!r}, where a number is due", REMEDY)
    element = constant_element(value, dtype)
    return call.builder.add_constant(f"{call.name}.{suffix}", dtype, (), None if element is None else (element,))


def has_tensor(call: CallSite, name: str) -> bool:
    """Whether an argument is a tensor, no number."""
    return isinstance(call.arguments.get(name), ValueName)


def read_operand(call: CallSite, name: str, dtype: DType, default: Any = None) -> str:
    """An argument, tensor or number, -> a value of this element type."""
    if has_tensor(call, name):
        return cast(call, call.tensor(name), dtype, f"{name}_cast")
    return add_scalar(call, call.get(name, default), dtype, name)


_CATEGORIES = {DType.BOOL: 0, DType.COMPLEX64: 3, DType.COMPLEX128: 3}


def _category(dtype: DType) -> int:
    return _CATEGORIES.get(dtype, 2 if dtype.is_float else 1)


def promoted_type(call: CallSite, *names: str) -> DType:
    """The element type that arguments are compared in, by PyTorch's rules: that of the highest category (bool, whole,
    decimal, complex number), where a number yields to a tensor without axes, and that to a tensor with axes; of two
    such the wider one."""
    ranked = []
    for name in names:
        value = call.arguments.get(name)
        if isinstance(value, ValueName):
            t = call.type(call.tensor(name))
            ranked.append((_category(t.dtype), 2 if t.shape else 1, t.dtype))
        else:
            dtype = DType.BOOL if value is True or value is False else DType.FLOAT32
            ranked.append((_category(dtype), 0, dtype) if not _is_whole(value) else (1, 0, DType.INT64))
    category, level = max((c, level) for c, level, _ in ranked)
    types = {dtype for c, n, dtype in ranked if (c, n) == (category, level)}
    if types in ({DType.FLOAT16, DType.BFLOAT16}, {DType.UINT8, DType.INT8}):
        return DType.FLOAT32 if category == 2 else DType.INT16
    return max(types, key=lambda dtype: dtype.bits)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Poly) or (isinstance(value, int) and not isinstance(value, bool))


class ExpressionNodes:
    """Adds the nodes of formulas over operands to a call, each subformula once. dtype is the element type that is
    computed in, and that of the numbers in a formula."""

    def __init__(self, call: CallSite, operands: Mapping[str, str], dtype: DType) -> None:
        self.call, self.operands, self.dtype = call, dict(operands), dtype
        self.values: dict[Expression, str] = {}
        self.counts: dict[str, int] = {}

    def output(self, expression: Expression, position: int = 0) -> None:
        """Adds a formula as an output of the call, in the type that the program says it has."""
        call = self.call
        dtype = call.out_type(position).dtype
        if isinstance(expression, str):
            expression = self.operands[expression]
            if call.type(expression).dtype is dtype:
                call.alias(expression, position)
                return
            emit_cast(call, expression, dtype, position=position)
            return
        operator, inputs, attributes = self._read(expression)
        if self._result_type(operator, attributes) is dtype:
            self._emit(operator, inputs, attributes, position)
        else:  # an in-place form keeps the type of its tensor
            emit_cast(call, self.value(expression), dtype, position=position)

    def value(self, expression: Expression) -> str:
        """Adds a formula as an intermediate value, and returns its name."""
        if isinstance(expression, str):
            return self.operands[expression]
        found = self.values.get(expression)
        if found is None:
            if isinstance(expression, tuple):
                operator, inputs, attributes = self._read(expression)
                found = self._emit(operator, inputs, attributes, None)
            else:
                found = add_scalar(self.call, expression, self.dtype, self._suffix("constant"))
            self.values[expression] = found
        return found

    def _read(self, expression: Expression) -> tuple[str, list[str], dict[str, Any]]:
        operator, *inputs = expression
        attributes: dict[str, Any] = {}
        if inputs and isinstance(inputs[-1], tuple) and isinstance(inputs[-1][0], tuple):
            attributes = dict(inputs.pop())
        return operator, [self.value(item) if item != "" else "" for item in inputs], attributes

    def _result_type(self, operator: str, attributes: Mapping[str, Any]) -> DType:
        if operator in _TESTS:
            return DType.BOOL
        if operator == "Cast":
            return DTYPE_OF_CODE[attributes["to"]]
        return _PARTS.get(self.dtype, self.dtype) if operator == "Abs" else self.dtype

    def _suffix(self, word: str) -> str:
        number = self.counts[word] = self.counts.get(word, 0) + 1
        return word if number == 1 else f"{word}_{number}"

    def _emit(self, operator: str, inputs: list[str], attributes: dict[str, Any], position: int | None) -> str:
        call = self.call
        suffix = "" if position == 0 else self._suffix(operator.lower())
        outputs = None if position is None else [call.output(position)]
        if self.dtype is DType.BOOL:
            operator = LOGICAL.get(operator, operator)
        if self.dtype in COMPLEX and operator not in COMPLEX_SAME:
            name = COMPLEX_OPERATORS.get(operator)
            if name is None:
                raise LoadError(f"{call.target} of complex numbers", "the operator has no rule for them")
            types = [call.type(name) for name in inputs if name]
            out = TensorType(self._result_type(operator, attributes), broadcast_types(*types))
            return call.emit(name, inputs, attributes, outputs=outputs, suffix=suffix, domain=ATEN, types=[out])
        return call.emit(operator, inputs, attributes, outputs=outputs, suffix=suffix)


_PARTS = {DType.COMPLEX64: DType.FLOAT32, DType.COMPLEX128: DType.FLOAT64}

_TESTS = frozenset(
    ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf")
)
"""Operators that give booleans."""


def emit_own(call: CallSite, name: str, *inputs: str, attributes: Mapping[str, Any] | None = None) -> None:
    """Adds a node of an operator without a counterpart in ONNX, which gives all outputs of the call."""
    types = [call.out_type(i) if output else UNKNOWN for i, output in enumerate(call.outputs)]
    call.emit(name, inputs, attributes, domain=ATEN, types=types)
