"""A built-in name or alias -> the YAML file of the model in specs/, and the list of all of them."""

from __future__ import annotations

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
    """A built-in name or alias -> its file; None where there is no such model."""
    path = specs_folder() / f"{name}.yaml"
    if "/" not in name and "\\" not in name and path.is_file():
        return path
    for model in builtin_models():
        if name in model.aliases:
            return model.path
    return None


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
