"""The documentation: links lead somewhere, every page is in the navigation, the site is built without a warning, and check_readme finds what
is not true."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_readme import check_page, has_blocks, matches
from support.markdown import anchors, documents, links, prose, slug
from support.paths import ROOT

DOCS = ROOT / "docs"
PICTURE = runpy.run_path(str(DOCS / "draw_readme.py"))
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
ROOT_DOCUMENTS = {"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md"}
"""Documents that are pages of the site, too (docs/site_hooks.py)."""

KINDS = {"decode": ("decode tokens/s",), "prompt": ("prompt tokens/s", "first token ms")}
"""The kinds of measurements of one text in docs/explanation/serving.md."""

HEADINGS = (
    ("In CI", "in-ci"),
    ("`export`, models", "export-models"),
    ("1. Does it fit?", "1-does-it-fit"),
    ("a · b", "a--b"),
)
"""Headings and the anchors that GitHub gives them."""

without_mkdocs = pytest.mark.skipif(
    find_spec("material") is None, reason="mkdocs-material is not installed: pip install 'costcalc[docs]'"
)

every_document = pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())


def nav_pages(entry: Any) -> list[str]:
    """The pages of a part of the navigation."""
    if isinstance(entry, str):
        return [entry]
    return [page for part in (entry.values() if isinstance(entry, dict) else entry) for page in nav_pages(part)]


@every_document
def test_every_relative_link_leads_to_a_file_and_an_anchor(path: Path) -> None:
    for link in links(path):
        assert link.file.exists(), f"{link.text}: there is no such file"
        assert not link.anchor or link.anchor in anchors(link.file), f"{link.text}: there is no such heading"


@every_document
def test_an_anchor_is_of_one_heading(path: Path) -> None:
    """GitHub and MkDocs number equal headings in different ways."""
    if path.name != "CHANGELOG.md":
        assert len(set(anchors(path))) == len(anchors(path))


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_pages_link_to_what_the_site_has(path: Path) -> None:
    outside = [link.text for link in links(path) if not link.file.is_relative_to(DOCS)]
    assert [text for text in outside if Path(text.partition("#")[0]).name not in ROOT_DOCUMENTS] == []
    assert prose(path).lstrip().startswith("# "), "a page begins with its title"


def test_every_page_is_in_the_navigation() -> None:
    listed = nav_pages(CONFIG["nav"])
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    generated = {name.lower().replace("_", "-") for name in ROOT_DOCUMENTS - {"README.md"}}
    assert sorted(listed) == sorted(pages | generated)


def test_links_are_found_wherever_they_stand(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](b.md#c) ![p](q.svg) `[no](no.md)` [x](https://x.example/) [![i](i.svg)](j.md)\n"
        '```text\n# no\n[no](no.md)\n```\n<img alt="t" src="r.png"> <!-- [no](no.md) -->\n[ref]: s.md\n[t](#one)\n'
    )
    assert {link.text for link in links(page)} == {"b.md#c", "q.svg", "i.svg", "j.md", "r.png", "s.md", "#one"}
    assert anchors(page) == ("one",)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("In CI", "in-ci"),
        ("`export`, models", "export-models"),
        ("1. Does it fit?", "1-does-it-fit"),
        ("a · b", "a--b"),
    ],
)
def test_anchors_are_githubs(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


@pytest.mark.skipif(
    find_spec("material") is None, reason="mkdocs-material is not installed: pip install 'costcalc[docs]'"
)
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for page in nav_pages(CONFIG["nav"]):
        assert (tmp_path / page).with_suffix(".html").is_file()
        assert (tmp_path / page).is_file() or not (DOCS / page).exists(), "llms.txt names the Markdown files"
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".py", ".pyc")]
    for built in sorted(tmp_path.rglob("*.html")):
        paragraphs = re.findall(r"<p>(.*?)</p>", built.read_text(encoding="utf-8"), re.S)
        spoilt = [text for text in paragraphs if re.search(r"^ *(?:\d+\. |[-*] |\||```)", text, re.M)]
        assert not spoilt, f"{built.name}: a list, a table or a block that needs a blank line before it"
    first = (tmp_path / "tutorials" / "why-is-mobilenet-cheap.html").read_text(encoding="utf-8")
    assert not re.search(r"""<(?:script|link|img)[^>]+(?:src|href)=["']?https?:""", first), "no other server is asked"
    assert '<span class="go">                   #filter params' in first, "only $ is a prompt"
    assert 'data-copy="costcalc explain standard_conv">' in first, "a copy button takes the command alone"
    assert '<span class="filename">pair.yaml</span>' in first


