"""costcalc history: figures of each revision, from git's objects alone; badge: what stands in a README."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.cli import call
from support.repository import NET, begin, commit, git

import costcalc
import costcalc.studies.history as study
from costcalc.views.json_schema import find_schema

MACS = 3 * 4 * 3 * 3 * 6 * 6  # of NET: 3×3 filters on 8×8 without padding
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 1234\n".format("ab" * 32)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """first, wider, broken, LFS, back to the first content, moved to models/, not committed."""
    folder = begin(tmp_path / "repo", monkeypatch)
    monkeypatch.chdir(folder)
    for subject, text in {
        "first": NET,
        "wider": NET.replace("4", "8"),
        "broken": "layers: [",
        "LFS": POINTER,
        "back": NET,
    }.items():
        (folder / "net.yaml").write_text(text)
        commit(folder, subject)
    (folder / "models").mkdir()
    git(folder, "mv", "net.yaml", "models/net.yaml")
    commit(folder, "moved")
    (folder / "models/net.yaml").write_text("not a model at all")
    return folder


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def document(text: str) -> dict[str, Any]:
    content = json.loads(text)
    jsonschema.Draft202012Validator(find_schema("history")).validate(content)
    found: dict[str, Any] = content["history"]
    return found


def test_every_revision_and_what_cannot_be_read(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "history", "models/net.yaml", "--format", "csv")
    assert (code, err) == (0, "")
    found = rows(out)
    assert [row["subject"] for row in found] == ["moved", "back", "LFS", "broken", "wider", "first"]
    assert [row["macs"] for row in found] == [str(MACS), str(MACS), "", "", str(2 * MACS), str(MACS)]
    assert [row["change"] for row in found] == ["0.0", "-0.5", "", "", "1.0", ""], "of the nearest that has a figure"
    assert [row["path"] for row in found] == ["models/net.yaml", *["net.yaml"] * 5]
    assert "kept by Git LFS" in found[2]["error"] and "not YAML" in found[3]["error"]
    assert found[0]["revision"] == git(repository, "rev-parse", "HEAD")
    code, out, err = call(capsys, "history", "models/net.yaml")
    assert code == 0 and re.search(r"Not read +[0-9a-f]{9} \(\d{4}-\d\d-\d\d\): net.yaml: its content is kept by", out)
    assert re.search(r"Renamed +[0-9a-f]{9} \(.*\): net.yaml → models/net.yaml", out)
    assert (repository / "models/net.yaml").read_text() == "not a model at all", "the working tree is left alone"


def test_each_content_is_analysed_once(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs: list[str] = []
    measure = study.measure_content

    def counted(content: study.RevisionContent, raise_crashes: bool = False) -> study.ContentFigures:
        blobs.append(content.blob)
        return measure(content, raise_crashes)

    monkeypatch.setattr(study, "measure_content", counted)
    code, out, _ = call(capsys, "history", "models/net.yaml", "--format", "json")
    (model,) = document(out)["models"]
    assert code == 0 and len(model["revisions"]) == 6
    assert len(blobs) == len(set(blobs)) == model["contents"] == 4
    assert [entry["error"] is None for entry in model["revisions"]] == [True, True, False, False, True, True]
    assert model["revisions"][0]["renamed_from"] == "net.yaml"
    assert model["revisions"][2]["figures"] is None, "an unknown is no 0"


def test_settings_quantities_limits_and_processes(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["history", "models/net.yaml", "--dim", "N=2", "--columns", "macs,time.t4", "--limit", "2", "--jobs", "2"]
    code, out, _ = call(capsys, *words, "--format", "json")
    (model,) = document(out)["models"]
    assert (code, model["omitted"], model["quantities"]) == (0, 4, ["macs", "time.t4"])
    assert [entry["figures"]["macs"] for entry in model["revisions"]] == [2 * MACS, 2 * MACS]
    assert model["revisions"][0]["certainty"] == {"time.t4": "lower"}
    assert "4 older revisions (--limit)" in call(capsys, *words)[1]
    code, _, err = call(capsys, "history", "models/net.yaml", "--dim", "nonsense=2")
    assert code == 2 and "nonsense" in err
    code, out, err = call(capsys, "history", "models/net.yaml", "--since", "HEAD")
    assert code == 0 and "no revision since HEAD" in err
    code, out, err = call(capsys, "history", "models/net.yaml", "--rev", "HEAD~2", "--columns", "nonsense")
    assert code == 2 and "there is no quantity 'nonsense'" in err


def test_the_models_of_a_config(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "models/new.yaml").write_text(NET)
    config = "models:\n  - path: models/*.yaml\n    scenarios: {one: {}, two: {dims: {N: 2}}}\n  - lenet5\n"
    (repository / "costcalc.yaml").write_text(config)
    code, out, err = call(capsys, "history", "--format", "json")
    models = document(out)["models"]
    assert code == 2 and "models/new.yaml (one): git knows no models/new.yaml up to HEAD" in err
    macs = {model["name"]: [e["figures"]["macs"] for e in model["revisions"] if e["figures"]] for model in models}
    assert macs["models/net.yaml (one)"] == [MACS, MACS, 2 * MACS, MACS]
    assert macs["models/net.yaml (two)"] == [2 * MACS, 2 * MACS, 4 * MACS, 2 * MACS]
    code, _, err = call(capsys, "history", "--dim", "N=2")
    assert code == 2 and "write it there, or name a model" in err


def test_the_function_saves_what_the_command_prints(
    repository: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    result = costcalc.history("models/net.yaml")
    for ending, form in {"json": "json", "csv": "csv", "html": "html", "md": "markdown", "txt": "table"}.items():
        file = tmp_path / f"saved.{ending}"
        result.save(file)
        call(capsys, "history", "models/net.yaml", "--format", form, "-o", str(tmp_path / "printed"))
        assert file.read_text(encoding="utf-8") == (tmp_path / "printed").read_text(encoding="utf-8"), form
    assert [model["name"] for model in result.to_dict()["models"]] == ["models/net.yaml"]
    assert [table.title for table in result.tables()] == ["models/net.yaml"]


def test_the_revisions_as_a_data_frame(repository: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    (repository / "other.yaml").write_text(NET)
    commit(repository, "another model")
    frame = costcalc.history("models/net.yaml", "other.yaml").to_pandas()
    assert list(frame["model"]) == ["models/net.yaml"] * (len(frame) - 1) + ["other.yaml"]
    assert str(frame["macs"].dtype) == "Int64"
    assert list(frame["macs"].dropna())[-2:] == [MACS, MACS] and frame["macs"].isna().sum() == 3


def test_a_group_of_the_config(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "other.yaml").write_text(NET)
    commit(repository, "another model, and the working tree's text")
    git(repository, "checkout", "-q", "HEAD~1", "models/net.yaml")
    groups = "{a: {models: [models/net.yaml], limits: {macs: 1}}, b: {models: [other.yaml], limits: {macs: 1G}}}"
    (repository / "costcalc.yaml").write_text(f"groups: {groups}\n")
    code, out, _ = call(capsys, "history", "--group", "b", "--format", "json")
    assert code == 0 and [model["path"] for model in document(out)["models"]] == ["other.yaml"]
    messages = [json.loads(call(capsys, "badge", "--group", group, "--format", "json")[1])["message"] for group in "ab"]
    assert messages == ["1 of 1 limit is exceeded", "the limit is kept"]
    assert call(capsys, "history", "--group", "c")[0] == call(capsys, "badge", "--group", "c")[0] == 2


@pytest.mark.parametrize("word", ["lenet5", "hf:org/name", "-", "missing.yaml"])
def test_what_is_no_file_of_the_repository(repository: Path, capsys: pytest.CaptureFixture[str], word: str) -> None:
    code, out, err = call(capsys, "history", word)
    assert (code, out) == (2, "") and err.startswith("costcalc: ")


def test_no_revision_can_be_read(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "bad.yaml").write_text("layers: [")
    commit(repository, "bad")
    assert call(capsys, "history", "bad.yaml")[0] == 2


def test_a_model_that_was_removed_is_an_answer(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repository, "rm", "-q", "-f", "models/net.yaml")
    commit(repository, "removed")
    code, out, err = call(capsys, "history", "models/net.yaml", "--limit", "1")
    assert (code, err) == (0, "") and "Removed" in out
    assert call(capsys, "history", "models/net.yaml", "--since", "HEAD~1")[0] == 0


def test_the_config_of_another_repository(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from a folder that is in no repository, and from a file's own folder, where the repository's top has one of
    the same name."""
    git(repository, "checkout", "-q", "models/net.yaml")
    (repository / "net.yaml").write_text(NET.replace("4", "16"))
    (repository / "models/costcalc.yaml").write_text("models: [net.yaml]\nlimits: {macs: 1G}\n")
    commit(repository, "a config, and a file of the same name")
    for folder, words in {
        repository.parent: ["--config", "repo/models/costcalc.yaml"],
        repository / "models": [],
    }.items():
        monkeypatch.chdir(folder)
        code, out, err = call(capsys, "history", *words, "--format", "json")
        assert (code, err) == (0, "")
        (model,) = document(out)["models"]
        assert [entry["subject"] for entry in model["revisions"]][:2] == ["moved", "back"], folder
    code, out, _ = call(capsys, "history", "--config", "costcalc.yaml", "--limit", "1", "--format", "csv")
    assert code == 0 and rows(out)[0]["path"] == "models/net.yaml"


