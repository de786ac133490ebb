"""The text of a lock file → Baseline; what is broken, of something else or newer is refused with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NoReturn

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.core.dim import Dim
from costcalc.core.dim import parse_formula as formula
from costcalc.core.errors import CostcalcError, LoadError, LockError, UsageError
from costcalc.core.quantities import parse_quantity
from costcalc.core.quantity import SIGNS, Figure
from costcalc.studies.check.baseline import FORMAT_VERSION, REWRITE_REMEDY, Baseline, LockEntry
from costcalc.studies.check.lock_layers import shorten_name
from costcalc.studies.check.lock_repeats import expand_template
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer, SnapshotTensor
from costcalc.studies.options import Settings

_CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )", re.M)

_HEAD = re.compile(r'\s*\{\s*("f|"?$)')

_FRACTION = re.compile(r"[0-9]{1,400}(/[1-9][0-9]{0,400})?")

MAX_LAYERS = 1_000_000
"""Layers that the runs of a model may have together: a number in a damaged file must not fill the memory."""

FOREIGN = "name a file that `costcalc lock` wrote"


def parse_lock(content: str | bytes, source: str) -> Baseline:
    """The baseline in a file's content; source is what messages call it."""
    document = _parse_document(content, source)
    version = document.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or not isinstance(document.get("models"), dict):
        raise LoadError("it is no lock file of costcalc", FOREIGN, source)
    if version > FORMAT_VERSION:
        fact = f"it is of format {version}, written by costcalc {str(document.get('costcalc'))[:20]}"
        raise LoadError(fact, f"update costcalc: this one reads format {FORMAT_VERSION}", source)
    models = _expect_mapping(document["models"], f"{source}: models")
    entries = [
        _parse_entry(model, scenario, content, f"{source}: {model}" + (f" ({scenario})" if scenario else ""))
        for model, scenarios in models.items()
        for scenario, content in _expect_mapping(scenarios, f"{source}: {model}").items()
    ]
    entries.sort(key=lambda e: (e.model, e.scenario))
    return Baseline(tuple(entries), _expect_text(document.get("costcalc"), f"{source}: costcalc"), source, version)


