"""A path, a built-in name, `REV:path`, standard input, bytes or an object -> Source: bytes with a name and a suffix."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple, Union

from costcalc.core.errors import CostcalcError, LoadError, UsageError, did_you_mean, is_near
from costcalc.core.ir import Graph
from costcalc.frontends.archive import Member, read_directory
from costcalc.frontends.builtin import builtin_names, find_builtin, find_family, plain_name
from costcalc.frontends.module import (
    NamedModel,
    TorchModule,
    code_in_file,
    is_torch_object,
    known_packages,
    may_be_path,
    missing_package,
    names_code,
    object_name,
)

MODEL_REMEDY = "name a YAML file, an ONNX file or a built-in model"

HEAD = 4096
"""Bytes from the beginning by which the format of a source is recognised."""

ZIP = b"PK\x03\x04"

_BINARY = re.compile(rb"[\0-\x08\x0e-\x1f]")
"""Bytes that no text contains, and every protobuf message does: the key of its first field, or a length."""


@dataclass(frozen=True)
class Source:
    """A model that is still to be read: data, the file or directory at path, or an object in memory, whichever is not
    None.

    name is what reports call it, file what errors call it, kind its suffix in small letters ("" without a name).
    """

    name: str
    data: bytes | None = None
    path: Path | None = None
    object: Any = None
    kind: str = ""
    file: str = ""

    @cached_property
    def head(self) -> bytes:
        """The first HEAD bytes; none of an object or a directory. LoadError where the file cannot be read."""
        if self.object is not None or self.is_directory:
            return b""
        if self.data is not None:
            return self.data[:HEAD]
        with self.open() as stream:
            return stream.read(HEAD)

    @cached_property
    def is_directory(self) -> bool:
        """Whether the path is a directory."""
        return self.path is not None and self.path.is_dir()

    @cached_property
    def size(self) -> int:
        """The bytes of the data or the file; 0 of another object, and of a directory."""
        if self.data is not None:
            return len(self.data)
        return self.path.stat().st_size if self.path is not None and not self.is_directory else 0

    @cached_property
    def is_text(self) -> bool:
        """Whether the first bytes are text in UTF-8 or another encoding that keeps ASCII."""
        return bool(self.head) and _BINARY.search(self.head) is None

    @cached_property
    def members(self) -> Mapping[str, Member]:
        """The directory of a zip archive by names; empty where the source is no archive, or a damaged one."""
        if not self.head.startswith(ZIP):
            return {}
        try:
            with self.open() as stream:
                return read_directory(stream)
        except LoadError:
            return {}

    def open(self) -> IO[bytes]:
        """The bytes as a binary stream. LoadError where the file cannot be read."""
        if self.path is None:
            return BytesIO(self.data or b"")
        try:
            return self.path.open("rb")
        except OSError as error:
            raise self._unreadable(error) from error

    def content(self) -> bytes:
        """All bytes. LoadError where the file cannot be read."""
        if self.path is None:
            return self.data or b""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> LoadError:
        return LoadError(f"{self.file} cannot be read: {error.strerror}", "check the path and its permissions")


class RemoteModel(NamedTuple):
    """The address of a model on a server, as it was written: `hf:ORG/NAME@REV`, `https://…`."""

    text: str


REMOTE = ("hf:", "https://", "http://")
"""How the address of a remote model begins."""

ModelSource = Union[str, "os.PathLike[str]", bytes, IO[bytes], Graph, Source, Any]
"""A model, as the API accepts it: a path, a built-in name, the bytes of a file, a binary file object, an
onnx.ModelProto, a Graph, a PyTorch module (with its inputs as a TorchModule), an ExportedProgram, or an object that an
installed front end reads."""


def find_source(model: Any) -> Source:
    """A path, a built-in name, bytes, a binary file object or another object -> its Source.

    LoadError where there is no such file, UsageError for None, a text of several lines, and a file object that is
    closed or of text.
    """
    if isinstance(model, Source):
        return model
    if isinstance(model, NamedModel):
        return replace(find_source(model.model), name=str(model), file=str(model))
    if isinstance(model, (str, os.PathLike)):
        try:
            return _named_source(os.fspath(model))
        except OSError as error:
            if "\n" in os.fspath(model):
                raise _text_for_path() from error
            raise LoadError(f"{error.filename}: {error.strerror}", MODEL_REMEDY) from error
    if isinstance(model, (bytes, bytearray, memoryview)):
        return Source("model", data=bytes(model), file="model")
    if hasattr(model, "read"):
        return _stream_source(model)
    if model is None:
        raise UsageError("the model is None", "give a path, bytes, a binary file object, an onnx.ModelProto or a Graph")
    name = model.name if isinstance(model, TorchModule) else _object_name(model)
    return Source(name, object=model, file=name)


def hold_source(model: Any) -> Any:
    """A model -> a model that can be read several times: a file object, which can be read once, and any other object
    become a Source; a path, a Graph or a Report stays as it is."""
    is_repeatable = isinstance(model, (str, os.PathLike, Graph)) or type(model).__module__.startswith("costcalc.")
    return model if is_repeatable else find_source(model)


def _named_source(text: str) -> Source:
    path = Path(text)
    if text == "-":
        return Source(text, data=_standard_input(), file=text)
    if path.is_file():
        return Source(text, path=path, kind=path.suffix.lower(), file=text)
    if text.startswith(REMOTE) and "\n" not in text:
        return Source(text, object=RemoteModel(text), file=text)
    builtin = find_builtin(text)
    if builtin is not None:
        return Source(builtin.stem, path=builtin, kind=builtin.suffix, file=builtin.name)
    if ":" in text:
        git = import_module("costcalc.frontends.git")  # few models are files of a revision
        revision = git.split_revision(text)
        if revision is not None:
            try:
                data = git.read_file(*revision)
            except CostcalcError as error:
                raise _explain_refusal(text, error) from error
            return Source(text, data=data, kind=Path(revision[1]).suffix.lower(), file=text)
    if path.is_dir():
        return Source(text, path=path, kind=path.suffix.lower(), file=text)
    raise _no_file(path)


def _standard_input() -> bytes:
    """All that comes on standard input. LoadError where nothing does: it is empty, closed or read already."""
    data: bytes = b"" if sys.stdin is None else sys.stdin.buffer.read()
    if not data:
        raise LoadError("standard input is empty", "pipe one model into it; it can be read once", "-")
    return data


def _stream_source(stream: Any) -> Source:
    name = getattr(stream, "name", None)
    label = os.fspath(name) if isinstance(name, (str, os.PathLike)) else "model"
    try:
        data = stream.read()
    except ValueError as error:
        raise UsageError(f"{label} is a file object that cannot be read: {error}", "open the file again") from error
    if not isinstance(data, bytes):
        raise UsageError(f"{label} is a file object of text", "open it in binary mode: open(path, 'rb')")
    return Source(label, data=data, kind=Path(label).suffix.lower(), file=label)


def _object_name(model: Any) -> str:
    """The name of an object (of an onnx.ModelProto its graph's name), else the name of its type."""
    if is_onnx_message(model):
        return str(model.graph.name) or "model"
    if is_torch_object(model):
        return object_name(model)
    return str(getattr(model, "name", "") or type(model).__name__)


def is_onnx_message(model: Any) -> bool:
    """Whether an object is an onnx.ModelProto, by its type's name, so that onnx need not be imported."""
    kind = type(model)
    return kind.__name__ == "ModelProto" and kind.__module__.partition(".")[0] == "onnx"


def _explain_refusal(text: str, error: CostcalcError) -> CostcalcError:
    """What git says of `REV:path` -> the refusal; another where the text is a model, or names code."""
    if "\n" in text:
        return _text_for_path()
    if code := code_in_file(text):
        return UsageError("code is named by its module, not by its file", f"write {code}", text)
    if may_be_path(text):
        return error.at(text)
    if names_code(text):
        fact = f"{text} names Python code, and importing code runs it: it is only read where the command line names it"
        return UsageError(fact, f"in Python give the module, or costcalc.TorchModule({text!r})")
    package = missing_package(text)
    if package:
        fact = f"there is no Python package {package!r}, and no file of a git revision: {error.fact}"
        return type(error)(fact, did_you_mean(package, known_packages()) or error.remedy, text)
    return error.at(text)


def _text_for_path() -> UsageError:
    return UsageError("the text of a model stands where its path is expected", "give its bytes: text.encode()")


def _no_file(path: Path) -> CostcalcError:
    if path.exists():
        return LoadError(f"{path} is no file", MODEL_REMEDY)
    text = str(path)
    if "\n" in text:
        return _text_for_path()
    return LoadError(f"there is no file and no built-in model {text!r}", _missing_model_remedy(text))


_ENDING = re.compile(r"(?:\.[A-Za-z]\w*)+$")
"""The ending of a file's name. A number behind a dot is a version: Llama-3.1-8B."""

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def _missing_model_remedy(text: str) -> str:
    """What is neither a file nor a built-in model -> the built-in models that it may mean, else where others are."""
    stem = _ENDING.sub("", text)
    is_file = stem != text
    if not (is_file and len(stem) < 4):  # net.pt is a file of the reader's own, no slip for unet
        family = find_family(stem)
        if len(family) > 1:
            return f"there are {', '.join(family)}"
        names = [name for name in builtin_names() if not _has_other_number(stem, name)]
        if remedy := f"did you mean {family[0]!r}?" if family else did_you_mean(stem, names):
            return remedy
    builtin = "see `costcalc models` for the built-in ones"
    if is_file:
        return builtin
    if _HUB_NAME.fullmatch(text):
        return f"a model of the Hugging Face Hub is hf:{text}, or its config.json on disk; {builtin}"
    return f"{builtin}; one of the Hugging Face Hub is hf:ORG/NAME, or its config.json on disk"


def _has_other_number(text: str, name: str) -> bool:
    """Whether a text has the letters of a model's name, and behind them the number of another one: llama3, not a slip
    for llama or llama_7b."""
    wanted, known = (re.fullmatch(r"(\D*)(.*)", plain_name(word)) for word in (text, name))
    if not (wanted and known and wanted[2]) or wanted[1] != known[1]:
        return False
    return not known[2] or not is_near(wanted[2], known[2])
