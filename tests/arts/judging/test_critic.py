"""What a run makes of works, and where the evidence lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from metaart.arts import load
from metaart.arts.judging.critic import Critic, Impression, background, heat_map
from metaart.arts.judging.heat import heat_picture
from metaart.config import override
from metaart.domains.viewing.gallery import ink
from metaart.errors import UserError
from metaart.recipes import recipe
from tests.arts.judging.examples import OF_HANDS
from tests.conftest import TINY_CRITIQUE, trained
from tests.formats.pictures.drawings import drawing


def test_a_critic_is_of_pictures_and_of_the_art_that_is_wanted(
    tiny_run: Path, critique_run: Path, rating_run: Path
) -> None:
    with pytest.raises(UserError, match="a run of critique"):
        Critic(load(tiny_run))
    with pytest.raises(UserError, match=r"a run of rating; got .* a run of critique"):
        Critic(load(critique_run), "rating")
    for folder in (critique_run, rating_run):
        assert Critic(load(folder)).coverage is None


def test_what_moves_is_seen_from_the_algorithm(critique_run: Path, drawings_data: Path, tmp_path: Path) -> None:
    """And it is so: where the head alone moves, features before and after adaptation are the same."""
    settings = [f"data={drawings_data}", *TINY_CRITIQUE, "meta.episode.ways=3", "algorithm=maml", "meta.steps=1"]
    trained(override(recipe("critique"), settings))(tmp_path / "maml")
    for folder, still in ((critique_run, True), (tmp_path / "maml", False)):
        critic = Critic(load(folder))
        assert critic.moves_head_alone is still
        support, _ = critic.run.support(OF_HANDS)
        before, after = critic.run.theta(), critic.run.adapted(support.examples)
        works = critic.domain.input_of(ink([drawing(1, 9), drawing(2, 9)]))
        same = [torch.equal(critic.run.predict(before)(works, False), critic.run.predict(after)(works, False))]
        assert same == [still]


def test_features_that_are_there_already_give_the_same_answers(critique_run: Path) -> None:
    critic = Critic(load(critique_run))
    support, _ = critic.run.support(OF_HANDS)
    works = critic.domain.input_of(ink([drawing(hand, 9) for hand in range(3)]))
    one = critic.impression(critic.run.adapted(support.examples), support.examples, works)
    other = critic.impression_of_features(
        critic.features(support.examples["pictures"]), support.examples["labels"], critic.features(works)
    )
    torch.testing.assert_close(one.answers, other.answers, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(one.features, other.features)
    torch.testing.assert_close(one.examples, other.examples)


def test_the_nearest_examples_by_hand() -> None:
    """Examples at 0, 3 and 9 on a line: 3, 6 and 9 apart, 6 on average. A work at 4 is 1, 4 and 5 away."""
    seen = Impression(torch.zeros(1, 2), torch.tensor([[4.0]]), torch.tensor([[0.0], [3.0], [9.0]]))
    indices, distances = seen.nearest()
    assert indices.tolist() == [[1, 0, 2]]
    torch.testing.assert_close(distances, torch.tensor([[1 / 6, 4 / 6, 5 / 6]]))
    alone = Impression(torch.zeros(1, 2), torch.tensor([[4.0]]), torch.tensor([[1.0]]))
    assert alone.nearest()[1].tolist() == [[3.0]]


def test_the_background_is_the_border() -> None:
    inside = torch.zeros(3, 8, 8)
    inside[:, 2:6, 2:6] = 1
    inside[0] += 0.5
    assert background(inside).tolist() == [0.5, 0, 0]


def test_evidence_lies_where_the_ink_is_that_is_asked_for() -> None:
    picture = torch.zeros(3, 32, 32)
    picture[:, 4:8, 4:8] = 1
    found = heat_map(lambda pictures: pictures[:, :, 4:8, 4:8].sum((1, 2, 3)), picture)
    assert found.shape == (32, 32)
    row, column = divmod(int(found.argmax()), 32)
    assert 2 <= row <= 9
    assert 2 <= column <= 9
    assert found[20:, 20:].abs().max() == 0


def test_evidence_is_asked_of_what_the_learner_answers(critique_run: Path) -> None:
    critic = Critic(load(critique_run))
    params = critic.run.theta()
    pictures = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    found = critic.evidence(params, lambda answers: answers[:, 1])(pictures)
    torch.testing.assert_close(found, critic.run.predict(params)(pictures)[:, 1].detach())


def test_a_heat_map_is_red_for_and_blue_against() -> None:
    heat = np.zeros((16, 16), np.float32)
    heat[:8, :8], heat[8:, 8:] = 1, -1
    drawn = heat_picture(np.full((16, 16, 3), 255, np.uint8), heat, side=64).astype(int)
    assert drawn[12, 12, 0] > drawn[12, 12, 2] + 50
    assert drawn[52, 52, 2] > drawn[52, 52, 0] + 50
    assert drawn[12, 52].tolist() == [255, 255, 255]
    assert (heat_picture(np.zeros((16, 16, 3), np.uint8), heat * 0) == 110).all()