def _parse_document(content: str | bytes, source: str) -> Mapping[str, Any]:
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
        document = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"{source}:{error.lineno}:{error.colno}"
        if text.strip() and not _HEAD.match(text):
            raise LoadError("it is no lock file of costcalc", FOREIGN, place) from error
        is_cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        raise LockError(
            "the file is empty or cut short" if is_cut else f"it is not JSON: {error.msg}", REWRITE_REMEDY, place
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; nested without end
        raise LoadError(f"it is no lock file: {error}", FOREIGN, source) from error
    return document if isinstance(document, dict) else {}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _parse_entry(model: str, scenario: str, content: Any, place: str) -> LockEntry:
    fields = _expect_mapping(content, place)
    inputs = tuple(
        [_parse_tensor(t, f"{place}: inputs") for t in _expect_list(fields.get("inputs"), f"{place}: inputs")]
    )
    tensors = {t.name: t for t in inputs}
    definitions = _expect_mapping(fields.get("definitions", {}), f"{place}: definitions")
    layers: list[SnapshotLayer] = []
    for row in _iter_rows(_expect_list(fields.get("layers"), f"{place}: layers"), place):
        layer_place = f"{place}: layer {len(layers) + 1}"
        if isinstance(row, list):
            row = _define_row(row, definitions, layers, layer_place)
        layer = _parse_layer(_expect_mapping(row, layer_place), layer_place, tensors)
        tensors.update((t.name, t) for t in layer.outputs)
        layers.append(layer)
    totals = {
        name: _parse_dim(v, f"{place}: {name}")
        for name, v in _expect_mapping(fields.get("totals"), f"{place}: totals").items()
    }
    unknown = _expect_mapping(fields.get("unknown"), f"{place}: unknown")
    symbols = _expect_mapping(fields.get("symbols"), f"{place}: symbols")
    source = _expect_text(fields.get("source"), f"{place}: source")
    settings = _expect_mapping(fields.get("settings"), f"{place}: settings")
    frozen_settings = _freeze(settings)
    snapshot = Snapshot(
        _expect_text(fields.get("title"), f"{place}: title"),
        source,
        inputs,
        tuple(layers),
        totals,
        {name: _expect_int(n, f"{place}: unknown") for name, n in unknown.items()},
        {name: _parse_dim(d, f"{place}: symbols") for name, d in symbols.items()},
        (),
        tuple(
            [
                _expect_text(a, f"{place}: assumptions")
                for a in _expect_list(fields.get("assumptions"), f"{place}: assumptions")
            ]
        ),
        settings=frozen_settings,
    )
    try:
        Settings.of(**frozen_settings)
    except UsageError as error:
        _refuse(f"{place}: settings", error.fact)
    figures = {
        key: _parse_figure(key, v, f"{place}: {key}")
        for key, v in _expect_mapping(fields.get("figures", {}), place).items()
    }
    return LockEntry(model, scenario, source, frozen_settings, snapshot, figures)


def _iter_rows(items: list[Any], place: str) -> Iterator[Any]:
    """The items of a list of layers → a row for each layer, runs that repeat written out."""
    count = 0
    for item in items:
        if not isinstance(item, dict) or "repeat" not in item:
            yield item
            continue
        run_place = f"{place}: layers"
        times = _expect_int(item["repeat"], run_place)
        rows = [_expect_list(row, run_place, 2) for row in _expect_list(item.get("layers"), run_place)]
        count += times * len(rows)
        if not rows or times < 1:
            _refuse(run_place, "a run of layers has no layer, or is repeated less than once")
        if count > MAX_LAYERS:
            _refuse(run_place, f"runs of layers have together more than {MAX_LAYERS:,}")
        rounds = [_expand_row(row, times, run_place) for row in rows]
        yield from (expanded[i] for i in range(times) for expanded in rounds)


def _expand_row(row: list[Any], times: int, place: str) -> list[list[Any]]:
    """A layer of a run → its row in each round."""

    def expand(value: Any) -> list[Any]:
        if isinstance(value, str):
            try:
                return expand_template(value, times)
            except ValueError as error:
                _refuse(place, str(error))
        if isinstance(value, list) and any(isinstance(inner, str) for inner in value):
            return [list(values) for values in zip(*map(expand, value), strict=True)]
        return [value] * times

    name, key, *rest = row
    return [[*fields] for fields in zip(expand(name), [key] * times, *map(expand, rest), strict=True)]


def _define_row(
    row: list[Any], definitions: Mapping[str, Any], layers: Sequence[SnapshotLayer], place: str
) -> dict[str, Any]:
    """`[name, key, reads, names]` → the layer as it is written with its definition."""
    name, key, *rest = _expect_list(row, place, 2)
    definition = _expect_mapping(definitions.get(_expect_text(key, place)), f"{place}: definition {key}")
    if len(rest) > 2:
        _refuse(place, "a layer has at most four fields: name, definition, what it reads, names of tensors")
    reads, names = (iter(_expect_list(fields, place)) for fields in [*rest, *([-1], [])[len(rest) :]])
    layer_name = _expect_text(name, place)

    def tensor(content: Any) -> Any:
        if isinstance(content, dict):
            return {kind: tensor(inner) for kind, inner in content.items()}
        if not isinstance(content, list) or content[:1] != [None]:
            return content
        return [shorten_name(_expect_text(next(names, None), place), ""), *content[1:]]

    inputs = [
        _find_read(next(reads, None), layers, place) if content is None else tensor(content)
        for content in _expect_list(definition.get("in"), place)
    ]
    outputs = [tensor(content) for content in _expect_list(definition.get("out"), place)]
    if next(reads, None) is not None or next(names, None) is not None:
        _refuse(place, "it reads more than its definition says")
    return {**definition, "name": layer_name, "in": inputs, "out": outputs}


def _find_read(read: Any, layers: Sequence[SnapshotLayer], place: str) -> Any:
    """What a layer reads, a name or a distance with an output's number, → the name."""
    if isinstance(read, str):
        return read
    distance, output = read if isinstance(read, list) and len(read) == 2 else (read, 0)
    if not -len(layers) <= _expect_int(distance, place) < 0:
        _refuse(place, f"nothing stands {read} layers from it")
    outputs = layers[distance].outputs
    if not 0 <= _expect_int(output, place) < len(outputs):
        _refuse(place, f"{layers[distance].name} has no output {output}")
    return outputs[output].name


def _parse_figure(key: str, content: Any, place: str) -> Figure:
    """A figure that `lock_writer.figure_to_lock` wrote."""
    try:
        unit = parse_quantity(key).quantity.unit
    except UsageError as error:
        raise LockError(error.fact, REWRITE_REMEDY, place) from error
    fields = _expect_mapping(content, place)
    certainty = fields.get("certainty", "exact")
    if certainty not in SIGNS:
        _refuse(place, "what is certain of a figure is none of what it can be")
    value = fields.get("value")
    if unit == "boolean":
        return Figure(value, certainty) if isinstance(value, bool) else _refuse(place, "true or false is missing")
    if unit in ("number", "bytes"):
        return Figure(_parse_dim(value, place), certainty)
    if not isinstance(value, str) or not _FRACTION.fullmatch(value):
        _refuse(place, "a fraction is missing")
    return Figure(Fraction(value), certainty)


def _parse_layer(fields: Mapping[str, Any], place: str, tensors: Mapping[str, SnapshotTensor]) -> SnapshotLayer:
    name = _expect_text(fields.get("name"), place)
    layer_place = f"{place} {name}"
    return SnapshotLayer(
        name,
        _expect_text(fields.get("op"), layer_place),
        _expect_text(fields.get("domain", ""), layer_place),
        _parse_dim(fields.get("count", 1), layer_place),
        tuple([_parse_input(t, layer_place, name, tensors) for t in _expect_list(fields.get("in"), layer_place)]),
        tuple([_parse_output(t, layer_place, name) for t in _expect_list(fields.get("out"), layer_place)]),
        {
            key: _parse_attribute(v, layer_place)
            for key, v in _expect_mapping(fields.get("attributes", {}), layer_place).items()
        },
        {
            key: None if fields.get(key, 0) is None else _parse_dim(fields.get(key, 0), layer_place)
            for key in LAYER_QUANTITIES
        },
        _expect_text(fields.get("state", "costed"), layer_place),
    )


def _parse_input(content: Any, place: str, layer: str, tensors: Mapping[str, SnapshotTensor]) -> SnapshotTensor:
    if content == "":
        return SnapshotTensor("", "", None)
    if isinstance(content, str):
        return tensors[content] if content in tensors else _refuse(place, f"nothing before it gives {content!r}")
    if isinstance(content, dict):
        return _parse_tensor(content.get("computed"), place, layer)
    return _parse_tensor(content, place, layer, True)


def _parse_output(content: Any, place: str, layer: str) -> SnapshotTensor:
    return (
        _parse_tensor(content.get("known"), place, layer, True)
        if isinstance(content, dict)
        else _parse_tensor(content, place, layer)
    )


def _parse_tensor(content: Any, place: str, layer: str = "", stored: bool = False) -> SnapshotTensor:
    name, dtype, *shape = _expect_list(content, place, 2)
    extents = None if shape == [None] else tuple([_parse_dim(d, place) for d in shape])
    return SnapshotTensor(_expand_name(_expect_text(name, place), layer), _expect_text(dtype, place), extents, stored)


def _expand_name(name: str, layer: str) -> str:
    """A name that `lock_writer.shorten_name` wrote."""
    if not name.startswith("~"):
        return name
    return name[1:] if name.startswith("~~") else layer + name[1:]


def _parse_attribute(value: Any, place: str) -> Any:
    if isinstance(value, list):
        return tuple([_parse_attribute(v, place) for v in value])
    if isinstance(value, dict):
        special = value.get("float")
        return float(special) if special in ("inf", "-inf", "nan") else _refuse(place, "an attribute is a mapping")
    return _refuse(place, "an attribute is null") if value is None else value


def _freeze(value: Any) -> Any:
    """Settings with tuples for lists, as `baseline.make_entry` makes them."""
    if isinstance(value, dict):
        return {name: _freeze(inner) for name, inner in value.items()}
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def _parse_dim(value: Any, place: str) -> Dim:
    if isinstance(value, str):
        try:
            return formula(value)
        except CostcalcError as error:
            raise LockError(error.fact, REWRITE_REMEDY, place) from error
    return _expect_int(value, place)


def _expect_int(value: Any, place: str) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else _refuse(place, "a number is missing")


def _expect_text(value: Any, place: str) -> str:
    return value if isinstance(value, str) else _refuse(place, "a name is missing")


def _expect_list(value: Any, place: str, least: int = 0) -> list[Any]:
    return value if isinstance(value, list) and len(value) >= least else _refuse(place, "a list is missing")


def _expect_mapping(value: Any, place: str) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _refuse(place, "a mapping is missing")


def _refuse(place: str, fact: str) -> NoReturn:
    raise LockError(f"the lock file is broken: {fact}", REWRITE_REMEDY, place)
