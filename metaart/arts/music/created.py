"""What a run creates for hands that it has never met: is it like the hand, and is it more than a copy?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from metaart.artists.run import Creator
from metaart.arts.music.compose import ComposeRequest
from metaart.arts.music.create import music_of
from metaart.arts.music.features import Features, Gram, features, grams
from metaart.arts.music.resemblance import copies, distances, likeliness
from metaart.data.location import Where
from metaart.data.shards import Dataset
from metaart.domains.music.domain import Music, window
from metaart.errors import UserError
from metaart.evaluation.report import markdown
from metaart.evaluation.statistics import mean_and_interval
from metaart.formats.scores.canonical import canonical
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.tokens import encode_canonical, make_tokenizer
from metaart.functional.sequence import token_nll
from metaart.tasks import Params

Floats = NDArray[np.float64]
CREATED, UNADAPTED, REAL = "created", "created without adaptation", "real, held out"
KINDS = (CREATED, UNADAPTED, REAL)
_SEQUENCES_AT_ONCE = 128


@dataclass(frozen=True)
class JudgeConfig:
    """How creations are judged.

    Attributes:
        pieces: created for each hand, with and without adaptation.
        bars: of a piece.
        temperature: of creation.
        top_p: of creation.
        held_out: works of a hand, none of them an example, that pieces are compared with, at most.
        least_held_out: hands with fewer are left out.
        seed: of the choice of hands and works, and of the pieces.
        batch: pieces created at once.
    """

    pieces: int = 4
    bars: int = 16
    temperature: float = 0.9
    top_p: float = 0.95
    held_out: int = 16
    least_held_out: int = 4
    seed: int = 11
    batch: int = 32


class _Hand(NamedTuple):
    name: str
    support: list[bytes]
    held_out: list[bytes]


class _Piece(NamedTuple):
    features: Features
    grams: list[Gram]
    tokens: NDArray[Any]


def judge_run(
    run: Path | str | None,
    *,
    data: Where | None = None,
    hands: int = 24,
    config: JudgeConfig = JudgeConfig(),
    progress: bool = True,
) -> dict[str, Any]:
    """Create pieces for test hands and judge them.

    Each hand gives as many examples as the run was trained with; the run adapts to them and creates. Judged are the
    distance of the pieces' features to the hand's held-out works beside the distance to other hands' (`resemblance`),
    whether a piece is likelier under its own hand's adapted model than under the others', and the share of its runs of
    eight (interval, duration) pairs that stand in the examples. Beside them stand pieces of the same seeds created
    without adaptation, and real works of the hand.

    Args:
        run: run directory of music; the one that ships with metaart if left out.
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
    creator = Creator(run)
    music_of(creator, fix="Use --judge-hands 0 to leave it out.", expected="a run of music to judge creations of")
    num_support = creator.config.meta.episode.support or 5
    folder = data or creator.config.data
    chosen, left_out = _choose(folder, hands, num_support, config)
    total = len(chosen) * (2 + 2 * config.pieces)
    with tqdm(total=total, desc="judge", unit="part", disable=not progress) as bar:
        supports = [creator.domain.read(hand.support) for hand in chosen]
        adapted = _each(lambda support: creator.adapt(support), supports, bar)
        plain = [creator.adapt(support, 0) for support in supports]
        files = {
            CREATED: _create(creator, adapted, config, bar),
            UNADAPTED: _create(creator, plain, config, bar),
            REAL: [hand.held_out for hand in chosen],
        }
        measure = _reader()
        read = {kind: measure(rows) for kind, rows in files.items()}
        likelihood = _likelihood(creator, adapted, read, bar)
    judged = {
        "distance": distances({kind: [[p.features for p in row] for row in read[kind]] for kind in KINDS}, REAL),
        "likelihood": likelihood,
        "copy": copies(
            {kind: [[piece.grams for piece in row] for row in read[kind]] for kind in KINDS},
            [[piece.grams for piece in row] for row in measure([hand.support for hand in chosen])],
        ),
    }
    notes = [f"{left_out} test hands have too few works and are left out."] if left_out else []
    if len(chosen) < hands:
        notes.append(f"{hands} hands were asked for; the data has {len(chosen)} that are large enough.")
    return {
        "run": creator.config.recipe,
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
            | {what: _row(measured, place) for what, measured in judged.items()}
            for place, hand in enumerate(chosen)
        ],
    }


