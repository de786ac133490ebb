"""Git repositories in temporary folders, for tests; their identity and settings are their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")

SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CEILING_DIRECTORIES": "/",
}


def git(folder: Path, *args: str) -> str:
    """Runs git in a folder and gives back what it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | SETTINGS
    done = subprocess.run(["git", *args], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def begin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository on the branch main; no variable of the environment points git to another one."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def commit(folder: Path, message: str = "change") -> str:
    """Commits all that is there."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, bias: false}\n"
WIDER = NET.replace("4", "8")


def two_branches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that is the working directory: main has NET as models/net.yaml, the branch wide, which is checked
    out, has it WIDER."""
    begin(folder, monkeypatch)
    (folder / "models").mkdir()
    (folder / "models" / "net.yaml").write_text(NET, encoding="utf-8")
    commit(folder)
    git(folder, "switch", "-q", "-c", "wide")
    (folder / "models" / "net.yaml").write_text(WIDER, encoding="utf-8")
    commit(folder)
    monkeypatch.chdir(folder)
    return folder
