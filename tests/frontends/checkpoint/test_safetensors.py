"""Headers of safetensors files: those that the official package wrote, and damaged ones."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from support.checkpoint_files import framed, header_bytes, write_safetensors

from costcalc.core.errors import LoadError
from costcalc.frontends.checkpoint.folder import (
    INDEX,
    SINGLE,
    LocalFolder,
    check_file_name,
    parse_index,
    read_file,
    read_folder,
)
from costcalc.frontends.checkpoint.safetensors import BITS, DTYPES, parse_header

DATA = Path(__file__).parents[2] / "data" / "checkpoint"


def test_every_type_of_the_official_package() -> None:
    """types.safetensors was written by safetensors 0.8.0: [2, 3, 4] of each type that NumPy and ml_dtypes have."""
    checkpoint = read_file(DATA / "types.safetensors", "types.safetensors")
    sizes = {name: tensor.nbytes for name, tensor in checkpoint.tensors.items()}
    assert sizes.pop("scalar") == 4
    assert sizes.pop("empty") == 0
    assert sizes == {name: 2 * 3 * 4 * BITS[name] // 8 for name in sizes}
    assert {"BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "BOOL", "U64"} <= sizes.keys()
    assert checkpoint.nbytes == 2 * 3 * 4 * (4 * 8 - 8 + 3 * 4 + 4 * 2 + 6) + 4
    assert checkpoint.header_bytes + checkpoint.nbytes == (DATA / "types.safetensors").stat().st_size
    assert all(DTYPES[name].bits == BITS[name] for name in DTYPES)


def test_types_below_a_byte() -> None:
    """safetensors 0.8.0 reads F4 and F6 of a whole number of bytes, and no others."""
    header, size = header_bytes({"a": ("F4", (3, 2)), "b": ("F6_E2M3", (8,)), "c": ("F6_E3M2", (4, 4))})
    assert [t.nbytes for t in parse_header(header, size)] == [3, 6, 12]
    odd = json.dumps({"a": {"dtype": "F4", "shape": [3], "data_offsets": [0, 2]}}).encode()
    with pytest.raises(LoadError, match="no whole number of bytes"):
        parse_header(odd)


def test_a_folder_with_an_index() -> None:
    checkpoint = read_folder(DATA / "sharded", "sharded")
    assert checkpoint is not None
    assert {name: tensor.shape for name, tensor in checkpoint.tensors.items()} == {
        "a.weight": (3, 3),
        "b.weight": (5, 5),
        "c.weight": (7, 7),
    }
    assert checkpoint.nbytes == 2 * (3 * 3 + 5 * 5 + 7 * 7)
    assert checkpoint.describe() == "3 tensors, 83 elements, 166 B (F16)"


def test_a_folder_without_an_index(tmp_path: Path) -> None:
    assert read_folder(tmp_path, "m") is None
    write_safetensors(tmp_path / "adapter.safetensors", {"a.weight": ("BF16", (4, 4))})
    write_safetensors(tmp_path / "b.safetensors", {"b.weight": ("BF16", (2, 2))})
    checkpoint = read_folder(tmp_path, "m")
    assert checkpoint is not None and checkpoint.nbytes == 2 * (4 * 4 + 2 * 2)
    write_safetensors(tmp_path / "model.safetensors", {"c.weight": ("F32", (3,))})
    checkpoint = read_folder(tmp_path, "m")
    assert checkpoint is not None and checkpoint.files == ("model.safetensors",)


def test_a_link_to_a_file_that_was_removed(tmp_path: Path) -> None:
    """A hub's cache has links to its files, which may have been cleaned away."""
    (tmp_path / SINGLE).symlink_to(tmp_path / "blob")
    with pytest.raises(LoadError, match=r"m/model\.safetensors cannot be read: No such file"):
        LocalFolder(tmp_path, "m").weight_files()


def test_what_index_and_files_say_differs(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "1.safetensors", {"a": ("F32", (1,)), "b": ("F32", (1,))})
    write_safetensors(tmp_path / "2.safetensors", {"a": ("F32", (1,))})

    def index(**weight_map: str) -> None:
        (tmp_path / INDEX).write_text(json.dumps({"weight_map": weight_map}))

    index(a="1.safetensors", b="1.safetensors", c="2.safetensors")
    with pytest.raises(LoadError, match=r"2\.safetensors holds the tensor 'a', which"):
        read_folder(tmp_path, "m")
    index(a="1.safetensors", b="1.safetensors", c="1.safetensors")
    with pytest.raises(LoadError, match=r"1\.safetensors does not hold the tensor 'c'"):
        read_folder(tmp_path, "m")
    index(a="1.safetensors", b="3.safetensors")
    with pytest.raises(LoadError, match=r"1 of 2 weight files are not there, 3\.safetensors"):
        read_folder(tmp_path, "m")
    index(a="3.safetensors")
    assert read_folder(tmp_path, "m") is None  # a folder that was downloaded without its weights
    write_safetensors(tmp_path / SINGLE, {"c": ("F32", (3,))})
    checkpoint = read_folder(tmp_path, "m")
    assert checkpoint is not None and checkpoint.files == (SINGLE,)  # an index of files that were merged into one
    (tmp_path / SINGLE).unlink()
    (tmp_path / INDEX).unlink()
    with pytest.raises(LoadError, match="'a' stands in two files"):
        read_folder(tmp_path, "m")


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/../b", "C:\\x", "a\\b", ".", "..", "a//b", "x\n", "", "a/./b", "\x1b[2J", ". ./a"],
)
def test_an_index_names_files_of_its_folder_only(name: str) -> None:
    with pytest.raises(LoadError, match="which is no file of its folder"):
        check_file_name(name)
    with pytest.raises(LoadError, match="which is no file of its folder"):
        parse_index(json.dumps({"weight_map": {"a": name}}).encode())


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


