"""What a type checker tells a user of the package: a misspelt option, whichever function hands it on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import costcalc

PROGRAM = """
import costcalc

costcalc.compare("lenet5", "alexnet", {option})
costcalc.diff("lenet5", "alexnet", {option})
costcalc.explain("lenet5", {option})
costcalc.memory("lenet5", fuse=True, {option})
costcalc.on_hardware("lenet5", "t4", {option})
costcalc.llm("gpt2", prompt=8, tp=2, {option})
costcalc.plot("lenet5", kind="memory", {option})
costcalc.report("lenet5", strict=True, {option})
costcalc.table("lenet5", columns="name,macs", {option})
costcalc.export("lenet5", "lenet5.onnx", weights="none", {option})
costcalc.lock("lenet5", check=True, {option})
costcalc.suggest("lenet5", rules="gap", {option})
costcalc.reconcile("lenet5", tools=["thop"], {option})
costcalc.sweep("lenet5", sort="macs", {option})
costcalc.check("costcalc.yaml", jobs=2{extra})
"""
HANDING_ON = range(4, 18)
"""The lines with a function that hands options on."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy says of the program with each of these options, in one run."""
    api = pytest.importorskip("mypy.api", reason="no mypy")
    folder = tmp_path_factory.mktemp("program")
    options = {"right": 'dtype="int8"', "misspelt": 'dtyp="int8"', "mistyped": "symbolic=[3]"}
    for name, option in options.items():
        extra = ", job=3" if name == "misspelt" else ""
        (folder / f"{name}.py").write_text(PROGRAM.format(option=option, extra=extra))
    programs = [str(folder / f"{name}.py") for name in options]
    root = Path(costcalc.__file__).parents[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPYPATH", str(root))
        flags = ["--strict", "--config-file=", f"--cache-dir={folder / 'cache'}", "--follow-imports=silent"]
        out, err, _ = api.run([*flags, *programs])
    assert not err
    return {name: [line for line in out.splitlines() if f"{name}.py:" in line] for name in options}


def test_right_options_pass(told: dict[str, list[str]]) -> None:
    assert told["right"] == []


def lines(said: list[str], words: str) -> list[int]:
    """Where mypy says that."""
    return [int(found[1]) for line in said if words in line and (found := re.search(r"\.py:(\d+): error:", line))]


def test_a_misspelt_option_is_an_error(told: dict[str, list[str]]) -> None:
    assert lines(told["misspelt"], 'Unexpected keyword argument "dtyp"') == [*HANDING_ON]
    assert lines(told["misspelt"], 'Unexpected keyword argument "job"') == [HANDING_ON.stop]


def test_an_option_of_another_type_is_an_error(told: dict[str, list[str]]) -> None:
    assert lines(told["mistyped"], 'expected "bool"') == [*HANDING_ON]