@without_mkdocs
def test_the_site_changes_links_and_names_files() -> None:
    hooks = runpy.run_path(str(DOCS / "site_hooks.py"))
    moved = "[a](../../README.md#x) [b](../../CONTRIBUTING.md) [c](bounds.md#d) [e](../how-to/f.md) [g](https://h.example/i) [j](#k)"
    here = "[a](../index.md#x) [b](../contributing.md) [c](bounds.md#d) [e](../how-to/f.md) [g](https://h.example/i) [j](#k)"
    assert hooks["move_links"](moved, "docs/explanation/symbols.md", "explanation/symbols.md") == here
    assert hooks["move_links"]("[a](docs/how-to/b.md)", "CONTRIBUTING.md", "contributing.md") == "[a](how-to/b.md)"
    assert (
        hooks["FILE"].sub(r"\1|\2|\3", "1. x\n\n    <!-- file: a/b.yaml -->\n    ```yaml\n")
        == "1. x\n\n    |a/b.yaml|yaml\n"
    )
    for heading, anchor in HEADINGS:
        assert hooks["slug"](heading.replace("`", ""), "-") == anchor


def test_the_picture_of_the_readme_is_what_costcalc_prints() -> None:
    assert (DOCS / "assets" / "analyze.svg").read_text(encoding="utf-8") == PICTURE["draw"](), "run `make docs`"
    shown = " ".join(("costcalc", *PICTURE["COMMAND"]))
    for page in (ROOT / "README.md", DOCS / "index.md"):
        assert f"![{shown}: " in page.read_text(encoding="utf-8")


def test_the_tutorial_quotes_the_measurements_of_serving() -> None:
    rows = [
        line.split(" | ")
        for line in (DOCS / "explanation" / "serving.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    shares = {kind: [1 / float(row[9]) for row in rows if row[6] in kinds] for kind, kinds in KINDS.items()}
    decode, prompt = ((round(100 * min(values)), round(100 * max(values))) for values in shares.values())
    quoted = "decoding one text reaches {} to {} % of the bound, its prompt {} to {} %".format(*decode, *prompt)
    assert quoted in " ".join((DOCS / "tutorials" / "how-many-users.md").read_text(encoding="utf-8").split())


def test_a_block_that_prints_something_else_is_told() -> None:
    page = "```console\n$ echo one\ntwo\n```\n\n1. In a list:\n\n    ```console\n    $ echo three\n    four\n    ```\n"
    check = check_page(page)
    assert check.checked == 2 and len(check.differences) == 2
    assert check.text == page.replace("two", "one").replace("four", "three")
    assert check_page(check.text).differences == ()


def test_a_python_block_must_run_and_sees_the_files_of_the_page() -> None:
    page = "<!-- file: a/b.txt -->\n```text\nsix\n```\n```python\nassert open('a/b.txt').read() == 'six\\n'\n```\n"
    assert check_page(page).checked == 1 and not check_page(page).differences
    assert len(check_page(page.replace("== 'six", "== 'seven")).differences) == 1


def test_a_block_that_needs_a_missing_module_is_skipped_with_the_reason() -> None:
    page = "<!-- needs: no_such_module -->\n```python\nraise SystemExit(1)\n```\n"
    assert check_page(page).skipped == ("no_such_module",) and not check_page(page).differences
    assert len(check_page(page.replace("no_such_module", "json")).differences) == 1


def test_commits_of_a_page_are_the_same_on_every_machine() -> None:
    page = "```console\n$ git init --quiet\n$ git commit --quiet --allow-empty -m one\n$ git log --format='%an %H'\n…\n```\n"
    first, second = (check_page(page.replace("…\n", "another\n")) for _ in range(2))
    assert "\nAda " in first.text and first.text == second.text


def test_dots_stand_for_any_lines() -> None:
    assert matches(["a", "…", "c"], ["a", "b", "b", "c"]) and matches(["…", "c"], ["c"])
    assert not matches(["a", "…", "d"], ["a", "b", "c"])
    assert has_blocks("```python\n1\n```\n") and not has_blocks("```text\n1\n```\n")
