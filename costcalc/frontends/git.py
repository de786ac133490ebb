"""A git revision and a path -> the file's content at that revision, its name there, and the files of the revision.

REV is any revision that git accepts (`main`, `HEAD~2`, `v1.0`, `origin/main@{yesterday}`), or `main...HEAD`, the merge
base of the two. folder is where git runs, the working directory by default. A path is relative to the top of the
repository, as it is for git, else to that folder. git runs without a shell and only with commands that change nothing.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from costcalc.core.errors import LoadError, UsageError, near_names
from costcalc.frontends import git_trust

if TYPE_CHECKING:
    import subprocess

_CONFIG = ("diff.relative=false", "core.fsmonitor=false", "log.follow=false", "log.showSignature=false")

_COMMAND = ("git", "--no-pager", "--literal-pathspecs", *(word for setting in _CONFIG for word in ("-c", setting)))

_ENVIRONMENT = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def run_git(*args: str, folder: str = "", standard_input: bytes = b"") -> bytes:
    """Arguments and standard input of git -> its standard output. UsageError with git's own message where it fails."""
    process = _run(*args, folder=folder, standard_input=standard_input)
    if process.returncode:
        messages = process.stderr.decode(errors="replace").strip().splitlines() or ["no word"]
        fact = f"git {args[0]} failed: {messages[0].removeprefix('fatal: ')}"
        raise UsageError(fact, "look at the repository with `git status`")
    return process.stdout


def run_git_list(*args: str, folder: str = "", keep_empty: bool = False) -> list[str]:
    """Arguments of git -> the paths or fields of its output, each ended by a zero byte (`-z`); empty ones where they
    are to be kept."""
    return [os.fsdecode(name) for name in run_git(*args, folder=folder).split(b"\0") if name or keep_empty]


def repository_root(folder: str = "") -> Path:
    """A folder -> the top of its repository. UsageError where it is in none."""
    process = _run("rev-parse", "--show-toplevel", folder=folder)
    if not process.returncode and process.stdout.strip():
        return Path(os.fsdecode(process.stdout).rstrip("\n"))
    if b"dubious ownership" in process.stderr:
        fact = "git does not trust this repository, for it has another owner"
        raise UsageError(fact, 'git config --global --add safe.directory "$PWD"')
    where = f"{folder} is" if folder else "the working directory is"
    raise UsageError(
        f"{where} in no git repository with files", "go to a repository, or name a file in place of a revision"
    )


def resolve_commit(revision: str, folder: str = "") -> str:
    """A revision -> the commit that it names. UsageError where there is none."""
    before, dots, after = revision.partition("...")
    if dots:
        return _merge_base(
            revision, resolve_commit(before or "HEAD", folder), resolve_commit(after or "HEAD", folder), folder
        )
    if not revision or revision.startswith("-"):
        raise UsageError(f"{revision!r} is no revision of git", "name a branch, a tag or a commit")
    process = _run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", folder=folder)
    if process.returncode:
        repository_root(folder)
        raise UsageError(f"git knows no revision {revision!r}", _revision_remedy(revision, folder))
    return process.stdout.decode().strip()


def has_commit(commit: str, folder: str = "") -> bool:
    """Whether a commit is in the repository."""
    return not _run("cat-file", "-e", f"{commit}^{{commit}}", folder=folder).returncode


def is_shallow(folder: str = "") -> bool:
    """Whether the repository was cloned without the commits before some depth."""
    return run_git("rev-parse", "--is-shallow-repository", folder=folder).strip() == b"true"


def _merge_base(revision: str, before: str, after: str, folder: str) -> str:
    """The merge base of two commits. A shallow clone, as CI makes it, may not reach back to it."""
    process = _run("merge-base", before, after, folder=folder)
    if process.returncode:
        raise UsageError(f"{revision}: the two have no commit in common here", "git fetch --unshallow")
    return process.stdout.decode().strip()


