"""A file in a git repository -> the revisions that touched it, newest first, under every name that it had.

What counts as touched is what `git log -- FILE` lists: a merge only where its file differs from that of each parent.
Where a commit has the file and a parent of it has not, git's detection of renames says what it was called there, and
the history goes on under that name. The working tree is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from costcalc.core.errors import LoadError, UsageError
from costcalc.frontends.git import find_renames, path_candidates, repository_root, resolve_commit, run_git, run_git_list

FORMAT = "%x00".join(("%H", "%P", "%cI", "%ct", "%an", "%s"))
"""A commit in `git log`: its hash, its parents, when it was committed (ISO 8601, and seconds), author, subject."""


OPTIONS = ("--no-follow", "--no-show-signature", "--encoding=UTF-8")
"""They hold against log.follow, log.showSignature and i18n.logOutputEncoding of the user's configuration."""

_DAY = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"([T ]\d{1,2}:\d\d(:\d\d(\.\d+)?)?)?( ?(Z|[+-]\d\d:?\d\d))?"
)

_RELATIVE = re.compile(
    r"(?i)yesterday|today|midnight|noon|last[ .](week|month|year)"
    r"|((\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten)[ .]"
    r"(second|minute|hour|day|week|month|year)s?[ .])+ago"
)


@dataclass(frozen=True, slots=True)
class FileRevision:
    """A commit that touched a file: path is its name there, blob the object with its content ("" where the commit took
    it away; new_path is then what it was renamed to, if it was). old_path is its name before, where the commit renamed
    it. date is when it was committed (ISO 8601), timestamp the same in seconds. previous are the revisions of the file
    that it builds on, several of a merge."""

    commit: str
    path: str
    blob: str
    date: str
    timestamp: int
    author: str
    subject: str
    old_path: str = ""
    new_path: str = ""
    previous: tuple[str, ...] = ()


def list_revisions(
    path: str, revision: str = "HEAD", since: str = "", first_parent: bool = False, folder: str = ""
) -> tuple[FileRevision, ...]:
    """A file and a revision -> the revisions of the file up to there, newest first; first_parent: those of the branch
    itself, each merge as one. since is a revision, of which nothing that it has is listed, or a date as git reads it.

    LoadError where the file was never there, UsageError where there is no git, no repository or no such revision.
    """
    commit = resolve_commit(revision, folder)
    earliest, excluded = _read_since(since, folder)
    options = ("--first-parent", *excluded) if first_parent else excluded
    root = str(repository_root(folder))  # where git takes paths as they are in its trees
    for name in path_candidates(path, folder):
        if "\n" in name:
            raise UsageError(f"{path!r} has a line break in its name", "rename it")
        revisions = _follow(commit, name, options, root)
        if revisions:
            ordered = _order(commit, revisions, options, root)
            return tuple([item for item in ordered if item.timestamp >= earliest])
    if excluded and list_revisions(path, revision, "", first_parent, folder):
        return ()
    raise LoadError(f"git knows no {path} up to {revision}", "name a file that is committed, by its path")


def _read_since(since: str, folder: str) -> tuple[int, tuple[str, ...]]:
    """A revision or a date -> the earliest second, and the arguments that exclude a revision. UsageError where it is
    neither."""
    if not since:
        return 0, ()
    try:
        return 0, (f"^{resolve_commit(since, folder)}",)
    except UsageError as error:
        if not _is_date(since):
            tags = "name a tag (`git fetch --tags` brings those that are not here), a branch or a commit"
            remedy = f"{tags}, or a date: 2026-01-31, '3 months ago', yesterday"
            raise UsageError(f"--since {since!r} is no revision here and no date", remedy) from error
        midnight = "T00:00:00" if re.fullmatch(r"[\d-]+", since) else ""  # else git takes the time of now
        output = run_git("rev-parse", f"--since={since}{midnight}", folder=folder).decode()
        return int(output.partition("=")[2]), ()


