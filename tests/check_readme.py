"""Runs the console blocks and Python blocks of the README and of guides and compares what they print with what is shown.

In a console block a line `$ command` is run by the shell in a scratch folder, and the lines under it must be its
output; a line `…` stands for any lines. A Python block must run. A block headed by `<!-- file: NAME -->` is written to
NAME, for the blocks after it, and `<!-- copy: PATH NAME -->` copies a file of the project there. `--write` puts the
real output into the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "will-it-fit-my-mcu.md")
BLOCK = re.compile(
    r"<!-- copy: (?P<source>\S+) (?P<copy>\S+) -->|"
    r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)^```",
    re.M | re.S,
)
SKIP = ("pip ", "git ", "make ", "python -m venv", "cd ")


def run(command: str, folder: Path) -> str:
    """What a command prints, on a terminal of 88 columns without colour."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "COLUMNS": "88", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.stdout


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


def console(body: str, folder: Path, write: bool) -> tuple[str, list[str]]:
    """The block with real output, and what differs."""
    lines: list[str] = []
    wrong: list[str] = []
    for command, shown in split(body):
        lines.append(f"$ {command}")
        if command.startswith(SKIP):
            lines += shown
            continue
        real = run(command, folder).rstrip("\n").split("\n")
        if matches(shown, real):
            lines += shown
            continue
        wrong.append(f"$ {command}\n  shown:\n" + "\n".join(shown) + "\n  real:\n" + "\n".join(real))
        lines += real if write else shown
    return "\n".join(line.rstrip() for line in lines) + "\n", wrong


def check_page(page: Path, write: bool) -> tuple[int, list[str]]:
    """A page -> how many commands and blocks it has, and which differ; written anew where asked."""
    text = page.read_text(encoding="utf-8")
    wrong: list[str] = []
    checked = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def block(found: re.Match[str]) -> str:
            nonlocal checked
            if found["source"]:
                shutil.copy(ROOT / found["source"], folder / found["copy"])
                return found[0]
            body = found["body"]
            if found["file"]:
                (folder / found["file"]).write_text(body, encoding="utf-8")
                return found[0]
            if found["kind"] == "console":
                new, differences = console(body, folder, write)
                checked += len(split(body))
                wrong.extend(differences)
                return found[0].replace(body, new) if write else found[0]
            if found["kind"] == "python":
                checked += 1
                (folder / "block.py").write_text(body, encoding="utf-8")
                done = subprocess.run([sys.executable, "block.py"], cwd=folder, text=True, capture_output=True)
                if done.returncode:
                    wrong.append(f"{body}\n{done.stderr}")
            return found[0]

        new_text = BLOCK.sub(block, text)
    if write:
        page.write_text(new_text, encoding="utf-8")
    return checked, wrong


def main() -> int:
    """Exit 1 where a page differs from what is printed; pages are named, or all."""
    write = "--write" in sys.argv
    named = [Path(argument).resolve() for argument in sys.argv[1:] if not argument.startswith("--")]
    failed = False
    for page in named or PAGES:
        checked, wrong = check_page(page, write)
        for difference in wrong:
            print(difference, "\n")
        print(f"{checked} commands and blocks of {page.name} checked, {len(wrong)} differ")
        failed |= bool(wrong) and not write
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
