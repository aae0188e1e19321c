"""A shop that asks a model, the model's server, and what the journal says afterwards."""

import json
import logging
from collections.abc import Callable, Iterator
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
from storefront.upsell.recommender.training import train_incrementally
from tests.conftest import Person, settings_for
from tests.upsell.model_server import ModelServer, start_model_server

TIMEOUT = 0.4
"""UPSELL_TIMEOUT where the model keeps the shop waiting; where it answers, the shop is patient."""
OTHERS = [(), ("pot",), ("cup",)]
CARTS = [dict.fromkeys(("beans", *some, *more), 1) for some in OTHERS for more in [(), ("honey",), ("shared",)]]
"""Carts of other products are other questions; the same ones are asked about once. For each there is something left."""
PATIENCE = 30
"""Seconds, far more than is expected: who waits longer waits for something that never ends."""
PATIENT_TIMINGS = Timings(panel_llm_wait=PATIENCE, recommender_slot=PATIENCE)


@pytest.fixture(scope="session", autouse=True)
def sdk_is_imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The first call of a process imports much; the deadlines here are of every call after it."""
    with start_model_server() as server:
        folder = tmp_path_factory.mktemp("sdk")
        settings = settings_for("sqlite:///:memory:", folder, OPENAI_BASE_URL=server.address, UPSELL_TIMEOUT="30")
        warm = LlmClient(settings)
        assert warm.complete([{"role": "user", "content": "{}"}], response_format([])).result().outcome == "ok"
        warm.close()
        yield


@pytest.fixture
def asking(make_app: Callable[..., Flask], model: ModelServer) -> Callable[..., Flask]:
    """Make a shop that asks the model. Its panels wait for a slow machine, too, unless other timings are given."""
    usual = {"OPENAI_BASE_URL": model.address, "OPENAI_API_KEY": "sk-test", "UPSELL_TIMEOUT": str(PATIENCE)}

    def make(timings: Timings = PATIENT_TIMINGS, **environment: str) -> Flask:
        return make_app(timings, **usual | environment)

    return make


@pytest.fixture
def advised(asking: Callable[..., Flask]) -> Person:
    """Shops in the north, where the model is asked."""
    return Person(asking().test_client(), "north")


@pytest.fixture
def journal(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The lines that the shop logged about calls of the model, as an operator reads them."""
    caplog.set_level(logging.INFO, "storefront.upsell")

    def read() -> list[dict[str, Any]]:
        lines = [record for record in caplog.records if record.name == "storefront.upsell"]
        return [json.loads(JsonFormatter().format(record)) for record in lines]

    return read


def calls(app: Flask, shop: str = "north") -> list[LlmCall]:
    """The calls of the model that the journal of this shop holds, the oldest first."""
    with app.app_context(), tenant_context(shop):
        return list(db.session.scalars(select(LlmCall).order_by(LlmCall.sort_id)))


def showings(app: Flask, shop: str = "north") -> list[UpsellImpression]:
    """What was shown to the shoppers of this shop, the oldest first."""
    with app.app_context(), tenant_context(shop):
        return list(db.session.scalars(select(UpsellImpression).order_by(UpsellImpression.sort_id)))


def teach(app: Flask, shop: str = "north") -> None:
    """Have the shop learn all its orders now, as it does by itself where it serves requests."""
    with app.app_context(), tenant_context(shop):
        while train_incrementally():
            pass


def stock(app: Flask, products: list[dict[str, Any]], shop: str = "north") -> None:
    """Put more products on the shelves of a shop."""
    usual = {"price": "1", "stock": 9}
    entry = {"id": shop, "name": shop, "currency": {"north": "EUR", "south": "JPY"}[shop]}
    with app.app_context():
        import_catalog(
            json.dumps({"tenants": [entry | {"products": [usual | product for product in products]}]}).encode()
        )
