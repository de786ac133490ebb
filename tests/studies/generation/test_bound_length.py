"""The length of a text that --dim binds is the prompt's, in every question; what no figure would use is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.cli import run

import costcalc
from costcalc.rules import UsageError
from costcalc.studies.generation.decoder import make_decoder

CACHE_OF_A_TOKEN = 2 * 12 * 768 * 4
"""Keys and values of GPT-2's layers, in bytes of float32."""


@pytest.mark.parametrize(
    ("dims", "generation", "prompt"),
    [
        ({}, True, 512),
        ({"seq": 100}, True, 100),
        ({"seq": 100}, {"generate": 128}, 100),
        ({"seq": 100}, {"prompt": 64}, 64),
        ({"N": 2}, True, 512),
    ],
)
def test_the_prompt_of_an_analysis(dims: dict[str, int], generation: Any, prompt: int) -> None:
    report: Any = costcalc.analyze("gpt2", dims=dims, generation=generation)
    assert report.measurement.generation.prompt == prompt
    assert f"of {prompt} + 128 tokens" in " ".join(str(report).split())


def test_every_question_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = CACHE_OF_A_TOKEN * (100 + 128)
    rows = costcalc.sweep("gpt2", dims={"seq": [100, 200]}, quantities=["kv_cache_bytes", "prompt_macs"])
    assert rows["kv_cache_bytes"] == [expected, CACHE_OF_A_TOKEN * (200 + 128)]
    assert rows["prompt_macs"] == rows["macs"]
    assert run(["check", "gpt2", "--dim", "seq=100", "--max", f"kv_cache_bytes={expected}"]) == 0
    assert run(["check", "gpt2", "--dim", "seq=100", "--max", f"kv_cache_bytes={expected - 1}"]) == 1
    capsys.readouterr()
    assert run(["compare", "gpt2", "gpt2", "--dim", "seq=100", "--generate", "128"]) == 0
    assert f"{expected:,}" in capsys.readouterr().out
    assert run(["llm", "gpt2", "--dim", "seq=100", "--device", "h100-sxm x2", "--tp", "2"]) == 0
    assert "of 100 + 128 tokens" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--dim", "seq=100", "--prompt", "64"), "--dim seq=100 and --prompt 64 say different lengths"),
        (("--dim", "seq=100", "--max-context", "--device", "t4"), "--dim seq=100 binds it; leave --dim seq out"),
    ],
)
def test_what_nothing_would_use_is_refused(
    args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["llm", "gpt2", *args]) == 2
    assert said in capsys.readouterr().err
    assert run(["llm", "gpt2", "--dim", "seq=64", "--prompt", "64"]) == 0


def test_the_length_of_a_cache_is_one_pass() -> None:
    """Of an export with a cache, past tokens are bound too: which pass the prompt's is does not follow."""
    decoder = make_decoder("gpt2", dims={"seq": 100})
    assert decoder.prompt_length(None) == 100 and decoder.prompt_length(7) == 7
    exported = decoder._replace(bound_lengths={"seq": 1, "past": 511})
    assert exported.prompt_length(7) == 7
    with pytest.raises(UsageError, match=r"--dim seq=1, --dim past=511 is one pass, .*by --prompt"):
        exported.prompt_length(None)
