"""No bound of serving is on the wrong side of what was measured and published."""

import runpy
from pathlib import Path

import pytest
from support.serving import Measurement, bound, measurements

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "explanation" / "serving.md").read_text(encoding="utf-8")


def name(item: Measurement) -> str:
    return f"{item.device}-{item.model}-tp{item.tp}pp{item.pp}-b{item.batch}-{item.prompt}-{item.generate}-{item.kind}"


@pytest.mark.parametrize("item", measurements(), ids=name)
def test_a_measurement_is_within_its_bound(item: Measurement, tmp_path: Path) -> None:
    limit = bound(item, tmp_path)
    assert limit <= item.value if item.is_time else limit >= item.value
    assert runpy.run_path(str(DOCS / "write_serving.py"))["table_row"](item, limit) in PAGE, "run `make docs`"


def test_they_are_of_several_devices_and_have_sources() -> None:
    items = measurements()
    assert len(items) >= 20 and len({item.device for item in items}) >= 5
    assert all(item.source for item in items)
