"""The commands of click, their options and examples -> docs/reference/command-line.md."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

import click

from costcalc.cli.app import INTERRUPTED
from costcalc.cli.group import EXAMPLES, SECTIONS, cli
from costcalc.cli.output import CANNOT_ANSWER
from costcalc.cli.settings import LAST, SettingOption
from costcalc.cli.settings import SECTIONS as GROUP_TITLES
from reference_writers.markdown import anchor, block, code, make_page, prose, table

INTRODUCTION = """
`costcalc COMMAND [OPTIONS] MODEL…` answers one question about one or more models. MODEL is the path of a file (YAML,
ONNX, `.pt2`, `.tflite`, GGUF, a Hugging Face `config.json` or its folder), a [built-in name](#models), a file of a
git revision (`main:models/net.yaml`), a model on a server (`hf:ORG/NAME`) or, where a command takes code,
`package.module:name`; `-` reads standard input. `costcalc MODEL` is short for `costcalc analyze MODEL`. Options that
many commands share stand once, under [shared options](#shared-options).
"""

EXIT_CODES = (
    ("0", "The answer is complete; of a check: every limit is kept."),
    ("1", "A limit is exceeded, a condition of `--fail-on` holds, or what `--check` compares is stale."),
    (
        str(CANNOT_ANSWER),
        "There is no answer: a model cannot be read, an operator has no rule, a symbol is open, an option is wrong. "
        "The message on standard error says what and how to mend it.",
    ),
    ("3", "`check` has no limit to hold (0 with `--allow-empty`)."),
    (str(INTERRUPTED), "The command was interrupted."),
)

VARIABLES = (
    ("COSTCALC_FORMAT", "The format of `check` and `diff` unless `--format` names one."),
    ("COSTCALC_OFFLINE", "`1` is `--offline` of every command."),
    ("COSTCALC_CACHE", "The folder in which headers of remote models are kept; else the platform's cache folder."),
    ("HF_TOKEN", "Is sent to the Hugging Face hub, and to no other server."),
    ("HF_ENDPOINT", "Another hub than the Hugging Face hub."),
    ("HF_HUB_OFFLINE", "`1` is `--offline` of every command."),
    ("COLUMNS", "How wide tables may be, in characters, where standard output is no terminal."),
    ("NO_COLOR, FORCE_COLOR", "Any value prints without colours, or with them."),
    (
        "_COSTCALC_COMPLETE",
        'Completion: `eval "$(_COSTCALC_COMPLETE=bash_source costcalc)"`; also `zsh_source`, `fish_source`.',
    ),
)


NUMBER_RANGES = (click.IntRange, click.FloatRange)


def write_command_line() -> str:
    """The page."""
    parts = [INTRODUCTION, _list_commands()]
    for title, commands in SECTIONS.items():
        parts.append(f"## {title}")
        for name in commands:
            parts += _describe_command(name)
    parts += ["## Shared options", "A command takes the groups that it names above."]
    parts += _describe_groups()
    parts += ["## Exit codes", table(("Code", "Meaning"), [(code(number), text) for number, text in EXIT_CODES])]
    parts += ["## Environment variables", table(("Variable", "Meaning"), [(_names(n), text) for n, text in VARIABLES])]
    return make_page("Command line", *parts)


def _names(text: str) -> str:
    return ", ".join(code(name) for name in text.split(", "))


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def _list_commands() -> str:
    """A table of all commands with the words of the first page of help."""
    rows = [
        (f"[`{name}`](#{name})", prose(summary)) for commands in SECTIONS.values() for name, summary in commands.items()
    ]
    return table(("Command", "Answers"), rows)


def _describe_command(name: str) -> Iterable[str]:
    """A command -> its section: words, usage, options of its own, groups of shared ones, examples."""
    command = _command(name)
    context = click.Context(command, info_name=f"costcalc {name}")
    yield f"### {name}"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield block("text", paragraph.removeprefix("\b\n")) if paragraph.startswith("\b") else prose(paragraph)
    yield block("text", " ".join(["costcalc", name, *command.collect_usage_pieces(context)]))
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    own = [option for option in options if not isinstance(option, SettingOption) and option.name not in LAST]
    yield _options_table(own, f"{name}-")
    groups = dict.fromkeys(option.group for option in options if isinstance(option, SettingOption))
    links = [f"[{GROUP_TITLES[group].lower()}](#{_slug(GROUP_TITLES[group])})" for group in groups]
    yield f"Shared options: {', '.join(links)}." if links else ""
    yield block("bash", "\n".join(EXAMPLES.get(name, ())))


def _slug(title: str) -> str:
    return re.sub(r"[^a-z]+", "-", title.lower()).strip("-")


def _describe_groups() -> Iterable[str]:
    """The options that several commands share, group by group, each under its own name as an anchor."""
    groups: dict[str, dict[str, click.Option]] = {group: {} for group in GROUP_TITLES}
    others: dict[str, click.Option] = {}
    for commands in SECTIONS.values():
        for name in commands:
            for option in _command(name).params:
                if isinstance(option, SettingOption):
                    groups[option.group].setdefault(str(option.name), option)
                elif isinstance(option, click.Option) and option.name in LAST:
                    others.setdefault(str(option.name), option)
    for group, options in groups.items():
        yield f"### {GROUP_TITLES[group]}"
        yield _options_table(list(options.values()), "")
    yield "### Every command"
    yield _options_table(list(others.values()), "")
    yield "`-h` and `--help` show a command's page of help, `costcalc --version` the version."


def _options_table(options: Sequence[click.Option], prefix: str) -> str:
    """Options -> a row for each: how it is written, what it means, its default."""
    rows = [(_option_cell(option, prefix), _option_meaning(option)) for option in options]
    return table(("Option", "Meaning"), rows) if rows else ""


def _option_cell(option: click.Option, prefix: str) -> str:
    """`--hardware NAME`, with an anchor for each of its long names."""
    names = sorted((name for name in option.opts if name.startswith("-")), key=lambda name: name.startswith("--"))
    anchors = "".join(anchor(f"{prefix.removesuffix('-')}{name}") for name in names if name.startswith("--"))
    metavar = "" if option.is_flag else _metavar(option)
    return anchors + "<br>".join(f"{code(name)} {code(metavar)}".strip() for name in names)


def _metavar(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "WORD"
    if isinstance(option.type, click.Path):
        return "FILE"
    if isinstance(option.type, (click.types.IntParamType, click.types.FloatParamType)):
        return "N"
    return option.type.name.upper()


def _option_meaning(option: click.Option) -> str:
    """An option -> its meaning in Markdown, with the words and numbers that it takes, and its default."""
    text, _, named_default = (option.help or "").partition("[default:")
    sentences = [prose(text)]
    if isinstance(option.type, click.Choice) and option.metavar is None:
        sentences.append(f"One of {', '.join(code(word) for word in option.type.choices)}.")
    if isinstance(option.type, NUMBER_RANGES) and _range_text(option.type) not in text:
        sentences.append(f"{_range_text(option.type)}.")
    if option.multiple:
        sentences.append("May be given several times.")
    default = option.to_info_dict()["default"]
    if named_default:
        sentences.append(f"Default: {prose(named_default.strip().removesuffix(']'))}.")
    elif not option.is_flag and isinstance(default, (int, float, str)) and default != "":
        sentences.append(f"Default: {code(default)}.")
    return " ".join(sentences)


def _range_text(numbers: click.IntRange | click.FloatRange) -> str:
    """`At least 1`, `0 to 1`."""
    if numbers.max is None:
        return f"At least {numbers.min}"
    return f"{numbers.min} to {numbers.max}"
