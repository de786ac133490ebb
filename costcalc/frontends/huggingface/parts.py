"""A configuration whose parts have configurations of their own -> one graph, with each part's graph under its name.

Parts are costed as networks of their own: what a vision tower gives takes places in the text by a copy, which is no
arithmetic. Each has its own inputs and outputs, but a projector, which goes on from a tower's output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from costcalc.core.errors import LoadError, UnknownNameError, did_you_mean
from costcalc.core.ir import Graph
from costcalc.frontends.huggingface.document import flatten
from costcalc.frontends.huggingface.family import Family, FamilyPart, find_family
from costcalc.frontends.huggingface.mapping import class_names, find_parameters, label_count
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source
from costcalc.frontends.yaml.reader import read_parameters
from costcalc.frontends.yaml.values import LiteralText
from costcalc.graph.join import Part, join_graphs

ReadNetwork = Callable[[Mapping[str, Any], Source, str, ReadOptions, Mapping[str, Any]], Graph]

INHERITED = ("dtype", "torch_dtype", "quantization_config")
"""Fields of the whole network that hold for its parts, too, where those do not say otherwise."""

ChosenPart = tuple[FamilyPart, dict[str, Any], dict[str, Any]]
"""A part, its own fields, and the value of its parameter `head`, if any."""

FEATURES = "features"
"""The input of a part that goes on from another."""

NAMES = ("dims", "shapes")
"""Options by names of symbols and inputs: each part takes those that it has."""


def read_parts(
    fields: Mapping[str, Any], family: Family, source: Source, origin: str, options: ReadOptions, read: ReadNetwork
) -> Graph:
    """Fields of the whole configuration and its family -> the graph of all parts. LoadError where a field of the whole
    is not understood, or the first part is missing; UnknownNameError for a name that no part has."""
    fields = complete_fields(fields, family, source.file)
    parts = chosen_parts(fields, family, source.file)
    check_params(options.params, [part.field for part, _, _ in parts])
    joined: list[Part] = []
    refusals: list[dict[tuple[str, str], UnknownNameError]] = []
    graphs: dict[str, Graph] = {}
    for part, own_fields, head in parts:
        known = network_values(fields, part, parts, options.params, source.file)
        whole = whole_values(known, part) | head
        part_source = replace(source, name=part.field)
        part_options = options._replace(params=_part_params(options.params, part, part is parts[0][0]))
        if part.reads:
            shapes = _features(options.shapes, graphs[part.reads], source.file)
            part_options = part_options._replace(dims={}, shapes=shapes)
        refused: dict[tuple[str, str], UnknownNameError] = {}
        graph = _read_known(own_fields, part_source, origin, part_options, read, whole, refused)
        if part.reads:
            graph = graph._replace(symbols={})  # extents of its input, which are those of the tower
        graphs[part.field] = graph
        joined.append(Part(part_name(part.field), graph, part.prefixes, part_name(part.reads)))
        refusals += [] if part.reads else [refused]
    for key, error in refusals[0].items():
        if all(key in refused for refused in refusals):
            raise error
    graph = join_graphs(joined, source.name, origin)
    notes = []
    if unread := [name for name in fields if name in family.unread]:
        notes = [f"{', '.join(unread)} of the whole configuration have no effect: each part is read from its own"]
    if has_text_alone(fields, family):
        notes += [f"the class {class_names(fields)[0]} has the part {family.parts[0].field} alone"]
    return graph._replace(notes=(*graph.notes, *notes)) if notes else graph


def _read_known(
    fields: Mapping[str, Any],
    source: Source,
    origin: str,
    options: ReadOptions,
    read: ReadNetwork,
    whole: Mapping[str, Any],
    refused: dict[tuple[str, str], UnknownNameError],
) -> Graph:
    """The graph of a part under the options that it has names for; the others come to refused."""
    while True:
        try:
            return read(fields, source, origin, options, whole)
        except UnknownNameError as error:
            if error.argument not in NAMES or error.name not in getattr(options, error.argument):
                raise
            refused[error.argument, error.name] = error
            kept = {name: value for name, value in getattr(options, error.argument).items() if name != error.name}
            changes: dict[str, Any] = {error.argument: kept}
            options = options._replace(**changes)


def chosen_parts(fields: Mapping[str, Any], family: Family, file: str) -> list[ChosenPart]:
    """Fields of the whole configuration and its family -> the parts that it and its class have. LoadError for a field
    of the whole, parts apart, that is not understood; those of a flat one are the first part's."""
    known = {path.partition(".")[0] for part in family.parts for path in part.fields}
    if row := family.class_values.get(fields.get("model_type", ""), {}):
        known = set(row)
    known |= {part.field for part in family.parts} | family.unread
    own = {name: value for name, value in fields.items() if name not in known}
    values = find_parameters({} if is_flat(fields, family.parts[0]) else own, family, file)
    head = values.get("head", next(iter(family.heads.values()), ""))
    parts = []
    for part in family.parts[:1] if has_text_alone(fields, family) else family.parts:
        if not family.heads or head in part.heads:
            own_fields = part_fields(fields, part, family, file)
            part_head = {"head": LiteralText(part.heads[head])} if family.heads else {}
            parts += [] if own_fields is None else [(part, own_fields, part_head)]
    return parts


