"""The comment of a pull request: what it says, that it can be found again, and that it is cut without falling apart."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.check_results import (
    BEFORE,
    BROKEN,
    EXCEEDED,
    FINE,
    KEPT,
    MIXED,
    NOW,
    broken,
    joined,
    layer,
    many,
    result,
    snapshot,
)

from costcalc.render.check import markdown as comment
from costcalc.render.check.changes import MarkdownBlock, fit_blocks
from costcalc.rules import UsageError


def test_it_says_what_is_exceeded_where_and_by_how_much() -> None:
    text = comment.render(BROKEN)
    assert text.startswith(
        "<!-- costcalc -->\n### ❌ net: MACs +66.7% (19.2 k → 32.0 k), over its budget by 1; head was widened\n\n"
        "costcalc: 1 of 2 limits is exceeded.\n"
    )
    assert "- ❌ **net** macs: 32,000 of at most 31,999, exceeded by 1 (&lt;0.1%); head grew most" in text
    assert "(CC001, head at models/net.yaml:7:5)" in text
    assert "| ❌ | net | macs | 32,000 | 31,999 | exceeded by 1 (&lt;0.1%) | +12,800 (+66.7%) |" in text
    assert "| ✅ | net | params | 320 | 400 | 80 left (20.0%) |  |" in text
    assert "* the baseline is stale" in text
    assert len(re.findall("<ul>", MarkdownIt("commonmark").render(text.partition("<details>")[0]))) == 2


def test_what_changed_opens_with_totals_causes_and_layers() -> None:
    """The head's filters go from 16 to 32: 8 · 16 · 100 MACs more, all of them due to channels."""
    text = comment.render(BROKEN)
    assert "<details><summary>net: 1 layer changed; MACs +12,800 (+66.7%)</summary>" in text
    assert "| MACs | 19,200 | 32,000 | +12,800 | +66.7% |" in text
    assert "| channels | +12,800 | +25,600 | +128 | +512 |" in text
    assert "| head | Conv | filters 16 → 32 | 12,800 | 25,600 | +12,800 | +128 |" in text
    assert "stem" not in text, "what is the same is not shown"
    assert text.count("<details>") == text.count("</details>") == 2
    assert "layers" not in comment.render(FINE)


def test_what_a_layer_did_is_said_once() -> None:
    """Of several limits that one layer breaks, the first says what to do; every one names the layer and its line."""
    other = replace(
        EXCEEDED,
        code="CC201",
        quantity="macs increase",
        fact=f"macs increase: grew; {EXCEEDED.fact.partition('; ')[2]}",
    )
    text = comment.render(broken(verdicts=(EXCEEDED, other)))
    assert text.count("grew most") == text.count("make head cheaper") == 1
    assert "macs increase: grew (CC201, head at models/net.yaml:7:5)" in text


def test_what_one_layer_breaks_stands_together() -> None:
    """Though another model's breach is worse than the second of the first one's, and kept limits are folded away."""
    far, near = replace(EXCEEDED, value=99_999), replace(EXCEEDED, code="CC201", quantity="macs increase", fact="near")
    text = comment.render(
        joined(
            broken(model="a", verdicts=(near, far, KEPT)),
            broken(model="b", verdicts=(replace(EXCEEDED, value=50_000),)),
        )
    )
    shown, _, folded = text.partition("<details><summary>4 limits with their headroom</summary>")
    lines = [line.split("**")[1] for line in shown.splitlines() if line.startswith("- ❌")]
    assert lines == ["a", "a", "b"]
    assert "✅" not in shown and "| ✅ | a | params | 320 | 400 |" in folded


def test_a_line_is_told_once() -> None:
    (item,) = [line for line in comment.render(BROKEN).splitlines() if line.startswith("- ❌")]
    assert (
        item.count("models/net.yaml:7:5") == 1 and "make head cheaper, or raise the limit at costcalc.yaml:4:7" in item
    )


def test_marks() -> None:
    text = comment.render(FINE)
    assert "### ✅ net: MACs 32.0 k, as before, within its budget\n\ncostcalc: the limit is kept." in text
    text = comment.render(MIXED)
    assert "### ❔ net: MACs +66.7%" in text
    assert "costcalc: 1 of 6 limits is exceeded; 2 cannot be told; 1 warning." in text
    assert text.index("❔ **other") < text.index("❌ **net") < text.index("⚠️ **net (batch1)")
    assert "≥ 2.100001 ms | 2.100000 ms | exceeded by at least 1.00 ns" in text, "rounding hides no breach"


def test_a_marker_finds_a_comment_again_and_tells_several_apart() -> None:
    assert comment.render(FINE, "models-a").startswith("<!-- costcalc:models-a -->\n### ✅ net: ")
    assert "\ncostcalc (models-a): the limit is kept.\n" in comment.render(FINE, "models-a")
    for bad in ("a b", "-->", "a--b", "x" * 65, "a\n"):
        with pytest.raises(UsageError):
            comment.render(FINE, bad)


@pytest.mark.parametrize("n", [3, 200, 2_000])
def test_a_long_comment_is_cut_and_closes_what_it_opened(n: int) -> None:
    text = comment.render(many(n))
    assert len(text) <= len(text.encode()) < 64_000
    assert text.count("<details>") == text.count("</details>")
    assert ("… and" in text) == (n > 3)
    assert f"costcalc: {n:,} of {n:,} limits are exceeded" in text and text.endswith("</sub>")


def test_of_many_layers_the_largest_changes_are_shown() -> None:
    old = snapshot(*(layer(f"層{i}", 8, 6_400) for i in range(3_000)))
    new = snapshot(*(layer(f"層{i}", 8 + i % 7 + 1, 6_400 + i) for i in range(3_000)))
    text = comment.render(result(snapshot=new, baseline=old))
    assert "| 層2999 |" in text and "| 層2900 |" in text and "| 層2899 |" not in text
    assert "(2,900 more)" in text and text.count("</details>") == 1
    tables = [t for t in MarkdownIt("commonmark").enable("table").parse(text) if t.type == "table_open"]
    assert len(tables) == 3


def test_layers_are_cut_inside_their_details() -> None:
    text = comment.render(BROKEN, most=2_200)
    full = comment.render(joined(*[broken(model=f"net{i}") for i in range(9)]), most=9_000)
    for one, most in ((text, 2_200), (full, 9_000)):
        assert len(one.encode()) <= most and one.count("<details>") == one.count("</details>")
    assert "more parts that found no room here" in full


def test_a_name_without_end_is_shortened() -> None:
    text = comment.render(broken(model="m" * 200_000))
    assert len(text) < 5_000 and "…" in text


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90)), max_size=8), st.integers(700, 4_000))
def test_blocks_fit_and_every_head_has_its_tail(sizes: list[tuple[int, int]], most: int) -> None:
    blocks = [
        MarkdownBlock((f"open{i}",), tuple("é" * width for _ in range(rows)), (f"close{i}",))
        for i, (rows, width) in enumerate(sizes)
    ]
    text = fit_blocks(blocks, most)
    assert len(text.encode()) <= most
    lines = text.split("\n")
    for i in range(len(blocks)):
        assert (f"open{i}" in lines) == (f"close{i}" in lines)


def test_nothing_changed_is_no_details() -> None:
    assert NOW != BEFORE
    same = broken(baseline=NOW)
    assert comment.render(same).count("<details>") == 1, "the limits"
