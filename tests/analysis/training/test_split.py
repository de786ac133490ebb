"""Training on several devices: what each holds by kind, and what it sends in a step."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.serving import write_config

from costcalc.analysis.training.split import TrainingSplit
from costcalc.cli.group import cli
from costcalc.core.errors import OpenQuantityError, UsageError
from costcalc.studies.measurement import Measurement, measure
from costcalc.studies.options import Settings

D, FFN, LAYERS, VOCABULARY, SEQ = 4096, 14336, 32, 128256, 256
LAYER = 2 * D * D + 2 * D * 1024 + 3 * D * FFN + 2 * D
PARAMS = 2 * VOCABULARY * D + LAYERS * LAYER + D


def measured(folder: Path, parallel: dict[str, int], **training: Any) -> Measurement:
    options = {"optimizer": "adam-mixed", **training}
    settings = Settings.of(dims={"N": 1, "seq": SEQ}, training=options, parallel=parallel)
    return measure(write_config("llama3-8b", folder), settings)


def split(folder: Path, parallel: dict[str, int], **training: Any) -> TrainingSplit:
    return measured(folder, parallel, **training).training_split


def test_one_device_holds_what_a_step_takes(tmp_path: Path) -> None:
    measurement = measured(tmp_path, {})
    assert measurement.training_split.nbytes == measurement.training_report.step.nbytes
    assert measurement.training_split.sent_bytes == 0


@pytest.mark.parametrize(
    ("zero", "weights", "gradients", "optimizer"),
    [(None, 64, 64, 64), (1, 64, 64, 1), (2, 64, 1, 1), (3, 1, 1, 1)],
)
def test_stages_of_zero(zero: int | None, weights: int, gradients: int, optimizer: int, tmp_path: Path) -> None:
    """arXiv:1910.02054, figure 1: (2 + 2 + 12) Ψ, of which each stage splits one part more over 64 replicas."""
    found = split(tmp_path, {"dp": 64}, zero=zero, micro_batches=1)
    assert found.nbytes["weights"] == 2 * PARAMS * weights // 64
    assert found.nbytes["gradients"] == 2 * PARAMS * gradients // 64
    assert found.nbytes["optimizer"] == 12 * PARAMS * optimizer // 64
    volume = 3 if zero == 3 else 2  # section 7: 2 Ψ, with weights split 3 Ψ
    assert found.sent["data"] == Fraction(63, 64) * volume * 2 * PARAMS


def test_tensor_parallel_training(tmp_path: Path) -> None:
    """Two all-reduces a layer forward and two backward, one behind the table and one before the head."""
    found = split(tmp_path, {"tp": 8})
    norms = (2 * LAYERS + 1) * D
    assert found.nbytes["weights"] == 2 * ((PARAMS - norms) // 8 + norms)
    hidden = SEQ * D * 2
    assert found.sent["tensor"] == Fraction(2 * 7, 8) * (1 + 2 * LAYERS + 2 * LAYERS + 1) * hidden
    assert split(tmp_path, {"tp": 8}, recompute="full").sent["tensor"] == Fraction(14, 8) * (195 + 0) * hidden


def test_sequence_parallel_and_recomputation(tmp_path: Path) -> None:
    """Each keeps less than the one before; the model's states do not change."""
    steps = [
        split(tmp_path, {"tp": 8}),
        split(tmp_path, {"tp": 8}, sequence_parallel=True),
        split(tmp_path, {"tp": 8}, sequence_parallel=True, recompute="selective"),
        split(tmp_path, {"tp": 8}, sequence_parallel=True, recompute="full"),
    ]
    kept = [step.nbytes["activations"] for step in steps]
    assert kept == sorted(kept, reverse=True) and len(set(kept)) == 4
    scores = LAYERS * 32 // 8 * SEQ * SEQ * 2
    assert kept[1] - kept[2] == scores
    assert len({step.nbytes["optimizer"] for step in steps}) == 1
    assert steps[1].sent["tensor"] == steps[0].sent["tensor"] + Fraction(7, 8) * (2 * LAYERS + 1) * SEQ * D * 2


