"""A group of entry points -> those of the installed packages.

importlib.metadata takes 20 ms to import, which a run pays only where some package names the group: the directories of
sys.path are looked through for that first, as they are laid out by the specification of installed projects (each has a
directory NAME.dist-info or NAME.egg-info, with entry_points.txt).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

INFORMATION = (".dist-info", ".egg-info")


def find_entry_points(group: str) -> Sequence[EntryPoint]:
    """The name of a group -> the entry points that installed packages have in it."""
    if not any(_has_group(Path(folder), group) for folder in sys.path):
        return ()
    from importlib import metadata

    return tuple(metadata.entry_points(group=group))


def _has_group(folder: Path, group: str) -> bool:
    """Whether a package of a directory of sys.path may name the group; True of what is no directory, an archive."""
    try:
        return any(_names_group(path, group) for path in folder.iterdir() if path.suffix in INFORMATION)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _names_group(information: Path, group: str) -> bool:
    try:
        return group.encode() in (information / "entry_points.txt").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return False
