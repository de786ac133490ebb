"""The bytes of a model file as notes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from costcalc.views import flash


@pytest.mark.parametrize(("stripped", "said"), [(444, "about 444 bytes without"), (2048, "2,048 bytes (2.00 KiB)")])
def test_a_size_is_said_once_where_its_unit_is_the_byte(
    stripped: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = SimpleNamespace(
        constants=(), scale_bytes=0, structure_bytes=8, external_bytes=0, file_bytes=3000, stripped_bytes=stripped
    )
    use.strippable = {"metadata": 8}
    monkeypatch.setattr(flash, "measure_flash", lambda _: use)
    model: Any = None
    assert any(said in note.text for note in flash.file_notes(model))
