import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import symusic

from metaart.cli import main
from metaart.files import only_writer
from metaart.formats.scores.midi import read_midi
from tests.conftest import TINY
from tests.formats.scores.readers import by_mido, by_pretty_midi, by_symusic

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = [[], ["list"], ["data"], ["data", "prepare"], ["data", "show"], ["train"], ["evaluate"], ["create"],
            ["create", "music"]]  # fmt: skip


def metaart(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "metaart.cli", *map(str, arguments)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=280,
    )  # fmt: skip


def settings(values: Sequence[str] = TINY) -> list[str]:
    return [word for value in values for word in ("--set", value)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    words = capsys.readouterr().out
    assert words.startswith("usage: metaart " + " ".join(command))
    assert len(words.splitlines()) > 5


def test_looking_at_data_does_not_wait_for_pytorch(music_data: Path) -> None:
    shows = f"import sys; from metaart.cli import main; main(['data', 'show', {str(music_data)!r}])"
    ended = subprocess.run([sys.executable, "-c", f"{shows}; print('torch' in sys.modules)"], cwd=ROOT,
                           capture_output=True, text=True, check=True)  # fmt: skip
    assert ended.stdout.splitlines()[-1] == "False"


def test_from_files_to_a_new_piece_as_a_user_does_it(
    midi_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def metaart(*arguments: object) -> str:
        """What the command prints."""
        assert main(list(map(str, arguments))) == 0
        return capsys.readouterr().out

    prepared = metaart(
        "data", "prepare", "music", "--source", "folder", "--path", midi_folder, "--workers", 1, "--out", "mine"
    )
    assert "5 groups" in prepared

    assert "meta: 2 steps" in metaart("train", "music", "--data", "mine", "--out", "run", *settings())
    made = {path.name for path in Path("run").iterdir()}
    assert made >= {"config.json", "tokenizer.json", "weights.safetensors", "pooled.safetensors", "metrics.jsonl",
                    "curves.png", "tensorboard"}  # fmt: skip

    evaluated = metaart(
        "evaluate", "run", "--episodes", 4, "--validation-episodes", 2, "--steps", 0, 1, "--out", "judged"
    )
    assert {path.name for path in Path("judged").iterdir()} == {
        "evaluation.json", "evaluation.md", "evaluation.png"
    }  # fmt: skip
    assert "not judged: expected two test hands or more" in evaluated, "the folder has one"
    assert Path("judged/evaluation.md").read_text() in evaluated

    examples = sorted((midi_folder / "composer-1").iterdir())[:5]
    metaart(
        "create", "music", "--run", "run", "--examples", *examples, "--primer", examples[0], "--bars", 40,
        "--seed", 3, "--out", "new.mid", "--picture", "new.png",
    )  # fmt: skip
    assert Path("new.png").read_bytes().startswith(b"\x89PNG")
    midi = Path("new.mid").read_bytes()
    assert by_mido(midi) == by_symusic(midi) == by_pretty_midi(midi) != []


def test_bad_input_ends_with_2_and_one_paragraph_in_a_process_too(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_text("these are words")
    ended = metaart("create", "music", "--run", tiny_run, "--examples", "a.mid", folder=tmp_path)
    assert ended.returncode == 2
    assert_one_paragraph(ended.stderr, "a.mid")


def test_preparing_twice_does_nothing_and_show_lists_the_hands(
    midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare = ["data", "prepare", "music", "--source", "folder", "--path", str(midi_folder), "--workers", "1"]
    assert main([*prepare, "--out", str(tmp_path / "mine")]) == 0
    assert "nothing done" not in capsys.readouterr().out
    assert main([*prepare, "--out", str(tmp_path / "mine")]) == 0
    assert "nothing done" in capsys.readouterr().out
    assert main(["data", "show", str(tmp_path / "mine")]) == 0
    shown = capsys.readouterr().out
    for hand in midi_folder.iterdir():
        assert hand.name in shown


def test_a_run_goes_on_only_when_it_is_told_to(
    music_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ["train", "music", "--data", str(music_data), "--out", str(tmp_path / "run"), *settings()]
    assert main([*train, "--set", "meta.validate_every=0"]) == 0
    weights = (tmp_path / "run" / "weights.safetensors").read_bytes()
    capsys.readouterr()
    assert main([*train, "--set", "meta.validate_every=0"]) == 2
    assert "--resume" in capsys.readouterr().err
    with only_writer(tmp_path / "run"):
        assert main([*train, "--set", "meta.validate_every=0", "--resume"]) == 2
    assert_one_paragraph(capsys.readouterr().err, "which one is writing now")
    assert main([*train, "--set", "meta.validate_every=0", "--resume"]) == 0
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == weights
    capsys.readouterr()
    assert main([*train, "--set", "meta.steps=9", "--resume"]) == 2
    assert_one_paragraph(capsys.readouterr().err, "configuration")


def test_a_run_begins_with_the_pooled_model_of_another(
    tiny_run: Path, music_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = ["--start-from", str(tiny_run), "--set", "algorithm.order=2", "--out", str(tmp_path / "run")]
    assert main(["train", "music", "--data", str(music_data), *settings(), *second]) == 0
    assert "meta: 2 steps" in capsys.readouterr().out
    assert (tmp_path / "run" / "pooled.safetensors").read_bytes() == (tiny_run / "pooled.safetensors").read_bytes()


def test_evaluate_judges_creations_and_keeps_all_of_it(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--episodes", "4", "--validation-episodes", "2", "--steps", "0", "1", "--judge-hands", "2"]
    assert main(["evaluate", str(tiny_run), *few, "--out", str(tmp_path)]) == 0
    words = capsys.readouterr().out
    result = json.loads((tmp_path / "evaluation.json").read_text())
    assert len(result["created"]["rows"]) == 2
    assert (tmp_path / "evaluation.md").read_text() in words
    assert "8-grams" in words
    for name in ("evaluation.png", "created.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_show_prints_the_configuration_and_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "music", "--set", "algorithm.alpha=0.5", "--show", "--out", str(tmp_path / "run")]) == 0
    assert json.loads(capsys.readouterr().out)["algorithm"]["alpha"] == 0.5
    assert not (tmp_path / "run").exists()


def assert_one_paragraph(error: str, *names: str) -> None:
    """What was expected, what came, how to mend it, in one paragraph."""
    last = error.strip().splitlines()[-1]
    assert re.fullmatch(r"metaart: expected .+; got .+\. \S.+", last), error
    assert "Traceback" not in error
    for name in names:
        assert name in last


def header(tracks: int, clock: int, body: bytes) -> bytes:
    return (
        b"MThd" + (6).to_bytes(4, "big") + (1).to_bytes(2, "big") + tracks.to_bytes(2, "big")
        + clock.to_bytes(2, "big") + b"MTrk" + len(body).to_bytes(4, "big") + body
    )  # fmt: skip


ONE_NOTE = b"\x00\x90\x3c\x40\x60\x80\x3c\x40\x00\xff\x2f\x00"
BAD_FILES: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda _: b"Dear sir, this is a letter and no music.",
    "truncated": lambda good: good[: len(good) // 2],
    "empty": lambda _: b"",
    "without-notes": lambda _: header(1, 480, b"\x00\xff\x2f\x00"),
    "of-50-MB": lambda good: good + bytes(50 * 2**20),
    "clock-of-zero": lambda _: header(1, 0, ONE_NOTE),
    "clock-too-coarse": lambda _: header(1, 16, ONE_NOTE),
    "bomb": lambda _: header(1, 24, b"\xff\xff\xff\x7f" + ONE_NOTE[1:]),
    "drums-alone": lambda _: header(1, 480, b"\x00\x99\x24\x40\x60\x89\x24\x40\x00\xff\x2f\x00"),
    "damaged": lambda good: good[:30] + b"\xff\xff\xff\xff\xff" + good[35:],
}


@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize("flag", ["--examples", "--primer"])
def test_a_bad_midi_file_is_named_wherever_it_comes_in(
    kind: str, flag: str, tiny_run: Path, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = sorted((midi_folder / "composer-0").iterdir())[0]
    bad = tmp_path / f"{kind}.mid"
    bad.write_bytes(BAD_FILES[kind](good.read_bytes()))
    examples = [good, bad] if flag == "--examples" else [good]
    primer = ["--primer", str(bad)] if flag == "--primer" else []
    command = ["create", "music", "--run", str(tiny_run), "--examples", *map(str, examples), *primer]
    assert main([*command, "--out", str(tmp_path / "new.mid")]) == 2
    assert_one_paragraph(capsys.readouterr().err, bad.name)
    assert not (tmp_path / "new.mid").exists()


def test_twenty_examples_are_taken_and_twenty_one_are_not(
    tiny_run: Path, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(path) for path in sorted(midi_folder.rglob("*.mid"))[:21]]
    assert len(files) == 21
    command = ["create", "music", "--run", str(tiny_run), "--bars", "1", "--out", str(tmp_path / "new.mid")]
    assert main([*command, "--examples", *files]) == 2
    assert_one_paragraph(capsys.readouterr().err, "1 to 20", "21")
    assert main([*command, "--examples", *files[:20]]) == 0
    assert isinstance(read_midi((tmp_path / "new.mid").read_bytes()), type(symusic.Score(480)))


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["train", "sculpture"], "sculpture"),
        (["train", "music", "--set", "algorithm.aplha=1"], "alpha"),
        (["train", "music", "--set", "nonsense.key=1"], "nonsense.key"),
        (["train", "music", "--set", "algorithm.alpha"], "algorithm.alpha"),
        (["train", "music", "--set", "algorithm.alpha=-0.1"], "-0.1"),
        (["train", "music", "--set", "algorithm.alpha=fast"], "fast"),
        (["train", "music", "--set", "algorithm.order=3"], "3"),
        (["train", "music", "--set", "batching.mode=magic"], "magic"),
        (["train", "music", "--data", "nowhere"], "nowhere"),
        (["data", "show", "nowhere"], "nowhere"),
        (["data", "prepare", "music", "--source", "folder", "--path", "nowhere"], "nowhere"),
        (["data", "prepare", "music", "--source", "folder"], "--path"),
        (["evaluate", "nowhere"], "nowhere"),
        (["create", "music", "--run", "nowhere", "--examples", "GOOD"], "nowhere"),
        (["create", "music", "--run", "RUN", "--examples", "nowhere.mid"], "nowhere.mid"),
        (["create", "music", "--run", "RUN", "--examples", "GOOD", "--bars", "0"], "bars"),
        (["create", "music", "--run", "RUN", "--examples", "GOOD", "--bars", "129"], "129"),
        (["create", "music", "--run", "RUN", "--examples", "GOOD", "--temperature", "0"], "temperature"),
        (["create", "music", "--run", "RUN", "--examples", "GOOD", "--top-p", "1.5"], "top_p"),
        (["create", "music", "--run", "RUN", "--examples", "GOOD", "--steps", "-1"], "steps"),
        (["create", "music", "--run", "RUN", "--examples", "GOOD", "--seed", "-1"], "seed"),
        (["evaluate", "RUN", "--episodes", "1"], "episodes"),
        (["evaluate", "RUN", "--rival", "pooled"], "NAME=RUN"),
        (["evaluate", "RUN", "--also", "other=nowhere"], "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_what_cannot_be_used_is_said_in_one_paragraph(
    command: list[str], named: str, tiny_run: Path, midi_folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    meaning = {"RUN": str(tiny_run), "GOOD": str(next(midi_folder.rglob("*.mid")))}
    assert main([meaning.get(word, word) for word in command]) == 2
    assert_one_paragraph(capsys.readouterr().err, named)


def test_a_run_without_or_with_a_damaged_file_is_refused_by_every_command(
    tiny_run: Path, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(next(midi_folder.rglob("*.mid")))
    for name in ("config.json", "weights.safetensors", "tokenizer.json"):
        for damage in (Path.unlink, lambda path: path.write_bytes(b"{ half")):
            run = tmp_path / "run"
            shutil.copytree(tiny_run, run)
            damage(run / name)
            for command in (["create", "music", "--run", str(run), "--examples", good], ["evaluate", str(run)]):
                assert main(command) == 2, f"{command[0]} with {name}"
                assert_one_paragraph(capsys.readouterr().err, name)
            shutil.rmtree(run)


def test_evaluate_names_a_pooled_model_that_is_missing(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    (tmp_path / "run" / "pooled.safetensors").unlink()
    assert main(["evaluate", str(tmp_path / "run")]) == 2
    assert_one_paragraph(capsys.readouterr().err, "pooled.safetensors")


def test_a_command_that_is_none_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["paint"])
    assert stop.value.code == 2
    assert "paint" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/none"])
def test_a_folder_that_cannot_be_made_is_said(out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for words in (["train", "sinusoid"], ["evaluate", "metaart/models/music"]):
        assert main([*words, "--out", str(tmp_path / out)]) == 2
        assert "expected a folder that is there or can be made" in capsys.readouterr().err
