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

from metaart.data.location import Where, filesystem_of, is_url
from metaart.data.media import MEDIA
from metaart.data.media.base import Medium
from metaart.data.works import Shard, Works, recent_rows, write_shard
from metaart.errors import UserError
from metaart.files import save_text, write_file

FORMAT_VERSION = 1
METADATA = "metadata.json"
SPLITS = ("train", "validation", "test")


def slug(group: str) -> str:
    """A file name for a group, different for different groups."""
    # A file name cannot hold what a group's name may; six digits of a digest keep "Ab c" and "ab-c" apart.
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
        groups: tables of `media.base.schema` by group, in order; one is held at a time.
        rejected: (what, reason) of every work that was left out.
        about: more to record: source, licence, settings, ...

    Returns:
        The metadata.
    """
    # Written beside, then renamed: shards of two preparations are never mixed, whenever the process ends.
    shards, partial = out / "shards", out / "shards.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    entries = []
    for name, table in groups:
        write_shard(table, str(partial / f"{slug(name)}.parquet"))
        entries.append(
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
    splits = {split: [entry["name"] for entry in entries if entry["split"] == split] for split in SPLITS}
    metadata = {
        "format_version": FORMAT_VERSION,
        "medium": medium.name,
        **about,
        "splits": splits,
        "traditions": {
            split: sorted({entry["tradition"] for entry in entries if entry["split"] == split}) for split in SPLITS
        },
        "counts": {
            "groups": len(entries),
            "works": sum(entry["works"] for entry in entries),
            medium.total: sum(entry[medium.total] for entry in entries),
            "rejected": len(rejected),
        },
        "groups": entries,
        "rejected": [{"what": what, "reason": reason} for what, reason in rejected],
    }
    (out / METADATA).unlink(missing_ok=True)  # first: it must not describe the shards of another preparation
    shutil.rmtree(shards, ignore_errors=True)
    partial.rename(shards)
    for name, data in medium.assets().items():
        write_file(out / name, data)
    # Last: who finds it may trust the rest.
    save_text(out / METADATA, json.dumps(metadata, indent=1, ensure_ascii=False))
    return metadata


class Dataset:
    """A prepared folder, whose works are read when they are asked for.

    Attributes:
        where: the folder, or its URL.
        metadata: what metadata.json says.
        medium: what the works are.
    """

    def __init__(self, where: Where, metadata: dict[str, Any]) -> None:
        self.where, self.metadata = where, metadata
        # Older folders hold music and do not say so.
        self.medium: Medium = MEDIA[metadata.get("medium", "music")]()
        self._filesystem, self._root = filesystem_of(where)
        self._groups: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in metadata["groups"]}
        self._shards: dict[str, Shard] = {}
        self._recent = recent_rows()  # one budget for all shards, however many groups are asked for

    @classmethod
    def open(cls, where: Where | None, medium: str | None = None, kind: str | None = None) -> Dataset:
        """Open a folder that `metaart data prepare` wrote.

        Args:
            where: the folder; or the URL of a copy, such as s3://bucket/data/music.
            medium: what its works must be (default: anything).
            kind: what `metaart data prepare` would make for it, where that has another name than the medium.

        Raises:
            UserError: none, not such a folder, unfinished, damaged, of another version or another medium.
        """
        kind = kind or medium or "music"
        if not where:
            raise UserError(
                expected=f"a folder of prepared {kind}",
                got="none",
                fix=f"Run `metaart data prepare {kind} --out data/{kind}`, then give `--data data/{kind}`.",
            )
        metadata = read_metadata(where)
        if metadata is None:
            raise UserError(
                expected="a prepared data folder with metadata.json",
                got=f"{where} without it",
                fix=f"Run: metaart data prepare {kind} --out {'FOLDER' if is_url(where) else where}",
            )
        own = metadata.get("medium", "music")
        if own not in MEDIA or (medium is not None and own != medium):
            raise UserError(
                expected=f"a prepared folder of {medium or ' or '.join(MEDIA)}",
                got=f"{where}, which holds {own}",
                fix="Give another folder with --data, or prepare one: metaart data prepare --help",
            )
        return cls(where, metadata)

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

    def about(self, group: str) -> dict[str, Any]:
        """What metadata.json says of a group: "tradition", "works", "licences" and what its medium adds."""
        if group not in self._groups:
            raise UserError(
                expected="a group of this data", got=repr(group), fix=f"metaart data show {self.where} lists them."
            )
        return self._groups[group]

    def works(self, *groups: str) -> Works:
        """The works of these groups, one after another, each as its medium stores it (`StoredScore`, `StoredPicture`).

        Raises:
            UserError: no such group; a shard is missing or damaged, which may show later, when its works are read.
        """
        return Works([self._shard(group) for group in groups])

    def _shard(self, group: str) -> Shard:
        if group not in self._shards:
            path = f"{self._root}/shards/{self.about(group)['shard']}"
            self._shards[group] = Shard(self._filesystem, path, self.medium, self._recent)
        return self._shards[group]


def read_metadata(where: Where) -> dict[str, Any] | None:
    """The metadata of a prepared folder, None where there is none.

    Raises:
        UserError: out of reach, damaged, or of another version.
    """
    fix = f"Delete {where} and prepare the data again."
    filesystem, root = filesystem_of(where)
    try:
        with filesystem.open_input_stream(f"{root}/{METADATA}") as stream:
            metadata = json.loads(stream.read().decode())
    except (FileNotFoundError, NotADirectoryError):  # no data yet is no error: the caller decides
        return None
    except OSError as error:
        raise UserError(
            expected="prepared data that can be read",
            got=f"{where}: {str(error).splitlines()[0][:300]}",
            fix="Give the right to read it, or name another folder.",
        ) from error
    except ValueError as error:
        raise UserError(expected="metadata.json as JSON", got=f"a damaged one in {where}", fix=fix) from error
    # Only the keys that the code relies on: a later version may add others.
    shape = {"format_version": int, "splits": dict, "groups": list, "rejected": list, "counts": dict}
    if not isinstance(metadata, dict) or not all(isinstance(metadata.get(key), kind) for key, kind in shape.items()):
        raise UserError(expected=f"metadata.json with {', '.join(shape)}", got=f"another in {where}", fix=fix)
    if metadata["format_version"] != FORMAT_VERSION:
        got = f"version {metadata['format_version']} in {where}"
        raise UserError(expected=f"prepared data of version {FORMAT_VERSION}", got=got, fix=fix)
    return metadata
