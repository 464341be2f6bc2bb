"""A prepared folder: metadata.json, tokenizer.json and one Parquet shard per group."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metaart.errors import UserError
from metaart.score.tokens import Tokens, Vocabulary, load_tokenizer

FORMAT_VERSION = 1
SPLITS = ("train", "validation", "test")
_TEXTS = ("group", "tradition", "split", "work_id", "title", "source", "licence")
TOKEN_COLUMNS = ("tokens", "tokens_half", "tokens_double")
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in _TEXTS),
        pa.field("midi", pa.binary()),
        *(pa.field(name, pa.list_(pa.uint16())) for name in TOKEN_COLUMNS),
    ]
)
Row = dict[str, Any]


@dataclass(frozen=True)
class StoredWork:
    """A work as it is kept.

    Attributes:
        midi: the canonical score as a MIDI file.
        tokens: BOS, music, EOS: (time,) uint16.
        tokens_half: the same with all times halved, the time signature kept; empty where it leaves the grid.
        tokens_double: the same with all times doubled.
    """

    group: str
    tradition: str
    split: str
    work_id: str
    title: str
    source: str
    licence: str
    midi: bytes
    tokens: Tokens
    tokens_half: Tokens
    tokens_double: Tokens


def slug(group: str) -> str:
    """A file name for a group, different for different groups."""
    plain = re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-")[:60]
    return f"{plain}-{sha256(group.encode()).hexdigest()[:6]}"


def write_dataset(
    out: Path, groups: Mapping[str, Sequence[Row]], rejected: Sequence[tuple[str, str]], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Write shards, then metadata.json, whose presence says that the folder is whole.

    Args:
        out: the folder; tokenizer.json must be there already.
        groups: rows of `SCHEMA` by group, in order.
        rejected: (what, reason) of every work that was left out.
        about: more to record: source, licence, settings, ...

    Returns:
        The metadata.
    """
    shards, partial = out / "shards", out / "shards.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    described = []
    for name, rows in groups.items():
        write_rows(partial / f"{slug(name)}.parquet", rows)
        lengths = [len(row["tokens"]) for row in rows]
        described.append(
            {
                "name": name,
                "tradition": rows[0]["tradition"],
                "split": rows[0]["split"],
                "shard": f"{slug(name)}.parquet",
                "works": len(rows),
                "tokens": sum(lengths),
                "median_tokens": int(np.median(lengths)),
                "licences": dict(Counter(row["licence"] for row in rows).most_common()),
            }
        )
    splits = {split: [entry["name"] for entry in described if entry["split"] == split] for split in SPLITS}
    metadata = {
        "format_version": FORMAT_VERSION,
        **about,
        "splits": splits,
        "traditions": {
            split: sorted({entry["tradition"] for entry in described if entry["split"] == split}) for split in SPLITS
        },
        "counts": {
            "groups": len(described),
            "works": sum(entry["works"] for entry in described),
            "tokens": sum(entry["tokens"] for entry in described),
            "rejected": len(rejected),
        },
        "groups": described,
        "rejected": [{"what": what, "reason": reason} for what, reason in rejected],
    }
    shutil.rmtree(shards, ignore_errors=True)
    partial.rename(shards)
    write_text(out / "metadata.json", json.dumps(metadata, indent=1, ensure_ascii=False))
    return metadata


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows of `SCHEMA`, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), partial, compression="zstd")
    partial.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


class Dataset:
    """A prepared folder, read lazily, one group at a time.

    Attributes:
        path: the folder.
        metadata: what metadata.json says.
    """

    def __init__(self, path: Path, metadata: dict[str, Any]) -> None:
        self.path, self.metadata = path, metadata
        self._groups: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in metadata["groups"]}
        self._works: dict[str, list[StoredWork]] = {}

    @classmethod
    def open(cls, path: Path | str) -> Dataset:
        """Open a folder that `metaart data prepare` wrote.

        Raises:
            UserError: not such a folder, unfinished, damaged, or of another version.
        """
        path = Path(path)
        metadata = read_metadata(path)
        if metadata is None:
            raise UserError(
                expected="a prepared data folder with metadata.json",
                got=f"{path}" + (" without it" if path.is_dir() else ", which is not there"),
                fix=f"Run: metaart data prepare music --out {path}",
            )
        return cls(path, metadata)

    @property
    def tokenizer_path(self) -> Path:
        """The tokenizer's JSON file."""
        return self.path / "tokenizer.json"

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What the token ids mean."""
        return Vocabulary.of(load_tokenizer(self.tokenizer_path))

    @property
    def splits(self) -> dict[str, list[str]]:
        """Groups by split."""
        return {split: list(self.metadata["splits"][split]) for split in SPLITS}

    @property
    def licences(self) -> dict[str, int]:
        """Works by licence note, the most frequent first."""
        total: Counter[str] = Counter()
        for entry in self._groups.values():
            total.update(entry["licences"])
        return dict(total.most_common())

    def groups(self, split: str) -> list[str]:
        """The groups of a split, in the order of the source."""
        if split not in SPLITS:
            raise UserError(expected=f"a split: {', '.join(SPLITS)}", got=repr(split), fix="Take one of them.")
        return self.splits[split]

    def tradition(self, group: str) -> str:
        """What a group is kin to."""
        return str(self._group(group)["tradition"])

    def works(self, group: str) -> list[StoredWork]:
        """The works of a group, read once."""
        if group not in self._works:
            self._works[group] = list(_read_shard(self.path / "shards" / self._group(group)["shard"]))
        return self._works[group]

    def _group(self, group: str) -> dict[str, Any]:
        if group not in self._groups:
            raise UserError(
                expected="a group of this data", got=repr(group), fix=f"metaart data show {self.path} lists them."
            )
        return self._groups[group]


def read_metadata(path: Path) -> dict[str, Any] | None:
    """The metadata of a prepared folder, None where there is none.

    Raises:
        UserError: damaged, or of another version.
    """
    fix = f"Delete {path} and prepare the data again."
    try:
        metadata = json.loads((path / "metadata.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UserError(expected="metadata.json as JSON", got=f"a damaged one in {path}", fix=fix) from error
    wanted = {"format_version": int, "splits": dict, "groups": list, "rejected": list, "counts": dict}
    if not isinstance(metadata, dict) or not all(isinstance(metadata.get(key), kind) for key, kind in wanted.items()):
        raise UserError(expected=f"metadata.json with {', '.join(wanted)}", got=f"another in {path}", fix=fix)
    if metadata["format_version"] != FORMAT_VERSION:
        got = f"version {metadata['format_version']} in {path}"
        raise UserError(expected=f"prepared data of version {FORMAT_VERSION}", got=got, fix=fix)
    return metadata


def _read_shard(path: Path) -> Iterable[StoredWork]:
    fix = "Delete the folder of the prepared data and prepare it again."
    try:
        table = pq.read_table(path, schema=SCHEMA)
    except FileNotFoundError as error:
        raise UserError(expected="a Parquet shard", got=f"no {path}", fix=fix) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(expected="a Parquet shard", got=f"a damaged {path}", fix=fix) from error
    texts = {name: table.column(name).to_pylist() for name in (*_TEXTS, "midi")}
    tokens = {name: table.column(name).combine_chunks() for name in TOKEN_COLUMNS}
    for row in range(table.num_rows):
        yield StoredWork(
            **{name: values[row] for name, values in texts.items()},
            **{name: values[row].values.to_numpy(zero_copy_only=False) for name, values in tokens.items()},
        )
