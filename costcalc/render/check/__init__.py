"""CheckResult to text, one module for each format; all of them say the same."""

from __future__ import annotations

from costcalc.render.terminal import Screen
from costcalc.studies.check.verdict import CheckResult


def render(form: str, outcome: CheckResult, screen: Screen, ident: str = "") -> str:
    """Form (one of `costcalc check --format`) and outcome -> text; ident names the hidden marker of comments."""
    if form == "table":
        from costcalc.render.check import table

        return table.render(outcome, screen)
    if form == "svg":
        from costcalc.render import svg
        from costcalc.render.check import table
        from costcalc.views.check import headline

        text = table.render(outcome, screen._replace(unicode=True, palette=svg.PALETTE))
        return svg.draw_text(text, headline(outcome))
    if form == "json":
        from costcalc.render.check import json

        return json.render(outcome)
    if form == "markdown":
        from costcalc.render.check import markdown

        return screen.text(markdown.render(outcome, ident))
    if form == "github":
        from costcalc.render.check import github

        return github.render(outcome)
    if form == "sarif":
        from costcalc.render.check import sarif

        return sarif.render(outcome)
    if form == "junit":
        from costcalc.render.check import junit

        return junit.render(outcome)
    if form == "gitlab":
        from costcalc.render.check import gitlab

        return gitlab.render(outcome)
    if form == "azure":
        from costcalc.render.check import azure

        return azure.render(outcome)
    if form == "bitbucket":
        from costcalc.render.check import bitbucket

        return bitbucket.render(outcome)
    if form in ("azure-comment", "bitbucket-comment"):
        from costcalc.render.check import plain_comment

        return screen.text(plain_comment.render(form, outcome, ident))
    from costcalc.render import badge
    from costcalc.views.badge import verdict_badge

    return badge.svg(verdict_badge(outcome)) if form == "badge" else badge.endpoint(verdict_badge(outcome))
