"""Entry points of installed packages, without importlib.metadata where no package names the group."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.distributions import install
from support.paths import ROOT

ASK = """
import sys
from costcalc.core.entry_points import find_entry_points
print([entry.value for entry in find_entry_points("costcalc.rules")], "importlib.metadata" in sys.modules)
"""


def ask(*folders: Path) -> str:
    """What a process without site-packages finds behind these folders of sys.path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*folders, ROOT)))}
    command = [sys.executable, "-S", "-c", ASK]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout.strip()


def test_packages_of_other_groups_are_not_asked_further(tmp_path: Path) -> None:
    install(tmp_path, "other", "", "console_scripts", "other:main")
    (tmp_path / "bare-2.0.dist-info").mkdir()
    (tmp_path / "old-2.0.egg-info").write_text("Name: old", encoding="utf-8")
    assert ask(tmp_path, tmp_path / "absent") == "[] False"


def test_a_package_of_the_group(tmp_path: Path) -> None:
    install(tmp_path, "acme", "", "costcalc.rules", "acme:rules")
    assert ask(tmp_path) == "['acme:rules'] True"


def test_an_archive_may_hold_such_a_package(tmp_path: Path) -> None:
    archive = tmp_path / "packages.zip"
    archive.write_bytes(b"PK\x05\x06" + bytes(18))
    assert ask(archive) == "[] True"
