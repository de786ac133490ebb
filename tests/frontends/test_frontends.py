"""What is read is told by its content: paths of any name, bytes, file objects, onnx.ModelProto, and plug-ins."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.distributions import install

import costcalc
from costcalc import frontends
from costcalc.cli.app import run
from costcalc.core.errors import LoadError, UnknownNameError, UsageError
from costcalc.frontends import source, table
from costcalc.frontends.onnx import source as onnx_source

YAML = "params: {f: 5}\ninput: [N, 3, 6, 6]\nlayers:\n  - conv: {filters: f, kernel: 3, bias: false}\n"
TEXTUAL = '<ir_version: 8, opset_import: ["": 18]>\nagraph (float[2] x) => (float[2] y) { y = Relu(x) }\n'
MACS = 5 * 4 * 4 * 3 * 3 * 3


def model(filters: int = 5, size: int = 3) -> Any:
    """An onnx.ModelProto: one convolution of 3 channels, 6 x 6."""
    weight = numpy_helper.from_array(np.ones((filters, 3, size, size), np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 6, 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_model(helper.make_graph([node], "one_conv", [x], [y], [weight]))


@pytest.mark.parametrize("name", ["net.onnx", "pytorch_model.bin", "net.pb", "net", "net.yaml"])
def test_onnx_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(model().SerializeToString())
    assert costcalc.analyze(path).totals["macs"] == MACS


@pytest.mark.parametrize("name", ["net.yaml", "net", "net.txt", "net.onnx"])
def test_yaml_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(YAML)
    assert costcalc.analyze(path).totals["macs"] == MACS


@pytest.mark.parametrize("name", ["net.onnxtxt", "net.txt", "net"])
def test_textual_onnx_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(TEXTUAL)
    assert [node.op_type for node in costcalc.load(path).nodes] == ["Relu"]


@pytest.mark.parametrize(
    "file", sorted((Path(__file__).parent.parent / "data" / "onnx").glob("*.onnx")), ids=lambda p: p.name
)
def test_every_onnx_file_is_recognised_without_its_name(file: Path) -> None:
    assert frontends.find_frontend(source.find_source(file.read_bytes())).name == "onnx"


@pytest.mark.parametrize("data", [YAML.encode(), bytearray(YAML.encode()), memoryview(YAML.encode())])
def test_bytes(data: Any) -> None:
    report = costcalc.analyze(data)
    assert (report.totals["macs"], report.name, report.source) == (MACS, "model", "model")


def test_binary_file_objects(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(YAML)
    with path.open("rb") as file:
        report = costcalc.analyze(file)
    assert (report.totals["macs"], report.source) == (MACS, str(path))
    assert costcalc.analyze(io.BytesIO(YAML.encode())).totals["macs"] == MACS
    with path.open() as text, pytest.raises(UsageError, match="open it in binary mode"):
        costcalc.load(text)


def test_a_model_in_memory() -> None:
    report = costcalc.analyze(model())
    assert (report.totals["macs"], report.totals["params"]) == (MACS, 5 * 3 * 3 * 3)
    assert (report.name, report.source) == ("one_conv", "one_conv")


def test_a_large_model_in_memory_is_copied_without_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_source, "MAX_WHOLE_BYTES", 1 << 16)
    large = model(filters=1000)
    large.graph.initializer.append(numpy_helper.from_array(np.arange(4, dtype=np.int64), "shape"))
    assert large.ByteSize() > 1000 * 3 * 3 * 3 * 4
    data = onnx_source.serialize_model(large)
    assert len(data) < 1000
    assert numpy_helper.to_array(onnx.load_from_string(data).graph.initializer[1]).tolist() == [0, 1, 2, 3]
    assert costcalc.analyze(large).totals == costcalc.analyze(large.SerializeToString()).totals
    assert len(large.graph.initializer[0].raw_data) == 1000 * 3 * 3 * 3 * 4


def test_weights_in_a_branch_are_left_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_source, "MAX_WHOLE_BYTES", 1 << 16)
    constant = helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.ones((300, 300), np.float32)))
    product = helper.make_node("MatMul", ["a", "k"], ["b"])
    out = helper.make_tensor_value_info("b", TensorProto.FLOAT, [2, 300])
    branch = helper.make_graph([constant, product], "branch", [], [out])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    c = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    a = helper.make_tensor_value_info("a", TensorProto.FLOAT, [2, 300])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 300])
    whole = helper.make_model(helper.make_graph([node], "g", [c, a], [y]))
    assert len(onnx_source.serialize_model(whole)) < 2000
    assert costcalc.analyze(whole).totals["macs"] == 2 * 300 * 300


def test_every_function_takes_a_file_object() -> None:
    def stream() -> io.BytesIO:
        return io.BytesIO(YAML.encode())

    assert [r.totals["macs"] for r in costcalc.compare(stream(), model()).reports] == [MACS, MACS]
    assert [r.totals["macs"] for r in costcalc.compare(stream(), model(), params={"f": 10}).reports] == [2 * MACS, MACS]
    assert list(costcalc.sweep(stream(), params={"f": [5, 10]}, jobs=1)["macs"]) == [MACS, 2 * MACS]
    assert costcalc.diff(stream(), YAML.replace("f: 5", "f: 6").encode())
    assert costcalc.footprint(stream()).peak == 4 * (3 * 6 * 6 + 5 * 4 * 4)
    assert costcalc.reconcile(stream(), tools="thop")
    assert costcalc.explain(stream())
    assert costcalc.suggest(stream()) is not None


def test_an_object_that_nothing_reads() -> None:
    with pytest.raises(
        UsageError, match="an object of the type dict is no model that is read; write the model as YAML text"
    ):
        costcalc.load({})


def test_an_option_that_a_format_lacks_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match="--value is for ONNX models") as refused:
        costcalc.load(YAML.encode(), values={"n": 7})
    assert (refused.value.argument, refused.value.name) == ("values", "n")
    with pytest.raises(UnknownNameError, match="--set is for YAML models, configurations and PyTorch code;") as refused:
        costcalc.load(model(), params={"f": 7})
    assert (refused.value.argument, refused.value.name) == ("params", "f")


def test_a_directory_shows_every_suffix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read is told, not hidden."""
    for suffix in table.suffixes():
        (tmp_path / f"net{suffix}").write_bytes(b"\x18\0\0\0ORTM" if suffix == ".ort" else model().SerializeToString())
    assert run(["analyze", str(tmp_path), "--format", "csv"]) == 2
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        f"costcalc: {tmp_path / 'net.ort'}: it is in ONNX Runtime's ORT format, which is not read; "
        "analyze the ONNX model that it was made from"
    ]
    assert {".onnx", ".onnxtxt", ".ort", ".yaml", ".yml"} <= set(table.suffixes())


