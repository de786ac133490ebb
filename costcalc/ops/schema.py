"""(domain, op_type, opset) -> the operator's Schema, by which each node is checked once, when the graph is built.

The tables ship with the package, as importing onnx takes 0.2 s: ONNX's operators, and those that ONNX Runtime adds. A
line is `domain|operator|since version|least inputs|inputs|least outputs|outputs|attributes`. An input or output is the
kinds of value that it takes (t tensor, n tensor of
whole numbers, s sequence, m map) and `?` where it may be left out, `*` where any number of
them may follow; an attribute is its name, its type and `!` where it is required. `make schemas` writes both anew.

A node is checked as ONNX Runtime does (OpSchema::Verify), with one exception: an operator that a later version removed
(Upsample) keeps its last form, for exporters still write it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.errors import ShapeError, did_you_mean
from costcalc.core.ir import DType, SequenceType, TensorType

ONNX_TABLE = Path(__file__).with_name("onnx_schemas.txt")

RUNTIME_TABLE = Path(__file__).with_name("onnxruntime_schemas.txt")

TYPE_CODES = {
    "float": "f",
    "int": "i",
    "string": "s",
    "tensor": "t",
    "graph": "g",
    "sparse_tensor": "t",
    "type_proto": "p",
    "floats": "F",
    "ints": "I",
    "strings": "S",
    "tensors": "T",
    "graphs": "G",
}
"""ONNX's name of an attribute's type -> its code in the tables."""

TYPE_NAMES = {code: name for name, code in TYPE_CODES.items() if name != "sparse_tensor"}

KIND_NAMES = {"t": "a tensor", "n": "a tensor", "s": "a sequence", "m": "a map"}


DIVISORS = frozenset(("bits", "step"))

COUNTS = DIVISORS | frozenset(
    ("num_heads", "kv_num_heads", "q_num_heads", "groups", "num_groups", "blocksize", "hidden_size", "K", "N")
)
"""Attributes that count parts: at least one where an operator requires them; 0 may say that one is not given, but not
of a DIVISOR."""


class Parameter(NamedTuple):
    """An input or output: the kinds of value that it takes, and "" (it must be there), "?" (it may be left out) or "*"
    (any number may follow)."""

    kinds: str
    option: str


class Schema(NamedTuple):
    """What ONNX says of a version of an operator: its inputs and outputs, how many must be there at least, the code of
    each attribute's type, and the attributes that must be given; takes_only_tensors says that every input is a tensor
    of any elements."""

    min_inputs: int
    inputs: tuple[Parameter, ...]
    min_outputs: int
    outputs: tuple[Parameter, ...]
    attributes: Mapping[str, str]
    required: frozenset[str]
    takes_only_tensors: bool


@cache
def _read_table(path: Path) -> dict[tuple[str, str], list[str]]:
    """A table -> the lines of each operator, the oldest version first."""
    table: dict[tuple[str, str], list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        domain, name, rest = line.split("|", 2)
        table.setdefault((domain, name), []).append(rest)
    return table


@lru_cache(maxsize=1 << 12)
def find_schema(domain: str, op_type: str, opset: int) -> Schema | None:
    """An operator and its domain's opset (0 where the model names none: the newest) -> its schema; None where neither
    ONNX nor ONNX Runtime has the operator. Of an operator that is newer than the opset, the first version."""
    lines = _read_table(ONNX_TABLE).get((domain, op_type)) or _read_table(RUNTIME_TABLE).get((domain, op_type))
    if lines is None and domain == "com.microsoft":  # some exporters write there what the runtime has by default
        lines = _read_table(RUNTIME_TABLE).get(("", op_type))
    if lines is None:
        return None
    known = [line for line in lines if not opset or int(line.partition("|")[0]) <= opset]
    return parse_schema((known or lines[:1])[-1])


def parse_schema(line: str) -> Schema:
    _, min_inputs, inputs, min_outputs, outputs, attributes = line.split("|")
    types = dict([text.rstrip("!").split("=") for text in attributes.split()])
    required = frozenset(text.partition("=")[0] for text in attributes.split() if text.endswith("!"))
    parameters = _parse_all(inputs)
    is_plain = all(parameter.kinds == "t" for parameter in parameters)
    return Schema(int(min_inputs), parameters, int(min_outputs), _parse_all(outputs), types, required, is_plain)


def _parse_all(text: str) -> tuple[Parameter, ...]:
    return tuple([Parameter(word.rstrip("?*"), word[-1] if word[-1] in "?*" else "") for word in text.split()])


@cache
def attribute_types() -> dict[str, dict[str, str]]:
    """{operator of ONNX's own domain: {attribute: its type: float, int, strings, tensor, …}}, with all attributes that
    any version had."""
    table: dict[str, dict[str, str]] = {}
    for (domain, name), lines in _read_table(ONNX_TABLE).items():
        if not domain:
            codes = {key: code for line in lines for key, code in parse_schema(line).attributes.items()}
            table[name] = {key: TYPE_NAMES[codes[key]] for key in sorted(codes)}
    return table


@cache
def operator_names() -> frozenset[tuple[str, str]]:
    """(domain, name) of every operator of the tables, ONNX's own domain being \"\"."""
    return frozenset((*_read_table(ONNX_TABLE), *_read_table(RUNTIME_TABLE)))


def check_node(schema: Schema, inputs: Sequence[Any], outputs: Sequence[str], attributes: Mapping[str, Any]) -> None:
    """ShapeError where a node's inputs (names or types; "" or None where one is left out), outputs or attributes are
    not those of its schema."""
    _check_presence("input", schema.min_inputs, schema.inputs, inputs)
    _check_presence("output", schema.min_outputs, schema.outputs, outputs)
    for name, value in attributes.items():
        code = schema.attributes.get(name)
        if code is None:
            if name.startswith("__"):  # a runtime's own note
                continue
            remedy = did_you_mean(name, schema.attributes) or "the operator has " + (
                ", ".join(schema.attributes) or "none"
            )
            raise ShapeError(f"there is no attribute {name!r} in this version of the operator", remedy)
        if not IS_OF_TYPE[code](value):
            raise ShapeError(f"the attribute {name} is {_value_text(value)}", f"give {TYPE_PHRASES[code]}")
    for name in COUNTS.intersection(attributes):
        if attributes[name] < 1 and (name in schema.required or name in DIVISORS):
            raise ShapeError(f"the attribute {name} is {attributes[name]}", "give 1 or more")
    if schema.required and not schema.required <= attributes.keys():
        names = ", ".join(sorted(schema.required - attributes.keys()))
        raise ShapeError(f"the attribute {names} is missing", "give it")


def _check_presence(word: str, least: int, parameters: Sequence[Parameter], values: Sequence[Any]) -> None:
    count = len(values)
    if count < least:
        raise ShapeError(
            f"{_count_text(count, word)} given, the operator needs {least}", f"name every {word} that it needs"
        )
    if count > len(parameters) and not (parameters and parameters[-1].option == "*"):
        raise ShapeError(f"{_count_text(count, word)} given, the operator takes {len(parameters)}", "remove some")
    for i, (value, parameter) in enumerate(zip(values, parameters, strict=False), 1):
        if (value is None or value == "") and parameter.option == "":
            raise ShapeError(f"{word} {i} is left out, which the operator needs", "give it")


def _count_text(count: int, word: str) -> str:
    return f"{count} {word} is" if count == 1 else f"{count} {word}s are"


def _value_text(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, (int, float, str, tuple, list)) else f"a {type(value).__name__}"


def _is_list(is_element: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (tuple, list)) and all(map(is_element, value))


IS_OF_TYPE: dict[str, Callable[[Any], bool]] = {
    "f": lambda value: isinstance(value, (float, int)),
    "i": lambda value: isinstance(value, int),
    "s": lambda value: isinstance(value, str),
    "t": lambda value: isinstance(value, TensorType),
    "g": lambda value: hasattr(value, "node"),
    "p": lambda value: hasattr(value, "elem_type"),
}
"""The code of an attribute's type -> whether a value is of it; a whole number may stand for a decimal one."""

IS_OF_TYPE |= {code.upper(): _is_list(IS_OF_TYPE[code]) for code in "fistg"}

TYPE_PHRASES = {
    "f": "a number",
    "i": "a whole number",
    "s": "a string",
    "t": "a tensor",
    "g": "a graph",
    "p": "a type",
    "F": "a list of numbers",
    "I": "a list of whole numbers",
    "S": "a list of strings",
    "T": "a list of tensors",
    "G": "a list of graphs",
}


def check_kinds(schema: Schema, inputs: Sequence[TensorType | None]) -> None:
    """ShapeError where an input's type is a sequence and the operator takes a tensor, or the other way round, and where
    known elements are not the whole numbers that the operator takes. A type that is not known may be any."""
    if schema.takes_only_tensors and SequenceType not in map(type, inputs):
        return
    last = len(schema.inputs) - 1
    for i, t in enumerate(inputs):
        if t is None or t.shape is None:
            continue
        kinds = schema.inputs[min(i, last)].kinds
        is_sequence = isinstance(t, SequenceType)
        kind = "s" if is_sequence else "n" if kinds == "n" else "t"
        if kind not in kinds:
            wanted = " or ".join(KIND_NAMES[k] for k in kinds)
            raise ShapeError(f"input {i + 1} is {KIND_NAMES[kind]}, where the operator takes {wanted}", "correct it")
        if kind == "n" and t.value is not None and not t.dtype.is_integer and t.dtype is not DType.UNDEFINED:
            fact = f"the elements of input {i + 1} are {t.dtype.label}, where the operator takes whole numbers"
            raise ShapeError(fact, "cast them")


def name_outputs(schema: Schema | None, node: str, outputs: Sequence[str]) -> tuple[str, ...]:
    """A node's outputs -> the same, with a name for each that is left out though the operator gives it: one of a
    variable number, or of an operator without a schema, which has one output at least. What may be left out and is
    not computed then stays ""."""
    parameters = schema.outputs if schema else ()
    names = list(outputs) or [""] * (schema is None or not schema.min_outputs)
    for i, name in enumerate(names):
        parameter = parameters[min(i, len(parameters) - 1)] if parameters else None
        if not name and (parameter is None or parameter.option == "*"):
            names[i] = f"{node}.output{i}"
    return tuple(names)
