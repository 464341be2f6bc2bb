"""The command line `python -m cluster.mirror`: run a command in a folder that a storage mirrors."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from cluster.storage import Storage
from metaart.errors import UserError

FOLDER = "{folder}"
EVERY_S = 30.0

HELP = """\
  python -m cluster.mirror s3://bucket/runs/music -- python -m metaart.cli evaluate {folder} --episodes 100

The folder, written {folder} in the command, lies on this machine's disk and begins as what the storage has. What the
command changes in it is kept there twice a minute and at the end, however the command ends.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code, or 2 for bad input."""
    options = _parser().parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    try:
        if not command or not any(FOLDER in word for word in command):
            raise UserError(
                expected=f"a command with {FOLDER} in it",
                got=repr(" ".join(command)),
                fix="python -m cluster.mirror URL -- python -m metaart.cli evaluate {folder}",
            )
        storage = Storage(options.url)
        storage.check_writable()
        with tempfile.TemporaryDirectory(prefix="metaart-") as name:
            bring(storage, Path(name))
            print(f"cluster.mirror: {name} is {storage.url} while this runs", file=sys.stderr)
            with mirror(Path(name), storage):
                return _run([word.replace(FOLDER, name) for word in command])
    except UserError as error:
        print(f"cluster.mirror: {error}", file=sys.stderr)
        return 2


def bring(storage: Storage, folder: Path, names: Sequence[str] | None = None) -> list[str]:
    """Copy files of a storage into a local folder.

    Args:
        storage: where from.
        folder: where to; what is there already is replaced.
        names: which; all, if left out.

    Returns:
        Their names.

    Raises:
        UserError: a file's name would lead out of the folder, or it cannot be read.
    """
    found = sorted(listed(storage) if names is None else names)
    for name in found:
        if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
            raise UserError(
                expected="files inside their folder", got=f"{name!r} in {storage.url}", fix="Delete that file."
            )
        try:
            storage.get(name, folder / name)
        except OSError as error:
            raise download_failed(storage, name, error) from error
    return found


def listed(storage: Storage, below: str = "") -> list[str]:
    """Names of all files of a storage, or of those in a folder of it.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return list(storage.files(below))
    except OSError as error:
        raise download_failed(storage, "what there is", error) from error


def download_failed(storage: Storage, what: str, error: OSError) -> UserError:
    """What is said where a storage cannot be read."""
    return UserError(
        expected=f"to read {what} of {storage.url}",
        got=str(error).splitlines()[0][:300],
        fix="Check the storage and try again.",
    )


class Changes:
    """Copies what has changed in a folder to a storage.

    Args:
        folder: local; what it holds now is taken to be there already, if it is `seen`.
        storage: where to.
        last: name of files that follow the others, as a sign that all are there.
    """

    def __init__(self, folder: Path, storage: Storage, *, last: str = "", seen: bool = True) -> None:
        self.storage, self._folder, self._last = storage, folder, last
        self._seen = self._state() if seen else {}
        self._lock = threading.Lock()

    def keep(self) -> None:
        """Copy new and changed files, and delete there what was deleted here.

        Raises:
            OSError: the storage failed; the next call tries the same files again.
        """
        with self._lock:
            now = self._state()
            changed = sorted(name for name in now if now[name] != self._seen.get(name))
            for name in sorted(changed, key=lambda name: PurePosixPath(name).name == self._last):
                self.storage.put(self._folder / name, name)
                self._seen[name] = now[name]
            for name in self._seen.keys() - now.keys():
                self.storage.delete(name)
                del self._seen[name]

    def bring(self, wanted: Callable[[str], bool], below: str = "") -> None:
        """Copy files from the storage, or from a folder in it; they are no changes of this folder.

        Raises:
            UserError: see `bring`.
        """
        with self._lock:
            names = bring(self.storage, self._folder, list(filter(wanted, listed(self.storage, below))))
            now = self._state()
            self._seen |= {name: now[name] for name in names if name in now}

    def _state(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in self._folder.rglob("*"):
            name = path.relative_to(self._folder)
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                found[name.as_posix()] = (path.stat().st_size, path.stat().st_mtime_ns)
        return found


@contextmanager
def mirror(folder: Path, storage: Storage, every_s: float = EVERY_S, last: str = "") -> Iterator[None]:
    """Keep a folder's changes on a storage while the context lasts, and at its end; `last` is as in `Changes`.

    Raises:
        UserError: the storage fails at the end.
    """
    changes, done = Changes(folder, storage, last=last), threading.Event()

    def keep_on() -> None:
        while not done.wait(every_s):
            try:
                changes.keep()
            except OSError as error:  # it is tried again, and at the end it counts
                print(f"cluster.mirror: {storage.url}: {str(error)[:300]}", file=sys.stderr)

    keeper = threading.Thread(target=keep_on, daemon=True, name="keeper")
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
        try:
            changes.keep()
        except OSError as error:
            raise upload_failed(storage, error) from error


def upload_failed(storage: Storage, error: OSError) -> UserError:
    """What is said where results cannot be kept on a storage."""
    return UserError(
        expected="to keep the results", got=f"{storage.url}: {str(error)[:300]}", fix="Run the command again."
    )


def _run(command: list[str]) -> int:
    # SIGINT, Ctrl-C or the end of a job, goes to all processes: the command ends by it, and a second one would have it
    # drop what it is about to save. SIGTERM comes to this one alone.
    child: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: object) -> None:  # noqa: ARG001
        for process in child:
            process.send_signal(signal.SIGINT)

    wanted = {signal.SIGTERM: pass_on, signal.SIGINT: lambda _number, _frame: None}
    previous = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        child.append(subprocess.Popen(command))
        while (status := child[0].poll()) is None:
            time.sleep(0.1)
        return status if status >= 0 else 128 - status
    except OSError as error:
        raise UserError(
            expected="a command that runs", got=f"{command[0]}: {error.strerror}", fix="See --help."
        ) from error
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cluster.mirror",
        description="Run a command whose folder is kept on a storage.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", metavar="URL", help="file:///..., s3://...: where the folder is kept")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help=f"with {FOLDER} in it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