def test_a_foreign_directory_is_named_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    assert run(["analyze", str(tmp_path)]) == 2
    assert "a TensorFlow SavedModel" in capsys.readouterr().err


PLUGIN = """
from costcalc.core.ir import DType; from costcalc.graph.builder import GraphBuilder; from costcalc.frontends.frontend import Loaded

class Counted:
    name, suffixes = "counted", (".counted",)

    def recognises(self, source):
        return source.head.startswith(b"COUNTED") or isinstance(source.object, int)

    def read(self, source, options):
        options.refuse("params", "no parameters here", "leave them out")
        count = source.object or int(source.content()[7:])
        builder = GraphBuilder("counted", source.name, {"": 23}, binding=options.dims)
        builder.add_input("x", DType.FLOAT32, (count,))
        return Loaded(builder.build(builder.add("Relu", ["x"], name="relu")))

frontend = Counted()
"""
ASK = """
import sys, costcalc
from costcalc import frontends
print(costcalc.analyze(b"COUNTED 12").totals["flops"], costcalc.analyze(30).totals["flops"], frontends.suffixes()[-1])
try:
    costcalc.load(b"COUNTED 12", params={"a": 1})
except costcalc.CostcalcError as error:
    print(error)
"""


def installed(folder: Path, content: str, entry: str = "counting:frontend") -> dict[str, str]:
    """A distribution with one module and one entry point, as pip lays it out; the environment that finds it."""
    install(folder, "counting", content, "costcalc.frontends", entry)
    root = str(Path(costcalc.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), root])}


def python(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def test_an_installed_front_end(tmp_path: Path) -> None:
    done = python(ASK, installed(tmp_path, PLUGIN))
    assert done.stdout.splitlines() == ["12 30 .counted", "no parameters here; leave them out"], done.stderr


def test_an_installed_front_end_that_cannot_be_loaded(tmp_path: Path) -> None:
    environment = installed(tmp_path, "import nowhere")
    done = python("import costcalc; costcalc.load(b'COUNTED')", environment)
    assert "the front end 'first' of counting:frontend cannot be loaded: ModuleNotFoundError" in done.stderr
    shutil.copy(Path(__file__).parents[2] / "specs" / "lenet5.yaml", tmp_path / "net")
    assert python(f"import costcalc; costcalc.load({str(tmp_path / 'net')!r})", environment).returncode == 0


@pytest.mark.parametrize(
    ("name", "never"),
    [
        (
            "net.yaml",
            (
                "onnx",
                "numpy",
                "zipfile",
                "importlib.metadata",
                "costcalc.frontends.onnx.reader",
                "costcalc.frontends.onnx.wire",
            ),
        ),
        (
            "net.onnx",
            (
                "yaml",
                "onnx",
                "numpy",
                "importlib.metadata",
                "costcalc.frontends.yaml.reader",
                "costcalc.frontends.yaml.values",
            ),
        ),
    ],
)
def test_a_reader_is_imported_when_it_reads(name: str, never: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(YAML.encode() if name == "net.yaml" else model().SerializeToString())
    code = (
        f"import sys, costcalc; costcalc.analyze({str(path)!r}); "
        f"assert not [m for m in {never!r} if m in sys.modules], sorted(sys.modules)"
    )
    done = python(code, {**os.environ, "PYTHONPATH": str(Path(costcalc.__file__).parents[1])})
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_broken_archive_is_told_as_one() -> None:
    with pytest.raises(LoadError, match="the archive is cut off"):
        costcalc.load(b"PK\x03\x04" + bytes(60))
