"""What a job is told, and what is sent along."""

from __future__ import annotations

import shlex
import subprocess
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import metaart
from cluster import jobs, submit
from cluster.storage import Storage
from metaart.config import override, to_json
from metaart.errors import UserError
from metaart.recipes import recipe

ROOT = Path(__file__).resolve().parents[2]


def test_training_runs_on_its_storage() -> None:
    line = submit.command("train", "music", "s3://bucket/runs/a", ["--workers", "1..4", "--set", "meta.steps=5"])
    assert shlex.split(line) == ["python", "-m", "cluster.train", "music", "--workers", "1..4", "--set", "meta.steps=5",
                                 "--storage", "s3://bucket/runs/a"]  # fmt: skip


def test_words_are_quoted_for_the_shell() -> None:
    line = submit.command("evaluate", "x", "file:///a b/$(date)", ["--rival", "a=`id`"])
    assert shlex.split(line)[3:5] == ["file:///a b/$(date)", "--"]
    assert "'a=`id`'" in line


def test_a_sweep_is_on_its_storage_too_and_an_evaluation_has_a_folder_that_is_kept() -> None:
    assert submit.command("tune", "music", "s3://b/x", ["--trials", "4"]) == (
        "python -m tune.search music --trials 4 --storage s3://b/x"
    )
    assert submit.command("evaluate", "s3://b/x", "s3://b/x", ["--episodes", "9"]) == (
        "python -m cluster.mirror s3://b/x -- python -m metaart.cli evaluate '{folder}' --episodes 9"
    )


@pytest.mark.parametrize(
    ("kind", "what", "rest"),
    [
        ("train", "nonsense", []),
        ("train", "music", ["--set", "meta.stepz=4"]),
        ("train", "music", ["--workers", "4..1"]),
        ("train", "music", ["--workers", "two"]),
        ("train", "sinusoid", ["--workers", "26"]),  # of 25 tasks
        ("train", "no-such-file.json", []),
        ("train", "music", ["--out", "x"]),
        ("train", "music", ["--recipe-file=best.json"]),
        ("tune", "music", ["--dry-run"]),
        ("evaluate", "s3://b/x", ["--out", "x"]),
    ],
)
def test_what_the_command_would_refuse_is_refused_before_it_is_sent(kind: str, what: str, rest: list[str]) -> None:
    with pytest.raises(UserError):
        submit.command(kind, what, "s3://b/x", rest)


def test_what_a_sweep_would_refuse_is_said_in_its_words() -> None:
    with pytest.raises(submit.Refused, match=r"loguniform\(1,0\.1\)"):
        submit.command("tune", "sinusoid", "s3://b/x", ["--space", "alpha=loguniform(1,0.1)"])


def test_options_of_no_evaluation_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        submit.command("evaluate", "s3://b/x", "s3://b/x", ["--bogus"])
    assert end.value.code == 2
    assert "--bogus" in capsys.readouterr().err


def test_a_recipe_file_is_sent_as_settings(tmp_path: Path) -> None:
    config = override(recipe("sinusoid"), ["algorithm.alpha=0.03", "algorithm.query_loss_at=[1]", "meta.steps=7"])
    (tmp_path / "best.json").write_text(to_json(config))
    words = shlex.split(submit.command("train", str(tmp_path / "best.json"), "s3://b/x", ["--workers", "1"]))
    assert words[3] == "sinusoid"
    settings = [word.removeprefix("--set=") for word in words if word.startswith("--set=")]
    assert len(settings) == 3
    assert override(recipe("sinusoid"), settings) == config


def test_two_jobs_never_write_one_run() -> None:
    running = SimpleNamespace(
        submission_id="a", metadata={"run": "s3://b/a"}, status=SimpleNamespace(is_terminal=lambda: False)
    )
    submit._refuse_busy("s3://b/c", [running])
    with pytest.raises(UserError, match="which a writes"):
        submit._refuse_busy("s3://b/a", [running])
    running.status.is_terminal = lambda: True
    submit._refuse_busy("s3://b/a", [running])


def test_bad_input_is_said_in_one_paragraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # put back afterwards
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    storage = ["--storage", f"file://{tmp_path}"]
    cases = {
        ("train", "music"): "--storage",
        ("train", "music", *storage, "--name", "../x"): "without /",
        ("train", "music", "--storage", "runs"): "file://",
        ("evaluate", f"file://{tmp_path}/none"): "config.json",
        ("train", "music", *storage): "a token",
    }
    for words, reason in cases.items():
        assert submit.main(words) == 2, words
        error = capsys.readouterr().err
        assert reason in error, words
        assert "\n\n" not in error
    (tmp_path / "token").write_text("x" * 64)
    (tmp_path / "token").chmod(0o600)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    for address in ("http://127.0.0.1:1", "ray://x", "nonsense"):
        assert submit.main(["train", "music", *storage, "--address", address]) == 2
        assert address in capsys.readouterr().err


