"""`costcalc diff --git REV`: the config's models that differ from a revision; new, gone, renamed and unreadable ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import call, run
from support.repository import begin, commit, git, needs_git

NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, bias: false}\n  - relu\n"
CONFIG = "models:\n  - models/*.yaml\n  - lenet5\n"
MACS = 6 * 6 * 4 * 27

pytestmark = needs_git


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """models/a.yaml and models/b.yaml on main, in a folder of a repository that is the working directory."""
    top = begin(tmp_path, monkeypatch)
    (top / "project" / "models").mkdir(parents=True)
    monkeypatch.chdir(top / "project")
    write("models/a.yaml", NET)
    write("models/b.yaml", NET.replace("relu", "gelu"))
    write("costcalc.yaml", CONFIG)
    commit(top)
    return top


def write(file: str, text: str) -> None:
    Path(file).write_text(text, encoding="utf-8")


def diff(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, dict[str, tuple[int, int]]], str]:
    """The exit code, and of each model that differs its source before and after, and MACs."""
    code, out, err = call(capsys, "diff", "--format", "json", "--git", *args)
    found = {}
    for one in json.loads(out)["diffs"] if out else ():
        sources = tuple(side and side["source"] for side in (one["before"], one["after"]))
        macs = one["totals"]["macs"]
        found[one["name"]] = {"sources": sources, "macs": (macs["before"], macs["after"])}
    return code, found, err


def test_a_condition_on_any_quantity_measures_both_versions(capsys: pytest.CaptureFixture[str]) -> None:
    """A model that is new has not grown, one that is gone does not fail; the config says how models are executed."""
    write("models/a.yaml", NET.replace("filters: 4", "filters: 6"))
    write("models/c.yaml", NET)
    Path("models/b.yaml").unlink()
    code, _, err = diff(capsys, "main", "--fail-on", "time.t4>+5%", "--fail-on", "fits.t4")
    assert code == 1
    assert err.count("\n") == 1 and "models/a.yaml: Time on t4 grew by 94.3 ps" in err
    assert "+50.0%" in err  # 4 filters become 6, and the layer is bound by its arithmetic
    assert diff(capsys, "main", "--fail-on", "arena_bytes>1GiB")[0] == 0
    assert "with --git the config says" in diff(capsys, "main", "--hardware", "t4")[2]


def test_only_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "--git", "main"]) == 0
    assert capsys.readouterr().out == "No difference in 3 models since main\n"
    write("models/a.yaml", NET.replace("4", "8"))
    write("models/b.yaml", NET.replace("relu", "gelu").replace("\n", "\r\n") + "# a remark\n")
    code, found, err = diff(capsys, "main")
    assert (code, err) == (0, "")
    assert found == {
        "models/a.yaml": {"sources": ("main:project/models/a.yaml", "models/a.yaml"), "macs": (MACS, 2 * MACS)}
    }
    assert diff(capsys, "main", "--fail-on", "macs>+99%")[0] == 1
    assert diff(capsys, "main", "models/b.yaml")[1] == {}
    assert "has no model 'models/c.yaml'; there are models/a.yaml" in diff(capsys, "main", "models/c.yaml")[2]


def test_what_cannot_be_read_is_not_without_a_difference(capsys: pytest.CaptureFixture[str]) -> None:
    write("models/b.yaml", "layers: [")
    assert run(["diff", "--git", "main"]) == 2
    out, err = capsys.readouterr()
    assert out == "No difference in 2 models since main; 1 cannot be read\n" and "models/b.yaml" in err


def test_between_revisions(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repository, "switch", "-q", "-c", "wide")
    write("models/a.yaml", NET.replace("4", "8"))
    commit(repository)
    git(repository, "switch", "-q", "main")
    write("models/a.yaml", NET.replace("4", "12"))
    commit(repository)
    assert diff(capsys, "main..wide")[1]["models/a.yaml"]["macs"] == (3 * MACS, 2 * MACS)
    assert diff(capsys, "main...wide")[1]["models/a.yaml"]["macs"] == (MACS, 2 * MACS)
    git(repository, "switch", "-q", "wide")
    assert diff(capsys, "main...")[1]["models/a.yaml"]["macs"] == (MACS, 2 * MACS)
    assert diff(capsys, "main..")[1]["models/a.yaml"]["macs"] == (3 * MACS, 2 * MACS)


def test_new_gone_and_renamed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("models/new.yaml", NET.replace("kernel: 3", "kernel: 1"))
    git(repository, "mv", "project/models/b.yaml", "project/models/better.yaml")
    write("models/better.yaml", NET.replace("relu", "gelu") + "  - flatten\n")
    Path("models/a.yaml").unlink()
    code, found, _ = diff(capsys, "main")
    assert code == 0
    assert found == {
        "models/better.yaml": {
            "sources": ("main:project/models/b.yaml", "models/better.yaml"),
            "macs": (MACS, MACS),
        },
        "models/new.yaml": {"sources": (None, "models/new.yaml"), "macs": (0, 8 * 8 * 4 * 3)},
        "models/a.yaml": {"sources": ("main:project/models/a.yaml", None), "macs": (MACS, 0)},
    }
    assert run(["diff", "--git", "main"]) == 0
    out = capsys.readouterr().out
    assert "models/new.yaml  new: models/new.yaml" in out
    assert "models/a.yaml  no longer there: main:project/models/a.yaml" in out


def test_several_models_are_listed_first(capsys: pytest.CaptureFixture[str]) -> None:
    write("models/a.yaml", NET.replace("4", "8"))
    assert run(["diff", "--git", "main", "--format", "markdown"]) == 0
    assert "models differ" not in capsys.readouterr().out  # one model needs no list
    Path("models/b.yaml").unlink()
    assert run(["diff", "--git", "main", "--format", "markdown"]) == 0
    head = [line for line in capsys.readouterr().out.splitlines() if line][1:7]
    assert head.pop(0) == (
        "### models/a.yaml: MACs +100.0% (3.89 k → 7.78 k); conv was widened; models/b.yaml (3.89 k MACs) is gone"
    )
    assert head[0] == "### 2 models differ"
    assert head[3:] == [
        f"| models/a.yaml | {MACS:,} | {2 * MACS:,} | +{MACS:,} | +100.0% | +{4 * 27} | \\~ 1 changed, → 1 follow what they read |",
        f"| models/b.yaml | {MACS:,} | 0 | -{MACS:,} | -100.0% | -{4 * 27} | - 2 removed |",
    ]


def test_each_side_is_read_as_its_config_says(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("costcalc.yaml", "models:\n  - {path: models/a.yaml, dims: {N: 8}}\n")
    code, found, _ = diff(capsys, "main")  # b.yaml is no model of the config now, but its file is as it was
    assert (code, found["models/a.yaml"]["macs"], len(found)) == (0, (MACS, 8 * MACS), 1)
    git(repository, "mv", "project/costcalc.yaml", "project/other.yaml")
    assert diff(capsys, "main", "--config", "other.yaml")[1] == {}  # without a config of its own, main is read as now
    write("costcalc.yaml", "models: [models/a.yaml, models/b.yaml]\n")
    commit(repository)
    write("models/a.yaml", NET.replace("4", "8"))
    assert list(diff(capsys, "HEAD")[1]) == ["models/a.yaml"]


def test_from_another_folder(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write("models/a.yaml", NET.replace("4", "8"))
    monkeypatch.chdir("models")
    assert diff(capsys, "main")[1]["models/a.yaml"]["macs"] == (MACS, 2 * MACS)
    monkeypatch.chdir("../..")
    assert diff(capsys, "main", "--config", "project/costcalc.yaml")[1]["models/a.yaml"]["macs"] == (MACS, 2 * MACS)


def test_a_model_that_cannot_be_read_is_2_and_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    write("models/a.yaml", NET + "  - nonsense\n")
    write("models/b.yaml", NET)
    code, found, err = diff(capsys, "main", "--fail-on", "macs>+0")
    assert code == 2 and list(found) == ["models/b.yaml"]
    assert err.startswith("costcalc: models/a.yaml:5:5")


def test_scenarios_and_processes(capsys: pytest.CaptureFixture[str]) -> None:
    write("costcalc.yaml", "models:\n  - {path: models/*.yaml, scenarios: {one: , eight: {dims: {N: 8}}}}\n")
    write("models/a.yaml", NET.replace("4", "8"))
    code, found, _ = diff(capsys, "main", "--jobs", "2")
    assert code == 0
    assert found["models/a.yaml (one)"]["macs"] == (MACS, 2 * MACS)
    assert found["models/a.yaml (eight)"]["macs"] == (8 * MACS, 16 * MACS)


def test_what_is_not_understood(capsys: pytest.CaptureFixture[str]) -> None:
    assert "git knows no revision 'mian'; did you mean 'main'?" in diff(capsys, "mian")[2]
    assert "with --git the config says how models are bound" in diff(capsys, "main", "--dim", "N=8")[2]
    assert "there is no such config" in diff(capsys, "main", "--config", "nope.yaml")[2]


def test_a_model_in_a_submodule_is_read_at_the_commit_that_the_revision_names(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    monkeypatch.chdir(begin(outer, monkeypatch))
    git(Path(), "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repository), "sub")
    write("costcalc.yaml", "models: [sub/project/models/a.yaml]\n")
    commit(Path())
    write("sub/project/models/a.yaml", NET.replace("filters: 4", "filters: 8"))
    code, found, err = diff(capsys, "HEAD")
    (one,) = found.values()
    assert (code, err) == (0, "") and one["macs"] == (MACS, 2 * MACS)
    assert run(["diff", "HEAD:sub/project/models/a.yaml", "sub/project/models/a.yaml", "--fail-on", "macs>+5%"]) == 1
    capsys.readouterr()
    git(Path(), "update-index", "--cacheinfo", f"160000,{'1' * 40},sub")
    git(Path(), "commit", "-qm", "a commit that is not here")
    code, _, err = diff(capsys, "HEAD")
    assert code == 2 and "the submodule sub is not here as it is at HEAD" in err and "git submodule update" in err
