"""A prepared folder: metadata.json, what its medium puts beside it, and one Parquet shard per group."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from metaart.data.media import MEDIA
from metaart.data.media.base import Medium
from metaart.errors import UserError

FORMAT_VERSION = 1
SPLITS = ("train", "validation", "test")
_TEXTS = ("group", "tradition", "split", "work_id", "title", "source", "licence")


def schema(medium: Medium) -> pa.Schema:
    """The columns of a shard: texts that all works have, then those of the medium."""
    return pa.schema([*(pa.field(name, pa.string()) for name in _TEXTS), *medium.columns])


def slug(group: str) -> str:
    """A file name for a group, different for different groups."""
    plain = re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-")[:60]
    return f"{plain}-{sha256(group.encode()).hexdigest()[:6]}"


def write_dataset(
    out: Path,
    medium: Medium,
    groups: Iterable[tuple[str, pa.Table]],
    rejected: Sequence[tuple[str, str]],
    about: dict[str, Any],
) -> dict[str, Any]:
    """Write shards, then metadata.json, whose presence says that the folder is whole.

    Args:
        out: the folder.
        medium: of the works.
        groups: tables of `schema(medium)` by group, in order; one is held at a time.
        rejected: (what, reason) of every work that was left out.
        about: more to record: source, licence, settings, ...

    Returns:
        The metadata.
    """
    shards, partial = out / "shards", out / "shards.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    medium.save_assets(out)
    described = []
    for name, table in groups:
        pq.write_table(table.combine_chunks(), partial / f"{slug(name)}.parquet", compression="zstd")
        described.append(
            {
                "name": name,
                "tradition": table.column("tradition")[0].as_py(),
                "split": table.column("split")[0].as_py(),
                "shard": f"{slug(name)}.parquet",
                "works": table.num_rows,
                **medium.describe(table),
                "licences": dict(Counter(table.column("licence").to_pylist()).most_common()),
            }
        )
    splits = {split: [entry["name"] for entry in described if entry["split"] == split] for split in SPLITS}
    metadata = {
        "format_version": FORMAT_VERSION,
        "medium": medium.name,
        **about,
        "splits": splits,
        "traditions": {
            split: sorted({entry["tradition"] for entry in described if entry["split"] == split}) for split in SPLITS
        },
        "counts": {
            "groups": len(described),
            "works": sum(entry["works"] for entry in described),
            medium.total: sum(entry[medium.total] for entry in described),
            "rejected": len(rejected),
        },
        "groups": described,
        "rejected": [{"what": what, "reason": reason} for what, reason in rejected],
    }
    shutil.rmtree(shards, ignore_errors=True)
    partial.rename(shards)
    write_text(out / "metadata.json", json.dumps(metadata, indent=1, ensure_ascii=False))
    return metadata


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
        medium: what the works are.
    """

    def __init__(self, path: Path, metadata: dict[str, Any]) -> None:
        self.path, self.metadata = path, metadata
        self.medium: Medium = MEDIA[metadata.get("medium", "music")]()
        self._groups: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in metadata["groups"]}
        self._works: dict[str, list[Any]] = {}

    @classmethod
    def open(cls, path: Path | str, medium: str | None = None) -> Dataset:
        """Open a folder that `metaart data prepare` wrote.

        Args:
            path: the folder.
            medium: what its works must be (default: anything).

        Raises:
            UserError: not such a folder, unfinished, damaged, of another version or another medium.
        """
        path = Path(path)
        metadata = read_metadata(path)
        if metadata is None:
            raise UserError(
                expected="a prepared data folder with metadata.json",
                got=f"{path}" + (" without it" if path.is_dir() else ", which is not there"),
                fix=f"Run: metaart data prepare {medium or 'music'} --out {path}",
            )
        held = metadata.get("medium", "music")
        if held not in MEDIA or (medium is not None and held != medium):
            raise UserError(
                expected=f"a prepared folder of {medium or ' or '.join(MEDIA)}",
                got=f"{path}, which holds {held}",
                fix="Give another folder with --data, or prepare one: metaart data prepare --help",
            )
        return cls(path, metadata)

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

    def works(self, group: str, *, keep: bool = True) -> list[Any]:
        """The works of a group, each as its medium stores it (`StoredScore`, `StoredPicture`).

        Args:
            group: whose works.
            keep: remember them for the next call; without, no more than one group is in memory.
        """
        if group in self._works:
            return self._works[group]
        works = self._read(self.path / "shards" / self._group(group)["shard"])
        if keep:
            self._works[group] = works
        return works

    def _read(self, path: Path) -> list[Any]:
        fix = "Delete the folder of the prepared data and prepare it again."
        try:
            table = pq.read_table(path, schema=schema(self.medium)).combine_chunks()
        except FileNotFoundError as error:
            raise UserError(expected="a Parquet shard", got=f"no {path}", fix=fix) from error
        except (pa.ArrowException, OSError, ValueError) as error:
            raise UserError(expected="a Parquet shard", got=f"a damaged {path}", fix=fix) from error
        texts = table.select(_TEXTS).to_pylist()
        return [self.medium.stored(known, table, row) for row, known in enumerate(texts)]

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
