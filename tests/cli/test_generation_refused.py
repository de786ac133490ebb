"""--prompt of models that generate nothing: each command that takes it refuses it for the same reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import call, ok

from costcalc.cli.group import MODULES, cli

REASON = "costcalc: the model generates nothing: it has no past_key_values inputs and no causal Attention node"

OF_SUGGEST = "costcalc: generation: a rewritten graph is not read anew for each token"
"""suggest generates with no model."""

ARGUMENTS = {
    "compare": ("lenet5", "alexnet"),
    "diff": ("lenet5", "lenet5"),
    "check": ("lenet5", "--max", "macs=1G"),
    "plot": ("lenet5", "--kind", "memory"),
}

OF_REVISIONS = {"history"}
"""Commands that say it of each revision."""


def commands_that_generate() -> list[str]:
    context = cli.make_context("costcalc", ["models"], resilient_parsing=True)
    every = {name: cli.get_command(context, name) for name in MODULES}
    return sorted(name for name, one in every.items() if one and any(p.name == "prompt" for p in one.params))


def test_all_questions_take_what_is_generated() -> None:
    assert set(commands_that_generate()) >= {
        *(
            "analyze",
            "compare",
            "explain",
            "report",
            "plot",
            "table",
            "sweep",
            "suggest",
            "diff",
            "check",
            "lock",
            "llm",
        )
    }


@pytest.mark.parametrize("command", sorted({*commands_that_generate()} - OF_REVISIONS))
def test_generation_of_a_model_that_generates_nothing_is_refused(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, command, *ARGUMENTS.get(command, ("lenet5",)), "--prompt", "5")
    assert code == 2
    if command == "suggest":
        assert err.startswith(OF_SUGGEST)
    elif command in ("badge", "check", "lock"):
        assert REASON.removeprefix("costcalc: ") in " ".join((out + err).split())
        assert not list(tmp_path.iterdir())
    else:
        assert err.startswith(REASON) and not out


@pytest.mark.parametrize("command", ["compare", "diff", "table"])
def test_of_several_models_one_that_generates_is_enough(command: str) -> None:
    assert ok(command, "lenet5", "gpt2", "--prompt", "5")
