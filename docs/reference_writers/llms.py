"""The pages of docs/ -> docs/llms.txt, an index for language models (llmstxt.org).

Links are relative and name the Markdown files: they resolve in the repository, and on a site that has these beside
its pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from reference_writers.project import DOCS, ROOT, read_description

SECTIONS = {
    "tutorials": "Tutorials",
    "how-to": "How-to guides",
    "reference": "Reference",
    "explanation": "Explanation",
    "": "Project",
}
"""Folder of docs/ -> the title of its section, in their order; pages of other folders stand in the last."""

FACTS = """
- Install: `pip install .` in a checkout, `pip install costcalc` of a published version.
- Python 3.10 or later; no framework and no weights are needed.
- `costcalc analyze MODEL --format json` prints what each layer costs; MODEL is a file (YAML, ONNX, `.pt2`, `.tflite`,
  GGUF, a Hugging Face `config.json`), a folder or a built-in name. `costcalc schema analyze` prints the JSON Schema of
  that document.
- Counts are exact integers, or formulas over open symbols (`--dim seq=128` binds one). An operator without a rule is
  reported and makes totals lower bounds; it never counts as 0.
- MACs count multiply-accumulates of contractions only, FLOPs are 2 × MACs + elementwise operations.
- Exit codes: 0 an answer, 1 a limit is exceeded, 2 no answer (the message says why), 3 `check` has no limit.
"""


def write_llms() -> str:
    """The file."""
    by_section: dict[str, list[Path]] = {}
    for page in list_pages():
        folder = page.parent.relative_to(DOCS).as_posix()
        by_section.setdefault(folder if folder in SECTIONS else "", []).append(page)
    parts = ["# costcalc", f"> {read_description()}.", FACTS.strip()]
    for folder, title in SECTIONS.items():
        if pages := by_section.get(folder):
            parts += [f"## {title}", "\n".join(_entry(page) for page in pages)]
    return "\n\n".join(parts) + "\n"


def list_pages() -> list[Path]:
    """The pages, in the order of mkdocs.yml's nav; those that it does not name follow by name."""
    order = {path: number for number, path in enumerate(_nav_paths())}
    pages = [page for page in DOCS.rglob("*.md") if page.name != "index.md" or page.parent != DOCS]

    def rank(page: Path) -> tuple[int, str]:
        path = page.relative_to(DOCS).as_posix()
        return order.get(path, len(order)), path

    return sorted(pages, key=rank)


def _nav_paths() -> Iterator[str]:
    """The paths of mkdocs.yml's nav; none where there is no such file. Tags of its extensions are not read."""
    file = ROOT / "mkdocs.yml"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    nav = re.search(r"^nav:\n(?:[ #-].*\n|\n)*", text + "\n", re.M)
    yield from _leaves(yaml.safe_load(nav[0])["nav"] if nav else [])


def _leaves(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for item in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _leaves(item)


def _entry(page: Path) -> str:
    """A page -> its line: its title, its path, the first sentence of its first paragraph."""
    title, sentence = read_head(page.read_text(encoding="utf-8"))
    return f"- [{title}]({page.relative_to(DOCS).as_posix()})" + (f": {sentence}" if sentence else "")


def read_head(text: str) -> tuple[str, str]:
    """A page's text -> its title and the first sentence of its first paragraph, without links. ValueError where it has
    no title."""
    text = re.sub(r"\A---\n.*?\n---\n|<!--.*?-->", "", text, flags=re.S)
    heading = re.search(r"^# (.+)$", text, re.M)
    if heading is None:
        raise ValueError(f"a page has no title: {text[:60]!r}")
    paragraphs = [part for part in re.split(r"\n\s*\n", text[heading.end() :]) if re.match(r"[\w`*\[(]", part.strip())]
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraphs[0].split())) if paragraphs else ""
    return heading[1].strip(), re.split(r"(?<=[.?!])\s", words, maxsplit=1)[0]
