"""What people type first: a model without a command, other tools' words, names in any spelling."""

from __future__ import annotations

import pytest
from support.cli import call, ok
from support.paths import ONNX_FILES

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.core.errors import HardwareError


@pytest.mark.parametrize("name", ["lenet5", "LeNet-5", "LENET_5"])
def test_a_model_alone_is_analysed(name: str) -> None:
    assert ok(name, "--sort", "MACs", "--top", "1") == ok("analyze", "lenet5", "--sort", "macs", "--top", "1")


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("flops", "lenet5"), "did you mean `costcalc analyze lenet5`?"),
        (("summary", "lenet5"), "`costcalc analyze lenet5`"),
        (("profile", "lenet5"), "`costcalc analyze lenet5`"),
        (("info", "lenet5"), "`costcalc analyze lenet5`"),
        (("list",), "`costcalc models`"),
        (("list", "resnet50"), "`costcalc models resnet50`"),
        (("ls", "net.onnx"), "`costcalc analyze net.onnx`"),
        (("check", "lenet5", "--json"), "write --format json\n"),
        (("analyze", "lenet5", "--batch", "8"), "--dim N=8"),
        (("memory", "lenet5", "--batch-size", "8"), "--dim N=8"),
        (("analyze", "lenet5", "--json"), "--format json"),
        (("analyze", "resnet50", "--batch", "8"), "the model generates nothing; a batch of inputs is --dim N=8"),
        (("analyze", "resnet50", "--batch-size", "8"), "--shape INPUT=8,…"),
        (("analyze", "resnet50", "--dim", "batch=8"), "its batch is N: write --dim N=8"),
        (("layers", "lenet5"), "`costcalc analyze lenet5`"),
        (("operators", "lenet5"), "`costcalc analyze lenet5 --by op`"),
        (("help",), "`costcalc --help`"),
        (("help", "memory"), "`costcalc memory --help`"),
        (("version",), "`costcalc --version`"),
        (("lenet5", "explain", "C3"), "write `costcalc explain lenet5 C3`"),
        (("lenet5", "-f", "json"), "write --format json"),
        (("lenet5", "-b", "8"), "write --dim N=8"),
        (("resnet",), "there are resnet18, resnet34, resnet50, resnet101, resnet152"),
        (("missing.onnx",), "no file and no built-in model 'missing.onnx'"),
        (("EfficientNet",), "there are efficientnet_b0, efficientnet_b1"),
        (("analyze", "resnet18", "--shape", "1,3,64,64"), "write its name before it, as x=1,3,64,64"),
        (("analyze", "resnet18", "--shape", "x"), "write it as x=1,3,224,224"),
        (("analyze", "resnet18", "--dim", "8"), "write its name before it, as N=8"),
        (("analyze", "lenet5", "--top", "five"), "'five' is no whole number; write it in digits, as 8"),
        (("analyze", "lenet5", "--jobs", "0"), "'0' is too small; the least is 1"),
        (("sweep", "lenet5", "--sample", "2", "--seed", "1.5"), "'1.5' is no whole number"),
        (("llm", "gpt2", "--acceptance", "nan"), "'nan' is no number from 0 to 1"),
        (("analyze", "mobilenet-v3"), "there are mobilenet_v3_large, mobilenet_v3_small"),
    ],
)
def test_other_words_get_the_right_hint(
    arguments: tuple[str, ...], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, message = call(capsys, *arguments)
    assert code == 2
    assert remedy in message


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (("--sort", "% MACs"), ("--sort", "macs")),
        (("--sort", "Operator"), ("--sort", "op")),
        (("--columns", "Layer,% MACs,Weight bytes"), ("--columns", "name,share,weight_bytes")),
        (("--format", "CSV"), ("--format", "csv")),
        (("--by", "operator"), ("--by", "op")),
        (("--by", "Blocks"), ("--by", "block")),
    ],
)
def test_options_take_what_is_printed(said: tuple[str, ...], meant: tuple[str, ...]) -> None:
    assert ok("analyze", "lenet5", *said) == ok("analyze", "lenet5", *meant)


def test_a_kind_of_chart_may_be_in_the_singular() -> None:
    assert ok("plot", "lenet5", "--kind", "bar") == ok("plot", "lenet5")


def test_a_batch_that_is_fixed_leads_to_the_whole_shape(capsys: pytest.CaptureFixture[str]) -> None:
    model = str(ONNX_FILES / "hand_conv_autopad_same_upper.onnx")
    for option in ("--dim=N=8", "--dim=batch=8", "--batch=8"):
        _, _, message = call(capsys, "analyze", model, option)
        assert "write a whole shape, --shape x=8," in message
    assert "--dim '*=8' binds nothing, no extent is open" in " ".join(ok("analyze", model, "--dim", "*=8").split())
    assert "N is 1 by default" in " ".join(ok("analyze", "lenet5", "--dim", "*=8").split())


def test_a_whole_row_of_a_table_names_its_layer() -> None:
    assert ok("explain", "lenet5", "C3   Conv   1×16×10×10  240,000") == ok("explain", "lenet5", "C3")


@pytest.mark.parametrize("name", ["RTX4090", "rtx_4090", "GeForce RTX 4090", "T4", "Raspberry_Pi_5"])
def test_names_of_devices_forgive_their_spelling(name: str) -> None:
    assert find_profile(name).id in ("rtx4090", "t4", "raspberry-pi-5")


@pytest.mark.parametrize("name", ["mi210", "radeon-rx-7900", "m9", "tpu-v4", "xeon-t4"])
def test_no_device_of_another_maker_is_suggested(name: str) -> None:
    with pytest.raises(HardwareError) as raised:
        find_profile(name)
    assert not any(word in raised.value.remedy for word in ("rtx", "t4", "v100", "a100", "h100", "jetson"))


@pytest.mark.parametrize("form", ["table", "markdown", "html", "csv", "svg", "json"])
def test_bars_stand_beside_a_figure(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    ok("analyze", "lenet5", "--columns", "bar,share", "--format", form)
    status, _, err = call(capsys, "analyze", "lenet5", "--columns", "bar", "--format", form)
    assert (status, "bars alone" in err) == ((0, False) if form == "json" else (2, True))
