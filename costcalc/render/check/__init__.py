"""CheckResult to text, one module for each format; all of them say the same."""

from __future__ import annotations

from importlib import import_module

from costcalc.render.terminal import Screen
from costcalc.studies.check.verdict import CheckResult

MACHINE_FORMATS = ("json", "github", "sarif", "junit", "gitlab", "azure", "bitbucket")
"""Formats that need nothing but the result; each is the name of its module."""


def render(form: str, outcome: CheckResult, screen: Screen, ident: str = "") -> str:
    """Form (one of `costcalc check --format`) and outcome -> text; ident names the hidden marker of comments."""
    if form in MACHINE_FORMATS:
        return str(import_module(f"costcalc.render.check.{form}").render(outcome))
    if form == "table":
        from costcalc.render.check import table

        return table.render(outcome, screen)
    if form == "svg":
        from costcalc.render import svg
        from costcalc.render.check import table
        from costcalc.views.check import headline

        text = table.render(outcome, screen._replace(unicode=True, palette=svg.PALETTE))
        return svg.draw_text(text, headline(outcome))
    if form == "markdown":
        from costcalc.render.check import markdown

        return screen.text(markdown.render(outcome, ident))
    if form in ("azure-comment", "bitbucket-comment"):
        from costcalc.render.check import plain_comment

        return screen.text(plain_comment.render(form, outcome, ident))
    from costcalc.render import badge
    from costcalc.views.badge import verdict_badge

    return badge.svg(verdict_badge(outcome)) if form == "badge" else badge.endpoint(verdict_badge(outcome))
