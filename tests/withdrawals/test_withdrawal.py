"""The EU's withdrawal function: two steps, without a sign-in, for shops in the EU."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from storefront.clock import now
from storefront.mail.kinds import MailKind
from storefront.staff.permissions import Role
from tests.concurrency import at_once
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.mail.outbox import mails
from tests.payments.test_by_hand import events
from tests.staff.factories import api_key, bearer, signed_in

LABEL = "Withdraw from contract here"


@pytest.fixture
def buyer(app: Flask) -> Person:
    """In a shop in Germany."""
    import_tenants(app, tenant("till", product("tea", "12.50"), country="DE", timezone="Europe/Berlin"))
    return Person(app.test_client(), "till")


def place(buyer: Person) -> dict[str, Any]:
    found: dict[str, Any] = buyer.checkout(buyer.cart(tea=2)).json
    return found


def ship(app: Flask, buyer: Person, order_id: str) -> None:
    key = bearer(api_key(app, "till", "orders:write"))
    assert buyer.api("POST", f"/orders/{order_id}/fulfil", {}, headers=key).status_code == 200


def receipts(app: Flask) -> list[dict[str, Any]]:
    """Return the data of the mails that confirm withdrawals."""
    return [mail.data for mail in mails(app, "till") if mail.kind == MailKind.WITHDRAWAL_RECEIVED]


def by_number(buyer: Person, **fields: str) -> TestResponse:
    return buyer.post("/withdraw", {"email": "ada@example.com", **fields})


def test_buyer_withdraws_from_the_page_of_the_order(app: Flask, buyer: Person) -> None:
    order = place(buyer)
    page = f"/orders/{order['id']}"
    assert LABEL in buyer.get(page).text
    assert order["number"] in buyer.get(page + "/withdraw").text

    second = buyer.post(page + "/withdraw", {"statement": "One tea only"})
    assert second.status_code == 200
    assert "Confirm withdrawal" in second.text
    assert "One tea only" in second.text
    assert (events(app, order["id"]), receipts(app)) == (["order.placed"], [])
    for _ in range(2):
        done = buyer.post(page + "/withdraw", {"statement": "One tea only", "confirmed": "true"})
        assert done.status_code == 303
    assert [receipt["statement"] for receipt in receipts(app)] == ["One tea only"]
    assert events(app, order["id"]) == ["order.placed", "withdrawal.received"]
    shown = buyer.get(page).text
    assert "We received your withdrawal on" in shown
    assert page + "/withdraw" not in shown
    assert buyer.get(page + "/withdraw").status_code == 303


def test_buyer_withdraws_with_number_and_email(app: Flask, buyer: Person) -> None:
    order = place(buyer)
    assert LABEL in buyer.get("/").text
    assert "/withdraw" in buyer.get("/").text
    stranger = Person(app.test_client(), "till")
    number = f" {order['number'].lower().replace('-', '')} "
    second = by_number(stranger, number=number, email="Ada@Example.com")
    assert "Confirm withdrawal" in second.text
    assert order["id"] not in second.text
    done = by_number(stranger, number=number, email="Ada@Example.com", confirmed="true")
    assert (done.status_code, order["id"] in done.location) == (303, False)
    assert "received your withdrawal" in stranger.get("/withdraw/received").text
    assert events(app, order["id"])[-1] == "withdrawal.received"


def test_unknown_order_and_wrong_email_have_the_same_answer(buyer: Person) -> None:
    order = place(buyer)

    def answer(**fields: str) -> tuple[int, str]:
        found = by_number(buyer, **fields)
        return found.status_code, re.sub(r'value="[^"]*"', "", found.text)

    wrong_email = answer(number=order["number"], email="eve@example.com")
    assert wrong_email == answer(number="ZZZZZZZZ") == answer(number="") == answer(number="P\0")
    assert wrong_email[0] == 422
    assert "find an order with this number and email address" in wrong_email[1]


def test_guesses_are_limited(make_app: Any) -> None:
    app = make_app(RATELIMIT_ENABLED="true")
    import_tenants(app, tenant("till", product("tea", "12.50"), country="DE"))
    guesser = Person(app.test_client(), "till")
    found = [by_number(guesser, number="ZZZZZZZZ").status_code for _ in range(61)]
    assert (found[:60], found[60]) == ([422] * 60, 429)


def test_time_to_withdraw_ends(app: Flask, buyer: Person) -> None:
    order = place(buyer)
    page = f"/orders/{order['id']}"
    with time_machine.travel(now() + timedelta(days=100)):
        assert page + "/withdraw" in buyer.get(page).text, "an order that isn't shipped has no end"
    ship(app, buyer, order["id"])
    with time_machine.travel(now() + timedelta(days=20)):
        assert buyer.get(page + "/withdraw").status_code == 200
    with time_machine.travel(now() + timedelta(days=23)):
        assert page + "/withdraw" not in buyer.get(page).text
        for answer in (
            buyer.get(page + "/withdraw"),
            buyer.post(page + "/withdraw", {"confirmed": "true"}),
            by_number(buyer, number=order["number"], confirmed="true"),
        ):
            assert answer.status_code == 409
            assert "The time to withdraw from this order is over." in answer.text
    assert "withdrawal.received" not in events(app, order["id"])


def test_cancelled_order_has_no_contract(app: Flask, buyer: Person) -> None:
    order = place(buyer)
    key = bearer(api_key(app, "till", "orders:write"))
    buyer.api("POST", f"/orders/{order['id']}/cancel", {}, headers=key)
    assert buyer.post(f"/orders/{order['id']}/withdraw", {"confirmed": "true"}).status_code == 409


def test_concurrent_withdrawals_are_one(app: Flask, buyer: Person) -> None:
    order = place(buyer)
    call = partial(app.test_client().post, f"/t/till/orders/{order['id']}/withdraw", data={"confirmed": "true"})
    assert {answer.status_code for answer in at_once([call] * 4)} == {303}
    assert events(app, order["id"]) == ["order.placed", "withdrawal.received"]


def test_shop_outside_of_the_eu_has_nothing_of_it(shopper: Person) -> None:
    order_id = shopper.checkout(shopper.cart(beans=1)).json["id"]
    page = f"/orders/{order_id}"
    for answer in (
        shopper.get("/withdraw"),
        shopper.get("/withdraw/received"),
        shopper.get(page + "/withdraw"),
        by_number(shopper, number="ZZZZZZZZ"),
        shopper.post(page + "/withdraw", {"confirmed": "true"}),
    ):
        assert answer.status_code == 404
    assert LABEL not in shopper.get(page).text + shopper.get("/").text


def test_other_shop_does_not_find_the_order(app: Flask, buyer: Person) -> None:
    order = place(buyer)
    import_tenants(app, tenant("other", product("tea", "12.50"), country="DE"))
    other = Person(app.test_client(), "other")
    assert by_number(other, number=order["number"]).status_code == 422
    assert other.post(f"/orders/{order['id']}/withdraw", {"confirmed": "true"}).status_code == 404


def test_staff_see_withdrawals(app: Flask, buyer: Person) -> None:
    withdrawn, other = place(buyer), place(buyer)
    buyer.post(f"/orders/{withdrawn['id']}/withdraw", {"confirmed": "true", "statement": "Both, please"})
    clerk = signed_in(app, "till", Role.CLERK)
    found = clerk.get("/admin/orders?status=withdrawn").text
    assert withdrawn["number"] in found
    assert other["number"] not in found
    rows = clerk.get("/admin/orders").text.split('id="row_')[1:]
    marked = {row.partition('"')[0] for row in rows if "Withdrawn" in row.partition("</tr>")[0]}
    assert marked == {withdrawn["id"]}
    assert withdrawn["number"] in clerk.get(f"/admin/orders?status=withdrawn&q={withdrawn['number']}").text
    searched = clerk.get(f"/admin/orders?status=withdrawn&q={other['number']}").text
    assert other["id"] not in searched
    page = clerk.get(f"/admin/orders/{withdrawn['id']}").text
    assert "Withdrew from contract" in page
    assert "Both, please" in page
    viewer = signed_in(app, "till", Role.VIEWER)
    assert "Both, please" not in viewer.get(f"/admin/orders/{withdrawn['id']}").text
