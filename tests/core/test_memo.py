"""Memos: results stay the same when they are emptied."""

from __future__ import annotations

from support.graphs import blocks

import costcalc
from costcalc.core.memo import MEMOS, Memo, clear_memos


def test_figures_do_not_change_when_memos_are_emptied() -> None:
    before = costcalc.analyze(blocks(8)).to_dict()
    clear_memos()
    assert not any(MEMOS.values())
    assert costcalc.analyze(blocks(8)).to_dict() == before


def test_a_memo_never_holds_more_than_its_limit() -> None:
    memo = Memo[int, int]("squares of a test", 2)
    for number in range(5):
        memo[number] = number * number
        assert len(memo) <= 2 and memo[number] == number * number
    del MEMOS["squares of a test"]
