"""Music: canonical scores as MIDI, and their tokens at three speeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import symusic

from metaart.data.media.base import Medium, Row, StoredWork
from metaart.formats.scores.canonical import canonical, scaled
from metaart.formats.scores.midi import read_midi, write_midi
from metaart.formats.scores.tokens import TOKENIZER_FILE, Tokens, encode_canonical, make_tokenizer, tokenizer_json

if TYPE_CHECKING:
    import miditok

    from metaart.data.base import Entry

TOKEN_COLUMNS = ("tokens", "tokens_half", "tokens_double")
_FINGERPRINT_NOTES = 32


@dataclass(frozen=True)
class StoredScore(StoredWork):
    """A piece as it is kept.

    Attributes:
        midi: the canonical score as a MIDI file.
        tokens: BOS, music, EOS: (time,) uint16.
        tokens_half: the same with all times halved, the time signature kept; empty where it leaves the grid.
        tokens_double: the same with all times doubled.
    """

    midi: bytes
    tokens: Tokens
    tokens_half: Tokens
    tokens_double: Tokens


class ScoreMedium(Medium):
    """MIDI files; two copies share their first 32 notes in any key and at any note value."""

    name = "music"
    reader_version = 2
    packages = ("music21", "symusic", "miditok")
    imports = ("miditok",)
    columns = (pa.field("midi", pa.binary()), *(pa.field(name, pa.list_(pa.uint16())) for name in TOKEN_COLUMNS))
    suffix = ".mid"
    shown: ClassVar = {"tokens": "tokens", "median": "median_tokens"}
    total = "tokens"

    def read(self, entry: Entry, data: bytes) -> Row:
        """The canonical score and its tokens."""
        score = canonical(read_midi(data, name=entry.work_id), name=entry.work_id)
        others = [scaled(score, 0.5), scaled(score, 2.0)]
        tokens = [encode_canonical(_tokenizer(), score)]
        tokens += [encode_canonical(_tokenizer(), other) if other else np.zeros(0, np.uint16) for other in others]
        return {
            "midi": write_midi(score),
            **dict(zip(TOKEN_COLUMNS, tokens, strict=True)),
            "fingerprint": fingerprint(score),
        }

    def stored(self, texts: Mapping[str, Any], table: pa.Table, row: int) -> StoredScore:
        """A piece; its tokens share the memory of the table."""
        tokens = {
            name: table.column(name)[row].values.to_numpy(zero_copy_only=False) for name in TOKEN_COLUMNS
        }  # fmt: skip
        return StoredScore(**texts, midi=table.column("midi")[row].as_py(), **tokens)

    def describe(self, table: pa.Table) -> dict[str, Any]:
        """Tokens in all, and of the piece in the middle."""
        lengths = pc.list_value_length(table.column("tokens")).to_numpy()
        return {"tokens": int(lengths.sum()), "median_tokens": int(np.median(lengths))}

    def file(self, work: StoredScore) -> bytes:
        """The MIDI file."""
        return work.midi

    def assets(self) -> dict[str, bytes]:
        """tokenizer.json."""
        return {TOKENIZER_FILE: tokenizer_json(make_tokenizer())}


def fingerprint(score: symusic.Score) -> str:
    """What two copies of a work share in any key and at any note value.

    A digest of (pitch interval, distance in time, duration) of the first 32 notes, times divided by their common
    divisor.
    """
    table = score.tracks[0].notes.numpy()
    start, length, pitch = (
        table[name][: _FINGERPRINT_NOTES + 1].astype(np.int64) for name in ("time", "duration", "pitch")
    )
    steps = np.diff(start)
    # A tune and the same at twice the speed have one shape: times are counted in the largest unit that divides them.
    unit = max(int(np.gcd.reduce(np.concatenate([steps, length[:-1]]))), 1) if len(steps) else 1
    shape = np.stack([np.diff(pitch), steps // unit, length[:-1] // unit])
    return sha256(shape.astype(np.int64).tobytes()).hexdigest()[:24]


@cache
def _tokenizer() -> miditok.REMI:
    return make_tokenizer()
