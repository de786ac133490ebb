"""`costcalc lock` and `--check`: what is written, what would change, and the exit codes."""

import json
from pathlib import Path

import onnx
import pytest
from support.cli import call

import costcalc

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, bias: false}\n  - as: head\n    flatten:\n"
WIDER = NET.replace("4", "8")
CONFIG = "models:\n  - path: models/*.yaml\n    scenarios: {batch1: , batch8: {dims: {N: 8}}}\n  - lenet5\n"
LOCK = "costcalc.lock.json"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.yaml").write_text(NET, encoding="utf-8")
    (tmp_path / "costcalc.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lock(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    return call(capsys, "lock", *args)


def test_it_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert lock(capsys, "--check") == (1, f"{LOCK} does not exist; `costcalc lock` writes it\n", "")
    assert not Path(LOCK).exists()
    assert lock(capsys) == (0, f"{LOCK} is written; commit it\n", "")
    written = Path(LOCK).read_bytes()
    assert list(json.loads(written)["models"]) == ["lenet5", "models/net.yaml"]
    assert list(json.loads(written)["models"]["models/net.yaml"]) == ["batch1", "batch8"]
    assert lock(capsys) == lock(capsys, "--check") == (0, f"{LOCK} is up to date\n", "")
    assert Path(LOCK).read_bytes() == written


def test_it_is_the_same_from_another_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(capsys)
    written = Path(LOCK).read_bytes()
    monkeypatch.chdir("models")
    assert lock(capsys, "--check")[0] == 0
    assert lock(capsys, "--config", "../costcalc.yaml", "-o", "here.json")[0] == 0
    assert Path("here.json").read_bytes() == written


def test_what_would_change_is_told_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    lock(capsys)
    old = Path(LOCK).read_bytes()
    Path("models/net.yaml").write_text(WIDER, encoding="utf-8")
    code, out, _ = lock(capsys, "--check")
    assert code == 1
    assert f"  models/net.yaml (batch1): macs {6 * 6 * 4 * 27:,} → {6 * 6 * 8 * 27:,}\n" in out
    assert f"  models/net.yaml (batch8): macs {8 * 6 * 6 * 4 * 27:,} → {8 * 6 * 6 * 8 * 27:,}\n" in out
    assert "lenet5" not in out
    assert Path(LOCK).read_bytes() == old
    assert lock(capsys, "--check", "lenet5")[0] == 0


def test_only_the_named_models_are_written_anew(capsys: pytest.CaptureFixture[str]) -> None:
    lock(capsys)
    Path("models/net.yaml").write_text(WIDER, encoding="utf-8")
    assert lock(capsys, "lenet5")[:2] == (0, f"{LOCK} is up to date\n")
    assert lock(capsys, "models/net.yaml")[0] == 0
    assert lock(capsys, "--check")[0] == 0


def test_an_old_version_stays_while_no_figure_changes(capsys: pytest.CaptureFixture[str]) -> None:
    lock(capsys)
    older = Path(LOCK).read_text(encoding="utf-8").replace('"costcalc": "', '"costcalc": "0.0.', 1)
    Path(LOCK).write_bytes(older.replace("\n", "\r\n").encode())
    assert lock(capsys)[1] == f"{LOCK} is up to date\n"
    Path(LOCK).write_text(json.dumps(json.loads(older)), encoding="utf-8")
    assert lock(capsys, "--check")[:2] == (1, f"{LOCK} would change; `costcalc lock` writes it\n")
    lock(capsys)
    assert Path(LOCK).read_text(encoding="utf-8") == older


def test_a_model_that_cannot_be_read_is_2_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    Path("models/net.yaml").write_text(NET + "  - nonsense\n", encoding="utf-8")
    code, out, err = lock(capsys)
    assert (code, out, Path(LOCK).exists()) == (2, "", False)
    assert "models/net.yaml:7:5" in err
    assert f"{LOCK} is left as it is" in err


def test_an_operator_without_a_rule_is_locked_as_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    text = '<ir_version: 8, opset_import: ["": 17, "acme": 1]> g (float[1, 4] x) => (y) { y = acme.Mystery(x) }'
    Path("odd.onnx").write_bytes(onnx.parser.parse_model(text).SerializeToString())
    Path("costcalc.yaml").write_text("models: [odd.onnx]\n", encoding="utf-8")
    code, _, err = lock(capsys)
    assert (code, err) == (0, "costcalc: odd.onnx: operators without a rule are locked as not known\n")
    entry = json.loads(Path(LOCK).read_text(encoding="utf-8"))["models"]["odd.onnx"][""]
    assert entry["unknown"] == {"acme:Mystery": 1}
    assert entry["layers"][0]["macs"] is None


def test_a_conflict_is_mended_by_writing_anew(capsys: pytest.CaptureFixture[str]) -> None:
    lock(capsys)
    good = Path(LOCK).read_text(encoding="utf-8")
    Path(LOCK).write_text(f"<<<<<<< HEAD\n{good}=======\n>>>>>>> branch\n", encoding="utf-8")
    code, _, err = lock(capsys, "--check")
    assert code == 2 and "a merge left its conflict" in err
    assert lock(capsys, "lenet5")[0] == 2
    assert lock(capsys)[0] == 0
    assert Path(LOCK).read_text(encoding="utf-8") == good


def test_a_file_of_something_else_is_not_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("models/net.yaml", NET), ("package.json", '{"name": "x"}')):
        Path(name).write_text(content, encoding="utf-8")
        code, _, err = lock(capsys, "-o", name)
        assert code == 2 and "it is no lock file of costcalc" in err
        assert Path(name).read_text(encoding="utf-8") == content
    code, _, err = lock(capsys, "-o", "nowhere/x.json")
    assert code == 2 and "cannot be written" in err


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    lock(capsys)
    code, out, _ = lock(capsys, "-o", "-")
    assert code == 0 and out == Path(LOCK).read_text(encoding="utf-8")


