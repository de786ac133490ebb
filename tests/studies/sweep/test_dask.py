"""Sweeps on a Dask cluster of this machine: the local run's file, with a worker killed in the middle and after a lost
scheduler; and what a cluster that cannot answer says."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli import run

import costcalc
from costcalc.core.errors import ExecutorError, UsageError
from costcalc.studies.sweep.cluster import compare_versions, connect_executor, scheduler_address

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'costcalc[dask]'")

PYTHON = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(
        filter(None, [str(Path(costcalc.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    ),
}

GRID = ("mobilenet", "--set", "alpha=0.25:1:0.02", "--set", "resolution=96:224:16")


def dask_process(name: str, *args: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *args, "--no-dashboard"]
    return subprocess.Popen(command, env=PYTHON, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Cluster:
    """A scheduler and two workers of one thread, each a process of its own, as on machines of their own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.scheduler = dask_process("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        self.workers = [self.start_worker() for _ in range(2)]
        with distributed.Client(f"tcp://127.0.0.1:{self.port}", timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)

    @property
    def address(self) -> str:
        return f"dask://127.0.0.1:{self.port}"

    def start_worker(self) -> subprocess.Popen[bytes]:
        return dask_process("worker", f"tcp://127.0.0.1:{self.port}", "--nthreads", "1", "--no-nanny")

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait(30)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.stop()


def when_it_has_lines(path: Path, count: int, act: Any) -> threading.Thread:
    """Acts once the file has so many lines."""

    def wait() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and not (path.exists() and path.read_bytes().count(b"\n") >= count):
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_worker_that_is_killed_in_the_middle_costs_no_row(cluster: Cluster, tmp_path: Path) -> None:
    local, remote = tmp_path / "local.csv", tmp_path / "remote.csv"
    assert run(["sweep", *GRID, "-o", str(local), "--jobs", "1"]) == 0
    thread = when_it_has_lines(remote, 60, cluster.workers[0].kill)
    assert run(["sweep", *GRID, "-o", str(remote), "--executor", cluster.address]) == 0
    thread.join()
    assert cluster.workers[0].wait(30) == -signal.SIGKILL and cluster.workers[1].poll() is None
    assert remote.read_bytes() == local.read_bytes() and local.read_bytes().count(b"\n") == 1 + 38 * 9


def test_a_lost_scheduler_is_told_and_resume_completes_the_file(
    cluster: Cluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    local, remote = tmp_path / "local.csv", tmp_path / "remote.csv"
    assert run(["sweep", *GRID, "-o", str(local), "--jobs", "1"]) == 0
    thread = when_it_has_lines(remote, 60, cluster.scheduler.kill)
    assert run(["sweep", *GRID, "-o", str(remote), "--executor", cluster.address]) == 2
    thread.join()
    told = capfd.readouterr().err
    assert f"the Dask scheduler at tcp://127.0.0.1:{cluster.port} was lost; start it again, and go on" in told
    assert f"the rows of {remote}: the same command with --resume" in told and "Traceback" not in told
    part = remote.read_bytes()
    assert 60 <= part.count(b"\n") < local.read_bytes().count(b"\n") and local.read_bytes().startswith(part)
    again = Cluster()
    try:
        assert run(["sweep", *GRID, "-o", str(remote), "--resume", "--executor", again.address]) == 0
    finally:
        again.stop()
    assert remote.read_bytes() == local.read_bytes()


def test_clients_and_clusters_that_the_caller_made() -> None:
    """A worker with several threads, a client, its executor, an address: all the same rows."""
    asked: dict[str, Any] = {"params": {"alpha": "0.5:1:0.1", "resolution": "32:224:64"}}
    expected = costcalc.sweep("mobilenet", jobs=1, **asked)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=3, processes=False, dashboard_address=None) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        assert costcalc.sweep("mobilenet", executor=client, **asked) == expected
        assert costcalc.sweep("mobilenet", executor=client.get_executor(pure=False), **asked) == expected
        assert client.status == "running"


def test_a_cluster_without_workers_is_told(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may still get some: the sweep waits."""
    monkeypatch.setattr("costcalc.studies.sweep.cluster.IDLE_SECONDS", 0.5)
    monkeypatch.setattr("costcalc.studies.sweep.cluster.COUNT_SECONDS", 0.2)
    for worker in cluster.workers:
        worker.kill()
        worker.wait(30)
    time.sleep(1)
    later = threading.Timer(6, lambda: cluster.workers.append(cluster.start_worker()))
    later.start()
    path = tmp_path / "rows.csv"
    assert run(["sweep", "lenet5", "--set", "classes=1:20", "-o", str(path), "--executor", cluster.address]) == 0
    later.join()
    assert path.read_text().count("\n") == 21
    assert "has no worker, and the sweep waits for one" in caplog.text


def test_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("costcalc.studies.sweep.cluster.CONNECT_SECONDS", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert run(["sweep", *GRID, "--executor", f"dask://127.0.0.1:{port}"]) == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1" in capsys.readouterr().err
    assert run(["sweep", *GRID, "--executor", "dask://nowhere.invalid"]) == 2
    assert "no Dask scheduler answers at tcp://nowhere.invalid:8786" in capsys.readouterr().err


@pytest.mark.parametrize(("missing", "kind"), [("distributed", UsageError), ("tornado", ImportError)])
def test_a_broken_package_is_not_said_to_be_missing(
    missing: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Finder:
        def find_spec(self, wanted: str, *_: Any) -> None:
            if wanted == "distributed":
                raise ImportError(f"no {missing}", name=missing)

    monkeypatch.delitem(sys.modules, "distributed")
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(kind), connect_executor("dask://localhost:1"):
        pass


def test_addresses() -> None:
    assert scheduler_address("dask://node7") == "tcp://node7:8786"
    assert scheduler_address("dask://10.0.0.1:99/") == "tcp://10.0.0.1:99"
    assert scheduler_address("dask+tls://[fe80::1]:8786") == "tls://[fe80::1]:8786"
    for text in ("dask://", "dask://u:p@host", "dask://host:0", "dask://host/x", "tcp://host:8786", "host:8786"):
        with pytest.raises(UsageError, match="write dask://HOST:8786"):
            scheduler_address(text)


def versions(**packages: str | None) -> dict[str, Any]:
    return {"packages": {"costcalc": "0.1.0", "python": "3.11.7.final.0", **packages}}


@pytest.mark.parametrize(
    ("worker", "said"),
    [
        ({"costcalc": None}, r"tcp://node7:1\) does not have costcalc, .*pip install costcalc==0\.1\.0"),
        ({"costcalc": "0.2.0"}, r"tcp://node7:1\) has costcalc 0\.2\.0"),
        ({"python": "3.12.1.final.0"}, r"tcp://node7:1\) has Python 3\.12, .*with Python 3\.11"),
    ],
)
def test_what_dask_knows_of_its_workers_is_compared_before_anything_is_sent(worker: Any, said: str) -> None:
    """A worker that lacks the package ends when a chunk reaches it."""
    fine = {"client": versions(), "scheduler": versions(python="3.12.0.final.0"), "workers": {"a": versions()}}
    compare_versions(fine)
    compare_versions({**fine, "client": versions(costcalc=None), "workers": {"a": versions(costcalc=None)}})
    with pytest.raises(UsageError, match=said):
        compare_versions({**fine, "workers": {"a": versions(), "tcp://node7:1": versions(**worker)}})
    with pytest.raises(UsageError, match=r"the scheduler\) does not have costcalc"):
        compare_versions({**fine, "scheduler": versions(costcalc=None)})


def test_a_chunk_that_kills_its_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask gives a task up after so many workers have ended under it."""
    from costcalc.studies.sweep import pools

    def end(self: Any, numbers: Any, with_recipe: bool = False) -> Any:
        return self.executor.submit(os._exit, 9)

    monkeypatch.setattr(pools.ExecutorPool, "submit", end)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        local.scheduler.allowed_failures = 0
        with pytest.raises(
            ExecutorError, match=r"gave up alpha=0.5, resolution=32.*every worker that computed it ended"
        ):
            costcalc.sweep("mobilenet", params={"alpha": "0.5:1:0.1", "resolution": "32:224:64"}, executor=client)
