"""Stored tensors of subclasses, as torchao's quantised weights are, by their plain parts."""

from __future__ import annotations

from support.operator_rules import t

from costcalc.core.ir import DType
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.pytorch.program import Call, ExportedProgram, InputSpec, ProgramGraph, ValueName
from costcalc.frontends.pytorch.reader import load_program
from costcalc.frontends.pytorch.subclasses import ACCESS, unwrap_subclasses

TYPES = {
    "w": t(128, 64),
    "x": t(2, 64),
    "inner": t(128, 64),
    "data": t(128, 64, dtype=DType.INT8),
    "scale": t(128, 1),
    "floats": t(128, 64),
    "scaled": t(128, 64),
    "y": t(2, 128),
}


def access(output: str, source: str, name: str) -> Call:
    return Call(output, ACCESS, {"src_subclass_tensor": ValueName(source), "attr": name}, (output,), {})


def call(target: str, output: str, **arguments: object) -> Call:
    named = {key: ValueName(value) if isinstance(value, str) else value for key, value in arguments.items()}
    return Call(output, f"aten.{target}", named, (output,), {})


def program(*further: Call) -> ExportedProgram:
    """A linear layer whose weight is a subclass that holds a subclass: its scale, and int8 numbers in that."""
    calls = (
        access("inner", "w", "tensor_impl"),
        access("scale", "w", "scale"),
        access("data", "inner", "qdata"),
        call("to.dtype", "floats", self="data", dtype=DType.FLOAT32),
        call("mul.Tensor", "scaled", self="floats", other="scale"),
        call("linear.default", "y", input="x", weight="scaled"),
        *further,
    )
    graph = ProgramGraph((ValueName("w"), ValueName("x")), (ValueName("y"),), calls, TYPES, frozenset())
    specs = (InputSpec("parameter", "w", "fc.weight"), InputSpec("input", "x", "x"))
    return ExportedProgram(graph, specs, {}, "2.14")


def test_the_parts_are_stored() -> None:
    plain = unwrap_subclasses(program())
    assert plain.inputs == (
        InputSpec("parameter", "data", "fc.weight.tensor_impl.qdata"),
        InputSpec("buffer", "scale", "fc.weight.scale"),
        InputSpec("input", "x", "x"),
    )
    assert [call.target for call in plain.graph.calls] == ["aten.to.dtype", "aten.mul.Tensor", "aten.linear.default"]


def test_a_graph_counts_the_bytes_of_the_parts() -> None:
    graph = load_program(program(), "net", "", ReadOptions())
    stored = {name: type_.nbytes for name, type_ in graph.initializers.items() if type_.shape != ()}
    assert stored == {"fc.weight.tensor_impl.qdata": 128 * 64, "fc.weight.scale": 128 * 4}
    assert graph.parameters == {"fc.weight.tensor_impl.qdata"}


def test_a_whole_that_a_call_reads_stays() -> None:
    plain = unwrap_subclasses(program(call("relu.default", "r", self="w")))
    assert [spec.target for spec in plain.inputs] == ["fc.weight", "x"]
