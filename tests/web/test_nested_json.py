"""JSON from outside that is nested more deeply than Python can read is refused like any other that is no good."""

import pytest
from flask import Flask

from storefront.catalog.import_schema import parse_catalog
from storefront.catalog.json_file import CatalogError
from storefront.mail.http_transports import json_object
from storefront.upsell.llm.answer_reader import parse_completion
from tests.api_contract import assert_problem
from tests.conftest import Person
from tests.payments.conftest import Buyer, open_shop, stripe
from tests.payments.stripe_server import signature

__all__ = ["open_shop", "stripe"]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DEPTHS = (110, 500, 800, *range(850, 1000, 10), 3000, 10_000)
"""Python reads about a thousand levels, less those of the functions that are being called."""


def nested(depth: int, repeating: str = "") -> str:
    return '{"a":' * depth + (repeating or "1") + "}" * depth


def test_webhook(open_shop) -> None:
    ada: Buyer = open_shop()
    for depth in DEPTHS:
        about = f'{{"client_reference_id": null, "id": null, "more": {nested(depth)}}}'
        body = f'{{"id": "evt_{depth}", "type": "checkout.session.completed", "data": {{"object": {about}}}}}'.encode()
        answer = ada.send(body, signature(body))
        assert answer.status_code == 400, depth


@pytest.mark.parametrize("field", ["name", "email", "address", "unknown"])
def test_body_of_an_api_call(shopper: Person, field: str) -> None:
    path = f"/carts/{shopper.cart(beans=1)}/checkout"
    for depth in DEPTHS:
        body = f'{{"{field}": {nested(depth)}}}'
        answer = shopper.client.post(f"{shopper.root}/api/v1{path}", data=body, content_type="application/json")
        assert_problem(answer, 400, "bad-request")


def test_cookie(shopper: Person) -> None:
    for name in ("session", "lang", "staff"):
        shopper.client.set_cookie(name, nested(500))
    assert shopper.get("/cart").status_code == 200


@pytest.mark.parametrize("repeating", ["", '{"b": 1, "b": 2}'])
def test_catalogue(database_url: str, repeating: str) -> None:
    for depth in DEPTHS:
        with pytest.raises(CatalogError):
            parse_catalog(f'{{"tenants": [{nested(depth, repeating)}]}}'.encode())


def test_answer_of_a_mail_provider(database_url: str) -> None:
    for depth in DEPTHS:
        assert json_object(nested(depth).encode()) == {}


@pytest.mark.parametrize("prose", ["", "Here you are: "])
def test_answer_of_a_model(app: Flask, prose: str) -> None:
    class Message:
        content = ""
        refusal = None

    class Choice:
        message = Message
        finish_reason = "stop"

    class Completion:
        choices = [Choice]

    with app.app_context():
        for depth in DEPTHS:
            Message.content = prose + nested(depth)
            assert parse_completion(Completion)["outcome"] == "invalid_json", depth
