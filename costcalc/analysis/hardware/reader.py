"""YAML file of a device -> its HardwareProfile: every key is checked, and every figure must state its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from costcalc.analysis.hardware.profile import (
    DEVICE_KINDS,
    LINKS,
    MEMORIES,
    NPUS,
    PRECISIONS,
    EnergyTable,
    HardwareProfile,
    SourcedFigure,
)
from costcalc.analysis.options import TFLM_RUNTIMES
from costcalc.core.errors import HardwareError, UsageError, suggest_choice
from costcalc.core.units import parse_magnitude

MAX_FILE_BYTES = 1 << 20
"""Size of the largest file that is read."""

MAX_FIGURE = Fraction(10**24)
"""Largest figure; the smallest is 1 / MAX_FIGURE."""

KEYS = (
    "name",
    "aliases",
    "kind",
    "npu",
    "runtime",
    "clock",
    "variant",
    "seen",
    "notes",
    "peak",
    "sparse",
    "bandwidth",
    "links",
    "memory",
    "overhead",
    "energy",
)

REQUIRED_KEYS = ("name", "kind", "variant", "seen", "peak")

KIND_WORDS = {
    "mcu": "microcontroller",
    "controller": "microcontroller",
    "accelerator": "npu",
    "tpu": "npu",
    "dsp": "npu",
    "sbc": "single-board",
    "board": "single-board",
    "soc": "single-board",
    "server": "cpu",
    "mobile": "phone",
    "smartphone": "phone",
}
"""Other words for kinds of devices."""

BaseLoader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ProfileLoader(BaseLoader):  # type: ignore[misc]
    """YAML's safe loader that refuses a repeated key, and aliases of lists and mappings: nested aliases multiply the
    size of the data."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.collections: set[int] = set()

    def refuse_aliases(self, children: Iterable[Any]) -> None:
        """Children of a node -> MarkedYAMLError where a list or a mapping among them was used before."""
        for child in children:
            if not isinstance(child, yaml.ScalarNode):
                if id(child) in self.collections:
                    raise yaml.MarkedYAMLError(
                        problem="an alias stands for a list or a mapping", problem_mark=child.start_mark
                    )
                self.collections.add(id(child))

    def construct_sequence(self, node: Any, deep: bool = False) -> list[Any]:
        self.refuse_aliases(node.value)
        items: list[Any] = super().construct_sequence(node, deep=deep)
        return items

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        self.refuse_aliases(value for _, value in node.value)
        keys: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    problem = f"the key {key.value!r} stands twice"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                keys.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def read_profile(path: Path) -> HardwareProfile:
    """YAML file -> its profile. HardwareError with the file and the key where it is not valid."""
    tree = _load_mapping(path)
    file = path.name
    _check_keys(tree, KEYS, file, "")
    for key in REQUIRED_KEYS:
        if key not in tree:
            raise HardwareError("is missing", f"a profile needs {', '.join(REQUIRED_KEYS)}", f"{file}: {key}")
    kind = _read_text(tree["kind"], file, "kind")
    if kind not in DEVICE_KINDS:
        remedy = suggest_choice(KIND_WORDS.get(kind.lower(), kind), DEVICE_KINDS)
        raise HardwareError(f"{kind!r} is no kind of device", remedy, f"{file}: kind")
    return HardwareProfile(
        path.stem,
        _read_text(tree["name"], file, "name"),
        kind,
        _read_text(tree["variant"], file, "variant"),
        _read_date(tree["seen"], file),
        _read_figures(tree["peak"], PRECISIONS, file, "peak", parse_operations),
        _read_figures(tree.get("sparse", {}), PRECISIONS, file, "sparse", parse_operations),
        _read_figures(tree.get("memory", {}), MEMORIES, file, "memory"),
        _read_figure(tree["bandwidth"], file, "bandwidth", parse_bandwidth) if "bandwidth" in tree else None,
        _read_figure(tree["overhead"], file, "overhead", parse_decimal) if "overhead" in tree else None,
        read_energy_profile(tree["energy"], _read_text(tree["name"], file, "name"), file) if "energy" in tree else None,
        _read_texts(tree.get("aliases", []), file, "aliases"),
        _read_texts(tree.get("notes", []), file, "notes"),
        _read_choice(tree.get("npu", ""), NPUS, "NPU with known rules", file, "npu"),
        _read_figure(tree["clock"], file, "clock", parse_clock) if "clock" in tree else None,
        _read_figures(tree.get("links", {}), LINKS, file, "links", parse_bandwidth),
        _read_choice(tree.get("runtime", ""), TFLM_RUNTIMES, "build of TensorFlow Lite Micro", file, "runtime"),
    )


