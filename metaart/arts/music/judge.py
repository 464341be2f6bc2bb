"""Judge a tune by how likely it is under models adapted to each composer, and how surprising each bar is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from torch import Tensor

from metaart.artists.art import Made, Request
from metaart.artists.artist import Artist
from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.arts.judging.confidence import load_calibration
from metaart.arts.music import MAX_COMPOSERS
from metaart.arts.music.adapt import music_of, read
from metaart.errors import UserError
from metaart.sequences.likelihood import surprise_by_segment, token_losses
from metaart.sequences.windows import window

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

    def words(self) -> str:
        """For the command line."""
        shares = [f"  {name}: {share:.2f}" for name, share in self.probabilities.items()]
        return "\n".join([self.answer, *shares, *self.explanation])

    def json(self) -> bytes:
        """As a file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode()


def judge(run: Run, requests: Sequence[Request]) -> list[Made]:
    """A judgement of each request's work by its artists, one for each composer, as JSON.

    Raises:
        UserError: a work that cannot be used, too few or too many composers.
    """
    made = []
    for request in requests:
        judged = judge_tune(run, request.files["work"], request.artists)
        made.append(Made(judged.json(), judged.words()))
    return made


def judge_tune(run: Run, work: Work, composers: Sequence[Artist]) -> TuneJudgement:
    """Judge a MIDI file by what was learned of composers.

        p(c | tune) = softmax_c(log p(tune | model adapted to c) / T)

    T is what is kept beside the run, `TEMPERATURE` where nothing is: tokens are far from independent, and T = 1 would
    be too sure.

    Args:
        run: of music.
        work: the MIDI file.
        composers: artists of the run, two or more, named as they are to be called.

    Raises:
        UserError: not a run of music, a file that cannot be used, too few or too many composers.
    """
    domain = music_of(run)
    if not 2 <= len(composers) <= MAX_COMPOSERS:
        raise UserError(
            expected=f"examples of 2 to {MAX_COMPOSERS} composers",
            got=str(len(composers)),
            fix="Give a folder for each.",
        )
    # The window that the run was trained on: beyond it a learner was never asked how likely anything is.
    tune = window([read(domain, work)], domain.config.max_tokens)
    vocabulary = domain.vocabulary
    nats, counted = token_losses([run.predict(run.params(composer)) for composer in composers], tune, vocabulary.pad)
    nats, counted = nats[:, 0], counted[:, 0]
    # Sums over the whole tune are evidence; means are what is shown, since they compare tunes of any length.
    shares = (-nats.sum(-1) / _temperature(run, composers)).softmax(0)
    means = nats.sum(-1) / counted.sum(-1)
    order = shares.argsort(descending=True).tolist()
    bars = surprise_by_segment(nats[order[0]], tune[0], vocabulary.bar, vocabulary.pad)
    judged = TuneJudgement(
        answer=composers[order[0]].name,
        probabilities=_rounded(composers, shares, order),
        nats=_rounded(composers, means, order),
        bars=[BarSurprise(bar.segment, round(bar.nats, 4)) for bar in bars],
    )
    judged.explanation.extend(_why(judged))
    return judged


def _temperature(run: Run, composers: Sequence[Artist]) -> float:
    """What validation found for as many examples as the composer has of whom there are fewest."""
    calibration = load_calibration(run.folder)
    return calibration.at(min(one.num_works for one in composers)).temperature if calibration else TEMPERATURE


def _rounded(composers: Sequence[Artist], values: Tensor, order: Sequence[int]) -> dict[str, float]:
    return {composers[index].name: round(float(values[index]), 4) for index in order}


def _why(judged: TuneJudgement) -> list[str]:
    ordered = list(judged.nats)
    ahead = judged.nats[ordered[1]] - judged.nats[ordered[0]]
    worst = sorted(judged.bars, key=lambda bar: -bar.nats)[:MOST_SURPRISING]
    return [
        f"Likeliest under the model adapted to {ordered[0]}: {judged.nats[ordered[0]]:.3f} nats per token, "
        f"{ahead:.3f} ahead of {ordered[1]}.",
        "Its most surprising bars: " + ", ".join(f"{bar.bar} ({bar.nats:.2f} nats per token)" for bar in worst) + ".",
    ]
