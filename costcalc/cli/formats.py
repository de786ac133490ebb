"""The format that a file's ending names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from costcalc.core.errors import UsageError

FORMAT_OF_ENDING = {"md": "markdown", "htm": "html", "xml": "junit", "ndjson": "jsonl"}
"""Endings that are called otherwise than their format."""

FOREIGN_ENDINGS = (
    "pdf",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "eps",
    "ps",
    "tif",
    "tiff",
    "bmp",
    "svg",
    "png",
    "html",
    "json",
    "csv",
    "xlsx",
    "pptx",
    "parquet",
)
"""Endings under which nobody looks for text."""

FORMATS_WITHOUT_ENDING = ("text", "table", "markdown", "github", "gitlab", "junit")
"""Formats that are no endings."""


def file_ending(output: str | None) -> str:
    """What a file's name ends in, in small letters; "" where there is no file."""
    return Path(output).suffix[1:].lower() if output else ""


def of_file(output: str | None, forms: Sequence[str]) -> str | None:
    """The format that the file's ending names; None where that is none of forms."""
    named = FORMAT_OF_ENDING.get(file_ending(output), file_ending(output))
    return named if named in forms else None


def by_ending(form: str | None, output: str | None, forms: Sequence[str]) -> str:
    """The format that is asked for, else the one that the file's ending names, else the first. UsageError where it
    names one that there is not."""
    if form:
        return form
    named = of_file(output, forms)
    if named is None and file_ending(output) in FOREIGN_ENDINGS:
        fact = f"{output} would be {file_ending(output).upper()}, which is not written here"
        known = ", ".join([f".{name}" for name in forms if name not in FORMATS_WITHOUT_ENDING])
        raise UsageError(fact, f"name a file that ends in {known}, or give --format")
    return named or forms[0]
