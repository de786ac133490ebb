"""The front ends: the built-in ones, imported when one of them reads, and those of installed packages.

Installed packages name theirs under the entry-point group `costcalc.frontends`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from costcalc.core.entry_points import find_entry_points
from costcalc.core.errors import UsageError
from costcalc.frontends import recognition
from costcalc.frontends.frontend import Frontend, Loaded
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source

GROUP = "costcalc.frontends"


class BuiltInFrontend:
    """A front end whose reader is a module with a function `read`, imported when a model is read by it."""

    def __init__(self, name: str, suffixes: tuple[str, ...], recognises: Callable[[Source], bool], module: str) -> None:
        self.name, self.suffixes, self.module = name, suffixes, module
        self._recognises = recognises

    def recognises(self, source: Source) -> bool:
        return self._recognises(source)

    def read(self, source: Source, options: ReadOptions) -> Loaded:
        loaded: Loaded = import_module(self.module).read(source, options)
        return loaded


class BuiltInParametricFrontend(BuiltInFrontend):
    """A built-in front end whose module has a function `parameters` too."""

    def parameters(self, source: Source) -> Mapping[str, Any]:
        values: Mapping[str, Any] = import_module(self.module).parameters(source)
        return values


YAML = BuiltInParametricFrontend("yaml", (".yaml", ".yml"), recognition.is_yaml, "costcalc.frontends.yaml.frontend")

ONNX = BuiltInFrontend(
    "onnx",
    (".onnx", ".onnxtxt", ".onnxtext", ".textproto", ".ort"),
    recognition.is_onnx,
    "costcalc.frontends.onnx.frontend",
)

PYTORCH = BuiltInFrontend("pytorch", (".pt2",), recognition.is_exported_program, "costcalc.frontends.pytorch.frontend")

MODULE = BuiltInParametricFrontend("module", (), recognition.is_module, "costcalc.frontends.pytorch.live.frontend")

TFLITE = BuiltInParametricFrontend("tflite", (".tflite",), recognition.is_tflite, "costcalc.frontends.tflite.frontend")

HUGGING_FACE = BuiltInParametricFrontend(
    "huggingface", (), recognition.is_hugging_face, "costcalc.frontends.huggingface.frontend"
)

GGUF = BuiltInParametricFrontend("gguf", (".gguf",), recognition.is_gguf, "costcalc.frontends.gguf.frontend")

GGUF_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")
"""Files of a model in several, but the first, which stands for all."""

SHARED_SUFFIXES = (".json", ".pbtxt", ".prototxt")
"""Suffixes of models among much else: a file so named is a model where its content is one."""

BUILT_IN: tuple[Frontend, ...] = (YAML, PYTORCH, TFLITE, ONNX, HUGGING_FACE, GGUF, MODULE)
"""The built-in front ends, in the order in which they look at a source."""


@lru_cache(maxsize=1)
def installed_frontends() -> tuple[Frontend, ...]:
    """The front ends of installed packages, loaded once: each entry point names a Frontend object. UsageError where one
    cannot be loaded."""
    return tuple(_load_entry(entry) for entry in find_entry_points(GROUP))


def _load_entry(entry: Any) -> Frontend:
    try:
        frontend: Frontend = entry.load()
        for attribute in ("name", "suffixes", "recognises", "read"):
            getattr(frontend, attribute)
    except (Exception, SystemExit) as error:
        fact = f"the front end {entry.name!r} of {entry.value} cannot be loaded: {type(error).__name__}: {error}"
        raise UsageError(fact, "mend or uninstall the package") from error
    return frontend


def frontends() -> Iterator[Frontend]:
    """All front ends: the built-in ones first, those of packages where none before them was the right one."""
    yield from BUILT_IN
    yield from installed_frontends()


@lru_cache(maxsize=1)
def suffixes() -> tuple[str, ...]:
    """The suffixes by which a directory's files are known as models."""
    return tuple(dict.fromkeys(suffix for frontend in frontends() for suffix in frontend.suffixes))


def is_model_file(path: str, find: Callable[[], Source]) -> bool:
    """Whether a file of a directory or a revision is a model: by its suffix, or where that has many uses by its
    content, of which find gives the source; of a GGUF model in several files the first. LoadError where that cannot be
    read."""
    if path.endswith(suffixes()):
        return GGUF_PART.search(path) is None
    return path.endswith(SHARED_SUFFIXES) and any(frontend.recognises(find()) for frontend in (ONNX, HUGGING_FACE))


def is_model_path(path: Path) -> bool:
    """Whether a file is a model (is_model_file)."""
    return is_model_file(path.name, lambda: Source(path.name, path=path, file=str(path)))
