"""A call of an exported program, for the translation of its operator: arguments in, nodes of the graph out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from costcalc.core.dim import Dim, Poly, prod
from costcalc.core.errors import LoadError
from costcalc.core.ir import UNKNOWN, DType, TensorType
from costcalc.frontends.pytorch.program import REMEDY, Call, ValueName, namespace_of, operator_name, tensor_names
from costcalc.graph.builder import GraphBuilder

_A = TypeVar("_A")
_B = TypeVar("_B")


class Inliner(Protocol):
    """Adds the calls of a graph inside the program; knows which values of the program are read and how often, and the
    stored tensors that it keeps transposed."""

    @property
    def uses(self) -> Mapping[str, int]: ...

    @property
    def transposed(self) -> Collection[str]: ...

    def inline(self, graph: Any, arguments: Sequence[Any], prefix: str) -> tuple[Any, ...]: ...

    def is_read(self, output: str) -> bool: ...


class CallSite:
    """Where a call is translated. Values are named as in the graph; arguments by their names in the operator's schema,
    and what the program leaves out has the schema's default, which the translation names.

    operator is the name of the target's operator (`add` of `aten.add_.Tensor`). name, scope and place are those of the
    nodes that it adds; declared are the types of its outputs by the program, outputs their names in the graph, results
    those in the program.
    """

    __slots__ = (
        "arguments",
        "builder",
        "declared",
        "inliner",
        "name",
        "names",
        "operator",
        "outputs",
        "place",
        "results",
        "scope",
        "target",
    )

    def __init__(
        self,
        builder: GraphBuilder,
        call: Call,
        names: Mapping[str, str],
        outputs: tuple[str, ...],
        declared: tuple[TensorType | None, ...],
        inliner: Inliner,
        name: str,
        scope: tuple[str, ...],
        place: str,
    ) -> None:
        self.builder, self.target, self.arguments, self.names = builder, call.target, call.arguments, names
        self.operator = operator_name(call.target)
        self.outputs, self.declared, self.inliner, self.results = outputs, declared, inliner, call.outputs
        self.name, self.scope, self.place = name, scope, place

    def get(self, name: str, default: Any = None) -> Any:
        """An argument as the program has it; the default where it is left out."""
        value = self.arguments.get(name, default)
        return default if value is None else value

    def tensor(self, name: str) -> str:
        """The value of a tensor argument. LoadError where there is none."""
        value = self.optional_tensor(name)
        if not value:
            raise LoadError(f"{self.target} has no tensor {name!r}", REMEDY)
        return value

    def optional_tensor(self, name: str) -> str:
        """The value of a tensor argument; "" where it is left out, or no tensor."""
        value = self.arguments.get(name)
        return self.names.get(value, value) if isinstance(value, ValueName) else ""

    def tensors(self, name: str) -> tuple[str, ...]:
        """The values of a list of tensors; "" for one that is absent."""
        values = self.arguments.get(name)
        if not isinstance(values, tuple):
            raise LoadError(f"{self.target} has no list of tensors {name!r}", REMEDY)
        return tuple([self.names.get(v, v) if isinstance(v, ValueName) else "" for v in values])

    def tensor_inputs(self) -> tuple[str, ...]:
        """All tensors among the arguments, in order."""
        return tuple([self.names.get(name, name) for name in tensor_names(self.arguments.values())])

    def operands(self, count: int) -> tuple[str, ...]:
        """The first tensors among the arguments, so many. LoadError where there are fewer."""
        values = self.tensor_inputs()[:count]
        if len(values) < count:
            raise LoadError(f"{self.target} has {len(values)} tensors, where {count} are due", REMEDY)
        return values

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number that is known. LoadError where it is none, or open."""
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise LoadError(f"{name} of {self.target} is {value!r}, where a whole number is due", REMEDY)
        return value

    def dim(self, name: str, default: Dim | None = None) -> Dim:
        """A whole number, or an extent with symbols."""
        value = self.get(name, default)
        return value if isinstance(value, Poly) else self.integer(name, default if isinstance(default, int) else None)

    def ints(self, name: str, default: int | Sequence[int] | None = None, length: int = 0) -> tuple[int, ...]:
        """A list of whole numbers; one number, or a list of one, stands for `length` equal ones."""
        value = self.get(name, default)
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        if any(isinstance(v, bool) or not isinstance(v, int) for v in values):
            raise LoadError(f"{name} of {self.target} is {value!r}, where whole numbers are due", REMEDY)
        return values * length if len(values) == 1 and length > 1 else values

    def dims(self, name: str) -> tuple[Dim, ...]:
        """A list of extents."""
        value = self.get(name, ())
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        if any(isinstance(v, bool) or not isinstance(v, (int, Poly)) for v in values):
            raise LoadError(f"{name} of {self.target} is {value!r}, where extents are due", REMEDY)
        return values

    def number(self, name: str, default: float = 0.0) -> float:
        """A number; the default where it is a symbol, or no number."""
        value = self.get(name, default)
        return float(value) if isinstance(value, (int, float)) else default

    def flag(self, name: str, default: bool = False) -> bool:
        """true or false."""
        return bool(self.get(name, default))

    def type(self, value: str) -> TensorType:
        """The type of a value. LoadError where nothing computes it."""
        type_ = self.builder.types.get(value)
        if type_ is None:
            raise LoadError(f"{self.target} reads {value!r}, which nothing before it computes", REMEDY)
        return type_

    def shape(self, value: str, least: int = 0, most: int | None = None) -> tuple[Dim, ...]:
        """The shape of a value. LoadError where it is not known, or has fewer or more axes than the call takes."""
        shape = self.type(value).shape
        if shape is None:
            raise LoadError(f"the shape of {value!r} is not known", REMEDY)
        return self._of_rank(shape, least, most)

    def out_shape(self, position: int = 0, least: int = 0, most: int | None = None) -> tuple[Dim, ...]:
        """The shape that the program says an output has. LoadError where it says none, or one of fewer or more axes
        than the call gives."""
        return self._of_rank(self.out_type(position).shape or (), least, most)

    def _of_rank(self, shape: tuple[Dim, ...], least: int, most: int | None) -> tuple[Dim, ...]:
        if len(shape) < least or (most is not None and len(shape) > most):
            due = str(least) if least == most else f"at least {least}" if len(shape) < least else f"at most {most}"
            raise LoadError(f"a tensor of {self.target} has {len(shape)} axes, {due} are due", REMEDY)
        return shape

    def elements(self, value: str) -> Dim:
        """The number of elements of a value. LoadError where its shape is not known."""
        return prod(self.shape(value))

    def axis(self, name: str, value: str, default: int | None = None) -> int:
        """An axis of a value, counted from 0. LoadError where it has no such axis."""
        rank = max(len(self.shape(value)), 1)
        axis = self.integer(name, default)
        if not -rank <= axis < rank:
            raise LoadError(f"{name} of {self.target} is {axis}, the tensor has {rank} axes", REMEDY)
        return axis % rank

    def extent(self, value: str, axis: int) -> Dim:
        """The extent of a value along an axis, which may count from the end; of a tensor without axes it is 1, as
        PyTorch has it. LoadError where there is no such axis."""
        shape = self.shape(value) or (1,)
        if not -len(shape) <= axis < len(shape):
            raise LoadError(f"{self.target} needs axis {axis}, the tensor has {len(shape)} axes", REMEDY)
        return shape[axis]

    def out_type(self, position: int = 0) -> TensorType:
        """The type that the program says an output has. LoadError where it says none."""
        declared = self.declared[position] if position < len(self.declared) else None
        if declared is None or declared.shape is None:
            raise LoadError(f"{self.target} has no tensor as its output {position}", REMEDY)
        return declared

    def pairs(self, first: Sequence[_A], second: Sequence[_B], what: str) -> list[tuple[_A, _B]]:
        """Two sequences, one value for each of the same axes -> their pairs. LoadError where they are not equally
        long; what says which two they are."""
        if len(first) != len(second):
            raise LoadError(f"{self.target} has {what} of {len(first)} and {len(second)} axes", REMEDY)
        return list(zip(first, second, strict=True))

    def output(self, position: int) -> str:
        """The name of an output, "" of one that is not read. LoadError where the program has none there."""
        if position >= len(self.outputs):
            raise LoadError(f"{self.target} has no output {position}", REMEDY)
        return self.outputs[position]

    def out_types(self, outputs: Sequence[str]) -> list[TensorType]:
        """Outputs of the call, by their names in the graph -> the types that the program says they have."""
        return [self.out_type(self.outputs.index(name)) for name in outputs]

    def output_types(self) -> list[TensorType]:
        """The types that the program says the outputs have; UNKNOWN where it says none."""
        return [UNKNOWN if t is None else t for t in self.declared]

    def is_read(self, position: int) -> bool:
        """Whether the program has this output, and reads it."""
        return position < len(self.results) and self.inliner.is_read(self.results[position])

    def read_outputs(self) -> tuple[str, ...]:
        """The call's outputs up to the last that is read, the first in any case: what is behind need not be
        computed."""
        count = len(self.outputs)
        while count > 1 and not self.is_read(count - 1):
            count -= 1
        return self.outputs[:count]

    def emit(
        self,
        op_type: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Any] | None = None,
        *,
        outputs: Sequence[str] | None = None,
        suffix: str = "",
        domain: str = "",
        types: Sequence[TensorType] | None = None,
    ) -> str:
        """Adds a node and returns its first output. It gives the call's outputs, or, with a suffix, an intermediate
        value of that name."""
        name = f"{self.name}/{suffix}" if suffix else self.name
        if outputs is None:
            outputs = (name,) if suffix else self.outputs
        if not outputs:
            raise LoadError(f"{self.target} has no output", REMEDY)
        return self.builder.add(
            op_type,
            inputs,
            attributes,
            name=name,
            outputs=outputs,
            domain=domain,
            scope=self.scope,
            place=self.place,
            types=types,
        )[0]

    def constant(self, values: Sequence[Any], suffix: str, dtype: DType = DType.INT64, scalar: bool = False) -> str:
        """A constant vector (or scalar) that is known, such as a shape or axes."""
        shape = () if scalar else (len(values),)
        return self.builder.add_constant(f"{self.name}.{suffix}", dtype, shape, tuple(values))

    def alias(self, value: str, position: int = 0) -> None:
        """Makes an output another name of a value: the call computes nothing. LoadError where it has no such output."""
        names = self.names
        assert isinstance(names, dict)
        if position >= len(self.results):
            raise LoadError(f"{self.target} names {len(self.results)} outputs, and gives more", REMEDY)
        names[self.results[position]] = value


Translation = Callable[[CallSite], None]

TRANSLATIONS: dict[str, Translation] = {}
"""Operator, with or without its overload (`aten.mean.dim`, `aten.relu`; in-place forms without their `_`) -> what
translates its calls."""


def translates(*targets: str) -> Callable[[Translation], Translation]:
    """Registers a translation of operators of the namespace aten (`relu`, `mean.dim`), or of another one that is
    named (`torchvision::nms`)."""

    def register(function: Translation) -> Translation:
        for target in targets:
            TRANSLATIONS[target.replace("::", ".") if "::" in target else f"aten.{target}"] = function
        return function

    return register


def registered_translation(target: str) -> Translation | None:
    """A call's target -> its translation, where the family that has it is imported."""
    base = f"{namespace_of(target)}.{operator_name(target)}"
    overload = ".".join(target.split(".")[2:3])
    return TRANSLATIONS.get(f"{base}.{overload}") or TRANSLATIONS.get(base)
