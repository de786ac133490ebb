"""The settings of an analysis as the input of a tool: a JSON Schema made from the same table as the options of the
command line, and its values -> Settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema, create_model

from costcalc.cli.mcp.confinement import resolve_device
from costcalc.core.settings import Setting
from costcalc.graph.convert import PRECISIONS
from costcalc.studies.options import GROUPS, all_settings

_TYPES: dict[str, Any] = {
    "dims": dict[str, int | str],
    "shapes": dict[str, list[int | str]],
    "params": dict[str, Any],
    "values": dict[str, int | bool],
    "flag": bool,
    "count": int,
    "texts": list[str],
    "ratio": float,
}
"""The type of a setting's value, by its kind; of the others it is one of some words."""

MAX_POINTS = 2_000
"""The most combinations of one sweep."""

MAX_NAMES = 16
"""The most devices of one call."""


def _field(setting: Setting) -> Any:
    """A setting -> its type, None by default, and its description."""
    choices = PRECISIONS if setting.kind == "precision" else setting.choices
    value_type = Literal[tuple(choices)] if choices else _TYPES[setting.kind]
    return Annotated[value_type | None, Field(description=setting.help)], None


def _model(name: str, fields: dict[str, Any]) -> Any:
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def _settings_model() -> Any:
    """The model of all settings: those of reading by their names, the others in their groups."""
    groups = all_settings()
    fields = {setting.name: _field(setting) for setting in groups[""]}
    for group in GROUPS:
        inner = _model(f"{group.title()}Input", {setting.name: _field(setting) for setting in groups[group]})
        description = f"{group}: its options, or true for their defaults"
        fields[group] = (Annotated[inner | bool | None, Field(description=description)], None)
    description = "profiles of devices for bounds on time and energy, such as t4; the tool `devices` lists them"
    fields["devices"] = (Annotated[list[str] | None, Field(description=description, max_length=MAX_NAMES)], None)
    return _model("SettingsInput", fields)


if TYPE_CHECKING:
    SettingsInput = Any
else:
    SettingsInput = _settings_model()


def _text(description: str, max_length: int = 1000) -> Any:
    return Field(description=description, max_length=max_length)


Model = Annotated[
    str,
    _text(
        "a file below the server's root (YAML, ONNX, .pt2, .tflite, GGUF …), or a built-in model; the tool `models` "
        "lists these"
    ),
]

Models = Annotated[list[Model], Field(min_length=2, max_length=16)]

Version = Annotated[str, _text("a model, or a file of a git revision: main:models/net.yaml")]

Layer = Annotated[str | None, _text("a layer's name, or the end of it; all layers with MACs unless given")]

Top = Annotated[int, Field(description="the most entries of each list of the answer", ge=1, le=200)]

Sort = Annotated[
    str, _text("order layers by this figure, the largest first: macs, params, flops …; as they run unless given", 64)
]

Ranking = Annotated[str, _text("the figure whose saving ranks the rewrites", 64)]

ConfigPath = Annotated[str | None, _text("a costcalc.yaml below the root; the one there unless given")]

CheckedModels = Annotated[
    list[str] | None, _text("of the config only these; with limits the models that are held to them", 64)
]

CheckedGroups = Annotated[list[str] | None, _text("of the config only the entries of these groups", 64)]

BaselineName = Annotated[
    str | None,
    _text("what increases are from: a lock file below the root, or a git revision that has one: main, main...HEAD"),
]

Limits = Annotated[
    dict[str, str | int | float | bool] | None,
    _text('the most that figures may be, in the place of a config: {"macs": "600M", "time.t4": "2 ms"}', 64),
]

Minimums = Annotated[dict[str, str | int | float | bool] | None, _text("the least that figures may be", 64)]

Rewrites = Annotated[
    list[str] | None, _text("some of the rewrites: separable, bottleneck, gqa …; all unless given", 64)
]

Parameters = Annotated[
    dict[str, Any] | None,
    _text('parameters of a YAML model and their values: {"alpha": "0.25:1:0.25"}, or lists', 16),
]

Symbols = Annotated[dict[str, Any] | None, _text("symbols and their values", 16)]

Varied = Annotated[dict[str, Any] | None, _text('settings and their values: {"dtype": ["int8", "float16"]}', 16)]

Quantities = Annotated[list[str] | None, _text("columns beside the totals: time.t4, arena_bytes …", 64)]

Condition = Annotated[str | None, _text("a condition over the columns: macs <= 300M")]

Goals = Annotated[list[str] | None, _text("goals of a Pareto front: time.t4, resolution:max", 16)]

Sample = Annotated[int | None, Field(description="draw so many of the combinations", ge=1, le=MAX_POINTS)]

Counters = Annotated[
    list[str] | None,
    _text("thop, ptflops, fvcore, torchinfo, calflops, torchprofile, onnx-tool, torchvision; all unless given", 16),
]

Published = Annotated[dict[str, str | int] | None, _text('published figures by counter: {"thop": "11.3G"}', 16)]

DeviceKind = Annotated[str | None, _text("gpu, cpu, microcontroller …; all unless given", 64)]


def _compact(schema: Any, definitions: dict[str, Any]) -> Any:
    """A schema of pydantic's -> the same without titles, nulls and references: an agent reads it with every tool."""
    if isinstance(schema, list):
        return [_compact(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        schema = {**options[0], **rest} if len(options) == 1 else {**rest, "anyOf": options}
    dropped = {"$ref", "$defs", "default"} | ({"title"} if isinstance(schema.get("title"), str) else set())
    return {key: _compact(value, definitions) for key, value in schema.items() if key not in dropped}


def _settings_schema() -> dict[str, Any]:
    schema = SettingsInput.model_json_schema()
    compact: dict[str, Any] = _compact(schema, schema.get("$defs", {}))
    return {**compact, "description": "how the model is read, run and trained, and on what; leave out for its defaults"}


FullSettings = Annotated[SettingsInput | None, WithJsonSchema(_settings_schema())]
"""The settings with their whole schema, which stands in one tool."""

SettingsArgument = Annotated[
    SettingsInput | None,
    WithJsonSchema({"type": "object", "description": "the same settings as those of the tool `analyze`"}),
]
"""The settings of the other tools: the same values, and a schema that says where they are described."""


def settings_arguments(settings: Any, root: Path) -> dict[str, Any]:
    """The settings of a call -> the keyword arguments of the API, those that are given. UsageError for the profile of a
    device outside of the root."""
    if settings is None:
        return {}
    arguments: dict[str, Any] = settings.model_dump(exclude_none=True)
    if "devices" in arguments:
        arguments["devices"] = tuple([resolve_device(root, name) for name in arguments["devices"]])
    return arguments