def test_pipeline_stages_keep_micro_batches(tmp_path: Path) -> None:
    """1F1B: stage i of 4 has 4 - i micro-batches on their way, no more than there are."""
    full, single = (split(tmp_path, {"pp": 4}, micro_batches=m) for m in (8, 1))
    for index, (many, one) in enumerate(zip(full.stages, single.stages, strict=True)):
        assert many["activations"] == (4 - index) * one["activations"]
    assert sum(stage["weights"] for stage in full.stages) == 2 * PARAMS
    assert full.sent["pipeline"] == 8 * 2 * SEQ * D * 2


def test_experts_have_replicas_of_their_own(tmp_path: Path) -> None:
    fields = {"model_type": "mixtral", "architectures": ["MixtralForCausalLM"], "torch_dtype": "bfloat16"}
    fields |= {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "vocab_size": 512}  # type: ignore[dict-item]
    fields |= {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16}  # type: ignore[dict-item]
    model = str(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(fields), encoding="utf-8")
    settings = Settings.of(dims={"N": 1, "seq": 16}, training=True, parallel={"dp": 8, "ep": 4})
    found = measure(model, settings).training_split
    experts, dense = 2 * 8 * 3 * 64 * 128, 2 * 512 * 64 + 2 * (4 * 64 * 64 + 8 * 64 + 2 * 64) + 64
    assert found.nbytes["weights"] == 2 * (experts // 4 + dense)
    assert found.sent["data"] == 2 * 2 * (Fraction(1, 2) * experts // 4 + Fraction(7, 8) * dense)
    assert found.sent["expert"] > 0


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no ZeRO stage 4"):
        split(tmp_path, {"dp": 2}, zero=4)
    with pytest.raises(OpenQuantityError, match="it depends on seq"):
        _ = measure(write_config("llama3-8b", tmp_path), Settings.of(training=True, parallel={"tp": 2})).training_split


def test_the_command_line(tmp_path: Path) -> None:
    options = ["--training", "--optimizer", "adam-mixed", "--zero", "1", "--devices", "16", "--tp", "4", "--pp", "2"]
    arguments = ["analyze", write_config("llama3-8b", tmp_path), "--dim", "seq=256", *options, "--format", "json"]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert done.exception is None, done.exception
    model = json.loads(done.stdout)["models"][0]
    entry = model["training"]["parallel"]
    assert entry["devices"] == 16 and len(entry["stages"]) == 2
    assert model["totals"]["device_training_bytes"] == entry["bytes"]["total"]
    assert model["totals"]["training_sent_bytes"] == entry["sent_bytes"]["total"]


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (("--devices", "64", "--zero", "4"), "there is no ZeRO stage 4; use --zero 1, 2 or 3"),
        (("--devices", "64", "--tp", "3"), "make their product the number of devices"),
        (("--devices", "63", "--tp", "3"), "cannot be split over 3 devices"),
        (("--pp", "33"), "32 layers cannot be split into 33 stages"),
    ],
)
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_split_that_cannot_be_is_refused(options: tuple[str, ...], fact: str, form: str, tmp_path: Path) -> None:
    model = write_config("llama3-8b", tmp_path)
    arguments = ["analyze", model, "--training", "--dim", "seq=64", *options, "--format", form]
    done = CliRunner().invoke(cli, arguments)
    assert isinstance(done.exception, UsageError) and fact in str(done.exception)


def test_a_split_of_open_extents_says_what_to_bind(tmp_path: Path) -> None:
    arguments = ["analyze", write_config("llama3-8b", tmp_path), "--training", "--devices", "8"]
    text = " ".join(CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout.split())
    assert "device_training_bytes, training_sent_bytes: it depends on seq; bind with --dim seq=…" in text
