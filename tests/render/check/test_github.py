"""Annotations: GitHub's own escapes, at most ten, the worst first, a notice for the rest."""

from __future__ import annotations

from dataclasses import replace

from support.check_results import BROKEN, EXCEEDED, FINE, MIXED, broken, many, place, shown


def test_an_annotation_points_at_the_layers_line() -> None:
    head, error, notice = shown("github", BROKEN).splitlines()
    assert head == "costcalc: 1 of 2 limits is exceeded"
    assert error.startswith("::error file=models/net.yaml,line=7,col=5,title=CC001 net%3A macs::macs: 32,000 of")
    assert "(+12,800, +100.0%25)" in error, "a percent sign is escaped"
    assert notice == "::notice title=costcalc::the baseline is stale"


def test_what_cannot_be_told_comes_first_and_a_warning_last() -> None:
    levels = [line.split()[0] for line in shown("github", MIXED).splitlines()[1:]]
    assert levels == ["::error", "::error", "::error", "::warning", "::notice"]
    assert [
        f"CC{n}" in line
        for n, line in zip(("101", "102", "001", "009"), shown("github", MIXED).splitlines()[1:], strict=False)
    ] == [True] * 4


def test_at_most_ten_the_worst_first() -> None:
    lines = shown("github", many(13)).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert [f"by {n}" in line for n, line in zip(range(13, 3, -1), errors, strict=True)] == [True] * 10
    assert (
        lines[-1]
        == "::notice title=costcalc::and 3 more: net3 macs (exceeded), net2 macs (exceeded), net1 macs (exceeded)"
    )
    assert not any("::notice" in line for line in shown("github", many(10)).splitlines())
    assert "and 990 more" in shown("github", many(1000)) and len(shown("github", many(1000))) < 10_000


def test_a_kept_budget_is_a_notice() -> None:
    assert shown("github", FINE).splitlines()[1:] == ["::notice title=costcalc::the limit is kept"]


def test_properties_and_messages_are_escaped() -> None:
    bad = replace(
        EXCEEDED,
        fact="50% of\nit\r, a: b",
        remedy="",
        place=place("a:b,c%.yaml", 1, 2),
        quantity="x\n::set-output",
    )
    (line,) = [one for one in shown("github", broken(verdicts=(bad,))).splitlines() if "error" in one]
    assert (
        line
        == "::error file=a%3Ab%2Cc%25.yaml,line=1,col=2,title=CC001 net%3A x\\n%3A%3Aset-output::50%25 of%0Ait\\r, a: b"
    )
