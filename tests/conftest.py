"""Shared fixtures: two databases, two shops, `shopper` in one and `stranger` in the other."""

import io
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.test import TestResponse

from storefront import Settings, create_app
from storefront.db import transactions
from storefront.observability.logging import JsonFormatter
from storefront.server.bootstrap import prepare
from storefront.state import state_of
from storefront.timings import Timeouts, Timings
from tests.ordering import pytest_collection_modifyitems, pytest_configure, pytest_xdist_make_scheduler  # noqa: F401
from tests.postgres import MEMORY, Postgres, has_memory_folder, start_postgres
from tests.upsell.model_server import ModelServer, start_model_server
from tests.url_rules import share_compiled_rules

CATALOG = Path(__file__).parent / "catalog.json"
SECRET = "only for tests, of the required length"
"""Used as a key and as a token."""
ENVIRONMENT = {
    "SECRET_KEY": SECRET,
    "CATALOG": str(CATALOG),
    "UPSELL_ENABLED": "true",
    "UPSELL_HOLDOUT": "0",
    "RATELIMIT_ENABLED": "false",
}

TEST_TIMEOUTS = Timeouts(lock=60, statement=120, idle=120)
"""So long that concurrent requests on a loaded machine aren't refused as "busy"."""
PATIENT_DATABASE = Timings(request_timeouts=TEST_TIMEOUTS, job_timeouts=TEST_TIMEOUTS, writer_slot=60)

if has_memory_folder():
    tempfile.tempdir = str(MEMORY)  # `tmp_path` is in it too


# The duration of an example depends more on the load of the machine than on the shop.
hypothesis_settings.register_profile("loaded-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("loaded-machine")


class TemplateCache(BytecodeCache):
    """Compiled templates, shared by all apps of this process: compiling takes longer than most tests."""

    def __init__(self) -> None:
        self.code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key, bucket.checksum] = bucket.code


TEMPLATE_CACHE = TemplateCache()
share_compiled_rules()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for the tests. The shop's role is no superuser, so row-level security applies to it."""
    with start_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> "Prepared":
    return Prepared(tmp_path_factory.mktemp("prepared"))


class Prepared:
    """Databases with tables and test catalogue, created once and copied for each test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies = 0
        self._sqlite: Path | None = None
        self._in_postgres = False

    def sqlite(self, folder: Path) -> str:
        if self._sqlite is None:
            self._sqlite = self.folder / "template.db"
            self._fill(f"sqlite:///{self._sqlite}")
        copy = folder / "shop.db"
        shutil.copy(self._sqlite, copy)
        return f"sqlite:///{copy}"

    def postgresql(self, server: Postgres) -> str:
        if not self._in_postgres:
            self._fill(server.create("template_shop"))
            self._in_postgres = True
        self.copies += 1
        return server.create(f"shop_{self.copies}", template="template_shop")

    def _fill(self, url: str) -> None:
        app = create_app(settings_for(url, self.folder), PATIENT_DATABASE)
        prepare(app)
        dispose(app)


def settings_for(url: str, folder: Path, **environment: str) -> Settings:
    return Settings.from_environ({**ENVIRONMENT, "DATABASE_URL": url, "DATA_DIR": str(folder), **environment})


def dispose(app: Flask) -> None:
    state_of(app).llm_reranker.close()
    transactions.dispose(app)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, prepared: Prepared, tmp_path: Path) -> Iterator[str]:
    """URL of a new database with the test catalogue; the test runs once with SQLite and once with PostgreSQL."""
    if request.param == "sqlite":
        yield prepared.sqlite(tmp_path)
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = prepared.postgresql(server)
    yield url
    server.drop(url)


@pytest.fixture
def make_app(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Create an app on this test's database, with additional environment variables and other timings."""
    apps: list[Flask] = []

    def make(timings: Timings = PATIENT_DATABASE, **environment: str) -> Flask:
        app = create_app(settings_for(database_url, tmp_path, **environment), timings)
        app.testing = True
        app.jinja_env.bytecode_cache = TEMPLATE_CACHE
        apps.append(app)
        return app

    yield make
    for app in apps:
        dispose(app)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@dataclass
class Person:
    """A client of one shop: a browser with cookies that also calls the API."""

    client: FlaskClient
    shop: str

    @property
    def root(self) -> str:
        return f"/t/{self.shop}"

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.get(self.root + path, **kwargs)

    def post(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        return self.client.post(self.root + path, data=data or {}, **kwargs)

    def region(self, path: str, target: str, **kwargs: Any) -> TestResponse:
        """GET a partial as htmx does."""
        return self.get(
            path, headers={"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": target}, **kwargs
        )

    def api(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.client.open(f"{self.root}/api/v1{path}", method=method, json=json, **kwargs)

    def cart(self, **items: int) -> str:
        """Create a cart with these quantities by the API. Returns its id."""
        wanted = [{"product_id": id, "quantity": quantity} for id, quantity in items.items()]
        answer = self.api("POST", "/carts", {"items": wanted})
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    def checkout(self, cart_id: str, key: str | None = None, **fields: Any) -> TestResponse:
        headers = {"Idempotency-Key": key} if key else {}
        body = {"email": "ada@example.com", "name": "Ada", **fields}
        return self.api("POST", f"/carts/{cart_id}/checkout", body, headers=headers)

    def stock(self, product_id: str) -> int:
        return int(self.api("GET", f"/products/{product_id}").json["stock"])


@pytest.fixture
def shopper(app: Flask) -> Person:
    """A client of `north`: euros, 20 % tax on top, a promo code."""
    return Person(app.test_client(), "north")


@pytest.fixture
def stranger(app: Flask) -> Person:
    """A client of `south`, which must not see or change anything of `north`."""
    return Person(app.test_client(), "south")


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A fake language model server, whose behaviour a test selects."""
    with start_model_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty/shop.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create("without_tables")
    yield url
    server.drop(url)


Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The log output, at the level and in the format of production."""
    output, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(output)
    handler.setFormatter(JsonFormatter())
    before = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    yield output
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@contextmanager
def environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def connect(url: str) -> psycopg.Connection[Any]:
    """Open a psycopg connection to the database of an SQLAlchemy URL."""
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)
