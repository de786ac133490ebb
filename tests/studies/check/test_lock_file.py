"""The lock file gives back what was written, is the same bytes for the same figures, and is read by people's diffs."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cli import ok
from support.paths import DATA
from support.versions import QUANTITIES

from costcalc import analyze
from costcalc.rules import UsageError, symbol
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import lock_file
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer, SnapshotTensor, snapshot
from costcalc.studies.options import Settings

SMALL = """
name: Small
input: [N, 3, 8, 8]
layers:
  - conv: {filters: 4, kernel: 3, pad: same, bias: false}
  - relu
  - flatten
  - linear: {units: 10}
"""


def entry(source: str, folder: str = ".", **options: object) -> lock.LockEntry:
    return lock.make_entry("net", "", snapshot(analyze(source, **options)), Settings.of(**options), folder)  # type: ignore[arg-type]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "models" / "small.yaml"
    path.parent.mkdir()
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_a_line_for_each_layer_and_total(small: Path) -> None:
    text = lock_file.format_lock(lock_file.make_baseline([entry(str(small), str(small.parent.parent))]))
    lines = text.splitlines()
    assert text.endswith("}\n")
    assert f'"macs": {8 * 8 * 4 * 27 + 4 * 8 * 8 * 10},' in lines
    conv = next(line for line in lines if line.startswith('{"name": "conv"'))
    assert json.loads(conv.rstrip(",")) == {
        "name": "conv",
        "op": "Conv",
        "in": ["input", ["~.weight", "float32", 4, 3, 3, 3]],
        "out": [["~", "float32", 1, 4, 8, 8]],
        "attributes": {"kernel_shape": [3, 3], "strides": [1, 1], "auto_pad": "SAME_UPPER"},
        "macs": 8 * 8 * 4 * 27,
        "flops": 2 * 8 * 8 * 4 * 27,
        "params": 4 * 27,
        "weight_bytes": 4 * 4 * 27,
        "activation_bytes": 4 * 4 * 8 * 8,
        "traffic_bytes": 4 * (3 * 8 * 8 + 4 * 27 + 4 * 8 * 8),
    }
    assert [line[10:].split('"')[0] for line in lines if line.startswith('{"name"')] == [
        "conv",
        "relu",
        "flatten",
        "linear",
    ]
    whole = json.loads(text)
    assert whole["format_version"] == 2
    assert whole["models"]["net"][""]["source"] == "models/small.yaml"


def test_the_same_bytes_wherever_the_models_are(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = lock_file.format_lock(lock_file.make_baseline([entry(str(small), str(tmp_path))]))
    monkeypatch.chdir(tmp_path)
    assert lock_file.format_lock(lock_file.make_baseline([entry(f"models{os.sep}small.yaml")])) == far
    monkeypatch.chdir(tmp_path / "models")
    assert lock_file.format_lock(lock_file.make_baseline([entry("small.yaml", "..")])) == far


@pytest.mark.parametrize("name", ["resnet152", "gpt2", "mobilenet", "lenet5"])
@pytest.mark.parametrize("symbolic", [False, True])
def test_built_in_models_are_given_back(name: str, symbolic: bool) -> None:
    baseline = lock_file.make_baseline([entry(name, symbolic=symbolic)])
    text = lock_file.format_lock(baseline)
    assert lock_file.parse_lock(text, "f").entries == baseline.entries
    assert lock_file.format_lock(lock_file.parse_lock(text, "f")) == text
    assert len(text) < 200_000 or symbolic


CHAIN = """
name: Chain
input: [N, 16, 32, 32]
layers:
  - repeat: {times: 500, layers: [{conv: {filters: 16, kernel: 3, pad: same}}, relu]}
