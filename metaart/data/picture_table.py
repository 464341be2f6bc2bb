"""Pictures in Parquet files with a column of labels, as hubs publish data sets such as WikiArt."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from metaart.data.base import Entry, Group, Rejected, Source
from metaart.data.defaults import SIDE_PX
from metaart.data.folder import NOT_STATED, split_by_name
from metaart.data.media.pictures import PictureMedium
from metaart.errors import UserError

_LABELS = ("artist", "label", "author", "painter")
_IMAGE = "image"


class PictureTable(Source):
    """One file or a folder of them: a column `image`, bytes or a struct with `bytes`, and a column of labels.

    A label is text, or a number whose names the schema's metadata list (a `ClassLabel` under `huggingface`); each is a
    hand and a tradition by itself, split as `split_by_name` has it. Files are read by row groups, and the last row
    group is kept: works are read fastest from files that are sorted by label.

    Args:
        path: a .parquet file or a folder of them.
        side: longest side that is kept, px.
        licence: what to record of the works' rights.
        whole: take all pictures as one group, whatever their labels; no label is needed.

    Raises:
        UserError: no such files, or not such columns.
    """

    name = "parquet"
    _last: tuple[tuple[str, int], Any] | None = None

    def __init__(
        self, path: Path | str, side: int = SIDE_PX, licence: str = NOT_STATED, *, whole: bool = False
    ) -> None:
        self.path, self.licence, self.whole = Path(path), licence, whole
        self.medium = PictureMedium(side)
        self.min_works = 1 if whole else 2
        if not self._files:
            raise UserError(expected="a .parquet file or a folder of them", got=str(path), fix="Give another --path.")
        self.groups()  # so that a wrong table is refused here

    def __getstate__(self) -> dict[str, Any]:
        """Without labels and row groups: to read a work no more than its entry is needed."""
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    def groups(self) -> list[Group]:
        """Labels by name."""
        names = sorted({label for labels in self._labels.values() for label in labels})
        splits = split_by_name(names)
        return [Group(name, name, splits[name]) for name in names]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The rows of a label, in the order of the files."""
        return [
            self._entry(group, file, row)
            for file, labels in self._labels.items()
            for row, label in enumerate(labels)
            if label == group
        ]

    def read(self, entry: Entry) -> bytes:
        """The bytes of a row."""
        location = json.loads(entry.content)
        images, within = self._row_group(location["file"], location["row"])
        value = images[within].as_py()
        data = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(data, bytes):
            raise UserError(expected="the bytes of a picture", got=f"none in {entry.work_id}", fix="Leave it out.")
        return data

    @cached_property
    def _files(self) -> dict[str, Path]:
        if self.path.is_file():
            return {self.path.name: self.path}
        found = sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else []
        return {path.relative_to(self.path).as_posix(): path for path in found}

    @cached_property
    def _labels(self) -> dict[str, list[str]]:
        """The label of every row by file."""
        return {name: self._labels_of(name, path) for name, path in self._files.items()}

    def _labels_of(self, name: str, path: Path) -> list[str]:
        fix = f"Give files with a column {_IMAGE!r} and one of {', '.join(_LABELS)}."
        try:
            file = pq.ParquetFile(path)
            columns = file.schema_arrow.names
            label = next((column for column in _LABELS if column in columns), None)
            if _IMAGE not in columns or (label is None and not self.whole):
                raise UserError(
                    expected="a column of pictures and one of labels", got=f"{name} with {', '.join(columns)}", fix=fix
                )
            if self.whole or label is None:
                return [self.path.stem] * file.metadata.num_rows
            values = file.read(columns=[label]).column(label).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise UserError(expected="a Parquet file", got=f"a damaged {path}", fix=fix) from error
        names = _class_names(file.schema_arrow.metadata or {}, label)
        return [_label(value, names) for value in values]

    def _row_group(self, name: str, row: int) -> tuple[Any, int]:
        """The pictures of the row group that holds a row, and the place of the row in it."""
        file = pq.ParquetFile(self._files[name])
        first = 0
        for number in range(file.num_row_groups):
            count = file.metadata.row_group(number).num_rows
            if row < first + count:
                break
            first += count
        # Works come in the order of the file, so one row group at a time serves a whole run of them.
        if self._last is None or self._last[0] != (name, number):
            column = file.read_row_group(number, columns=[_IMAGE]).column(_IMAGE).combine_chunks()
            self._last = ((name, number), column)
        return self._last[1], row - first

    def _entry(self, group: str, name: str, row: int) -> Entry:
        found = self._files[name].stat()
        return Entry(
            group=group,
            work_id=f"{name}:{row}",
            title=f"{group}, {row}",
            source=name,
            licence=self.licence,
            permissive=True,
            content=json.dumps({"file": name, "row": row, "size": found.st_size, "changed": found.st_mtime_ns}),
            cost=0.05,
            author="" if self.whole else group,
        )


def _class_names(metadata: dict[bytes, bytes], label: str) -> list[str]:
    """The names of numbered labels, as the `datasets` library writes them into a schema; none where there are none."""
    try:
        feature = json.loads(metadata[b"huggingface"])["info"]["features"][label]
        names = feature.get("names", [])
    except (KeyError, ValueError, TypeError, AttributeError):
        return []
    return [str(name) for name in names] if isinstance(names, list) else []


def _label(value: object, names: list[str]) -> str:
    if isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    return "unknown" if value is None else str(value)
