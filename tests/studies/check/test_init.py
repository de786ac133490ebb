"""`check --init` writes a config that the models as they are keep to, whatever the slack."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from support.cli import call, run
from support.small_models import BROKEN, MACS, NET, TEXT, WIDER, mystery, write

import costcalc


@pytest.mark.parametrize("slack", ["0%", "25%", "0.001%"])
def test_the_models_as_they_are_always_pass_and_dearer_ones_do_not(
    here: Path, slack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(here, models__a_yaml=NET, models__deep__b_yaml=NET, models__config_yaml="key: value")
    write(here, node_modules__c_yaml=NET)
    assert run(["check", "--init", "--slack", slack]) == 0
    assert [model.model for model in costcalc.check().models] == ["models/a.yaml", "models/deep/b.yaml"]
    (most,) = [v.limit for v in costcalc.check(None, "models/a.yaml").verdicts if v.quantity == "macs"]
    assert isinstance(most, int) and MACS * (1 + Fraction(slack[:-1]) / 100) <= most <= MACS * Fraction(127, 100)
    assert "# now 4,000" in (here / "costcalc.yaml").read_text()
    assert run(["check"]) == 0
    write(here, models__a_yaml=NET.replace("filters: 2", "filters: 20"))
    assert run(["check"]) == 1


def test_an_existing_config_is_only_overwritten_by_force(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, a_yaml=NET, b_yaml=WIDER, costcalc_yaml="mine")
    assert run(["check", "--init", "a.yaml"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (here / "costcalc.yaml").read_text() == "mine"
    assert run(["check", "--init", "a.yaml", "mobilenet", "--force", "--dim", "N=2"]) == 0
    first, second = yaml.safe_load((here / "costcalc.yaml").read_text(encoding="utf-8"))["models"]
    assert (first["path"], second["path"], first["dims"]) == ("a.yaml", "mobilenet", {"N": 2})
    assert run(["check"]) == 0
    assert run(["check", "--init", "b.yaml", "--config", "sub.yaml"]) == 0
    assert run(["check", "--config", "sub.yaml"]) == 0


def test_what_cannot_be_read_or_limited_is_written_as_a_comment(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, broken_yaml=BROKEN.replace("as: head", "as: head\n"), text_yaml=TEXT)
    mystery(here / "a b.onnx")
    assert run(["check", "--init"]) == 2
    printed = capsys.readouterr()
    assert "broken.yaml: cannot be read" in printed.err
    assert "limits of 2 of 3 models; hold them" in printed.out
    gaps = [line.rpartition(": ")[::2] for line in printed.out.splitlines()[1:]]
    assert [(gap.split(",")[0].strip(), names) for gap, names in gaps] == [
        ("without limits", "broken.yaml"),
        ("without some limits", "text.yaml"),
        ("with lower bounds only", "a b.onnx"),
    ]
    text = (here / "costcalc.yaml").read_text()
    assert '- path: "a b.onnx"' in text and '# allow: ["com.acme:Mystery"]' in text
    assert "dims: {seq: 128}" in text
    assert run(["check", "text.yaml"]) == 0
    assert run(["check", "a b.onnx"]) == 2, "an unknown operator is never allowed unasked"


def test_nothing_to_write(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--init"]) == 2
    assert "there is no .onnx or .yaml model here" in capsys.readouterr().err
    assert run(["check", "--init", "--config", "pyproject.toml"]) == 2
    assert run(["check", "--init", "--max", "macs=1", "mobilenet"]) == 2
    for option, value in (("--output", "verdict.csv"), ("--format", "json")):
        assert run(["check", "--init", option, value]) == 2
        assert f"{option} does not go with --init" in capsys.readouterr().err


def test_a_glob_stands_for_the_closed_models_of_a_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One with open symbols, of which all are named, or one that is broken, is the glob's exception."""
    files = {f"m/net{i}.yaml": "input: [N, 4]\nlayers:\n  - linear: {units: 8}\n" for i in range(5)}
    files["m/open.yaml"] = "input: {a: [N, seq, 4], b: [N, cache, 4]}\nlayers:\n  - concat: {from: [a, b], axis: 1}\n"
    files["m/nested/costcalc.yaml"] = "models: ['*.yaml']\nlimits: {macs: 1M}\n"
    files["m/nested/inner.yaml"] = files["m/net0.yaml"]
    for name, text in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text, encoding="utf-8")
    assert call(capsys, "check", "--init")[0] == 0
    text = (here / "costcalc.yaml").read_text(encoding="utf-8")
    assert "m/*.yaml" in text and "m/open.yaml" in text and "net3" not in text and "inner" not in text
    assert "dims: {seq: 128, cache: 128}" in text or "dims: {cache: 128, seq: 128}" in text
    code, out, _ = call(capsys, "check")
    assert code == 0 and "CC30" not in out
    bound = text.replace("# Bind its symbols, so that all of it can be held: ", "")
    (here / "costcalc.yaml").write_text(bound, encoding="utf-8")
    code, out, _ = call(capsys, "check")
    assert code == 0 and "open" in out


def test_a_config_of_models_that_cannot_be_read_is_told_as_one_without_limits(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pointer of Git LFS alone: nothing is held, and no line says that something is."""
    (here / "net.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "utf-8")
    code, out, err = call(capsys, "check", "--init")
    assert (code, "no model has limits in it yet" in out, "limits of" in out) == (2, True, False)
    assert "(until then the check exits 2): net.onnx" in out and "git lfs pull" in err


@pytest.mark.parametrize("folder", ["é", "模型", "a b", 'q"uote', "tab\there", "tag\U000e0041"])
def test_paths_are_written_as_they_are(here: Path, folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Letters of all languages stay what they are, in the config's entries and in its ignores; what is not printable
    is escaped; both are read as the path that was written."""
    (here / folder).mkdir()
    (here / folder / "net.yaml").write_text(NET, encoding="utf-8")
    assert call(capsys, "check", "--init")[0] == 0
    config = here / "costcalc.yaml"
    config.write_text(config.read_text("utf-8").replace("limits:", "limits: {flops: 1}  #").replace("      ", "  # "))
    assert call(capsys, "check", "--add-ignores", "--until", "2999-01")[0] == 0
    text = config.read_text("utf-8")
    assert call(capsys, "check")[0] == 0
    assert text.count(f"{folder}/net.yaml") == (2 if folder in ("é", "模型", "a b") else 0)
    assert "\t" not in text and "\U000e0041" not in text
    assert yaml.safe_load(text)["models"][0]["path"] == f"{folder}/net.yaml"
