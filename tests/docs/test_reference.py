"""docs/reference/ and docs/llms.txt against the code: each is what its writer makes now, and its links resolve."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from reference_writers.llms import list_pages, read_head
from reference_writers.pages import WRITERS
from reference_writers.project import DOCS, REFERENCE, ROOT
from support.cli import environment

import costcalc
from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.studies.check.config_file import read_config_file

PAGES = [path for path in WRITERS if path.suffix == ".md"]
every_page = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages as they are made now, in a process that no other test has registered anything in."""
    folder = tmp_path_factory.mktemp("docs")
    variables = environment(PYTHONPATH=os.pathsep.join([str(ROOT), str(DOCS)]))
    subprocess.run([sys.executable, "-m", "reference_writers", str(folder)], env=variables, check=True)
    return folder


@pytest.mark.parametrize("path", WRITERS, ids=[path.name for path in WRITERS])
def test_a_page_is_what_its_writer_makes_now(path: Path, written: Path) -> None:
    made = (written / path.relative_to(DOCS)).read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made, "run `make docs`"


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


def blocks(page: str, language: str) -> list[str]:
    text = (REFERENCE / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def test_the_model_of_the_yaml_page_is_read(tmp_path: Path) -> None:
    (example,) = blocks("yaml", "yaml")
    (tmp_path / "tiny.yaml").write_text(example, encoding="utf-8")
    assert costcalc.analyze(tmp_path / "tiny.yaml").params > 0


def test_the_configs_of_the_config_page_are_read(tmp_path: Path) -> None:
    examples = {"costcalc.yaml": blocks("config", "yaml"), "pyproject.toml": blocks("config", "toml")}
    for name, (example,) in examples.items():
        (tmp_path / name).write_text(example, encoding="utf-8")
        assert read_config_file(tmp_path / name).entries


def test_the_profile_of_the_devices_page_is_read(tmp_path: Path) -> None:
    (example,) = blocks("devices", "yaml")
    (tmp_path / "board.yaml").write_text(example, encoding="utf-8")
    assert find_profile(str(tmp_path / "board.yaml")).peak["int8"].value == 10**12
