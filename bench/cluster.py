"""Throughput of a sweep on two Dask workers of this machine against one process: PYTHONPATH=. python bench/cluster.py.

Wall-clock time tells it on a machine that is quiet. Where others compute too, CPU time does: what one process needs for
the rows, against what each of the two workers needs, and the client with its scheduler. What Dask's processes do in the
background (heartbeats, a profiler) is per second, not per row: it is measured at rest, left out of the waiting that
other programs cause, and counted for the time that the run would take by itself.
"""

from __future__ import annotations

import os
import time
from typing import Any, NamedTuple

import distributed
import psutil
from distributed.cfexecutor import ClientExecutor

import costcalc

GRID: dict[str, Any] = {"params": {"alpha": "0.25:1.25:0.02", "resolution": "96:224:16"}}

WARM_UP: dict[str, Any] = {"params": {"alpha": "0.5:1:0.1"}}

REST_SECONDS = 5.0
"""How long the background is measured."""


class CountingExecutor(ClientExecutor):
    """Dask's executor, which counts what is submitted."""

    chunks = 0

    def submit(self, *arguments: Any, **options: Any) -> Any:
        self.chunks += 1
        return super().submit(*arguments, **options)


class Run(NamedTuple):
    """Rows, chunks, seconds, and CPU seconds by process; background are CPU seconds a second at rest, by process."""

    rows: int
    chunks: int
    seconds: float
    cpu: list[float]
    background: list[float]

    def work(self, ideal: float) -> list[float]:
        """CPU seconds of each process in a run that takes so many seconds."""
        return [cpu - rate * (self.seconds - ideal) for cpu, rate in zip(self.cpu, self.background, strict=True)]


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a process, by itself and in the kernel."""
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(processes: list[psutil.Process], action: Any) -> tuple[float, list[float], Any]:
    """Seconds of an action, CPU seconds of these processes meanwhile, and its result."""
    before, start = [cpu_seconds(process) for process in processes], time.perf_counter()
    result = action()
    seconds = time.perf_counter() - start
    return seconds, [cpu_seconds(process) - b for process, b in zip(processes, before, strict=True)], result


def run_cluster(workers: int) -> Run:
    """The sweep by so many workers; the last process is this one, the client and the scheduler."""
    with (
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        executor = CountingExecutor(client)
        processes = [*map(psutil.Process, client.run(os.getpid).values()), psutil.Process()]
        costcalc.sweep("mobilenet_v2", executor=executor, **WARM_UP)
        executor.chunks = 0
        rest, idle, _ = measure(processes, lambda: time.sleep(REST_SECONDS))
        seconds, cpu, sweep = measure(processes, lambda: costcalc.sweep("mobilenet_v2", executor=executor, **GRID))
        return Run(len(sweep), executor.chunks, seconds, cpu, [c / rest for c in idle])


def main() -> None:
    costcalc.sweep("mobilenet_v2", jobs=1, **WARM_UP)
    wall, (one,), _ = measure([psutil.Process()], lambda: costcalc.sweep("mobilenet_v2", jobs=1, **GRID))
    run = run_cluster(2)
    *workers, client = run.work(one / 2)
    print(f"{run.rows} rows; one process: {wall:.1f} s, of these CPU {one:.2f} s", flush=True)
    print(
        f"two workers: {run.seconds:.1f} s, of these CPU {run.cpu[0]:.2f} + {run.cpu[1]:.2f} s, client {run.cpu[2]:.2f} s"
    )
    print(f"  background at rest: {', '.join(f'{rate:.1%}' for rate in run.background)} of a core")
    print(f"  throughput: {wall / run.seconds:.2f}x by wall-clock time, {2 * one / sum(workers):.2f}x by CPU time")
    print(
        f"  client and scheduler: {client:.2f} s of CPU for {run.chunks} chunks, {1000 * client / run.chunks:.0f} ms each"
    )


if __name__ == "__main__":
    main()
