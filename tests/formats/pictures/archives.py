"""Writes Qt resource archives, independently of the reader."""

from __future__ import annotations

import struct
import zlib
from typing import Literal

import pyarrow as pa

Packing = Literal["none", "zlib", "zstd"]


def resource_archive(files: dict[str, bytes], *, version: int = 3, packing: Packing = "none") -> bytes:
    """An .rcc of these files by path, laid out as Qt's `rcc` does: data, names, then the tree level by level."""
    tree: dict = {}
    for path, data in files.items():
        *folders, name = path.strip("/").split("/")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})
        at[name] = data
    header = 20 if version < 3 else 24
    payload, names, nodes = b"", b"", b""
    flag = {"none": 0, "zlib": 1, "zstd": 4}[packing]
    queue: list[tuple[str, object]] = [("", tree)]
    following = 1
    while queue:
        name, content = queue.pop(0)
        offset = len(names)
        if nodes:
            names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        if isinstance(content, dict):
            nodes += struct.pack(">IHII", offset, 2, len(content), following)
            following += len(content)
            queue += sorted(content.items())
        else:
            assert isinstance(content, bytes)
            packed = content
            if packing == "zlib":
                packed = struct.pack(">I", len(content)) + zlib.compress(content)
            elif packing == "zstd":
                packed = pa.Codec("zstd").compress(content, asbytes=True)
            nodes += struct.pack(">IHHHI", offset, flag, 0, 0, len(payload))
            payload += struct.pack(">I", len(packed)) + packed
        if version > 1:
            nodes += struct.pack(">Q", 0)
    data_at, names_at = header, header + len(payload)
    head = b"qres" + struct.pack(">4I", version, names_at + len(names), data_at, names_at)
    return head + (struct.pack(">I", 0) if version > 2 else b"") + payload + names + nodes
