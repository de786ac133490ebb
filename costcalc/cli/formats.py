"""Name of a file to the output format that its ending stands for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from costcalc.core.errors import UsageError

FORMAT_OF_ENDING = {"md": "markdown", "htm": "html", "xml": "junit", "ndjson": "jsonl"}
"""Ending -> format, where their names differ."""

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
    "xls",
    "ods",
    "doc",
    "docx",
    "odt",
    "rtf",
    "tex",
    "pptx",
    "parquet",
)
"""Endings of formats that a text format must not be written under."""

TEXT_ENDINGS = ("", "txt", "text", "log", "out")
"""Endings of files for text, which any format may be written to."""

FORMATS_WITHOUT_ENDING = (
    *(
        "text",
        "table",
        "markdown",
        "github",
        "gitlab",
        "junit",
        "azure",
        "azure-comment",
        "bitbucket",
        "bitbucket-comment",
    ),
    *("badge", "shields"),
)
"""Formats whose name is no ending of a file."""


def file_ending(output: str | None) -> str:
    """Name of a file -> its ending in lower case, without the dot; "" where there is no file."""
    return Path(output).suffix[1:].lower() if output else ""


def format_of_file(output: str | None, forms: Sequence[str]) -> str | None:
    """Name of a file -> the format of its ending; None where that is none of forms."""
    form = FORMAT_OF_ENDING.get(file_ending(output), file_ending(output))
    return form if form in forms else None


def refuse_ending(output: str | None, form: str, endings: Sequence[str], foreign: Sequence[str] = ()) -> None:
    """UsageError where the name of a file ends as one of another format, or of those of foreign, does. form is the name
    of what is written, endings are those that it has."""
    ending = file_ending(output)
    if ending not in endings and ending in (*FOREIGN_ENDINGS, *FORMAT_OF_ENDING, *foreign):
        fact = f"{output} would be {ending.upper()}, and what is written here is {form}"
        raise UsageError(fact, f"name a file that ends in {' or '.join(f'.{name}' for name in endings)}")


def choose_format(form: str | None, output: str | None, forms: Sequence[str], others: Sequence[str] = ()) -> str:
    """Format option and name of a file -> the format: the option's, else that of the file's ending, else the first of
    forms. others are endings of what the command writes beside. UsageError where the ending names no format that is
    written here."""
    if form:
        return form
    from_ending, ending = format_of_file(output, forms), file_ending(output)
    if from_ending is None and ending not in (*TEXT_ENDINGS, *others):
        is_format = ending in (*FOREIGN_ENDINGS, *FORMAT_OF_ENDING)
        fact = (
            f"{output} {f'would be {ending.upper()}' if is_format else f'ends in .{ending}'}, which is not written here"
        )
        ending_of = {form: name for name, form in FORMAT_OF_ENDING.items() if form in FORMATS_WITHOUT_ENDING}
        named = [form for form in (*forms, "txt") if form in ending_of or form not in FORMATS_WITHOUT_ENDING]
        endings = ", ".join([f".{ending_of.get(form, form)}" for form in named])
        raise UsageError(fact, f"name a file that ends in {endings}, or give --format")
    return from_ending or forms[0]
