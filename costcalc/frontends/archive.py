"""A zip archive -> the names, sizes and places of its members; one member's bytes. Nothing else of the file is read.

Written for archives that may be damaged or hostile, and may hold gigabytes that nobody wants: the directory at the end
of the file is read, and then single members, each with a limit. Format: APPNOTE.TXT of PKWARE, sections 4.3 and 4.5.
"""

from __future__ import annotations

import struct
from typing import IO, NamedTuple

from costcalc.core.errors import LoadError

REMEDY = "write the file again, or download it again"

STORED, DEFLATED = 0, 8

_HEADER, _END, _END64, _LOCATOR64 = b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7"

_ENTRY = struct.Struct("<10xH8xIIHHH8xI")
"""An entry of the directory: method, sizes packed and unpacked, lengths of name, extra field and comment, offset."""

_MAX_COMMENT = 1 << 16

_MAX_DIRECTORY = 1 << 26
"""Bytes of the largest directory: half a million members."""

_IN_EXTRA_16, _IN_EXTRA_32 = 0xFFFF, 0xFFFFFFFF
"""Values of the short fields that say that the long field of Zip64 holds the number."""


class Member(NamedTuple):
    """A file in the archive: its compression method, its bytes there and unpacked, and where its header begins."""

    method: int
    packed: int
    size: int
    offset: int


def read_directory(file: IO[bytes]) -> dict[str, Member]:
    """An archive -> its members by name. LoadError where it is damaged."""
    length = file.seek(0, 2)
    tail_start = max(0, length - 22 - _MAX_COMMENT)
    tail = _read(file, tail_start, length - tail_start)
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        is_archive = _read(file, 0, 4) == _HEADER
        raise LoadError("the archive is cut off" if is_archive else "it is no zip archive", REMEDY)
    count, size, offset = struct.unpack_from("<HII", tail, end + 10)
    if count == _IN_EXTRA_16 or _IN_EXTRA_32 in (size, offset):
        size, offset = _directory_64(file, tail, end, size, offset)
    if size > _MAX_DIRECTORY or offset + size > length:
        raise LoadError("the archive's directory lies outside of the file", REMEDY)
    return _parse_directory(_read(file, offset, size))


def _directory_64(file: IO[bytes], tail: bytes, end: int, size: int, offset: int) -> tuple[int, int]:
    """The size and the offset of the directory by its Zip64 record; as they were where there is none."""
    if end < 20 or tail[end - 20 : end - 16] != _LOCATOR64:
        return size, offset
    (place,) = struct.unpack_from("<Q", tail, end - 12)
    record = _read(file, place, 56)
    if record[:4] != _END64 or len(record) < 56:
        raise LoadError("the archive's directory is damaged", REMEDY)
    return struct.unpack_from("<QQ", record, 40)


def _parse_directory(data: bytes) -> dict[str, Member]:
    members: dict[str, Member] = {}
    position = 0
    while position + 46 <= len(data) and data[position : position + 4] == b"PK\1\2":
        method, packed, size, name_length, extra_length, comment_length, offset = _ENTRY.unpack_from(data, position)
        name_end = position + 46 + name_length
        extra_end = name_end + extra_length
        name = data[position + 46 : name_end].decode("utf-8", "replace")
        if _IN_EXTRA_32 in (size, packed, offset):
            size, packed, offset = _sizes_64(data[name_end:extra_end], [size, packed, offset])
        members[name] = Member(method, packed, size, offset)
        position = extra_end + comment_length
    return members


def _sizes_64(extra: bytes, numbers: list[int]) -> list[int]:
    """[size, packed size, offset] of a member -> the same, with those that its Zip64 field holds."""
    position = 0
    while position + 4 <= len(extra):
        key, length = struct.unpack_from("<HH", extra, position)
        if key == 1:
            field = extra[position + 4 : position + 4 + length]
            long_numbers = [n for (n,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
            taken = iter(long_numbers)
            return [next(taken, n) if n == _IN_EXTRA_32 else n for n in numbers]
        position += 4 + length
    return numbers


def read_member(file: IO[bytes], name: str, member: Member, limit: int) -> bytes:
    """A member -> its bytes, unpacked. LoadError where it is damaged, or larger than the limit."""
    if member.size > limit or member.packed > limit:
        raise LoadError(f"{name} has {max(member.size, member.packed):,} bytes, the limit is {limit:,}", REMEDY)
    header = _read(file, member.offset, 30)
    if len(header) < 30 or header[:4] != _HEADER:
        raise LoadError(f"{name} does not lie where the archive's directory says", REMEDY)
    name_length, extra_length = struct.unpack_from("<HH", header, 26)
    data = _read(file, member.offset + 30 + name_length + extra_length, member.packed)
    if member.method == DEFLATED:
        import zlib  # a shared library that PyTorch's archives, whose members are stored, do without

        unpacker = zlib.decompressobj(-15)
        try:
            data = unpacker.decompress(data, member.size + 1)
        except zlib.error as error:
            raise LoadError(f"{name} cannot be unpacked: {error}", REMEDY) from error
    elif member.method != STORED:
        raise LoadError(f"{name} is packed by the method {member.method}, which is not known", REMEDY)
    if len(data) != member.size:
        raise LoadError(f"{name} is cut off", REMEDY)
    return data


def _read(file: IO[bytes], offset: int, size: int) -> bytes:
    try:
        file.seek(offset)
        return file.read(size)
    except (OSError, OverflowError, ValueError) as error:
        raise LoadError(f"the archive cannot be read: {error}", REMEDY) from error
