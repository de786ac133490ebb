"""A program that records sizes, inputs or outputs that cannot be: the calls that need them are unknown, and nothing
breaks."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

import costcalc
from costcalc import CostcalcError
from costcalc.core.errors import LoadError
from costcalc.frontends.pytorch.program import GraphParser

PROGRAMS = sorted((ROOT / "tests/data/pt2").glob("*.pt2"))

STEP = 5
"""Of so many tensors, and of twice as many calls, one is changed at a time."""


Change = Callable[[list[Any]], list[Any]]

RANKS: dict[str, Change] = {
    "no axes": lambda sizes: [],
    "one axis": lambda sizes: sizes[:1],
    "one more": lambda sizes: [*sizes, {"as_int": 2}],
}
FEWER: dict[str, Change] = {
    "none": lambda values: [],
    "not the first": lambda values: values[1:],
    "not the last": lambda values: values[:-1],
    "twice": lambda values: [*values, *values],
}


def of_tensors(change: Change) -> Callable[[Any], Iterator[None]]:
    """A change of sizes -> edits of a program: other sizes of one tensor at a time."""

    def edit(graph: Any) -> Iterator[None]:
        for entry in [entry for entry in graph["tensor_values"].values() if entry["sizes"]][::STEP]:
            yield from _while_changed(entry, "sizes", change)

    return edit


def of_calls(key: str, change: Change) -> Callable[[Any], Iterator[None]]:
    """A change of the inputs or the outputs -> edits of a program: those of one call at a time."""

    def edit(graph: Any) -> Iterator[None]:
        for node in graph["nodes"][:: 2 * STEP]:
            yield from _while_changed(node, key, change)
            for value in [value for value in node[key] if "as_tensors" in value]:
                yield from _while_changed(value, "as_tensors", change)

    return edit


def _while_changed(entry: dict[str, Any], key: str, change: Change) -> Iterator[None]:
    kept = entry[key]
    entry[key] = change(kept)
    yield
    entry[key] = kept


def edited(path: Path, edit: Callable[[Any], Iterator[None]]) -> Iterator[bytes]:
    """A program and edits of its graph -> the program with each of them."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(n for n in members if "/models/" in f"/{n}" and n.endswith(".json"))
    document = json.loads(members[name])
    for _ in edit(document["graph_module"]["graph"]):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for member, content in {**members, name: json.dumps(document).encode()}.items():
                archive.writestr(member, content)
        yield data.getvalue()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_size_below_0(path: Path, tmp_path: Path) -> None:
    """Each answer has sizes alone, and what cannot be answered or written is refused."""
    for content in edited(path, of_tensors(lambda sizes: [{"as_int": -1}, *sizes[1:]])):
        try:
            report = costcalc.analyze(content)
        except CostcalcError:
            continue
        extents = [extent for t in report.graph.types.values() for extent in t.shape or () if isinstance(extent, int)]
        assert min(extents, default=0) >= 0
        assert str(costcalc.explain(report))
        with suppress(CostcalcError):
            costcalc.export(report.graph, tmp_path / "model.onnx")


@pytest.mark.parametrize("change", RANKS.values(), ids=RANKS)
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_rank_that_calls_do_not_take(path: Path, change: Change) -> None:
    """A call whose tensors have not the axes that it names is unknown, or the file is refused."""
    answer_or_refuse(edited(path, of_tensors(change)))


@pytest.mark.parametrize("change", FEWER.values(), ids=FEWER)
@pytest.mark.parametrize("key", ["inputs", "outputs"])
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_call_with_other_inputs_or_outputs(path: Path, key: str, change: Change) -> None:
    """A call that lacks what its operator takes or gives is unknown, or the file is refused."""
    answer_or_refuse(edited(path, of_calls(key, change)))


def answer_or_refuse(contents: Iterator[bytes]) -> None:
    for content in contents:
        with suppress(CostcalcError):
            assert str(costcalc.explain(costcalc.analyze(content)))


@pytest.mark.parametrize("kind", ["as_int", "as_ints"])
def test_a_number_of_more_bits_than_pytorch_has(kind: str) -> None:
    """JSON has integers of any length; none that is beyond 64 bits is a number of a call."""
    long = 1 << 1400
    with pytest.raises(LoadError, match=rf"{kind} is a number of 1401 bits"):
        GraphParser().argument({kind: long if kind == "as_int" else [1, long]})
    assert GraphParser().argument({"as_int": -(1 << 63)}) == -(1 << 63)
