"""Where a config is: costcalc.yaml, costcalc.yml, or [tool.costcalc] in pyproject.toml, here or further up."""

from __future__ import annotations

import os
from pathlib import Path

from costcalc.budget.config import config
from costcalc.budget.config_toml import root
from costcalc.budget.limits import Config
from costcalc.errors import ConfigError, SpecError
from costcalc.load.yaml_nodes import parse

NAMES = ("costcalc.yaml", "costcalc.yml", "pyproject.toml")
TABLE = b"tool.costcalc"
LARGEST = 1 << 22


def read(path: str | os.PathLike[str]) -> Config:
    """The config in a file; its paths are relative to the file's folder. ConfigError where it breaks the form."""
    file = Path(path)
    shown = os.fspath(path)
    return of_content(_content(file, shown), shown, file.parent)


def of_content(content: bytes, shown: str, folder: Path) -> Config:
    """The config in a file's content; shown is what messages call the file. ConfigError where it breaks the form."""
    if shown.endswith(".toml"):
        return config(root(content, shown), shown, folder)
    if all(line.lstrip()[:1] in (b"", b"#") for line in content.splitlines()):
        raise ConfigError("the file is empty", "write `models:` and `limits:`, or `costcalc check --init`", shown)
    try:
        return config(parse(content, shown).root, shown, folder)
    except SpecError as error:
        raise ConfigError(error.fact, "mend it there", error.place) from error


def find(start: str | os.PathLike[str] = ".") -> Path | None:
    """The nearest config, from a folder upward to the root of its repository; None where there is none. It is told
    relative to the folder where that is the working directory."""
    folder = Path(start).resolve()
    for level, here in enumerate((folder, *folder.parents)):
        for name in NAMES:
            file = here / name
            if file.is_file() and (file.suffix != ".toml" or TABLE in _content(file, str(file))):
                return Path(start, *[".."] * level, name)
        if (here / ".git").exists():
            break
    return None


def nearest(path: str | os.PathLike[str] | None = None) -> Config:
    """The config in a file, or the nearest one from the working directory upward. ConfigError where there is none."""
    file = find() if path is None else path
    if file is None:
        raise ConfigError("there is no costcalc.yaml here or further up", "write one with `costcalc check --init`")
    return read(file)


def _content(file: Path, shown: str) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise ConfigError("the file is too large for a config", "name another with --config", shown)
        return file.read_bytes()
    except FileNotFoundError:
        raise ConfigError("there is no such config", "write one with `costcalc check --init`", shown) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", "name another with --config", shown) from error
