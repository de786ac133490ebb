"""A model on standard input: its content tells whether it is YAML, ONNX, or ONNX's textual form."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from costcalc.core.errors import LoadError, SpecError, UsageError
from costcalc.frontends import load

YAML = "# a comment first\ninput: [N, 3, 6, 6]\nlayers:\n  - conv: {filters: 5, kernel: 3, bias: false}\n"
TEXTUAL = '<ir_version: 8, opset_import: ["": 18]>\nagraph (float[2] x) => (float[2] y) { y = Relu(x) }\n'


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, YAML.encode())
    graph = load("-", dims={"N": 2})
    assert graph.types[graph.outputs[0]].shape == (2, 5, 4, 4)


def test_an_error_in_yaml_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, YAML.replace("filters", "filtres").encode())
    with pytest.raises(SpecError, match=r"^-:4:12: conv .*did you mean 'filters'"):
        load("-")


def test_yaml_that_begins_wrongly_is_still_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, YAML.replace("input", "inputs").encode())
    with pytest.raises(SpecError, match="did you mean 'input'"):
        load("-")


def test_onnx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from costcalc.frontends.onnx.writer import serialize_graph

    path = tmp_path / "net.yaml"
    path.write_text(YAML)
    piped(monkeypatch, serialize_graph(load(path), "none"))
    assert [node.op_type for node in load("-").nodes] == ["Conv"]


def test_textual_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, TEXTUAL.encode())
    assert [node.op_type for node in load("-").nodes] == ["Relu"]


@pytest.mark.parametrize("stream", [None, io.TextIOWrapper(io.BytesIO(b""))])
def test_nothing(monkeypatch: pytest.MonkeyPatch, stream: io.TextIOWrapper | None) -> None:
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(LoadError, match="standard input is empty"):
        load("-")


def test_what_is_no_model_is_refused_and_never_crashes() -> None:
    closed = io.BytesIO(b"name: x")
    closed.close()
    for model, says in (
        (None, "the model is None"),
        ("name: x\ninput: [1]\n", "the text of a model stands where its path is expected; give its bytes"),
        ("name: x\n" + "# long\n" * 100, "the text of a model stands where its path is expected"),
        (closed, "cannot be read"),
    ):
        with pytest.raises(UsageError, match=says):
            load(model)
    with pytest.raises(LoadError, match=r"too long|there is no file"):
        load("a" * 300)
