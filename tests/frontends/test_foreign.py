"""Files of kinds that are not read: each is named by its content, whatever it is called, with what to do."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

import costcalc
from costcalc.core.errors import LoadError
from costcalc.frontends.foreign import FORMATS
from costcalc.frontends.source import find_source


def archive(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name in names:
            file.writestr(zipfile.ZipInfo(name), b"")  # of a fixed date: the bytes are in the tests' names
    return held.getvalue()


def tar() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as file:
        file.addfile(tarfile.TarInfo("model.pb"))
    return held.getvalue()


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message; both its key and its length fit in one byte, or two of each."""
    key = number << 3 | 2
    return b"".join(bytes([n]) if n < 128 else bytes([n & 127 | 128, n >> 7]) for n in (key, len(content))) + content


HEADER = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
META_GRAPH = field(1, field(4, b"serve")) + field(2, field(1, field(1, b"x") + field(2, b"Placeholder")))
DESCRIPTION = field(1, field(1, b"image") + field(3, b""))
PARENT = b"\x10" + b"\xff" * 9 + b"\x01"

CASES = [
    ("empty", "net.onnx", b"", "the file is empty"),
    ("git-lfs", "net.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "; git lfs pull"),
    ("html", "net.onnx", b"\n<!DOCTYPE html>\n<html lang=en>", "an HTML page.*download the file itself"),
    ("html", "net.yaml", b"<html><head><title>Not found</title>", "an HTML page"),
    ("torchscript", "m.pt", archive("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl"), "a TorchScript model"),
    (
        "torch-weights",
        "m.pth",
        archive("archive/data.pkl", "archive/data/0", "archive/version"),
        r"no graph.*costcalc analyze package\.module:Net.*torch\.export\.save",
    ),
    (
        "torch-weights-old",
        "m.pt",
        pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2),
        "PyTorch weights and no graph",
    ),
    ("executorch", "m.pte", b"\x30\0\0\0ET12\0\0", "an ExecuTorch program"),
    ("pickle", "m.pkl", pickle.dumps({"w": [1.0]}), "a Python pickle, which is not opened"),
    ("pickle", "m.pt", pickle.dumps([1], 2), "a Python pickle"),
    (
        "safetensors",
        "m.safetensors",
        struct.pack("<Q", len(HEADER)) + HEADER + bytes(8),
        r"weights and no graph \(1 tensor, 2 elements, 8 B \(F32\)\); give its folder",
    ),
    ("ggml", "m.bin", b"tjgg\x03\0\0\0" + bytes(16), "a GGML file of before GGUF"),
    ("ort", "m.ort", b"\x18\0\0\0ORTM" + bytes(20), "ORT format.*the ONNX model that it was made from"),
    ("keras", "m.keras", archive("metadata.json", "config.json", "model.weights.h5"), r"a Keras model.*model\.export"),
    ("hdf5", "m.h5", b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file"),
    ("coreml", "m.mlmodel", b"\x08\x05" + field(2, DESCRIPTION) + field(500, b""), "a Core ML model"),
    ("coreml", "m.bin", b"\x08\x01" + field(2, DESCRIPTION) + field(500, b""), "a Core ML model"),
    (
        "coreml",
        "m.mlpackage.zip",
        archive("m.mlpackage/Manifest.json", "m.mlpackage/Data/model.mlmodel"),
        "a Core ML model",
    ),
    ("saved-model", "saved_model.pb", b"\x08\x01" + field(2, META_GRAPH), "SavedModel.*--saved-model"),
    ("saved-model", "x.onnx", b"\x08\x01\x12\xff\x7f\x0a\x10\x0a\x0eserve" + bytes(5000), "SavedModel"),
    ("graph-def", "frozen.pb", field(1, field(1, b"input") + field(2, b"Placeholder")), "frozen graph.*--graphdef"),
    ("openvino", "m.xml", b'<?xml version="1.0"?>\n<net name="m" version="11">', "an OpenVINO model"),
    ("ncnn", "m.param", b"7767517\n75 83\nInput data 0 1 data\n", "an ncnn model"),
    ("ncnn", "m.param.bin", struct.pack("<i", 7767517) + bytes(8), "an ncnn model"),
    ("tensorrt", "m.engine", b"ftrt" + bytes(20), "a TensorRT engine, compiled for one GPU"),
    ("rknn", "m.rknn", b"RKNN" + bytes(20), "an RKNN model"),
    ("stablehlo", "m.mlir", b"ML\xefR\x01", "MLIR bytecode"),
    ("caffe", "net.prototxt", b'name: "LeNet"\ninput: "data"\nlayer {\n  name: "conv1"\n', "a Caffe network"),
    ("caffe-weights", "net.caffemodel", field(1, b"LeNet") + field(100, field(1, b"conv1")), "a Caffe model"),
    ("darknet", "yolo.cfg", b"# YOLO\n[net]\nbatch=1\n", "a Darknet network"),
    ("paddle", "m.pdmodel", field(1, b"\x08\0" + PARENT), "a PaddlePaddle model"),
    ("paddle", "m.json", b'{"base_code": {"magic": "pir"}, "program": {}}', "a PaddlePaddle model"),
    ("mxnet", "m-symbol.json", b'{"nodes": [], "arg_nodes": [0]}', "an MXNet network"),
    (
        "hugging-face-index",
        "m.index.json",
        b'{"metadata": {}, "weight_map": {}}',
        "the index of a model's weight files",
    ),
    ("numpy", "w.npy", b"\x93NUMPY\x01\0", "NumPy arrays"),
    ("numpy", "w.npz", archive("a.npy", "b.npy"), "NumPy arrays"),
    (
        "tflite-zip",
        "m.zip",
        archive("README.md", "model/net.tflite"),
        "a zip archive with a TensorFlow Lite model in it",
    ),
    ("tflite-zip", "m.tflite", archive("net.tflite"), "name the .tflite file"),
    ("c-array", "m.cc", b"alignas(8) const unsigned char g_model[] = {\n    0x1c, 0x00, 0x00,\n};\n", "xxd -r -p"),
    ("c-array", "m.h", b"#ifndef M\nunsigned char net_tflite[] = {\n  0x1c, 0x00\n};\n", "an array of bytes"),
    ("c-array", "m.c", b"const uint8_t m[4] __attribute__((aligned(4))) = {28, 0, 0, 0};\n", "an array of bytes"),
    ("elf", "firmware.elf", b"\x7fELF\x01\x01\x01" + bytes(64), "a program or a library"),
    ("elf", "m.tflite", b"\x7fELF\x02\x01\x01" + bytes(64), "a program or a library"),
    ("zip", "m.zip", archive("README.md"), "a zip archive without a model"),
    ("zip", "m.zip", archive(), "a zip archive without a model"),
    ("archive", "m.tar.gz", gzip.compress(b"model", mtime=0), "unpack it"),
    ("archive", "m.tar", tar(), "unpack it"),
    ("external-data", "net.onnx.data", b"\0\0\x80?" * 9, "the external data of an ONNX model"),
    ("python", "net.py", b"import torch\n", "Python source, which is not run"),
]


@pytest.mark.parametrize(("kind", "file", "data", "said"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_foreign_file_is_named(kind: str, file: str, data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_bytes(data)
    with pytest.raises(LoadError, match=said) as refused:
        costcalc.load(path)
    assert refused.value.place == str(path) and refused.value.remedy
    assert next(form.name for form in FORMATS if form.recognises(find_source(path))) == kind


@pytest.mark.parametrize(
    ("kind", "data", "said"), [(c[0], c[2], c[3]) for c in CASES if c[0] not in ("empty", "external-data", "python")]
)
def test_its_name_does_not_matter(kind: str, data: bytes, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        costcalc.load(data)


def test_every_row_has_a_case() -> None:
    assert {form.name for form in FORMATS} == {case[0] for case in CASES}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("saved_model.pb", b"\x08\x01", "SavedModel.*--saved-model"),
        ("Manifest.json", b"{}", "Core ML model"),
        ("coremldata.bin", b"", "compiled"),
        ("config.json", b'{"model_type": "mystery"}', "the model type 'mystery' is not known"),
    ],
)
def test_a_foreign_directory_is_named(file: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(LoadError, match=said):
        costcalc.load(tmp_path)


@pytest.mark.parametrize("file", ["config.json", "README.md"])
def test_any_other_directory_says_what_it_lacks(file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(b'{"compilerOptions": {}}')
    with pytest.raises(LoadError, match=r"no config\.json in it names a model_type; name a YAML file"):
        costcalc.load(tmp_path)


@pytest.mark.parametrize("data", [b"Dear all,\n", b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xff" * 40])
def test_what_nobody_knows(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "letter.doc"
    path.write_bytes(data)
    with pytest.raises(LoadError, match=r"letter\.doc: its content is of no model format that is known; give a YAML"):
        costcalc.load(path)


@pytest.mark.parametrize("name", ["net.pt2", "net.zip", "net.onnx"])
def test_an_archive_that_is_cut_off(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(archive("net/archive_format", "net/models/model.json")[:90])
    with pytest.raises(LoadError, match="the archive is cut off; write the file again, or download it again"):
        costcalc.load(path)


def test_a_pt2_file_that_was_never_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(b"hello\n")
    with pytest.raises(LoadError, match="it is no zip archive; write the file again"):
        costcalc.load(path)


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("nets.py", "nets"),
        ("pkg/nets.py", "pkg.nets"),
        ("pkg/__init__.py", "pkg"),
        ("my-nets/nets.py", "nets"),
        ("{here}/pkg/nets.py", "pkg.nets"),
        ("{here}/../nets.py", "nets"),
    ],
)
def test_source_is_named_by_the_name_of_its_module(file: str, module: str, here: Path) -> None:
    path = Path(file.format(here=here))
    path.parent.mkdir(exist_ok=True)
    path.write_text("class Net: pass\n")
    with pytest.raises(LoadError, match=f"costcalc analyze {module}:Net --shape"):
        costcalc.load(path)
    with pytest.raises(costcalc.CostcalcError, match=f"named by its module, not by its file; write {module}:Net"):
        costcalc.load(f"{path}:Net")


def test_a_name_says_what_damaged_content_should_be(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\xff" * 40)
    with pytest.raises(LoadError, match="the file is cut, damaged, or not an ONNX model"):
        costcalc.load(path)
