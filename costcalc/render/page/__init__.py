"""Reports as one HTML page that asks nothing of the network: charts, tables and the network itself, to look through.

The page's data -> one HTML file: styles, scripts and data stand in it, and its policy lets it fetch nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from costcalc.core.sanitize import escape_html as escape
from costcalc.render.names import shorten_names
from costcalc.render.page.summary import STATIC, page_markup

ASSETS = Path(__file__).parent / "assets"

VENDORED = ASSETS / "vendored" / "charts.min.js"

SCRIPTS = (
    "figures",
    "elements",
    "theme",
    "model",
    "comparison",
    "cost",
    "memory",
    "roofline",
    "text",
    "layout",
    "network",
    "layers",
    "page",
)
"""The page's own scripts in order; they share one scope."""

NAME_WIDTH = 42
"""Signs of a layer's name in a table."""

CHARTS = frozenset(("cost", "memory", "roofline", "comparison"))
"""Scripts that draw with the vendored library; a page without them goes without it."""

SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What JSON inside a page is written without, so that no text of a model can end its element."""


def render(
    content: dict[str, Any],
    scripts: Sequence[str] = SCRIPTS,
    title: str = "",
    skip: str = "layers",
    main: str | None = None,
) -> str:
    """Data of a page -> the whole HTML page of a report, or of other scripts. Only those that stand in it may run, told
    by their hashes. skip is the section that a keyboard can jump to, main the HTML that stands without scripts."""
    library = (VENDORED.read_text(encoding="utf-8"),) if CHARTS.intersection(scripts) else ()
    bodies = (*library, own_script(scripts))
    hashes = " ".join(map(_policy_hash, bodies))
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(title or ", ".join(model["name"] for model in content["models"])),
        "description": escape(" ".join(model["headline"] for model in content["models"][:1] if "headline" in model)),
        "style": (ASSETS / "page.css").read_text(encoding="utf-8"),
        "main": main if main is not None else page_markup(content),
        "data": embed_json(compact_content(content)),
        "scripts": "\n".join(f"<script>{script}</script>" for script in bodies),
        "skip": skip,
    }
    page = (ASSETS / "page.html").read_text(encoding="utf-8")
    first, *fields = page.split("{{")
    pieces = [field.split("}}", 1) for field in fields]
    return first + "".join(parts[name] + text for name, text in pieces)


def own_script(names: Sequence[str] = SCRIPTS) -> str:
    """Names of scripts -> one function of them that runs at once."""
    texts = [(ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in names]
    return '(() => {\n"use strict";\n' + "\n".join(texts) + "})();\n"


def embed_json(content: dict[str, Any]) -> str:
    """Data -> JSON that can stand inside a script element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign, code in SAFE.items():
        text = text.replace(sign, code)
    return text


def compact_content(content: dict[str, Any]) -> dict[str, Any]:
    """The page's data -> what scripts need of it: without what stands in the HTML, and with columns of repeated texts
    as {"of": the texts, "at": the index of each row's}."""
    models = []
    for model in content.get("models", ()):
        entry = {key: value for key, value in model.items() if key not in STATIC}
        entry["layers"] = compact_layers(model["layers"])
        entry["devices"] = [
            {k: _compact_column(v) if k == "bound_by" else v for k, v in d.items()} for d in model["devices"]
        ]
        models.append(entry)
    diffs = [{**diff, "layers": compact_layers(diff["layers"])} for diff in content.get("diffs", ())]
    return {**content, "models": models, **({"diffs": diffs} if diffs else {})}


def compact_layers(layers: dict[str, Any]) -> dict[str, Any]:
    """Columns of layers -> the same, compact; with `short`, the names cut as tables of the terminal cut them, where one
    is too long."""
    names = layers["name"]
    short = shorten_names(names, names, NAME_WIDTH)
    columns = layers if short == names else {**layers, "short": short}
    return {key: column if isinstance(column, dict) else _compact_column(column) for key, column in columns.items()}


def _compact_column(column: Sequence[Any]) -> Any:
    """A column -> the same with each text once, where that is shorter."""
    texts = dict.fromkeys(column) if column and isinstance(column[0], str) else {}
    if not texts or 2 * len(texts) > len(column):
        return column
    index_of_text = {text: i for i, text in enumerate(texts)}
    return {"of": list(texts), "at": [index_of_text[text] for text in column]}


def _policy_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
