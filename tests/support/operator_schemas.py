"""Schemas of the installed onnx and of ONNX Runtime -> the lines of costcalc's tables of them (costcalc/ops/schema.py).

`make schemas` writes both tables anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from costcalc.ops.schema import ONNX_TABLE, RUNTIME_TABLE, TYPE_CODES

OPTIONS = {"Single": "", "Optional": "?", "Variadic": "*"}

KINDS = {"seq": "s", "map": "m", "optional": "", "sparse_tensor": "t", "tensor": "t"}


def onnx_lines() -> list[str]:
    """The lines of ONNX's operators."""
    from onnx import defs

    return list(_lines(defs.get_all_schemas_with_history()))


def runtime_lines() -> list[str]:
    """The lines of the operators that ONNX Runtime has besides ONNX's."""
    from onnx import defs
    from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

    known = {(s.domain, s.name) for s in defs.get_all_schemas_with_history()}
    return list(_lines(s for s in get_all_operator_schema() if (s.domain, s.name) not in known))


def _lines(schemas: Iterable[Any]) -> Iterable[str]:
    """One line for each version that differs from the one before."""
    before: tuple[str, str, str] | None = None
    for schema in sorted(schemas, key=lambda s: (s.domain, s.name, s.since_version)):
        if schema.deprecated:
            continue
        text = describe_schema(schema)
        if (schema.domain, schema.name, text) != before:
            yield f"{schema.domain}|{schema.name}|{schema.since_version}|{text}"
        before = schema.domain, schema.name, text


def describe_schema(schema: Any) -> str:
    """An OpSchema -> the part of its line behind its version."""
    attributes = []
    for name, attribute in sorted(schema.attributes.items()):
        code = TYPE_CODES.get(str(attribute.type).rpartition(".")[2].lower(), "p")
        attributes.append(f"{name}={code}{'!' if attribute.required else ''}")
    inputs = f"{schema.min_input}|{' '.join(_parameter(p, 'n') for p in schema.inputs)}"
    return f"{inputs}|{schema.min_output}|{' '.join(_parameter(p, 't') for p in schema.outputs)}|{' '.join(attributes)}"


def _parameter(parameter: Any, whole: str) -> str:
    """A FormalParameter -> its kinds and its option: `t`, `ts?`, `n*`. whole: the kind of a tensor of whole numbers."""
    kinds = {_kind(text) for text in parameter.types}
    if kinds == {"t"} and all(re.search(r"\(u?int\d+\)", text) for text in parameter.types):
        kinds = {whole}
    return "".join(sorted(kinds)) + OPTIONS[str(parameter.option).rpartition(".")[2]]


def _kind(text: str) -> str:
    """A type such as optional(seq(tensor(float))) -> the kind of value that it is: a tensor, a sequence or a map."""
    outer, _, inner = text.partition("(")
    return KINDS[outer] or _kind(inner)


if __name__ == "__main__":
    ONNX_TABLE.write_text("\n".join(onnx_lines()) + "\n", encoding="utf-8")
    RUNTIME_TABLE.write_text("\n".join(runtime_lines()) + "\n", encoding="utf-8")
