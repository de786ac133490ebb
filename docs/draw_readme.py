"""`costcalc analyze resnet18` -> docs/assets/analyze.svg, the picture of the README.

    python docs/draw_readme.py

draws it with costcalc itself: a table as SVG, which has a light and a dark form.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PICTURE = Path(__file__).resolve().parent / "assets" / "analyze.svg"
COMMAND = ("analyze", "resnet18", "--by", "block", "--depth", "1")


def draw() -> str:
    """The picture as SVG. CalledProcessError where the command fails."""
    command = [sys.executable, "-m", "costcalc", *COMMAND, "--format", "svg"]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment)
    return done.stdout


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
