"""docs/reference/ against the code: each page is what its writer makes now, and its links resolve."""

from __future__ import annotations

import pytest
from reference_writers.pages import REFERENCE, WRITERS


@pytest.mark.parametrize("name", WRITERS)
def test_a_page_is_what_its_writer_makes_now(name: str) -> None:
    page = REFERENCE / f"{name}.md"
    assert page.read_text(encoding="utf-8") == WRITERS[name](), "run `make docs`"


def test_every_page_has_a_writer() -> None:
    assert {page.stem for page in REFERENCE.glob("*.md")} == set(WRITERS)
