"""What is learned of music: the loss, what it is counted in, what a run keeps beside its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from metaart.domains.music.domain import MusicConfig, MusicDomain
from metaart.domains.music.new_hands import NewTunes
from metaart.errors import UserError

CONFIG = MusicConfig(max_tokens=48, embedding_size=4, hidden_size=5, middle_share=0.0)


def test_the_loss_is_the_cross_entropy_of_the_next_token() -> None:
    domain = MusicDomain(CONFIG)
    learner, tokens = domain.learner(), torch.randint(0, domain.vocabulary.size, (3, 20))
    logits, _ = learner(tokens[:, :-1])
    peer = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=domain.vocabulary.pad)
    torch.testing.assert_close(domain.loss(learner, {"tokens": tokens}), peer)


def test_units_are_tokens_and_targets_those_that_are_predicted() -> None:
    domain = MusicDomain(CONFIG)
    pad = domain.vocabulary.pad
    examples = {"tokens": torch.tensor([[1, 8, 9, 10, 8, 11, 8, 12, 13], [1, 8, 9, pad, pad, pad, pad, pad, pad]])}
    assert (domain.units(examples), domain.targets(examples)) == (12, 10)


def test_a_run_keeps_the_tokenizer_and_refuses_one_of_other_tokens(tmp_path: Path) -> None:
    domain = MusicDomain(CONFIG)
    ((name, data),) = domain.assets().items()
    path = tmp_path / name
    path.write_bytes(data)
    domain.check_asset(path)
    for damaged in (data[: len(data) // 2], b"", b"{}", data.replace(b"108", b"107")):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"tokenizer\.json"):
            domain.check_asset(path)
    newer = data.replace(b'"symusic_version": "', b'"symusic_version": "9.')
    assert newer != data
    path.write_bytes(newer)
    domain.check_asset(path)  # the same tokens, by another version
    path.unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        domain.check_asset(path)


def test_the_tokenizer_is_as_miditok_writes_it(tmp_path: Path) -> None:
    domain = MusicDomain(CONFIG)
    domain.tokenizer.save(tmp_path / "by_miditok.json")
    assert domain.assets()["tokenizer.json"] == (tmp_path / "by_miditok.json").read_bytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"max_tokens": 15}, {"hidden_size": 0}, {"embedding_size": -1}, {"num_layers": 0}, {"middle_share": 1.1},
        {"middle_share": -0.1}, {"max_tokens": 16.5},
    ],
)  # fmt: skip
def test_sizes_that_cannot_be_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(UserError) as caught:
        MusicConfig(**settings)
    assert f"--set domain.{next(iter(settings))}=" in caught.value.fix


def test_shares_of_new_hands_are_shares() -> None:
    for share in (-0.1, 1.1):
        with pytest.raises(UserError, match="plain_share") as caught:
            NewTunes(plain_share=share)
        assert "--set domain.new_hands.plain_share=" in caught.value.fix
