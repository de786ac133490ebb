"""Signatures and docstrings of the Python API -> docs/reference/api.md."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import is_dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import costcalc
from costcalc import rules
from costcalc.analysis.layers import LayerCost
from costcalc.core import errors
from costcalc.core.result import Printable, Result, Serializable
from costcalc.core.settings import Setting
from costcalc.studies.check.verdict import CheckResult, ModelCheck, Verdict
from costcalc.studies.options import (
    AnalysisArguments,
    CostingArguments,
    GroupArguments,
    ReadingArguments,
    SettingsArguments,
    SweepArguments,
    all_settings,
)
from costcalc.views.present import document, tables
from reference_writers.markdown import anchor, block, code, make_page, prose, table

INTRODUCTION = """
`import costcalc` gives the functions below; each is imported when it is first used. A model is the path of a file, a
built-in name, the bytes of a file, a binary file object, an `onnx.ModelProto`, a PyTorch module or an
`ExportedProgram`. Every function gives a frozen result that prints as the command of the same question does. What
cannot be answered raises a [`CostcalcError`](#errors). The package is typed: a type checker tells a misspelt option,
too.

Public are the names in `costcalc.__all__`, those of [`costcalc.rules`](#costcalcrules) and the [JSON
documents](json.md). Other modules may move.
"""

EXAMPLE = """
import costcalc

report = costcalc.analyze("mobilenet", params={"alpha": 0.5})
assert report.macs == 149_497_088
dearest = max(report.layers, key=lambda layer: layer["macs"])
print(dearest.name, dearest["params"])

bert = costcalc.analyze("bert_base")  # seq is open: totals are polynomials
assert bert.bind({"seq": 128}).macs == 11_174_215_680
"""

OPTIONS_TEXT = """
The keyword arguments of `**options`, by the groups that a signature names. They are the options of the [command
line](command-line.md#shared-options) and the [keys of a config](config.md#settings): one list of settings serves all
three.
"""

GROUP_TYPES = (
    (ReadingArguments, "of reading a model"),
    (SettingsArguments, "of reading, and the groups"),
    (AnalysisArguments, "of reading, the groups, and `strict`"),
    (CostingArguments, "of reading, and `strict`"),
    (SweepArguments, "of reading but for `dims` and `params`, and the groups"),
)
"""TypedDicts in signatures, and what they hold."""

RESULTS: tuple[type, ...] = tuple(
    dict.fromkeys(cls for cls in (*tables.registry, *document.registry, CheckResult) if cls is not object)
)
"""The classes of results, in the order in which they are presented."""


PARTS = (LayerCost, ModelCheck, Verdict)
"""The classes of parts of results that callers read."""


def write_api() -> str:
    """The page."""
    functions = [name for name in costcalc.__all__ if inspect.isfunction(getattr(costcalc, name))]
    parts = [INTRODUCTION, block("python", EXAMPLE.strip())]
    rows = [(f"[`{name}`](#{name})", prose(_first_sentence(getattr(costcalc, name)))) for name in functions]
    parts += ["## Functions", table(("Function", "What it gives"), rows)]
    for name in functions:
        parts += _describe_function(name, getattr(costcalc, name))
    parts += ["## Options", OPTIONS_TEXT, *_describe_options()]
    parts += ["## Results", "Every result has:", _members_table([Printable, Serializable, Result])]
    for cls in (*RESULTS, *PARTS):
        parts += _describe_class(cls)
    parts += ["## TorchModule", *_describe_callable("costcalc.TorchModule", costcalc.TorchModule)]
    parts += ["## Errors", *_describe_errors()]
    parts += ["## costcalc.rules", _paragraphs(rules), _rules_table()]
    return make_page("Python API", *parts)


def _first_sentence(item: Any) -> str:
    return re.split(r"(?<=\.)\s|(?<=\.\))\s", " ".join(_doc(item).split()), maxsplit=1)[0]


def _doc(item: Any) -> str:
    return inspect.getdoc(item) or ""


def _paragraphs(item: Any) -> str:
    """A docstring -> its paragraphs in Markdown."""
    return "\n\n".join(prose(paragraph) for paragraph in _doc(item).split("\n\n"))


def _describe_function(name: str, function: Callable[..., Any]) -> Iterator[str]:
    yield f"### {name}"
    yield from _describe_callable(f"costcalc.{name}", function)
    links = [f"[`{cls.__name__}`](#class-{cls.__name__.lower()})" for cls in RESULTS if _names(function, cls)]
    yield f"Result: {', '.join(links)}." if links else ""


def _names(function: Callable[..., Any], cls: type) -> bool:
    """Whether a function's annotation of what it gives names a class."""
    return re.search(rf"\b{cls.__name__}\b", str(inspect.signature(function).return_annotation)) is not None


def _describe_callable(name: str, item: Callable[..., Any]) -> Iterator[str]:
    yield block("py", _signature(name, item))
    yield _paragraphs(item)


def _signature(name: str, item: Callable[..., Any]) -> str:
    """A call as it is written in a stub: on one line where it fits, else a line for each parameter."""
    signature = inspect.signature(item)
    listed = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
    parameters = [_parameter(parameter) for parameter in listed]
    kinds = [parameter.kind for parameter in listed]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        parameters.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    given = signature.return_annotation
    result = "" if given in (signature.empty, None, "None") else f" -> {given}"
    line = f"{name}({', '.join(parameters)}){result}"
    if len(line) <= 88:
        return line
    return f"{name}(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + f"){result}"


def _parameter(parameter: inspect.Parameter) -> str:
    """A parameter with its annotation as it is written and its default as Python prints it."""
    stars = "*" * (parameter.kind is parameter.VAR_POSITIONAL) + "**" * (parameter.kind is parameter.VAR_KEYWORD)
    name = stars + parameter.name
    annotation = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return name + annotation + default


def _describe_options() -> Iterator[str]:
    """The settings by group as keyword arguments, and what the TypedDicts of signatures hold."""
    yield table(("In a signature", "Options"), [(code(cls.__name__), text) for cls, text in GROUP_TYPES])
    settings = all_settings()
    yield "### Reading"
    yield _settings_table(settings[""], ReadingArguments.__annotations__)
    yield "### Groups"
    yield "A group is a mapping of its options by name, or `True` for their defaults; `devices` are names or paths."
    annotations = GroupArguments.__annotations__
    rows = [
        (code(name), code(_annotation(annotations[name])), _group_names(settings.get(name, ()))) for name in annotations
    ]
    yield table(("Argument", "Type", "Options by name"), rows)


def _group_names(settings: Iterable[Setting]) -> str:
    links = [f"[`{setting.name}`](command-line.md#{setting.option})" for setting in settings]
    return ", ".join(links)


def _annotation(annotation: Any) -> str:
    """An annotation, as text or evaluated, as it is written in a stub: without the modules of names."""
    text = str(annotation.__name__ if inspect.isclass(annotation) else annotation)
    return re.sub(r"\b(?:collections\.abc|typing|costcalc(?:\.\w+)+)\.(?=[A-Z])", "", text)


def _settings_table(settings: Iterable[Setting], annotations: dict[str, Any]) -> str:
    rows = [
        (
            code(setting.name),
            code(_annotation(annotations[setting.name])),
            prose(setting.help.partition(": --")[0].rstrip(".… ") + "."),
        )
        for setting in settings
    ]
    return table(("Argument", "Type", "Meaning"), rows)


def _describe_class(cls: type) -> Iterator[str]:
    """A class of results -> its docstring, fields, properties and methods."""
    yield f"### class {cls.__name__}"
    yield _paragraphs(cls)
    yield _fields_block(cls)
    yield _members_table([cls, *(base for base in cls.__mro__[1:] if _is_part(base))])


def _fields_block(cls: type) -> str:
    """The fields of a frozen class as a stub."""
    fields = inspect.get_annotations(cls) if is_dataclass(cls) or hasattr(cls, "_fields") else {}
    lines = [f"    {name}: {_annotation(annotation)}" for name, annotation in fields.items() if name[0] != "_"]
    return block("py", "\n".join([f"class {cls.__name__}:", *lines])) if lines else ""


def _is_part(base: type) -> bool:
    """Whether a base class has members that are told with those of the class: one of costcalc that no result shares."""
    return base.__module__.startswith("costcalc.") and base not in (Printable, Serializable, Result, *RESULTS)


def _members_table(classes: Iterable[type]) -> str:
    rows: dict[str, tuple[str, str]] = {}
    for cls in classes:
        for name, signature, text in _members(cls):
            rows.setdefault(name, (code(signature), text))
    return table(("Member", "What it is"), rows.values()) if rows else ""


SHOWN_SPECIAL = {
    "__str__": "str(result)",
    "_repr_html_": "_repr_html_()",
    "__getitem__": "result[…]",
    "__rich__": "__rich__()",
}
"""Methods that are called by another form of words."""


def _members(cls: type) -> Iterator[tuple[str, str, str]]:
    """A class -> name, form and meaning of its properties and methods, but for private ones."""
    for name, member in vars(cls).items():
        text = prose(_first_sentence(member.fget if isinstance(member, property) else member))
        if isinstance(member, property) and not name.startswith("_"):
            yield name, f"{name}: {inspect.signature(member.fget).return_annotation}" if member.fget else name, text
        elif inspect.isfunction(member) and (not name.startswith("_") or name in SHOWN_SPECIAL) and member.__doc__:
            yield name, SHOWN_SPECIAL.get(name) or _signature(name, member).replace("\n", " "), text


def _describe_errors() -> Iterator[str]:
    yield _paragraphs(costcalc.CostcalcError)
    classes = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, errors.CostcalcError)]
    rows = [
        (code(cls.__name__), ", ".join(code(b.__name__) for b in cls.__bases__ if b is not Exception), prose(_doc(cls)))
        for cls in classes
    ]
    yield table(("Error", "Is a", "When"), rows)


