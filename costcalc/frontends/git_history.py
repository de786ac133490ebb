"""A file in a git repository -> the revisions that touched it, newest first, under every name that it had.

What counts as touched is what `git log -- FILE` lists: a merge only where its file differs from that of each parent.
Where a commit has the file and a parent of it has not, git's detection of renames says what it was called there, and
the history goes on under that name. The working tree is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from costcalc.core.errors import LoadError, UsageError
from costcalc.frontends.git import (
    find_blob,
    find_renames,
    link_chain,
    path_candidates,
    repository_root,
    resolve_commit,
    run_git,
    run_git_list,
)

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
    it. problem says why there is no content although there is something: a link that leads out of the tree, or nowhere.
    date is when it was committed (ISO 8601), timestamp the same in seconds. previous are the revisions of the file
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
    problem: str = ""


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
        targets = _link_targets(commit, name, revisions, root)
        revisions |= _touched_by_link((commit, name), revisions, targets, options, root)
        if revisions:
            ordered = _order(commit, revisions, {*(item.path for item in revisions.values()), *targets}, options, root)
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


def _link_targets(commit: str, name: str, revisions: Mapping[str, FileRevision], folder: str) -> list[str]:
    """A file that is a link, in a commit or in revisions of its own -> the paths that it led to. Nothing outside of the
    tree of the commit is looked at."""
    places = [(commit, name), *((item.commit, item.path) for item in revisions.values())]
    return list(dict.fromkeys(target for place in places for target in link_chain(*place, folder)[1:]))


def _touched_by_link(
    start: tuple[str, str],
    revisions: Mapping[str, FileRevision],
    targets: Sequence[str],
    options: Sequence[str],
    folder: str,
) -> dict[str, FileRevision]:
    """The newest commit and the name of a link there, its own revisions, and the paths that it led to -> the revisions
    of those in which what the link gives is other than in each parent."""
    commit, name = start
    found: dict[str, FileRevision] = {}
    for target in targets:
        found |= {k: v for k, v in _follow(commit, target, options, folder).items() if k not in revisions}
    if not found:
        return {}
    names = "".join(f"{commit}\n" for commit in found).encode()
    lines = run_git("rev-list", "--no-walk=unsorted", "--parents", "--stdin", folder=folder, standard_input=names)
    parents = {commit: older for commit, *older in (line.split() for line in lines.decode().splitlines())}
    commits = dict.fromkeys(one for commit, older in parents.items() for one in (commit, *older))
    touched: dict[str, FileRevision] = {}
    for path in dict.fromkeys((name, *(item.path for item in revisions.values()))):
        contents = _find_contents(commits, path, folder)
        for sha, item in found.items():
            content = contents[sha]
            if content != NO_CONTENT and all(contents[parent] != content for parent in parents.get(sha, ())):
                here = replace(item, path=path, old_path="", new_path="", blob=content.blob, problem=content.problem)
                touched.setdefault(sha, here)
    return touched


def _list_under_one_name(
    commit: str, path: str, options: Sequence[str], folder: str
) -> Iterator[tuple[FileRevision, list[tuple[str, str]]]]:
    """The revisions up to a commit that touched a path, each with the parents where it had another name, and that."""
    arguments = ("-z", f"--format={FORMAT}", *OPTIONS, *options, commit, "--", path)
    log = run_git_list("log", *arguments, folder=folder, keep_empty=True)
    commits = [log[i : i + 6] for i in range(0, len(log) - 5, 6)]
    parents = [fields[1].split()[: 1 if "--first-parent" in options else None] for fields in commits]
    names = dict.fromkeys(name for fields, older in zip(commits, parents, strict=True) for name in (fields[0], *older))
    contents = _find_contents(names, path, folder)
    for fields, older in zip(commits, parents, strict=True):
        name, _, committed, timestamp, author, subject = fields
        blob, problem = contents[name]
        item = FileRevision(name, path, blob, committed, int(timestamp), author, subject, problem=problem)
        moves: list[tuple[str, str]] = []
        for parent in older:
            if contents[name] != NO_CONTENT and contents[parent] == NO_CONTENT:
                old_path = find_renames(parent, name, folder).get(path)
                moves += [(parent, old_path)] if old_path else []
            elif contents[name] == NO_CONTENT and contents[parent] != NO_CONTENT:
                new_paths = {old: new for new, old in find_renames(parent, name, folder).items()}
                item = replace(item, new_path=new_paths.get(path, ""))
        yield replace(item, old_path=moves[0][1] if moves else ""), moves


class _Content(NamedTuple):
    """The object of a file; "" where there is none. problem: a link that leads to nothing in the tree."""

    blob: str = ""
    problem: str = ""


NO_CONTENT = _Content()

_LINK_PROBLEMS = {
    b"symlink": "it is a link that leads out of the repository, and is not followed",
    b"dangling": "it is a link to what the revision does not have",
    b"loop": "it is a link that leads round",
    b"notdir": "it is a link through what is no folder",
}
"""What `git cat-file --follow-symlinks` answers for a link to no object of the tree."""


def _find_contents(commits: Iterable[str], path: str, folder: str) -> dict[str, _Content]:
    """Commits -> what a path has in each; links are followed in the tree of the commit, and never out of it."""
    names = list(commits)
    lines = "".join(f"{name}:{path}\n" for name in names).encode("utf-8", "surrogateescape")
    form = "--batch-check=%(objectname) %(objecttype)"
    output = run_git("cat-file", "--follow-symlinks", form, folder=folder, standard_input=lines)
    contents: dict[str, _Content] = {}
    for name in names:
        line, _, output = output.partition(b"\n")
        first, _, last = line.rpartition(b" ")
        if first in _LINK_PROBLEMS and last.isdigit():  # the path that it leads to follows
            contents[name], output = _follow_link(name, path, first, folder), output[int(last) + 1 :]
        else:
            contents[name] = _Content(first.decode()) if last == b"blob" else NO_CONTENT
    return contents


def _follow_link(commit: str, path: str, answer: bytes, folder: str) -> _Content:
    """What a link gives that git does not follow by itself, which is so of one with `./` in it."""
    blob = find_blob(commit, link_chain(commit, path, folder)[-1], folder)
    return _Content(blob) if blob else _Content("", _LINK_PROBLEMS[answer])


def _order(
    commit: str, revisions: dict[str, FileRevision], paths: Collection[str], options: Sequence[str], folder: str
) -> Iterator[FileRevision]:
    """Revisions, and the paths that they touched -> the same, newest first and no commit before one that builds on it,
    each with its previous ones."""
    names = sorted(paths)
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
