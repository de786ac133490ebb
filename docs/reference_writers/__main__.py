"""Writes the pages of docs/reference/ and docs/llms.txt anew.

PYTHONPATH=docs python -m reference_writers
"""

from __future__ import annotations

from reference_writers.pages import WRITERS
from reference_writers.project import REFERENCE

REFERENCE.mkdir(exist_ok=True)
for path, write in WRITERS.items():
    path.write_text(write(), encoding="utf-8")
