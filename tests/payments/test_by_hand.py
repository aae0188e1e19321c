"""Bank transfers and payments on delivery, which staff mark as paid."""

from functools import partial

from flask import Flask

from storefront.db.tenant_context import tenant_context
from storefront.events.queries import events_of
from storefront.payments.settings import load_settings, save_bank_account
from storefront.staff.permissions import Role
from tests.api_contract import assert_problem
from tests.concurrency import at_once
from tests.conftest import Person
from tests.payments.conftest import Buyer
from tests.staff.factories import api_key, bearer, signed_in


def mark(ada: Buyer, order_id: str, scope: str = "orders:write", **body: str):
    key = api_key(ada.app, "till", scope)
    return ada.api("POST", f"/orders/{order_id}/paid", body, headers=bearer(key))


def events(app: Flask, order_id: str) -> list[str]:
    with app.app_context(), tenant_context("till"):
        return [event.type for event in reversed(events_of(order_id, 50))]


def test_transfer_shows_account_reference_and_date_until_it_is_paid(ada: Buyer) -> None:
    with ada.app.app_context(), tenant_context("till"):
        save_bank_account("Till Ltd\nIE29 AIBK 9311 5212 3456 78", 10)
        assert load_settings().transfer_days == 10
    order_id = ada.place("bank_transfer").location.rpartition("/")[2]
    page = ada.get(f"/orders/{order_id}").text
    assert "IE29 AIBK 9311 5212 3456 78" in page
    assert f"<strong>{ada.find(order_id)['number']}</strong>" in page
    assert mark(ada, order_id).status_code == 200
    page = ada.get(f"/orders/{order_id}").text
    assert "Paid" in page
    assert "IE29" not in page


def test_marking_as_paid_is_recorded_once_with_who_did_it(ada: Buyer) -> None:
    for method in ("bank_transfer", "on_delivery"):
        order_id = ada.order(method, 1)["id"]
        key = api_key(ada.app, "till", "orders:write")
        path, client = f"/t/till/api/v1/orders/{order_id}/paid", ada.app.test_client()
        call = partial(client.post, path, json={}, headers=bearer(key))
        answers = at_once([call] * 5)
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json["payment"]["paid"]["amount"] for answer in answers} == {1250}
        assert ada.payment(order_id)["status"] == "paid"
        assert events(ada.app, order_id) == ["order.placed", "order.paid"]
        with ada.app.app_context(), tenant_context("till"):
            assert events_of(order_id, 1)[0].actor_type == "key"


def test_what_cannot_be_marked_as_paid_is_refused(ada: Buyer, shopper: Person) -> None:
    online, cancelled = ada.order()["id"], ada.order("bank_transfer")["id"]
    free = ada.checkout(ada.cart(gift=1)).json["id"]
    key = api_key(ada.app, "till", "orders:write")
    assert ada.api("POST", f"/orders/{cancelled}/cancel", {}, headers=bearer(key)).status_code == 200
    for order_id in (online, cancelled, free):
        assert_problem(mark(ada, order_id), 409, "wrong-state")
    assert_problem(mark(ada, "nosuch"), 404)
    assert_problem(mark(ada, online, "orders:read"), 403)
    assert_problem(ada.api("POST", f"/orders/{online}/paid", {}), 401)
    assert_problem(mark(ada, ada.order("on_delivery")["id"], reference="x" * 200), 422, field="reference")
    theirs = shopper.checkout(shopper.cart(beans=1)).json["id"]
    assert_problem(mark(ada, theirs), 404)


def test_cancelled_transfer_is_not_awaited_any_more(ada: Buyer) -> None:
    order_id = ada.order("bank_transfer")["id"]
    key = api_key(ada.app, "till", "orders:write")
    cancelled = ada.api("POST", f"/orders/{order_id}/cancel", {}, headers=bearer(key)).json
    assert (cancelled["status"], cancelled["payment"]["status"]) == ("cancelled", "expired")
    assert ada.left == 10
    assert "This order was cancelled" in ada.get(f"/orders/{order_id}").text


def test_staff_see_and_mark_payments_in_the_back_office(ada: Buyer) -> None:
    transfer, online = ada.order("bank_transfer", 1), ada.order("stripe", 1)
    clerk = signed_in(ada.app, "till", Role.CLERK)
    waiting = clerk.get("/admin/orders?payment=pending").text
    assert transfer["number"] in waiting
    assert online["number"] in waiting
    assert f'value="{transfer["id"]}"' in waiting, "a transfer may be shipped before it has come"
    assert f'value="{online["id"]}"' not in waiting, "an order that may expire can be selected for shipping"
    assert transfer["number"] not in clerk.get("/admin/orders?payment=paid").text
    done = clerk.post(f"/admin/orders/{transfer['id']}/paid", {"reference": "statement 7"})
    assert done.status_code == 303
    page = clerk.get(f"/admin/orders/{transfer['id']}").text
    assert "statement 7" in page
    assert transfer["number"] in clerk.get("/admin/orders?payment=paid").text
    refused = clerk.post(f"/admin/orders/{online['id']}/paid")
    assert refused.status_code == 409
    assert "This order is paid online" in refused.text
    viewer = signed_in(ada.app, "till", Role.VIEWER)
    assert viewer.post(f"/admin/orders/{online['id']}/paid").status_code == 403


def test_unpaid_online_order_cannot_be_shipped(ada: Buyer) -> None:
    order_id, transfer = ada.order()["id"], ada.order("bank_transfer")["id"]
    key = bearer(api_key(ada.app, "till", "orders:write"))
    assert_problem(ada.api("POST", f"/orders/{order_id}/fulfil", {}, headers=key), 409, "wrong-state")
    assert ada.api("POST", f"/orders/{transfer}/fulfil", {}, headers=key).status_code == 200
    ada.pay(order_id)
    ada.come_back(order_id)
    assert ada.api("POST", f"/orders/{order_id}/fulfil", {}, headers=key).status_code == 200


def test_api_lists_orders_by_payment(ada: Buyer) -> None:
    transfer = ada.order("bank_transfer", 1)
    ada.order("on_delivery", 1)
    key = bearer(api_key(ada.app, "till", "orders:read"))
    found = ada.api("GET", "/orders?payment=pending", headers=key).json["items"]
    assert [order["id"] for order in found] == [transfer["id"]]
    assert found[0]["payment"]["method"] == "bank_transfer"
    assert_problem(ada.api("GET", "/orders?payment=no", headers=key), 422, field="payment")
