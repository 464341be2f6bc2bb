"""What a run creates for hands that it has never met: is it like the hand, and is it more than a copy?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from metaart.artists.artist import Artist
from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.arts.music import ComposeOptions
from metaart.arts.music.adapt import music_of
from metaart.arts.music.compose import Piece, compose
from metaart.arts.music.features import Features, Gram, features, grams
from metaart.arts.music.report import CREATED, KINDS, REAL, UNADAPTED
from metaart.arts.music.resemblance import copies, distances, likeliness
from metaart.data.location import Where
from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.evaluation.statistics import mean_and_interval
from metaart.formats.scores.canonical import canonical
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.tokens import encode_canonical, make_tokenizer
from metaart.options import option, options
from metaart.sequences.likelihood import mean_losses
from metaart.sequences.windows import window

Floats = NDArray[np.float64]


@options()
class JudgeConfig:
    """How creations are judged."""

    pieces: int = option(default=4, ge=1, help="created for each hand, with and without adaptation")
    bars: int = option(default=16, ge=1, help="of a piece")
    temperature: float = option(default=0.9, gt=0, le=2, help="of creation")
    top_p: float = option(default=0.95, gt=0, le=1, help="of creation")
    held_out: int = option(
        default=16, ge=2, help="works of a hand, none of them an example, that pieces are compared with, at most"
    )
    least_held_out: int = option(default=4, ge=2, help="hands with fewer are left out")
    seed: int = option(default=11, ge=0, help="of the choice of hands and works, and of the pieces")
    batch: int = option(default=32, ge=1, help="pieces created at once")


USUAL = JudgeConfig()
"""Of `metaart evaluate`."""


class _Hand(NamedTuple):
    """A test hand: what it is learned from, and what creations are compared with."""

    name: str
    support: list[Work]
    held_out: list[bytes]


class _Measured(NamedTuple):
    """What is compared of a piece."""

    features: Features
    grams: list[Gram]
    tokens: NDArray[Any]


def judge_created(
    run: Run,
    *,
    data: Where | None = None,
    hands: int = 24,
    config: JudgeConfig = USUAL,
    progress: bool = True,
) -> dict[str, Any]:
    """Create pieces for test hands and judge them.

    Each hand gives as many examples as the run was trained with; the run adapts to them and creates. Judged are the
    distance of the pieces' features to the hand's held-out works beside the distance to other hands' (`resemblance`),
    whether a piece is likelier under its own hand's adapted model than under the others', and the share of its runs of
    eight (interval, duration) pairs that stand in the examples. Beside them stand pieces of the same seeds created
    without adaptation, and real works of the hand.

    Args:
        run: of music.
        data: prepared folder, if not the one the run was trained on.
        hands: test hands asked for; all that are large enough where there are fewer.
        config: pieces, bars, seeds.
        progress: show a bar.

    Returns:
        {"rows": one per hand, "totals": {"distance", "features", "likelihood", "copy"}, "chance", "notes", ...}; means
        over hands, intervals half-widths at 95 %, None where there is nothing to measure.

    Raises:
        UserError: not a run of music, no data, or fewer than two test hands that are large enough.
    """
    music_of(run)
    num_support = run.config.meta.episode.support or 5
    chosen, left_out = _choose(data or run.config.data, hands, num_support, config)
    judged = _judged(run, chosen, config, progress)
    notes = [f"{left_out} test hands have too few works and are left out."] if left_out else []
    if len(chosen) < hands:
        notes.append(f"{hands} hands were asked for; the data has {len(chosen)} that are large enough.")
    return {
        "run": run.config.recipe,
        "asked": hands,
        "hands": len(chosen),
        "support": num_support,
        "pieces": config.pieces,
        "bars": config.bars,
        "chance": {"pairs": 0.5, "first": 1 / len(chosen), "rank": (len(chosen) + 1) / 2},
        "notes": notes,
        "totals": {what: _totals(measured) for what, measured in judged.items()},
        "rows": [
            {"hand": hand.name, "held_out": len(hand.held_out)}
            | {what: _row(measured, index) for what, measured in judged.items()}
            for index, hand in enumerate(chosen)
        ],
    }


def _judged(
    run: Run, hands: Sequence[_Hand], config: JudgeConfig, progress: bool
) -> dict[str, dict[str, dict[str, Floats]]]:
    """What was measured, by what is looked at, kind of piece, and name of the number: one of each hand."""
    with tqdm(total=len(hands) * (2 + 2 * config.pieces), desc="judge", unit="part", disable=not progress) as bar:
        adapted = _each(lambda hand: run.adapt_works(hand.support), hands, bar)
        # The same works without a step, so that only adaptation makes the difference.
        plain = [run.adapt_works(hand.support, steps=0) for hand in hands]
        files = {
            CREATED: _create(run, adapted, config, bar),
            UNADAPTED: _create(run, plain, config, bar),
            REAL: [hand.held_out for hand in hands],
        }
        measure = _reader()
        read = {kind: measure(rows) for kind, rows in files.items()}
        likelihood = _likelihood(run, adapted, read, bar)
    examples = measure([[work.data for work in hand.support] for hand in hands])
    return {
        "distance": distances({kind: [[p.features for p in row] for row in read[kind]] for kind in KINDS}, REAL),
        "likelihood": likelihood,
        "copy": copies(
            {kind: [[piece.grams for piece in row] for row in read[kind]] for kind in KINDS},
            [[piece.grams for piece in row] for row in examples],
        ),
    }


def _choose(data: Where, hands: int, num_support: int, config: JudgeConfig) -> tuple[list[_Hand], int]:
    """Test hands with their examples and held-out works, and how many were too small."""
    dataset = Dataset.open(data)
    names = dataset.groups("test")
    sizes = {entry["name"]: int(entry["works"]) for entry in dataset.metadata["groups"]}
    # Counted, not read: how many works a hand has stands in the metadata.
    large = [name for name in names if sizes[name] >= num_support + config.least_held_out]
    if len(large) < 2 or hands < 2:
        raise UserError(
            expected=f"two test hands or more with {num_support + config.least_held_out} works each",
            got=f"{hands} asked for, {len(large)} of {len(names)} in {data} large enough",
            fix="Prepare more data, or use --judge-hands 0 to leave this out.",
        )
    order = np.random.default_rng(config.seed).permutation(len(large))[:hands]
    chosen = []
    # In the order of the data, however they were drawn.
    for index in sorted(order.tolist()):
        works = dataset.works(large[index])
        # Drawn by the hand's own index: its works are the same however many hands are asked for.
        drawn = np.random.default_rng([config.seed, index]).permutation(len(works))[: num_support + config.held_out]
        midis = [works[work].midi for work in drawn]
        examples = [Work(f"example {number}", midi) for number, midi in enumerate(midis[:num_support], start=1)]
        chosen.append(_Hand(large[index], examples, midis[num_support:]))
    return chosen, len(names) - len(large)


def _create(run: Run, artists: Sequence[Artist], config: JudgeConfig, bar: Any) -> list[list[bytes]]:
    """Pieces of each hand; the seed of a piece depends on its hand's and its own number alone."""
    vocabulary = music_of(run).vocabulary
    wanted = [
        (artist, ComposeOptions(config.bars, config.temperature, config.top_p, config.seed + 1000 * hand + piece))
        for hand, artist in enumerate(artists)
        for piece in range(config.pieces)
    ]
    made: list[bytes] = []
    for first in range(0, len(wanted), config.batch):
        batch = wanted[first : first + config.batch]
        # Batches change nothing but the time: pieces come out as they would alone (`Run.together`).
        predict = run.together([artist for artist, _ in batch])
        made += compose(predict, [Piece(asked) for _, asked in batch], vocabulary)
        bar.update(len(batch))
    return [made[first : first + config.pieces] for first in range(0, len(made), config.pieces)]


