"""Sweeps by any executor: the rows of one process, in order; workers that are lost, and workers that differ."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper
from support.onnx_models import info, model, weight

import costcalc
from costcalc.core.errors import CostcalcError, ExecutorError
from costcalc.rules import UsageError
from costcalc.studies.sweep import chunks, executor, point, pools, worker
from costcalc.studies.sweep.recipe import prepare_sweep

GRID: dict[str, Any] = {"alpha": "0.25:1:0.05", "resolution": "32:224:32"}


@pytest.fixture(autouse=True)
def no_recipe_is_held() -> Iterator[None]:
    worker._recipes.clear()
    yield
    worker._recipes.clear()


class Inline(Executor):
    """Computes at once in this process; before, each submission is told to a function, which may raise. What travels
    is pickled, as it is for another machine."""

    def __init__(self, before: Callable[[int], object] = lambda number: None) -> None:
        self.before, self.submissions = before, 0
        self.chunks: list[int] = []
        self.bytes_sent = self.with_recipe = 0

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        self.submissions += 1
        self.chunks.append(len(arguments[-1]))
        self.with_recipe += arguments[2] is not None
        sent = pickle.dumps(arguments)
        self.bytes_sent += len(sent)
        future: Future[Any] = Future()
        try:
            self.before(self.submissions)
            future.set_result(pickle.loads(pickle.dumps(function(*pickle.loads(sent)))))
        except Exception as error:
            future.set_exception(error)
        return future


class Counting(Inline):
    """Two workers: eight chunks are under way."""

    num_workers = 2


class Shape:
    """No subclass of Executor: a submit that returns futures is enough."""

    num_workers = 2

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(2)

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        return self.threads.submit(function, *arguments)


EXECUTORS: dict[str, Callable[[], Any]] = {
    "inline": Inline,
    "threads": lambda: ThreadPoolExecutor(3),
    "processes": lambda: ProcessPoolExecutor(2),
    "shape": Shape,
}


@pytest.mark.parametrize("kind", EXECUTORS)
def test_rows_are_those_of_one_process_in_its_order(kind: str) -> None:
    one = costcalc.sweep("mobilenet", params=GRID, jobs=1)
    assert costcalc.sweep("mobilenet", params=GRID, executor=EXECUTORS[kind]()) == one and len(one) == 16 * 7


@pytest.mark.parametrize(
    "asked",
    [
        {"dims": {"N": "1:3", "H": "32:97:5", "W": [64, 80]}},
        {"dims": {"N": "1:9000", "H": 32, "W": 32}},
        {"dims": {"N": [1, 2], "H": [8, 224], "W": 224}, "where": "macs > 1G"},
        {"dims": {"N": "1:100", "H": 32, "W": 32}, "maximize": "N", "subject_to": "macs < 1G"},
        {"params": {"classes": "1:900"}, "sample": 70, "seed": 3},
        {"params": {"classes": [10, "ten"]}, "devices": ["t4"], "quantities": ["energy.t4", "arena_bytes"]},
    ],
)
def test_any_sweep_is_the_same(asked: dict[str, Any]) -> None:
    assert costcalc.sweep("resnet18", executor=Inline(), **asked) == costcalc.sweep("resnet18", jobs=1, **asked)


def test_an_optimum_greets_its_workers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its levels are sweeps of their own, of a few points each."""
    packed: list[int] = []
    original = worker.pack_recipe

    def pack(recipe: Any, number: int) -> bytes:
        packed.append(number)
        return original(recipe, number)

    monkeypatch.setattr(worker, "pack_recipe", pack)
    asked: dict[str, Any] = {"params": GRID, "maximize": "resolution", "subject_to": "macs < 20M"}
    assert costcalc.sweep("mobilenet", executor=Inline(), **asked) == costcalc.sweep("mobilenet", jobs=1, **asked)
    assert packed == [0]


def test_a_graph_and_a_profile_travel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = costcalc.load("bert_base")
    assert costcalc.sweep(graph, dims={"seq": [7, 128]}, executor=Inline()) == costcalc.sweep(
        graph, dims={"seq": [7, 128]}
    )
    (tmp_path / "chip.yaml").write_text(
        Path(costcalc.__file__).parent.joinpath("analysis/hardware/profiles/t4.yaml").read_text()
    )
    monkeypatch.chdir(tmp_path)
    asked: dict[str, Any] = {"params": {"classes": [1, 2]}, "devices": ["chip.yaml"]}
    one = costcalc.sweep("lenet5", **asked)

    def elsewhere(_: int) -> None:
        monkeypatch.chdir("/")

    assert costcalc.sweep("lenet5", executor=Inline(elsewhere), **asked) == one


