"""What is given to the Python API as another type than it asks for: read as it was meant, or refused in its words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.graphs import standard_conv

import costcalc
from costcalc.core import arguments as given
from costcalc.core.errors import UsageError

TAKES: dict[str, Callable[..., Any]] = {
    "load": costcalc.load,
    "analyze": costcalc.analyze,
    "footprint": costcalc.footprint,
    "suggest": costcalc.suggest,
    "reconcile": costcalc.reconcile,
    "sweep": costcalc.sweep,
    "compare": lambda model, **options: costcalc.compare(model, model, **options),
    "diff": lambda model, **options: costcalc.diff(model, model, **options),
}


@pytest.mark.parametrize("wrong", ["N=3", ["N"], [("N", 3)], 3, {3: 4}], ids=str)
@pytest.mark.parametrize("argument", ["dims", "params", "shapes", "values"])
@pytest.mark.parametrize("name", TAKES)
def test_what_is_no_mapping_is_refused_with_what_to_write(name: str, argument: str, wrong: object) -> None:
    with pytest.raises(UsageError) as caught:
        TAKES[name]("lenet5", **{argument: wrong})
    assert str(caught.value) == f"{argument} is {wrong!r}; give values by name: {argument}={given.EXAMPLES[argument]}"


def test_bind_and_reconcile_refuse_it_too() -> None:
    with pytest.raises(UsageError, match="dims is 'N=3'; give values by name"):
        costcalc.analyze("bert_base").bind("N=3")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"figures is 'thop=1G'"):
        costcalc.reconcile("lenet5", figures="thop=1G")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="written is 'pool=mean'"):
        costcalc.reconcile("lenet5", written="pool=mean")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", ["1,1,32,32", 4, None])
def test_a_shape_is_a_list_of_extents(shape: Any) -> None:
    with pytest.raises(UsageError, match=r"input is given the shape .*; list its extents"):
        costcalc.load("lenet5", shapes={"input": shape})


def test_one_word_is_one_name() -> None:
    rules = {one.rule.id for one in costcalc.suggest("vgg16", rules="gap").ranked}
    assert rules == {"gap"}
    assert [a.counter.name for a in costcalc.reconcile("lenet5", tools="thop").accounts] == ["thop"]
    assert [a.counter.name for a in costcalc.reconcile("lenet5", tools="thop, fvcore").accounts] == ["thop", "fvcore"]
    swept = costcalc.sweep("lenet5", dims={"N": [1, 2]}, sort="macs")
    assert [column.key for column in swept.tables("macs")[0].columns] == ["macs"]


def test_a_wrong_word_is_named_whole() -> None:
    with pytest.raises(UsageError, match="no rewrite 'gpa'"):
        costcalc.suggest("lenet5", rules="gpa")
    with pytest.raises(UsageError, match="'thpo' is no counter"):
        costcalc.reconcile("lenet5", tools="thpo")


@pytest.mark.parametrize("wrong", [3, [3]], ids=str)
def test_what_is_no_name_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r'give names: rules=\["gap", "gqa"\]'):
        costcalc.suggest("lenet5", rules=wrong)
    with pytest.raises(UsageError, match=r'give names: tools=\["thop", "fvcore"\]'):
        costcalc.reconcile("lenet5", tools=wrong)


def test_a_device_may_be_a_path(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text((Path(costcalc.__file__).parent / "analysis" / "hardware" / "profiles" / "t4.yaml").read_text())
    (mine,), (usual,) = costcalc.on_hardware(standard_conv(), own), costcalc.on_hardware(standard_conv(), "t4")
    assert mine.model == usual.model


@pytest.mark.parametrize("ask", [costcalc.analyze, costcalc.explain, costcalc.footprint, costcalc.suggest])
def test_what_is_read_already_is_not_bound_in_silence(ask: Any) -> None:
    graph = costcalc.load("bert_base")
    with pytest.raises(UsageError, match="dims: the model is read already"):
        ask(graph, dims={"seq": 128})


def test_a_report_is_bound_by_itself() -> None:
    report = costcalc.analyze("bert_base")
    for ask in (costcalc.explain, costcalc.footprint):
        with pytest.raises(UsageError, match=r"report\.bind"):
            ask(report, dims={"seq": 128})
    assert report.bind({"seq": 128}).macs == 11_174_215_680