def _revision_remedy(revision: str, folder: str) -> str:
    """The remedy for an unknown revision. A clone that a CI makes holds one commit of one branch."""
    shallow = is_shallow(folder)
    remote, _, branch = revision.partition("/")
    is_name = re.fullmatch(r"[\w./-]+", revision) is not None
    is_remote_branch = is_name and branch and remote.encode() in run_git("remote", folder=folder).split()
    fetch = f"git fetch {'--depth 1 ' if shallow else ''}{remote} +refs/heads/{branch}:refs/remotes/{revision}"
    if shallow and is_remote_branch:
        return f"this clone is shallow: fetch it before with `{fetch}`"
    if shallow and not is_name:
        return "this clone is shallow: `git fetch --unshallow` brings the commits before"
    branches = run_git("for-each-ref", "--format=%(refname:short)", folder=folder).decode("utf-8", "replace").split()
    remote_branches = [name for name in branches if name.endswith(f"/{revision}")]
    matches = remote_branches or near_names(revision, branches)
    hint = f"did you mean {matches[0]!r}?" if matches else ""
    if is_remote_branch:
        return f"{hint} What is not fetched yet comes with `{fetch}`".strip()
    if matches:
        return hint
    name = revision.removeprefix("origin/")
    fetch_hint = f"; `git fetch origin {name}` brings one that is not here yet, as FETCH_HEAD" if is_name else ""
    return f"name a branch, a tag or a commit{fetch_hint}"


