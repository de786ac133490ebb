"""A folder whose repository nobody has looked at -> git runs nothing there but itself, or a refusal.

The config of a repository names programs: filters of files' content, extensions of Git LFS, and remotes from which a
partial clone fetches what is missing. Its objects may be elsewhere, too. Where repositories are not trusted, git runs
without protocols, and not at all in a repository whose own config names such a program, or whose objects are outside.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from costcalc.core.errors import UsageError

RunGit = Callable[..., "tuple[int, bytes]"]
"""Arguments of git -> its exit code and its standard output."""

ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
"""What keeps git from fetching; versions before 2.45 know the first only."""

_OWN_SCOPES = ("local", "worktree")

_PROGRAMS = re.compile(
    r"filter\..*|lfs\.extension\..*|lfs\.customtransfer\..*|extensions\.partialclone"
    r"|remote\..*\.(promisor|partialclonefilter|uploadpack|vcs)"
)
"""Keys of a config, in small letters, whose values are programs that reading runs, or that make it fetch."""

_root: Path | None = None


def is_trusted() -> bool:
    """Whether the repositories that are read belong to the user."""
    return _root is None


@contextmanager
def untrusted_repositories(root: Path) -> Iterator[None]:
    """While this lasts, git runs only in repositories that run nothing and whose objects are below the root."""
    global _root  # of the process: its threads run git, too
    previous, _root = _root, root
    try:
        yield
    finally:
        _root = previous


def check_repository(run: RunGit) -> None:
    """A function that runs git in a repository -> nothing. UsageError where its own config names a program, or its
    objects are outside of the root."""
    _, output = run("config", "--show-scope", "--list", "-z")
    fields = output.split(b"\0")
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        key = os.fsdecode(setting.partition(b"\n")[0])
        if os.fsdecode(scope) in _OWN_SCOPES and _PROGRAMS.fullmatch(key.lower()):
            fact = f"the config of the repository has {key}, which makes git run a program"
            raise UsageError(fact, "name files as they are, or use the command line")
    code, output = run("rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir")
    for line in () if code else os.fsdecode(output).splitlines():  # in no repository git's own message says so
        folder = os.path.realpath(line)
        if not Path(folder).is_relative_to(_root or folder) or Path(folder, "objects/info/alternates").exists():
            fact = "the repository, or its objects, are outside of the root"
            raise UsageError(fact, "start the server at the top of the repository")
