"""What the service can be told."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from metaart.arts.music.compose import ComposeRequest
from metaart.cli import main
from metaart.errors import UserError
from serve.app import OFF, autoscaling, build, deployed, served
from serve.arts import ARTS
from serve.arts.music import OPTIONS
from serve.arts.style import OPTIONS as STYLE_OPTIONS
from serve.settings import Settings, settings_from

DOCUMENT = Path(__file__).parents[2] / "docs" / "serving.md"


def test_arguments_of_the_command_line_are_words() -> None:
    settings = settings_from({"music": "runs/music", "max_replicas": "4", "batch_wait_s": "0.5"})
    assert settings == Settings(music="runs/music", max_replicas=4, batch_wait_s=0.5)


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        ({"rum": "x"}, "rum=x"),
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


def test_replicas_follow_full_batches() -> None:
    config = autoscaling(Settings(min_replicas=2, max_replicas=5), 6)
    assert (config.min_replicas, config.max_replicas, config.target_ongoing_requests) == (2, 5, 6)


@pytest.mark.parametrize(("art", "batch_size"), [("music", 6), ("style", 1), ("critique", 1), ("rating", 1)])
def test_what_is_computed_one_by_one_is_no_batch(art: str, batch_size: int) -> None:
    deployment = deployed(art, None, Settings(batch_size=6, timeout_s=50))._bound_deployment
    config = deployment._deployment_config
    assert deployment.init_args == (None, art, batch_size, 0.02, 10.02, 60)
    assert config.autoscaling_config.target_ongoing_requests == batch_size
    assert config.max_ongoing_requests == 2 * batch_size, "what it holds cannot go to another replica any more"


def test_a_damaged_run_is_found_before_anything_is_started(tiny_run: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((tiny_run / name).read_bytes())
    (tmp_path / "weights.safetensors").write_bytes(b"not weights")

    with pytest.raises(click.UsageError, match=r"weights\.safetensors"):
        build({"music": str(tmp_path)})


def test_arts_can_be_left_out_but_not_all(tiny_run: Path) -> None:
    assert served(Settings(music=str(tiny_run)))["music"] == str(tiny_run.resolve())
    assert served(Settings())["music"] is None, "the shipped model"
    with pytest.raises(UserError, match="at least one art"):
        served(Settings(**dict.fromkeys(ARTS, OFF)))


def test_a_run_is_served_as_the_art_that_it_is_of(tiny_run: Path) -> None:
    runs = served(Settings(run=str(tiny_run)))
    assert runs["music"] == str(tiny_run.resolve())
    assert runs["critique"] is None, "the other arts as ever"
    with pytest.raises(UserError, match="one run of music"):
        served(Settings(run=str(tiny_run), music=OFF))


def test_a_run_of_another_art_is_refused(tmp_path: Path) -> None:
    waves = str(tmp_path / "waves")
    assert main(["train", "sinusoid", "--out", waves, "--set", "meta.steps=1"]) == 0
    for name in ("music", "run"):
        with pytest.raises(UserError, match="a run of sinusoid"):
            served(Settings.model_validate({name: waves}))


def test_the_file_in_the_document_is_one_that_ray_serve_takes() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S)
    schema = ServeDeploySchema.model_validate(yaml.safe_load(block))
    (application,) = schema.applications
    assert application.import_path == f"{build.__module__}:{build.__name__}"
    assert settings_from(application.args).max_replicas == 4  # type: ignore[arg-type]
    assert schema.http_options.host == "127.0.0.1"


def test_the_document_lists_every_setting_and_option_with_its_default() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.M))
    defaults = {name: str(field.default) for name, field in Settings.model_fields.items() if field.default is not None}
    wish = ComposeRequest()
    options = {name: "as trained" if name == "steps" else str(getattr(wish, name)) for name in OPTIONS}

    assert {*Settings.model_fields, *STYLE_OPTIONS} <= {*rows}
    assert text.count("| `steps` |") == 2, "of music and of style"
    assert {name: rows[name] for name in [*defaults, *options]} == {**defaults, **options}
