"""Judge a tune by how likely it is under models adapted to each composer, and how surprising each bar is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from metaart.artists.run import Creator
from metaart.arts.critique.judge import Example
from metaart.arts.judging.confidence import load_calibration
from metaart.arts.music.create import music_of
from metaart.domains.music.domain import Music
from metaart.errors import UserError
from metaart.functional.sequence import token_nll
from metaart.tasks import Params

MAX_COMPOSERS = 20
MOST_SURPRISING = 3
TEMPERATURE = 3.0
"""By which nats of a tune are divided where a run was not calibrated: what validation tunes found for the model that
ships (docs/results-critique.md)."""


@dataclass(frozen=True)
class BarSurprise:
    """How unexpected a bar is.

    Attributes:
        bar: from 1.
        nats: mean over its tokens of -log p under the model of the answer.
    """

    bar: int
    nats: float


@dataclass(frozen=True)
class TuneJudgement:
    """Whose tune it is likeliest to be.

    Attributes:
        answer: the composer under whose model it is likeliest.
        probabilities: of the composers, each as likely as the others beforehand, the likeliest first.
        nats: per token under each composer's model; lower is likelier.
        bars: every bar that was read.
        explanation: sentences that name only what stands in the other fields.
    """

    answer: str
    probabilities: dict[str, float]
    nats: dict[str, float]
    bars: list[BarSurprise]
    explanation: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def judge_tune(creator: Creator, work: bytes, examples: Sequence[Example], *, name: str = "the work") -> TuneJudgement:
    """Judge a MIDI file by examples of composers.

        p(c | tune) = softmax_c(log p(tune | model adapted to c) / T)

    T is what is kept beside the run, `TEMPERATURE` where nothing is: tokens are far from independent, and T = 1 would
    be too sure.

    Args:
        creator: a run of music.
        work: the MIDI file.
        examples: of two or more composers.
        name: of the work, in errors.

    Raises:
        UserError: not a run of music, files that cannot be used, too few or too many composers.
    """
    domain = music_of(creator, fix="Give --run of `metaart train music`.")
    composers = list(dict.fromkeys(example.hand for example in examples))
    if not 2 <= len(composers) <= MAX_COMPOSERS:
        raise UserError(
            expected=f"examples of 2 to {MAX_COMPOSERS} composers",
            got=str(len(composers)),
            fix="Give a folder for each.",
        )
    tune = domain.read([work], [name])["tokens"][:1]
    models = []
    for composer in composers:
        own = [example for example in examples if example.hand == composer]
        models.append(creator.adapt(domain.read([example.data for example in own], [example.name for example in own])))
    nats, heard = token_losses(creator, domain, models, tune)
    means = (nats.sum(-1) / heard.sum(-1))[:, 0]
    calibration = load_calibration(creator.run)
    shots = min(sum(example.hand == composer for example in examples) for composer in composers)
    temperature = calibration.at(shots).temperature if calibration else TEMPERATURE
    shares = (-nats.sum(-1)[:, 0] / temperature).softmax(0)
    order = shares.argsort(descending=True).tolist()
    best = order[0]
    judged = TuneJudgement(
        answer=composers[best],
        probabilities={composers[place]: round(float(shares[place]), 4) for place in order},
        nats={composers[place]: round(float(means[place]), 4) for place in order},
        bars=surprise_by_bar(nats[best, 0], tune[0], domain),
    )
    judged.explanation.extend(_why(judged))
    return judged


@torch.no_grad()
def token_losses(creator: Creator, domain: Music, models: Sequence[Params], tunes: Tensor) -> tuple[Tensor, Tensor]:
    """-log p of every token under every model.

    Args:
        creator: whose learner it is.
        domain: of the run.
        models: adapted weights.
        tunes: (tunes, time) int64, padded.

    Returns:
        Nats, (models, tunes, time - 1), 0 at padding; and 1 where tokens are, 0 at padding, of the same shape.
    """
    found = []
    for model in models:
        logits, _ = creator.predict(model)(tunes[:, :-1])
        found.append(token_nll(logits, tunes, domain.vocabulary.pad))
    return torch.stack([nats for nats, _ in found]), torch.stack([heard for _, heard in found])


def surprise_by_bar(nats: Tensor, tokens: Tensor, domain: Music) -> list[BarSurprise]:
    """Mean nats of the tokens of each bar.

    Args:
        nats: of the tokens after the first, (time - 1,).
        tokens: (time,), padded.
        domain: of the run, for its vocabulary.
    """
    bars = (tokens == domain.vocabulary.bar).cumsum(0)[1:]
    heard = tokens[1:] != domain.vocabulary.pad
    return [
        BarSurprise(bar, round(float(nats[heard & (bars == bar)].mean()), 4))
        for bar in range(1, int(bars[heard].max()) + 1)
        if bool((heard & (bars == bar)).any())
    ]


def _why(judged: TuneJudgement) -> list[str]:
    ordered = list(judged.nats)
    ahead = judged.nats[ordered[1]] - judged.nats[ordered[0]]
    worst = sorted(judged.bars, key=lambda bar: -bar.nats)[:MOST_SURPRISING]
    return [
        f"Likeliest under the model adapted to {ordered[0]}: {judged.nats[ordered[0]]:.3f} nats per token, "
        f"{ahead:.3f} ahead of {ordered[1]}.",
        "Its most surprising bars: " + ", ".join(f"{bar.bar} ({bar.nats:.2f} nats per token)" for bar in worst) + ".",
    ]
