"""Mails are written in the transaction of the change that they report, and wait there without MAIL_URL."""

from collections.abc import Callable

import pytest
from flask import Flask

from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import run_after_commit, write
from storefront.mail.actions import queue_mail
from storefront.mail.kinds import MailKind
from storefront.orders.fulfilment import cancel_order, fulfil_order
from storefront.orders.fulfilment_validation import Shipment
from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.factories import place_order
from tests.mail.outbox import mails
from tests.staff.factories import signed_in


def test_a_placed_shipped_and_cancelled_order_has_its_mails(app: Flask, shopper: Person) -> None:
    sent, gone = place_order(shopper, beans=1), place_order(shopper, beans=1)
    with app.app_context(), tenant_context("north"):
        fulfil_order(sent, Shipment("An Post", "RR1IE"))
        fulfil_order(sent, Shipment("An Post", "again"))
        cancel_order(gone)
        cancel_order(gone)
    found = [(mail.kind, mail.order_id, mail.recipient, mail.status) for mail in mails(app)]
    assert found == [
        ("order_placed", sent, "ada@example.com", "waiting"),
        ("order_placed", gone, "ada@example.com", "waiting"),
        ("order_shipped", sent, "ada@example.com", "waiting"),
        ("order_cancelled", gone, "ada@example.com", "waiting"),
    ]
    assert mails(app, "south") == []


def test_mails_are_in_the_language_of_the_order(app: Flask, shopper: Person) -> None:
    shopper.post("/language", {"lang": "uk"})
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "1"})
    placed = shopper.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    assert placed.status_code == 303
    order_id = placed.headers["Location"].rsplit("/", 1)[1]
    clerk = signed_in(app, "north", Role.CLERK)
    clerk.post("/language", {"lang": "fr"})
    clerk.post(f"/admin/orders/{order_id}/fulfil", {})
    assert [mail.language for mail in mails(app)] == ["uk", "uk"]


def test_a_refused_order_leaves_no_mail(app: Flask, shopper: Person) -> None:
    refused = shopper.checkout(shopper.cart(beans=1), expected_total=1)
    assert refused.status_code == 409
    assert mails(app) == []


def test_an_order_that_is_placed_again_is_mailed_once(app: Flask, shopper: Person) -> None:
    cart = shopper.cart(beans=1)
    assert [shopper.checkout(cart, key="k").status_code for _ in range(2)] == [201, 200]
    assert len(mails(app)) == 1


@pytest.mark.parametrize(
    ("environment", "host", "root"),
    [
        ({"PUBLIC_URL": "https://shops.example"}, "anything.example", "https://shops.example/t/north"),
        ({}, "localhost:8000", "http://localhost:8000/t/north"),
        ({"BASE_DOMAIN": "shops.example"}, "shops.example", "http://shops.example/t/north"),
        ({}, "evil.example", None),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_links_begin_with_an_address_that_the_shop_is_configured_for(
    make_app: Callable[..., Flask], environment: dict[str, str], host: str, root: str | None
) -> None:
    app = make_app(**environment)
    visitor = Person(app.test_client(), "north")
    cart = visitor.cart(beans=1)
    body = {"email": "ada@example.com", "name": "Ada"}
    assert visitor.api("POST", f"/carts/{cart}/checkout", body, headers={"Host": host}).status_code == 201
    assert [mail.data["root"] for mail in mails(app)] == [root]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_links_of_a_background_job_begin_like_those_of_the_orders_first_mail(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    with app.app_context(), tenant_context("north"):
        cancel_order(order_id)
    assert [mail.data["root"] for mail in mails(app)] == ["http://localhost/t/north"] * 2


def test_mails_of_one_transaction_keep_their_order(app: Flask) -> None:
    with app.app_context(), tenant_context("north"), write():
        for number in range(50):
            queue_mail(MailKind.TEST, f"{number}@mail.example", "en")
    assert [mail.recipient for mail in mails(app)] == [f"{number}@mail.example" for number in range(50)]


def test_what_is_to_follow_a_commit_follows_no_rollback(app: Flask) -> None:
    called: list[str] = []
    with app.app_context(), tenant_context("north"):
        with pytest.raises(ZeroDivisionError), write():
            run_after_commit(lambda: called.append("rolled back"))
            raise ZeroDivisionError
        with write():
            run_after_commit(lambda: called.append("committed"))
            assert called == []
    assert called == ["committed"]
