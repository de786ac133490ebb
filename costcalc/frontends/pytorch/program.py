"""JSON of an exported program -> ExportedProgram: graphs, signature, types and ranges, each checked for its form.

The schema is torch/_export/serde/schema.py of PyTorch, major version 8 (torch 2.8 and later). What is read here is what
a cost depends on; other keys may come and go.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from costcalc.core.dim import Dim, symbol
from costcalc.core.errors import LoadError
from costcalc.core.ir import UNKNOWN, DType, TensorType
from costcalc.frontends.symbols import parse_expression

REMEDY = "export the program again: torch.export.save(torch.export.export(module, args), path)"

MAJOR = 8
"""The major version of the schema that is read; the minor one only adds keys."""

DTYPES: Mapping[int, DType] = {
    1: DType.UINT8,
    2: DType.INT8,
    3: DType.INT16,
    4: DType.INT32,
    5: DType.INT64,
    6: DType.FLOAT16,
    7: DType.FLOAT32,
    8: DType.FLOAT64,
    10: DType.COMPLEX64,
    11: DType.COMPLEX128,
    12: DType.BOOL,
    13: DType.BFLOAT16,
    28: DType.UINT16,
    29: DType.FLOAT8E4M3FN,
    30: DType.FLOAT8E5M2,
    31: DType.FLOAT8E4M3FNUZ,
    32: DType.FLOAT8E5M2FNUZ,
    33: DType.FLOAT8E8M0,
    34: DType.UINT32,
    35: DType.UINT64,
}
"""The schema's ScalarType -> element type."""


NO_COMPUTATION = frozenset(
    (
        "aten._assert_async",
        "aten._assert_scalar",
        "aten._assert_tensor_metadata",
        "aten._linalg_check_errors",
        "aten.sym_constrain_range",
        "aten.sym_constrain_range_for_size",
        "aten.sym_size",
        "aten.sym_stride",
        "aten.sym_numel",
        "aten.sym_storage_offset",
        "_operator",
        "math",
        "torch",
    )
)
"""Operators, and namespaces, of calls that check or compute sizes only."""


class ValueName(str):
    """The name of a tensor, as an argument of a call."""

    __slots__ = ()


class SubgraphArgument(NamedTuple):
    """A graph as an argument of a higher-order operator."""

    name: str
    graph: ProgramGraph


class Call(NamedTuple):
    """A node: target is the operator (`aten.conv2d.default`), arguments are those that the program gives, by their
    names in the operator's schema, outputs the names of the tensors that it gives ("" for one that is none)."""

    name: str
    target: str
    arguments: dict[str, Any]
    outputs: tuple[str, ...]
    metadata: Mapping[str, str]


def namespace_of(target: str) -> str:
    """A call's target, `aten.add_.Tensor` -> `aten`."""
    return target.partition(".")[0]


@lru_cache(maxsize=1 << 12)
def operator_name(target: str) -> str:
    """A call's target, `aten.add_.Tensor` -> `add`: without namespace, overload and the `_` of an in-place form."""
    name = _operator_of(target)
    return name[:-1] if _is_in_place(name) else name


def is_in_place(call: Call) -> bool:
    """Whether a call writes to its first argument: its operator's name ends with `_`."""
    return "." in call.target and _is_in_place(_operator_of(call.target))


def _operator_of(target: str) -> str:
    parts = target.split(".")
    if parts[0] == "torch":  # a function of Python: torch._functorch.predispatch._add_batch_dim
        return parts[-1]
    return parts[1] if len(parts) > 1 else target


def _is_in_place(operator: str) -> bool:
    """Whether an operator's name has the suffix of in-place forms; `__and__` is none."""
    return operator.endswith("_") and not operator.endswith("__")