def _read_choice(value: Any, choices: Sequence[str], what: str, file: str, key: str) -> str:
    """A value -> the same where it is one of the choices, or empty. HardwareError for another."""
    if value in ("", *choices):
        return str(value)
    raise HardwareError(f"{value!r} is no {what}", suggest_choice(str(value), choices), f"{file}: {key}")


def read_energy_profile(tree: Any, name: str, file: str) -> EnergyTable:
    """Mapping {mac: {float32: …}, byte: {device: …}, measured: {int8: …}} -> energies in picojoules."""
    _check_keys(tree, ("mac", "byte", "measured"), file, "energy")
    if not tree:
        raise HardwareError(
            "is empty", "its keys are mac, byte, measured; leave it out where none is known", f"{file}: energy"
        )
    return EnergyTable(
        name,
        _read_figures(tree.get("mac", {}), PRECISIONS, file, "energy.mac", parse_decimal),
        _read_figures(tree.get("byte", {}), MEMORIES, file, "energy.byte", parse_decimal),
        _read_figures(tree.get("measured", {}), PRECISIONS, file, "energy.measured", parse_decimal),
    )


def read_energy_file(path: Path) -> EnergyTable:
    """YAML file of energies that belong to no device -> the energies in picojoules."""
    tree = _load_mapping(path)
    _check_keys(tree, ("name", "seen", "energy"), path.name, "")
    return read_energy_profile(tree.get("energy"), _read_text(tree.get("name"), path.name, "name"), path.name)