def test_chunks_follow_the_time_of_a_point() -> None:
    """Few points first, then as many as take TARGET_SECONDS, fewer towards the end."""
    inline = Inline()
    numbers = chunks.ChunkSizes(range(100_000), 1)
    assert len(numbers.next(4)) == chunks.FIRST_POINTS
    numbers.measure(4, 4 * 0.01)
    assert len(numbers.next(4)) == chunks.TARGET_SECONDS / 0.01
    numbers.measure(1000, 1000 * 1e-6)
    assert len(numbers.next(4)) == chunks.MAX_CHUNK_POINTS
    last = chunks.ChunkSizes(range(80), 1)
    last.measure(100, 100 * 0.02)
    assert [len(last.next(4)) for _ in range(9)] == [10, 9, 8, 7, 6, 5, 5, 5, 5]
    costcalc.sweep("mobilenet", params=GRID, executor=inline)
    assert sum(inline.chunks) == 16 * 7 and max(inline.chunks[64:], default=5) > chunks.FIRST_POINTS


def test_a_structure_with_formulas_is_not_divided() -> None:
    sizes = chunks.ChunkSizes(range(150, 1000), 100)
    assert [sizes.next(1) for _ in range(3)] == [range(150, 200), range(200, 300), range(300, 400)]
    drawn = chunks.ChunkSizes([1, 2, 3, 50, 99, 100, 150], 100)
    assert [drawn.next(1) for _ in range(3)] == [[1, 2, 3, 50, 99], [100, 150], []]


def test_memory_is_bounded_for_a_million_points() -> None:
    """Rows are taken one block at a time; never more chunks are under way than the window holds."""
    recipe = prepare_sweep("lenet5", {"classes": "1:1000000"}, {}).recipe
    counting = Counting()
    blocks: Any = executor.row_blocks(recipe, range(10**6), executor=counting)
    taken = 0
    for _ in range(3):
        taken += len(next(blocks))
        assert sum(counting.chunks) - taken <= 4 * 2 * chunks.MAX_CHUNK_POINTS
        assert counting.submissions <= 3 + 4 * 2
    blocks.close()
    assert counting.bytes_sent / counting.submissions < 20_000


def test_a_large_recipe_is_sent_to_those_that_lack_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MAX_INLINE_BYTES", 0)
    monkeypatch.setattr(chunks, "MAX_CHUNK_POINTS", 2)
    for seconds in ("TARGET_SECONDS", "LEAST_SECONDS"):  # on a slow machine, too, each chunk has two points
        monkeypatch.setattr(chunks, seconds, 1e6)
    inline = Counting()
    assert costcalc.sweep("mobilenet", params=GRID, executor=inline) == costcalc.sweep("mobilenet", params=GRID, jobs=1)
    assert inline.submissions == 16 * 7 / 2 + 8 and inline.with_recipe == 8


@pytest.mark.parametrize("failure", [ConnectionError("gone"), CancelledError(), TimeoutError("late"), OSError("x")])
def test_a_chunk_whose_worker_is_lost_is_computed_again(failure: Exception) -> None:
    def lose(number: int) -> None:
        if number in (2, 3, 17, 20):
            raise failure

    assert costcalc.sweep("mobilenet", params=GRID, executor=Inline(lose)) == costcalc.sweep(
        "mobilenet", params=GRID, jobs=1
    )


