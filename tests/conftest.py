"""What tests share: one real PostgreSQL a worker, each real network opened once, real faces."""

import gc
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import matplotlib
import pytest
import skimage.data
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.embedding import embedder
from indexer.embedding.card import ModelCard
from indexer.embedding.embedder import Embedder
from indexer.inference.load import ProcessorLoad
from indexer.pipeline.pipeline import Pipeline
from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.settings import Settings
from indexer.usecases.bootstrap import networks, open_pipeline
from indexer.vision.detection.refine import LandmarkRefiner
from indexer.vision.detection.yunet import YuNet
from indexer.weights.locate import locate
from indexer.weights.published import YUNET
from indexer.weights.store import WeightStore
from service import openapi
from service.app import create_app
from tests.support import clusters
from tests.support.emptied import empty
from tests.support.home import Home
from tests.support.pictures import jpeg

# Workers of pytest-xdist share the cores: none takes more than one, nor does a process that it starts.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(variable, "1")

# Tests start many processes. If this is set, each of them compiles all modules of Gemel again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What imports and the collection of tests make stays: to look for garbage in it takes a fifth of their time.
gc.disable()

# How long an example takes depends on the machine, and says nothing of what is tested.
hypothesis.settings.register_profile("gemel", deadline=None)
hypothesis.settings.load_profile("gemel")


_TESTS = Path(__file__).parent
_SHARED = _TESTS / "integration" / "cluster"
"""Its modules share a Ray cluster: one worker takes them all. First, since they often wait."""
_SLOW_FOLDERS = ("faults", "browser", "fuzz", "acceptance", "integration")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deals the modules to the workers, slow ones first, so that what is left at the end is short.

    pytest-xdist gives each worker a stretch of the list, and lets it take from the end of another's.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(_SHARED if _SHARED in item.path.parents else item.path, []).append(item)

    def place(path: Path) -> int:
        if path == _SHARED:
            return -1
        folder = path.relative_to(_TESTS).parts[0]
        return _SLOW_FOLDERS.index(folder) if folder in _SLOW_FOLDERS else len(_SLOW_FOLDERS)

    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for path in sorted(modules, key=place):
        min(shares, key=len).extend(modules[path])
    items[:] = [item for share in shares for item in share]


def pytest_collection_finish() -> None:
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _own_settings() -> Iterator[None]:
    """No setting of the developer's own, from the environment or a `.env` file, gets into a test."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("GEMEL_")}
    env_file = Settings.model_config["env_file"]
    Settings.model_config["env_file"] = None
    os.environ["GEMEL_ALLOWED_HOSTS"] = "testserver"  # the name that TestClient asks for
    os.environ["GEMEL_EMBEDDER_THREADS"] = "1"
    yield
    Settings.model_config["env_file"] = env_file
    del os.environ["GEMEL_ALLOWED_HOSTS"], os.environ["GEMEL_EMBEDDER_THREADS"]
    os.environ.update(kept)


@pytest.fixture(autouse=True, scope="module")
def _short_garbage_collections() -> None:
    """What is alive between two modules, such as imports and collected tests, is not collected again.

    A worker has more than a million such objects. A full collection of them holds the interpreter's lock for
    half a second of CPU time, on a busy machine for two seconds, as long as a search waits for its index.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _networks_opened_once() -> Iterator[None]:
    """The published ones, which are the same files in all tests. To open them takes most of the time that a
    service takes to start."""
    real = embedder.open_embedder
    opened = cache(real)
    opened_detector, opened_refiner = cache(YuNet), cache(LandmarkRefiner)

    def open_detector(weights: Path, *, load: ProcessorLoad, **options: Any) -> YuNet:
        return opened_detector(weights, **options)

    def open_embedder(
        card: ModelCard, *, load: ProcessorLoad, store: WeightStore, **options: Any
    ) -> Embedder:
        if any(file.distribution is None for file in card.weights):
            return real(card, load=load, store=store, **options)
        return opened(card, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(embedder, "open_embedder", open_embedder)
        patched.setattr(networks, "YuNet", open_detector)
        patched.setattr(networks, "LandmarkRefiner", opened_refiner)
        yield
    for opened_once in (opened, opened_detector, opened_refiner):
        opened_once.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def _openapi_document_made_once() -> Iterator[None]:
    """It is that of the routes, whatever the settings are."""
    made = openapi.document(create_app(Settings()))

    def document(app: FastAPI) -> dict[str, Any]:
        app.openapi_schema = made
        return made

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(openapi, "document", document)
        yield


@pytest.fixture(autouse=True, scope="session")
def _clusters_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with clusters.made_once(tmp_path_factory.mktemp("new-cluster")):
        yield


@pytest.fixture(scope="session")
def migrated_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an embedded PostgreSQL that is migrated and stopped. It is copied sooner than made.
    Like each copy of it, it trusts that the machine stays on.
    """
    home = tmp_path_factory.mktemp("cluster")
    database = Database(embedded.start(home))
    try:
        schema.migrate(database)
        with database.reading() as session:
            session.execute(text("ALTER SYSTEM SET fsync = off"))
            session.execute(text("ALTER SYSTEM SET full_page_writes = off"))
    finally:
        database.close()
        embedded.stop(home)
    return home / "postgresql"


@pytest.fixture(scope="session")
def postgresql(migrated_cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an embedded PostgreSQL that stops with the tests."""
    with Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster) as home:
        yield embedded.start(home.folder)


@pytest.fixture(scope="session")
def migrated(postgresql: str) -> str:
    """URL of a database that the migrations have made."""
    return postgresql


@pytest.fixture
def database(migrated: str) -> Iterator[Database]:
    """The migrated database, with nothing in it."""
    database = Database(migrated)
    empty(database)
    yield database
    with database.transaction() as session:  # or servers of other modules would require keys
        session.execute(text("DELETE FROM api_key_version"))
        session.execute(text("DELETE FROM api_key"))
    database.close()


@pytest.fixture
def settings(migrated: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", database_url=migrated, max_upload_mb=8, threads=4)


@pytest.fixture
def client(database: Database, settings: Settings) -> Iterator[TestClient]:
    """The whole service on an empty database, with the real network."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def refiner() -> LandmarkRefiner:
    return LandmarkRefiner(locate(YUNET))


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    """The real detector and the real network, without a database."""
    with open_pipeline(Settings()) as pipeline:
        yield pipeline


@pytest.fixture(scope="session")
def hopper() -> bytes:
    """Grace Hopper, 512 x 600, JPEG; public domain, comes with Matplotlib."""
    return (Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg").read_bytes()


@pytest.fixture(scope="session")
def collins() -> bytes:
    """Eileen Collins, 512 x 512, JPEG; public domain, comes with scikit-image."""
    return jpeg(skimage.data.astronaut())


@pytest.fixture(scope="session")
def nobody() -> bytes:
    """A picture without a face."""
    return jpeg(skimage.data.coffee())
