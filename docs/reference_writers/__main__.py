"""Writes the pages of docs/reference/ anew.

PYTHONPATH=docs python -m reference_writers
"""

from __future__ import annotations

from reference_writers.pages import REFERENCE, write_pages

REFERENCE.mkdir(exist_ok=True)
for path, text in write_pages().items():
    path.write_text(text, encoding="utf-8")
