"""A word that is none of those known: the nearest are named, on the command line as in Python."""

from __future__ import annotations

import pytest

from costcalc.cli.app import run
from costcalc.core.errors import did_you_mean, suggest_choice


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("n", ("seq", "N"), "did you mean 'N'?"),
        ("sep", ("stack", "separable"), "did you mean 'separable'?"),
        ("thpo", ("thop", "fvcore"), "did you mean 'thop'?"),
        ("a", ("a1", "a2", "b", "a3", "a4"), "did you mean 'a1' or 'a2' or 'a3'?"),
        ("xyz", ("thop", "fvcore"), ""),
        ("", ("thop", "fvcore"), ""),
        ("thop", (), ""),
    ],
)
def test_the_same_but_for_case_then_what_begins_so_then_what_is_alike(
    word: str, known: tuple[str, ...], said: str
) -> None:
    assert did_you_mean(word, known) == said


def test_all_of_a_few_are_named_too() -> None:
    assert suggest_choice("thpo", ["thop", "fvcore"]) == "did you mean 'thop'? There are thop, fvcore"
    assert suggest_choice("xyz", ["thop", "fvcore"]) == "there are thop, fvcore"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("suggest lenet5 --rule sep", "no rewrite 'sep'; did you mean 'separable'? There are separable, stack"),
        ("suggest lenet5 --sort mcas", "no quantity 'mcas'; did you mean 'macs'?"),
        ("reconcile lenet5 --tool thpo", "'thpo' is no counter that is known; did you mean 'thop'? There are"),
        ("reconcile lenet5 --written poool=mean", "in several ways; did you mean 'pool'?"),
        ("rule CC0", "no rule 'CC0'; did you mean 'CC001' or 'CC002' or 'CC003'? `costcalc rule` lists all"),
        ("rule cc30", "no rule 'cc30'; did you mean 'CC301' or 'CC302' or 'CC303'?"),
        ("analyze lenet5 --hardware t", "no hardware profile 't'; did you mean t4?"),
        ("analyze lenet5 --columns outp", "no column 'outp'; did you mean 'output'?"),
        ("analyze lenet5 --sort mcas", "no column 'mcas'; did you mean 'macs'?"),
        ("table lenet5 --columns inp", "no column 'inp'; did you mean 'input'?"),
        ("sweep lenet5 --dim N=1,2 --columns mac", "no column 'mac'; did you mean 'macs'?"),
    ],
)
def test_near_names_are_suggested(args: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(args.split()) == 2
    assert said in " ".join(capsys.readouterr().err.split())
