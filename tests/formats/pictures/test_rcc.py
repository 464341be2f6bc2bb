"""Qt resource archives, whole and hostile."""

from __future__ import annotations

import struct
import zlib
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.formats.pictures.rcc import ArchiveBounds, ResourceArchive
from tests.formats.pictures.archives import Packing, resource_archive

FILES = {"/a/b/one.txt": b"one", "/a/two.bin": bytes(range(256)) * 9, "/z.txt": b"", "/a/b/drei-ß.txt": b"3"}


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("packing", get_args(Packing))
def test_what_was_packed_is_read(version: int, packing: Packing) -> None:
    archive = ResourceArchive(resource_archive(FILES, version=version, packing=packing))
    assert archive.files == sorted(FILES)
    assert {path: archive.read(path) for path in archive.files} == FILES
    with pytest.raises(KeyError):
        archive.read("/a")


@pytest.mark.parametrize("packing", get_args(Packing))
def test_a_file_that_grows_is_refused(packing: Packing) -> None:
    archive = ResourceArchive(
        resource_archive({"/bomb": bytes(10**6)}, packing=packing), bounds=ArchiveBounds(max_file_bytes=10**5)
    )
    with pytest.raises(TooLarge, match="100,000 bytes in /bomb"):
        archive.read("/bomb")


def test_a_loop_and_too_many_files_are_refused() -> None:
    whole = resource_archive({"/a/b/c": b"1"})
    tree = struct.unpack_from(">I", whole, 8)[0]
    loop = bytearray(whole)
    struct.pack_into(">II", loop, tree + 22 + 6, 1, 1)  # the folder a holds itself
    with pytest.raises(TooLarge, match="files and folders"):
        ResourceArchive(bytes(loop))
    struct.pack_into(">II", loop, tree + 22 + 6, 2**32 - 1, 1)
    with pytest.raises(TooLarge, match="files and folders"):
        ResourceArchive(bytes(loop))
    with pytest.raises(TooLarge, match="at most 3 files"):
        ResourceArchive(resource_archive(FILES), bounds=ArchiveBounds(max_files=3))
    with pytest.raises(TooLarge, match="bytes"):
        ResourceArchive(whole, bounds=ArchiveBounds(max_bytes=20))


@pytest.mark.parametrize(
    "data", [b"", b"qres", b"PK\3\4" + bytes(30), b"qres" + struct.pack(">4I", 9, 20, 20, 20) + bytes(40)]
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(WrongFormat, match=r"a\.rcc"):
        ResourceArchive(data, name="a.rcc")


@pytest.mark.parametrize("packing", get_args(Packing))
def test_what_is_cut_off_is_refused(packing: Packing) -> None:
    data = resource_archive(FILES, packing=packing)
    for length in range(0, len(data) - 8, 7):  # the last eight bytes are a date, which nobody reads
        with pytest.raises(WrongFormat):
            ResourceArchive(data[:length])


def test_a_packed_file_that_is_damaged_is_refused() -> None:
    packed = zlib.compress(b"abc" * 99)
    for packing, broken in (("zlib", packed[:-9]), ("zlib", b"xx" + packed[2:]), ("zstd", b"nothing")):
        data = resource_archive({"/a": b"abc" * 99}, packing=packing)  # type: ignore[arg-type]
        size = struct.unpack_from(">I", data, 24)[0]
        body = (b"\0\0\0\0" + broken if packing == "zlib" else broken).ljust(size, b"\0")[:size]
        if packing == "zlib" and broken == packed[:-9]:
            body = (b"\0\0\0\0" + broken)[: size - 9]
        damaged = data[:24] + struct.pack(">I", len(body)) + body.ljust(size, b"\0") + data[28 + size :]
        with pytest.raises(WrongFormat, match="/a"):
            ResourceArchive(damaged).read("/a")


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 2**12), st.binary(min_size=1, max_size=4)), max_size=5))
def test_damage_is_refused_or_read_within_bounds(damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(resource_archive(FILES, packing="zlib"))
    for offset, patch in damage:
        data[offset % len(data) : offset % len(data) + len(patch)] = patch
    try:
        archive = ResourceArchive(bytes(data), bounds=ArchiveBounds(max_files=100, max_file_bytes=10**5))
        read = [archive.read(path) for path in archive.files]
    except UserError:
        return
    assert all(len(file) <= 10**5 for file in read)