def _is_date(text: str) -> bool:
    """Whether a text is a day of the calendar with or without a time, or so long ago: git takes any other for now."""
    match = _DAY.fullmatch(text)
    if match is None:
        return _RELATIVE.fullmatch(text) is not None
    try:
        date(*map(int, match.groups()[:3]))
    except ValueError:
        return False
    return True


def _follow(commit: str, path: str, options: Sequence[str], folder: str) -> dict[str, FileRevision]:
    """The revisions of a file by their commit, under all its names."""
    revisions: dict[str, FileRevision] = {}
    starts, seen = [(commit, path)], set[tuple[str, str]]()
    while starts:
        start = starts.pop()
        if start in seen:
            continue
        seen.add(start)
        for item, older in _list_under_one_name(*start, options, folder):
            revisions.setdefault(item.commit, item)
            starts += older
    return revisions


def _list_under_one_name(
    commit: str, path: str, options: Sequence[str], folder: str
) -> Iterator[tuple[FileRevision, list[tuple[str, str]]]]:
    """The revisions up to a commit that touched a path, each with the parents where it had another name, and that."""
    arguments = ("-z", f"--format={FORMAT}", *OPTIONS, *options, commit, "--", path)
    log = run_git_list("log", *arguments, folder=folder, keep_empty=True)
    commits = [log[i : i + 6] for i in range(0, len(log) - 5, 6)]
    parents = [fields[1].split()[: 1 if "--first-parent" in options else None] for fields in commits]
    names = dict.fromkeys(name for fields, older in zip(commits, parents, strict=True) for name in (fields[0], *older))
    blobs = _find_blobs(names, path, folder)
    for fields, older in zip(commits, parents, strict=True):
        name, _, committed, timestamp, author, subject = fields
        item = FileRevision(name, path, blobs[name], committed, int(timestamp), author, subject)
        moves: list[tuple[str, str]] = []
        for parent in older:
            if item.blob and not blobs[parent]:
                old_path = find_renames(parent, name, folder).get(path)
                moves += [(parent, old_path)] if old_path else []
            elif not item.blob and blobs[parent]:
                new_paths = {old: new for new, old in find_renames(parent, name, folder).items()}
                item = replace(item, new_path=new_paths.get(path, ""))
        yield replace(item, old_path=moves[0][1] if moves else ""), moves


def _find_blobs(commits: Iterable[str], path: str, folder: str) -> dict[str, str]:
    """Commits -> the object of a path in each; "" where it has no such file."""
    names = list(commits)
    lines = "".join(f"{name}:{path}\n" for name in names).encode("utf-8", "surrogateescape")
    output = run_git("cat-file", "--batch-check=%(objectname) %(objecttype)", folder=folder, standard_input=lines)
    entries = [line.rsplit(b" ", 1) for line in output.splitlines()]
    return {name: entry[0].decode() if entry[-1] == b"blob" else "" for name, entry in zip(names, entries, strict=True)}


def _order(
    commit: str, revisions: dict[str, FileRevision], options: Sequence[str], folder: str
) -> Iterator[FileRevision]:
    """Revisions -> the same, newest first and no commit before one that builds on it, each with its previous ones."""
    names = sorted({item.path for item in revisions.values()})
    output = run_git("rev-list", "--parents", "--date-order", *options, commit, "--", *names, folder=folder)
    parents = {name: older for name, *older in (line.split() for line in output.decode().splitlines())}

    def previous(name: str, seen: set[str]) -> Iterator[str]:
        for parent in parents.get(name, ()):
            if parent in revisions:
                yield parent
            elif parent not in seen:
                seen.add(parent)
                yield from previous(parent, seen)

    places = {name: i for i, name in enumerate(parents)}
    for item in sorted(revisions.values(), key=lambda item: (places.get(item.commit, len(places)), -item.timestamp)):
        yield replace(item, previous=tuple(dict.fromkeys(previous(item.commit, set()))))
