"""The text of a lock file → Baseline; what is broken, of something else or newer is refused with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NoReturn

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.core.dim import Dim
from costcalc.core.dim import parse_formula as formula
from costcalc.core.errors import CostcalcError, LoadError, LockError, UsageError
from costcalc.core.quantities import SIGNS, Figure, parse_quantity
from costcalc.studies.check.baseline import FORMAT_VERSION, REWRITE_REMEDY, Baseline, LockEntry
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer, SnapshotTensor
from costcalc.studies.options import Settings

_CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )", re.M)

_HEAD = re.compile(r'\s*\{\s*("f|"?$)')

_FRACTION = re.compile(r"[0-9]{1,400}(/[1-9][0-9]{0,400})?")

FOREIGN = "name a file that `costcalc lock` wrote"


def parse_lock(content: str | bytes, source: str) -> Baseline:
    """The baseline in a file's content; source is what messages call it."""
    whole = _document(content, source)
    version = whole.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or not isinstance(whole.get("models"), dict):
        raise LoadError("it is no lock file of costcalc", FOREIGN, source)
    if version > FORMAT_VERSION:
        fact = f"it is of format {version}, written by costcalc {str(whole.get('costcalc'))[:20]}"
        raise LoadError(fact, f"update costcalc: this one reads format {FORMAT_VERSION}", source)
    models = _mapping(whole["models"], f"{source}: models")
    entries = [
        _entry(model, scenario, content, f"{source}: {model}" + (f" ({scenario})" if scenario else ""))
        for model, scenarios in models.items()
        for scenario, content in _mapping(scenarios, f"{source}: {model}").items()
    ]
    entries.sort(key=lambda e: (e.model, e.scenario))
    return Baseline(tuple(entries), _text(whole.get("costcalc"), f"{source}: costcalc"), source)


