"""Critique from files to files: pictures by a run of critique, tunes by a run of music."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from metaart.artists.run import Creator, shipped_run
from metaart.arts.critique.judge import Judgement, judge
from metaart.arts.judging.critic import Critic
from metaart.arts.judging.examples import examples_of_hands, rated_examples
from metaart.arts.music.judge import TuneJudgement, judge_tune
from metaart.domains import art_of
from metaart.errors import UserError
from metaart.files import read_file, write_file
from metaart.training.run import load_config

PICTURES, TUNES = (".png", ".jpg", ".jpeg", ".webp"), (".mid", ".midi")


def create_critique(
    work: Path,
    *,
    run: Path | None = None,
    examples_from: Path | None = None,
    ratings: Path | None = None,
    heat_map: Path | None = None,
    json_file: Path | None = None,
) -> str:
    """Judge a file by examples, write what is asked for, and say what came out.

    Raises:
        UserError: files that cannot be used, or a run that does not answer this question.
    """
    run = shipped_run("critique") if run is None else run
    if art_of(load_config(run)[0].domain) == "music":
        if examples_from is None or heat_map is not None:
            raise UserError(
                expected="--examples-from for a run of music, and no --heat-map",
                got="--heat-map" if heat_map else "--ratings",
                fix="Give a folder with one sub-folder of MIDI files for each composer.",
            )
        tune = judge_tune(Creator(run), read_file(work), examples_of_hands(examples_from, TUNES, "MIDI files"),
                          name=str(work))  # fmt: skip
        return _written(tune, json_file, None)
    critic = Critic(run)
    if critic.domain.rates == (ratings is None):
        wanted, other = ("--ratings", "critique") if critic.domain.rates else ("--examples-from", "rating")
        raise UserError(
            expected=f"{wanted} for {run}, which answers a question of {critic.domain.config.question}",
            got="--examples-from" if ratings is None else "--ratings",
            fix=f"Give {wanted}, or a run of `metaart train {other}`.",
        )
    if ratings is not None:
        examples = rated_examples(ratings)
    else:
        assert examples_from is not None
        examples = examples_of_hands(examples_from, PICTURES, "pictures")
    judged = judge(critic, read_file(work, "a picture"), examples, name=str(work), heat_map=heat_map is not None)
    return _written(judged, json_file, heat_map)


def _written(judged: Judgement | TuneJudgement, json_file: Path | None, heat_map: Path | None) -> str:
    said = [str(judged.answer) if isinstance(judged.answer, str) else f"{judged.answer:.1f}"]
    said += [f"  {name}: {share:.2f}" for name, share in judged.probabilities.items()]
    if isinstance(judged, Judgement) and judged.coverage is None:
        said.append("(not calibrated: run `metaart evaluate` on the run first)")
    said += judged.explanation
    if json_file is not None:
        plain: dict[str, Any] = judged.plain()
        write_file(json_file, json.dumps(plain, indent=1, ensure_ascii=False).encode())
        said.append(f"written: {json_file}")
    if heat_map is not None and isinstance(judged, Judgement) and judged.heat_map is not None:
        write_file(heat_map, judged.heat_map)
        said.append(f"written: {heat_map} (red speaks for the answer, blue against it)")
    return "\n".join(said)
