"""`costcalc compare` on the command line: a model whose peak depends on open extents stands beside any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import ok
from support.paths import DATA, ONNX_FILES, ROOT

SPECS = ROOT / "specs"
OPEN = str(ONNX_FILES / "resnet18__ts_dynhw.onnx")
WHY = "which step needs the most memory depends on height, width"


@pytest.mark.parametrize("models", [(OPEN, "resnet18"), ("resnet18", OPEN), (OPEN, OPEN)])
def test_a_peak_that_open_extents_leave_undecided_is_a_refusal(models: tuple[str, ...]) -> None:
    rows = json.loads(ok("compare", *models, "--format", "json"))["comparison"]["totals"]["peak_activation_bytes"]
    for model, row in zip(models, rows, strict=True):
        if model == OPEN:
            assert row["value"] is None and not row["lower_bound"]
            assert row["refused"] == f"peak_activation_bytes: {WHY}; bind with --dim height=… --dim width=…"
        else:
            assert isinstance(row["value"], int) and "refused" not in row


@pytest.mark.parametrize("form", ["table", "csv", "markdown", "html", "svg"])
def test_every_format_shows_an_undecided_peak(form: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    assert "Peak" in (ok("compare", OPEN, "resnet18", "--format", form, "-o", str(path)) or path.read_text())


def test_built_in_models_with_open_extents_are_compared() -> None:
    text = ok("compare", "lenet5", "alexnet", "--symbolic")
    assert "which step needs the most memory depends on H, N, W: bind them" in text


def test_a_page_compares_models_whose_peak_is_undecided(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    ok("report", OPEN, "resnet18", "-o", str(page))
    assert "Peak activation bytes" in page.read_text()


def test_an_energy_that_was_not_measured_says_that_it_is_of_the_circuits() -> None:
    assert "Energy on t4 (circuits)" in ok("compare", "lenet5", "alexnet", "--hardware", "t4")
    assert "| Energy t4 (circuits) |" in ok("table", "lenet5", "--columns", "name,energy.t4")


def test_active_parameters_of_a_dense_model_beside_a_mixture_are_all_of_its_parameters(tmp_path: Path) -> None:
    dense = {
        "model_type": "qwen3",
        "num_hidden_layers": 1,
        "hidden_size": 64,
        "vocab_size": 100,
        "intermediate_size": 96,
    }
    mixture = {
        **dense,
        "model_type": "qwen3_moe",
        "num_experts": 8,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
    }
    models = []
    for config in (dense, mixture):
        models.append(str(tmp_path / f"{config['model_type']}.json"))
        Path(models[-1]).write_text(json.dumps(config))
    totals = json.loads(ok("compare", *models, "--format", "json"))["comparison"]["totals"]
    params, active = [[row["value"] for row in totals[key]] for key in ("params", "active_params")]
    assert active == [params[0], params[1] - 6 * 3 * 64 * 32]  # 6 of 8 experts rest, each of three matrices
    documents = [json.loads(ok("llm", model, "--format", "json"))["generation"] for model in models]
    assert [document["active_params"] for document in documents] == active
    assert "Active params" in ok("compare", *reversed(models))
    assert "Active params" not in ok("compare", "lenet5", "alexnet")


VWW = DATA / "npu" / "vela" / "vww_96_int8.tflite"


def test_a_network_and_the_file_that_was_made_of_it(tmp_path: Path) -> None:
    """MobileNet v1 with a quarter of its width, 96 × 96, and MLPerf Tiny's file of it: equal MACs, and for everything
    else the reason why it differs, down to equal figures. Operators of one kind stand in one row."""
    path = tmp_path / "net.yaml"
    text = (SPECS / "mobilenet_v1.yaml").read_text()
    path.write_text(
        text.replace("alpha: 1.0, resolution: 224, classes: 1000", "alpha: 0.25, resolution: 96, classes: 2")
    )
    options = ("--dtype", "int8", "--act-dtype", "int8")
    document = json.loads(ok("compare", str(path), str(VWW), *options, "--format", "json"))["comparison"]
    macs = [entry["value"] for entry in document["totals"]["macs"]]
    assert macs == [7_489_664, 7_489_664]
    flops = {op: [entry["value"] for entry in row] for op, row in document["flops_by_op"].items()}
    assert [op for op in flops if ":" in op] == []
    assert flops["MatMul"] == [1_026, 1_030] and flops["AveragePool"] == [2_304, 2_304]
    table = " ".join(ok("compare", str(path), str(VWW), *options).split())
    assert "Conv: Conv, tflite:CONV_2D, tflite:DEPTHWISE_CONV_2D" in table
    assert "210,850 parameters are left, the same as in the file" in table
    assert "write 231,812 of 694,916 activation bytes, 55,296 at the peak, the same as in the file" in table
    assert "463,116 of 15,907,864 FLOPs bring quantised outputs to their scale" in table
    assert "Requantised" not in ok("compare", "lenet5", str(VWW.with_name("vww_96_float.tflite")))
    assert "Fused" not in ok("compare", str(path), str(VWW), "--fuse")


def test_models_of_one_format_have_a_row_for_each_operator() -> None:
    flops = json.loads(ok("compare", "lenet5", "resnet18", "--format", "json"))["comparison"]["flops_by_op"]
    assert {"Conv", "Gemm"} <= set(flops) and "MatMul" not in flops


def test_files_of_one_name_are_called_by_the_folder_that_tells_them_apart(tmp_path: Path) -> None:
    files = [tmp_path / "a" / "v1" / "net" / "model.yaml", tmp_path / "a" / "v2" / "net" / "model.yaml"]
    for file, name in zip(files, ("lenet5", "lenet5_modern"), strict=True):
        file.parent.mkdir(parents=True)
        text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
        file.write_text("\n".join(line for line in text.splitlines() if not line.startswith("name:")))
    head = ok("compare", *map(str, files)).splitlines()[2].split()
    assert head == ["v1/net/model.yaml", "v2/net/model.yaml", "ratio"]
    assert ok("compare", *[str(files[0])] * 2).splitlines()[2].split() == [
        "model.yaml",
        "(1)",
        "model.yaml",
        "(2)",
        "ratio",
    ]
