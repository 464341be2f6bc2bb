"""Memory of one training process against the size of its data: works are read from Parquet when a task wants them."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from tqdm import tqdm

from metaart.build import build_domain, build_sampler
from metaart.config import override
from metaart.data.media.base import schema
from metaart.data.media.pictures import PictureMedium
from metaart.data.shards import write_dataset
from metaart.recipes import recipe

SIZES_MB = (128, 512, 2048)
GROUPS, SIDE = 32, 64
BATCHES = 40


def write_noise(out: Path, megabytes: int) -> None:
    """A prepared folder of so many MB in 32 groups: squares of noise, which does not compress."""
    medium, rng = PictureMedium(max_side=SIDE), np.random.default_rng(megabytes)
    each = megabytes * 2**20 // (GROUPS * SIDE * SIDE * 3)

    def table(group: str) -> pa.Table:
        rows = []
        for work in range(each):
            file = io.BytesIO()
            Image.fromarray(rng.integers(256, size=(SIDE, SIDE, 3), dtype=np.uint8)).save(file, "PNG", compress_level=0)
            rows.append({"group": group, "tradition": group, "split": "train", "work_id": f"{group}/{work}",
                         "title": "", "source": "", "licence": "CC0-1.0", "png": file.getvalue(), "width": SIDE,
                         "height": SIDE, "author": "", "subject": "", "colour": True})  # fmt: skip
        return pa.Table.from_pylist(rows, schema=schema(medium))

    names = [f"hand {number}" for number in range(GROUPS)]
    tables = ((name, table(name)) for name in tqdm(names, desc=f"write {megabytes} MB", leave=False))
    out.mkdir(parents=True)
    write_dataset(out, medium, tables, [], {"source": "noise", "settings": {}})


def draw_tasks(data: Path) -> dict[str, Any]:
    """What drawing batches of the recipe `critique` costs in this process, where the learner is given pictures."""
    config = override(recipe("critique"), [f"data={data}", "domain.sees=pictures", "meta.tasks=4"])
    domain = build_domain(config)
    before, begun = _peak_mb(), time.perf_counter()
    sampler = build_sampler(config, config.meta, domain, "train")
    opened = time.perf_counter() - begun
    seconds = []
    for step in tqdm(range(BATCHES), desc="draw", leave=False):
        begun = time.perf_counter()
        sampler.batch(step, range(config.meta.tasks))
        seconds.append(time.perf_counter() - begun)
    return {"opened_s": opened, "batch_ms": 1000 * float(np.median(seconds)), "more_mb": _peak_mb() - before}


def _peak_mb() -> float:
    """Of this program alone: what `getrusage` says is at least what the process had that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Write folders of growing size, draw from each in a process of its own, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES_MB), metavar="MB")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print(json.dumps(draw_tasks(options.one)))
        return 0
    print(f"| data | to begin | peak memory beyond the program | a batch of 4 tasks |\n|{'---:|' * 4}")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            write_noise(data, size)
            command = [sys.executable, "-m", "benchmarks.data_memory", "--one", str(data)]
            found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)
        row = (
            f"{size:,} MB",
            f"{found['opened_s']:.2f} s",
            f"{found['more_mb']:,.0f} MB",
            f"{found['batch_ms']:.0f} ms",
        )
        print(f"| {' | '.join(row)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
