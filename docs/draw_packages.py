"""Import contracts of pyproject.toml and packages' docstrings -> docs/packages.svg and parts of docs/architecture.md.

    python docs/draw_packages.py

writes the picture, and in architecture.md the table of packages and the quotation of the contracts, each between two
comments (`<!-- packages -->` and `<!-- /packages -->`). Needs the standard library only (tomli on Python 3.10).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "packages.svg"

Layers = tuple[tuple[str, ...], ...]
"""From the top; the members of one layer do not import each other."""


class Contracts(NamedTuple):
    """What the picture shows: the layers of the package and those of one package in it, the names that stand outside
    of the order, and the third parties and packages that some packages must not import."""

    root: str
    layers: Layers
    outside: tuple[str, ...]
    inner_package: str
    inner: Layers
    sources: tuple[str, ...]
    forbidden: tuple[str, ...]


def read_contracts(text: str) -> Contracts:
    """The text of pyproject.toml -> its three import contracts. KeyError or ValueError where one is missing."""
    settings: dict[str, Any] = tomllib.loads(text)["tool"]["importlinter"]
    root = settings["root_package"]
    layered = {c["containers"][0]: c for c in settings["contracts"] if c["type"] == "layers"}
    (forbidden,) = [c for c in settings["contracts"] if c["type"] == "forbidden"]
    whole = layered.pop(root)
    ((container, inner),) = layered.items()
    return Contracts(
        root=root,
        layers=_layers(whole),
        outside=tuple(whole["exhaustive_ignores"]),
        inner_package=container.removeprefix(f"{root}."),
        inner=_layers(inner),
        sources=tuple(name.removeprefix(f"{root}.") for name in forbidden["source_modules"]),
        forbidden=tuple(name.removeprefix(f"{root}.") for name in forbidden["forbidden_modules"]),
    )


def _layers(contract: dict[str, Any]) -> Layers:
    return tuple(tuple(name.strip() for name in layer.split("|")) for layer in contract["layers"])


def quote_contracts(text: str) -> str:
    """The text of pyproject.toml -> its part on import-linter, as a block of Markdown."""
    (part,) = re.findall(r"^\[tool\.importlinter\]\n.*?(?=^\[(?!\[?tool\.importlinter)|\Z)", text, re.M | re.S)
    return f"```toml\n{part.strip()}\n```"


def first_sentence(docstring: str) -> str:
    """A docstring -> its first sentence on one line."""
    return re.split(r"(?<=\.)\s", " ".join(docstring.split()), maxsplit=1)[0]


def read_sentences(contracts: Contracts) -> dict[str, str]:
    """The first sentence of the docstring of each package or module of the layers. FileNotFoundError where one does not
    exist, ValueError where it has no docstring."""
    sentences = {}
    for name in _members(contracts.layers):
        folder = ROOT / contracts.root / name
        path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        if not docstring:
            raise ValueError(f"{path.relative_to(ROOT)} has no docstring")
        sentences[name] = first_sentence(docstring)
    return sentences


def _members(layers: Layers) -> tuple[str, ...]:
    return tuple(name for layer in layers for name in layer)


def write_table(contracts: Contracts, sentences: dict[str, str]) -> str:
    """The layers -> a Markdown table: each package, its docstring's first sentence, and what it may import."""
    lines = ["| Package | What it is | May import |", "| :-- | :-- | :-- |"]
    for i, layer in enumerate(contracts.layers):
        below = ", ".join(_members(contracts.layers[i + 1 :])) or f"nothing of {contracts.root}"
        lines += [f"| `{name}` | {sentences[name].replace('|', chr(92) + '|')} | {below} |" for name in layer]
    return "\n".join(lines)


def read_table(text: str) -> dict[str, str]:
    """The text of architecture.md -> the sentences of its table of packages, by package."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| [^|]* \|$", text, re.M)
    return {name: sentence.replace(chr(92) + "|", "|") for name, sentence in rows}


def fill(text: str, name: str, content: str) -> str:
    """A Markdown text with new content between `<!-- name -->` and `<!-- /name -->`. ValueError where they are not."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    filled, count = re.subn(pattern, lambda match: f"{match[1]}\n{content}\n\n{match[2]}", text, flags=re.S)
    if count != 1:
        raise ValueError(f"architecture.md has {count} places between <!-- {name} --> and <!-- /{name} -->")
    return filled


STYLE = """
  .page { fill: #ffffff } .box { fill: #f2f5f9; stroke: #8595a8 } .chip { fill: #ffffff; stroke: #a9b6c4 }
  .name { fill: #14202e; font-weight: 600; font-size: 15px } .says { fill: #44525f; font-size: 12px }
  .small { fill: #14202e; font-size: 12px }
  .line { stroke: #1f66ad; fill: none } .mark { fill: #1f66ad; font-size: 12px }
  text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .box { fill: #161d27; stroke: #5b6b7d } .chip { fill: #0d1117; stroke: #46535f }
    .name, .small { fill: #e6edf3 } .says { fill: #a9b7c4 } .line { stroke: #6cb0f5 } .mark { fill: #6cb0f5 }
  }"""

