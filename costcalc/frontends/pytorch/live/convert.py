"""An ExportedProgram of torch in memory -> that of costcalc's reader, as the JSON of the same program would give it.

torch's own serialisation takes as long as the export of a ResNet; what a cost depends on is read from the FX graph
here. The names are those that torch/_export/serde/serialize.py writes; a test holds the two to each other.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import torch

from costcalc.core.dim import Dim
from costcalc.core.ir import UNKNOWN, DType, TensorType
from costcalc.frontends.pytorch.program import (
    MAX_RANK,
    Call,
    ExportedProgram,
    InputSpec,
    ProgramGraph,
    SubgraphArgument,
    ValueName,
    parse_extent,
)

Renames = Mapping[str, str]
"""torch's name of a symbol (`s77`) -> the user's (`N`)."""

_DTYPES: Mapping[Any, DType] = {
    value: DType.__members__.get(name.upper().replace("FLOAT8_", "FLOAT8").replace("M0FNU", "M0"), DType.UNDEFINED)
    for name, value in vars(torch).items()
    if isinstance(value, torch.dtype) and str(value) == f"torch.{name}"
}

_KINDS = {"PARAMETER": "parameter", "BUFFER": "buffer", "CONSTANT_TENSOR": "constant"}


def convert_program(program: Any, renames: Renames, notes: tuple[str, ...] = ()) -> ExportedProgram:
    """torch.export.ExportedProgram -> ExportedProgram, its symbols renamed."""
    graph = GraphConverter(renames).convert(program.graph_module)
    specs = tuple([_convert_input(spec) for spec in program.graph_signature.input_specs])
    ranges: dict[str, tuple[int | None, int | None]] = {}
    for key, limits in program.range_constraints.items():
        low, high = _whole(limits.lower), _whole(limits.upper)
        name = renames.get(str(key), str(key))
        lows, highs = zip((low, high), ranges.get(name, (None, None)), strict=True)
        ranges[name] = (_bound(max, lows), _bound(min, highs))
    stored = {spec.target: program.state_dict.get(spec.target) for spec in specs if spec.kind == "parameter"}
    storages = {name: _storage(tensor) for name, tensor in stored.items() if tensor is not None}
    return ExportedProgram(graph, specs, ranges, str(torch.__version__), storages, notes)


def _storage(tensor: Any) -> Hashable:
    """Where a parameter is stored: two of the same place are one tensor."""
    place = (tensor.storage_offset(), tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype)
    return (tensor.untyped_storage()._cdata, *place)


def _bound(choose: Any, values: tuple[int | None, ...]) -> int | None:
    known = [v for v in values if v is not None]
    return choose(known) if known else None


def _whole(limit: Any) -> int | None:
    """A limit of a range -> the number; None where it is infinite."""
    return int(limit) if getattr(limit, "is_finite", True) and getattr(limit, "is_Integer", True) else None


def _convert_input(spec: Any) -> InputSpec:
    name, kind = str(getattr(spec.arg, "name", "")), spec.kind.name
    if kind in _KINDS:
        return InputSpec(_KINDS[kind], name, str(spec.target))
    if kind == "USER_INPUT" and type(spec.arg).__name__ == "TensorArgument":
        return InputSpec("input", name, name)
    return InputSpec("other", "", "")


class GraphConverter:
    """Converts a graph module and the graphs inside it."""

    def __init__(self, renames: Renames) -> None:
        self.renames = renames
        self.extents: dict[Any, Dim] = {}

    def convert(self, module: Any) -> ProgramGraph:
        """An FX graph module -> ProgramGraph."""
        inputs: list[Any] = []
        outputs: tuple[Any, ...] = ()
        calls: list[Call] = []
        types: dict[str, TensorType] = {}
        trainable: set[str] = set()
        for node in module.graph.nodes:
            values: list[tuple[str, Any]] = []
            if node.op == "placeholder":
                inputs.append(self._argument(node))
                values = [(node.name, node.meta.get("val"))]
            elif node.op == "output":
                results = node.args[0]
                results = results if isinstance(results, (tuple, list)) else (results,)
                outputs = tuple([self._argument(result) for result in results])
            elif node.op == "call_function" and node.target is not operator.getitem:
                values = list(_outputs(node))
                names = tuple([name if isinstance(value, torch.Tensor) else "" for name, value in values])
                calls.append(Call(node.name, _target(node.target), self._arguments(node), names, _metadata(node)))
            for name, value in values:
                if isinstance(value, torch.Tensor):
                    types[name] = self._type(value)
                    if value.requires_grad:
                        trainable.add(name)
        return ProgramGraph(tuple(inputs), outputs, tuple(calls), types, frozenset(trainable))

    def _type(self, tensor: Any) -> TensorType:
        if tensor.dim() > MAX_RANK:
            return UNKNOWN
        return TensorType(_DTYPES.get(tensor.dtype, DType.UNDEFINED), tuple([self._extent(d) for d in tensor.shape]))

    def _extent(self, size: Any) -> Dim:
        """A size, an int or a torch.SymInt -> the extent."""
        if isinstance(size, int):
            return size
        expression = size.node.expr
        extent = self.extents.get(expression)
        if extent is None:
            from sympy.printing.repr import srepr

            text = srepr(expression)
            for name, new in self.renames.items():
                text = text.replace(f"Symbol('{name}'", f"Symbol('{new}'")
            extent = self.extents[expression] = parse_extent(text)
        return extent

    def _arguments(self, node: Any) -> dict[str, Any]:
        """The arguments by their names in the operator's schema; those of an operator without a schema by position."""
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            arguments = {str(i): self._argument(value) for i, value in enumerate(node.args)}
            return arguments | {name: self._argument(value) for name, value in node.kwargs.items()}
        arguments = {}
        for i, parameter in enumerate(schema.arguments):
            if parameter.name in node.kwargs:
                arguments[parameter.name] = self._argument(node.kwargs[parameter.name])
            elif not parameter.kwarg_only and i < len(node.args):
                arguments[parameter.name] = self._argument(node.args[i])
        return arguments

    def _argument(self, value: Any) -> Any:
        if isinstance(value, torch.fx.Node):
            return self._node_argument(value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)):
            return tuple([self._argument(item) for item in value])
        if isinstance(value, torch.dtype):
            return _DTYPES.get(value, DType.UNDEFINED)
        return f"torch.ops.{_target(value)}" if isinstance(value, _OPERATORS) else None

    def _node_argument(self, node: Any) -> Any:
        if node.op == "get_attr":
            attribute = getattr(node.graph.owning_module, node.target, None)
            if isinstance(attribute, torch.fx.GraphModule):
                return SubgraphArgument(str(node.target), self.convert(attribute))
            return ValueName(node.name) if isinstance(attribute, torch.Tensor) else None
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            return ValueName(_first_of_its_index(node).name)
        if isinstance(value, torch.SymInt):
            return self._extent(value)
        return value if value is None or isinstance(value, (bool, int, float, str)) else None


