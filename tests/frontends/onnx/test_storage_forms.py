"""Sparse and unread stored tensors, and ONNX's text forms: what the file holds is what counts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import onnx
import pytest
from google.protobuf import json_format, text_format
from onnx import TensorProto, helper
from support.cli import call

import costcalc
from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.analysis.roofline.bounds import compute_roofline
from costcalc.core.errors import LoadError

VALUE = helper.make_tensor_value_info


def model(sparse: bool = False, unread: bool = False) -> onnx.ModelProto:
    """x [2, 8] times W [8, 4]; W dense, or sparse with 3 of its 32 values."""
    dense = [] if sparse else [helper.make_tensor("W", TensorProto.FLOAT, [8, 4], [1.0] * 32)]
    dense += [helper.make_tensor("dead", TensorProto.FLOAT, [100], [0.0] * 100)] if unread else []
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "W"], ["y"])],
        "g",
        [VALUE("x", TensorProto.FLOAT, [2, 8])],
        [VALUE("y", TensorProto.FLOAT, [2, 4])],
        dense,
    )
    if sparse:
        values = helper.make_tensor("W", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
        indices = helper.make_tensor("W_indices", TensorProto.INT64, [3], [0, 5, 31])
        graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [8, 4]))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_sparse_tensor_counts_as_stored() -> None:
    report = costcalc.analyze(model(sparse=True))
    assert report.totals["params"] == 3
    assert report.totals["weight_bytes"] == 3 * 4 + 3 * 8
    assert report.totals["macs"] == 2 * 4 * 8
    assert any("sparse" in note and "W" in note for note in report.graph.notes)
    assert costcalc.analyze(model(sparse=True), dtype="float16").totals["weight_bytes"] == 3 * 2 + 3 * 8


def test_sparse_tensor_with_an_index_for_each_axis() -> None:
    message = model(sparse=True)
    message.graph.sparse_initializer[0].indices.CopyFrom(
        helper.make_tensor("W_indices", TensorProto.INT64, [3, 2], [0, 0, 1, 1, 7, 3])
    )
    assert costcalc.analyze(message).totals["weight_bytes"] == 3 * 4 + 3 * 2 * 8


def test_sparse_tensor_is_a_bound_of_traffic() -> None:
    """x 64 bytes, y 32, and the stored form of W: a lower bound of time must hold for a kernel that reads that."""
    roofline = compute_roofline(costcalc.analyze(model(sparse=True)), find_profile("t4"))
    assert roofline.compulsory_bytes == 2 * 8 * 4 + 2 * 4 * 4 + (3 * 4 + 3 * 8)


def test_unread_tensor_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(model(unread=True), str(path))
    code, printed, _ = call(capsys, "analyze", str(path), "--format", "json")
    (document,) = json.loads(printed)["models"]
    assert code == 0 and document["totals"]["params"] == 32
    assert document["notes"] == ["no node reads 1 stored tensor (dead), which counts as nothing"]
    assert "dead" in call(capsys, "analyze", str(path))[1]


def test_tensor_of_the_branch_that_is_not_taken_is_read() -> None:
    """An If whose condition is stored takes one branch; what the other reads is no unread tensor."""
    out = VALUE("o", TensorProto.FLOAT, [2])
    branches = [helper.make_graph([helper.make_node("Relu", [w], ["o"])], w, [], [out]) for w in ("a", "b")]
    graph = helper.make_graph(
        [helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])],
        "g",
        [],
        [VALUE("y", TensorProto.FLOAT, [2])],
        [helper.make_tensor("c", TensorProto.BOOL, [], [True])]
        + [helper.make_tensor(name, TensorProto.FLOAT, [2], [0.0] * 2) for name in ("a", "b")],
    )
    notes = costcalc.load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])).notes
    assert not any("no node reads" in note for note in notes)


def text_forms() -> dict[str, str]:
    message = model()
    proto, names = text_format.MessageToString(message), json_format.MessageToJson(message)
    return {
        "net.textproto": proto,
        "net.pbtxt": proto,
        "net.prototxt": f"# made by hand\n{proto}",
        "net.json": names,
        "names.json": json_format.MessageToJson(message, preserving_proto_field_name=True),
        "net.onnxtext": onnx.printer.to_text(message),
        "net.txt": proto,
        "net.yaml": names,
    }


@pytest.mark.parametrize("name", list(text_forms()))
def test_text_form(name: str, tmp_path: Path) -> None:
    """What a file is, is told by its content: the figures are those of the binary file."""
    path = tmp_path / name
    path.write_text(text_forms()[name])
    expected = costcalc.analyze(model()).totals
    assert costcalc.analyze(path).totals == costcalc.analyze(path.read_bytes()).totals == expected


def test_directory_takes_the_models_among_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in text_forms().items():
        (tmp_path / name).write_text(text)
    (tmp_path / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    (tmp_path / "labels.pbtxt").write_text('item {\n  id: 1\n  name: "cat"\n}\n')
    (tmp_path / "train.prototxt").write_text('name: "LeNet"\nlayer {\n  name: "conv1"\n}\n')
    code, printed, errors = call(capsys, "analyze", str(tmp_path), "--format", "json")
    assert code == 0 and not errors
    assert len(json.loads(printed)["models"]) == len(text_forms()) - 1, "net.txt has a suffix of no model"


def test_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.pbtxt").write_text(text_forms()["net.pbtxt"])
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "net"]):
        subprocess.run(["git", *command], check=True)
    assert call(capsys, "analyze", "HEAD:net.pbtxt")[0] == 0
    assert call(capsys, "diff", "HEAD:net.pbtxt", "net.pbtxt")[0] == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("net.textproto", "ir_version: 8\ngraph { nod { } }\n", "no ONNX model in protobuf's text format"),
        ("net.json", '{"irVersion": "8", "graph": {"nod": 1}}', "no ONNX model in protobuf's JSON mapping"),
        ("net.json", '{"irVersion": "8", "graph": ', "no ONNX model in protobuf's JSON mapping"),
        ("deep.textproto", "ir_version: 8\n" + "graph { node { attribute { g { " * 100, "nested more than 200 deep"),
        ("deep.json", '{"irVersion": "8", "graph": ' + "[" * 100_000, "nested more than 200 deep"),
        ("quote.textproto", "ir_version: 8\ndomain: '\"'\n" + "graph { node { " * 900, "nested more than 200 deep"),
        ("cut.json", '{"irVersion": "8", "producerName": "\\ud800"}', "no ONNX model in protobuf.s JSON mapping"),
    ],
)
def test_damaged_text(name: str, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(LoadError, match=message):
        costcalc.load(path)
