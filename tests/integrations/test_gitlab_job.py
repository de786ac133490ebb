"""The GitLab job: valid by GitLab's published schema, and its script writes the reports that it names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from support.paths import ROOT, SCHEMAS

NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n"


def job() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "ci/gitlab/costcalc.gitlab-ci.yml").read_text(encoding="utf-8"))
    return found


def test_it_is_valid() -> None:
    schema = json.loads((SCHEMAS / "gitlab-ci.json").read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.validate(job())
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"costcalc": {**job()["costcalc"], "artifacts": {"when": "sometimes"}}})


@pytest.mark.parametrize(("limit", "code"), [(768, 0), (767, 1)])
def test_its_script_writes_the_reports(limit: int, code: int, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    (tmp_path / "costcalc.yaml").write_text(f"models: [net.yaml]\nlimits: {{macs: {limit}}}\n")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = job()["costcalc"]["variables"]
    script = "\n".join(job()["costcalc"]["script"])
    env = {
        **os.environ,
        "PATH": path,
        **variables,
        "COSTCALC_ARGS": "--jobs 2 net.yaml",
        "CI_PROJECT_DIR": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=tmp_path, env=env, text=True, capture_output=True
    )
    assert done.returncode == code, done.stderr
    reports = job()["costcalc"]["artifacts"]["reports"]
    entries = json.loads((tmp_path / reports["codequality"]).read_text(encoding="utf-8"))
    assert [entry["location"]["path"] for entry in entries] == ["net.yaml"] * code
    assert len(list(ElementTree.parse(tmp_path / reports["junit"]).iter("failure"))) == code
    assert all((tmp_path / name).exists() for name in job()["costcalc"]["artifacts"]["paths"])
