"""The pages of help: every command stands in one section, and its examples are command lines that costcalc takes."""

from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner
from support.cli import run

from costcalc.cli.group import EXAMPLES, MODULES, SECTIONS, cli

LISTED = [name for commands in SECTIONS.values() for name in commands]
LINES = [line for lines in EXAMPLES.values() for line in lines]


def test_every_command_stands_in_one_section() -> None:
    assert sorted(LISTED) == cli.list_commands(click.Context(cli))
    assert set(EXAMPLES) == set(MODULES)


@pytest.mark.parametrize("columns", [72, 100])
def test_the_first_page_has_each_command_on_a_line_of_its_own(columns: int) -> None:
    page = CliRunner().invoke(cli, ["--help"], terminal_width=columns).output
    for commands in SECTIONS.values():
        for name, words in commands.items():
            assert f"  {name.ljust(max(map(len, LISTED)))}  {words}\n" in page


@pytest.mark.parametrize("name", LISTED)
def test_the_help_of_a_command_ends_with_its_examples(name: str) -> None:
    page = CliRunner().invoke(cli, [name, "--help"], terminal_width=100, env={"COLUMNS": "120"}).output
    assert page.rstrip().endswith("Examples:\n" + "\n".join(f"    {line}" for line in EXAMPLES[name]))


@pytest.mark.parametrize("line", LINES)
def test_an_example_is_a_line_that_its_command_takes(line: str) -> None:
    program, name, *rest = shlex.split(line)
    assert program == "costcalc"
    parent = click.Context(cli, info_name="costcalc")
    command = cli.get_command(parent, name)
    assert command is not None and command.make_context(name, rest, parent=parent)


def test_settings_stand_in_groups_below_the_options_of_a_command() -> None:
    page = CliRunner().invoke(cli, ["sweep", "--help"], terminal_width=100).output
    titles = [line for line in page.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == [
        "Options:",
        "The model:",
        "Execution:",
        "Training:",
        "Devices:",
        "Several devices:",
        "Generation:",
    ]
    assert page.index("--where") < page.index("--help") < page.index("The model:") < page.index("--dtype")
    assert page.index("Training:") < page.index("--optimizer") < page.index("Devices:") < page.index("--hardware")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("analyze ''", "'MODEL...': it is empty"),
        ("analyze lenet5 --columns ,", "'--columns': it is empty"),
        ("sweep mobilenet --where ' '", "'--where': it is empty"),
        ("sweep mobilenet --pareto ''", "'--pareto': it is empty"),
        ("sweep mobilenet --set alpha=0.5,1 --seed 3", "--seed is of --sample"),
        ("diff lenet5 alexnet --fail-on ''", "'--fail-on': it is empty"),
        (
            "analyze lenet5 --columns name,arena_bytes",
            "arena_bytes is of the whole model, and no column of layers; ask",
        ),
        ("analyze lenet5 --columns name,time.t4", "the column of time is 'time'; name the device with --hardware t4"),
        ("plot lenet5 --x macs", "--x says nothing to --kind bars; it is for --kind pareto"),
        ("plot lenet5 --kind memory --top 3", "--top says nothing to --kind memory; it is for --kind bars"),
        ("check lenet5 --max macs=5M --max macs=4M", "macs has two limits; leave one of them out"),
        ("check lenet5 --max fits.t4", "write --require fits.t4"),
        (f"analyze {'a' * 300}", "costcalc: "),
        (f"analyze lenet5 {'a' * 300}", "costcalc: "),
        (f"analyze lenet5 --rules {'a' * 300}.py", "costcalc: "),
    ],
)
def test_what_says_nothing_is_refused(line: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shlex.split(line)) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "bug" not in error
