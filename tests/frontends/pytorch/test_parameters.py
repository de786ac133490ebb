"""Parameters and buffers are the module's own: tied ones once, those that no call reads too."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from support.paths import DATA

import costcalc

NET = DATA / "pt2" / "modules_tied.pt2"

CONVOLUTIONS = (8 * 3 + 8) + 2 * 8 * 8 * 9 + (8 * 9 + 8)  # the stem, two of blocks, the one that they share
OTHERS = 2 * 16 + 50 * 8 + (8 * 4 + 4) + (8 * 7 + 7) + 8 + 8  # norms, the table, two heads, scale, unused_token


def with_storages(file: Path, storage: Any) -> bytes:
    """The archive as it were if its tensors had been on a CPU: storage gives each name its file and offset."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("weights_config.json"):
                document = json.loads(data)
                for tensor, entry in document["config"].items():
                    entry["tensor_meta"]["device"] = {"type": "cpu", "index": None}
                    entry["path_name"], offset = storage(tensor)
                    entry["tensor_meta"]["storage_offset"] = {"as_int": offset}
                data = json.dumps(document).encode()
            target.writestr(name, data)
    return buffer.getvalue()


def test_parameters_are_those_of_the_module() -> None:
    report = costcalc.analyze(NET)
    assert report.params == CONVOLUTIONS + OTHERS
    assert sum((row.figures["params"] or 0 for row in report.rows), 0) == report.params


def test_buffers_are_no_parameters() -> None:
    """Running statistics with their counters, an offset that is added, a mask that nobody reads."""
    report = costcalc.analyze(NET)
    assert report.totals["buffers"] == 2 * (8 + 8 + 1) + 8 + 5 * 5
    norm = next(row for row in report.rows if row.name == "blocks.0.bn1")
    assert (norm.figures["params"], norm.figures["buffers"]) == (16, 17)


def test_what_is_taken_as_tied_is_told() -> None:
    notes = " ".join(costcalc.analyze(NET).notes)
    assert "shared.weight to decoder.weight" in notes
    assert "emb.weight" not in notes  # the embedding's own call reads the decoder's weight: that is certain


def test_storages_say_what_is_tied() -> None:
    """Weights that are stored: the same place is one parameter, another offset is another one."""

    def tied(name: str) -> tuple[str, int]:
        end = name.rpartition(".")[2]
        if "position" in name:
            return f"position_{end}", 0
        return ("table", 0) if name in ("shared.weight", "emb.weight", "decoder.weight") else (name, 0)

    report = costcalc.analyze(with_storages(NET, tied))
    assert report.params == CONVOLUTIONS + OTHERS
    assert not [note for note in report.notes if "tied" in note]

    apart = costcalc.analyze(with_storages(NET, lambda name: ("one_file", int.from_bytes(name.encode(), "big"))))
    assert apart.params == CONVOLUTIONS + OTHERS + 50 * 8 + (8 * 9 + 8)  # shared, shared_position
