"""What many tests share: prepared music, a tiny trained run, one Ray session.

Folders that take seconds to make are made by the first process of the tests that needs them, and read by all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Ray's workers give way to all other processes, so they would wait for the tests that run beside those that use it.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")  # as `cluster.connection` has it on one machine
os.environ.setdefault("DS_ACCELERATOR", "cpu")
os.environ.setdefault("TUNE_FUNCTION_THREAD_TIMEOUT_S", "600")  # as `tune.search` has it
# For the object store; Ray's workers inherit them from whatever test starts Ray first.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")

import pytest
import torch
from filelock import FileLock

from cluster.connection import apart, start_ray
from metaart.config import RunConfig, override
from metaart.data.corpus import CorpusSource
from metaart.data.prepare import prepare
from metaart.data.shards import Dataset
from metaart.recipes import recipe
from metaart.training.plan import plan_run
from metaart.training.run import prepare_run, train_run
from tests.formats.pictures.drawings import write_drawings
from tests.verse.registries import register

register()  # an art that is taken up by all that follows as those of the package are

GROUPS = ["Ryan: reels", "Ryan: jigs", "Aird: book 1", "Aird: book 2", "O'Neill: reels", "China: Shanxi", "Luxembourg"]
"""Two of validation, three of training, two of test; all are tunes that are read in milliseconds."""

TINY = ["domain.hidden_size=16", "domain.embedding_size=8", "domain.max_tokens=48", "meta.tasks=4",
        "meta.episode.support=3", "meta.episode.query=3", "meta.validation_tasks=4", "meta.steps=2",
        "pretrain.steps=2", "pretrain.tasks=6", "pretrain.validation_tasks=6", "batching.mode=loop"]  # fmt: skip
"""Settings that make the recipe `music` take a second or two."""

TINY_STYLE = ["domain.photographs=", "domain.size=16", "domain.width=4", "domain.depth=8", "domain.blocks=1",
              "domain.hidden=4", "algorithm.steps=2", "meta.tasks=2", "meta.steps=2", "meta.validation_tasks=2",
              "pretrain.steps=2", "pretrain.tasks=2", "pretrain.validation_tasks=2"]  # fmt: skip
"""Settings that make the recipe `style` take a few seconds."""

Shared = Callable[[str, Callable[[Path], object]], Path]


@pytest.hookimpl(tryfirst=True)  # before the hook that reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, those that need Ray share one, and its session, unless they say where."""
    for item in items:
        if item.get_closest_marker("ray") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("ray"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """URL of an empty bucket, `s3://...`, on a server of moto's that listens on loopback."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket="runs")
    yield f"s3://runs?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
    server.stop()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """`shared(name, make)` is a folder that `make` made, once for all processes of the tests; do not write into it."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def find(name: str, make: Callable[[Path], object]) -> Path:
        folder, made = root / "shared" / name, root / "shared" / f"{name}.made"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{name.replace('/', '-')}.lock")):
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                made.touch()
        return folder

    return find


@pytest.fixture(scope="session")
def corpus() -> CorpusSource:
    """The corpus with its catalogue, which takes seconds to build."""
    return CorpusSource()


@pytest.fixture(scope="session")
def music_data(shared: Shared, request: pytest.FixtureRequest) -> Path:
    """A prepared folder with real tunes in all three splits, twelve works a group."""

    def make(out: Path) -> None:
        corpus = request.getfixturevalue("corpus")
        prepare(corpus, out, groups=GROUPS, limit_per_group=14, workers=1, progress=False)

    return shared("data/music", make)


@pytest.fixture(scope="session")
def drawings_data(shared: Shared) -> Path:
    """A prepared folder of small drawings, hands in all three splits."""
    return shared("data/drawings", write_drawings)


TINY_RATING = ["domain.sees=pictures", "domain.side=16", "domain.layers=2", "domain.channels=8", "meta.tasks=2",
               "meta.episode.support=2", "meta.episode.query=2", "meta.validation_tasks=2", "meta.steps=2",
               "batching.mode=loop"]  # fmt: skip
"""Settings that make the recipe `rating` take a second."""

TINY_CRITIQUE = [*TINY_RATING, "domain.most_hands=6"]
"""Settings that make the recipe `critique` take a second, with fewer hands a task."""


@pytest.fixture(scope="session")
def critique_run(drawings_data: Path, shared: Shared) -> Path:
    """A finished tiny run of attribution; read it, do not write into it."""
    settings = [f"data={drawings_data}", *TINY_CRITIQUE, "meta.episode.ways=3"]
    return shared("runs/critique", trained(override(recipe("critique"), settings)))


@pytest.fixture(scope="session")
def rating_run(drawings_data: Path, shared: Shared) -> Path:
    """A finished tiny run of rating; read it, do not write into it."""
    settings = [f"data={drawings_data}", *TINY_RATING]
    return shared("runs/rating", trained(override(recipe("rating"), settings)))


def trained(config: RunConfig) -> Callable[[Path], object]:
    """What makes a finished run of a configuration."""

    def make(folder: Path) -> None:
        plan = plan_run(config, folder)
        prepare_run(plan, resume=False)
        train_run(plan)

    return make


@pytest.fixture(scope="session")
def midi_folder(music_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DIR/composer/*.mid of five hands, twelve pieces each."""
    folder = tmp_path_factory.mktemp("midi")
    dataset = Dataset.open(music_data)
    for number, group in enumerate([name for split in dataset.splits.values() for name in split][:5]):
        hand = folder / f"composer-{number}"
        hand.mkdir()
        for index, work in enumerate(dataset.works(group)[:12]):
            (hand / f"{index:02d}.mid").write_bytes(work.midi)
    return folder


@pytest.fixture(scope="session")
def tiny_config(music_data: Path) -> RunConfig:
    """The recipe `music`, made tiny."""
    return override(recipe("music"), [f"data={music_data}", *TINY])


@pytest.fixture(scope="session")
def tiny_run(tiny_config: RunConfig, shared: Shared) -> Path:
    """A finished run directory of `tiny_config`; read it, do not write into it."""
    return shared("runs/tiny", trained(tiny_config))


@pytest.fixture(scope="session")
def style_config(drawings_data: Path) -> RunConfig:
    """The recipe `style`, made tiny."""
    return override(recipe("style"), [f"data={drawings_data}", *TINY_STYLE])


@pytest.fixture(scope="session")
def style_run(style_config: RunConfig, shared: Shared) -> Path:
    """A finished run directory of `style_config`; read it, do not write into it."""
    return shared("runs/style", trained(style_config))


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One Ray for all tests that need one; mark them with `ray`."""
    import ray

    with apart():
        start_ray(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 * 2**20,
            log_to_driver=False,
            logging_level="error",
        )
    yield
    ray.shutdown()
