"""CheckResult -> the pull request's comment in Markdown without HTML, for services that show tags as text.

Bitbucket escapes every tag, and comments of Azure DevOps have no sections that open. The comment is that of
`costcalc.render.check.markdown`, whose tags are all costcalc's own: tags in names are escaped there.
"""

from __future__ import annotations

import re
from html import unescape

from costcalc.core.sanitize import BREAK, escape_markdown
from costcalc.render.check import markdown
from costcalc.studies.check.verdict import CheckResult

MAX_BYTES = {"azure-comment": 64_000, "bitbucket-comment": 32_000}
"""Format -> bytes of a comment, at most: Bitbucket refuses more than 32,768 characters."""

_SUMMARY = r"<details><summary>(.*?)</summary>"

_TAGS = {
    r"<!-- (costcalc\S*) -->": r"[//]: # (\1)",
    r"</details>\n?": "",
    r"<sub>(.*?)</sub>": r"\1",
    r"<span>\$</span>": r"\\$",
}
"""Tags of costcalc's own -> what stands for them. A link that nothing refers to is what readers of Markdown hide."""


def render(form: str, outcome: CheckResult, ident: str = "") -> str:
    """Form (azure-comment or bitbucket-comment) and outcome -> the comment. Its first line, which is not shown, is the
    marker by which it is found again: `[//]: # (costcalc)`, with ident `[//]: # (costcalc:ID)`."""
    text = markdown.render(outcome, ident, MAX_BYTES[form])
    text = re.sub(_SUMMARY, lambda match: f"**{escape_markdown(unescape(match[1].replace(BREAK, '')))}**", text)
    for tag, plain in _TAGS.items():
        text = re.sub(tag, plain, text)
    first, _, rest = text.partition("\n")
    return f"{first}\n\n{rest.strip()}"