def tensor_names(arguments: Iterable[Any]) -> Iterator[str]:
    """Arguments -> the names of the tensors among them, in lists too, in their order."""
    for value in arguments:
        if isinstance(value, ValueName):
            yield value
        elif isinstance(value, tuple) and not isinstance(value, SubgraphArgument):
            yield from tensor_names(value)


class ProgramGraph(NamedTuple):
    """inputs and outputs are values: names of tensors, numbers, None. types are those of its tensors."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    calls: tuple[Call, ...]
    types: Mapping[str, TensorType]
    trainable: frozenset[str]


class InputSpec(NamedTuple):
    """What an input of the graph is: parameter, buffer, constant, input or other; target is its name in the module
    (of an input, its own)."""

    kind: str
    value: str
    target: str


class ExportedProgram(NamedTuple):
    """A program: its graph, what its inputs are, its ranges (symbol -> least and largest value, None: no limit),
    where each parameter is stored, as far as that is known, and notes on how the program was made."""

    graph: ProgramGraph
    inputs: tuple[InputSpec, ...]
    ranges: Mapping[str, tuple[int | None, int | None]]
    torch_version: str
    storages: Mapping[str, Hashable] = {}
    notes: tuple[str, ...] = ()


def parse_program(document: Any) -> ExportedProgram:
    """The JSON of models/*.json -> the program. LoadError where it is of another form, or of a newer schema."""
    document = _mapping(document, "the program")
    version = _mapping(document.get("schema_version"), "schema_version")
    major = version.get("major")
    if major != MAJOR:
        fact = f"the program is of schema {major!r}.{version.get('minor')!r}, written by PyTorch {_torch(document)}"
        raise LoadError(fact, f"the schema {MAJOR} of PyTorch 2.8 and later is read: write it with such a version")
    module = _mapping(document.get("graph_module"), "graph_module")
    graph = GraphParser().parse(module.get("graph"))
    signature = _mapping(module.get("signature"), "signature")
    specs = [_parse_input(spec) for spec in _list(signature.get("input_specs"), "input_specs")]
    ranges = _mapping(document.get("range_constraints"), "range_constraints")
    return ExportedProgram(
        graph,
        tuple(specs),
        {name: _parse_range(entry) for name, entry in ranges.items()},
        _torch(document),
    )


def _torch(document: Mapping[str, Any]) -> str:
    return str(document.get("torch_version"))[:40]


class GraphParser:
    """Parses a graph and the graphs inside it: a graph sees the symbols of the one around it."""

    def __init__(self, symbols: Mapping[str, Dim] | None = None, depth: int = 0) -> None:
        self.symbols: dict[str, Dim] = dict(symbols or {})
        self.depth = depth

    def parse(self, document: Any) -> ProgramGraph:
        """The JSON of a graph -> ProgramGraph."""
        if self.depth > _MAX_DEPTH:
            raise LoadError(f"graphs are nested more than {_MAX_DEPTH} deep", "unnest them")
        document = _mapping(document, "graph")
        for name, entry in _mapping(document.get("sym_int_values"), "sym_int_values").items():
            self.symbols[name] = parse_size(entry)
        tensors = _mapping(document.get("tensor_values"), "tensor_values")
        types = {name: parse_type(entry) for name, entry in tensors.items()}
        trainable = frozenset(name for name, entry in tensors.items() if entry.get("requires_grad") is True)
        inputs = tuple([self.argument(entry) for entry in _list(document.get("inputs"), "inputs")])
        calls = tuple([self._call(entry) for entry in _list(document.get("nodes"), "nodes")])
        outputs = tuple([self.argument(entry) for entry in _list(document.get("outputs"), "outputs")])
        return ProgramGraph(inputs, outputs, calls, types, trainable)

    def _call(self, document: Any) -> Call:
        document = _mapping(document, "a node")
        target = _text(document.get("target"), "target").removeprefix("torch.ops.")
        arguments: dict[str, Any] = {}
        for i, entry in enumerate(_list(document.get("inputs"), "inputs")):
            entry = _mapping(entry, "an argument")
            arguments[_text(entry.get("name") or str(i), "name")] = self.argument(entry.get("arg"))
        outputs: list[str] = []
        for entry in _list(document.get("outputs"), "outputs"):
            value = self.argument(entry)
            outputs.extend([str(v) if isinstance(v, ValueName) else "" for v in _flat(value)])
        name = document.get("name") or next(filter(None, outputs), target)
        metadata = _mapping(document.get("metadata") or {}, "metadata")
        return Call(_text(name, "name"), target, arguments, tuple(outputs), metadata)

    def argument(self, document: Any) -> Any:
        """An argument's JSON, a mapping of one key that says its kind -> a ValueName, a number, a text, None, or a
        tuple of such."""
        document = _mapping(document, "an argument")
        if len(document) != 1:
            raise LoadError(f"an argument has {len(document)} kinds, not one", REMEDY)
        ((kind, value),) = document.items()
        if kind == "as_tensor":
            return ValueName(_text(_mapping(value, kind).get("name"), "name"))
        if kind in ("as_int", "as_float", "as_string", "as_bool", "as_operator"):
            return _scalar(value, kind)
        if kind in ("as_none", "as_memory_format", "as_layout", "as_device"):
            return None
        if kind == "as_scalar_type":
            return DTYPES.get(_scalar(value, kind), DType.UNDEFINED)
        if kind == "as_optional_tensor":
            return self._optional(value)
        if kind in ("as_tensors", "as_optional_tensors"):
            return tuple([self._optional(entry) for entry in _list(value, kind)])
        if kind in ("as_ints", "as_floats", "as_bools", "as_strings"):
            return tuple([_scalar(entry, kind) for entry in _list(value, kind)])
        if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
            return self._symbolic(value, kind)
        if kind in ("as_sym_ints", "as_sym_bools", "as_sym_floats"):
            return tuple([self._symbolic(entry, kind) for entry in _list(value, kind)])
        if kind == "as_graph":
            value = _mapping(value, kind)
            graph = GraphParser(self.symbols, self.depth + 1).parse(value.get("graph"))
            return SubgraphArgument(str(value.get("name")), graph)
        if kind in ("as_nested_tensors", "as_int_lists"):
            return tuple([tuple(map(self._leaf, _list(entry, kind))) for entry in _list(value, kind)])
        return None  # an object, a token, a complex number: nothing that a cost depends on

    def _leaf(self, entry: Any) -> Any:
        return ValueName(_text(entry.get("name"), "name")) if isinstance(entry, dict) else entry

    def _optional(self, entry: Any) -> Any:
        """A tensor of a list, which may be absent: {"name": …}, {"as_tensor": {…}} or {"as_none": …}."""
        entry = _mapping(entry, "a tensor")
        if "name" in entry:
            return ValueName(_text(entry["name"], "name"))
        return self.argument(entry)

    def _symbolic(self, value: Any, kind: str) -> Any:
        """{"as_name": the name of a symbolic number} or {"as_int": a number} -> the extent, the number, or None where
        it is none that we follow (a bool or a float)."""
        ((key, entry),) = (
            _mapping(value, kind).items() if isinstance(value, dict) and len(value) == 1 else ((kind, None),)
        )
        if key == "as_name":
            return self.symbols.get(entry) if isinstance(entry, str) else None
        return _scalar(entry, key) if key in ("as_int", "as_bool", "as_float") else None


_MAX_DEPTH = 32


def _flat(value: Any) -> tuple[Any, ...]:
    """The values of an output: one, or those of a list, of lists too."""
    if not isinstance(value, tuple) or isinstance(value, SubgraphArgument):
        return (value,)
    return tuple([leaf for entry in value for leaf in _flat(entry)])


def parse_type(document: Any) -> TensorType:
    """The JSON of a TensorMeta -> the type; UNKNOWN where a size is no whole number, or below 0."""
    document = _mapping(document, "a tensor")
    dtype = DTYPES.get(_scalar(document.get("dtype"), "dtype"), DType.UNDEFINED)
    shape = tuple([parse_size(entry) for entry in _list(document.get("sizes"), "sizes")])
    return TensorType(dtype, shape) if len(shape) <= MAX_RANK and are_sizes(shape) else UNKNOWN


def are_sizes(shape: Iterable[Dim]) -> bool:
    """Whether no extent of a shape is below 0; of a formula that is not asked."""
    return not any(isinstance(extent, int) and extent < 0 for extent in shape)


MAX_RANK = 64
"""Axes of the largest tensor that is taken for one, as PyTorch has it."""


def parse_size(document: Any) -> Dim:
    """The JSON of a SymInt: {"as_int": 3} or {"as_expr": {"expr_str": …}} -> the extent."""
    document = _mapping(document, "a size")
    if "as_int" in document:
        size = document["as_int"]
        if isinstance(size, int) and abs(size) < 1 << 63:
            return size
        raise LoadError(f"a size is {str(size)[:40]}", REMEDY)
    expression = _mapping(document.get("as_expr"), "as_expr")
    return parse_extent(_text(expression.get("expr_str"), "expr_str"))


_MAX_EXPRESSION = 10_000


@lru_cache(maxsize=1 << 12)
def parse_extent(text: str) -> Dim:
    """An expression as sympy prints it -> the extent; one symbol where it is no arithmetic that we know."""
    extent = parse_expression(text) if len(text) <= _MAX_EXPRESSION else None
    return symbol(text[:_MAX_EXPRESSION]) if extent is None else extent


def _parse_input(document: Any) -> InputSpec:
    """The JSON of an InputSpec -> what the input is. Kinds that are no tensor of the module are `other`."""
    document = _mapping(document, "an input")
    for kind, (key, target) in _KINDS.items():
        if key in document:
            entry = _mapping(document[key], key)
            argument = _mapping(entry.get("arg"), "arg")
            if key == "user_input":
                tensor = argument.get("as_tensor")
                value = tensor.get("name") if isinstance(tensor, dict) else None
                return InputSpec(kind if value else "other", str(value or ""), str(value or ""))
            value = _text(argument.get("name"), "name")
            return InputSpec(kind, value, _text(entry.get(target), target) if target else value)
    return InputSpec("other", "", "")


_KINDS = {
    "parameter": ("parameter", "parameter_name"),
    "buffer": ("buffer", "buffer_name"),
    "constant": ("tensor_constant", "tensor_constant_name"),
    "input": ("user_input", ""),
}


def _parse_range(document: Any) -> tuple[int | None, int | None]:
    document = _mapping(document, "a range")
    low, high = document.get("min_val"), document.get("max_val")
    return (low if type(low) is int else None, high if type(high) is int else None)


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise LoadError(f"{what} is {_form(value)}, where a mapping is due", REMEDY)


def _list(value: Any, what: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise LoadError(f"{what} is {_form(value)}, where a list is due", REMEDY)


def _text(value: Any, what: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise LoadError(f"{what} is {_form(value)}, where a text is due", REMEDY)


_FLOATS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
"""Decimal numbers that JSON has no form for, as PyTorch writes them."""


def _scalar(value: Any, what: str) -> Any:
    if isinstance(value, str) and what.startswith("as_float"):
        value = _FLOATS.get(value, value)
    if isinstance(value, int) and abs(value) >= 1 << 64:
        raise LoadError(f"{what} is a number of {value.bit_length()} bits", "PyTorch's have 64 at most")
    if isinstance(value, (int, float, str)) or value is None:
        return value
    raise LoadError(f"{what} is {_form(value)}, where one value is due", REMEDY)


def _form(value: Any) -> str:
    return "absent" if value is None else f"a {type(value).__name__}"
