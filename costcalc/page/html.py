"""The page's data -> one HTML file: styles, scripts and data stand in it, and its policy lets it fetch nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent / "assets"
VENDORED = ASSETS / "vendored" / "charts.min.js"
SCRIPTS = (
    "figures", "elements", "theme", "model", "summary", "comparison", "cost", "memory", "roofline", "layout",
    "network", "layers", "page",
)  # fmt: skip
"""The page's own scripts in order; they share one scope."""

SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What JSON inside a page is written without, so that no text of a model can end its element."""


def render(content: dict[str, Any]) -> str:
    """The whole page. Only the scripts that stand in it may run, told by their hashes."""
    scripts = (VENDORED.read_text(encoding="utf-8"), own_script())
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(", ".join(model["name"] for model in content["models"])),
        "style": (ASSETS / "page.css").read_text(encoding="utf-8"),
        "data": embedded(content),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    page = (ASSETS / "page.html").read_text(encoding="utf-8")
    first, *rest = page.split("{{")
    pieces = [piece.split("}}", 1) for piece in rest]
    return first + "".join(parts[name] + text for name, text in pieces)


def own_script() -> str:
    """The page's own scripts as one function that runs at once."""
    texts = [(ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(texts) + "})();\n"


def embedded(content: dict[str, Any]) -> str:
    """JSON that can stand inside a script element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign, code in SAFE.items():
        text = text.replace(sign, code)
    return text


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
