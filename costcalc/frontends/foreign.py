"""A file or directory of a format that costcalc does not read -> LoadError that names the format and a remedy.

A format is recognised by its magic number, its first bytes (Source.head) or the names in an archive (Source.members);
nothing is unpacked, unpickled or run. FORMATS has one row a format; the first that matches is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from costcalc.core.errors import LoadError
from costcalc.frontends.checkpoint.safetensors import read_header
from costcalc.frontends.checkpoint.tensor import WeightFiles
from costcalc.frontends.module import module_name
from costcalc.frontends.recognition import PROTOTXT, protobuf_fields
from costcalc.frontends.source import ZIP, Source


class ForeignFormat(NamedTuple):
    """A kind of file: how it is recognised, what it is (as the fact of a refusal), and what to do; there MODULE stands
    for the name by which Python imports the file."""

    name: str
    recognises: Callable[[Source], bool]
    fact: str
    remedy: str


_TORCH = (
    "name the code of the network: costcalc analyze package.module:Net --shape x=1,3,224,224, or export it in Python: "
    "torch.export.save(torch.export.export(model, inputs), 'model.pt2')"
)

_WEIGHTS_REMEDY = (
    "analyze the network they belong to: its code (costcalc analyze package.module:Net), its export as .pt2 or ONNX, "
    "or a YAML model of it"
)

_FOLDER_REMEDY = f"give its folder, where it lies beside the config.json, or {_WEIGHTS_REMEDY}"

_TF2ONNX = "convert it with tf2onnx: python -m tf2onnx.convert --output model.onnx"

_KERAS = f"load it in Keras 3 and model.export('model.onnx', format='onnx'), or {_TF2ONNX} --keras FILE"

_COMPILED = "analyze the ONNX model that it was made from"

_REWRITE = "write it as a YAML model, or convert it to ONNX"

_COREML = "it is a Core ML model, which is not read"


def _starts(*magics: bytes) -> Callable[[Source], bool]:
    """Whether the first bytes are one of some magic numbers."""
    return lambda source: source.head.startswith(magics)


def _at(offset: int, *magics: bytes) -> Callable[[Source], bool]:
    """Whether a magic number stands at an offset: a FlatBuffers identifier stands at 4, that of tar at 257."""
    return lambda source: source.head.startswith(magics, offset)


def _matches(pattern: bytes) -> Callable[[Source], bool]:
    """Whether text begins with a pattern, after a byte order mark and white space."""
    expression = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:" + pattern + rb")", re.I | re.S)
    return lambda source: source.is_text and expression.match(source.head) is not None


def _json_with(*keys: bytes) -> Callable[[Source], bool]:
    """Whether it is a JSON object with all of some keys in its first bytes."""
    patterns = [re.compile(rb'"%s"\s*:' % key) for key in keys]

    def recognises(source: Source) -> bool:
        head = source.head
        return source.is_text and head.lstrip().startswith(b"{") and all(pattern.search(head) for pattern in patterns)

    return recognises


def _suffix(*suffixes: str) -> Callable[[Source], bool]:
    """Whether the name ends so: for kinds that have no magic number."""
    return lambda source: source.object is None and source.file.lower().endswith(suffixes)


def _has_members(source: Source, *names: str) -> bool:
    """Whether an archive holds all of some names, at its top or in the one folder that PyTorch writes."""
    members = {name for member in source.members for name in (member, member.partition("/")[2])}
    return all(name in members for name in names)


def _in_folder(source: Source, folder: str) -> bool:
    return any(name.startswith(folder) or f"/{folder}" in name for name in source.members)


def _is_safetensors(source: Source) -> bool:
    """The header's length in 8 bytes, little-endian, then the header, a JSON object; at most 100 MB as in its
    reference implementation."""
    head = source.head
    return re.match(rb'\{\s*["}]', head[8:]) is not None and 2 <= int.from_bytes(head[:8], "little") <= 100_000_000


def _second_message(source: Source) -> tuple[int, int] | None:
    """(value of field 1, number of the field behind field 2, 0 where it is beyond the first bytes) of a protobuf
    message that begins with a number and a message, as SavedModel and Core ML's Model do."""
    fields = list(protobuf_fields(source.head))
    if len(fields) < 2 or [field[:2] for field in fields[:2]] != [(1, 0), (2, 2)]:
        return None
    if not source.head.startswith(b"\x0a", fields[1][2]):  # field 1 of either inner message is a message
        return None
    return fields[0][2], fields[2][0] if len(fields) > 2 else 0


