"""Runs the console blocks and Python blocks of the README and of docs/ and compares what they print with what is shown.

    python tests/check_readme.py [--write] [PAGE …]

In a console block a line `$ command` is run by the shell in a scratch folder of the page, and the lines under it must be
its output; a line `…` stands for any lines. A Python block must run. Comments before a block:

- `<!-- file: NAME -->`: the block is written to NAME, for the blocks after it, and is not run;
- `<!-- copy: PATH NAME -->`: copies a file of the project to NAME;
- `<!-- needs: torch tensorflow -->`: the block runs where these modules can be imported, else it is told as skipped.

Blocks may stand in lists, indented. git has an identity, a date and no configuration of the user. Pages run side by
side. `--write` puts the real output into the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent, indent
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"^ *<!-- copy: (?P<source>\S+) (?P<copy>\S+) -->|"
    r"(?:^ *<!-- file: (?P<file>\S+) -->\n|^ *<!-- needs: (?P<needs>[^>]+) -->\n)?"
    r"^(?P<margin> *)```(?P<kind>\w+)[^\n]*\n(?P<body>.*?)^(?P=margin)```$",
    re.M | re.S,
)
CHECKED = ("console", "python")
SKIP = ("pip ", "make ", "python -m venv", "cd ", "git clone", "git push")
ENVIRONMENT = {
    "COLUMNS": "88",
    "NO_COLOR": "1",
    "PYTHONIOENCODING": "utf-8",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "init.defaultBranch",
    "GIT_CONFIG_VALUE_0": "main",
    **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@example.com" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2026-01-31T12:00:00+00:00" for who in ("AUTHOR", "COMMITTER")},
}
"""A terminal of 88 columns without colour, and commits whose names do not depend on who makes them."""


class PageCheck(NamedTuple):
    """A page with the real output, how many commands and blocks ran, what differs, and which modules are
    missing that blocks need."""

    text: str
    checked: int
    differences: tuple[str, ...]
    skipped: tuple[str, ...]


def pages() -> list[Path]:
    """The README and every page of docs/ that has a block to check."""
    guides = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", *(page for page in guides if has_blocks(page.read_text(encoding="utf-8")))]


def has_blocks(text: str) -> bool:
    """Whether a page has a block that runs."""
    return any(block["kind"] in CHECKED and not block["file"] for block in BLOCK.finditer(text))


def run(command: str | list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command, run in the folder by the shell where it is a text."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env={**os.environ, "PATH": path, **ENVIRONMENT},
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def split(body: str) -> list[tuple[str, list[str]]]:
    """A console block as (command, lines of output)."""
    parts: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            parts.append((line[2:], []))
        elif parts:
            parts[-1][1].append(line)
    return parts


def matches(shown: list[str], real: list[str]) -> bool:
    """Whether the real lines are the shown ones, `…` standing for any."""
    pattern = "\n".join("__ANY__" if line.strip() == "…" else line.rstrip() for line in shown).strip("\n")
    expression = re.escape(pattern).replace(re.escape("__ANY__") + re.escape("\n"), r"(?:.*\n)*?")
    expression = expression.replace("__ANY__", r"(?:.*\n?)*")
    return re.fullmatch(expression, "\n".join(line.rstrip() for line in real).strip("\n")) is not None


def check_console(body: str, folder: Path) -> tuple[str, list[str]]:
    """A console block -> the block with real output where it differs, and what differs."""
    lines: list[str] = []
    wrong: list[str] = []
    for command, shown in split(body):
        lines.append(f"$ {command}")
        if command.startswith(SKIP):
            lines += shown
            continue
        real = run(command, folder).stdout.rstrip("\n").split("\n")
        same = matches(shown, real)
        lines += shown if same else real
        if not same:
            wrong.append(f"$ {command}\n  shown:\n" + "\n".join(shown) + "\n  real:\n" + "\n".join(real))
    return "\n".join(line.rstrip() for line in lines) + "\n", wrong


def check_block(block: re.Match[str], folder: Path) -> tuple[str, list[str]]:
    """A block that runs -> its text with real output, and what differs."""
    body = dedent(block["body"])
    if block["kind"] == "console":
        new, wrong = check_console(body, folder)
        return block[0].replace(block["body"], indent(new, block["margin"])), wrong
    (folder / "block.py").write_text(body, encoding="utf-8")
    done = run([sys.executable, "block.py"], folder)
    return block[0], [f"{body}\n{done.stdout}"] if done.returncode else []


def check_page(text: str) -> PageCheck:
    """The text of a page -> its blocks, run in a scratch folder in the order in which they stand."""
    checked, differences, skipped = 0, list[str](), list[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def replace(block: re.Match[str]) -> str:
            nonlocal checked
            if block["source"]:
                shutil.copy(ROOT / block["source"], folder / block["copy"])
            elif block["file"]:
                target = folder / block["file"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(dedent(block["body"]), encoding="utf-8")
            elif missing := [module for module in (block["needs"] or "").split() if find_spec(module) is None]:
                skipped.extend(missing)
            elif block["kind"] in CHECKED:
                new, wrong = check_block(block, folder)
                checked += len(split(dedent(block["body"]))) if block["kind"] == "console" else 1
                differences.extend(wrong)
                return new
            return block[0]

        new_text = BLOCK.sub(replace, text)
    return PageCheck(new_text, checked, tuple(differences), tuple(skipped))


def main() -> int:
    """Exit 1 where a page differs from what is printed; pages are named, or all."""
    write = "--write" in sys.argv
    named = [Path(argument).resolve() for argument in sys.argv[1:] if not argument.startswith("--")] or pages()
    failed = False
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        checks = executor.map(lambda page: check_page(page.read_text(encoding="utf-8")), named)
        for page, check in zip(named, checks, strict=True):
            for difference in check.differences:
                print(difference, "\n")
            where = page.relative_to(ROOT) if page.is_relative_to(ROOT) else page
            missing = ", ".join(sorted({*check.skipped}))
            without = f"; skipped, for they need it: {missing}" if missing else ""
            print(f"{where}: {check.checked} commands and blocks checked, {len(check.differences)} differ{without}")
            if write:
                page.write_text(check.text, encoding="utf-8")
            failed |= bool(check.differences) and not write
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