def test_a_chunk_that_is_lost_again_and_again_is_told_with_its_combinations() -> None:
    def lose(number: int) -> None:
        if number > 2:
            raise ConnectionError("no route to node7")

    with pytest.raises(ExecutorError, match=r"gave up the chunk with alpha=0.3, resolution=64 and 3 more: .*no route"):
        costcalc.sweep("mobilenet", params=GRID, executor=Inline(lose))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_local_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "params: {n: 1}\ninput: [N, 3, 8, 8]\nlayers:\n" + "  - conv: {filters: n, kernel: 3, pad: same}\n" * 60
    )
    recipe = prepare_sweep(path, {"n": "1:160"}, {}).recipe
    killed = False
    with pools.LocalPool(recipe, 2) as pool:
        rows: list[Any] = []
        for block in chunks.run_chunks(pool, recipe, range(160), False):
            rows += block
            if not killed:
                os.kill(next(iter(pool.executor._processes)), signal.SIGKILL)
                killed = True
    assert rows == [row for block in executor.row_blocks(recipe, range(160), 1) for row in block]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_an_executor_that_is_broken_is_told() -> None:
    with ProcessPoolExecutor(1) as broken, pytest.raises(ExecutorError, match="has lost a worker that computed"):
        future = broken.submit(os.kill, os.getpid(), 0)
        future.result()
        broken.submit(os._exit, 9)
        costcalc.sweep("mobilenet", params=GRID, executor=broken)
    closed = ThreadPoolExecutor(1)
    closed.shutdown()
    with pytest.raises(ExecutorError, match="cannot schedule new futures after shutdown"):
        costcalc.sweep("mobilenet", params=GRID, executor=closed)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"costcalc": "9.9"}, r"has costcalc 9\.9, and the sweep was started with .*pip install costcalc=="),
        ({"Python": "3.9"}, r"has Python 3\.9, .*with Python 3\.\d+"),
        ({"acme-rules": "1.2"}, r"has acme-rules 1\.2, and the sweep was started without acme-rules"),
    ],
)
def test_a_worker_of_another_version(change: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = worker.describe_environment()

    def differ(_: int) -> None:
        monkeypatch.setattr(worker, "describe_environment", lambda: {**here, **change})

    with pytest.raises(UsageError, match=said):
        costcalc.sweep("mobilenet", params=GRID, executor=Inline(differ))


def onnx_file(path: Path, channels: int = 3) -> Path:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    x = info("x", TensorProto.FLOAT, ["N", channels, 6, 6])
    path.write_bytes(model(nodes, [x], ["y"], [weight("w", 5, channels, 3, 3)]))
    return path


def test_a_model_that_is_missing_or_other_where_workers_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = onnx_file(tmp_path / "net.onnx")
    monkeypatch.chdir(tmp_path)
    asked: dict[str, Any] = {"dims": {"N": [1, 2, 3]}}
    assert costcalc.sweep("net.onnx", executor=Inline(lambda _: monkeypatch.chdir("/")), **asked)["macs"] == [
        n * 5 * 4 * 4 * 27 for n in (1, 2, 3)
    ]
    worker._recipes.clear()
    with pytest.raises(UsageError, match=r"has another file .*net\.onnx: .* bytes instead of .*the same file"):
        costcalc.sweep(path, executor=Inline(lambda _: onnx_file(path, 4)), **asked)
    with pytest.raises(UsageError, match=r"cannot read .*net\.onnx: No such file.*where every worker has it"):
        costcalc.sweep(path, executor=Inline(lambda _: path.unlink(missing_ok=True)), **asked)


def test_a_yaml_model_needs_no_file_where_workers_run(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = "params: {n: 1}\ninput: [1, 3, 8, 8]\nlayers: [conv: {filters: n, kernel: 3}]\n"
    path.write_text(text)
    expected = costcalc.sweep(path, params={"n": [1, 2, -1]}, jobs=1)
    assert (
        costcalc.sweep(path, params={"n": [1, 2, -1]}, executor=Inline(lambda _: path.unlink(missing_ok=True)))
        == expected
    )
    assert expected.invalid == 1 and "net.yaml:3:" in expected.rows[2][-1]


def test_other_figures_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reason is: the worker's own row of a combination is compared."""
    original = point.compute_row

    def differ(_: int) -> None:
        monkeypatch.setattr(point, "compute_row", lambda recipe, at: (*at, 7, *original(recipe, at)[len(at) + 1 :]))

    with pytest.raises(UsageError, match=r"gives other figures for alpha=0.25, resolution=32: macs is 7 instead of"):
        costcalc.sweep("mobilenet", params=GRID, executor=Inline(differ))


def test_rules_of_an_earlier_sweep_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RULE_FILES", [])

    def earlier(_: int) -> None:
        monkeypatch.setattr(worker, "RULE_FILES", ["/other/rules.py"])

    with pytest.raises(UsageError, match=r"other rule files for an earlier sweep: .*rules\.py; restart the workers"):
        costcalc.sweep("mobilenet", params=GRID, executor=Inline(earlier))


def test_an_error_travels_without_its_traceback() -> None:
    """tblib, which Dask installs, pickles tracebacks and causes: those of a deep model exceed Python's depth."""
    results: list[Any] = []

    class Keeping(Inline):
        def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
            results.append(function(*arguments))
            return super().submit(function, *arguments, **options)

    with pytest.raises(CostcalcError):
        costcalc.sweep("gpt2", executor=Keeping(), dims={"seq": [1000, 1025]}, strict=True)
    (error,) = [result.error for result in results if result.error is not None]
    assert "1025" in str(error)
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


def test_an_error_of_strict_and_a_bug_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {"dims": {"seq": [1000, 1025]}, "strict": True}
    with pytest.raises(CostcalcError) as here:
        costcalc.sweep("gpt2", jobs=1, **asked)
    with pytest.raises(type(here.value)) as there:
        costcalc.sweep("gpt2", executor=Inline(), **asked)
    assert str(there.value) == str(here.value)

    def fail(_: int) -> None:
        monkeypatch.setattr(worker, "compute_batches", lambda *_: 1 / 0)

    with pytest.raises(CostcalcError, match=r"process \d+: this is a bug in costcalc \(ZeroDivisionError"):
        costcalc.sweep("mobilenet", params=GRID, executor=Inline(fail))


@pytest.mark.parametrize("value", [3, object(), "spark://host", ["dask://host"]])
def test_what_is_no_executor(value: Any) -> None:
    with pytest.raises(UsageError, match=r"no address of an executor|has no submit\(\)"):
        costcalc.sweep("mobilenet", params=GRID, executor=value)


def test_a_model_that_cannot_be_sent() -> None:
    recipe = prepare_sweep("lenet5", {"classes": "1:3"}, {}).recipe
    with pytest.raises(UsageError, match="cannot be sent to workers"):
        worker.pack_recipe(recipe._replace(strict=threading.Lock()), 0)  # type: ignore[arg-type]


def test_what_follows_an_early_end_is_not_computed() -> None:
    slow = ThreadPoolExecutor(1)
    recipe = prepare_sweep("mobilenet", GRID, {}).recipe
    blocks: Any = executor.row_blocks(recipe, range(112), executor=slow)
    next(blocks)
    blocks.close()
    start = time.monotonic()
    slow.shutdown()
    assert time.monotonic() - start < 20
