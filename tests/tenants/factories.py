"""Ids of existing objects of a shop, and unknown ids of the same types, for requests by another shop's client."""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from storefront.catalog.models import Product, Variant
from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenancy import OwnedByTenant, insert_rows
from storefront.db.tenant_context import set_rls_tenant, tenant_context
from storefront.db.transactions import write
from storefront.ids import new_token
from storefront.promotions.actions import claim_use, record_use
from storefront.tenants.models import Tenant
from storefront.tenants.promotions import Promotion
from storefront.tenants.registry import registry
from storefront.upsell.llm.models import LlmCall
from storefront.upsell.llm.response_cache import claim
from storefront.upsell.llm.usage import add_usage
from storefront.upsell.recommender.models import Complement
from storefront.upsell.recommender.training import train_incrementally
from storefront.web.security import signer
from tests.conftest import Person

PRODUCT, CART, ORDER, CALL, CODE = "product", "cart", "order", "call", "code"
NAMES_IN_PATHS = {"variant_id": PRODUCT, "product_id": PRODUCT, "cart_id": CART, "order_id": ORDER, "call_id": CALL}
Ids = dict[str, str]


def every_row(app: Flask, tenant_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of this tenant by table."""
    found = {}
    with app.app_context(), db.engine.connect() as connection:
        set_rls_tenant(connection, tenant_id)
        for table in db.metadata.sorted_tables:
            if "tenant_id" in table.c:
                rows = connection.execute(select(table).where(table.c.tenant_id == tenant_id))
                found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def owned_models() -> list[type[Any]]:
    found = [mapper.class_ for mapper in db.Model.registry.mappers if issubclass(mapper.class_, OwnedByTenant)]  # type: ignore[attr-defined]
    assert len(found) >= 7
    return found


def prepare_south(app: Flask) -> None:
    """Give `south` its own promo code, and so much stock that requests don't change its pages."""
    with acting_in(app, "south"):
        db.session.get(Tenant, "south").promotions = [{"code": "HARU", "percent": "5"}]
        for product in db.session.scalars(select(Product)):
            product.stock = 1_000_000
        for variant in db.session.scalars(select(Variant)):
            variant.stock = 1_000_000
        db.session.commit()
        registry().invalidate()


TABLES_FILLED_WITH_PRODUCTS = ("product", "product_search_word", "variant", "product_affinity", "recommender_state")
"""Tables with rows for every shop that has products."""


def insert_upsell_rows(app: Flask, tenant_id: str, product_id: str) -> None:
    """Train the recommender of a shop with an order, and insert a row into each table of the LLM."""
    with acting_in(app, tenant_id):
        train_incrementally()
        request = {"purpose": "rerank", "cart_id": new_token(), "model": "m", "prompt_version": "1", "language": "en"}
        response = {"prompt": "?", "response": "!", "prompt_tokens": 1, "completion_tokens": 1, "latency_ms": 1}
        with write():
            insert_rows(LlmCall, [{**request, **response, "outcome": "ok", "rejections": {}, "suggestions": []}])
            insert_rows(
                Complement,
                [{"product_id": product_id, "complement_product_id": "", "category": "Any", "explanation": "So."}],
            )
            claim(new_token(), new_token(), new_token(), timedelta(seconds=1))
            add_usage(now().date(), 1, 1, 1)


def insert_promotion_use(app: Flask, tenant_id: str) -> None:
    """Count a use of a limited promotion."""
    promotion = Promotion("ONCE", None, limit=1)
    with acting_in(app, tenant_id), write():
        claim_use(promotion, "customer")
        record_use(promotion, "customer", new_token())


def acting_in(app: Flask, tenant_id: str) -> Any:
    stack = ExitStack()
    stack.enter_context(app.app_context())
    stack.enter_context(tenant_context(tenant_id))
    return stack


def create_objects(person: Person, product: str, other: str, code: str) -> Ids:
    """Create an open cart, an order of another cart, and an impression by this client. Returns all ids by type."""
    person.post("/cart/items", {"product_id": other, "quantity": "1"})
    cart = person.cart(**{product: 1, other: 1})
    call = person.api("GET", f"/carts/{cart}/upsell").json["call_id"]
    order = person.checkout(person.cart(**{product: 1})).json["id"]
    return {PRODUCT: product, CART: cart, ORDER: order, CALL: call, CODE: code}


def unknown_ids() -> Ids:
    return {PRODUCT: "nosuch", CART: new_token(), ORDER: new_token(), CALL: new_token(), CODE: "NOSUCH"}


def cookie_of(app: Flask, tenant_id: str, **session: Any) -> str:
    """Return a session cookie signed like one of this shop."""
    return signer(str(app.secret_key), tenant_id).dumps(session)


def url_path(rule: Rule, ids: Ids) -> str:
    """Return the rule's path with these ids. Fails for an id parameter that is not in NAMES_IN_PATHS."""

    def fill(match: re.Match[str]) -> str:
        name = match[1].rpartition(":")[2]
        assert name in NAMES_IN_PATHS, f"{rule.rule}: add {name} to NAMES_IN_PATHS in tests/tenants/factories.py"
        return ids[NAMES_IN_PATHS[name]]

    return re.sub(r"<([^>]+)>", fill, rule.rule)


@dataclass(frozen=True)
class ComparableResponse:
    """The parts of a response that don't differ between requests, for comparison."""

    status: int
    body: str
    location: str
    headers: tuple[str, ...]

    @classmethod
    def of(cls, answer: TestResponse, ids: Ids) -> "ComparableResponse":
        streaming = answer.mimetype == "text/event-stream"
        text = "" if streaming else answer.get_data(as_text=True)
        answer.close()
        return cls(
            answer.status_code,
            mask(text, ids),
            mask(answer.headers.get("Location", ""), ids),
            tuple(sorted(set(answer.headers.keys()))),
        )


def mask(text: str, ids: Ids) -> str:
    for id in ids.values():
        text = text.replace(id, "·")
    text = re.sub(r"\b[A-Z2-9]{4}-[A-Z2-9]{4}\b", "NUMBER", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+(\+00:00|Z)|\d+ \w+ \d{4}, \d\d:\d\d", "TIME", text)
    text = re.sub(r'"stock": ?\d+', "STOCK", text)
    text = re.sub(r"[\w-]{22}\.[\w-]{6}\.[\w-]{43}(?![\w-])", "SIGNED", text)
    return re.sub(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])", "·", text)
