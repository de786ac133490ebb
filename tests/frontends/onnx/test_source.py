"""Archives and textual models: what is damaged, or larger than a model can be, is refused in bounded time and memory."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from support.paths import ONNX_FILES

from costcalc.core.errors import LoadError
from costcalc.frontends.onnx import source as onnx_source
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.frontends.onnx.source import read_bytes, unpack

MODEL = (ONNX_FILES / "hand_loop_trip10.onnx").read_bytes()
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def archive(data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as file:
        file.writestr("x.onnx", data)
    return held.getvalue()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mapped", [1, onnx_source.MIN_MAPPED_BYTES])
def test_an_archive_holds_the_model(method: int, mapped: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_source, "MIN_MAPPED_BYTES", mapped)
    assert unpack(archive(MODEL, method))[:] == MODEL


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", [40, 60, 70, 100])
def test_a_damaged_archive(method: int, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(archive(MODEL, method))
    data[at : at + 20] = b"\xff" * 20
    path = tmp_path / "m.zip"
    path.write_bytes(data)
    with pytest.raises(LoadError):
        read_bytes(str(path))
    with pytest.raises(LoadError):
        unpack(bytes(data))


@pytest.mark.parametrize(("data", "said"), [(b"", "is empty"), (bytes(1 << 20), "is no protobuf message")])
def test_a_member_that_is_no_model(data: bytes, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        unpack(archive(data))


def test_a_member_that_shrank_too_much() -> None:
    with pytest.raises(LoadError, match="unpacks from"):
        unpack(archive(b"\x08\x08" * (33 << 20)))


def test_a_textual_model_that_is_nested_deep(tmp_path: Path) -> None:
    path = tmp_path / "m.onnxtxt"
    head = '<ir_version: 8, opset_import: ["":17]> g (float[2] x) => (float[2] y) { y = If(c) <then_branch = '
    path.write_text(head + "g () => (y) { y = If (c) <then_branch = " * 20_000)
    with pytest.raises(LoadError, match="nested more than 200 deep"):
        read_bytes(str(path))
    brackets = "(" * 300
    path.write_text(
        f'<ir_version: 8, producer_name: "{brackets}", opset_import: ["" : 17]> g (float[2] x) => (float[2] y) '
        f"{{ y = Relu(x) }}"
    )
    assert load_onnx(str(path)).outputs == ("y",)
