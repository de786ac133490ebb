"""Installed packages with entry points, as pip lays them out."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, name: str, content: str, group: str, value: str) -> None:
    """Writes a module and the distribution of its name, whose entry point in the group has a value (`module:object`)."""
    (folder / f"{name}.py").write_text(content, encoding="utf-8")
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (information / "entry_points.txt").write_text(f"[{group}]\nfirst = {value}\n", encoding="utf-8")