def _is_coreml(source: Source) -> bool:
    """Model.proto: specificationVersion = 1, description = 2, kinds of models from 200 on; or a zipped .mlpackage."""
    if any(name.endswith(".mlmodel") for name in source.members):
        return True
    fields = _second_message(source)
    return (
        fields is not None and 1 <= fields[0] < 100 and (fields[1] >= 10 or fields[0] > 1 or source.kind == ".mlmodel")
    )


def _is_saved_model(source: Source) -> bool:
    """saved_model.proto: saved_model_schema_version = 1, whose value is 1, meta_graphs = 2."""
    fields = _second_message(source)
    return fields is not None and fields[0] == 1 and fields[1] in (0, 2)


def _begins_with_message(source: Source, keys: tuple[int, ...]) -> bool:
    """Whether a protobuf message begins with a field 1 that is a message, whose fields begin with some keys."""
    first = next(protobuf_fields(source.head), (0, 0, 0, 0))
    if first[:2] != (1, 2):
        return False
    fields = protobuf_fields(source.head[first[2] : first[3]])
    return all(number << 3 | wire == key for key, (number, wire, _, _) in zip(keys, fields, strict=False))


def _is_graph_def(source: Source) -> bool:
    """graph.proto: node = 1, of it name = 1 and op = 2, both text."""
    return (
        _begins_with_message(source, (10, 18))
        and re.match(rb"\x0a[^\0]{1,2}\x0a.[\w./-]+\x12.[A-Za-z_]\w+", source.head, re.S) is not None
    )


def _is_caffemodel(source: Source) -> bool:
    """caffe.proto, NetParameter: name = 1, text, then layers = 2 (old) or layer = 100."""
    fields = list(protobuf_fields(source.head))[:2]
    if len(fields) < 2 or fields[0][:2] != (1, 2) or fields[1][1] != 2 or fields[1][0] not in (2, 100):
        return False
    return re.fullmatch(rb"[ -~]+", source.head[fields[0][2] : fields[0][3]]) is not None


def _is_prototxt(source: Source) -> bool:
    return source.is_text and re.search(PROTOTXT, source.head) is not None


_IS_PIR = _json_with(b"base_code", b"program")


def _is_paddle(source: Source) -> bool:
    """framework.proto, ProgramDesc: blocks = 1, of it idx = 1 (0) and parent_idx = 2 (-1); or its successor in JSON."""
    blocks = (
        _begins_with_message(source, (8, 16)) and re.match(rb"\x0a[^\0]{1,5}?\x08\0\x10", source.head, re.S) is not None
    )
    return blocks or _IS_PIR(source)


def _is_numpy(source: Source) -> bool:
    arrays = bool(source.members) and all(name.endswith(".npy") for name in source.members)
    return arrays or source.head.startswith(b"\x93NUMPY")


_C_ARRAY = re.compile(
    rb"\b(?:char|u?int8_t)\s+\w+\s*\[[^\]\n]*\][^={};]{0,99}=\s*\{\s*(?:0[xX][0-9a-fA-F]{1,2}|\d{1,3})\s*,"
)
"""`alignas(8) const unsigned char g_model[] = {0x1c, …`: an array of bytes with its first value, in C or C++."""


def _is_c_array(source: Source) -> bool:
    return source.is_text and _C_ARRAY.search(source.head) is not None


def _is_zip(source: Source) -> bool:
    return source.head.startswith((ZIP, b"PK\x05\x06"))


_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf'\x1c", b"\x28\xb5\x2f\xfd", b"Rar!\x1a\x07")
"""gzip, bzip2, xz, 7z, Zstandard and RAR."""


def _is_archive(source: Source) -> bool:
    return source.head.startswith(_COMPRESSED) or source.head.startswith(b"ustar", 257)


