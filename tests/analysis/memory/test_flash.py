"""What the bytes of a .tflite file are, and how a comparison accounts for them."""

from __future__ import annotations

import json

import pytest
from support.cli import call
from support.paths import DATA

import costcalc
from costcalc.analysis.folding import measure_folding
from costcalc.analysis.memory.flash import FlashUse, measure_flash
from costcalc.core.errors import QuantityError
from costcalc.studies.measurement import measure
from costcalc.studies.options import Settings

FOLDER = DATA / "tflm"


def use_of(name: str) -> FlashUse:
    flat = costcalc.load(FOLDER / f"{name}.tflite").flat
    assert flat is not None
    return measure_flash(flat)


def test_repeated_and_unused_buffers_names_and_metadata_can_be_stripped() -> None:
    """Two vectors of 8 floats, equal; 5 integers that no tensor has; 16 bytes of metadata. A name has 4 bytes of
    length, a zero behind it, and is filled up to 4."""
    use = use_of("repeated")
    names = ["main", "k", "c2", "c3", "main/ADD_0:0", "main/MUL_1:0"]
    assert use.strippable == {
        "names": sum((4 + len(name) + 1 + 3) // 4 * 4 for name in names),
        "metadata": 16,
        "unused buffers": 5 * 4,
        "repeated buffers": 8 * 4,
    }
    assert [(group.element, group.tensors, group.nbytes) for group in use.constants] == [("float32", 2, 2 * 8 * 4)]
    assert use.stripped_bytes == use.file_bytes - sum(use.strippable.values())


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.tflite"))])
def test_all_bytes_of_a_file_are_accounted_for(name: str) -> None:
    use = use_of(name)
    assert use.file_bytes == (FOLDER / f"{name}.tflite").stat().st_size
    assert 0 < use.structure_bytes < use.file_bytes
    parts = use.constant_bytes + use.metadata_bytes + use.unused_bytes + use.name_bytes + use.scale_bytes
    assert parts + use.structure_bytes == use.file_bytes


def test_constants_in_another_file_take_flash_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    path = DATA / "npu" / "vela" / "kws_ref_model.tflite"
    flat = costcalc.load(path).flat
    assert flat is not None
    use = measure_flash(flat)
    outside = [t.stored_bytes for subgraph in flat.subgraphs for t in subgraph.tensors if t.external]
    assert use.external_bytes == sum(outside) > 20_000
    assert use.flash_bytes == path.stat().st_size + use.external_bytes
    assert 0 < use.structure_bytes < use.file_bytes
    assert measure(str(path), Settings()).figure("flash_bytes").value == use.flash_bytes
    code, out, _ = call(capsys, "memory", str(path))
    assert code == 0 and f"{use.file_bytes:,} bytes and {use.external_bytes:,} in other files" in " ".join(out.split())


def test_a_file_has_no_size_in_other_element_types() -> None:
    with pytest.raises(QuantityError, match="the element types that it has"):
        measure(str(FOLDER / "dense.tflite"), Settings(dtype="int4")).figure("flash_bytes")


def test_a_scale_takes_4_bytes_and_a_zero_point_8() -> None:
    flat = costcalc.load(FOLDER / "dense.tflite").flat
    assert flat is not None
    scales = sum(tensor.scales for tensor in flat.subgraphs[0].tensors)
    assert use_of("dense").scale_bytes == scales * (4 + 8)


def test_the_file_is_shown_by_analyze_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(FOLDER / "repeated.tflite")
    for command in ("analyze", "memory"):
        code, out, _ = call(capsys, command, path)
        assert code == 0
        assert "constants float32 64" in out and "repeated buffers 32" in " ".join(out.split())
    code, out, _ = call(capsys, "memory", path, "--format", "json")
    flash = json.loads(out)["memory"]["flash"]
    assert flash["repeated_buffers"] == 32
    assert costcalc.analyze(path).to_dict()["flash"] == flash
    assert measure(path, Settings()).figure("flash_bytes").value == (FOLDER / "repeated.tflite").stat().st_size


def test_folding_of_mobilenet() -> None:
    """27 normalisations of 10,944 channels in all: two learned values and two statistics a channel become a bias."""
    graph = costcalc.load("mobilenet")
    folding = measure_folding(graph)
    assert folding.normalisations == 27
    assert folding.params == folding.buffers == 2 * 10_944
    assert folding.biases == 10_944
    assert measure_folding(costcalc.load("resnet18")).normalisations == 20
    assert measure_folding(costcalc.load("lenet5")).normalisations == 0


def test_a_comparison_accounts_for_every_byte(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(FOLDER / "dense.tflite")
    code, out, _ = call(capsys, "compare", "mobilenet", path)
    assert code == 0
    words = " ".join(out.split())
    assert "a converter folds 27 batch normalisations" in words
    size = (FOLDER / "dense.tflite").stat().st_size
    terms = words.partition("Bytes dense: ")[2].partition(" = ")
    assert terms[2].startswith(f"{size:,}")
    numbers = [int(term.split()[0].replace(",", "")) for term in terms[0].split(" + ")]
    assert sum(numbers) == size
    code, out, _ = call(capsys, "compare", path, path)
    assert "scales and zero points" not in out, "two files are not accounted for"
