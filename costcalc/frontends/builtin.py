"""A built-in name or alias -> the YAML file of the model in specs/, and the list of all of them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class ModelInfo(NamedTuple):
    """A built-in model: its name, its file, its title and where the architecture was published."""

    name: str
    path: Path
    title: str
    source: str
    aliases: tuple[str, ...]


def specs_folder() -> Path:
    """specs/: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    packaged = package / "specs"
    return packaged if packaged.is_dir() else package.parent / "specs"


def find_builtin(name: str) -> Path | None:
    """A built-in name or alias, whatever its case, `-` and `_` -> its file; None where there is no such model."""
    path = specs_folder() / f"{name}.yaml"
    if "/" not in name and "\\" not in name and path.is_file():
        return path
    for model in builtin_models():
        if name in model.aliases:
            return model.path
    key = plain_name(name)
    matches = {model.path for model in builtin_models() if key in map(plain_name, (model.name, *model.aliases))}
    return matches.pop() if len(matches) == 1 and key else None


def plain_name(name: str) -> str:
    """A name → the same without case, `-`, `_` and blanks: MobileNet-V2 → mobilenetv2."""
    return re.sub(r"[-_ ]", "", name.lower())


def find_family(name: str) -> list[str]:
    """The beginning of names of built-in models → these names: EfficientNet → efficientnet_b0, efficientnet_b1 …"""
    key = plain_name(name)
    names = [model.name for model in builtin_models() if len(key) > 2 and plain_name(model.name).startswith(key)]
    return sorted(names, key=lambda name: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)])


@lru_cache(maxsize=1)
def builtin_models() -> tuple[ModelInfo, ...]:
    """All built-in models, by name."""
    return tuple(_read_info(path) for path in sorted(specs_folder().glob("*.yaml")))


def builtin_names() -> list[str]:
    """All built-in names and aliases, for completion and suggestions."""
    return [name for model in builtin_models() for name in (model.name, *model.aliases)]


def _read_info(path: Path) -> ModelInfo:
    """Reads the three top-level lines of a shipped file without a YAML parser: they are plain words there."""
    head = {"name": path.stem, "source": "", "aliases": ""}
    with path.open(encoding="utf-8") as file:
        for line in file:
            key, colon, value = line.partition(":")
            if colon and key in head:
                head[key] = value.strip().strip("\"'")
            if key in ("layers", "blocks"):
                break
    aliases = tuple(a.strip() for a in head["aliases"].strip("[]").split(",") if a.strip())
    return ModelInfo(path.stem, path, head["name"], head["source"], aliases)
