"""A program that records no size of a tensor that can be: the calls that need it are unknown, and nothing breaks."""

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
"""Of so many tensors, the size of one is taken away at a time."""


RANKS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "no axes": lambda sizes: [],
    "one axis": lambda sizes: sizes[:1],
    "one more": lambda sizes: [*sizes, {"as_int": 2}],
}


def with_sizes(path: Path, change: Callable[[list[Any]], list[Any]]) -> Iterator[bytes]:
    """A program and a change of sizes -> the same with other sizes of one tensor, for every fifth of its tensors."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(n for n in members if "/models/" in f"/{n}" and n.endswith(".json"))
    document = json.loads(members[name])
    tensors = document["graph_module"]["graph"]["tensor_values"]
    for key in [key for key, entry in tensors.items() if entry["sizes"]][::STEP]:
        entry = tensors[key]
        tensors[key] = {**entry, "sizes": change(entry["sizes"])}
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for member, content in {**members, name: json.dumps(document).encode()}.items():
                archive.writestr(member, content)
        tensors[key] = entry
        yield data.getvalue()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_size_below_0(path: Path, tmp_path: Path) -> None:
    """Each answer has sizes alone, and what cannot be answered or written is refused."""
    for content in with_sizes(path, lambda sizes: [{"as_int": -1}, *sizes[1:]]):
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
def test_a_rank_that_calls_do_not_take(path: Path, change: Callable[[list[Any]], list[Any]]) -> None:
    """A call whose tensors have not the axes that it names is unknown, or the file is refused."""
    for content in with_sizes(path, change):
        with suppress(CostcalcError):
            assert str(costcalc.explain(costcalc.analyze(content)))


@pytest.mark.parametrize("kind", ["as_int", "as_ints"])
def test_a_number_of_more_bits_than_pytorch_has(kind: str) -> None:
    """JSON has integers of any length; none that is beyond 64 bits is a number of a call."""
    long = 1 << 1400
    with pytest.raises(LoadError, match=rf"{kind} is a number of 1401 bits"):
        GraphParser().argument({kind: long if kind == "as_int" else [1, long]})
    assert GraphParser().argument({"as_int": -(1 << 63)}) == -(1 << 63)
