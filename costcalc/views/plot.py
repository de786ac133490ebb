"""Models, settings and the options of `costcalc plot` -> its charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.core.errors import UsageError
from costcalc.core.quantities import CATALOGUE, parse_quantity, usage
from costcalc.core.quantity import QuantityRef
from costcalc.studies.compare import measure_models
from costcalc.studies.options import Settings
from costcalc.views.charts import Chart, bar_chart, memory_chart, roofline_chart
from costcalc.views.page import DEFAULT_DEVICES
from costcalc.views.pareto import SUFFIXES, pareto_chart, read_records, report_records
from costcalc.views.results import CHART_KINDS

DEFAULT_BARS = 12
"""Bars of a model, unless `top` says otherwise."""


class ChartOptions(NamedTuple):
    """Of bars: the quantity, a bar for each layer, block, module or op (None: by block, of a model with few blocks by
    layer), the depth of the tree, how many; of pareto: the quantities of the axes, and of which more is better."""

    quantity: str = "macs"
    by: str | None = None
    depth: int | None = None
    top: int = DEFAULT_BARS
    x: str = "macs"
    y: str = "params"
    maximize: tuple[str, ...] = ()


def quantity_names() -> Iterable[str]:
    """The names of all quantities, as they are written."""
    return [usage(quantity) for quantity in CATALOGUE.values()]


def layer_quantity(text: str, settings: Settings) -> QuantityRef:
    """Name of a quantity -> the quantity, of which each layer has a part. UsageError, with the reason, for one of which
    layers have none."""
    ref = parse_quantity(text, settings.devices)
    if not ref.quantity.additive:
        remedy = f"compare models by it: --kind pareto --x {ref.key}"
        if ref.quantity.unit == "boolean":
            remedy = f"see it in a table: costcalc table MODEL --columns name,{ref.key}"
        if ref.quantity.key == "time":
            remedy += f", or see the layers with costcalc analyze --hardware {ref.device} --columns name,time"
        raise UsageError(f"{ref.key} is of the whole model and no sum over its layers: it has no bars", remedy)
    return ref


def make_charts(kind: str, models: Sequence[Any], settings: Settings, options: ChartOptions) -> tuple[Chart, ...]:
    """Kind, models and options -> a chart for each model, or one of all. UsageError where a figure is open or
    unknown."""
    if kind not in CHART_KINDS.values():
        raise UsageError(f"there is no chart {kind!r}", f"there are {', '.join(CHART_KINDS.values())}")
    if kind == "pareto":
        return (_pareto_chart(models, settings, options),)
    ref = layer_quantity(options.quantity, settings)
    reports = [measurement.report for measurement in measure_models(models, settings, quantities=[ref])]
    if kind == "bars":
        by = "block" if options.depth and options.by in (None, "layer") else options.by or ""
        return tuple([bar_chart(r, ref.quantity.key, by, options.depth, options.top) for r in reports])
    if kind == "memory":
        return tuple(map(memory_chart, reports))
    return (roofline_chart(reports, [find_profile(name) for name in settings.devices or DEFAULT_DEVICES]),)


def _axis_key(key: str, devices: Sequence[str]) -> str:
    """The key of a quantity, on the one device where it names none; a column of a table as it is."""
    return parse_quantity(key, devices).key if key in CATALOGUE and devices else key


def _pareto_chart(models: Sequence[Any], settings: Settings, options: ChartOptions) -> Chart:
    """Models, and files of rows that a sweep wrote -> the chart of their Pareto front."""
    tables = [model for model in models if isinstance(model, str) and model.endswith(SUFFIXES)]
    rows = [row for path in tables for row in read_records(path)]
    networks = [model for model in models if not (isinstance(model, str) and model.endswith(SUFFIXES))]
    x, y, *maximize = [_axis_key(key, settings.devices) for key in (options.x, options.y, *options.maximize)]
    if networks:
        refs = [parse_quantity(key) for key in (x, y) if not tables or key.partition(".")[0] in CATALOGUE]
        rows += report_records(measure_models(networks, settings, quantities=refs), refs)
    if len(rows) < 2:
        raise UsageError("there is nothing to compare with", "name two or more models, or a table of costcalc sweep")
    return pareto_chart(rows, x, y, maximize, Path(tables[0]).stem if tables else "")
