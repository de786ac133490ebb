"""What a shell gets when somebody presses Tab: the lines of click's own script are run by a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import environment

COMPLETE = """
compopt() { :; }   # only a prompt has it
eval "$(_COSTCALC_COMPLETE=bash_source costcalc)"
COMP_WORDS=(costcalc "$@"); COMP_CWORD=$#
_costcalc_completion costcalc
echo "${COMPREPLY[@]}"
"""


def completed(bin: Path, *words: str) -> list[str]:
    """What bash offers for the last word of a command line, with the program in a folder of its own."""
    program = bin / "costcalc"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m costcalc "$@"\n')
    program.chmod(0o755)
    variables = environment(PATH=f"{bin}{os.pathsep}{os.environ['PATH']}")
    done = subprocess.run(["bash", "-c", COMPLETE, "-", *words], capture_output=True, text=True, env=variables)
    assert not done.stderr, "a message would stand in the middle of the line that is being typed"
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ana",), "analyze"),
        (("analyze", "mobilenet_v"), "mobilenet_v2"),
        (("diff", "lenet5", "mobil"), "mobilenet"),
        (("analyze", "lenet5", "--symb"), "--symbolic"),
        (("analyze", "lenet5", "--format", ""), "markdown"),
        (("analyze", "lenet5", "--hardware", "t4,jets"), "t4,jetson-orin-nano-8gb"),
        (("llm", "bert_base", "--hardware", "t"), "t4"),
        (("analyze", "lenet5", "--columns", "name,outp"), "name,output"),
        (("analyze", "lenet5", "--sort", "fl"), "flops"),
        (("table", "lenet5", "--columns", "inp"), "input"),
        (("sweep", "lenet5", "--columns", "macs,peak"), "macs,peak_activation_bytes"),
        (("sweep", "lenet5", "--pareto", "par"), "params"),
        (("suggest", "lenet5", "--rule", "gap,sep"), "gap,separable"),
        (("suggest", "lenet5", "--sort", "par"), "params"),
        (("suggest", "lenet5", "--apply", "bottle"), "bottleneck"),
        (("reconcile", "lenet5", "--tool", "tho"), "thop"),
        (("rule", "CC0"), "CC001"),
    ],
)
def test_bash_offers_commands_models_options_and_their_values(
    words: tuple[str, ...], offered: str, tmp_path: Path
) -> None:
    assert offered in completed(tmp_path, *words)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_all_that_is_printed(shell: str) -> None:
    variables = environment(_COSTCALC_COMPLETE=f"{shell}_source")
    done = subprocess.run([sys.executable, "-m", "costcalc"], capture_output=True, text=True, env=variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_COSTCALC_COMPLETE" in done.stdout
