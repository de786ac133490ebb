"""What a chart shows, as plain data; a renderer only draws it. Counts are exact integers, places on axes are floats."""

from __future__ import annotations

from typing import NamedTuple


class Bar(NamedTuple):
    """A layer, a block or an operator with what it costs, and what kind of operator it is ("" of a block)."""

    label: str
    value: int
    kind: str = ""


class Bars(NamedTuple):
    """The dearest parts of a model, the largest first. rest is how many are left out and what they cost together,
    whole the model's total; unit is "bytes" or "number"."""

    title: str
    quantity: str
    unit: str
    bars: tuple[Bar, ...]
    rest: tuple[int, int]
    whole: int
    least: bool = False


class Live(NamedTuple):
    """Live activation bytes at each step; peak is the first step with the most; names are the steps'."""

    title: str
    values: tuple[int, ...]
    names: tuple[str, ...]
    peak: int


class Device(NamedTuple):
    """A roof: operations a second at most, bytes a second at most."""

    name: str
    precision: str
    peak: float
    bandwidth: float
    text: str


class Spot(NamedTuple):
    """A layer, or a model as a whole: FLOPs for each byte of traffic, and its share of the time on the first device."""

    label: str
    kind: str
    intensity: float
    share: float


class Roofs(NamedTuple):
    """Devices, and what stands under the first one's roof. whole says that the spots are models, not layers."""

    title: str
    devices: tuple[Device, ...]
    spots: tuple[Spot, ...]
    whole: bool


class Axis(NamedTuple):
    """A quantity; unit is "bytes" or "number". greatest says that more is better."""

    key: str
    title: str
    unit: str
    greatest: bool = False


class Point(NamedTuple):
    """A model, or a row of a sweep; best says that no other is as good in both quantities and better in one."""

    label: str
    x: int | float
    y: int | float
    best: bool = False


class Front(NamedTuple):
    """Points by two quantities."""

    title: str
    x: Axis
    y: Axis
    points: tuple[Point, ...]


Chart = Bars | Live | Roofs | Front
