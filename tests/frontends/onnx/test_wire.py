"""The wire scanner: what it finds, and that broken bytes are refused in bounded time."""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import ONNX_FILES

from costcalc.analysis.cost import cost_graph
from costcalc.core.errors import CostcalcError, LoadError
from costcalc.frontends.onnx.messages import parse_type
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.frontends.onnx.wire import read_fields, read_string, read_varints, to_int64


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, payload: int | bytes) -> bytes:
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def refused(data: bytes) -> str:
    with pytest.raises(LoadError) as error:
        list(read_fields(data, 0, len(data)))
    return str(error.value)


numbers = st.integers(1, 2**29 - 1)
payloads = st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300))


@given(st.lists(st.tuples(numbers, payloads), max_size=12))
def test_round_trip(message: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(field(*part) for part in message)
    found = [(key >> 3, a if key & 7 == 0 else data[a:b]) for key, a, b in read_fields(data, 0, len(data))]
    assert found == message


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40))
def test_packed_numbers(values: list[int]) -> None:
    data = b"".join(varint(v % 2**64) for v in values)
    assert [to_int64(v) for v in read_varints(data, 0, len(data))] == values


def test_fixed_width_fields_and_maps(tmp_path: Path) -> None:
    data = varint(3 << 3 | 5) + b"abcd" + varint(4 << 3 | 1) + b"12345678"
    path = tmp_path / "m"
    path.write_bytes(data)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for buf in (data, mapped):
        assert [(k >> 3, buf[a:b]) for k, a, b in read_fields(buf, 0, len(data))] == [(3, b"abcd"), (4, b"12345678")]


@given(st.binary(min_size=1, max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = list(read_fields(data, 0, len(data)))
    except LoadError:
        return
    assert all(0 <= a <= b <= len(data) for key, a, b in found if key & 7)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x08" + b"\x80" * 11, "more than 10 bytes (at byte 11)"),
        (b"\x08" + b"\x80" * 3, "a number is cut (at byte 4)"),
        (b"\x80" * 12, "more than 10 bytes"),
        (b"\x0a", "a length is missing (at byte 1)"),
        (b"\x08", "a number is missing (at byte 1)"),
        (b"\x0a\x05abc", "field 1 claims 5 bytes where 3 are left (at byte 0)"),
        (b"\x0a" + varint(2**63) + b"abc", f"claims {2**63} bytes"),
        (b"\x0d\x01\x02", "a number is cut (at byte 0)"),
        (b"\x0b\x08\x01\x0c", "field 1 is a group"),
        (b"\x0e\x00", "field 1 is wire type 6"),
        (b"\x00\x00", "number 0"),
    ],
)
def test_broken_fields(data: bytes, said: str) -> None:
    assert said in refused(data)


def test_names_that_are_no_utf8_stay_different() -> None:
    assert read_string(b"\xff", 0, 1) != read_string(b"\xfe", 0, 1)


def cost(data: bytes) -> bool:
    """Whether the bytes are a model that can be costed; anything but a CostcalcError fails the test."""
    try:
        cost_graph(load_onnx(data))
    except CostcalcError as error:
        assert str(error)
        return False
    return True


@pytest.mark.parametrize("name", ["hand_conv_weight_from_constant_node", "hand_loop_trip10", "hand_local_functions"])
def test_every_truncation(name: str) -> None:
    data = (ONNX_FILES / f"{name}.onnx").read_bytes()
    assert cost(data)
    for end in range(len(data)):
        cost(data[:end])


@settings(max_examples=300, deadline=2000)
@given(
    st.sampled_from(["hand_loop_trip10", "hand_local_functions", "hand_einsum_various", "toy_gru__ts_dynamic"]),
    st.lists(
        st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=10), st.integers(0, 10)), min_size=1, max_size=6
    ),
)
def test_mutations(name: str, edits: list[tuple[float, bytes, int]]) -> None:
    data = bytearray((ONNX_FILES / f"{name}.onnx").read_bytes())
    for where, new, width in edits:
        at = int(where * len(data))
        data[at : at + width] = new
    cost(bytes(data))


