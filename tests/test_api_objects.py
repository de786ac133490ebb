"""Objects that are no model, and what a session shows of results."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from support.cli import ok
from support.paths import ONNX_FILES

import costcalc
from costcalc.core.result import short_repr


class Module:
    """Stands for torch.nn.Module."""


Module.__module__ = "torch.nn.modules.module"


class Net(Module):
    pass


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Net(), r"a PyTorch module is read by PyTorch, which is not installed|Net: it gives an object of the type Net"),
        ({"input": [1]}, "type dict is no model.*yaml.safe_dump"),
        (5, "type int is no model that is read; give a path"),
        (["lenet5"], "costcalc.compare"),
        (b"abc", "it is no model"),
        (lambda: 1, "give what it returns"),
        (None, "the model is None"),
    ],
)
@pytest.mark.parametrize("function", ["analyze", "load", "explain", "footprint", "suggest", "reconcile"])
def test_what_is_no_model_is_refused_with_a_remedy(function: str, model: Any, message: str) -> None:
    with pytest.raises(costcalc.CostcalcError, match=message):
        getattr(costcalc, function)(model)


def test_inputs_beside_a_model_are_refused() -> None:
    with pytest.raises(
        costcalc.CostcalcError, match="inputs stand beside a model that is no PyTorch module; no model is run"
    ):
        costcalc.analyze("lenet5", (1, 1, 32, 32))


def test_dir_lists_the_api() -> None:
    assert dir(costcalc) == sorted(costcalc.__all__)


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        ("net", "3 layers", "<Report net: 3 layers>"),
        ("net", "", "<Report net>"),
        ("two\nlines \x1b[31m", "1", r"<Report two\nlines \x1b[31m: 1>"),
        ("n" * 300, "f" * 300, f"<Report {'n' * 22}…{'n' * 21}: {'f' * 22}…{'f' * 22}>"),
    ],
)
def test_a_repr_is_one_line_that_ends(name: str, facts: str, expected: str) -> None:
    assert short_repr("Report", name, facts) == expected
    assert len(expected) <= 100


def test_reprs_fit_a_line() -> None:
    report = costcalc.analyze("lenet5", training=True, devices="t4")
    suggestions = costcalc.suggest("vgg16")
    results = (
        report,
        report.step,
        report.rows[0],
        report.tables()[0],
        report.graph,
        costcalc.compare("lenet5", "alexnet"),
        costcalc.diff("lenet5", "alexnet"),
        costcalc.reconcile("lenet5"),
        costcalc.footprint("lenet5"),
        costcalc.explain("lenet5"),
        suggestions,
        suggestions[0],
        *costcalc.on_hardware("lenet5", "t4"),
        costcalc.hardware("lenet5", "t4", "a100", "h100", "v100"),
        costcalc.hardware("lenet5", "t4")[0].profile,
        costcalc.compare("mobilenet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "vgg16", "alexnet"),
        report.graph.nodes[0],
        report.rows[0].outputs[0],
        costcalc.memory("lenet5").schedule,
        costcalc.memory("lenet5").liveness,
        costcalc.memory("lenet5", align=16).arena,
        costcalc.diff("lenet5", "alexnet").changes[0],
        costcalc.diff("lenet5", "alexnet").before,
        costcalc.check("lenet5", limits={"macs": "1k"}).verdicts[0],
        costcalc.check("lenet5", limits={"macs": "1k"}).models[0],
        costcalc.reconcile("lenet5").accounts[0],
        costcalc.llm("gpt2", prompt=8, generate=2),
        costcalc.table("lenet5", "alexnet"),
        costcalc.plot("lenet5"),
        costcalc.report("lenet5"),
    )
    assert [repr(result) for result in results if len(repr(result)) > 100 or "\n" in repr(result)] == []


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((5,), {}, "check reads a config, and int is no path"),
        (({},), {}, "check reads a config, and dict is no path"),
        (("lenet5",), {}, r"lenet5 is a model and no config; check\('lenet5', limits="),
        (("lenet5",), {"max": {"macs": 1}}, "check has no argument 'max'; write limits="),
        (("costcalc.yaml",), {"limits": {"macs": 1}}, "limits do not go with the config costcalc.yaml"),
    ],
)
def test_check_takes_the_paths_of_configs_and_of_models(arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(costcalc.CostcalcError, match=message):
        costcalc.check(*arguments, **options)


@pytest.mark.parametrize("model", [5, b"abc", Net()])
def test_a_check_of_an_object_that_is_no_model_cannot_be_told(model: Any) -> None:
    result = costcalc.check(None, model, limits={"macs": 1})
    assert result.exit_code == 2
    assert result.models[0].error


def test_a_check_takes_the_bytes_of_a_model() -> None:
    content = (ONNX_FILES / "hand_local_functions.onnx").read_bytes()
    assert costcalc.check(None, content, limits={"macs": "1T"}).exit_code == 0


def test_a_check_prints_as_the_command_does() -> None:
    result = costcalc.check("lenet5", limits={"macs": "600M"})
    assert str(result) == ok("check", "lenet5", "--max", "macs=600M").rstrip("\n")
    assert "<pre>lenet5" in result._repr_html_()
    assert "exit code 0" in repr(result)


def test_figures_of_layers_and_totals_are_attributes() -> None:
    report = costcalc.analyze("lenet5")
    layer = report.layers[0]
    assert (layer.macs, layer.params) == (117_600, 156) and layer.macs == layer["macs"]
    for key in ("macs", "flops", "params", "buffers", "weight_bytes", "activation_bytes", "traffic_bytes"):
        assert [getattr(row, key) for row in report.layers] == [row[key] for row in report.layers]
        assert getattr(report, key) == report.totals[key] and key in dir(report) and key in dir(layer)
    assert report.peak_activation_bytes == report.totals["peak_activation_bytes"]


def test_a_peak_that_is_undecided_says_what_to_bind() -> None:
    report = costcalc.analyze("mobilenet_v1", symbolic=True)
    with pytest.raises(costcalc.CostcalcError, match="depends on H, N, W; bind with --dim"):
        report.peak_activation_bytes  # noqa: B018


@pytest.mark.parametrize("word", ["mac", "MACs", "peak_activation", "param"])
def test_a_wrong_key_is_told_the_right_one(word: str) -> None:
    report = costcalc.analyze("lenet5")
    with pytest.raises(KeyError, match="did you mean"):
        report.totals[word]
    with pytest.raises(KeyError, match=r"there is no figure 'x': there are macs, flops"):
        report.layers[0]["x"]
    assert pickle.loads(pickle.dumps(report.totals)) == dict(report.totals) and report.totals.get(word) is None
