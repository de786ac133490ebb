"""docs/reference/ and docs/llms.txt against the code: each is what its writer makes now, and its links resolve."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from reference_writers.llms import list_pages, read_head
from reference_writers.pages import WRITERS
from reference_writers.project import DOCS, REFERENCE

PAGES = [path for path in WRITERS if path.suffix == ".md"]
every_page = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


@pytest.mark.parametrize("path", WRITERS, ids=[path.name for path in WRITERS])
def test_a_page_is_what_its_writer_makes_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == WRITERS[path](), "run `make docs`"


def test_every_page_has_a_writer() -> None:
    assert set(REFERENCE.glob("*.md")) == set(PAGES)


def anchors(page: Path) -> Iterator[str]:
    """The ids of a page: those of its headings, as MkDocs makes them, and those of elements."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        yield re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
    yield from re.findall(r'<a id="([^"]+)"></a>', text)


@every_page
def test_an_anchor_stands_once(page: Path) -> None:
    assert [name for name, times in Counter(anchors(page)).items() if times > 1] == []


@every_page
def test_links_within_the_reference_resolve(page: Path) -> None:
    links = re.findall(
        r"\]\(([^)\s]*)\)", re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    )
    assert links
    for link in links:
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.parent == REFERENCE:
            assert target in PAGES, link
            assert not fragment or fragment in set(anchors(target)), f"{link} of {page.name}"


@every_page
def test_a_page_has_a_title_and_a_sentence(page: Path) -> None:
    title, sentence = read_head(page.read_text(encoding="utf-8"))
    assert title and sentence.endswith((".", "?")), sentence


def test_llms_names_every_page_and_its_links_resolve() -> None:
    text = (DOCS / "llms.txt").read_text(encoding="utf-8")
    assert re.match(r"# costcalc\n\n> .+\n", text)
    links = re.findall(r"^- \[.+\]\((\S+)\)", text, re.M)
    assert sorted(links) == sorted(page.relative_to(DOCS).as_posix() for page in list_pages())
    assert all((DOCS / link).is_file() for link in links)
