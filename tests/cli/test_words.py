"""What people type first: a model without a command, other tools' words, names in any spelling."""

from __future__ import annotations

import pytest
from support.cli import call, ok

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
        (("list", "resnet50"), "`costcalc analyze resnet50`"),
        (("check", "lenet5", "--json"), "write --format json\n"),
        (("analyze", "lenet5", "--batch", "8"), "--dim N=8"),
        (("memory", "lenet5", "--batch-size", "8"), "--dim N=8"),
        (("analyze", "lenet5", "--json"), "--format json"),
        (("missing.onnx",), "no file and no built-in model 'missing.onnx'"),
        (("EfficientNet",), "there are efficientnet_b0, efficientnet_b1"),
        (("analyze", "mobilenet-v3"), "there are mobilenet_v3_large, mobilenet_v3_small"),
    ],
)
def test_other_words_get_the_right_hint(
    arguments: tuple[str, ...], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, message = call(capsys, *arguments)
    assert code == 2
    assert remedy in message


@pytest.mark.parametrize("name", ["RTX4090", "rtx_4090", "GeForce RTX 4090", "T4", "Raspberry_Pi_5"])
def test_names_of_devices_forgive_their_spelling(name: str) -> None:
    assert find_profile(name).id in ("rtx4090", "t4", "raspberry-pi-5")


@pytest.mark.parametrize("name", ["mi300x", "radeon-rx-7900", "m1", "tpu-v4", "xeon-t4"])
def test_no_device_of_another_maker_is_suggested(name: str) -> None:
    with pytest.raises(HardwareError) as raised:
        find_profile(name)
    assert not any(word in raised.value.remedy for word in ("rtx", "t4", "v100", "a100", "h100", "jetson"))