def nested_graph(depth: int) -> bytes:
    """A model whose If holds an If holds an If …"""
    graph = field(2, b"innermost")
    for _ in range(depth):
        branches = b"".join(field(5, field(1, name) + field(20, 5) + field(6, graph)) for name in (b"then_branch",))
        graph = field(1, field(1, b"c") + field(2, b"") + field(4, b"If") + branches)
    return graph


def test_nested_graphs_are_bounded() -> None:
    value = field(11, field(1, b"c") + field(2, field(1, field(1, 9) + field(2, b""))))
    model = field(8, field(2, 17)) + field(7, nested_graph(2000) + value)
    start = time.perf_counter()
    assert not cost(model)
    assert time.perf_counter() - start < 5


def test_nested_types_are_bounded() -> None:
    data = b""
    for _ in range(5000):
        data = field(4, field(1, data))
    with pytest.raises(LoadError, match="nested"):
        parse_type(data, 0, len(data))


def function(name: bytes, calls: bytes, times: int) -> bytes:
    nodes = b"".join(
        field(7, field(1, b"x") + field(2, b"y" if i == times - 1 else b"t%d" % i) + field(4, calls) + field(7, b"f"))
        for i in range(times)
    )
    return field(25, field(1, name) + field(10, b"f") + field(4, b"x") + field(5, b"y") + nodes)


def caller(called: bytes, functions: bytes) -> bytes:
    tensor = field(1, field(1, 1) + field(2, field(1, field(1, 4))))
    node = field(1, field(1, b"a") + field(2, b"b") + field(4, called) + field(7, b"f"))
    graph = node + field(11, field(1, b"a") + field(2, tensor)) + field(12, field(1, b"b"))
    return field(8, field(2, 17)) + field(8, field(1, b"f") + field(2, 1)) + functions + field(7, graph)


def test_functions_that_call_themselves_are_refused() -> None:
    with pytest.raises(LoadError, match="nested more than"):
        load_onnx(caller(b"loop", function(b"loop", b"loop", 1)))


def test_functions_that_double_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costcalc.frontends.onnx.walker.MAX_NODES", 2000)
    functions = b"".join(function(b"f%d" % i, b"f%d" % (i + 1), 2) for i in range(30))
    with pytest.raises(LoadError, match="unfold into more than"):
        load_onnx(caller(b"f0", functions))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"name: lenet5\nlayers: []\n", "not an ONNX model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "not an ONNX model"),
        (bytes(100), "not an ONNX model"),
        (field(1, 8), "no graph"),
        (b"PK\x03\x04" + bytes(30), "archive"),
    ],
)
def test_what_is_no_model(data: bytes, said: str) -> None:
    with pytest.raises(LoadError) as error:
        load_onnx(data, name="it.onnx")
    assert said in str(error.value)
    assert str(error.value).startswith("it.onnx: ")


OUTPUT = field(12, field(1, b"y"))


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (b"\x0a\x00" * 1_000_000, "a node has no operator (at byte"),
        (field(1, field(1, b"x") + field(2, b"y")) + OUTPUT, "a node has no operator (at byte"),
        (OUTPUT + b"\x2a\x00" * 1_000_000, "an initializer has no name"),
        (OUTPUT + b"\x5a\x00" * 1_000_000, "an input has no name"),
        (b"\x62\x00" * 1_000_000, "an output has no name"),
        (OUTPUT + field(5, field(8, b"w")) * 500_000, "an initializer 'w' is given twice"),
        (OUTPUT + field(11, field(1, b"x")) * 500_000, "an input 'x' is given twice"),
    ],
)
def test_many_tiny_messages_are_refused_at_once(graph: bytes, said: str) -> None:
    data = field(8, field(2, 17)) + field(7, graph)
    start = time.perf_counter()
    with pytest.raises(LoadError) as error:
        load_onnx(data)
    assert said in str(error.value)
    assert time.perf_counter() - start < 1


def test_nodes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costcalc.frontends.onnx.parse.MAX_NODES", 50)
    with pytest.raises(LoadError, match="more than 50 nodes"):
        load_onnx(field(8, field(2, 17)) + field(7, field(1, field(4, b"Relu")) * 51))
