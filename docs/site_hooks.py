"""MkDocs hooks: GitHub's anchors, `$` as the only prompt, file names on blocks, and documents of the root as pages.

A page of docs/ links to `../CONTRIBUTING.md` as it does on GitHub; here that is the page `contributing.md`, and the
README is the first page.
"""

from __future__ import annotations

import re
import shutil
from html import escape, unescape
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pygments.lexers.shell import BashSessionLexer

ROOT = Path(__file__).resolve().parent.parent
ROOT_PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
}
"""Documents of the root -> their pages in the site."""

FILE = re.compile(r"^( *)<!-- file: (\S+) -->\n *```(\w+)$", re.M)
"""The beginning of a block that tests/check_readme.py writes to a file."""

CONSOLE = re.compile(r'<div class="highlight">(?=<pre>(.*?)</pre>)', re.S)

LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]+)")


def slug(heading: str, separator: str) -> str:
    """The text of a heading -> its anchor, as GitHub makes it: small letters, digits, `_` and `-`, blanks as `-`."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", separator)


def site_path(path: str) -> str:
    """A path from the repository's root -> the source of the page in the site that shows it."""
    return "index.md" if path == "README.md" else ROOT_PAGES.get(path, path.removeprefix("docs/"))


def move_links(markdown: str, source: str, page: str) -> str:
    """The text of the document at `source` in the repository -> the text with the links of its page in the site."""
    home = f"{source}/.."

    def link(found: re.Match[str]) -> str:
        target = site_path(normpath(f"{home}/{found[0]}"))
        return relpath(target, normpath(f"{page}/.."))

    return LINK.sub(link, markdown)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Gives headings GitHub's anchors, and console blocks one prompt: Pygments takes `#` for the prompt of root."""
    BashSessionLexer._ps1rgx = re.compile(r"^(\$ )(.*\n?)")
    anchors: dict[str, Any] = config.mdx_configs.setdefault("toc", {})
    anchors["slugify"] = slug
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the documents of the root."""
    for source, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links of the repository -> links of the site; a block that is a file bears its name."""
    path = page.file.src_uri
    source = {target: name for name, target in ROOT_PAGES.items()}.get(path, f"docs/{path}")
    return move_links(FILE.sub(r'\1```\3 title="\2"', markdown), source, path)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The HTML of a page -> the page whose copy buttons take the commands of a console block, without their output."""

    def add_commands(block: re.Match[str]) -> str:
        lines = unescape(re.sub(r"<[^>]+>", "", block[1])).splitlines()
        commands = "\n".join(line[2:] for line in lines if line.startswith("$ "))
        return f'<div class="highlight" data-copy="{escape(commands)}">' if commands else block[0]

    return CONSOLE.sub(add_commands, html)


def on_post_build(config: MkDocsConfig) -> None:
    """Lays the Markdown of each page beside it: llms.txt names these files, and a reader may want them."""
    docs = Path(config.docs_dir)
    for page in docs.rglob("*.md"):
        shutil.copy(page, Path(config.site_dir) / page.relative_to(docs))
