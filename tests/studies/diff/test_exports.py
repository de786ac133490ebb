"""One PyTorch module as an exported program and as ONNX: every MAC has its counterpart."""

from __future__ import annotations

import pytest
from support.paths import DATA
from support.versions import QUANTITIES, statuses

import costcalc
from costcalc.rules import DType, Graph, GraphBuilder
from costcalc.studies.diff.names import count_ordinals, is_same_name

FOLDER = DATA / "pt2"


@pytest.mark.parametrize("exporter", ["trace", "export"])
@pytest.mark.parametrize("name", ["networks_classifier", "networks_language"])
def test_every_mac_of_a_module_is_that_of_its_export(name: str, exporter: str) -> None:
    program, export = FOLDER / f"{name}.pt2", FOLDER / f"{name}.{exporter}.onnx"
    for before, after in ((program, export), (export, program)):
        result = costcalc.diff(before, after)
        macs = [change.amounts("macs") for change in result.layers if change.before and change.after]
        assert sum((old or 0 for old, new in macs if old == new), 0) == costcalc.analyze(program).macs
        assert result.totals("macs")[0] == result.totals("macs")[1]


@pytest.mark.parametrize("exporter", ["trace", "export"])
@pytest.mark.parametrize("name", ["networks_classifier", "networks_language"])
def test_fused_a_module_and_its_export_have_one_peak(name: str, exporter: str) -> None:
    files = FOLDER / f"{name}.pt2", FOLDER / f"{name}.{exporter}.onnx"
    peaks = {costcalc.analyze(file, execution={"fuse": True}).totals["peak_activation_bytes"] for file in files}
    assert len(peaks) == 1


@pytest.mark.parametrize(
    ("program", "export", "same"),
    [
        ("layer1.0.conv1", "/layer1/layer1.0/conv1/Conv", True),
        ("conv1", "/conv1/Conv", True),
        ("layer1.0.relu_2", "/layer1/layer1.0/relu_1/Relu", True),
        ("layer1.0/add", "/layer1/layer1.0/Add", True),
        ("layer1.0/add_2", "/layer1/layer1.0/Add_1", True),
        ("layer1.0.conv1", "/layer1/layer1.1/conv1/Conv", False),
        ("layer1.0/add", "/layer1/layer1.0/Mul", False),
        ("layer1.0.conv1", "/layer1/layer1.0/Conv", False),
    ],
)
def test_a_module_has_one_name_in_a_program_and_another_in_its_export(program: str, export: str, same: bool) -> None:
    ordinals = count_ordinals([program]), count_ordinals([export])
    assert is_same_name(program, export, *ordinals) is same
    assert is_same_name(export, program, *ordinals[::-1]) is same


def attention(spelled: bool, value_size: int = 8) -> Graph:
    """Queries and keys [2, 4, 5, 8], values [2, 4, 5, value_size], as an operator or as the products that it stands
    for."""
    b = GraphBuilder("net", "net.onnx", {"": 23})
    q, k = (b.add_input(name, DType.FLOAT32, (2, 4, 5, 8)) for name in ("q", "k"))
    v = b.add_input("v", DType.FLOAT32, (2, 4, 5, value_size))
    if not spelled:
        return b.build(b.add("Attention", [q, k, v], name="attention"))
    (transposed,) = b.add("Transpose", [k], {"perm": (0, 1, 3, 2)}, name="transpose")
    (scores,) = b.add("MatMul", [q, transposed], name="scores")
    (weights,) = b.add("Softmax", [scores], {"axis": -1}, name="softmax")
    return b.build(b.add("MatMul", [weights, v], name="product"))


@pytest.mark.parametrize("value_size", [8, 3])
def test_an_attention_is_compared_with_its_products(value_size: int) -> None:
    whole, parts = attention(False, value_size), attention(True, value_size)
    result = costcalc.diff(whole, parts)
    pairs = [change.amounts("macs") for change in result.layers if change.before and change.after]
    scores, product = 2 * 4 * 5 * 5 * 8, 2 * 4 * 5 * 5 * value_size
    assert [pair for pair in pairs if pair[0]] == [(scores, scores), (product, product)]
    for key in QUANTITIES:
        old = [change.amounts(key)[0] or 0 for change in result.layers]
        assert sum(old, 0) == costcalc.analyze(whole).totals[key] == result.totals(key)[0]


def test_two_attentions_stay_whole() -> None:
    assert statuses(costcalc.diff(attention(False), attention(False))) == {}
