"""docs/architecture.md against the code: the picture, the table and the quotation are what the contracts and docstrings say now."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
DOCS = runpy.run_path(str(ROOT / "docs" / "draw_packages.py"))
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRACTS: Any = DOCS["read_contracts"](PYPROJECT)
SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_what_the_contracts_draw() -> None:
    drawn = DOCS["draw"](CONTRACTS, DOCS["read_table"](ARCHITECTURE))
    assert (ROOT / "docs" / "packages.svg").read_text(encoding="utf-8") == drawn, "run `make docs`"


def test_the_picture_shows_every_name_of_the_contracts() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "packages.svg")
    names = [text.text for text in picture.iter(f"{SVG}text") if text.get("class") in ("name", "small", "mark")]
    for name in (*sum(CONTRACTS.layers, ()), *sum(CONTRACTS.inner, ()), *CONTRACTS.forbidden):
        assert name in names


def test_a_package_stands_above_what_it_may_import() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "packages.svg")
    height = {text.text: int(text.get("y", "")) for text in picture.iter(f"{SVG}text") if text.get("class") == "name"}
    rows = [{height[name] for name in layer} for layer in CONTRACTS.layers]
    assert all(len(row) == 1 for row in rows), "the packages of a layer stand side by side"
    assert [min(row) for row in rows] == sorted(min(row) for row in rows)


def test_the_quoted_contracts_are_those_of_pyproject() -> None:
    quoted = re.findall(r"```toml\n(.*?)```", ARCHITECTURE, re.S)
    assert len(quoted) == 1 and quoted[0] in PYPROJECT
    assert PYPROJECT.count("tool.importlinter") == quoted[0].count("tool.importlinter") > 0, "run `make docs`"


def test_the_table_says_what_the_packages_say() -> None:
    assert DOCS["read_table"](ARCHITECTURE) == DOCS["read_sentences"](CONTRACTS), "run `make docs`"
    assert DOCS["write_table"](CONTRACTS, DOCS["read_sentences"](CONTRACTS)) in ARCHITECTURE, "run `make docs`"


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"])
def test_the_paths_that_documents_name_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    paths = re.findall(r"(?<![\w/.])(?:costcalc|tests|docs|specs)/[\w./*-]*\w(?:\.\w+)?/?", text)
    written = [path for path in paths if not re.search(r"[A-Z]{3,}", path)]
    assert [path for path in written if not (ROOT / path).exists()] == []


def test_contracts_are_read_from_toml() -> None:
    text = """
[tool.importlinter]
root_package = "house"
[[tool.importlinter.contracts]]
type = "layers"
containers = ["house"]
exhaustive_ignores = ["door"]
layers = ["roof", "hall | kitchen", "cellar"]
[[tool.importlinter.contracts]]
type = "layers"
containers = ["house.hall"]
layers = ["chairs", "floor"]
[[tool.importlinter.contracts]]
type = "forbidden"
source_modules = ["house.cellar"]
forbidden_modules = ["sun", "house.roof"]
[tool.other]
x = 1
"""
    contracts = DOCS["read_contracts"](text)
    assert contracts.layers == (("roof",), ("hall", "kitchen"), ("cellar",))
    assert contracts.outside == ("door",) and contracts.inner_package == "hall"
    assert contracts.inner == (("chairs",), ("floor",))
    assert contracts.sources == ("cellar",) and contracts.forbidden == ("sun", "roof")
    assert "tool.other" not in DOCS["quote_contracts"](text)
    table = DOCS["write_table"](contracts, dict.fromkeys(("roof", "hall", "kitchen", "cellar"), "A | b."))
    assert table.splitlines()[2:] == [
        "| `roof` | A \\| b. | hall, kitchen, cellar |",
        "| `hall` | A \\| b. | cellar |",
        "| `kitchen` | A \\| b. | cellar |",
        "| `cellar` | A \\| b. | nothing of house |",
    ]
    assert DOCS["read_table"](table) == dict.fromkeys(("roof", "hall", "kitchen", "cellar"), "A | b.")


def test_a_sentence_ends_at_its_full_stop() -> None:
    assert DOCS["first_sentence"]("File formats\nto Graph. The only place.") == "File formats to Graph."
    assert DOCS["first_sentence"]("No full stop") == "No full stop"


def test_places_to_fill_must_exist() -> None:
    assert DOCS["fill"]("a\n<!-- x -->\nold\n<!-- /x -->\nb", "x", "new") == "a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb"
    with pytest.raises(ValueError, match="0 places"):
        DOCS["fill"]("a", "x", "new")
