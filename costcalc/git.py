"""Questions to git: it is run without a shell, never told to change anything, and answers in bytes or is refused.

REV is whatever git takes (`main`, `HEAD~2`, `v1.0`, `origin/main@{yesterday}`), or `main...HEAD`, the commit where the
two parted. folder is where git is asked, the working directory unless given.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from costcalc.errors import UsageError

if TYPE_CHECKING:
    import subprocess

_COMMAND = ("git", "--no-pager", "--literal-pathspecs", "-c", "diff.relative=false", "-c", "core.fsmonitor=false")
_ENVIRONMENT = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def ask(*args: str, folder: str = "", told: bytes = b"") -> bytes:
    """What git answers; told is what it reads. UsageError with git's own words where it refuses."""
    found = _run(*args, folder=folder, told=told)
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip().splitlines() or ["no word"]
        fact = f"git {args[0]} failed: {said[0].removeprefix('fatal: ')}"
        raise UsageError(fact, "look at the repository with `git status`")
    return found.stdout


def names(*args: str, folder: str = "") -> list[str]:
    """An answer of paths or fields, each ended by a zero byte (`-z`)."""
    return [os.fsdecode(name) for name in ask(*args, folder=folder).split(b"\0") if name]


def root(folder: str = "") -> Path:
    """The top of the repository that a folder is in. UsageError where it is in none."""
    found = _run("rev-parse", "--show-toplevel", folder=folder)
    if not found.returncode and found.stdout.strip():
        return Path(os.fsdecode(found.stdout).rstrip("\n"))
    if b"dubious ownership" in found.stderr:
        fact = "git does not trust this repository, for it has another owner"
        raise UsageError(fact, 'git config --global --add safe.directory "$PWD"')
    where = f"{folder} is" if folder else "the working directory is"
    raise UsageError(f"{where} in no git repository with files", "name files, or go to a repository")


def commit(revision: str, folder: str = "") -> str:
    """The commit that a revision names. UsageError where there is none."""
    before, dots, after = revision.partition("...")
    if dots:
        return _parted(revision, commit(before or "HEAD", folder), commit(after or "HEAD", folder), folder)
    if not revision or revision.startswith("-"):
        raise UsageError(f"{revision!r} is no revision of git", "name a branch, a tag or a commit")
    found = _run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", folder=folder)
    if found.returncode:
        root(folder)
        raise UsageError(f"git knows no revision {revision!r}", _near(revision, folder))
    return found.stdout.decode().strip()


def has(commit: str, folder: str = "") -> bool:
    """Whether a commit is here."""
    return not _run("cat-file", "-e", f"{commit}^{{commit}}", folder=folder).returncode


def _parted(revision: str, one: str, other: str, folder: str) -> str:
    """Where two commits parted. A shallow clone, as CI makes it, may not reach as far back."""
    found = _run("merge-base", one, other, folder=folder)
    if found.returncode:
        raise UsageError(f"{revision}: the two have no commit in common here", "git fetch --unshallow")
    return found.stdout.decode().strip()


def _near(revision: str, folder: str) -> str:
    """What to do about a revision that is not known here. A clone that a CI makes holds one commit of one branch."""
    import difflib

    shallow = ask("rev-parse", "--is-shallow-repository", folder=folder).strip() == b"true"
    remote, _, branch = revision.partition("/")
    plain = re.fullmatch(r"[\w./-]+", revision) is not None
    ours = plain and branch and remote.encode() in ask("remote", folder=folder).split()
    fetch = f"git fetch {'--depth 1 ' if shallow else ''}{remote} +refs/heads/{branch}:refs/remotes/{revision}"
    if shallow and ours:
        return f"this clone is shallow: fetch it before with `{fetch}`"
    if shallow and not plain:
        return "this clone is shallow: `git fetch --unshallow` brings the commits before"
    known = ask("for-each-ref", "--format=%(refname:short)", folder=folder).decode("utf-8", "replace").split()
    there = [name for name in known if name.endswith(f"/{revision}")]
    near = there or difflib.get_close_matches(revision, known, 1, 0.6)
    meant = f"did you mean {near[0]!r}?" if near else ""
    if ours:
        return f"{meant} What is not fetched yet comes with `{fetch}`".strip()
    if near:
        return meant
    asked = f"; `git fetch origin {revision}` brings one that is not here yet, as FETCH_HEAD" if plain else ""
    return f"name a branch, a tag or a commit{asked}"


def _run(*args: str, folder: str, told: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    import subprocess

    try:
        return subprocess.run(
            [*_COMMAND, *args],
            cwd=folder or None,
            env={**os.environ, **_ENVIRONMENT},
            input=told,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        if folder and not Path(folder).is_dir():
            raise UsageError(f"there is no folder {folder}", "name one that exists") from None
        raise UsageError("git is not installed, or not on the PATH", "install git, or name files") from None
