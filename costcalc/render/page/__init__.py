"""Reports as one HTML page that asks nothing of the network: charts, tables and the network itself, to look through.

The page's data -> one HTML file: styles, scripts and data stand in it, and its policy lets it fetch nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent / "assets"

VENDORED = ASSETS / "vendored" / "charts.min.js"

SCRIPTS = (
    "figures",
    "elements",
    "theme",
    "model",
    "summary",
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

SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What JSON inside a page is written without, so that no text of a model can end its element."""


def render(content: dict[str, Any], scripts: Sequence[str] = SCRIPTS, title: str = "", skip: str = "layers") -> str:
    """Data of a page -> the whole HTML page of a report, or of other scripts. Only those that stand in it may run, told
    by their hashes. skip is the section that a keyboard can jump to."""
    bodies = (VENDORED.read_text(encoding="utf-8"), own_script(scripts))
    hashes = " ".join(map(_policy_hash, bodies))
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(title or ", ".join(model["name"] for model in content["models"])),
        "style": (ASSETS / "page.css").read_text(encoding="utf-8"),
        "data": embed_json(content),
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


def _policy_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