def test_what_names_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "has no model 'nett'" in lock(capsys, "nett")[2]
    assert "nope.yaml: there is no such config" in lock(capsys, "--config", "nope.yaml")[2]
    Path("empty/.git").mkdir(parents=True)
    monkeypatch.chdir("empty")
    code, _, err = lock(capsys)
    assert code == 2 and "there is no costcalc.yaml here or further up" in err


def test_a_file_that_cannot_be_read_is_no_bug(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lock(capsys)[0] == 0
    whole = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == LOCK:
            raise PermissionError(13, "Permission denied", path.name)
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    for args in ((), ("--check",)):
        code, _, err = lock(capsys, *args)
        assert (code, err.splitlines()) == (
            2,
            [f"costcalc: {LOCK} cannot be read: Permission denied; check the path and its permissions"],
        )


def test_an_arena_that_the_settings_ask_for_is_locked_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    """With an alignment the arena is locked among the figures, as any quantity beside the totals."""
    Path("costcalc.yaml").write_text(
        "models:\n- path: lenet5\n  execution: {align: 64}\n  max_increase: {arena_bytes: 0%}\n"
    )
    lock(capsys)
    arena = costcalc.analyze("lenet5", execution={"align": 64}).totals["arena_bytes"]
    assert json.loads(Path(LOCK).read_text())["models"]["lenet5"][""]["figures"]["arena_bytes"] == {"value": arena}
    code, out, _ = call(capsys, "check", "--format", "json")
    (verdict,) = json.loads(out)["models"][0]["verdicts"]
    assert (code, verdict["quantity"], verdict["outcome"]) == (0, "arena_bytes increase", "kept")


def test_without_a_config_the_named_models_are_locked_under_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path / "models")
    (tmp_path / "costcalc.yaml").unlink()
    settings = ("--fuse", "--align", "16", "--hardware", "t4")
    assert lock(capsys, "net.yaml", *settings)[0] == 0
    entry = json.loads(Path(LOCK).read_text(encoding="utf-8"))["models"]["net.yaml"][""]
    assert entry["settings"] == {"execution": {"fuse": True, "align": 16}, "devices": ["t4"]}
    assert set(entry["figures"]) == {"arena_bytes", "time.t4"}, "no energy of the device was measured"
    limits = ("--max-increase", "arena_bytes=0", "--max-increase", "time.t4=0", "--baseline", LOCK)
    assert call(capsys, "check", "net.yaml", *limits, *settings)[0] == 0
    Path("net.yaml").write_text(WIDER, encoding="utf-8")
    code, out, _ = call(capsys, "check", "net.yaml", *limits, *settings)
    assert code == 1 and "arena_bytes increase" in out and "time t4 increase" in out


def test_settings_beside_a_config_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = lock(capsys, "--fuse")
    assert code == 2 and "--fuse does not go with the config" in err and "write it there" in err


def test_what_was_written_is_told_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    """A model that `lock` has just locked is not told as one that is not locked yet; `--check` changes nothing."""
    Path("costcalc.yaml").write_text("models: ['models/*.yaml']\n", encoding="utf-8")
    lock(capsys)
    Path("models/net.yaml").rename("models/other.yaml")
    missing = lock(capsys, "--check")[1]
    assert "models/other.yaml: it is not locked yet" in missing
    assert "models/net.yaml: it is locked, but no longer a model of the config" in missing
    code, out, _ = lock(capsys)
    assert code == 0 and "not locked yet" not in out and "it is locked, but" not in out
    assert "models/other.yaml: it is locked for the first time" in out
    assert "models/net.yaml: it is locked no more, for it is no longer a model of the config" in out
    assert lock(capsys, "--check")[0] == 0
