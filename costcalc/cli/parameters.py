"""The options that commands share, and how their values are read: N=8, x=1,3,224,224, alpha=0.5."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.formats import choose_format
from costcalc.cli.output import output_option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

OFFLINE_VARIABLE = "COSTCALC_OFFLINE"

FORMATS = ("table", "json", "csv", "markdown", "html", "svg", "png")

Pair = tuple[str, Any]


class Model(click.ParamType):  # type: ignore[type-arg]
    """A YAML file, an ONNX file, a built-in name or `package.module:name`; the shell completes files and names.

    Only here a text becomes one that names code to import: the user wrote it on the command line.
    """

    name = "model"

    def __init__(self, takes_code: bool = True) -> None:
        self.takes_code = takes_code

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A text -> it, or the NamedModel of the code that it names; without takes_code as it is."""
        if not isinstance(value, str) or ":" not in value or not self.takes_code:
            return value
        from pathlib import Path

        from costcalc.frontends.module import NamedModel, TorchModule, names_code
        from costcalc.frontends.table import SHARED_SUFFIXES, suffixes

        is_file = Path(value).is_file() or value.endswith((*suffixes(), *SHARED_SUFFIXES))
        is_code = names_code(value) and (not is_file or value.startswith("transformers:"))
        return NamedModel(value, TorchModule(value)) if is_code else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from costcalc.frontends.builtin import builtin_models

        names = [n for info in builtin_models() for n in (info.name, *info.aliases)]
        return [  # files first: bash forgets what stands before them, and offers them where no name fits
            CompletionItem(incomplete, type="file"),
            *(CompletionItem(n) for n in names if n.startswith(incomplete)),
        ]


class NameValue(click.ParamType):  # type: ignore[type-arg]
    """NAME=VALUE. The last `=` divides, for names of tensors may hold one."""

    name = "name=value"

    def __init__(self, read: Callable[[str], Any], example: str) -> None:
        self.read, self.example = read, example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pair:
        if isinstance(value, tuple):
            return value
        name, equals, text = value.rpartition("=")
        try:
            if not equals or not name.strip() or not text.strip():
                raise ValueError
            return name.strip(), self.read(text.strip())
        except ValueError as error:
            remedy = str(error) if str(error).startswith("give ") else self._remedy(value)
            self.fail(f"{value!r} is not understood; {remedy}", param, ctx)

    def _remedy(self, value: str) -> str:
        """How to write what was given: a value without its name gets one."""
        if "=" not in value and value.strip() and self._is_value(value.strip()):
            return f"write its name before it, as {self.example.partition('=')[0]}={value.strip()}"
        return f"write it as {self.example}"

    def _is_value(self, text: str) -> bool:
        try:
            return not isinstance(self.read(text), str) and not text.isidentifier()
        except ValueError:
            return False


class Count(click.IntRange):
    """A whole number, of at least 1 unless another least one is given."""

    name = "n"

    def __init__(self, least: int = 1) -> None:
        super().__init__(least)
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{_quoted(value)} is no whole number; write it in digits, as 8", param, ctx)
        if number < self.least:
            self.fail(f"{_quoted(value)} is too small; the least is {self.least}", param, ctx)
        return number


class Ratio(click.FloatRange):
    """A number from 0 to 1."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1:  # nan is neither
            self.fail(f"{_quoted(value)} is no number from 0 to 1; write it as 0.5", param, ctx)
        return number


def _quoted(value: Any) -> str:
    """What was given, in quotes; without its middle where it is long."""
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:20]}…{text[-10:]}")


class Word(click.Choice):  # type: ignore[type-arg]
    """One of a few words, whatever its case, in the singular or the plural, or by another name of it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        word = str(value).lower()
        word = OTHER_WORDS.get(word, word) if word not in self.choices else word
        near = [choice for choice in self.choices if word.rstrip("s") == choice.rstrip("s")]
        return super().convert(near[0] if len(near) == 1 else value, param, ctx)


OTHER_WORDS = {
    "operator": "op",
    "operators": "op",
    "md": "markdown",
    "txt": "table",
    "text": "table",
    "histogram": "bars",
}
"""Other names of words that options take."""


class NameList(click.ParamType):  # type: ignore[type-arg]
    """A name, or several between commas; the shell completes the last one. names is called only then."""

    name = "name[,name]"

    def __init__(self, names: Callable[[], Iterable[str]], several: bool = True) -> None:
        self.names, self.several = names, several

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The names as they are written among the known ones, whatever their case, or as the heading of a column: MACs
        is macs, and so is % MACs where one name is asked for."""
        if not isinstance(value, str) or (value == value.lower() and not {"%", " "} & set(value)):
            return value
        names = self.names()
        known = {name.lower(): name for name in names}
        if isinstance(names, Mapping):
            titles = {getattr(column, "title", "").lower(): name for name, column in names.items()}
            known = {title: name for title, name in titles.items() if title} | known
        words = [re.sub(r"^% (?:known )?", "" if not self.several else "share ", w.strip()) for w in value.split(",")]
        words = ["share" if word.startswith("share ") else word for word in words]
        return ",".join(known.get(word.lower(), known.get(word.lower().replace(" ", "_"), word)) for word in words)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        prefix, comma, last = incomplete.rpartition(",") if self.several else ("", "", incomplete)
        return [CompletionItem(prefix + comma + name) for name in self.names() if name.startswith(last)]


class DeviceNames(NameList):
    """NAME[,NAME]: a profile's name or alias, or the path of a profile; the shell completes the names."""

    def __init__(self) -> None:
        super().__init__(device_profiles)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return super().shell_complete(ctx, param, incomplete) or [CompletionItem(incomplete, type="file")]