def test_a_shallow_clone_says_so(repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    git(repository.parent, "clone", "-q", "--depth", "2", f"file://{repository}", "clone")
    monkeypatch.chdir(repository.parent / "clone")
    code, out, _ = call(capsys, "history", "models/net.yaml")
    assert code == 0 and "this clone is shallow: `git fetch --unshallow`" in " ".join(out.split())


def test_the_page_has_a_trend_line_and_no_script(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repository, "checkout", "-q", "models/net.yaml")
    (repository / "models/net.yaml").write_text(NET + "  - relu\n")
    commit(repository, "<script>alert(1)</script>")
    code, out, _ = call(capsys, "history", "models/net.yaml", "--format", "html")
    assert code == 0 and "<script" not in out and "&lt;script&gt;" in out
    assert out.count("<svg") == 4 and out.count('class="point"') == 4 * 5 and out.count('class="gap"') == 4 * 2
    (path,) = re.findall(r'class="edge" d="([^"]+)"', out[: out.index("</svg>")])
    assert path.count("M") == 4, "the line goes over the revisions that have no figure"
    assert "http://" not in out and "https://" not in out.replace("git-lfs", "")


@pytest.mark.parametrize(
    ("words", "message", "color"),
    [
        (["mobilenet"], "569 M", "blue"),
        (["mobilenet", "--quantity", "weight_bytes"], "16.2 MiB", "blue"),
        (["lenet5", "--quantity", "time.t4"], "≥ 24.0 ns", "blue"),
        (["lenet5", "--quantity", "fits.stm32h743"], "yes", "brightgreen"),
        (["mobilenet", "--quantity", "fits.stm32h743"], "no", "red"),
    ],
)
def test_a_badge_of_a_total(
    words: list[str], message: str, color: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = call(capsys, "badge", *words, "--format", "json")
    badge = json.loads(out)
    assert (code, badge["schemaVersion"], badge["message"], badge["color"]) == (0, 1, message, color)
    assert badge.get("isError", False) == (color == "red") and badge["label"]
    file = tmp_path / "badge.svg"
    assert call(capsys, "badge", *words, "-o", str(file), "--label", "a <b> & c")[0] == 0
    text = file.read_text(encoding="utf-8")
    assert f"a &lt;b&gt; &amp; c: {message}</title>" in text and "<b>" not in text


@pytest.mark.parametrize(
    ("config", "message", "color"),
    [
        (f"models: [models/net.yaml]\nlimits: {{macs: {MACS}}}\n", "the limit is kept", "brightgreen"),
        (f"models: [models/net.yaml]\nlimits: {{macs: {MACS - 1}}}\n", "1 of 1 limit is exceeded", "red"),
        ("models: [missing.yaml]\nlimits: {macs: 1}\n", "1 of 1 limit cannot be told", "lightgrey"),
        (f"models: [models/net.yaml]\nlimits: {{macs: {MACS - 1}}}\nwarn: [CC001]\n", "0 of 1 limit", "yellow"),
    ],
)
def test_a_badge_of_a_verdict(
    config: str, message: str, color: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "checkout", "-q", "models/net.yaml")
    (repository / "costcalc.yaml").write_text(config)
    code, out, _ = call(capsys, "badge", "--format", "json")
    badge = json.loads(out)
    assert (code, badge["label"], badge["color"]) == (0, "costcalc", color)
    assert badge["message"].startswith(message)


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["gpt2"], "macs depends on seq"),
        (["lenet5", "--quantity", "nonsense"], "no quantity 'nonsense'"),
        (["lenet5", "--quantity", "time", "--hardware", "t4,a100"], "is of several devices"),
        (["lenet5", "--config", "x.yaml"], "of a MODEL or of a config"),
    ],
)
def test_no_badge(words: list[str], fact: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "badge", *words)
    assert (code, out) == (2, "") and fact in err


def test_a_link_to_a_model(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its figures are those of the model in the tree; out of it nothing is read, and the command says so."""
    git(repository, "checkout", "-q", "--", ".")
    (repository / "link.yaml").symlink_to("models/net.yaml")
    (repository / "out.yaml").symlink_to("/etc/hostname")
    commit(repository, "links")
    document = json.loads(call(capsys, "history", "link.yaml", "--format", "json")[1])
    (revision,) = document["history"]["models"][0]["revisions"]
    assert revision["figures"]["macs"] > 0 and not revision["removed"]
    code, out, _ = call(capsys, "history", "out.yaml")
    assert code == 2 and "leads out of the repository" in out.replace("\n           ", " ")