def has_text_alone(fields: Mapping[str, Any], family: Family) -> bool:
    """Whether the class of a whole configuration is that of its text: `Qwen3_5ForCausalLM` beside a vision_config."""
    return not family.text_classes.isdisjoint(class_names(fields)[:1])


def check_params(params: Mapping[str, Any], present: Sequence[str]) -> None:
    """UnknownNameError for a parameter `PART.NAME` of a part that is not among those of the configuration."""
    for name in params:
        part = name.partition(".")[0]
        if part != name and part not in present:
            remedy = did_you_mean(part, present) or f"its parts are {', '.join(present)}"
            raise UnknownNameError(f"there is no part for the parameter {name!r}", remedy, argument="params", name=name)


def part_fields(fields: Mapping[str, Any], part: FamilyPart, family: Family, file: str) -> dict[str, Any] | None:
    """Fields of the whole configuration -> those of a part, with its model type; None where it has no such part. Of a
    flat one the first part has all fields but those that hold the other parts."""
    own, is_first = fields.get(part.field), part is family.parts[0]
    if is_first and is_flat(fields, part):
        own = {name: value for name, value in fields.items() if name not in {other.field for other in family.parts}}
    elif own is None and (part.heads or part.has_defaults):
        own = {}
    if own is None and not is_first:
        return None
    if not isinstance(own, dict):
        raise LoadError(f"{part.field} is no object", "the configuration of a part stands there", file)
    inherited = {name: fields[name] for name in INHERITED if name in fields}
    model_type = {"model_type": part.model_type} if part.model_type else {}
    return {
        **inherited,
        **{k: value for k, value in own.items() if k not in part.neutral and (value is not None or k not in inherited)},
        **model_type,
    }


def is_flat(fields: Mapping[str, Any], part: FamilyPart) -> bool:
    """Whether the fields of the first part stand beside the other parts, as in configurations of Qwen2-VL. Not where a
    missing part has its class's values."""
    is_known = bool(part.model_type) and not part.has_defaults
    return part.field not in fields and is_known and "hidden_size" in fields