def _load_mapping(path: Path) -> Mapping[str, Any]:
    text = ""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise HardwareError("the file is too large for a profile", "name a hardware profile", str(path))
        text = path.read_text(encoding="utf-8")
        tree = yaml.load(text, Loader=ProfileLoader)
    except OSError as error:
        raise HardwareError(f"cannot be read: {error.strerror}", "see `costcalc hardware`", str(path)) from error
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark, error.problem
        line = f":{mark.line + 1}" if mark else ""
        if mark and text.split("\n")[mark.line][mark.column :].startswith("\t"):
            problem = "a tab stands where YAML takes spaces only"
        raise HardwareError(f"not YAML: {problem}", "mend it there", f"{path.name}{line}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise HardwareError("not YAML", "name a hardware profile", path.name) from error
    if not isinstance(tree, dict):
        raise HardwareError("is not a mapping", f"a profile has the keys {', '.join(KEYS)}", path.name)
    return tree


def _check_keys(tree: Any, keys: Iterable[str], file: str, section: str) -> None:
    if not isinstance(tree, dict):
        raise HardwareError("is not a mapping", f"its keys are {', '.join(keys)}", f"{file}: {section}")
    for key in tree:
        if key not in keys:
            path = f"{section}.{key}" if section else str(key)
            raise HardwareError("is not a key of a profile", suggest_choice(str(key), keys), f"{file}: {path}")


def _read_figures(
    tree: Any, keys: Iterable[str], file: str, section: str, parse: Any = None
) -> dict[str, SourcedFigure]:
    _check_keys(tree, keys, file, section)
    return {key: _read_figure(value, file, f"{section}.{key}", parse or parse_quantity) for key, value in tree.items()}


def _read_figure(tree: Any, file: str, section: str, parse: Any = None) -> SourcedFigure:
    _check_keys(tree, ("value", "source"), file, section)
    for key in ("value", "source"):
        if key not in tree:
            raise HardwareError(
                f"has no {key}", "write {value: 312 T, source: the document and the place in it}", f"{file}: {section}"
            )
    return SourcedFigure(
        (parse or parse_quantity)(tree["value"], f"{file}: {section}.value"),
        _read_text(tree["source"], file, f"{section}.source"),
    )


def parse_quantity(value: Any, location: str) -> Fraction:
    """312 T, 80 GB, 1.5G or 320000000 -> an exact number above zero. HardwareError where it is none."""
    if value is None or value == "":
        raise HardwareError("has no value", "write one such as 312 T or 80 GB, or leave the figure out", location)
    try:
        number = Fraction(parse_magnitude(str(value)))
    except UsageError as error:
        raise HardwareError(error.fact, error.remedy, location) from error
    return _check_range(number, value, location)


def parse_operations(value: Any, location: str) -> Fraction:
    """312 T, 1.5 TOPS or 2 GFLOP/s -> operations a second. HardwareError for bytes, for a clock and for what is no
    number."""
    if not isinstance(value, str):
        return parse_quantity(value, location)
    text = re.sub(r"\s*(FLOPS?|OPS?)(/s)?$", "", value.strip(), flags=re.IGNORECASE)
    text = re.sub(r"(?<=\d)\s+(?=[kKMGTPE]$)", " ", text)
    if re.search(r"[0-9kKMGTPE]i?B(/s)?$|Hz$", text):
        fact = f"{value!r} is no number of operations a second"
        raise HardwareError(fact, "write 312 T or 1.5 GOPS: operations in a cycle times the clock", location)
    return parse_quantity(text, location)


def parse_bandwidth(value: Any, location: str) -> Fraction:
    """8 GB or 8 GB/s -> bytes a second. HardwareError where it is none."""
    return parse_quantity(re.sub(r"\s*/s$", "", str(value)) if isinstance(value, str) else value, location)


def parse_clock(value: Any, location: str) -> Fraction:
    """500 M or 500 MHz -> hertz. HardwareError where it is none."""
    return parse_quantity(re.sub(r"\s*Hz$", "", str(value)) if isinstance(value, str) else value, location)


def parse_decimal(value: Any, location: str) -> Fraction:
    """0.03, 640 or 5e-6 -> an exact number above zero. HardwareError where it is none."""
    if not re.fullmatch(r"\d+(\.\d*)?([eE][+-]?\d{1,3})?", str(value)):
        raise HardwareError(f"{value!r} is not a number", "write a decimal such as 0.23", location)
    return _check_range(Fraction(str(value)), value, location)


def _check_range(number: Fraction, value: Any, location: str) -> Fraction:
    if number > MAX_FIGURE or 0 < number < 1 / MAX_FIGURE:
        raise HardwareError(f"{str(value)[:40]!r} is out of range", "no device has such a figure", location)
    if number <= 0:
        raise HardwareError(f"{value!r} is not above zero", "leave the figure out where it is not known", location)
    return number


def _read_text(value: Any, file: str, section: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise HardwareError(f"{value!r} is not a text", "write it in quotes", f"{file}: {section}")
    text = " ".join(value.split())
    if not text.isprintable():
        fact = f"{text!a:.80} has characters that are not printable"
        raise HardwareError(fact, "leave them out: they would steer a terminal", f"{file}: {section}")
    return text


def _read_texts(value: Any, file: str, section: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise HardwareError(f"{value!r} is not a list", "write [a, b]", f"{file}: {section}")
    return tuple(_read_text(item, file, section) for item in value)


def _read_date(value: Any, file: str) -> str:
    if not isinstance(value, date):
        raise HardwareError(f"{value!r} is not a day", "write it as 2026-01-31", f"{file}: seen")
    return value.isoformat()[:10]
