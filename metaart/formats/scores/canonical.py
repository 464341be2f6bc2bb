"""What every score is brought to before it is tokenised: one piano track on the tokenizer's own grid.

Ticks are 24 to the quarter here. Bars of x/4 use every second tick (12 steps a quarter, so triplets and sixteenths are
exact), bars of x/8 use all (12 steps an eighth). Time signatures over 1, 2 and 16 are written over 4 and 8 with bars of
the same length where that is in the vocabulary (4/2 becomes 8/4); what is left outside becomes 4/4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import symusic
from numpy.typing import NDArray

from metaart.errors import UserError

TICKS_PER_QUARTER = 24
STEPS_PER_BEAT = 12
LOWEST_PITCH, HIGHEST_PITCH = 21, 108
SIGNATURES: dict[int, list[int]] = {4: [1, 2, 3, 4, 5, 6, 7, 8], 8: [3, 4, 5, 6, 7, 8, 9, 12]}
BEAT_RESOLUTION: dict[tuple[int, int], int] = {(0, 1): 12, (1, 4): 4, (4, 8): 2, (8, 16): 1}
"""Steps in a beat for durations that lie between so many beats."""

VELOCITY = 100
TEMPO = 120.0

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Notes:
    """Notes sorted by start, then pitch; times in canonical ticks."""

    start: Ints
    length: Ints
    pitch: Ints


def duration_steps() -> Ints:
    """The lengths that have a token, in twelfths of a beat, ascending."""
    lengths: list[int] = []
    # The longer a note, the coarser: MidiTok's vocabulary grows with every length, and nobody hears a twelfth of a beat
    # after eight beats. The last range's upper end has a token of its own.
    for (low, high), resolution in BEAT_RESOLUTION.items():
        step = STEPS_PER_BEAT // resolution
        lengths += range(max(low * STEPS_PER_BEAT, step), high * STEPS_PER_BEAT, step)
    return np.array([*lengths, max(high for _, high in BEAT_RESOLUTION) * STEPS_PER_BEAT])


def canonical(score: symusic.Score, *, name: str = "the score") -> symusic.Score:
    """One piano track on the tokenizer's grid, with the music that the tokens can say.

    Drums are dropped and all voices merged; pitches outside 21..108 are folded by octaves; starts and lengths are
    rounded to the grid (lengths to the nearest that has a token, at most 16 beats); of equal pitches that start
    together the longest stays, and one that is struck again ends there; time signatures move to the nearest bar line;
    whole bars of silence at the start are removed; the tempo is 120 and every velocity 100.

    Applied to its own result it changes nothing.

    Args:
        score: in ticks, with bounded times (see `read_midi`).
        name: what to call it in errors.

    Raises:
        UserError: nothing but drums, or no notes at all.
    """
    notes = _notes(score)
    if not len(notes.start):
        raise UserError(
            expected="a score with pitched notes",
            got=f"{name} without any (drums are left out)",
            fix="Give pieces with at least one melodic track.",
        )
    last = int(notes.start.max())
    # The order matters: bars decide which grid a note is rounded to, and only rounded notes say what silence is left.
    signatures = _signatures(score, last)
    return build(*_without_silence(_on_grid(notes, signatures), signatures))


def scaled(score: symusic.Score, factor: float) -> symusic.Score | None:
    """A canonical score with all times multiplied, time signatures kept; None where a start leaves the grid."""
    notes = _notes(score)
    signatures = _signatures(score, 0)[:1]
    # Whether every start is a step of its bar's grid at the new speed: one that is rounded would be another rhythm.
    steps = notes.start * factor / (1 if signatures[0][2] == 8 else 2)
    if np.any(steps != np.rint(steps)):
        return None
    stretched = Notes(
        np.rint(notes.start * factor).astype(np.int64),
        np.maximum(np.rint(notes.length * factor), 1).astype(np.int64),
        notes.pitch,
    )
    return build(*_without_silence(_on_grid(stretched, signatures), signatures))


def build(notes: Notes, signatures: list[tuple[int, int, int]]) -> symusic.Score:
    """A score of these notes and (tick, numerator, denominator) time signatures."""
    score = symusic.Score(TICKS_PER_QUARTER)
    track = symusic.Track(name="", program=0, is_drum=False)
    track.notes = symusic.Note.from_numpy(
        notes.start.astype(np.int32),
        notes.length.astype(np.int32),
        notes.pitch.astype(np.int8),
        np.full(len(notes.start), VELOCITY, dtype=np.int8),
    )
    score.tracks.append(track)
    for tick, numerator, denominator in signatures:
        score.time_signatures.append(symusic.TimeSignature(tick, numerator, denominator))
    score.tempos.append(symusic.Tempo(0, TEMPO))
    return score


def bar_ticks(numerator: int, denominator: int) -> int:
    """Length of a bar in canonical ticks."""
    return 4 * TICKS_PER_QUARTER * numerator // denominator


def signature_in_vocabulary(numerator: int, denominator: int) -> tuple[int, int]:
    """The time signature that stands for this one: over 4 or 8, equally long where there is one, else 4/4."""
    while denominator < 4:
        numerator, denominator = 2 * numerator, 2 * denominator
    while denominator > 8 and numerator % 2 == 0:
        numerator, denominator = numerator // 2, denominator // 2
    return (numerator, denominator) if numerator in SIGNATURES.get(denominator, ()) else (4, 4)


def _notes(score: symusic.Score) -> Notes:
    """All pitched notes, in canonical ticks, rounded, folded into the piano's range and sorted."""
    columns: list[tuple[Ints, Ints, Ints]] = []
    factor = TICKS_PER_QUARTER / score.ticks_per_quarter
    for track in score.tracks:
        if track.is_drum or not len(track.notes):
            continue
        table = track.notes.numpy()
        start, length = table["time"].astype(np.float64), table["duration"].astype(np.float64)
        columns.append(
            (
                np.rint(start * factor).astype(np.int64),
                np.rint(length * factor).astype(np.int64),
                table["pitch"].astype(np.int64),
            )
        )
    if not columns:
        return Notes(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    start, length, pitch = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    # As many octaves up or down as it takes, and no more: floor division by 12, towards minus infinity.
    pitch = np.where(pitch < LOWEST_PITCH, pitch + 12 * -((pitch - LOWEST_PITCH) // 12), pitch)
    pitch = np.where(pitch > HIGHEST_PITCH, pitch - 12 * -(-(pitch - HIGHEST_PITCH) // 12), pitch)
    order = np.lexsort((length, pitch, start))
    return Notes(start[order], length[order], pitch[order])


def _signatures(score: symusic.Score, last: int) -> list[tuple[int, int, int]]:
    """Time signatures of the vocabulary on bar lines, the first at 0, none after the last note."""
    found: list[tuple[int, int, int]] = [(0, 4, 4)]
    factor = TICKS_PER_QUARTER / score.ticks_per_quarter
    for mark in sorted(score.time_signatures, key=lambda mark: int(mark.time)):
        numerator, denominator = signature_in_vocabulary(mark.numerator, mark.denominator)
        tick, running_numerator, running_denominator = found[-1]
        bar = bar_ticks(running_numerator, running_denominator)
        # Tokens say a time signature at bar lines alone: a change inside a bar moves to the nearest one.
        at = tick + round(max(mark.time * factor - tick, 0) / bar) * bar
        if at > last and at > 0:
            break
        if at == tick:
            found.pop()  # two at one bar line: the later one holds
        if not found or found[-1][1:] != (numerator, denominator):
            found.append((at, numerator, denominator))
    return found


def _on_grid(notes: Notes, signatures: list[tuple[int, int, int]]) -> Notes:
    """Starts and lengths that have tokens; no pitch sounds twice at once."""
    changes = np.array([tick for tick, _, _ in signatures])
    ticks_per_step = np.array([1 if denominator == 8 else 2 for _, _, denominator in signatures])

    def step_at(start: Ints) -> Ints:
        step: Ints = ticks_per_step[np.searchsorted(changes, start, side="right") - 1]
        return step

    step = step_at(notes.start)
    # Half a step rounds down, so that what is rounded once is never moved by a second rounding.
    start = -(-(2 * notes.start - step) // (2 * step)) * step
    step = step_at(start)
    # From here on lengths are in steps, starts in ticks.
    allowed = duration_steps()
    length = _nearest(allowed, notes.length / step)
    # Of equal pitches at one start the longest comes first, and is the one that stays.
    order = np.lexsort((-length, notes.pitch, start))
    start, length, pitch, step = start[order], length[order], notes.pitch[order], step[order]
    first = np.ones(len(start), dtype=bool)
    first[1:] = (start[1:] != start[:-1]) | (pitch[1:] != pitch[:-1])
    start, length, pitch, step = start[first], length[first], pitch[first], step[first]
    # In the order of pitch, then start, the next row is where the same pitch is struck again, if it is.
    by_pitch = np.lexsort((start, pitch))
    here, then = by_pitch[:-1], by_pitch[1:]
    again = pitch[here] == pitch[then]
    gap = np.full(len(start), np.iinfo(np.int64).max)
    gap[here[again]] = (start[then[again]] - start[here[again]]) // step[here[again]]
    # Cut to the longest length that has a token and fits into the gap; none is below one step.
    longest = allowed[np.searchsorted(allowed, np.maximum(gap, 1), side="right") - 1]
    return Notes(start, np.minimum(length, longest) * step, pitch)


def _nearest(allowed: Ints, wanted: NDArray[np.float64]) -> Ints:
    """The nearest allowed value to each wanted one, the smaller of two equally near."""
    above = np.clip(np.searchsorted(allowed, wanted), 1, len(allowed) - 1)
    low, high = allowed[above - 1], allowed[above]
    chosen: Ints = np.where(wanted - low <= high - wanted, low, high)
    return chosen


def _without_silence(notes: Notes, signatures: list[tuple[int, int, int]]) -> tuple[Notes, list[tuple[int, int, int]]]:
    """Shift everything so that the first note lies in the first bar."""
    first = int(notes.start[0])
    index = max(index for index, (tick, _, _) in enumerate(signatures) if tick <= first)
    tick, numerator, denominator = signatures[index]
    bar = bar_ticks(numerator, denominator)
    # Whole bars alone, so that an upbeat stays one.
    shift = tick + (first - tick) // bar * bar
    moved = [(0, numerator, denominator), *((at - shift, top, bottom) for at, top, bottom in signatures[index + 1 :])]
    return Notes(notes.start - shift, notes.length, notes.pitch), moved
