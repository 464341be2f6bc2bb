"""What a run says of itself: a progress bar, metrics.jsonl, TensorBoard events, and a picture of the curves."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm


class _Terminal:
    """stderr for as long as somebody reads it, then nothing: a training outlives its terminal."""

    def __init__(self) -> None:
        self._gone = False

    def write(self, text: str) -> None:
        """Write, or leave it."""
        self._unless_gone(lambda: sys.stderr.write(text))

    def flush(self) -> None:
        """Flush, or leave it."""
        self._unless_gone(sys.stderr.flush)

    def _unless_gone(self, act: Callable[[], object]) -> None:
        if not self._gone:
            try:
                act()
            except OSError:  # caught here, not around tqdm: it would keep its lock, and its thread would wait for ever
                self._gone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


class Progress:
    """A bar per stage on stderr; call it with each line of metrics.

    Args:
        totals: steps by stage.
    """

    def __init__(self, totals: dict[str, int]) -> None:
        self._totals, self._stage, self._terminal = totals, "", _Terminal()
        self._bar: tqdm[Any] | None = None

    def __call__(self, line: dict[str, Any]) -> None:
        """Take one line: {"stage", "step", "loss", ...}, or {"stage", "step", "note"} with something to be read."""
        if "note" in line:
            tqdm.write(f"{line['stage']}: {line['note']}", file=self._terminal)
            return
        if line["stage"] != self._stage or self._bar is None:
            self.close()
            self._stage = line["stage"]
            total = self._totals.get(self._stage)
            # From the step before, so that a resumed stage is not counted as so many steps in no time.
            self._bar = tqdm(total=total, initial=line["step"] - 1, desc=self._stage, unit="step", file=self._terminal)
        self._bar.update(line["step"] - self._bar.n)
        shown = {"query": line["loss"]}
        shown |= {"before": line["before"]} if "before" in line else {}
        shown |= {"tasks/s": line["tasks_per_s"]} if "tasks_per_s" in line else {}
        if "validation" in line:
            text = f"{self._stage} step {line['step']}: validation {line['validation']:.4f}"
            self._bar.write(text, file=self._terminal)
        self._bar.set_postfix({name: f"{value:.3f}" for name, value in shown.items()})

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()


class Journal:
    """Call it with each line of metrics; leave its context to draw the curves.

    Args:
        folder: the run directory.
        totals: steps by stage, for the bar.
        rank: only rank 0 writes and shows.
        show: show the bar.
    """

    def __init__(self, folder: Path, totals: dict[str, int], rank: int = 0, show: bool = True) -> None:
        self._folder, self._writes = folder, rank == 0
        self._progress = Progress(totals) if show and self._writes else None

    def __enter__(self) -> Self:
        if self._writes:
            # Here, because it is slow to import, and ranks that do not write have no use for it.
            from torch.utils.tensorboard import SummaryWriter

            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / "metrics.jsonl"
            cut_off = path.exists() and not (b"\n" + path.read_bytes()).endswith(b"\n")
            self._lines = path.open("a", encoding="utf-8")
            if cut_off:  # by a kill; the next line must not be glued to the half one
                self._lines.write("\n")
            self._events = SummaryWriter(str(self._folder / "tensorboard"))
        return self

    def __call__(self, line: dict[str, Any]) -> None:
        """Take one line: {"stage", "step", "loss", ...}."""
        if not self._writes:
            return
        self._lines.write(json.dumps(line) + "\n")
        # Each line at once: a run that is killed loses none, and who looks on sees the last step.
        self._lines.flush()
        for name, value in line.items():
            if isinstance(value, float):
                self._events.add_scalar(f"{line['stage']}/{name}", value, line["step"])
        if self._progress is not None:
            self._progress(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._writes:
            return
        if self._progress is not None:
            self._progress.close()
        self._lines.close()
        self._events.close()
        plot_curves(self._folder)


def read_metrics(folder: Path) -> dict[str, dict[int, dict[str, Any]]]:
    """The lines of metrics.jsonl by stage and step; a step trained twice (after a resume) counts once, the last."""
    stages: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    path = folder / "metrics.jsonl"
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except ValueError:  # the last line of a killed run may be half-written
                continue
            if "note" in line:
                continue
            stages[line["stage"]].setdefault(line["step"], {}).update(line)
    return {stage: dict(sorted(lines.items())) for stage, lines in stages.items()}


def plot_curves(folder: Path) -> Path | None:
    """Draw curves.png from metrics.jsonl: loss before and after adaptation, and validation, by stage."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stages = read_metrics(folder)
    if not stages:
        return None
    width = 6.5 * len(stages)
    figure = Figure(figsize=(width, 4.2))  # a layout engine takes longer than a small run
    FigureCanvasAgg(figure)
    margins = {"left": 0.8 / width, "right": 1 - 0.15 / width, "bottom": 0.13, "top": 0.92, "wspace": 0.18}
    axes = figure.subplots(1, len(stages), squeeze=False, gridspec_kw=margins)[0]
    for axis, (stage, lines) in zip(axes, stages.items(), strict=True):
        for name, label, style in (
            ("before", "training, before adaptation", {"alpha": 0.5, "linewidth": 1}),
            ("loss", "training, after adaptation", {"alpha": 0.8, "linewidth": 1}),
            ("validation", "validation, after adaptation", {"marker": "o", "markersize": 4}),
        ):
            points = [(step, line[name]) for step, line in lines.items() if line.get(name) is not None]
            if points and not (name == "before" and stage == "pretrain"):
                axis.plot(*zip(*points, strict=True), label=label if stage != "pretrain" else name, **style)
        axis.set(title=stage, xlabel="outer step", ylabel="query loss")
        axis.grid(alpha=0.3)
        axis.legend()
    path = folder / "curves.png"
    figure.savefig(path, dpi=110)
    return path


def summary(folder: Path) -> str:
    """One line per stage: steps, best validation, units passed."""
    lines = []
    for stage, steps in read_metrics(folder).items():
        validated = [(line["validation"], step) for step, line in steps.items() if "validation" in line]
        best = f", best validation {min(validated)[0]:.4f} at step {min(validated)[1]}" if validated else ""
        units = max((line["units"] for line in steps.values() if "units" in line), default=0)
        lines.append(f"{stage}: {max(steps):,} steps, {units:,} units passed{best}")
    return "\n".join(lines)
