"""Say whose hand a picture is, and why in terms of what was computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor

from metaart.artists.art import Made, Request
from metaart.artists.run import Run
from metaart.arts.critique.adapt import HANDS, LABELS
from metaart.arts.judging.confidence import strangeness
from metaart.arts.judging.critic import Critic
from metaart.arts.judging.example_sets import read_frame, works_of
from metaart.arts.judging.judgement import (
    NONE,
    Judgement,
    made_of,
    nearest_examples,
    quality_sentences,
    usual_qualities,
)
from metaart.domains.viewing.gallery import ink
from metaart.domains.viewing.qualities import described
from metaart.functional.evidence import log_odds


def judge(run: Run, requests: Sequence[Request]) -> list[Made]:
    """Whose hand each request's work is, of those that its artist was adapted to.

    Raises:
        UserError: a work that cannot be used, or an artist whose file is incomplete.
    """
    critic = Critic(run)
    return [_made(critic, request) for request in requests]


def _made(critic: Critic, request: Request) -> Made:
    artist, domain = request.artist, critic.domain
    works, hands, labels = works_of(artist), artist.notes[HANDS], artist.beside[LABELS]
    own = read_frame(domain, request.files["work"])
    params = critic.run.params(artist)
    seen = critic.impression(params, works.examples, domain.input_of(ink([own])))
    # The hand with the fewest examples is the one that is known least, and decides.
    confidence = critic.confidence(shots=int(labels.bincount(minlength=len(hands)).min()), ways=len(hands))
    # The last layer has room for more hands than there are: only the first are somebody's.
    shares = (seen.answers[0, : len(hands)] / confidence.temperature).softmax(0)
    order = shares.argsort(descending=True).tolist()
    best = order[0]
    strange = float(strangeness(seen.features, seen.examples, labels)[0])
    judgement = Judgement(
        answer=NONE if strange > confidence.strange_bound else hands[best],
        probabilities={hands[label]: round(float(shares[label]), 4) for label in order},
        # The rule of `functional.calibration.answer_sets`, by which the bound was made.
        plausible=[hands[label] for label in order if 1 - float(shares[label]) <= confidence.set_bound],
        strangeness=round(strange, 3),
        interval=None,
        coverage=critic.coverage,
        nearest=nearest_examples(seen, works.names, [hands[label] for label in labels.tolist()]),
        qualities=described(own),
        usual=usual_qualities(works.frames[(labels == best).numpy()]),
        explanation=[],
    )
    judgement = replace(judgement, explanation=_why(judgement, hands[best]))
    evidence = critic.evidence(params, partial(_strength, hands=len(hands), label=best))
    return made_of(judgement, request, evidence, own)


def _strength(answers: Tensor, hands: int, label: int) -> Tensor:
    return log_odds(answers[:, :hands], label)


def _why(judgement: Judgement, likeliest: str) -> list[str]:
    share, near = judgement.probabilities[likeliest], judgement.nearest[0]
    sentences = [
        f"Of the {len(judgement.probabilities)} hands, {likeliest} is the likeliest, with a probability of {share:.2f}."
    ]
    if judgement.coverage is not None:
        sentences.append(f"Not ruled out at {judgement.coverage:.0%}: {', '.join(judgement.plausible) or 'no hand'}.")
    if judgement.answer == NONE:
        sentences.append(
            f"But it lies {judgement.strangeness:.2f} times as far from the nearest hand as the hands lie from each "
            "other, further than works by one of them do: it is called none of these."
        )
    sentences.append(f"Nearest example: {near.name} ({near.verdict}), at {near.distance:.2f} of the mean distance.")
    return sentences + quality_sentences(judgement.qualities, judgement.usual, f"the examples of {likeliest}")
