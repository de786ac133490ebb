"""The revisions that touched a file: renames and merges are followed, whatever the branch they were made on."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.repository import NET, SETTINGS, begin, commit, git

from costcalc.core.errors import LoadError, UsageError
from costcalc.frontends.git_history import FileRevision, list_revisions

LONGER = NET + "  - relu\n  - relu\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = begin(tmp_path / "repo", monkeypatch)
    monkeypatch.chdir(folder)
    write(folder, "net.yaml", LONGER)
    commit(folder, "first")
    write(folder, "other.txt", "x")
    commit(folder, "another file")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def subjects(revisions: tuple[FileRevision, ...]) -> list[str]:
    return [item.subject for item in revisions]


def previous(revisions: tuple[FileRevision, ...]) -> dict[str, list[str]]:
    names = {item.commit: item.subject for item in revisions}
    return {item.subject: [names[name] for name in item.previous] for item in revisions}


def test_only_what_touched_the_file_newest_first(repository: Path) -> None:
    write(repository, "net.yaml", LONGER.replace("4", "8"))
    commit(repository, "wider")
    found = list_revisions("net.yaml")
    assert subjects(found) == ["wider", "first"]
    assert previous(found) == {"wider": ["first"], "first": []}
    assert found[0].blob == git(repository, "rev-parse", "HEAD:net.yaml") and found[0].path == "net.yaml"
    assert list_revisions("net.yaml", "HEAD~1") == found[1:]
    (repository / "sub").mkdir()
    assert list_revisions("../net.yaml", folder=str(repository / "sub")) == found


def test_a_rename_is_followed_and_told(repository: Path) -> None:
    (repository / "models").mkdir()
    git(repository, "mv", "net.yaml", "models/a b ü.yaml")
    commit(repository, "moved")
    write(repository, "models/a b ü.yaml", LONGER.replace("4", "8"))
    commit(repository, "wider")
    found = list_revisions("models/a b ü.yaml")
    assert subjects(found) == ["wider", "moved", "first"]
    assert [(item.path, item.old_path) for item in found] == [
        ("models/a b ü.yaml", ""),
        ("models/a b ü.yaml", "net.yaml"),
        ("net.yaml", ""),
    ]
    old = list_revisions("net.yaml")
    assert (old[0].subject, old[0].blob, old[0].new_path) == ("moved", "", "models/a b ü.yaml")


def test_a_name_that_two_files_had_is_two_histories(repository: Path) -> None:
    git(repository, "mv", "net.yaml", "old.yaml")
    commit(repository, "moved away")
    write(repository, "net.yaml", "something: else\n")
    commit(repository, "a new file of that name")
    assert subjects(list_revisions("old.yaml")) == ["moved away", "first"]
    found = list_revisions("net.yaml")
    assert subjects(found) == ["a new file of that name", "moved away", "first"], "as git log lists the path"


def test_what_both_branches_did_and_their_merge(repository: Path) -> None:
    """One branch renames and lengthens, the other one widens under the old name: a merge of both contents."""
    git(repository, "switch", "-q", "-c", "branch")
    git(repository, "mv", "net.yaml", "new.yaml")
    commit(repository, "renamed")
    write(repository, "new.yaml", LONGER + "  - relu\n")
    commit(repository, "longer")
    git(repository, "switch", "-q", "main")
    write(repository, "net.yaml", LONGER.replace("4", "8"))
    commit(repository, "wider")
    git(repository, "merge", "-q", "branch", "-m", "merged")
    found = list_revisions("new.yaml")
    assert sorted(subjects(found)) == ["first", "longer", "merged", "renamed", "wider"]
    assert previous(found) == {
        "merged": ["wider", "longer"],
        "wider": ["first"],
        "longer": ["renamed"],
        "renamed": ["first"],
        "first": [],
    }
    assert subjects(list_revisions("new.yaml", first_parent=True)) == ["merged", "wider", "first"]


def test_a_merge_that_changes_nothing_itself_is_no_revision(repository: Path) -> None:
    git(repository, "switch", "-q", "-c", "branch")
    write(repository, "net.yaml", LONGER.replace("4", "8"))
    commit(repository, "wider")
    git(repository, "switch", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "branch", "-m", "merged")
    write(repository, "net.yaml", LONGER.replace("4", "16"))
    commit(repository, "wider still")
    assert previous(list_revisions("net.yaml")) == {"wider still": ["wider"], "wider": ["first"], "first": []}
    assert subjects(list_revisions("net.yaml", first_parent=True)) == ["wider still", "merged", "first"]


def test_removed_and_added_again(repository: Path) -> None:
    git(repository, "rm", "-q", "net.yaml")
    commit(repository, "removed")
    write(repository, "net.yaml", LONGER)
    commit(repository, "back")
    found = list_revisions("net.yaml")
    assert [(item.subject, bool(item.blob)) for item in found] == [("back", True), ("removed", False), ("first", True)]


def test_since_a_revision_or_a_date(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day, filters in (("2035-01-01", "8"), ("2036-02-02", "16")):
        monkeypatch.setitem(SETTINGS, "GIT_COMMITTER_DATE", f"{day}T12:00:00")
        write(repository, "net.yaml", LONGER.replace("4", filters))
        commit(repository, day)
    assert subjects(list_revisions("net.yaml")) == ["2036-02-02", "2035-01-01", "first"]
    assert subjects(list_revisions("net.yaml", since="HEAD~1")) == ["2036-02-02"]
    assert subjects(list_revisions("net.yaml", since="2036-02-02")) == ["2036-02-02"], "from its midnight on"
    assert subjects(list_revisions("net.yaml", since="2035-01-01 13:00")) == ["2036-02-02"]
    assert list_revisions("net.yaml", since="HEAD") == ()
    for date in ("yesterday", "2 weeks ago", "3.months.ago", "1 year 2 months ago", "last week", "2034-12-31T10:00Z"):
        assert subjects(list_revisions("net.yaml", since=date))[:1] == ["2036-02-02"], date


@pytest.mark.parametrize("since", ["bogus", "v1.0", "2026-13-45", "release-2026", "12"])
def test_since_what_is_neither_a_revision_nor_a_date(repository: Path, since: str) -> None:
    """git takes each of them for a date: the one of now, or one that nobody meant."""
    with pytest.raises(UsageError, match=r"no revision here and no date; name a tag .`git fetch --tags`"):
        list_revisions("net.yaml", since=since)


def test_the_configuration_of_git_changes_nothing(repository: Path) -> None:
    git(repository, "mv", "net.yaml", "new.yaml")
    commit(repository, "renamed Ü")
    found = list_revisions("new.yaml")
    assert subjects(found) == ["renamed Ü", "first"]
    for key, value in {"log.follow": "true", "log.showSignature": "true", "i18n.logOutputEncoding": "latin-1"}.items():
        git(repository, "config", key, value)
    assert list_revisions("new.yaml") == found


@pytest.mark.parametrize(
    ("name", "revision", "fact"),
    [("missing.yaml", "HEAD", "git knows no missing.yaml"), ("net.yaml", "nowhere", "no revision 'nowhere'")],
)
def test_what_is_not_there(repository: Path, name: str, revision: str, fact: str) -> None:
    with pytest.raises((LoadError, UsageError), match=fact):
        list_revisions(name, revision)


def test_a_link_is_followed_in_the_tree_of_each_revision(repository: Path) -> None:
    """The history of a link is that of what it leads to, since it is there; a change of where it leads is a revision."""
    (repository / "current.yaml").symlink_to("net.yaml")
    commit(repository, "a link")
    write(repository, "net.yaml", LONGER + "  - relu\n")
    commit(repository, "longer")
    write(repository, "models/big.yaml", LONGER + "  - tanh\n")
    commit(repository, "big, which the link is not yet")
    (repository / "current.yaml").unlink()
    (repository / "current.yaml").symlink_to("./models/../models/big.yaml")
    commit(repository, "the link leads to big")
    write(repository, "net.yaml", LONGER)
    commit(repository, "net, which the link is no more")
    write(repository, "models/big.yaml", LONGER + "  - tanh\n  - tanh\n")
    commit(repository, "bigger")
    revisions = list_revisions("current.yaml")
    assert subjects(revisions) == ["bigger", "the link leads to big", "longer", "a link"]
    assert previous(revisions)["bigger"] == ["the link leads to big"] and previous(revisions)["longer"] == ["a link"]
    assert all(item.blob and item.path == "current.yaml" and not item.problem for item in revisions)
    blobs = [item.blob for item in revisions]
    assert blobs[0] == git(repository, "rev-parse", "HEAD:models/big.yaml").strip()
    assert blobs[3] == git(repository, "rev-parse", "HEAD:net.yaml").strip() and len(set(blobs)) == 4


def test_a_folder_that_is_a_link(repository: Path) -> None:
    write(repository, "shared/net.yaml", NET)
    (repository / "models").symlink_to("shared")
    commit(repository, "a folder's link")
    write(repository, "shared/net.yaml", LONGER)
    commit(repository, "longer")
    assert subjects(list_revisions("models/net.yaml")) == ["longer", "a folder's link"]


def test_a_link_out_of_the_tree_is_told_and_not_followed(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(LONGER)
    targets = {
        "out": "../secret.yaml",
        "absolute": str(tmp_path / "secret.yaml"),
        "gone": "no.yaml",
        "round": "round.yaml",
    }
    for name, target in targets.items():
        (repository / f"{name}.yaml").symlink_to(target)
    commit(repository, "links")
    for name, word in {"out": "out of", "absolute": "out of", "gone": "does not have", "round": "round"}.items():
        (item,) = list_revisions(f"{name}.yaml")
        assert (item.subject, item.blob) == ("links", "") and word in item.problem
