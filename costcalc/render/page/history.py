"""History -> one HTML page that runs and fetches nothing: trend lines of each model, and the table of its revisions.

A line goes from each revision to those before it, so that branches stand beside each other until they are merged; a
cross at the foot is a revision without a figure. Pointing at either says which commit it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from costcalc.core.sanitize import escape_html as escape
from costcalc.core.units import format_bytes, format_short, format_si
from costcalc.render import html
from costcalc.render.svg import DARK, LIGHT
from costcalc.studies.history import History, ModelHistory
from costcalc.views.history import Trend, history_tables, model_trends

WIDTH, HEIGHT = 480, 190

LEFT, RIGHT, TOP, BOTTOM = 74, 468, 14, 156
"""The area of a chart inside its picture."""

MANY_POINTS = 60
"""From so many revisions on, points are small and let the line through."""


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())


STYLE = f"""
:root{{color-scheme:light dark;{_variables(LIGHT)}}}
@media(prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}
body{{margin:0 auto;padding:1rem;max-width:1200px;background:var(--paper);color:var(--ink)}}
body{{font:15px/1.45 system-ui,sans-serif}}
h1{{font-size:1.35rem;margin:.3rem 0 1rem;overflow-wrap:anywhere}}
.trends{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:1rem 1.5rem}}
figure{{margin:0;min-width:0}}
figcaption{{color:var(--faint)}}figcaption b{{font-weight:600}}figcaption span{{color:var(--ink)}}
.trends svg{{width:100%;height:auto;display:block}}
.trends text{{font:11px system-ui,sans-serif;fill:var(--faint)}}
@media(max-width:600px){{.trends text{{font-size:14px}}}}
.grid{{stroke:var(--line)}}.edge{{stroke:var(--bar);stroke-width:1.6;fill:none}}
.dot,.point{{fill:var(--bar)}}.point{{stroke:var(--paper);stroke-width:1}}.gap{{stroke:var(--warning);stroke-width:1.6}}
.hit{{fill:transparent;stroke:none}}g:hover>:first-child{{fill:var(--ink)}}
""".strip()

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(history: History) -> str:
    """A history -> the page."""
    tables = history_tables(history)
    title = f"History of {', '.join(model.model.name for model in history.models) or 'no model'}"
    parts = [
        f'<div class="trends">{"".join(_figures(model))}</div>\n{html.fragment([table])}'
        for model, table in zip(history.models, tables, strict=True)
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _figures(model: ModelHistory) -> Iterator[str]:
    for trend in model_trends(model):
        first, last = trend.points[0], trend.points[-1]
        rise = f", {(last.value / first.value - 1) * 100:+.1f}% since {first.date}" if first.value else ""
        rise = "" if len(trend.points) == 1 else rise
        caption = f"<b>{escape(trend.title)}</b> <span>{escape(last.text)}</span>{escape(rise)}"
        yield f"<figure><figcaption>{caption}</figcaption>{trend_svg(trend)}</figure>\n"


def trend_svg(trend: Trend) -> str:
    """A trend -> its chart as SVG: lines, points, and crosses where there is no figure."""
    ticks = _ticks(trend)
    low, high = ticks[0], ticks[-1]

    def x(place: int) -> float:
        return (LEFT + RIGHT) / 2 if trend.length == 1 else LEFT + (RIGHT - LEFT) * place / (trend.length - 1)

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)

    at = {point.place: f"{x(point.place):.1f} {y(point.value):.1f}" for point in trend.points}
    edges = "".join(f"M{at[old]}L{at[point.place]}" for point in trend.points for old in point.previous if old in at)
    point = '<circle class="dot" r="1.6"/>' if len(trend.points) > MANY_POINTS else '<circle class="point" r="3.2"/>'
    name = f"{escape(trend.title)} of {trend.length} revisions"
    return "".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">',
            *_grid(trend, ticks, y),
            f'<path class="edge" d="{edges}"/>' if edges else "",
            *(_mark(x(p.place), y(p.value), point, f"{p.label}: {p.text}") for p in trend.points),
            *(
                _mark(x(place), BOTTOM, '<path class="gap" d="M-3-3l6 6m0-6l-6 6"/>', label)
                for place, label in trend.gaps
            ),
            "</svg>",
        ]
    )


def _mark(x: float, y: float, shape: str, label: str) -> str:
    """A place and what is drawn there -> the mark, which says its label where it is pointed at, or near it."""
    hit = '<circle class="hit" r="9"/>'
    return f'<g transform="translate({x:.1f} {y:.1f})">{shape}{hit}<title>{escape(label)}</title></g>'


def _grid(trend: Trend, ticks: list[float], y: Callable[[float], float]) -> Iterator[str]:
    for tick in ticks:
        place = y(tick)
        yield f'<path class="grid" d="M{LEFT} {place:.1f}H{RIGHT}"/>'
        text = escape(_tick_text(tick, trend.unit))
        yield f'<text x="{LEFT - 6}" y="{place + 4:.1f}" text-anchor="end">{text}</text>'
    oldest, newest = trend.dates
    yield f'<text x="{LEFT}" y="{HEIGHT - 10}">{escape(oldest)}</text>'
    yield f'<text x="{RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{escape(newest)}</text>' if trend.length > 1 else ""


def _ticks(trend: Trend) -> list[float]:
    """Three to six round numbers around the values: from 0 where the least is below half of the most."""
    values = [point.value for point in trend.points]
    least, most = min(values), max(values)
    low = 0.0 if least < most / 2 or most == least else least
    base = 2.0 if trend.unit == "bytes" else 10.0
    span = (most - low) or most or 1.0
    step = base ** _floor_log(span / 3, base)
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if span / (step * factor) <= 4) if base == 10.0 else 1
    while span / step > 4:
        step *= 2
    first = int(low / step) * step
    count = 1
    while first + count * step < most:
        count += 1
    return [first + i * step for i in range(count + 1)]


def _floor_log(value: float, base: float) -> int:
    power = 0
    while base ** (power + 1) <= value:
        power += 1
    while base**power > value:
        power -= 1
    return power


def _tick_text(value: float, unit: str) -> str:
    if unit in ("seconds", "joules"):
        return format_si(Fraction(value), "s" if unit == "seconds" else "J")
    if unit == "bytes":
        return format_bytes(round(value))
    return format_short(round(value)) if value >= 1000 or value == int(value) else f"{value:.3g}"