def device_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with costcalc."""
    from costcalc.analysis.hardware.catalogue import profile_names

    return profile_names()


class ElementType(click.ParamType):  # type: ignore[type-arg]
    """An element type that a model can be taken to be in: float16, int8, int4 …"""

    name = "type"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from costcalc.graph.convert import PRECISIONS, normalise_dtype

        text = normalise_dtype(str(value))
        if text not in PRECISIONS:
            self.fail(f"{value!r} is no element type; there are {', '.join(PRECISIONS)}", param, ctx)
        return text

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from costcalc.graph.convert import PRECISIONS

        return [CompletionItem(name) for name in PRECISIONS if name.startswith(incomplete)]


def parse_extent(text: str) -> int | str:
    """An extent: a number of at least 0, or a symbol's name."""
    if re.fullmatch(r"\d{1,18}", text):
        return int(text)
    if re.match(r"[^\W\d]", text):
        return text
    raise ValueError


def parse_binding(text: str) -> int | str:
    """What a symbol is bound to: a number of at least 0, or another symbol's name."""
    if not re.match(r"[^\W\d]", text) and not re.fullmatch(r"\d{1,18}", text):
        raise ValueError("give a whole number of at least 0, below 10^18, or a symbol's name")
    return parse_extent(text)


def parse_shape(text: str) -> tuple[int | str, ...]:
    """1,3,224,224, with names where an extent stays open; `()` is a scalar's."""
    return () if text == "()" else tuple(parse_extent(extent.strip()) for extent in text.strip("[]()").split(","))


def parse_scalar(text: str) -> int | bool:
    """An integer, true or false."""
    return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else int(text)


def parse_parameter(text: str) -> int | float | str:
    """A number, or an expression or word as it stands."""
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"[+-]?\d*\.\d+", text) else text


def rules_option(command: Callable[..., Any], **attributes: Any) -> Callable[..., Any]:
    """--rules, as often as wanted; attributes are further ones of click.option."""
    help_text = "Run a Python file that registers rules for custom operators; a model never brings its own."
    return click.option(
        "--rules",
        multiple=True,
        metavar="FILE.py",
        expose_value=False,
        callback=run_rules,
        help=help_text,
        **attributes,
    )(command)


def run_rules(ctx: click.Context, param: click.Parameter, paths: tuple[str, ...]) -> None:
    """Registers the rules of each file."""
    for path in paths:
        from costcalc.ops.plugins import load_rules

        load_rules(path)


def debug_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--debug; run() looks for it itself, before click has parsed anything."""
    return click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")(command)


def offline_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--offline; a variable carries it to the processes of --jobs."""
    help_text = "Download nothing: remote models come from the cache alone."
    return click.option("--offline", is_flag=True, expose_value=False, callback=forbid_downloads, help=help_text)(
        command
    )


def forbid_downloads(ctx: click.Context, param: click.Parameter, offline: bool) -> None:
    """Sets the variable while the command runs."""
    before = os.environ.get(OFFLINE_VARIABLE)
    if not offline or before:
        return
    os.environ[OFFLINE_VARIABLE] = "1"
    ctx.call_on_close(lambda: os.environ.pop(OFFLINE_VARIABLE, None))


def watch_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--watch; of the other options only unknown ones are refused before, for each run reads them."""
    return click.option(
        "--watch",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=watch_instead,
        help="Run again whenever a file that it reads is saved; Ctrl-C ends it with the last exit code.",
    )(command)


def watch_instead(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Runs the command line of this process again and again in place of the command, and ends with its exit code."""
    if value:
        from costcalc.cli.watch import watch

        ctx.exit(watch(sys.orig_argv[1:]))


def output_options(*formats: str, others: Sequence[str] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--format and -o; the command is called with the format, also where the file's ending names it. others are endings
    of what it writes beside."""
    help_text = f"How to print it.  [default: by the file's ending, else {formats[0]}]"
    option = click.option("--format", "form", type=Word(formats), help=help_text)

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_format(*args: Any, form: str | None, output: str | None, **options: Any) -> Any:
            return command(*args, form=choose_format(form, output, formats, others), output=output, **options)

        return option(output_option(with_format))

    return add


def split_commas(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """N,macs,alpha as a tuple; () where the option is not given."""
    names = tuple([name.strip() for name in (value or "").split(",") if name.strip()])
    if value is not None and not names:
        raise click.BadParameter("it is empty; write one name, or several between commas", ctx, param)
    return names


def split_columns(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """name,macs,share as a tuple, in small letters."""
    return tuple(name.lower() for name in split_commas(ctx, param, value))