"""

GPT2_LARGE = {"depth": 36, "d": 1280, "heads": 20}


@pytest.mark.parametrize(
    ("name", "params", "format_1_bytes"),
    [("resnet152", {}, 187_154), ("gpt2", GPT2_LARGE, 189_681), (CHAIN, {}, 268_037)],
)
def test_layers_that_repeat_take_less_than_a_fifth(
    name: str, params: dict[str, int], format_1_bytes: int, tmp_path: Path
) -> None:
    """format_1_bytes: what the format took that wrote each layer out."""
    source = name
    if "\n" in name:
        (tmp_path / "chain.yaml").write_text(name, encoding="utf-8")
        source = str(tmp_path / "chain.yaml")
    baseline = lock_file.make_baseline([entry(source, params=params)])
    text = lock_file.format_lock(baseline)
    assert len(text) < 0.2 * format_1_bytes
    assert lock_file.parse_lock(text, "f").entries == baseline.entries


def test_a_change_of_one_block_changes_lines_of_that_block_only() -> None:
    """What a pull request shows, and what a merge has to join: a longer stage changes its count and its totals."""
    before, after = (
        lock_file.format_lock(lock.Baseline((entry("gpt2", params={"depth": n}),))).splitlines() for n in (12, 14)
    )
    changed = [a for a, b in zip(before, after, strict=True) if a != b]
    assert sum(line.startswith('{"repeat"') for line in changed) == 1
    assert not any('": {"op": ' in line for line in changed)


def test_older_locks_are_read_and_are_not_stale_for_their_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (DATA / "lock").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    old = (tmp_path / "costcalc.lock.json").read_text(encoding="utf-8")
    assert json.loads(old)["format_version"] == 1
    assert "up to date; `costcalc lock` writes it in a shorter form" in ok("lock", "--check")
    ok("lock")
    new = (tmp_path / "costcalc.lock.json").read_text(encoding="utf-8")
    assert lock_file.parse_lock(new, "f").entries == lock_file.parse_lock(old, "f").entries
    assert "up to date" in ok("lock", "--check")


WORDS = st.text(max_size=6) | st.sampled_from(["~", "~~x", "a", "a.weight", "\ud800", "<<<<<<< x", "\n=======", "a-b"])
DIM = st.integers(0, 1 << 70) | st.sampled_from([symbol("seq"), symbol("a-b") * 3 // 2, symbol("`") ** 2 - 1])
TENSORS = st.builds(
    SnapshotTensor, WORDS.filter(bool), st.just("int4"), st.none() | st.tuples(DIM, DIM) | st.just(()), st.booleans()
)
PLAIN = st.integers() | st.floats(allow_nan=False, allow_subnormal=True) | st.booleans() | WORDS
LAYERS = st.builds(
    SnapshotLayer,
    WORDS,
    WORDS,
    WORDS,
    DIM,
    st.lists(TENSORS | st.just(SnapshotTensor("", "", None)), max_size=3).map(tuple),
    st.lists(TENSORS, max_size=2).map(tuple),
    st.dictionaries(WORDS, PLAIN | st.lists(PLAIN, max_size=3).map(tuple), max_size=2),
    st.fixed_dictionaries({q: st.none() | DIM for q in QUANTITIES}),
    st.sampled_from(["costed", "free", "unknown"]),
)
SNAPSHOTS = st.builds(
    Snapshot,
    WORDS,
    WORDS,
    st.lists(TENSORS.map(lambda t: t._replace(stored=False)), max_size=2).map(tuple),
    st.lists(LAYERS, max_size=4).map(tuple),
    st.dictionaries(WORDS, DIM, max_size=3),
    st.dictionaries(WORDS, st.integers(0, 9), max_size=2),
    st.dictionaries(WORDS, DIM, max_size=2),
    assumptions=st.lists(WORDS, max_size=2).map(tuple),
)


@given(st.lists(SNAPSHOTS, max_size=3), st.lists(WORDS, min_size=3, max_size=3, unique=True), WORDS)
@settings(deadline=None, max_examples=150)
def test_whatever_a_snapshot_holds_is_given_back(snapshots: list[Snapshot], names: list[str], scenario: str) -> None:
    found = [
        lock.make_entry(n, scenario, s, Settings.of(dims={"N": 1}), ".") for n, s in zip(names, snapshots, strict=False)
    ]
    baseline = lock_file.make_baseline(found)
    text = lock_file.format_lock(baseline)
    assert lock_file.parse_lock(text.encode(), "f").entries == baseline.entries
    assert text == lock_file.format_lock(lock_file.make_baseline(reversed(found)))


def test_the_version_is_the_one_that_last_changed_a_figure() -> None:
    old = lock.Baseline((entry("lenet5"),), "0.0.7")
    assert lock_file.make_baseline([entry("lenet5")], old).version == "0.0.7"
    assert lock_file.make_baseline([entry("lenet5", dims={"N": 2})], old).version != "0.0.7"


def test_a_float_that_is_no_number_is_the_same_again() -> None:
    first = entry("lenet5")
    layer = replace(first.snapshot.layers[0], attributes={"value": (float("nan"), float("-inf"))})
    odd = replace(first, snapshot=replace(first.snapshot, layers=(layer, *first.snapshot.layers[1:])))
    old = replace(lock_file.parse_lock(lock_file.format_lock(lock_file.make_baseline([odd])), "f"), version="0.0.7")
    assert lock_file.make_baseline([odd], old).version == "0.0.7"


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two models are called 'net'"):
        lock_file.make_baseline([entry("lenet5"), entry("alexnet")])


def test_an_entry_is_found_by_model_and_scenario() -> None:
    one, other = entry("lenet5"), replace(entry("lenet5"), scenario="batch8")
    baseline = lock_file.make_baseline([other, one])
    assert baseline.entries == (one, other)
    assert baseline.find("net", "batch8") == other
    assert baseline.find("net", "batch9") is None
    assert other.title == "net (batch8)"


def test_branches_that_change_different_models_merge_without_a_conflict(tmp_path: Path) -> None:
    def lock_of(depth: int, layers: int) -> lock.Baseline:
        first = entry("gpt2", params={"depth": depth})
        second = entry("resnet18", params={"classes": layers})
        return lock_file.make_baseline([replace(first, model="a"), replace(second, model="b")])

    texts = {"base": lock_of(12, 1000), "ours": lock_of(14, 1000), "theirs": lock_of(12, 10)}
    for name, baseline in texts.items():
        (tmp_path / name).write_text(lock_file.format_lock(baseline), encoding="utf-8")
    merge = ["git", "merge-file", "-p", *(str(tmp_path / name) for name in ("ours", "base", "theirs"))]
    done = subprocess.run(merge, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0
    assert done.stdout == lock_file.format_lock(lock_of(14, 10))
