"""Fixtures with a configured language model, and access to the stored calls and impressions."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.catalog.importer import import_catalog
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.observability.logging import JsonFormatter
from storefront.timings import Timings
from storefront.upsell.llm.client import LlmClient
from storefront.upsell.llm.models import LlmCall
from storefront.upsell.llm.rerank_prompt import response_format
from storefront.upsell.models import UpsellImpression
from storefront.upsell.recommender.training import TRAINING_BATCH_SIZE, train_incrementally
from tests.conftest import PATIENT_DATABASE, Person, settings_for
from tests.upsell.model_server import ModelServer, start_model_server

SHORT_TIMEOUT_SECONDS = 0.4
"""UPSELL_TIMEOUT of tests in which the model does not answer in time."""
EXTRA_ITEMS = [(), ("pot",), ("cup",)]
CARTS = [dict.fromkeys(("beans", *some, *more), 1) for some in EXTRA_ITEMS for more in [(), ("honey",), ("shared",)]]
"""Carts with different products, because equal carts share one cached answer. Each leaves products to suggest."""
GENEROUS_TIMEOUT_SECONDS = 30
"""Far more than any step needs: a longer wait means that the awaited event never happens."""
GENEROUS_TIMINGS = replace(
    PATIENT_DATABASE, panel_llm_wait=GENEROUS_TIMEOUT_SECONDS, recommender_slot=GENEROUS_TIMEOUT_SECONDS
)


@pytest.fixture(scope="session", autouse=True)
def sdk_is_imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The first call of a process imports many modules; the deadlines in these tests exclude that time."""
    with start_model_server() as server:
        folder = tmp_path_factory.mktemp("sdk")
        settings = settings_for("sqlite:///:memory:", folder, OPENAI_BASE_URL=server.address, UPSELL_TIMEOUT="30")
        client = LlmClient(settings)
        assert client.complete([{"role": "user", "content": "{}"}], response_format([])).result().outcome == "ok"
        client.close()
        yield


@pytest.fixture
def make_llm_app(make_app: Callable[..., Flask], model: ModelServer) -> Callable[..., Flask]:
    """Return a factory of apps with a model configured. Panels wait long enough for a slow machine by default."""
    defaults = {
        "OPENAI_BASE_URL": model.address,
        "OPENAI_API_KEY": "sk-test",
        "UPSELL_TIMEOUT": str(GENEROUS_TIMEOUT_SECONDS),
    }

    def make(timings: Timings = GENEROUS_TIMINGS, **environment: str) -> Flask:
        return make_app(timings, **defaults | environment)

    return make


@pytest.fixture
def llm_shopper(make_llm_app: Callable[..., Flask]) -> Person:
    """A shopper of the tenant "north" whose app has a model configured."""
    return Person(make_llm_app().test_client(), "north")


@pytest.fixture
def logged_calls(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that reads the JSON log lines about model calls."""
    caplog.set_level(logging.INFO, "storefront.upsell")

    def read() -> list[dict[str, Any]]:
        lines = [record for record in caplog.records if record.name == "storefront.upsell"]
        return [json.loads(JsonFormatter().format(record)) for record in lines]

    return read


def stored_calls(app: Flask, shop: str = "north") -> list[LlmCall]:
    """The model calls stored for this tenant, oldest first."""
    with app.app_context(), tenant_context(shop):
        return list(db.session.scalars(select(LlmCall).order_by(LlmCall.sort_id)))


def stored_impressions(app: Flask, shop: str = "north") -> list[UpsellImpression]:
    """The impressions stored for this tenant, oldest first."""
    with app.app_context(), tenant_context(shop):
        return list(db.session.scalars(select(UpsellImpression).order_by(UpsellImpression.sort_id)))


def train(app: Flask, shop: str = "north", batch_size: int = TRAINING_BATCH_SIZE) -> None:
    """Train on all orders of the tenant now; a process that serves requests does it in a background job."""
    with app.app_context(), tenant_context(shop):
        while train_incrementally(batch_size):
            pass


def add_products(app: Flask, products: list[dict[str, Any]], shop: str = "north") -> None:
    """Add products to the catalogue of a tenant."""
    defaults = {"price": "1", "stock": 9}
    entry = {"id": shop, "name": shop, "currency": {"north": "EUR", "south": "JPY"}[shop]}
    with app.app_context():
        import_catalog(
            json.dumps({"tenants": [entry | {"products": [defaults | product for product in products]}]}).encode()
        )
