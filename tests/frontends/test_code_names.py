"""Text that names Python code is read from the command line only; without PyTorch every way to it says what to install."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from support.cli import call
from support.paths import ROOT

import costcalc
from costcalc.frontends.module import NamedModel, TorchModule, missing_module_remedy, names_code

CODE = "marker:build"

MARKER = """
from pathlib import Path
Path("imported").touch()
def build(): raise SystemExit
"""


@pytest.fixture
def code(here: Path) -> Path:
    """A working directory with a module that leaves a file when it is imported."""
    (here / "marker.py").write_text(MARKER)
    return here


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("marker:build", True),
        ("marker:Net.build", True),
        ("json.decoder:JSONDecoder", True),
        ("torchvision:resnet50", True),
        ("timm:vit_base_patch16_224.augreg_in21k", True),
        ("transformers:./folder/config.json", True),
        ("main:models/net.yaml", False),
        ("nosuch:Net", False),
        ("HEAD~2:net", False),
        (r"C:\net.yaml", False),
        ("timm:hf-hub:owner/name", False),
        ("lenet5", False),
    ],
)
def test_the_form_of_code(code: Path, text: str, expected: bool) -> None:
    assert names_code(text) is expected
    assert not (code / "imported").exists()


def test_python_takes_no_text_for_code(code: Path) -> None:
    with pytest.raises(
        costcalc.CostcalcError, match=r"importing code runs it.*costcalc\.TorchModule\('marker:build'\)"
    ):
        costcalc.analyze(CODE)
    assert not (code / "imported").exists()


def test_a_config_names_no_code(code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code / "costcalc.yaml").write_text(f"models:\n  - path: {CODE}\n    limits: {{macs: 1M}}\n")
    for arguments in (["check"], ["check", "--allow-code"], ["lock"]):
        status, out, err = call(capsys, *arguments)
        assert status == 2
        printed = " ".join((out + err).split())
        assert "names Python code, and importing code runs it" in printed
        assert "nothing is held" not in printed
    assert not (code / "imported").exists()


def test_a_marker_in_a_markdown_file_names_no_code(code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code / "README.md").write_text(f"<!-- costcalc:table {CODE} -->\n<!-- /costcalc:table -->\n")
    status, _, err = call(capsys, "table", "--update", "README.md")
    assert status == 2
    assert "importing code runs it" in err
    assert not (code / "imported").exists()


def test_check_needs_leave_to_import(code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = call(capsys, "check", CODE, "--max", "macs=1M")
    assert (status, err) == (
        2,
        "costcalc: marker:build is Python code, and importing code runs it; allow it with --allow-code\n",
    )
    status, _, err = call(capsys, "check", CODE, "--init", "--allow-code")
    assert status == 2
    assert "no config names" in err
    assert not (code / "imported").exists()


def test_a_revision_and_a_file_stay_what_they_are(code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`marker` is a module here; a text that ends as a model's file does is one of a git revision."""
    status, _, err = call(capsys, "analyze", "marker:net.yaml")
    assert status == 2
    assert "names Python code" not in err
    (code / "marker:build").write_bytes((ROOT / "specs" / "lenet5.yaml").read_bytes())
    assert call(capsys, "analyze", CODE)[0] == 0
    assert not (code / "imported").exists()


def test_a_package_that_is_not_there_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = call(capsys, "analyze", "nosuch.models:Net")
    assert status == 2
    assert err.startswith(
        "costcalc: nosuch.models:Net: there is no Python package 'nosuch', and no file of a git revision"
    )


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("torchvison:resnet50", "did you mean 'torchvision'?"),
        ("markr:build", "did you mean 'marker'?"),
        ("packge.nets:Net", "did you mean 'package'?"),
    ],
)
def test_a_package_of_a_similar_name_is_offered(
    code: Path, capsys: pytest.CaptureFixture[str], text: str, remedy: str
) -> None:
    (code / "package").mkdir()
    (code / "package" / "__init__.py").touch()
    status, _, err = call(capsys, "analyze", text)
    assert status == 2
    assert err.endswith(f"; {remedy}\n")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("json.decode", "did you mean 'json.decoder'?"),
        ("json.decoder.JSONDecoder", "did you mean 'json.decoder:JSONDecoder'?"),
        ("json.xyz", "json has json.decoder, json.encoder, json.scanner, json.tool"),
        ("nosuch", ""),
        ("nosuch.nets", ""),
    ],
)
def test_the_remedy_for_a_module_that_does_not_exist(name: str, remedy: str) -> None:
    assert missing_module_remedy(name) == remedy


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
@pytest.mark.parametrize("command", ["analyze", "memory", "explain", "suggest", "reconcile", "llm", "sweep"])
def test_without_torch_a_command_says_what_to_install(
    code: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    more = ["--set", "N=1,2"] if command == "sweep" else []
    status, _, err = call(capsys, command, "torchvision:resnet50", *more)
    assert status == 2
    assert "PyTorch, which is not installed here; pip install 'costcalc[torch]'" in err


def test_inputs_and_arguments_exclude_each_other() -> None:
    with pytest.raises(costcalc.CostcalcError, match="inputs and args both say"):
        TorchModule(object(), (1, 3), args=(1,))
    with pytest.raises(costcalc.CostcalcError, match=r'name open extents in the shapes: \("N", 3, 224, 224\)'):
        TorchModule(object(), (1, 3), dynamic_shapes={})


def test_a_named_model_is_its_text() -> None:
    named = NamedModel("nets:Net", TorchModule("nets:Net"))
    assert named == "nets:Net"
    assert named.model.name == "nets:Net"