def judgement_table(judged: dict[str, Any]) -> str:
    """The totals as Markdown."""
    totals, chance = judged["totals"], judged["chance"]
    head = (
        f"**What it creates**: {judged['pieces']} pieces of {judged['bars']} bars for each of {judged['hands']} test "
        f"hands, from {judged['support']} examples each; mean ± 95 % interval over hands. " + " ".join(judged["notes"])
    )
    feature_names = [name for name in totals["distance"][CREATED] if name.endswith(" own")]
    near = [["distance of the features (1: between hands)", "own hand", "other hands", "own is nearer"]]
    near += [
        [kind, *(_cell(row[key]) for key in ("own", "other", "nearer"))] for kind, row in totals["distance"].items()
    ]
    near += [
        [f"{CREATED}: {name[:-4]}", _cell(totals["distance"][CREATED][name]),
         _cell(totals["distance"][CREATED][f"{name[:-4]} other"]), ""]
        for name in feature_names
    ]  # fmt: skip
    likely = [["likelier under its own hand's model", "pairs won", "first of all", "mean rank", "nats ahead"]]
    likely += [
        [kind, *(_cell(row[key]) for key in ("pairs", "first", "rank", "ahead"))]
        for kind, row in totals["likelihood"].items()
    ]
    likely.append(["chance", f"{chance['pairs']:.3f}", f"{chance['first']:.3f}", f"{chance['rank']:.3f}", "0.000"])
    copied = [["8-grams of (interval, duration) that stand in the examples", "share", "largest of a hand"]]
    copied += [[kind, *(_cell(row[key]) for key in ("share", "largest"))] for kind, row in totals["copy"].items()]
    return "\n\n".join([head.strip(), markdown(near), markdown(likely), markdown(copied)]) + "\n"


def _choose(data: Where, hands: int, num_support: int, config: JudgeConfig) -> tuple[list[_Hand], int]:
    """Test hands with their examples and held-out works, and how many were too small."""
    dataset = Dataset.open(data)
    names = dataset.groups("test")
    sizes = {entry["name"]: int(entry["works"]) for entry in dataset.metadata["groups"]}
    large = [name for name in names if sizes[name] >= num_support + config.least_held_out]
    if len(large) < 2 or hands < 2:
        raise UserError(
            expected=f"two test hands or more with {num_support + config.least_held_out} works each",
            got=f"{hands} asked for, {len(large)} of {len(names)} in {data} large enough",
            fix="Prepare more data, or use --judge-hands 0 to leave this out.",
        )
    order = np.random.default_rng(config.seed).permutation(len(large))[:hands]
    chosen = []
    for place in sorted(order.tolist()):
        works = dataset.works(large[place])
        drawn = np.random.default_rng([config.seed, place]).permutation(len(works))[: num_support + config.held_out]
        midis = [works[work].midi for work in drawn]
        chosen.append(_Hand(large[place], midis[:num_support], midis[num_support:]))
    return chosen, len(names) - len(large)


def _create(creator: Creator, models: Sequence[Params], config: JudgeConfig, bar: Any) -> list[list[bytes]]:
    """Pieces of each hand; the seed of a piece depends on its hand and its place alone."""
    wanted = [
        (model, ComposeRequest(config.bars, config.temperature, config.top_p, config.seed + 1000 * hand + piece))
        for hand, model in enumerate(models)
        for piece in range(config.pieces)
    ]
    made: list[bytes] = []
    for first in range(0, len(wanted), config.batch):
        batch = wanted[first : first + config.batch]
        made += creator.render([model for model, _ in batch], [request for _, request in batch])
        bar.update(len(batch))
    return [made[first : first + config.pieces] for first in range(0, len(made), config.pieces)]


def _reader() -> Callable[[Sequence[Sequence[bytes]]], list[list[_Piece]]]:
    tokenizer = make_tokenizer()

    def read(midi: bytes) -> _Piece:
        score = canonical(read_midi(midi))
        return _Piece(features(score), grams(score), encode_canonical(tokenizer, score))

    return lambda rows: [[read(midi) for midi in row] for row in rows]


def _likelihood(
    creator: Creator, models: Sequence[Params], read: dict[str, list[list[_Piece]]], bar: Any
) -> dict[str, dict[str, Floats]]:
    """Of each kind and hand, how often a piece is likelier under its own hand's model than under another's."""
    assert isinstance(creator.domain, Music)
    pad, most = creator.domain.vocabulary.pad, creator.domain.config.max_tokens
    pieces = [(kind, hand, piece) for kind in KINDS for hand, row in enumerate(read[kind]) for piece in row]
    tokens = window([piece.tokens for _, _, piece in pieces], most)

    @torch.no_grad()
    def under(model: Params) -> Floats:
        predict, parts = creator.predict(model), []
        for part in torch.split(tokens, _SEQUENCES_AT_ONCE):
            nll, counted = token_nll(predict(part[:, :-1])[0], part, pad)
            parts.append(nll.double().sum(-1) / counted.sum(-1).clamp(min=1))
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)

    nats = np.stack(_each(under, models, bar))
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


def _row(measured: dict[str, dict[str, Floats]], place: int) -> dict[str, Any]:
    return {
        kind: {name: None if math.isnan(each[place]) else float(each[place]) for name, each in row.items()}
        for kind, row in measured.items()
    }


def _cell(total: dict[str, float | None]) -> str:
    if total["mean"] is None:
        return "-"
    return f"{total['mean']:.3f}" + (f" ± {total['interval']:.3f}" if total["interval"] is not None else "")
