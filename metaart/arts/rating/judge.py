"""Rate a picture as a curator would, and say why in terms of what was computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from metaart.artists.art import Made, Request
from metaart.artists.run import Run
from metaart.arts.judging.critic import Critic
from metaart.arts.judging.example_sets import read_frame, works_of
from metaart.arts.judging.judgement import (
    Judgement,
    made_of,
    nearest_examples,
    quality_sentences,
    usual_qualities,
)
from metaart.arts.rating.adapt import SCORES
from metaart.domains.rating.scale import HIGHEST, LOWEST, score_of
from metaart.domains.viewing.gallery import ink
from metaart.domains.viewing.qualities import described


def judge(run: Run, requests: Sequence[Request]) -> list[Made]:
    """What each request's work would be rated by the curator whose scores its artist was adapted to.

    Raises:
        UserError: a work that cannot be used, or an artist whose file is incomplete.
    """
    critic = Critic(run)
    return [_made(critic, request) for request in requests]


def _made(critic: Critic, request: Request) -> Made:
    artist, domain = request.artist, critic.domain
    works, scores = works_of(artist), artist.notes[SCORES]
    own = read_frame(domain, request.files["work"])
    params = critic.run.params(artist)
    seen = critic.impression(params, works.examples, domain.input_of(ink([own])))
    # Nothing lies beyond the ends of the scale, so the interval is cut off there and covers no less.
    score, bound = float(score_of(seen.answers)[0]), critic.confidence(shots=len(scores)).score_bound
    judgement = Judgement(
        answer=round(score, 2),
        probabilities={},
        plausible=[],
        strangeness=None,
        interval=(round(max(LOWEST, score - bound), 2), round(min(HIGHEST, score + bound), 2)),
        coverage=critic.coverage,
        nearest=nearest_examples(seen, works.names, scores),
        qualities=described(own),
        usual=usual_qualities(works.frames),
        explanation=[],
    )
    judgement = replace(judgement, explanation=_why(judgement))
    return made_of(judgement, request, critic.evidence(params, _strength), own)


def _strength(answers: Tensor) -> Tensor:
    """The score itself says how strongly a picture speaks for a high one."""
    return answers[:, 0]


def _why(judgement: Judgement) -> list[str]:
    sentences = [f"Score {judgement.answer:.1f} of {HIGHEST:g}."]
    if judgement.coverage is not None and judgement.interval is not None:
        low, high = judgement.interval
        sentences.append(
            f"From {low:.1f} to {high:.1f} with a coverage of {judgement.coverage:.0%} on validation curators."
        )
    near = judgement.nearest[0]
    sentences.append(
        f"Nearest example: {near.name}, rated {near.verdict:g}, at {near.distance:.2f} of the mean distance."
    )
    return sentences + quality_sentences(judgement.qualities, judgement.usual, "the rated examples")
