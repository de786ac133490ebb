"""The longest text and the most texts that fit; every way to split a model; the command line."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.serving import write_config

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.cli.group import cli
from costcalc.core.errors import UsageError
from costcalc.studies.generation.largest import find_largest, largest_batch, longest_context
from costcalc.studies.generation.layouts import find_layouts
from costcalc.studies.generation.serving import measure_serving
from costcalc.studies.options import Settings

PARALLEL = {"tp": 2}


def settings(**generation: Any) -> Settings:
    return Settings.of(parallel=PARALLEL, generation={"generate": 16, "prefill_chunk": 256, **generation})


def held(model: str, **generation: Any) -> int:
    return measure_serving(model, settings(**generation)).memory_bytes


def test_the_longest_context_fits_and_the_next_does_not(tmp_path: Path) -> None:
    model, profile = write_config("llama3-8b", tmp_path), find_profile("l4")
    found = longest_context(model, settings(page=16), profile)
    capacity = profile.bytes_of("device")
    assert capacity == found.capacity
    assert held(model, page=16, prompt=found.number - 16) == found.nbytes <= capacity
    assert held(model, page=16, prompt=found.number - 15) == found.next_nbytes
    assert found.next_nbytes is not None and found.next_nbytes > capacity


def test_the_largest_batch_fits_and_the_next_does_not(tmp_path: Path) -> None:
    model, profile = write_config("llama3-8b", tmp_path), find_profile("l4")
    found = largest_batch(model, settings(prompt=1000), profile)
    assert held(model, prompt=1000, batch=found.number) == found.nbytes <= found.capacity
    assert held(model, prompt=1000, batch=found.number + 1) == found.next_nbytes
    assert found.next_nbytes is not None and found.next_nbytes > found.capacity


@pytest.mark.parametrize("capacity", [10, 11, 99, 100, 101, 12345, 10**9])
def test_a_search_finds_the_last_that_fits(capacity: int) -> None:
    def steps(n: int) -> int:
        return 10 * (-(-n // 16))

    def square(n: int) -> int:
        return n * n

    assert find_largest(steps, capacity, 1, "n").number == capacity // 10 * 16
    largest = find_largest(square, capacity, 1, "n").number
    assert largest**2 <= capacity < (largest + 1) ** 2


def test_what_does_not_fit_at_all() -> None:
    with pytest.raises(UsageError, match="one text does not fit: it takes 11 of 10 bytes"):
        find_largest(lambda n: 10 + n, 10, 1, "one text")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ({"prompt": 100_000, "generate": 16}, {"generate": 16}),
        ({"prompt": 100, "generate": 400_000}, {"prompt": 100}),
        ({"prompt": 400_000, "generate": 400_000}, {"generate": 1}),
    ],
)
def test_the_longest_text_that_fits_where_the_asked_one_does_not(
    text: dict[str, int], fits: dict[str, int], tmp_path: Path
) -> None:
    model, profile = write_config("llama3-8b", tmp_path), find_profile("l4")
    alone = Settings.of(generation=text)
    with pytest.raises(UsageError, match=r"too many; --prompt \d+ --generate \d+ fits; or use more devices") as caught:
        largest_batch(model, alone, profile)
    prompt, generate = map(int, re.findall(r"--\w+ (\d+)", caught.value.remedy))
    found = {"prompt": prompt, "generate": generate}
    assert found | fits == found
    longer = "prompt" if "generate" in fits else "generate"
    capacity = profile.bytes_of("device") or 0
    for more, does_fit in ((0, True), (1, False)):
        held = measure_serving(model, Settings.of(generation={**found, longer: found[longer] + more})).memory_bytes
        assert (held <= capacity) is does_fit
    assert largest_batch(model, Settings.of(generation=found), profile).number == 1


def test_weights_that_do_not_fit_are_no_matter_of_the_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too many; use more devices, or narrower types"):
        largest_batch(write_config("llama3-8b", tmp_path), Settings.of(), find_profile("t4"))


def limited(tmp_path: Path) -> str:
    path = Path(write_config("llama3-8b", tmp_path)) / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "max_position_embeddings": 4096}))
    return str(path.parent)


def text_of(*arguments: str) -> str:
    return " ".join(CliRunner().invoke(cli, list(arguments), catch_exceptions=False).stdout.split())


def test_the_length_that_a_file_states_stands_beside_what_fits(tmp_path: Path) -> None:
    model, plain = limited(tmp_path), ("--device", "l4", "--max-context", "--max-batch")
    rows = run("llm", model, *plain)["largest"]
    assert [row["context_limit"] for row in rows] == [{"tokens": 4096, "origin": "max_position_embeddings"}] * 2
    stated = "the model's file states 4,096 tokens a text at most (max_position_embeddings), fewer than"
    text = text_of("llm", model, *plain)
    assert f"Context {stated} {rows[0]['largest']:,}" in text and "File states" in text
    split = ("--devices", "2", "--sweep-parallel", "--device", "l4")
    for question in ((), ("--device", "l4", "--max-batch"), split):
        assert f"Context {stated} 4,097" in text_of("llm", model, "--prompt", "3969", *question)
        assert "Context the" not in text_of("llm", model, "--prompt", "3968", *question)
    assert "File states" not in text_of("llm", write_config("llama3-8b", tmp_path), *plain)


def test_that_no_split_fits_is_said_with_the_nearest(tmp_path: Path) -> None:
    model, split = write_config("llama3-8b", tmp_path), ("--device", "t4", "--devices", "4", "--sweep-parallel")
    rows = run("llm", model, *split, "--batch", "4096")["layouts"]
    least = min(row["memory_bytes"] for row in rows)
    (nearest,) = [row for row in rows if row["memory_bytes"] == least]
    name = " ".join(f"{axis} {nearest[axis]}" for axis in ("tp", "pp", "ep", "dp"))
    text = text_of("llm", model, *split, "--batch", "4096")
    assert f"Does not fit none of the {len(rows)} ways; the nearest, {name}, takes" in text and "too many" in text
    assert "Does not fit" not in text_of("llm", model, *split)


def test_times_without_a_peak_are_marked(tmp_path: Path) -> None:
    model = write_config("llama3-8b", tmp_path)
    for more in ((), ("--devices", "2", "--tp", "2"), ("--devices", "2", "--sweep-parallel")):
        text = text_of("llm", model, "--device", "t4", *more)
        assert "ms *" in text and "* t4 has no peak for bfloat16: MACs in it take no time here" in text
        assert " *" not in text_of("llm", model, "--device", "t4", *more, "--dtype", "fp16").replace(" * (", "")


def test_every_way_to_split() -> None:
    ways = list(find_layouts(8, experts=False))
    assert len(ways) == 10 and all(way.total == 8 and way.ep == 1 for way in ways)
    with_experts = list(find_layouts(4, experts=True))
    assert {(way.tp, way.ep) for way in with_experts if way.pp == 1} == {
        (tp, ep) for tp in (1, 2, 4) for ep in (1, 2, 4)
    }


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(cli, [*arguments, "--format", "json"], standalone_mode=False)
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "device", [("h100-sxm", "×8"), ("h100-sxm x8",), ("h100-sxm×8",), ("h100-sxm", "--devices", "8")]
)
def test_devices_and_their_number(device: tuple[str, ...], tmp_path: Path) -> None:
    model = write_config("llama3-8b", tmp_path)
    options = ("--prompt", "64", "--generate", "4", "--batch", "2", "--kv-dtype", "fp8", "--page", "16")
    document = run("llm", model, "--device", *device, "--tp", "8", *options)["generation"]
    assert document["parallel"]["devices"] == document["parallel"]["tp"] == 8
    assert document["parallel"]["kv_cache_bytes"] == 2 * 2 * 32 * 128 * 80
    assert document["hardware"][0]["name"] == "h100-sxm"


def test_the_questions_of_the_command(tmp_path: Path) -> None:
    model = write_config("llama3-8b", tmp_path)
    rows = run("llm", model, "--device", "l4", "--tp", "2", "--prompt", "64", "--max-batch", "--max-context")["largest"]
    assert [row["what"] for row in rows] == ["tokens a text", "texts"]
    layouts = run("llm", model, "--devices", "3", "--sweep-parallel", "--prompt", "64", "--generate", "2")["layouts"]
    assert [(row["tp"], row["pp"], row["dp"], "refused" in row) for row in layouts] == [
        (1, 3, 1, False),
        (1, 1, 3, False),
        (3, 1, 1, True),
    ]
    assert [row["fits"] for row in layouts[:2]] == [None, None]
    split = ("--devices", "4", "--sweep-parallel", "--prompt", "1024", "--generate", "2")
    for batch, fits in ((1, True), (4096, False)):
        rows = run("llm", model, "--device", "t4", *split, "--batch", str(batch))["layouts"]
        assert [row["fits"] for row in rows if row["tp"] == 4] == [fits]


def test_a_sweep_over_the_batch(tmp_path: Path) -> None:
    model = write_config("llama3-8b", tmp_path)
    rows = run("sweep", model, "--dim", "batch=1:256:*2", "--where", "memory_bytes < 80GB")["sweep"]["rows"]
    cache = 2 * 2 * 32 * 1024 * 640
    assert [row["batch"] for row in rows] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert [row["kv_cache_bytes"] for row in rows] == [batch * cache for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256)]
    rows = run("sweep", model, "--vary", "tp=1,2,4", "--where", "device_memory_bytes < 9GB")["sweep"]["rows"]
    assert [row["tp"] for row in rows] == [2, 4]


@pytest.mark.parametrize("name", ["8xh100-sxm", "8 × h100-sxm", "h100-sxm:8", "h100-sxm*8"])
def test_a_number_at_another_place_is_told_its_own(name: str) -> None:
    with pytest.raises(UsageError, match="the number stands behind the name: --hardware 'h100-sxm x8'"):
        Settings.of(devices=[name])


def test_what_is_no_number_of_devices(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'h100-sxm x0' is no device; give 1 or more"):
        Settings.of(devices=["h100-sxm x0"])


@pytest.mark.parametrize("options", [(), ("--devices", "2", "--tp", "2")])
def test_a_device_without_the_size_of_its_memory_says_so(options: tuple[str, ...], tmp_path: Path) -> None:
    arguments = ["llm", write_config("llama3-8b", tmp_path), "--device", "apple-m4-max", *options]
    text = " ".join(CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout.split())
    assert "apple-m4-max whether it fits is not known: the profile has no size of the device's memory" in text
    assert "whether it fits" not in CliRunner().invoke(cli, [*arguments[:3], "l4", *options]).stdout


def test_one_guess(tmp_path: Path) -> None:
    arguments = ["llm", write_config("llama3-8b", tmp_path), "--tp", "2", "--draft-tokens", "1", "--acceptance", "0.85"]
    text = CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout
    assert "1 guess, right with probability 0.85: 1.85 tokens a step" in text


def test_the_peak_of_a_chunk_of_sparse_attention(tmp_path: Path) -> None:
    """The last layer's queries are those of one position, its indexer's keys those of the whole chunk."""
    config = {"model_type": "deepseek_v32", "num_hidden_layers": 2, "first_k_dense_replace": 2, "hidden_size": 256}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    whole = run("llm", str(path), "--prompt", "64", "--generate", "4")["generation"]["peak_activation_bytes"]
    chunk = ("--prefill-chunk", "64")
    assert (
        run("llm", str(path), "--prompt", "64", "--generate", "4", *chunk)["generation"]["peak_activation_bytes"]
        == whole
    )


@pytest.mark.parametrize(
    ("options", "given"),
    [
        (("--max-batch", "--batch", "4"), "--max-batch looks for the batch that --batch gives"),
        (("--devices", "8", "--sweep-parallel", "--tp", "8"), "looks for the split that --tp gives"),
        (
            ("--devices", "8", "--sweep-parallel", "--tp", "4", "--pp", "2"),
            "looks for the split that --tp and --pp give",
        ),
    ],
)
def test_an_option_that_gives_what_is_looked_for_is_refused(options: tuple[str, ...], given: str) -> None:
    with pytest.raises(UsageError, match=given):
        CliRunner().invoke(cli, ["llm", "gpt2", "--device", "l4", *options], catch_exceptions=False)
