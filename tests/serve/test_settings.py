"""What the service can be told."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml
from ray import cloudpickle
from ray.serve.schema import ServeDeploySchema

from metaart.artists.art import Art
from metaart.arts import ARTS
from metaart.cli import main
from metaart.domains import DOMAINS
from metaart.errors import UserError
from serve.app import ServedRun, autoscaling, build, deployed, served
from serve.settings import OFF, Settings, served_arts, settings_from
from tests.serve import letters

DOCUMENT = Path(__file__).parents[2] / "docs" / "serving.md"


def test_arguments_of_the_command_line_are_words() -> None:
    settings = settings_from({"music": "runs/music", "max_replicas": "4", "batch_wait_s": "0.5"})
    assert settings == Settings(runs={"music": "runs/music"}, max_replicas=4, batch_wait_s=0.5)


def test_every_art_that_has_an_address_is_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"critique", "music", "rating", "style"} <= {*served_arts()}
    assert "sinusoid" not in served_arts()
    monkeypatch.setitem(ARTS, "letters", letters.ART)
    assert settings_from({"letters": "runs/letters", "music": None}).runs == {"letters": "runs/letters"}


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        ({"rum": "x"}, "rum=x"),
        ({"runs": {"music": "x"}}, "runs={"),
        ({"sinusoid": "x"}, "sinusoid=x"),
        ({"music": 5}, "music=5"),
        ({"max_replicas": "two"}, "max_replicas=two"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"timeout_s": -1}, "timeout_s=-1"),
        ({"min_replicas": 3, "max_replicas": 2}, "2 and 3"),
    ],
)
def test_arguments_that_make_no_sense(arguments: dict[str, object], got: str) -> None:
    with pytest.raises(UserError) as caught:
        settings_from(arguments)
    assert caught.value.got.startswith(got)
    assert "critique, music, rating, style" in caught.value.expected or "=x" not in got


def test_replicas_follow_full_batches() -> None:
    config = autoscaling(Settings(min_replicas=2, max_replicas=5), 6)
    assert (config.min_replicas, config.max_replicas, config.target_ongoing_requests) == (2, 5, 6)


@pytest.mark.parametrize(("art", "batch_size"), [("music", 6), ("style", 1), ("critique", 1), ("rating", 1)])
def test_what_is_computed_one_by_one_is_no_batch(art: str, batch_size: int) -> None:
    deployment = deployed(art, None, Settings(batch_size=6, timeout_s=50))._bound_deployment
    config = deployment._deployment_config
    assert deployment.init_args == (ARTS[art], DOMAINS[art], None, batch_size, 0.02, 10.02, 60)
    assert config.autoscaling_config.target_ongoing_requests == batch_size
    assert config.max_ongoing_requests == 2 * batch_size, "what it holds cannot go to another replica any more"


def test_an_art_is_known_to_a_replica_by_the_modules_it_is_in() -> None:
    """What a replica is handed makes its process import them, also where they are no part of the package."""
    for art in (ARTS["music"], letters.ART):
        assert b"tests.serve.letters" in cloudpickle.dumps(letters.ART)
        again: Art = cloudpickle.loads(cloudpickle.dumps(art))
        assert again == art
        assert all(mine.options is other.options for mine, other in zip(again.uses, art.uses, strict=True))
    assert cloudpickle.loads(cloudpickle.dumps(DOMAINS["music"])) == DOMAINS["music"]


def test_a_damaged_run_is_found_before_anything_is_started(tiny_run: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((tiny_run / name).read_bytes())
    (tmp_path / "weights.safetensors").write_bytes(b"not weights")

    with pytest.raises(click.UsageError, match=r"weights\.safetensors"):
        build({"music": str(tmp_path)})


def test_arts_can_be_left_out_but_not_all(tiny_run: Path) -> None:
    assert served(Settings(runs={"music": str(tiny_run)}))["music"] == ServedRun(str(tiny_run.resolve()), tiny_run.name)
    assert served(Settings())["music"] == ServedRun(None, "music"), "the shipped model"
    assert "music" not in served(Settings(runs={"music": OFF}))
    with pytest.raises(UserError, match="at least one art"):
        served(Settings(runs=dict.fromkeys(served_arts(), OFF)))


def test_a_run_is_served_as_the_art_that_it_is_of(tiny_run: Path) -> None:
    runs = served(Settings(run=str(tiny_run)))
    assert runs["music"].folder == str(tiny_run.resolve())
    assert runs["critique"].folder is None, "the other arts as ever"
    with pytest.raises(UserError, match="one run of music"):
        served(Settings(run=str(tiny_run), runs={"music": OFF}))


def test_a_run_of_another_art_is_refused(tmp_path: Path) -> None:
    waves = str(tmp_path / "waves")
    assert main(["train", "sinusoid", "--out", waves, "--set", "meta.steps=1"]) == 0
    for name in ("music", "run"):
        with pytest.raises(UserError, match="a run of sinusoid"):
            served(settings_from({name: waves}))


def test_the_file_in_the_document_is_one_that_ray_serve_takes() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S)
    schema = ServeDeploySchema.model_validate(yaml.safe_load(block))
    (application,) = schema.applications
    assert application.import_path == f"{build.__module__}:{build.__name__}"
    assert settings_from(application.args).max_replicas == 4  # type: ignore[arg-type]
    assert schema.http_options.host == "127.0.0.1"
