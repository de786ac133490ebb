"""Folders of the project that tests read; a test that moves to another folder finds them unchanged."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"
GOLD = ROOT / "tests" / "gold"
DATA = ROOT / "tests" / "data"
ONNX_FILES = DATA / "onnx"
SCHEMAS = DATA / "schemas"
COUNTER_FIGURES = DATA / "counters"
"""Figures that other counters print, recorded by running them."""
SHARED = ROOT.parent / "shared"
"""Large models, beside the project on some machines; tests of them are skipped elsewhere."""
