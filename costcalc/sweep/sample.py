"""K of N numbers without replacement, the same for a seed on every machine and with every Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256


def sample(size: int, count: int, seed: int) -> Sequence[int]:
    """`count` different numbers below `size` in ascending order, all where there are no more; each set of them is as
    likely as any other. The numbers are drawn, not listed: size may be 10^20."""
    if count >= size:
        return range(size)
    left_out = count > size // 2
    drawn: set[int] = set()
    for number in _numbers(size, seed):
        drawn.add(number)
        if len(drawn) == (size - count if left_out else count):
            break
    return [n for n in range(size) if n not in drawn] if left_out else sorted(drawn)


def _numbers(size: int, seed: int) -> Iterator[int]:
    """Uniform numbers below size: SHA-256 of the seed and a counter, cut to the bits of size; what is not below it is
    passed over."""
    bits = (size - 1).bit_length() or 1
    counter = 0
    while True:
        digest = b"".join(sha256(f"{seed}:{counter}:{part}".encode()).digest() for part in range(-(-bits // 256)))
        number = int.from_bytes(digest, "big") >> (8 * len(digest) - bits)
        counter += 1
        if number < size:
            yield number