FORMATS = (
    ForeignFormat(
        "empty",
        lambda s: s.object is None and not s.head,
        "the file is empty",
        "write, export or download the model again",
    ),
    ForeignFormat(
        "git-lfs",
        _starts(b"version https://git-lfs.github.com/spec/"),
        "it is a pointer of Git LFS, and its content is not here",
        "git lfs pull",
    ),
    ForeignFormat(
        "html",
        _matches(rb"<!doctype html|<html|<head[ >]|<!--.*?<html"),
        "it is an HTML page: a download was answered with a page, not with the file",
        "download the file itself: on GitHub and Hugging Face, the address with /raw/ or /resolve/ and not /blob/",
    ),
    ForeignFormat(
        "torchscript",
        lambda s: _has_members(s, "constants.pkl") and _in_folder(s, "code/"),
        "it is a TorchScript model, which is not read",
        _TORCH,
    ),
    ForeignFormat(
        "torch-weights", lambda s: _has_members(s, "data.pkl"), "it holds PyTorch weights and no graph", _TORCH
    ),
    ForeignFormat(
        "torch-weights-old",
        _starts(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."),
        "it holds PyTorch weights and no graph",
        _TORCH,
    ),
    ForeignFormat(
        "executorch", _at(4, b"ET12", b"ET13"), "it is an ExecuTorch program (.pte), compiled for a runtime", _COMPILED
    ),
    ForeignFormat(
        "pickle",
        lambda s: re.match(rb"\x80[\2-\5]", s.head) is not None,
        "it is a Python pickle, which is not opened: that would run code of the file",
        _TORCH,
    ),
    ForeignFormat("safetensors", _is_safetensors, "it is a safetensors file: weights and no graph", _FOLDER_REMEDY),
    ForeignFormat(
        "ggml",
        _starts(b"lmgg", b"fmgg", b"tjgg", b"algg"),
        "it is a GGML file of before GGUF",
        "convert the model to GGUF again",
    ),
    ForeignFormat("ort", _at(4, b"ORTM"), "it is in ONNX Runtime's ORT format, which is not read", _COMPILED),
    ForeignFormat(
        "keras",
        lambda s: _has_members(s, "config.json", "metadata.json"),
        "it is a Keras model (.keras), which is not read",
        _KERAS,
    ),
    ForeignFormat(
        "hdf5", _starts(b"\x89HDF\r\n\x1a\n"), "it is an HDF5 file, as Keras writes models and weights (.h5)", _KERAS
    ),
    ForeignFormat("coreml", _is_coreml, _COREML, _COMPILED),
    ForeignFormat(
        "saved-model",
        _is_saved_model,
        "it is a TensorFlow SavedModel, which is not read",
        f"{_TF2ONNX} --saved-model DIRECTORY",
    ),
    ForeignFormat(
        "graph-def",
        _is_graph_def,
        "it is a TensorFlow GraphDef (a frozen graph), which is not read",
        f"{_TF2ONNX} --graphdef FILE --inputs … --outputs …",
    ),
    ForeignFormat(
        "openvino",
        _matches(rb"(?:<\?xml[^>]*\?>\s*)?<net\s[^>]*>"),
        "it is an OpenVINO model (.xml), which is not read",
        _COMPILED,
    ),
    ForeignFormat(
        "ncnn",
        _starts(b"7767517\n", b"7767517\r\n", b"\xdd\x85\x76\0"),
        "it is an ncnn model (.param), which is not read",
        _COMPILED,
    ),
    ForeignFormat("tensorrt", _starts(b"ftrt", b"ptrt"), "it is a TensorRT engine, compiled for one GPU", _COMPILED),
    ForeignFormat("rknn", _starts(b"RKNN"), "it is an RKNN model, compiled for Rockchip's NPU", _COMPILED),
    ForeignFormat(
        "stablehlo",
        _starts(b"ML\xefR"),
        "it is MLIR bytecode (StableHLO), which is not read",
        "export the model to ONNX from the framework that it comes from",
    ),
    ForeignFormat("caffe", _is_prototxt, "it is a Caffe network (.prototxt), which is not read", _REWRITE),
    ForeignFormat("caffe-weights", _is_caffemodel, "it is a Caffe model (.caffemodel), which is not read", _REWRITE),
    ForeignFormat(
        "darknet",
        _matches(rb"(?:#[^\n]*\n\s*)*\[(?:net|network)\]"),
        "it is a Darknet network (.cfg), which is not read",
        _REWRITE,
    ),
    ForeignFormat(
        "paddle",
        _is_paddle,
        "it is a PaddlePaddle model, which is not read",
        "convert it with paddle2onnx: paddle2onnx --model_dir DIRECTORY --save_file model.onnx",
    ),
    ForeignFormat(
        "mxnet",
        _json_with(b"nodes", b"arg_nodes"),
        "it is an MXNet network (symbol.json), which is not read",
        "convert it to ONNX: mxnet.onnx.export_model",
    ),
    ForeignFormat(
        "hugging-face-index",
        _json_with(b"weight_map"),
        "it is the index of a model's weight files: no graph",
        _FOLDER_REMEDY,
    ),
    ForeignFormat("numpy", _is_numpy, "it holds NumPy arrays and no graph", _WEIGHTS_REMEDY),
    ForeignFormat(
        "tflite-zip",
        lambda s: any(name.endswith(".tflite") for name in s.members),
        "it is a zip archive with a TensorFlow Lite model in it",
        "unpack it, and name the .tflite file",
    ),
    ForeignFormat("zip", _is_zip, "it is a zip archive without a model", "put one .onnx file in it, or unpack it"),
    ForeignFormat("archive", _is_archive, "it is compressed, or an archive", "unpack it, and name the model in it"),
    ForeignFormat(
        "c-array",
        _is_c_array,
        "it is C source with an array of bytes, as firmware holds a .tflite model",
        "name the .tflite file that it was made from, or write its bytes to one: "
        "grep -oE '0x[0-9a-fA-F]{2}' FILE | cut -c3- | xxd -r -p > model.tflite",
    ),
    ForeignFormat(
        "elf", _starts(b"\x7fELF"), "it is a program or a library (ELF)", "name the model file that was built into it"
    ),
    ForeignFormat(
        "external-data",
        _suffix(".onnx.data", ".onnx_data"),
        "it is the external data of an ONNX model: weights",
        "name the .onnx file beside it",
    ),
    ForeignFormat(
        "python",
        _suffix(".py", ".ipynb"),
        "it is Python source, which is not run",
        "name the class in it, which is then imported: costcalc analyze MODULE:Net --shape x=1,3,224,224",
    ),
)

DIRECTORIES = (
    ("saved_model.pb", "it is a TensorFlow SavedModel, which is not read", f"{_TF2ONNX} --saved-model DIRECTORY"),
    ("Manifest.json", f"{_COREML} (.mlpackage)", _COMPILED),
    ("coremldata.bin", f"{_COREML} (.mlmodelc, compiled)", _COMPILED),
)
"""(a file by which the format of its directory is recognised, fact, remedy)."""


def _describe_weights(source: Source) -> str:
    """A safetensors file -> how many tensors, elements and bytes it has. LoadError where its header is damaged."""
    try:
        with source.open() as stream:
            tensors, _ = read_header(stream, source.size)
    except LoadError as error:
        raise error.at(source.file) from error
    return WeightFiles({tensor.name: tensor for tensor in tensors}, ()).describe()


def refuse_foreign(source: Source) -> None:
    """LoadError where a source is of a kind that is known and not read."""
    for form in FORMATS:
        if form.recognises(source):
            remedy = form.remedy.replace("MODULE", module_name(source.file))
            contents = f" ({_describe_weights(source)})" if form.name == "safetensors" else ""
            raise LoadError(form.fact + contents, remedy, source.file)


def refuse_directory(source: Source) -> None:
    """LoadError where a directory is a model of a kind that is known and not read."""
    folder = source.path or Path()
    for name, fact, remedy in DIRECTORIES:
        if (folder / name).is_file():
            raise LoadError(fact, remedy, source.file)
