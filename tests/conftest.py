"""Fixtures of all tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.paths import GOLD


@pytest.fixture
def gold() -> Callable[[str, str], None]:
    """Compares a text with tests/gold/NAME; COSTCALC_GOLD=1 (make gold) writes it instead."""

    def compare(name: str, text: str) -> None:
        path = GOLD / name
        if os.environ.get("COSTCALC_GOLD"):
            path.write_text(text + "\n", encoding="utf-8")
        assert path.exists(), f"{path} does not exist: run `make gold` and read it"
        assert text + "\n" == path.read_text(encoding="utf-8"), f"{name} differs: run `make gold` if that is meant"

    return compare


@pytest.fixture
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither colours nor a width are asked for by the environment."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, the root of a repository, with no format asked by the environment."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COSTCALC_FORMAT", raising=False)
    return tmp_path


settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
