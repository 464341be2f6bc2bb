"""Scores to tokens and back: MidiTok's REMI, and what each token means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import symusic
from numpy.typing import NDArray

from metaart.errors import UserError
from metaart.formats.scores.canonical import (
    BEAT_RESOLUTION,
    HIGHEST_PITCH,
    LOWEST_PITCH,
    SIGNATURES,
    STEPS_PER_BEAT,
    TICKS_PER_QUARTER,
    canonical,
)

if TYPE_CHECKING:
    import miditok

TOKENIZER_FILE = "tokenizer.json"
"""What it is called beside prepared data and in a run."""

Tokens = NDArray[np.uint16]
Value = int | float | tuple[int, int] | None


def make_tokenizer() -> miditok.REMI:
    """REMI with bars, time signatures, positions, pitches and durations, and nothing else.

    A bar is `Bar TimeSig`, then for each start that has notes `Position`, and for each of its notes, from low to
    high, `Pitch Duration`. Positions count twelfths of a beat from the bar line and durations are in beats, where a
    beat is the time signature's denominator: a quarter in 3/4, an eighth in 6/8. PAD is 0.
    """
    from miditok import REMI, TokenizerConfig

    return REMI(
        TokenizerConfig(
            pitch_range=(LOWEST_PITCH, HIGHEST_PITCH),
            beat_res=dict(BEAT_RESOLUTION),
            special_tokens=["PAD", "BOS", "EOS"],
            use_velocities=False,
            use_time_signatures=True,
            time_signature_range={denominator: list(tops) for denominator, tops in SIGNATURES.items()},
            use_pitchdrum_tokens=False,
        )
    )


def tokenizer_json(tokenizer: miditok.REMI) -> bytes:
    """The tokenizer as a file, as MidiTok itself writes it."""
    return json.dumps(tokenizer.to_dict(), indent=4).encode()


def load_tokenizer(path: Path | str) -> miditok.REMI:
    """Read a file with what `tokenizer_json` gives.

    Raises:
        UserError: no such file, not JSON, or not the tokens of this version of the library.
    """
    from miditok import REMI

    path = Path(path)
    fix = "Prepare the data again, or copy tokenizer.json from where the data or the run came from."
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict) or "config" not in config:
            raise ValueError("no tokenizer configuration")
        tokenizer = REMI(params=path)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise UserError(expected="a tokenizer file", got=f"{path}: {reason}", fix=fix) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(expected="a tokenizer as JSON", got=f"{path}: {type(error).__name__}", fix=fix) from error
    # The vocabulary decides, not the file: another MidiTok may write other versions for the same tokens.
    if tokenizer.vocab != make_tokenizer().vocab:
        raise UserError(
            expected="the tokens of this version of metaart", got=f"{path} with {len(tokenizer)} others", fix=fix
        )
    return tokenizer


def encode(tokenizer: miditok.REMI, score: symusic.Score) -> Tokens:
    """BOS, the tokens of the canonical score, EOS: (time,) uint16.

    Raises:
        UserError: the score has no pitched notes.
    """
    return encode_canonical(tokenizer, canonical(score))


def encode_canonical(tokenizer: miditok.REMI, score: symusic.Score) -> Tokens:
    """`encode` for a score that is canonical already."""
    ids = tokenizer(score)[0].ids
    return np.array([tokenizer["BOS_None"], *ids, tokenizer["EOS_None"]], dtype=np.uint16)


def decode(tokenizer: miditok.REMI, ids: Any) -> symusic.Score:
    """The score that tokens say, at 24 ticks per quarter; special tokens are skipped.

    Tokens that break the grammar (a duration without its pitch) are skipped too.

    Args:
        tokenizer: that of the tokens.
        ids: (time,) integers.

    Raises:
        UserError: an id outside the vocabulary.
    """
    wanted = [int(token) for token in np.asarray(ids).reshape(-1)]
    if wanted and not 0 <= min(wanted) <= max(wanted) < len(tokenizer):
        raise UserError(
            expected=f"token ids from 0 to {len(tokenizer) - 1}",
            got=f"{min(wanted)} to {max(wanted)}",
            fix="Use the tokenizer that made the tokens.",
        )
    special = set(tokenizer.special_tokens_ids)
    return tokenizer.decode([[token for token in wanted if token not in special]])


@dataclass(frozen=True)
class Vocabulary:
    """What each token id means.

    Attributes:
        tokens: the tokenizer's own name of each id, "Pitch_60".
        kind: (size,) strings: "PAD", "BOS", "EOS", "Bar", "TimeSig", "Position", "Pitch" or "Duration".
        value: by id: the MIDI pitch; the position in twelfths of a beat; the duration in beats (float); the time
            signature (numerator, denominator); None for the rest. A beat is the bar's denominator.
    """

    tokens: tuple[str, ...]
    kind: NDArray[np.str_]
    value: tuple[Value, ...]

    @classmethod
    def of(cls, tokenizer: miditok.REMI) -> Vocabulary:
        """The vocabulary of a tokenizer."""
        names = tuple(name for name, _ in sorted(tokenizer.vocab.items(), key=lambda item: item[1]))
        kinds = [name.split("_", 1)[0] for name in names]
        return cls(names, np.array(kinds), tuple(_value(*name.split("_", 1)) for name in names))

    steps_per_beat = STEPS_PER_BEAT
    ticks_per_quarter = TICKS_PER_QUARTER

    @property
    def size(self) -> int:
        """Number of tokens."""
        return len(self.tokens)

    @cached_property
    def id(self) -> dict[tuple[str, Value], int]:
        """Ids by (kind, value): `vocabulary.id["Pitch", 60]`."""
        meanings = zip(self.kind, self.value, strict=True)
        return {(str(kind), value): index for index, (kind, value) in enumerate(meanings)}

    @cached_property
    def pitch_ids(self) -> NDArray[np.int64]:
        """Ids of the pitches, from the lowest to the highest."""
        return np.array([self.id["Pitch", pitch] for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1)])

    @property
    def pad(self) -> int:
        """Id of the padding, 0."""
        return self.id["PAD", None]

    @property
    def bos(self) -> int:
        """Id of the beginning of a piece."""
        return self.id["BOS", None]

    @property
    def eos(self) -> int:
        """Id of the end of a piece."""
        return self.id["EOS", None]

    @property
    def bar(self) -> int:
        """Id of the bar line."""
        return self.id["Bar", None]

    def ids(self, kind: str) -> NDArray[np.int64]:
        """The ids of a kind, ascending by id."""
        return np.flatnonzero(self.kind == kind)


def _value(kind: str, text: str) -> Value:
    if kind in ("Pitch", "Position"):
        return int(text)
    if kind == "Duration":
        # "1.3.8" is one beat and three of its eighths.
        beats, parts, resolution = (int(number) for number in text.split("."))
        return beats + parts / resolution
    if kind == "TimeSig":
        numerator, denominator = (int(number) for number in text.split("/"))
        return numerator, denominator
    return None
