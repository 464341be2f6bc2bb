"""What `metaart list` prints."""

import pytest

from metaart.algorithms import ALGORITHMS
from metaart.cli import main
from metaart.data import SOURCES
from metaart.domains import DOMAINS
from metaart.recipes import RECIPES


@pytest.fixture
def paragraphs(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert main(["list"]) == 0
    found = capsys.readouterr().out.strip().split("\n\n")
    return {paragraph.partition(":")[0].lower(): paragraph for paragraph in found}


def test_every_registered_thing_is_listed(paragraphs: dict[str, str]) -> None:
    assert list(paragraphs) == list(DOMAINS)
    everything = "\n".join(paragraphs.values())
    assert all(f" {name}: " in everything for name in RECIPES)
    assert all(name in everything for name in ALGORITHMS)
    assert all(f"{kind} ({', '.join(sources)})" in everything for kind, sources in SOURCES.items() if kind in used())


def used() -> set[str]:
    return {kind for entry in DOMAINS.values() for kind in entry.works}


def test_every_kind_of_works_can_be_prepared() -> None:
    assert used() <= set(SOURCES)


def test_an_art_lists_only_the_algorithms_that_it_can_have(paragraphs: dict[str, str]) -> None:
    assert "protonet" in paragraphs["critique"]
    assert "protonet" not in paragraphs["sinusoid"]
    assert "maml" in paragraphs["sinusoid"]
