"""An ONNX file on the command line -> what ONNX Runtime's arena is asked for in two runs, in its log on standard error.

The arena grows by what it is asked for, as far as it has no free region of that size, and says so. `@run` stands before
each run.
"""

from __future__ import annotations

import os
import sys

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

ARENA = {
    "max_mem": 0,
    "arena_extend_strategy": 1,
    "initial_chunk_size_bytes": 256,
    "max_dead_bytes_per_chunk": 1,
    "initial_growth_chunk_size_bytes": 256,
}


def run_twice(path: str) -> None:
    """Runs a model twice with one thread, optimisations off; marks in the log where a run begins."""
    place = state.OrtMemoryInfo("Cpu", state.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, state.OrtMemType.DEFAULT)
    onnxruntime.set_default_logger_severity(0)
    state.create_and_register_allocator(place, state.OrtArenaCfg(ARENA))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {item.name: np.zeros(item.shape, np.float32) for item in session.get_inputs()}
    for _ in range(2):
        os.write(2, b"\n@run\n")
        session.run(None, feeds)


if __name__ == "__main__":
    run_twice(sys.argv[1])
