"""Writes in place to views: which names stand for what is written, which views nothing reads; extents of data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.core.errors import CostcalcError
from costcalc.frontends.pytorch.aliases import COPIES, VIEWS, Aliases
from costcalc.frontends.pytorch.program import Call, ProgramGraph, ValueName
from costcalc.frontends.pytorch.translate import find_translation

FOLDER = Path(__file__).parents[2] / "data" / "pt2"


def call(target: str, output: str, *inputs: str) -> Call:
    """A call whose arguments are tensors."""
    arguments = {str(i): ValueName(name) for i, name in enumerate(inputs)}
    return Call(output, f"aten.{target}", arguments, (output,), {})


def graph(*calls: Call, output: str) -> ProgramGraph:
    """A graph of these calls."""
    return ProgramGraph((), (ValueName(output),), calls, {}, frozenset())


def follow(*calls: Call) -> list[tuple[str, ...]]:
    """The names that each call writes to."""
    aliases = Aliases(graph(*calls, output=calls[-1].name))
    return [aliases.follow(each) for each in calls]


def test_a_write_to_a_view_of_a_view_is_one_to_its_tensor() -> None:
    views = call("slice.Tensor", "a", "x"), call("select.int", "b", "a")
    assert follow(*views, call("add_.Tensor", "c", "b", "y")) == [(), (), ("x",)]


def test_a_write_to_the_whole_gives_it_another_name() -> None:
    calls = call("relu_.default", "r", "x"), call("slice.Tensor", "a", "r"), call("mul_.Tensor", "m", "a", "y")
    assert follow(*calls) == [("x", "r"), (), ("x", "r")]


def test_a_new_tensor_is_no_view() -> None:
    assert follow(call("add.Tensor", "a", "x", "y"), call("relu_.default", "b", "a")) == [(), ("a", "b")]


def test_views_that_are_written_over_are_not_read() -> None:
    views = call("slice.Tensor", "a", "x"), call("slice.Tensor", "b", "a")
    copy = call("copy_.default", "c", "b", "y")
    assert Aliases(graph(*views, copy, output="x")).overwritten == {"a", "b"}
    read = call("neg.default", "n", "a")
    assert Aliases(graph(*views, copy, read, output="n")).overwritten == {"b"}


def test_a_call_without_outputs_is_no_view() -> None:
    copy = call("copy_.default", "c", "a", "y")
    aliases = Aliases(graph(call("linalg_diagonal.default", "a", "x"), copy, output="x"))
    assert aliases.is_overwritten(call("linalg_diagonal.default", "a", "x"))
    assert not aliases.is_overwritten(call("kernel.default", "", "x"))


def test_views_written_over_by_any_name_of_their_argument() -> None:
    """linalg_diagonal calls its tensor A; behind it, the product of [4, 4] and [4, 8]."""
    report = costcalc.analyze(FOLDER / "indexing_overwritten.pt2")
    assert report.macs == 4 * 4 * 8


def test_a_graph_that_writes_in_place() -> None:
    """mask: 3 fills of a slice. cache: 2 copies, an addition with the copy back, a product. copy: a ReLU."""
    report = costcalc.analyze(FOLDER / "indexing_in_place.pt2")
    assert [layer.op_type for layer in report.layers].count("write") == 3 + 2 + 2 + 1 + 1
    assert report.flops == 2 * 3 * 4 + 2 * 3 * 4 * 6 + 2 * 4 * 6
    read = {name for node in report.graph.nodes for name in node.inputs} | set(report.graph.outputs)
    assert {node.outputs[0] for node in report.graph.nodes} <= read


def test_symbols_of_extents_that_depend_on_data() -> None:
    path = FOLDER / "indexing_masks.pt2"
    report = costcalc.analyze(path)
    assert report.graph.data_symbols["u0"] == "masked_select"
    assert report.graph.upper_bounds["u0"] == 2 * 3 * 4 * 6
    bound = costcalc.analyze(path, dims={"u0": 5})
    assert "u0" not in bound.open_symbols
    assert not [name for name in costcalc.analyze(path, upper=True).open_symbols if name == "u0"]
    with pytest.raises(CostcalcError, match="u0 is 145, the program takes 144 at most"):
        costcalc.analyze(path, dims={"u0": 145})


def test_a_length_that_data_says() -> None:
    path = FOLDER / "indexing_lengths.pt2"
    assert str(costcalc.analyze(path).flops) == "6*u0"
    assert costcalc.analyze(path, dims={"u0": 3}).flops == 2 * 3 * 3


def test_a_write_to_a_view_is_one_to_the_whole_where_that_is_read() -> None:
    calls = (
        call("mul.Tensor", "m", "x", "x"),
        call("view.default", "v", "m"),
        call("add_.Tensor", "a", "v", "y"),
        call("relu.default", "r", "a"),
    )

    def is_whole_read(*further: Call, output: str = "r") -> bool:
        aliases = Aliases(graph(*calls, *further, output=output))
        for each in calls:
            aliases.follow(each)
        return aliases.is_whole_read(calls[2], 2)

    assert not is_whole_read()
    assert is_whole_read(output="m")
    assert is_whole_read(call("neg.default", "n", "m"))
    assert is_whole_read(call("slice.Tensor", "s", "m"), call("neg.default", "n", "s"))


def test_a_write_to_a_view_of_an_input_is_read_outside() -> None:
    view, write = call("view.default", "v", "x"), call("add_.Tensor", "a", "v", "y")
    aliases = Aliases(ProgramGraph((ValueName("x"),), (ValueName("a"),), (view, write), {}, frozenset()))
    aliases.follow(view)
    aliases.follow(write)
    assert aliases.is_whole_read(write, 1)


def test_each_view_is_translated() -> None:
    assert [name for name in VIEWS if find_translation(f"aten.{name}.default") is None] == []


def test_views_are_those_of_the_schemas_of_torch() -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")
    views = set()
    for schema in torch._C._jit_get_all_schemas():
        namespace, _, name = schema.name.partition("::")
        source = schema.arguments[0].alias_info if schema.arguments else None
        shares = any(value.alias_info is not None for value in schema.returns)
        if namespace == "aten" and source is not None and not source.is_write and shares:
            views.add(name)
    assert {name for name in views if find_translation(f"aten.{name}.default") is not None} == VIEWS | COPIES