def _rules_table() -> str:
    """The names for authors of rules and front ends, each with its first sentence."""
    modules = _imported_names(Path(str(rules.__file__)).read_text(encoding="utf-8"))
    rows = [(anchor(f"rules.{name}") + code(name), _rule_text(name, modules[name])) for name in rules.__all__]
    return table(("Name", "What it is"), rows)


def _imported_names(source: str) -> dict[str, str]:
    """A module's source -> the module that each of its names is imported from."""
    imports = [node for node in ast.parse(source).body if isinstance(node, ast.ImportFrom) and node.module]
    return {alias.asname or alias.name: str(node.module) for node in imports for alias in node.names}


def _rule_text(name: str, module: str) -> str:
    item = getattr(rules, name)
    if inspect.isclass(item) or inspect.isroutine(item):
        return prose(_first_sentence(item)) if _doc(item) else prose(_variable_doc(name, module))
    return prose(_variable_doc(name, module))


def _variable_doc(name: str, module: str) -> str:
    """The docstring that stands below a variable, in its module or in the one that this imports it from. KeyError where
    it has none."""
    source = inspect.getsource(import_module(module))
    if origin := _imported_names(source).get(name):
        return _variable_doc(name, origin)
    body = ast.parse(source).body
    for node, following in pairwise(body):
        is_named = isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
        if is_named and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            return str(following.value.value)
    raise KeyError(f"{module}.{name} has no docstring")