DAMAGED = [
    (b"", "the file ends before the length"),
    (b"\xff" * 8, "claims 18,446,744,073,709,551,615 bytes, the limit"),
    (b"\x00\x00\x00\x00\x00\x00\x00\x80{}", "claims 9,223,372,036,854,775,808 bytes"),
    (b"\x40\0\0\0\0\0\0\0{}", "claims 64 bytes, the file has 10"),
    (b"\x01\0\0\0\0\0\0\0{", "claims 1 bytes"),
    (framed(b"[]"), "no JSON object"),
    (framed(b"{]"), "no JSON"),
    (framed(b'{"__metadata__":{"format":1}}'), "__metadata__ is no object from text to text"),
    (framed(b'{"__metadata__":"pt"}'), "__metadata__ is no object from text to text"),
    (framed(b"\xff\xfe{}"), "no UTF-8"),
    (framed(b'{"a":' + b"[" * 50_000), "nested too deep|no JSON"),
    (framed(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":1}'), "the key 'a' stands twice"),
    (framed(b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}'), "the key 'dtype' stands twice"),
    (framed(b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,8]}}'), "5,000 digits"),
    (framed(json.dumps({"a": 1}).encode()), "does not say what the tensor 'a' is"),
    (framed(json.dumps({"a": {"dtype": "F32", "shape": [2]}}).encode()), "does not say"),
    (framed(json.dumps({"a": entry(shape=[-1])}).encode()), "does not say"),
    (framed(json.dumps({"a": entry(shape=[True])}).encode()), "does not say"),
    (framed(json.dumps({"a": entry(shape=[1] * 100)}).encode()), "does not say"),
    (framed(json.dumps({"a": entry(offsets=[8, 0])}).encode()), "8 bytes by its type and shape, -8 in the file"),
    (framed(json.dumps({"a": entry(dtype="F33")}).encode()), "the element type 'F33'"),
    (framed(json.dumps({"a": entry(shape=[1 << 59, 1 << 59])}).encode()), "more than 2\\^57 bytes"),
    (framed(json.dumps({"a": entry(offsets=[0, 12])}).encode()), "8 bytes by its type and shape, 12 in the file"),
    (framed(json.dumps({"a": entry(), "b": entry(offsets=[4, 12])}).encode()), "'b' at byte 4 of the data overlaps"),
    (framed(json.dumps({"a": entry(), "b": entry()}).encode()), "overlaps"),
    (framed(json.dumps({"a": entry(), "b": entry(offsets=[12, 20])}).encode()), "leaves a hole of 4 bytes"),
    (framed(json.dumps({"a": entry()}).encode(), bytes(7)), "end at byte 8 of the data, which has 7"),
    (framed(json.dumps({"a": entry()}).encode(), bytes(9)), "end at byte 8 of the data, which has 9"),
]


@pytest.mark.parametrize(("content", "message"), DAMAGED, ids=[message[:30] for _, message in DAMAGED])
def test_damaged_headers(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=message) as caught:
        read_file(path, "m.safetensors")
    assert str(caught.value).startswith("m.safetensors: ")


def test_the_headers_of_a_thousand_shards(tmp_path: Path) -> None:
    """100,000 tensors in 1,000 files: under 1 s of processor time where nothing else runs; 3 s are allowed here."""
    index = {}
    for shard in range(1000):
        file = f"model-{shard + 1:05d}-of-01000.safetensors"
        names = [f"model.layers.{shard}.mlp.experts.{i}.gate_proj.weight" for i in range(100)]
        write_safetensors(tmp_path / file, dict.fromkeys(names, ("BF16", (2048, 7168))))
        index.update(dict.fromkeys(names, file))
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": index}))
    begin = time.process_time()
    checkpoint = read_folder(tmp_path, "m")
    assert time.process_time() - begin < 3
    assert checkpoint is not None and checkpoint.nbytes == 100_000 * 2048 * 7168 * 2


def test_headers_are_read_again_where_a_file_has_changed(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path, "m")
    write_safetensors(tmp_path / "model.safetensors", {"a": ("F32", (4,))})
    first = folder.weight_files()
    assert first is not None and folder.weight_files() is first
    write_safetensors(tmp_path / "model.safetensors", {"a": ("F32", (5,))})
    second = folder.weight_files()
    assert second is not None and second.nbytes == 5 * 4