def complete_fields(fields: Mapping[str, Any], family: Family, file: str) -> dict[str, Any]:
    """Fields of the whole configuration and its family -> the same with the values of its model type where fields, or
    parts, are missing or null. LoadError for a field with the name of a part that stands in no configuration."""
    row = family.class_values.get(fields.get("model_type", ""), {})
    for part in family.parts:
        if part.reads and part.field in fields:
            raise LoadError(f"the field {part.field} is not understood", "remove it where nothing depends on it", file)
    merged = {part.field for part in family.parts if part.is_merged}
    complete = dict(fields)
    for name, value in row.items():
        own = fields.get(name)
        if own is None or (value is None and own is False):  # false of the whole, where the part's own decides
            complete[name] = value
        elif isinstance(own, dict) and isinstance(value, dict):
            kept = value if name in merged else {k: v for k, v in value.items() if k == "model_type"}
            complete[name] = {**kept, **{k: v for k, v in own.items() if v is not None or k not in kept}}
    return complete


def whole_values(values: Mapping[str, Any], part: FamilyPart) -> dict[str, Any]:
    """Values of the network's fields by path -> those of a part's parameters that stand there, or that all such
    networks have."""
    return {
        **part.values,
        **{name: values[path] for path, name in part.fields.items() if values.get(path) is not None},
    }


def network_values(
    fields: Mapping[str, Any], part: FamilyPart, parts: Sequence[ChosenPart], params: Mapping[str, Any], file: str
) -> dict[str, Any]:
    """Values of all fields by path; where fields of another part are missing, and for a part that goes on from another,
    with the other's parameters, which have their class's values. LoadError where the part's family lacks a parameter
    that the network needs."""
    values = dict(flatten(fields)) | label_count(fields)
    for other, own_fields, _ in parts:
        model_type = own_fields.get("model_type", "")
        if other is part:
            missing = sorted(set(part.values) - find_family(model_type, file).parameters) if part.values else []
            if missing:
                fact = f"{part.field} is a configuration of {model_type!r}, which is no such part of this network"
                raise LoadError(fact, f"its family has no {', '.join(missing)}", file)
            continue
        paths = [path for path in part.fields if path.startswith(f"{other.field}.")]
        if paths and (part.reads or any(values.get(path) is None for path in paths)):
            family = find_family(model_type, file)
            own = find_parameters(own_fields, family, file) | _part_params(params, other, other is parts[0][0])
            resolved = read_parameters(family.text, family.file, own, model_type)
            values |= {f"{other.field}.{name}": value for name, value in resolved.items()}
    return values


def part_name(field: str) -> str:
    """The field of a part -> its name before blocks: `vision` of vision_config."""
    return field.removesuffix("_config")


def _features(shapes: Mapping[str, Any], tower: Graph, file: str) -> dict[str, Any]:
    """Shapes of inputs and the graph of a tower -> that of a part that goes on from the tower. UnknownNameError
    where shapes name that part's input; LoadError where the tower has no single output with a known shape."""
    if FEATURES in shapes:
        raise UnknownNameError(
            f"{FEATURES!r} is no input of the network", "a part before it gives it", argument="shapes", name=FEATURES
        )
    shape = tower.types[tower.outputs[0]].shape if len(tower.outputs) == 1 else None
    if shape is None:
        raise LoadError(f"{tower.name} has no single output", "it is no tower of this network", file)
    return {FEATURES: shape}


def _part_params(params: Mapping[str, Any], part: FamilyPart, is_first: bool) -> dict[str, Any]:
    """`--set vision_config.depth=…` for the part; a name without a part is the first part's."""
    beginning = f"{part.field}."
    own = {name.removeprefix(beginning): value for name, value in params.items() if name.startswith(beginning)}
    return own | ({name: value for name, value in params.items() if "." not in name} if is_first else {})


def part_parameters(
    fields: Mapping[str, Any], family: Family, file: str, read: Callable[[Mapping[str, Any], str], Mapping[str, Any]]
) -> dict[str, Any]:
    """Fields of the whole configuration -> the parameters of each part as `vision_config.depth`."""
    values: dict[str, Any] = {}
    for part, own_fields, _ in chosen_parts(complete_fields(fields, family, file), family, file):
        values |= {f"{part.field}.{name}": value for name, value in read(own_fields, file).items()}
    return values
