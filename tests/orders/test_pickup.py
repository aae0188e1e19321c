"""An order that its buyer picks up isn't called a shipment: in mails, on the order's page, and for the staff."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from storefront.mail.kinds import MailKind
from storefront.mail.rendering import RenderedMail, render_mail
from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.mail.outbox import InShop, mails
from tests.staff.factories import Staff, signed_in

SHIPPING = [
    {"id": "pickup", "name": "Pick up", "price": "0", "default": True},
    {"id": "post", "name": "Post", "price": "4.90"},
]
GALWAY = {"line1": "4 Quay Street", "city": "Galway", "postal_code": "H91 X4N2", "country": "IE"}


@pytest.fixture
def buyer(app: Flask) -> Person:
    found = tenant("till", product("tea", "12.50"), shipping=SHIPPING, payment=["on_delivery", "bank_transfer"])
    import_tenants(app, found | {"country": "IE", "contact": {"address": "1 Mill Lane\nCork"}})
    return Person(app.test_client(), "till")


@pytest.fixture
def clerk(app: Flask, buyer: Person) -> Staff:
    return signed_in(app, "till", Role.CLERK)


@pytest.fixture
def mail_of(app: Flask) -> Callable[[MailKind], RenderedMail]:
    def latest(kind: MailKind) -> RenderedMail:
        with InShop(app, "till"):
            return render_mail([mail for mail in mails(app, "till") if mail.kind == kind][-1])

    return latest


def place(buyer: Person, **fields: Any) -> str:
    answer = buyer.checkout(buyer.cart(tea=1), **{"payment": "on_delivery", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def test_mails_say_where_and_when_to_pick_up(
    buyer: Person, clerk: Staff, mail_of: Callable[[MailKind], RenderedMail]
) -> None:
    order_id = place(buyer)
    text = mail_of(MailKind.ORDER_PLACED).text
    assert "We'll write to you as soon as it's ready to be picked up." in text
    assert "on its way" not in text
    assert "Pick up at: 1 Mill Lane, Cork" in text
    assert clerk.post(f"/admin/orders/{order_id}/fulfil").status_code == 303
    ready = mail_of(MailKind.ORDER_SHIPPED)
    assert "is ready to be picked up" in ready.subject
    assert "Pick up at: 1 Mill Lane, Cork" in ready.text
    assert "shipped" not in ready.text + ready.html


def test_pages_of_a_pick_up_do_not_speak_of_shipping(buyer: Person, clerk: Staff) -> None:
    order_id = place(buyer)
    page = clerk.get(f"/admin/orders/{order_id}").text
    assert "Mark as ready for pick-up" in page
    assert "To prepare" in page
    for text in ("Mark as shipped", "Carrier", "To ship"):
        assert text not in page.partition('id="order"')[2], text
    clerk.post(f"/admin/orders/{order_id}/fulfil")
    page = clerk.get(f"/admin/orders/{order_id}").text.partition('id="order"')[2]
    assert "Ready for pick-up" in page
    assert "Shipped" not in page
    assert "Change tracking" not in page
    receipt = buyer.get(f"/orders/{order_id}").text.partition('id="order"')[2]
    assert "Your order is ready to be picked up" in receipt
    assert "Pick up at: 1 Mill Lane" in receipt
    assert "Ready for pick-up" in receipt
    assert "hipped" not in receipt
    assert buyer.api("GET", f"/orders/{order_id}").json["status"] == "fulfilled"


def test_order_that_is_sent_is_still_called_so(
    buyer: Person, clerk: Staff, mail_of: Callable[[MailKind], RenderedMail]
) -> None:
    order_id = place(buyer, shipping="post", address=GALWAY)
    text = mail_of(MailKind.ORDER_PLACED).text
    assert "when it is on its way" in text
    assert "Pick up at" not in text
    clerk.post(f"/admin/orders/{order_id}/fulfil")
    assert "is on its way" in mail_of(MailKind.ORDER_SHIPPED).subject
    assert "Pick up at" not in buyer.get(f"/orders/{order_id}").text


@pytest.mark.parametrize(("method", "name"), [("on_delivery", "Pay on delivery"), ("bank_transfer", "Bank transfer")])
def test_mail_names_the_method_of_payment(
    buyer: Person, mail_of: Callable[[MailKind], RenderedMail], method: str, name: str
) -> None:
    place(buyer, payment=method)
    assert f"Payment: {name}" in mail_of(MailKind.ORDER_PLACED).text
