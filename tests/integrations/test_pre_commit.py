"""The pre-commit hooks, run by pre-commit itself in a repository of their own. One test, for it installs costcalc."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.package_copy import copy, skip_without_index
from support.paths import ROOT
from support.repository import commit, git

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n"
CONFIG = "models: [net.yaml]\nlimits: {macs: 1k}\nmax_increase: 300%\n"
README = "<!-- costcalc:table net.yaml --columns name,macs -->\n<!-- /costcalc:table -->\n"


def pre_commit(folder: Path, *words: str) -> tuple[int, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "PRE_COMMIT_HOME": str(folder.parent / "home"), "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", *words], cwd=folder, env=env, text=True, capture_output=True
    )
    return done.returncode, done.stdout + done.stderr


def test_the_manifest_is_valid() -> None:
    code, output = pre_commit(ROOT, "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"))
    assert code == 0, output


def test_the_hooks(tmp_path: Path) -> None:
    hooks = copy(tmp_path / "costcalc")
    mine = tmp_path / "mine"
    mine.mkdir()
    listed = "\n".join(f"      - id: costcalc-{name}" for name in ("lock", "check", "table"))
    (mine / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hooks}\n    rev: {git(hooks, 'rev-parse', 'HEAD')}\n    hooks:\n{listed}\n"
    )
    (mine / "net.yaml").write_text(NET)
    (mine / "costcalc.yaml").write_text(CONFIG)
    (mine / "README.md").write_text(README)
    subprocess.run(["git", "init", "--quiet"], cwd=mine, check=True)
    commit(mine)

    code, output = pre_commit(mine, "install-hooks")
    if code:
        skip_without_index(output)
    assert code == 0, output
    code, output = pre_commit(mine, "run", "--all-files")
    assert code == 1 and output.count("files were modified by this hook") == 1, output
    assert "| Net | 768 |" in (mine / "README.md").read_text() and (mine / "costcalc.lock.json").exists()
    commit(mine)
    code, output = pre_commit(mine, "run", "--all-files")
    assert code == 0 and output.count("Passed") == 3, output

    (mine / "net.yaml").write_text(NET.replace("filters: 4", "filters: 8"))
    commit(mine)
    code, output = pre_commit(mine, "run", "costcalc-check", "--files", "net.yaml")
    assert code == 1 and "exceeded by 536" in output, output  # 3 · 8 · 8 · 8 = 1,536 of 1,000
    code, output = pre_commit(mine, "run", "costcalc-table", "--files", "net.yaml")
    assert code == 1 and "| Net | 1,536 |" in (mine / "README.md").read_text(), "a changed model makes a table stale"
    code, output = pre_commit(mine, "run", "costcalc-check", "--files", "README.md")
    assert code == 0 and "Skipped" in output, output
    code, output = pre_commit(mine, "run", "costcalc-lock", "--files", "net.yaml")
    assert code == 1 and "files were modified by this hook" in output, output
