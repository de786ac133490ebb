"""Files at a git revision: how they are named, found and read, and each way that fails."""

import hashlib
from pathlib import Path

import onnx
import pytest
from support.repository import NET, WIDER, commit, needs_git, two_branches
from support.repository import git as run

from costcalc import analyze
from costcalc.core.errors import CostcalcError, LoadError
from costcalc.frontends import git as revisions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("main:models/net.yaml", ("main", "models/net.yaml")),
        ("HEAD~2:net.yaml", ("HEAD~2", "net.yaml")),
        ("main...HEAD:net.yaml", ("main...HEAD", "net.yaml")),
        ("HEAD@{12:30}:net.yaml", ("HEAD@{12:30}", "net.yaml")),
        ("HEAD^{/fix: it}:a:b.yaml", ("HEAD^{/fix: it}", "a:b.yaml")),
        ("net.yaml", None),
        ("C:\\models\\net.yaml", None),
        ("https://example.org/net.onnx", None),
        (":net.yaml", None),
        ("main:", None),
    ],
)
def test_what_names_a_file_of_a_revision(text: str, found: tuple[str, str] | None) -> None:
    assert revisions.split_revision(text) == found


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return two_branches(tmp_path / "repository", monkeypatch)


@needs_git
def test_a_file_as_it_was(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert revisions.read_file("main", "models/net.yaml") == NET.encode()
    assert revisions.read_file("HEAD", "models/net.yaml") == WIDER.encode()
    assert revisions.read_file("HEAD~1", "./models/net.yaml") == NET.encode()
    monkeypatch.chdir("models")
    for path in (
        str(repository / "models" / "net.yaml"),
        "net.yaml",
        "./net.yaml",
        "../models/net.yaml",
        "models/net.yaml",
    ):
        assert revisions.read_file("main", path) == NET.encode()
    monkeypatch.chdir("/")
    assert revisions.read_file("main", "models/net.yaml", str(repository)) == NET.encode()


@needs_git
def test_a_model_as_it_was(repository: Path) -> None:
    report = analyze("main:models/net.yaml")
    assert report.macs == 6 * 6 * 4 * 27
    assert report.graph.nodes[0].place == "main:models/net.yaml:3:5"
    assert analyze("models/net.yaml").macs == 6 * 6 * 8 * 27
    Path("models/net.yaml").write_text(NET + "  - nonsense\n", encoding="utf-8")
    commit(repository)
    with pytest.raises(CostcalcError, match=r"HEAD:models/net\.yaml:4:5: "):
        analyze("HEAD:models/net.yaml")


@needs_git
@pytest.mark.parametrize("suffix", ["onnx", "onnxtxt"])
def test_an_onnx_file_as_it_was(repository: Path, suffix: str) -> None:
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[1, 3, 4] x) => (float[1, 3, 4] y) { y = Relu(x) }'
    file = repository / f"net.{suffix}"
    file.write_bytes(text.encode() if suffix == "onnxtxt" else onnx.parser.parse_model(text).SerializeToString())
    commit(repository)
    file.write_bytes(b"broken")
    report = analyze(f"HEAD:net.{suffix}")
    assert (report.flops, report.source) == (12, f"HEAD:net.{suffix}")
    commit(repository)
    with pytest.raises(LoadError, match=f"HEAD:net.{suffix}: "):
        analyze(f"HEAD:net.{suffix}")


@needs_git
def test_an_existing_file_wins(repository: Path) -> None:
    Path("main:models").mkdir()
    Path("main:models/net.yaml").write_text(WIDER, encoding="utf-8")
    assert analyze("main:models/net.yaml").macs == 6 * 6 * 8 * 27


def said(revision: str, path: str = "models/net.yaml") -> str:
    with pytest.raises(CostcalcError) as found:
        revisions.read_file(revision, path)
    assert found.value.remedy
    return str(found.value)


@needs_git
def test_paths_that_are_none(repository: Path, tmp_path: Path) -> None:
    assert said("main", "net.yaml") == "there is no net.yaml at main; did you mean main:models/net.yaml?"
    assert "did you mean main:models/net.yaml?" in said("main", "models/nets.yaml")
    assert "`git ls-tree -r --name-only main` lists its files" in said("main", "quite/another")
    assert "models is no file at main" in said("main", "models")
    assert "is outside of the repository" in said("main", str(tmp_path / "x.yaml"))
    assert "is outside of the repository" in said("main", "../x.yaml")


@needs_git
def test_a_file_that_was_renamed(repository: Path) -> None:
    run(repository, "mv", "models/net.yaml", "models/better.yaml")
    assert "it was called models/net.yaml there: wide:models/net.yaml" in said("wide", "models/better.yaml")
    assert revisions.find_old_path("wide", "models/better.yaml") == "models/net.yaml"
    assert revisions.find_old_path("wide", "models/net.yaml") is None


@needs_git
def test_a_link_is_followed(repository: Path) -> None:
    Path("link.yaml").symlink_to("models/net.yaml")
    Path("round.yaml").symlink_to("round.yaml")
    commit(repository)
    assert revisions.read_file("HEAD", "link.yaml") == WIDER.encode()
    assert "leads round" in said("HEAD", "round.yaml")
    names = ["link.yaml", "models/net.yaml", "models", "nothing"]
    assert revisions.read_files("HEAD", names) == dict.fromkeys(names[:2], WIDER.encode())
    assert revisions.read_files("main", names) == {"models/net.yaml": NET.encode()}


@needs_git
def test_large_files(repository: Path) -> None:
    oid = hashlib.sha256(NET.encode()).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(NET)}\n"
    Path("models/net.yaml").write_text(pointer, encoding="utf-8")
    commit(repository)
    assert "kept by Git LFS and is not here; git lfs fetch --all" in said("HEAD")
    kept = repository / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    kept.parent.mkdir(parents=True)
    kept.write_text(NET, encoding="utf-8")
    assert revisions.read_file("HEAD", "models/net.yaml") == NET.encode()


@needs_git
def test_all_files_of_a_revision(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("größe x.yaml").touch()
    commit(repository)
    monkeypatch.chdir("models")
    assert set(revisions.list_files("HEAD")) == {"größe x.yaml", "models/net.yaml"}
    assert revisions.list_files("main") == ("models/net.yaml",)
    assert revisions.repository_path("net.yaml") == "models/net.yaml"