def _document(content: str | bytes, source: str) -> Mapping[str, Any]:
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LoadError("it is no lock file: it is not UTF-8", FOREIGN, source) from None
    conflict = _CONFLICT.search(text)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        fact = "a merge left its conflict in the file"
        raise LockError(fact, "run `costcalc lock`: it is written anew from the models", f"{source}:{line}")
    try:
        whole = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"{source}:{error.lineno}:{error.colno}"
        if text.strip() and not _HEAD.match(text):
            raise LoadError("it is no lock file of costcalc", FOREIGN, place) from error
        cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        raise LockError(
            "the file is empty or cut short" if cut else f"it is not JSON: {error.msg}", REWRITE_REMEDY, place
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; nested without end
        raise LoadError(f"it is no lock file: {error}", FOREIGN, source) from error
    return whole if isinstance(whole, dict) else {}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _entry(model: str, scenario: str, content: Any, place: str) -> LockEntry:
    found = _mapping(content, place)
    inputs = tuple([_tensor(t, f"{place}: inputs") for t in _list(found.get("inputs"), f"{place}: inputs")])
    seen = {t.name: t for t in inputs}
    layers = []
    for i, given in enumerate(_list(found.get("layers"), f"{place}: layers"), 1):
        layer = _layer(_mapping(given, f"{place}: layer {i}"), f"{place}: layer {i}", seen)
        seen.update((t.name, t) for t in layer.outputs)
        layers.append(layer)
    totals = {
        name: _dim(v, f"{place}: {name}") for name, v in _mapping(found.get("totals"), f"{place}: totals").items()
    }
    unknown = _mapping(found.get("unknown"), f"{place}: unknown")
    symbols = _mapping(found.get("symbols"), f"{place}: symbols")
    source = _text(found.get("source"), f"{place}: source")
    snapshot = Snapshot(
        _text(found.get("title"), f"{place}: title"),
        source,
        inputs,
        tuple(layers),
        totals,
        {name: _int(n, f"{place}: unknown") for name, n in unknown.items()},
        {name: _dim(d, f"{place}: symbols") for name, d in symbols.items()},
        (),
        tuple([_text(a, f"{place}: assumptions") for a in _list(found.get("assumptions"), f"{place}: assumptions")]),
    )
    settings = _mapping(found.get("settings"), f"{place}: settings")
    frozen = _frozen(settings)
    try:
        Settings.of(**frozen)
    except UsageError as error:
        _wrong(f"{place}: settings", error.fact)
    figures = {key: _figure(key, v, f"{place}: {key}") for key, v in _mapping(found.get("figures", {}), place).items()}
    return LockEntry(model, scenario, source, frozen, snapshot, figures)


def _figure(key: str, given: Any, place: str) -> Figure:
    """A figure that `lock_writer.figure_to_lock` wrote."""
    try:
        unit = parse_quantity(key).quantity.unit
    except UsageError as error:
        raise LockError(error.fact, REWRITE_REMEDY, place) from error
    found = _mapping(given, place)
    certainty = found.get("certainty", "exact")
    if certainty not in SIGNS:
        _wrong(place, "what is certain of a figure is none of what it can be")
    value = found.get("value")
    if unit == "boolean":
        return Figure(value, certainty) if isinstance(value, bool) else _wrong(place, "true or false is missing")
    if unit in ("number", "bytes"):
        return Figure(_dim(value, place), certainty)
    if not isinstance(value, str) or not _FRACTION.fullmatch(value):
        _wrong(place, "a fraction is missing")
    return Figure(Fraction(value), certainty)


def _layer(given: Mapping[str, Any], place: str, seen: Mapping[str, SnapshotTensor]) -> SnapshotLayer:
    name = _text(given.get("name"), place)
    at = f"{place} {name}"
    return SnapshotLayer(
        name,
        _text(given.get("op"), at),
        _text(given.get("domain", ""), at),
        _dim(given.get("count", 1), at),
        tuple([_input(t, at, name, seen) for t in _list(given.get("in"), at)]),
        tuple([_output(t, at, name) for t in _list(given.get("out"), at)]),
        {key: _attribute(v, at) for key, v in _mapping(given.get("attributes", {}), at).items()},
        {key: None if given.get(key, 0) is None else _dim(given.get(key, 0), at) for key in LAYER_QUANTITIES},
        _text(given.get("state", "costed"), at),
    )


def _input(given: Any, place: str, layer: str, seen: Mapping[str, SnapshotTensor]) -> SnapshotTensor:
    if given == "":
        return SnapshotTensor("", "", None)
    if isinstance(given, str):
        return seen[given] if given in seen else _wrong(place, f"nothing before it gives {given!r}")
    if isinstance(given, dict):
        return _tensor(given.get("computed"), place, layer)
    return _tensor(given, place, layer, True)


def _output(given: Any, place: str, layer: str) -> SnapshotTensor:
    return _tensor(given.get("known"), place, layer, True) if isinstance(given, dict) else _tensor(given, place, layer)


def _tensor(given: Any, place: str, layer: str = "", stored: bool = False) -> SnapshotTensor:
    name, dtype, *shape = _list(given, place, 2)
    extents = None if shape == [None] else tuple([_dim(d, place) for d in shape])
    return SnapshotTensor(_full(_text(name, place), layer), _text(dtype, place), extents, stored)


def _full(name: str, layer: str) -> str:
    """A name that `lock_text.shortened` wrote."""
    if not name.startswith("~"):
        return name
    return name[1:] if name.startswith("~~") else layer + name[1:]


def _attribute(value: Any, place: str) -> Any:
    if isinstance(value, list):
        return tuple([_attribute(v, place) for v in value])
    if isinstance(value, dict):
        special = value.get("float")
        return float(special) if special in ("inf", "-inf", "nan") else _wrong(place, "an attribute is a mapping")
    return _wrong(place, "an attribute is null") if value is None else value


def _frozen(value: Any) -> Any:
    """Settings with tuples for lists, as `lock.entry` makes them."""
    if isinstance(value, dict):
        return {name: _frozen(inner) for name, inner in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _dim(value: Any, place: str) -> Dim:
    if isinstance(value, str):
        try:
            return formula(value)
        except CostcalcError as error:
            raise LockError(error.fact, REWRITE_REMEDY, place) from error
    return _int(value, place)


def _int(value: Any, place: str) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else _wrong(place, "a number is missing")


def _text(value: Any, place: str) -> str:
    return value if isinstance(value, str) else _wrong(place, "a name is missing")


def _list(value: Any, place: str, least: int = 0) -> list[Any]:
    return value if isinstance(value, list) and len(value) >= least else _wrong(place, "a list is missing")


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _wrong(place, "a mapping is missing")


def _wrong(place: str, fact: str) -> NoReturn:
    raise LockError(f"the lock file is broken: {fact}", REWRITE_REMEDY, place)