def test_data_runs_tests_and_caches_stay_here(tmp_path: Path) -> None:
    from ray._private.runtime_env.packaging import create_package

    root = tmp_path / "checkout"
    listed = ["cluster/submit.py", "metaart/data/sampler.py", "metaart/models/music/weights.safetensors",
              "data/music/metadata.json", "runs/music/weights.safetensors", "demo/new.mid", "tests/test_tasks.py",
              ".git/config", ".venv/bin/python", "metaart/__pycache__/x.pyc", ".mypy_cache/x", ".hypothesis/x",
              "metaart.egg-info/PKG-INFO", "tune/search.py"]  # fmt: skip
    for name in listed:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    create_package(str(root), tmp_path / "sent.zip", include_gitignore=True, excludes=submit.EXCLUDED)
    with zipfile.ZipFile(tmp_path / "sent.zip") as sent:
        names = {name for name in sent.namelist() if not name.endswith("/")}
    assert names == {"cluster/submit.py", "metaart/data/sampler.py", "metaart/models/music/weights.safetensors",
                     "tune/search.py"}  # fmt: skip


def test_version_and_commit_are_recorded(tmp_path: Path) -> None:
    assert submit.provenance(tmp_path) == {"version": metaart.__version__}
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "file").write_text("x")
    for words in (["init", "-q"], ["add", "file"], ["commit", "-q", "-m", "One"]):
        subprocess.run([*git, *words], check=True)
    origin = submit.provenance(tmp_path)
    assert origin["dirty"] == "false"
    assert len(origin["commit"]) == 40
    (tmp_path / "file").write_text("y")
    assert submit.provenance(tmp_path) == {**origin, "dirty": "true"}


def test_a_job_of_the_same_name_is_numbered() -> None:
    assert submit._unused("a", []) == "a"
    assert submit._unused("a", ["a", "a-2"]) == "a-3"


def job(name: str | None, **metadata: object) -> SimpleNamespace:
    status = SimpleNamespace(value="SUCCEEDED")
    return SimpleNamespace(submission_id=name, status=status, start_time=1_700_000_000_000, metadata=metadata or None)


def test_jobs_are_listed_with_what_they_are_made_of() -> None:
    metadata = {
        "command": "train",
        "what": "music",
        "version": "0.1.0",
        "commit": "c" * 40,
        "dirty": "true",
        "run": "s3://r",
    }
    lines = jobs.table([job("music-1", **metadata), job(None), job("of-another-program")]).splitlines()
    assert len(lines) == 3
    assert lines[1].split() == [
        "music-1", "SUCCEEDED", "2023-11-14", "22:13", "train", "music", "0.1.0", "cccccccccc", "dirty", "s3://r"
    ]  # fmt: skip


def test_a_run_is_fetched_by_its_url(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = Storage(f"file://{tmp_path}/kept")
    assert jobs.main(["fetch", storage.url, "--out", str(tmp_path / "out")]) == 2
    storage.write("config.json", b"{}")
    assert jobs.main(["fetch", storage.url, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "config.json").read_text() == "{}"
    assert jobs.main(["fetch", storage.url, "--out", str(tmp_path / "out")]) == 2
    assert "new or empty folder" in capsys.readouterr().err


def test_a_run_that_breaks_off_leaves_no_half_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(f"file://{tmp_path}/kept")
    for name in ("config.json", "weights.safetensors"):
        storage.write(name, b"{}")
    get = Storage.get

    def break_off(self: Storage, name: str, local: Path) -> None:
        if name.startswith("weights"):
            raise OSError("the network is gone")
        get(self, name, local)

    monkeypatch.setattr(Storage, "get", break_off)
    assert jobs.main(["fetch", storage.url, "--out", str(tmp_path / "out")]) == 2
    assert "the network is gone" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_head_that_is_silent_for_a_while_is_asked_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [ConnectionError("gone"), "RUNNING", ConnectionError("gone"), "SUCCEEDED"]

    def info(name: str) -> SimpleNamespace:
        answer = answers.pop(0) if answers else ConnectionError("gone")
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(
            status=SimpleNamespace(value=answer, is_terminal=lambda: answer == "SUCCEEDED"), message=""
        )

    monkeypatch.setattr(jobs.time, "sleep", lambda _: None)
    client: Any = SimpleNamespace(get_job_info=info)
    assert jobs.wait(client, "a") == 0
    monkeypatch.setattr(jobs, "SILENT_S", 0.0)
    with pytest.raises(UserError, match="job server to answer"):
        jobs.wait(client, "a")
