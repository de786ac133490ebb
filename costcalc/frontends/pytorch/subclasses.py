"""Stored tensors that are subclasses of Tensor, such as torchao's quantised weights -> the plain tensors inside them.

A program has such a weight as one parameter, of the type that it stands for, and reads its parts by calls of
export.access_subclass_inner_tensor (torch/_export/wrappers.py). What is stored is the parts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from costcalc.frontends.pytorch.program import Call, ExportedProgram, InputSpec, ProgramGraph, ValueName, tensor_names

ACCESS = "export.access_subclass_inner_tensor.default"


def unwrap_subclasses(program: ExportedProgram) -> ExportedProgram:
    """A program -> the same, with the parts of stored subclasses (`0.weight.qdata`) in place of the wholes and of the
    calls that take them out. The part with the data is a parameter, as the whole was; scales and zero points are
    buffers."""
    graph = program.graph
    if not any(call.target == ACCESS for call in graph.calls):
        return program
    specs = {spec.value: spec for spec in program.inputs}
    parts: dict[str, list[InputSpec]] = {}
    calls: list[Call] = []
    for call in graph.calls:
        source = specs.get(str(call.arguments.get("src_subclass_tensor"))) if call.target == ACCESS else None
        if source is None or source.kind not in ("parameter", "buffer", "constant") or not call.outputs[:1]:
            calls.append(call)
            continue
        part = InputSpec(source.kind, call.outputs[0], f"{source.target}.{call.arguments.get('attr')}")
        specs[part.value] = part
        parts.setdefault(source.value, []).append(part)
    read = {*tensor_names(graph.outputs), *tensor_names(value for call in calls for value in call.arguments.values())}
    inputs = [part for spec in program.inputs for part in _stored_parts(graph, spec, parts, read)]
    values = tuple([ValueName(spec.value) for spec in inputs if spec.value in graph.types])
    return program._replace(graph=graph._replace(inputs=values, calls=tuple(calls)), inputs=tuple(inputs))


def _stored_parts(
    graph: ProgramGraph, spec: InputSpec, parts: Mapping[str, Sequence[InputSpec]], read: Collection[str]
) -> list[InputSpec]:
    """A stored tensor -> the plain tensors that it is made of; itself where it is one, or where a call reads it."""
    inner = parts.get(spec.value, ())
    if not inner or spec.value in read:
        return [spec]
    main = max(inner, key=lambda part: _stored_bits(graph, part))
    kinds = ["buffer" if spec.kind == "parameter" and part is not main else spec.kind for part in inner]
    renamed = [part._replace(kind=kind) for part, kind in zip(inner, kinds, strict=True)]
    return [plain for part in renamed for plain in _stored_parts(graph, part, parts, read)]


def _stored_bits(graph: ProgramGraph, part: InputSpec) -> int:
    """The bits that a part takes; 0 where its size is not known."""
    type_ = graph.types.get(part.value)
    if type_ is None or type_.shape is None:
        return 0
    return type_.elements * type_.dtype.bits if isinstance(type_.elements, int) else 0