def _run(*args: str, folder: str, standard_input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    if git_trust.is_trusted():
        return _start(*args, folder=folder, standard_input=standard_input)

    def run_confined(*words: str) -> tuple[int, bytes]:
        process = _start(*words, folder=folder, environment=git_trust.ENVIRONMENT)
        return process.returncode, process.stdout

    git_trust.check_repository(run_confined)
    return _start(*args, folder=folder, standard_input=standard_input, environment=git_trust.ENVIRONMENT)


def _start(
    *args: str, folder: str, standard_input: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    import subprocess

    try:
        return subprocess.run(
            [*_COMMAND, *args],
            cwd=folder or None,
            env={**os.environ, **_ENVIRONMENT, **(environment or {})},
            input=standard_input,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        if folder and not Path(folder).is_dir():
            raise UsageError(f"there is no folder {folder}", "name one that exists") from None
        raise UsageError(
            "git is not installed, or not on the PATH", "install git, or name a file in place of a revision"
        ) from None


_REVISION = r"(?s)((?:[^:{}]|\{[^}]*\})+):(.+)"

_LFS = rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n"

_LINK = "120000"

_MAX_LINKS = 5


def split_revision(text: str) -> tuple[str, str] | None:
    """`REV:path` -> (REV, path); None for a path (`C:\\net.yaml`), an address or a plain word."""
    match = re.fullmatch(_REVISION, text)
    if match is None or match[2].startswith("//"):
        return None
    drive = len(match[1]) == 1 and match[1].isalpha() and (match[2].startswith("\\") or os.name == "nt")
    return None if drive else (match[1], match[2])


def read_file(revision: str, path: str, folder: str = "") -> bytes:
    """A revision and a path -> the file's content. UsageError where there is no git, no repository or no such revision,
    LoadError where the revision has no such file."""
    commit = resolve_commit(revision, folder)
    name = next((name for name in path_candidates(path, folder) if _read_entry(commit, name, folder).kind), None)
    if name is None:
        for submodule_path in filter(
            None, (_find_submodule(commit, name, folder) for name in path_candidates(path, folder))
        ):
            return read_file(submodule_path.commit, submodule_path.name, submodule_path.folder)
    for _ in range(_MAX_LINKS):
        if name is None or not (entry := _read_entry(commit, name, folder)).kind:
            raise _missing_path(revision, commit, path, folder)
        if entry.kind != "blob":
            raise LoadError(f"{path} is no file at {revision}", "name a file")
        data = run_git("cat-file", "blob", entry.blob, folder=folder)
        if entry.mode != _LINK:
            return _resolve_lfs_pointer(data, f"{revision}:{path}", folder)
        name = posixpath.normpath(posixpath.join(posixpath.dirname(name), os.fsdecode(data)))
    raise LoadError(f"{path} is a link at {revision} that leads round", "name the file itself")


def read_blob(blob: str, place: str, folder: str = "") -> bytes:
    """The object of a file, and what messages call it -> its content. LoadError where Git LFS keeps it, and it is not
    here."""
    return _resolve_lfs_pointer(run_git("cat-file", "blob", blob, folder=folder), place, folder)


def read_files(revision: str, names: Collection[str], folder: str = "") -> dict[str, bytes]:
    """A revision and paths from the repository's top -> the content of each file, in two calls of git; paths of no file
    are left out."""
    commit = resolve_commit(revision, folder)
    entries = _list_entries(commit, folder)
    blobs = {name: entries[name] for name in names if name in entries and entries[name].kind == "blob"}
    blob_ids = [entry.blob for entry in blobs.values() if entry.mode != _LINK]
    output = run_git(
        "cat-file", "--batch", folder=folder, standard_input="".join(f"{blob_id}\n" for blob_id in blob_ids).encode()
    )
    files_by_name: dict[str, bytes] = {}
    for name, entry in blobs.items():
        if entry.mode == _LINK:
            files_by_name[name] = read_file(revision, name, folder)
            continue
        header, _, content = output.partition(b"\n")
        size = int(header.split()[2])
        files_by_name[name], output = (
            _resolve_lfs_pointer(content[:size], f"{revision}:{name}", folder),
            content[size + 1 :],
        )
    for name in set(names) - entries.keys():
        submodule_path = _find_submodule(commit, name, folder)
        if submodule_path is not None:
            files_by_name[name] = read_file(submodule_path.commit, submodule_path.name, submodule_path.folder)
    return files_by_name


def list_files(revision: str, folder: str = "") -> tuple[str, ...]:
    """A revision -> all its files, relative to the repository with forward slashes; those of its submodules too, or the
    submodule itself where its commit is missing."""
    names: list[str] = []
    for name, entry in _list_entries(resolve_commit(revision, folder), folder).items():
        inner = repository_root(folder) / name if entry.kind == "commit" else None
        if inner is not None and (inner / ".git").exists() and has_commit(entry.blob, str(inner)):
            names += [f"{name}/{file}" for file in list_files(entry.blob, str(inner))]
        else:
            names.append(name)
    return tuple(names)


def find_old_path(revision: str, path: str, folder: str = "") -> str | None:
    """A revision and the path of a file -> its path at that revision, by git's detection of renames; None where it did
    not exist, or had the same path."""
    moves = find_renames(resolve_commit(revision, folder), "", folder)
    return next((moves[name] for name in path_candidates(path, folder) if name in moves), None)


def find_renames(before: str, after: str = "", folder: str = "") -> dict[str, str]:
    """Two commits, or one and the working tree -> new path of each file that git sees as renamed, and its old one."""
    options = ("--name-status", "-z", "-M", "--diff-filter=R", "--no-ext-diff", "--no-textconv", "--ignore-submodules")
    fields = run_git_list("diff", *options, *filter(None, (before, after)), "--", folder=folder)
    return dict(zip(fields[2::3], fields[1::3], strict=True))


def repository_path(path: str | os.PathLike[str], folder: str = "") -> str | None:
    """A file's path -> its path from the top of the repository; None where it is outside. Of a link its own path, not
    its target's."""
    absolute = Path(folder or ".", path).absolute()
    normalised = Path(os.path.normpath(absolute))
    try:
        return (normalised.parent.resolve() / normalised.name).relative_to(repository_root(folder).resolve()).as_posix()
    except ValueError:
        return None


def path_candidates(path: str, folder: str) -> Iterator[str]:
    """The paths from the repository's top that a path may mean: unchanged, and from the folder."""
    posix_path = path.replace("\\", "/") if os.name == "nt" else path
    from_top = "" if posix_path.startswith(("./", "../", "/")) else posixpath.normpath(posix_path)
    if from_top and from_top != ".." and not from_top.startswith("../"):
        yield from_top
    from_folder = repository_path(path, folder)
    if from_folder is not None and from_folder != from_top:
        yield from_folder
    elif from_folder is None and not from_top:
        raise UsageError(f"{path} is outside of the repository", "name a file in it, relative to its top")


def find_blob(commit: str, path: str, folder: str = "") -> str:
    """A commit and a path from the repository's top -> the object of the file; "" where it has none, and of a link."""
    entry = _read_entry(commit, path, folder)
    return entry.blob if entry.kind == "blob" and entry.mode != _LINK else ""


def link_chain(commit: str, path: str, folder: str = "") -> list[str]:
    """A commit and a path from the repository's top -> the path, each link on the way (a folder may be one), and the
    path that it leads to; it ends where a link leads out of the tree, or round."""
    chain = [path]
    for _ in range(_MAX_LINKS):
        parts = PurePosixPath(path).parts
        prefixes = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        entries = _parse_entries(run_git_list("ls-tree", "-z", "--full-tree", commit, "--", *prefixes, folder=folder))
        link = next((prefix for prefix in prefixes if entries.get(prefix, _Entry()).mode == _LINK), None)
        if link is None:
            break
        target = os.fsdecode(run_git("cat-file", "blob", entries[link].blob, folder=folder))
        path = posixpath.normpath(posixpath.join(posixpath.dirname(link), target, path[len(link) + 1 :]))
        if path.startswith(("../", "/")) or path == "..":
            break
        chain += [link, path]
    return list(dict.fromkeys(chain))


class _Entry(NamedTuple):
    """A path of a commit; empty words where it is not there."""

    mode: str = ""
    kind: str = ""
    blob: str = ""


class _SubmodulePath(NamedTuple):
    """A path of a submodule, whose commits are its own."""

    commit: str
    name: str
    folder: str


def _find_submodule(commit: str, name: str, folder: str) -> _SubmodulePath | None:
    """The submodule that a path of a commit leads into."""
    parents = [str(parent) for parent in PurePosixPath(name).parents][:-1]
    lines = run_git_list("ls-tree", "-z", "--full-tree", commit, "--", *parents, folder=folder) if parents else []
    for path, entry in _parse_entries(lines).items():
        inner = repository_root(folder) / path
        if entry.kind == "commit" and (inner / ".git").exists():
            return _SubmodulePath(entry.blob, f"./{name[len(path) + 1 :]}", str(inner))
    return None


def _read_entry(commit: str, name: str, folder: str) -> _Entry:
    return _parse_entries(run_git_list("ls-tree", "-z", "--full-tree", commit, "--", name, folder=folder)).get(
        name, _Entry()
    )


def _list_entries(commit: str, folder: str) -> dict[str, _Entry]:
    return _parse_entries(run_git_list("ls-tree", "-r", "-z", "--full-tree", commit, folder=folder))


def _parse_entries(lines: Iterable[str]) -> dict[str, _Entry]:
    """Lines of ls-tree, `mode kind object<tab>path` -> entries by path."""
    return {name: _Entry(*fields.split()) for fields, _, name in (line.partition("\t") for line in lines)}


def _resolve_lfs_pointer(data: bytes, place: str, folder: str) -> bytes:
    """The content of a blob; of a pointer of Git LFS the content that was fetched."""
    pointer = re.match(_LFS, data) if len(data) < 1024 else None
    if pointer is None:
        return data
    oid = pointer[1].decode()
    common = os.fsdecode(run_git("rev-parse", "--git-common-dir", folder=folder)).rstrip("\n")
    lfs_object = Path(folder or ".", common, "lfs", "objects", oid[:2], oid[2:4], oid)
    if not lfs_object.is_file():
        raise LoadError("its content is kept by Git LFS and is not here", "git lfs fetch --all", place)
    return lfs_object.read_bytes()


def _missing_path(revision: str, commit: str, path: str, folder: str) -> LoadError:
    fact = f"there is no {path} at {revision}"
    old = find_old_path(revision, path, folder)
    if old is not None:
        return LoadError(fact, f"it was called {old} there: {revision}:{old}")
    names = list_files(commit, folder)
    same_names = [name for name in names if PurePosixPath(name).name == PurePosixPath(path).name]
    matches = same_names or near_names(path, names)
    hint = f"`git ls-tree -r --name-only {revision}` lists its files"
    return LoadError(fact, f"did you mean {revision}:{matches[0]}?" if matches else hint)
