"""Stored tensors in a format of the file's own: parameters are the model's, bytes are the file's."""

from __future__ import annotations

from support.small_graphs import Builder

import costcalc
from costcalc.analysis.roofline.traffic import minimum_traffic
from costcalc.core.ir import Graph, StoredFormat

N, K, ENTRIES = 64, 128, 1000
Q4 = K * N // 32 * 18
Q8 = ENTRIES * K // 32 * 34


def network() -> Graph:
    """A table of 1,000 rows that is looked up, and a matrix; both are stored in blocks."""
    builder = Builder()
    ids = builder.add_input("ids", costcalc.rules.DType.INT64, (3,))
    rows = builder.op("Gather", builder.weight("table", ENTRIES, K), ids)
    product = builder.op("MatMul", rows, builder.weight("matrix", K, N))
    graph = builder.build([product])
    formats = {"table": StoredFormat("Q8_0", Q8), "matrix": StoredFormat("Q4_0", Q4)}
    return graph._replace(stored_formats=formats)


def test_parameters_are_the_models_and_bytes_the_files() -> None:
    report = costcalc.analyze(network())
    assert report.totals["params"] == ENTRIES * K + K * N
    assert report.totals["weight_bytes"] == Q8 + Q4
    assert [row.figures["weight_bytes"] for row in report.rows] == [Q8, Q4]
    assert report.weight_bytes_by_dtype() == {"Q8_0": Q8, "Q4_0": Q4}
    assert "Weights by type  Q8_0 133 KiB, Q4_0 4.50 KiB" in str(report)


def test_traffic_reads_the_files_bytes() -> None:
    """Of the table one row is read at least (the ids may be equal), of the matrix all blocks."""
    graph = network()
    report = costcalc.analyze(graph)
    plain = costcalc.analyze(graph._replace(stored_formats={}))
    assert plain.totals["traffic_bytes"] - report.totals["traffic_bytes"] == K * N * 4 - Q4
    ids, result = 3 * 8, 3 * N * 4
    assert minimum_traffic(graph, report.rows) == Q4 + K * 34 // 32 + ids + result


def test_another_precision_takes_the_place_of_the_formats() -> None:
    report = costcalc.analyze(network(), dtype="float16")
    assert report.totals["weight_bytes"] == 2 * (ENTRIES * K + K * N)
    kept = costcalc.analyze(network(), act_dtype="float16")
    assert kept.totals["weight_bytes"] == Q8 + Q4
