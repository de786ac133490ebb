"""A random generator -> numbers, names and texts at the borders of what costcalc reads."""

from __future__ import annotations

import random

SMALL = (0, 1, 1, 2, 2, 3, 4, 5, 7, 8, 16, 32, 64)
BORDERS = (-1, -2, -5, 63, 64, 65, 127, 128, 255, 1000, 4096, 2**15, 2**31 - 1, 2**31, 2**40, 2**53 + 1, 2**62)
EXTREMES = (2**63 - 1, -(2**63), -(2**31), -10_000_000, 10**9, 10**12, 86_400_000)
FLOATS = (0.0, 1.0, -1.0, 0.5, 2.5, 1e-5, -0.0, 1e30, -3e38, float("inf"), float("-inf"), float("nan"))
TEXTS = (
    "",
    " ",
    "x",
    "SAME_UPPER",
    "VALID",
    "reflect",
    "nearest",
    "linear",
    "half_pixel",
    "bhqd,bhkd->bhqk",
    "ij,jk->ik",
    "ii->",
    "...ij,...jk",
    "a" * 300,
    "\x1b[31mred\x1b[0m",
    "a\nb::error::c",
    "\u202eevil",
    "=1+1",
    "<script>alert(1)</script>",
    "|`x`|",
    "\x00",
    "é\u200b",
    "🙂",
    "%s{0}",
    "../../etc/passwd",
    "9" * 5000,
)
SYMBOLS = (
    "N",
    "seq",
    "h",
    "w",
    "batch",
    "past_sequence_length + 1",
    "2",
    "-1",
    "h*w",
    "h//2",
    "floor(h/2)",
    "max(a,b)",
)
"""Names that models give to open extents; some read as expressions."""
DTYPE_CODES = (1, 1, 1, 2, 3, 6, 7, 7, 8, 9, 10, 11, 13, 16, 17, 21, 22, 23, 0, 14, 99)


def integer(r: random.Random) -> int:
    """An integer that an extent, an attribute or an element may be."""
    chance = r.random()
    if chance < 0.6:
        return r.choice(SMALL)
    return r.choice(BORDERS) if chance < 0.9 else r.choice(EXTREMES)


def integers(r: random.Random, longest: int = 6) -> list[int]:
    """A short list of integers; one in fifty is long."""
    count = r.choice((50, 300, 2000)) if r.random() < 0.02 else r.randint(0, longest)
    return [integer(r) for _ in range(count)]


def text(r: random.Random) -> str:
    return r.choice(TEXTS)


def extent(r: random.Random) -> int | str | None:
    """An extent of an input: a number, a symbol, or nothing."""
    chance = r.random()
    if chance < 0.65:
        return r.choice((1, 2, 3, 4, 7, 8, 8, 16, 32, 224))
    if chance < 0.85:
        return r.choice(SYMBOLS)
    return integer(r) if chance < 0.97 else None


def shape(r: random.Random, longest: int = 5) -> list[int | str | None]:
    count = r.choice((20, 200, 3000)) if r.random() < 0.01 else r.choice((0, 1, 2, 3, 4, 4, 4, longest))
    return [extent(r) for _ in range(count)]


def number_text(r: random.Random) -> str:
    """A number as somebody may write it in an option or a file."""
    words = (
        "1e3",
        "1e400",
        "nan",
        "inf",
        "-0",
        "0x10",
        "1_000",
        "1,5",
        "½",
        "٣",
        "1G",
        "4.2MiB",
        "10%",
        "-5%",
        "2.1ms",
    )
    more = ("1e999999999", "9" * 5000, "1" + "0" * 400, "", " ", "none", "null", "true", "[1,2]", "{}")
    return str(integer(r)) if r.random() < 0.6 else r.choice((*words, *more))
