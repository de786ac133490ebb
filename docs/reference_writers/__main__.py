"""Writes the pages of docs/reference/ and docs/llms.txt anew; into another folder where one is named.

PYTHONPATH=docs python -m reference_writers [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from reference_writers.pages import WRITERS
from reference_writers.project import DOCS


def main() -> None:
    """Writes each page to its path in the folder, which has the form of docs/."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    for path, write in WRITERS.items():
        target = folder / path.relative_to(DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