_OPERATORS: tuple[Any, ...] = (torch._ops.OpOverload, torch._ops.HigherOrderOperator)


def _target(target: Any) -> str:
    """An operator -> `aten.conv2d.default`; a Python function with its module."""
    if isinstance(target, str):
        return target
    return f"{target.__module__}.{target.__name__}".removeprefix("torch._ops.").removeprefix("torch.ops.")


def _first_of_its_index(node: Any) -> Any:
    """A getitem that takes what one before it takes -> that one."""
    if node.target is not operator.getitem or not isinstance(node.args[0], torch.fx.Node):
        return node
    return next(user for user in node.args[0].users if user.target is operator.getitem and user.args[1] == node.args[1])


def _outputs(node: Any) -> Iterator[tuple[str, Any]]:
    """The names and values of what a call gives, those of lists one by one; () of one that gives nothing."""
    value = node.meta.get("val")
    schema = getattr(node.target, "_schema", None)
    if schema is not None and not schema.returns:
        return
    if not isinstance(value, (list, tuple, dict)):
        yield node.name, value
        return
    users = {user.args[1]: user for user in reversed(list(node.users)) if user.target is operator.getitem}
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        user = users.get(key)
        if not isinstance(item, list):
            yield (user.name if user is not None else f"{node.name}_unused_{key}"), item
            continue
        names = {} if user is None else {u.args[1]: u.name for u in reversed(list(user.users))}
        for i, tensor in enumerate(item):
            if tensor is not None:
                yield names.get(i, f"{node.name if user is None else user.name}_unused_{i}"), tensor


def _metadata(node: Any) -> Mapping[str, str]:
    """What the reader takes of a call: its modules, the outermost first, the trace of its source and the
    function that it calls."""
    metadata = {}
    if trace := node.meta.get("stack_trace"):
        metadata["stack_trace"] = trace
    if stack := node.meta.get("nn_module_stack"):
        metadata["nn_module_stack"] = ";".join(
            [f"{key},{path},{_type_name(kind)}" for key, (path, kind) in stack.items()]
        )
    if function := node.meta.get("torch_fn"):
        metadata["torch_fn"] = ";".join(map(str, function))
    return metadata


def _type_name(kind: Any) -> str:
    return kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
