"""A root folder and the names that a client sends -> models and files inside the root, or a refusal.

Two walls: a name is resolved, through symbolic links, before anything is read; and while a tool runs, an audit hook of
Python refuses every file that is opened elsewhere (a shard that an index names, a link inside a model's folder), every
file that is written, every connection and every process but git's.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from costcalc.analysis.hardware.catalogue import is_profile_path
from costcalc.core.errors import UsageError
from costcalc.frontends.builtin import find_builtin
from costcalc.frontends.git import repository_root
from costcalc.frontends.git_trust import untrusted_repositories
from costcalc.frontends.source import REMOTE

REMEDY = "name a file below it, or a built-in model; the server's --root says which folder that is"

REVISION = re.compile(r"(?!-)[\w./~^@{}-]{1,200}")
"""A revision of git, as a client may name it."""

_WRITING = (
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.utime",
    "os.setxattr",
    "os.removexattr",
    "shutil.rmtree",
)

_LISTING = ("os.listdir", "os.scandir")

_PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")

_CONNECTIONS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")

_root: Path | None = None
"""The root of the tool that runs: of the process, as a tool may start threads, and one tool runs at a time."""


@cache
def _program_folders() -> tuple[str, ...]:
    """The folders of Python, its packages and costcalc itself, which imports read, and the system's own devices."""
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(__file__).parents[2])}
    builtin = find_builtin("lenet5")
    paths |= {str(builtin.parent)} if builtin is not None else set()
    paths |= {sys.pycache_prefix} if sys.pycache_prefix else set()
    own = {os.path.realpath(path) for path in paths if path and path not in (os.sep, "/usr")}
    return (*sorted(own), "/proc/self", "/sys/devices/system/cpu", os.devnull, "/dev/urandom")


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    root = _root
    if root is None:
        return
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, int):
            return
        _check_path(root, path)
        writes = any(sign in mode for sign in "wax+") if isinstance(mode, str) else False
        if writes or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)):
            if os.fsdecode(path) == os.devnull:
                return
            raise UsageError("a tool writes no file", "use the command line")
    elif event in _LISTING:
        if arguments[0] is not None and not isinstance(arguments[0], int):
            _check_path(root, arguments[0])
    elif event in _WRITING:
        raise UsageError("a tool writes no file", "use the command line")
    elif event in _CONNECTIONS:
        raise UsageError("a tool connects to no server", "download the model first")
    elif event in _PROCESSES and not (event == "subprocess.Popen" and _is_git(arguments)):
        raise UsageError("a tool starts no process", "use the command line")


def _is_git(arguments: tuple[Any, ...]) -> bool:
    """Whether the arguments of subprocess.Popen's event start git."""
    _, command, *_ = arguments
    return isinstance(command, (list, tuple)) and bool(command) and command[0] == "git"


def _check_path(root: Path, path: Any) -> None:
    real = os.path.realpath(os.fsdecode(path))
    if not _is_inside(real, str(root)) and not any(_is_inside(real, folder) for folder in _program_folders()):
        raise UsageError(f"a file that the model names is outside of the root {root}", REMEDY)


@cache
def install_audit_hook() -> None:
    """Installs the hook, which stays as long as the process."""
    _program_folders()
    sys.addaudithook(_audit)


@contextmanager
def confined(root: Path) -> Iterator[None]:
    """While this lasts, the process opens files inside the root only, writes none, connects to nothing, and trusts no
    repository. One tool at a time."""
    global _root
    previous, _root = _root, root
    try:
        with untrusted_repositories(root):
            yield
    finally:
        _root = previous


def resolve_file(root: Path, text: str) -> Path:
    """A path that a client names -> the file or folder, real and inside the root. UsageError for any other, whether
    there is such a file or not."""
    if not text.strip() or "\0" in text:
        raise UsageError("a path is empty, or holds a zero byte", "name a file below the root")
    real = Path(os.path.realpath(root / text))
    if not _is_inside(str(real), str(root)):
        raise UsageError(f"{text!r} is outside of the root {root}", REMEDY)
    return real


def resolve_model(root: Path, text: str) -> str:
    """A model that a client names -> a built-in name, or a path inside the root. UsageError for a path outside of it,
    an address, standard input, and Python code, which is never imported here."""
    if text.lower().startswith(REMOTE):
        raise UsageError(f"{text!r} is on a server, and a tool downloads nothing", "download the model first")
    if text == "-":
        raise UsageError("standard input is the client's", "name a file or a built-in model")
    real = resolve_file(root, text)
    if real.exists():
        return _relative(root, real)
    if find_builtin(text):
        return text
    if ":" in text:
        fact = (
            f"{text!r} is no file below the root; revisions are for the tool `diff`, and Python code is never imported"
        )
        raise UsageError(fact, REMEDY)
    return text  # the reader says what is near


def resolve_version(root: Path, text: str) -> str:
    """A model or a file of a git revision (`main:models/net.yaml`) -> the same. UsageError for a revision where the
    repository is not below the root: a file of it may be a link to any other."""
    revision, colon, path = text.partition(":")
    is_file = "\0" not in text and (root / text).exists()
    if not colon or is_file or not REVISION.fullmatch(revision) or text.lower().startswith(REMOTE):
        return resolve_model(root, text)
    top = os.path.realpath(repository_root(str(root)))
    if not _is_inside(top, str(root)):
        raise UsageError(f"{text!r} is of a repository whose top is not below the root", "start the server at its top")
    return f"{revision}:{os.path.relpath(resolve_file(root, path), top)}"


def _relative(root: Path, real: Path) -> str:
    """A real path below the root -> the same from there; of a file called "-", which would be standard input, ./-."""
    path = os.path.relpath(real, root)
    return path if path != "-" else f".{os.sep}-"


def resolve_baseline(root: Path, text: str) -> str:
    """A lock file that a client names -> its path inside the root; a git revision (`main`, `main:old.lock.json`) -> the
    same."""
    revision, colon, _ = text.partition(":")
    is_file = "\0" not in text and (root / text).exists()
    if is_file or not REVISION.fullmatch(revision) or (not colon and text.endswith(".json")):
        return _relative(root, resolve_file(root, text))
    return text


def resolve_device(root: Path, text: str) -> str:
    """A device that a client names -> the name of a profile, or the path of one inside the root."""
    if is_profile_path(text) or os.sep in text or "\0" in text:
        return _relative(root, resolve_file(root, text))
    return text
