"""The counters' rules, module by module, held to what the counters said of the same PyTorch modules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.paths import COUNTER_FIGURES

import costcalc

MODULES: dict[str, Any] = json.loads((COUNTER_FIGURES / "modules.json").read_text(encoding="utf-8"))["modules"]
CASES = [(name, counter) for name, module in MODULES.items() for counter in module["figures"]]


def reconciled(folder: Path, shape: list[int], layers: str, counter: str, **written: str) -> Any:
    path = folder / "net.yaml"
    path.write_text(f"name: net\ninput: {shape}\nlayers: {layers}\n", encoding="utf-8")
    return costcalc.reconcile(path, tools=[counter], written=written)


@pytest.mark.parametrize(("name", "counter"), CASES)
def test_figure(name: str, counter: str, tmp_path: Path) -> None:
    module = MODULES[name]
    shape = [1, *module["shape"][1:]] if counter.startswith("ptflops") else module["shape"]
    account = reconciled(tmp_path, shape, module["layers"], counter, **module["written"])[counter]
    assert (None if account.failure else account.figure) == module["figures"][counter]


IMAGE = [1, 6, 8, 8]
GELU = (
    "[{constant: {value: 1.4142135, as: root}}, {constant: {value: 1.5, as: one}}, {constant: {value: 0.5, as: half}}, "
    "{div: {from: [input, root]}}, erf, {add: {from: [erf, one]}}, {mul: {from: [input, add], as: whole}}, "
    "{mul: {from: [whole, half]}}]"
)
SILU = "[sigmoid, {mul: {from: [input, sigmoid]}}]"
HARD_SWISH = "[{hard_sigmoid: {alpha: 1 / 6}}, {mul: {from: [input, hard_sigmoid]}}]"


@pytest.mark.parametrize(("written", "short"), [(GELU, "[gelu]"), (SILU, "[silu]"), (HARD_SWISH, "[hard_swish]")])
@pytest.mark.parametrize("counter", ["ptflops_pytorch", "torchprofile", "calflops_flops", "fvcore"])
def test_an_activation_in_several_nodes_is_one(written: str, short: str, counter: str, tmp_path: Path) -> None:
    several = reconciled(tmp_path, IMAGE, written, counter)[counter]
    assert several.figure == reconciled(tmp_path, IMAGE, short, counter)[counter].figure
    assert len([call for call, _ in several.terms_by_call if call.kind != "elementwise"]) == 1


def test_a_product_that_is_no_activation_is_a_product(tmp_path: Path) -> None:
    gate = "[global_avg_pool, {pointwise_conv: {filters: 6}}, sigmoid, {mul: {from: [input, sigmoid]}}]"
    account = reconciled(tmp_path, IMAGE, gate, "torchprofile")["torchprofile"]
    assert {line.name: line.amount for line in account.lines}["elementwise products"] == 6 * 8 * 8


NORMED = "[{conv: {filters: 8, kernel: 3, bias: false}}, batch_norm, relu, {conv: {filters: 8, kernel: 3, bias: false}}, batch_norm]"
FOLDED = "[{conv: {filters: 8, kernel: 3}}, relu, {conv: {filters: 8, kernel: 3}}]"
BIASED = "[{conv: {filters: 8, kernel: 3}}, batch_norm, relu, {conv: {filters: 8, kernel: 3}}, batch_norm]"


@pytest.mark.parametrize("counter", ["thop", "fvcore", "ptflops_pytorch", "ptflops_aten", "torchinfo", "torchprofile"])
def test_folded_normalisations_are_taken_back(counter: str, tmp_path: Path) -> None:
    for bias, unfolded in (("folded", NORMED), ("both", BIASED)):
        folded = reconciled(tmp_path, IMAGE, FOLDED, counter, bias=bias)[counter].figure
        assert folded == reconciled(tmp_path, IMAGE, unfolded, counter)[counter].figure


def test_a_batch_norm_in_the_graph_is_not_counted_twice(tmp_path: Path) -> None:
    plain = reconciled(tmp_path, IMAGE, BIASED, "thop")["thop"].figure
    assert reconciled(tmp_path, IMAGE, BIASED, "thop", bias="folded")["thop"].figure == plain
    assert plain == 8 * 6 * 6 * 6 * 9 + 8 * 4 * 4 * 8 * 9 + 4 * (8 * 6 * 6 + 8 * 4 * 4)


@pytest.mark.parametrize("counter", MODULES["attention_einsum"]["figures"])
def test_attention_by_matmul_can_be_said_to_be_einsum(counter: str, tmp_path: Path) -> None:
    module = MODULES["attention_einsum"]
    layers = module["layers"].replace("{einsum: {equation: 'bhid,bhjd->bhij', ", "{matmul: {")
    layers = layers.replace("{einsum: {equation: 'bhij,bhjd->bhid', ", "{matmul: {")
    layers = layers.replace("{perm: [0, 2, 1, 3], as: keys}", "{perm: [0, 2, 3, 1], as: keys}")
    assert "einsum" not in layers
    shape = [1, *module["shape"][1:]] if counter.startswith("ptflops") else module["shape"]
    account = reconciled(tmp_path, shape, layers, counter, attention="einsum")[counter]
    assert account.figure == module["figures"][counter]


TABLE = "{parameter: {shape: [4, 6], as: table}}"


def test_a_layer_over_a_stored_table_is_a_layer_and_a_product_of_two_matrices_is_none(tmp_path: Path) -> None:
    product = f"[{TABLE}, {{parameter: {{shape: [6, 8], as: other}}}}, {{matmul: {{from: [table, other]}}}}, {{add: {{from: [input, matmul]}}}}]"
    for layers, figure in ((f"[{TABLE}, {{linear: {{units: 8, from: table}}}}]", 4 * 6 * 8), (product, 0)):
        assert reconciled(tmp_path, [4, 8], layers, "thop")["thop"].figure == figure
        assert reconciled(tmp_path, [4, 8], layers, "fvcore")["fvcore"].figure == 4 * 6 * 8