def _reader() -> Callable[[Sequence[Sequence[bytes]]], list[list[_Measured]]]:
    tokenizer = make_tokenizer()

    def read(midi: bytes) -> _Measured:
        score = canonical(read_midi(midi))
        return _Measured(features(score), grams(score), encode_canonical(tokenizer, score))

    return lambda rows: [[read(midi) for midi in row] for row in rows]


def _likelihood(
    run: Run, artists: Sequence[Artist], read: dict[str, list[list[_Measured]]], bar: Any
) -> dict[str, dict[str, Floats]]:
    """Of each kind and hand, how often a piece is likelier under its own hand's model than under another's."""
    domain = music_of(run)
    pieces = [(kind, hand, piece) for kind in KINDS for hand, row in enumerate(read[kind]) for piece in row]
    tokens = window([piece.tokens for _, _, piece in pieces], domain.config.max_tokens)

    def under(artist: Artist) -> Floats:
        nats = mean_losses(run.predict(run.params(artist)), tokens, domain.vocabulary.pad)
        return np.asarray(nats.numpy(), dtype=np.float64)

    # (hands, pieces): every piece under every hand's model, its own among them.
    nats = np.stack(_each(under, artists, bar))
    owner = np.array([hand for _, hand, _ in pieces])
    kind_of = np.array([kind for kind, _, _ in pieces])
    return {kind: likeliness(nats[:, kind_of == kind], owner[kind_of == kind]) for kind in KINDS}


def _each(work: Callable[[Any], Any], items: Sequence[Any], bar: Any) -> list[Any]:
    done = []
    for item in items:
        done.append(work(item))
        bar.update()
    return done


def _totals(measured: dict[str, dict[str, Floats]]) -> dict[str, Any]:
    return {kind: {name: mean_and_interval(each) for name, each in row.items()} for kind, row in measured.items()}


def _row(measured: dict[str, dict[str, Floats]], index: int) -> dict[str, Any]:
    return {
        kind: {name: None if math.isnan(each[index]) else float(each[index]) for name, each in row.items()}
        for kind, row in measured.items()
    }