LEFT, WIDTH, GAP, PAD = 44, 640, 12, 12
"""Pixels: where boxes begin, the width of a layer, the distance of boxes, and what a box leaves free at its sides."""
LINE, TITLE, CHIP = 16, 22, 24
"""Pixels: heights of a line, of a box's name, of a row of the studies."""
LETTER = 6.6
"""Pixels: a little more than a letter of 12 px is wide on average, in the widest of the fonts."""
BRACKET = LEFT + WIDTH + 14


class Box(NamedTuple):
    """A package's rectangle in pixels, and the lines of its sentence."""

    name: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]


def place_boxes(contracts: Contracts, sentences: dict[str, str], top: int) -> tuple[Box, ...]:
    """The layers -> their boxes, one row a layer, from y = top on; the boxes of a row are of one size."""
    boxes: list[Box] = []
    y = top
    for layer in contracts.layers:
        width = (WIDTH - GAP * (len(layer) - 1)) // len(layer)
        texts = [tuple(wrap(sentences[name], int((width - 2 * PAD) / LETTER))) for name in layer]
        height = TITLE + LINE * max(map(len, texts)) + PAD
        if contracts.inner_package in layer:
            height += CHIP * len(contracts.inner) + PAD // 2
        for i, (name, lines) in enumerate(zip(layer, texts, strict=True)):
            boxes.append(Box(name, LEFT + i * (width + GAP), y, width, height, lines))
        y += height + GAP
    return tuple(boxes)


def draw_box(box: Box, inner: Layers) -> list[str]:
    """A package as SVG: its name, its sentence, and the layers in it (none of most)."""
    parts = [_rectangle("box", box.x, box.y, box.width, box.height), _text("name", box.x + PAD, box.y + 20, box.name)]
    for i, line in enumerate(box.lines):
        parts.append(_text("says", box.x + PAD, box.y + TITLE + LINE * (i + 1) - 2, line))
    y = box.y + TITLE + LINE * len(box.lines) + PAD // 2
    for row in inner:
        width = (box.width - 2 * PAD - 6 * (len(row) - 1)) // len(row)
        for i, name in enumerate(row):
            x = box.x + PAD + i * (width + 6)
            parts.append(_rectangle("chip", x, y, width, CHIP - 5))
            parts.append(_text("small", x + width // 2, y + 14, name, ' text-anchor="middle"'))
        y += CHIP
    return parts


def draw_bracket(boxes: Sequence[Box], contracts: Contracts) -> list[str]:
    """The third contract: a bracket beside the packages that it holds for, and what they must not import."""
    held = [box for box in boxes if box.name in contracts.sources]
    top, bottom = min(box.y for box in held), max(box.y + box.height for box in held)
    path = f"M{BRACKET} {top} h8 V{bottom} h-8"
    lines = ["never import", *contracts.forbidden]
    y = (top + bottom - LINE * len(lines)) // 2
    texts = [_text("mark", BRACKET + 18, y + LINE * (i + 1), line) for i, line in enumerate(lines)]
    return [f'<path class="line" d="{path}"/>', *texts]


def draw(contracts: Contracts, sentences: dict[str, str]) -> str:
    """The contracts and each package's sentence -> the text of the picture. KeyError where a sentence is missing."""
    boxes = place_boxes(contracts, sentences, top=44)
    bottom = max(box.y + box.height for box in boxes)
    width, height = BRACKET + 116, bottom + 46
    arrow = f"M24 44 V{bottom} m-5 -9 l5 9 l5 -9"
    outside = " and ".join(contracts.outside)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="title">',
        f'<title id="title">The packages of {contracts.root}: each imports only what stands below it</title>',
        f"<style>{STYLE}\n</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        _text(
            "mark",
            LEFT,
            28,
            "A package imports only packages below it; packages side by side do not import each other.",
        ),
        f'<path class="line" d="{arrow}"/>',
    ]
    for box in boxes:
        parts += draw_box(box, contracts.inner if box.name == contracts.inner_package else ())
    parts += draw_bracket(boxes, contracts)
    parts.append(_text("says", LEFT, bottom + 26, f"Outside of the order: {outside}."))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rectangle(kind: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="5"/>'


def _text(kind: str, x: int, y: int, text: str, more: str = "") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}"{more}>{escape(text, quote=False)}</text>'


def main() -> None:
    """Writes the picture and the generated parts of architecture.md."""
    pyproject = PYPROJECT.read_text(encoding="utf-8")
    contracts = read_contracts(pyproject)
    sentences = read_sentences(contracts)
    text = ARCHITECTURE.read_text(encoding="utf-8")
    text = fill(text, "packages", write_table(contracts, sentences))
    text = fill(text, "contracts", quote_contracts(pyproject))
    ARCHITECTURE.write_text(text, encoding="utf-8")
    PICTURE.write_text(draw(contracts, sentences), encoding="utf-8")


if __name__ == "__main__":
    main()
