"""Refunds by the staff: of items, shipping or an amount, through the payment provider, never more than was paid."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.mail.kinds import MailKind
from storefront.orders.refund_models import Refund
from storefront.refunds import actions
from storefront.refunds.changes import change_refund
from storefront.refunds.jobs import check_refunds
from storefront.staff.permissions import Role
from tests.api_contract import assert_problem
from tests.concurrency import at_once
from tests.conftest import Person
from tests.mail.outbox import mails
from tests.payments.conftest import Buyer
from tests.payments.test_by_hand import events
from tests.staff.factories import api_key, bearer, signed_in


def ask(buyer: Buyer, order_id: str, scope: str = "refunds:write", idempotency: str = "", **body: Any) -> TestResponse:
    headers = bearer(api_key(buyer.app, "till", scope)) | ({"Idempotency-Key": idempotency} if idempotency else {})
    return buyer.api("POST", f"/orders/{order_id}/refunds", body, headers=headers)


def paid_order(buyer: Buyer, quantity: int = 2, method: str = "stripe") -> str:
    order_id = str(buyer.order(method, quantity)["id"])
    if method == "stripe":
        buyer.pay(order_id)
        buyer.come_back(order_id)
    else:
        headers = bearer(api_key(buyer.app, "till", "orders:write"))
        assert buyer.api("POST", f"/orders/{order_id}/paid", {}, headers=headers).status_code == 200
    assert buyer.payment(order_id)["status"] == "paid"
    return order_id


def test_items_are_refunded_through_the_provider(ada: Buyer) -> None:
    order_id = paid_order(ada, 3)
    answer = ask(ada, order_id, items=[{"product_id": "tea", "quantity": 1}], restock=True, reason="Broken cup")
    assert answer.status_code == 201, answer.text
    refund = answer.json
    assert refund["amount"] == {"amount": 1250, "currency": "EUR"}
    assert (refund["status"], refund["restocked"], refund["reason"]) == ("succeeded", True, "Broken cup")
    assert refund["number"].startswith("CN-20")
    assert [(item["product_id"], item["quantity"]) for item in refund["items"]] == [("tea", 1)]
    assert ada.server.account.money == 2500
    found = ada.find(order_id)
    assert (found["payment"]["status"], found["payment"]["refunded"]["amount"]) == ("partly_refunded", 1250)
    assert found["refunds"] == [refund]
    assert ada.left == 10 - 3 + 1
    assert events(ada.app, order_id) == ["order.placed", "order.paid", "order.refunded"]
    rest = ask(ada, order_id, items=[{"product_id": "tea", "quantity": 2}])
    assert rest.json["amount"]["amount"] == 2500
    assert ada.payment(order_id)["status"] == "refunded"
    assert (ada.server.account.money, ada.left) == (0, 8)
    assert_problem(ask(ada, order_id, amount=1), 422, field="amount")


@pytest.mark.parametrize("method", ["bank_transfer", "on_delivery"])
def test_staff_pay_back_by_hand_what_was_paid_by_hand(ada: Buyer, method: str) -> None:
    order_id = paid_order(ada, 1, method)
    assert ask(ada, order_id, amount=250).json["status"] == "succeeded"
    assert ada.payment(order_id)["refunded"]["amount"] == 250


def test_orders_of_which_nothing_was_paid_are_refused(ada: Buyer, shopper: Person) -> None:
    for order_id in (ada.order()["id"], ada.order("bank_transfer")["id"], ada.checkout(ada.cart(gift=1)).json["id"]):
        assert_problem(ask(ada, order_id, amount=1), 422, field="amount")
    assert_problem(ask(ada, "nosuch", amount=1), 404)
    theirs = shopper.checkout(shopper.cart(beans=1)).json["id"]
    assert_problem(ask(ada, theirs, amount=1), 404)


def test_permission_is_needed(ada: Buyer) -> None:
    order_id = paid_order(ada, 1)
    assert_problem(ask(ada, order_id, "orders:write", amount=1), 403)
    assert_problem(ada.api("POST", f"/orders/{order_id}/refunds", {"amount": 1}), 401)
    viewer = signed_in(ada.app, "till", Role.VIEWER)
    assert viewer.post(f"/admin/orders/{order_id}/refunds", {"amount": "1"}).status_code == 403


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "amount"),
    ({"items": [{"product_id": "tea", "quantity": 3}]}, "items"),
    ({"items": [{"product_id": "coffee", "quantity": 1}]}, "items"),
    ({"items": [{"product_id": "tea", "quantity": 1}, {"product_id": "tea", "quantity": 1}]}, "items"),
    ({"shipping": 1}, "shipping"),
    ({"amount": 2501}, "amount"),
    ({"amount": 0}, "amount"),
    ({"amount": 1, "reason": "x" * 501}, "reason"),
]


def test_invalid_refunds_are_refused_and_change_nothing(ada: Buyer) -> None:
    order_id = paid_order(ada)
    for body, field in REFUSED:
        assert_problem(ask(ada, order_id, **body), 422, field=field)
    assert (ada.find(order_id)["refunds"], ada.server.account.money) == ([], 2500)


def test_repeated_key_is_the_same_refund(ada: Buyer) -> None:
    order_id = paid_order(ada)
    first, again = (ask(ada, order_id, idempotency="one", amount=100) for _ in range(2))
    assert first.json == again.json
    assert ada.server.account.money == 2400
    assert_problem(ask(ada, order_id, idempotency="one", amount=200), 422)


def test_concurrent_refunds_never_exceed_what_was_paid(ada: Buyer) -> None:
    order_id = paid_order(ada)
    headers = bearer(api_key(ada.app, "till", "refunds:write"))
    url, body = (
        f"/t/till/api/v1/orders/{order_id}/refunds",
        {"items": [{"product_id": "tea", "quantity": 1}], "restock": True},
    )
    answers = at_once([partial(ada.app.test_client().post, url, json=body, headers=headers)] * 5)
    assert sorted(answer.status_code for answer in answers) == [201, 201, 422, 422, 422]
    assert (ada.server.account.money, ada.left) == (0, 10)
    numbers = sorted(answer.json["number"] for answer in answers if answer.status_code == 201)
    assert [number[-4:] for number in numbers] == ["0001", "0002"]
    assert ada.payment(order_id)["refunded"]["amount"] == 2500


def test_credit_notes_are_numbered_without_gaps_across_orders(ada: Buyer) -> None:
    orders = [paid_order(ada, 1) for _ in range(3)]
    headers = bearer(api_key(ada.app, "till", "refunds:write"))
    calls = [
        partial(
            ada.app.test_client().post, f"/t/till/api/v1/orders/{id}/refunds", json={"amount": amount}, headers=headers
        )
        for id in orders
        for amount in (10, 20, 2000)
    ]
    answers = at_once(calls)
    numbers = sorted(answer.json["number"][-4:] for answer in answers if answer.status_code == 201)
    assert numbers == [f"{n:04}" for n in range(1, 7)], "a refused or failed refund took a number"


def test_refund_waits_while_the_provider_does_not_answer(ada: Buyer) -> None:
    order_id = paid_order(ada)
    ada.server.faults.answers = [500]
    refund = ask(ada, order_id, amount=500).json
    assert (refund["status"], refund["number"]) == ("pending", None)
    assert ada.payment(order_id)["refunded"]["amount"] == 0
    assert_problem(ask(ada, order_id, amount=2001), 422, field="amount")
    continue_refunds(ada)
    assert ada.find(order_id)["refunds"][0]["status"] == "succeeded"
    assert ada.server.account.money == 2000


def test_refund_whose_answer_was_lost_is_paid_back_once(ada: Buyer) -> None:
    order_id = paid_order(ada)
    ada.server.faults.answers = ["late"]
    assert ask(ada, order_id, amount=500).json["status"] == "pending"
    ada.server.results.clear()  # the provider has forgotten the idempotency key
    with ada.app.app_context(), tenant_context("till"), write():
        change_refund(ada.find(order_id)["refunds"][0]["id"], created_at=now() - timedelta(days=2))
    continue_refunds(ada)
    assert ada.find(order_id)["refunds"][0]["status"] == "succeeded"
    assert ada.server.account.money == 2000


def test_refund_that_the_provider_processes_is_followed(ada: Buyer) -> None:
    order_id = paid_order(ada)
    ada.server.account.refund_status = "pending"
    assert ask(ada, order_id, amount=500).json["status"] == "pending"
    continue_refunds(ada)
    assert ada.find(order_id)["refunds"][0]["status"] == "pending"
    (at_stripe,) = ada.server.account.refunds.values()
    at_stripe["status"] = "succeeded"
    continue_refunds(ada)
    assert ada.find(order_id)["refunds"][0]["status"] == "succeeded"
    assert ada.server.account.money == 2000, "the money was paid back twice"


def test_failed_refund_can_be_repeated_and_restocks_once(ada: Buyer) -> None:
    order_id = paid_order(ada)
    ada.server.account.refund_status = "failed"
    failed = ask(ada, order_id, items=[{"product_id": "tea", "quantity": 2}], restock=True, amount=100).json
    assert (failed["status"], failed["number"]) == ("failed", None)
    assert events(ada.app, order_id)[-1] == "refund.failed"
    assert ada.payment(order_id)["status"] == "paid"
    ada.server.account.refund_status = "succeeded"
    again = ask(ada, order_id, items=[{"product_id": "tea", "quantity": 2}], restock=True, amount=100)
    assert again.json["number"].endswith("-0001")
    assert ada.left == 10


def continue_refunds(buyer: Buyer) -> None:
    """Do what the scheduler does, without waiting."""
    with buyer.app.app_context(), tenant_context("till"):
        for refund_id in db.session.scalars(select(Refund.id)).all():
            actions.pay_back(refund_id)


def test_job_continues_a_refund_after_a_crash(ada: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = paid_order(ada)
    monkeypatch.setattr(actions, "pay_back", lambda _id: None)  # as if the process was killed before it asked
    assert ask(ada, order_id, amount=500).json["status"] == "pending"
    monkeypatch.undo()
    with ada.app.app_context(), tenant_context("till"):
        check_refunds()
        check_refunds()
    assert ada.find(order_id)["refunds"][0]["status"] == "succeeded"
    assert ada.server.account.money == 2000


@pytest.mark.parametrize("method", ["stripe", "bank_transfer"])
def test_cancelling_a_paid_order_refunds_it(ada: Buyer, method: str) -> None:
    order_id = paid_order(ada, 2, method)
    ask(ada, order_id, items=[{"product_id": "tea", "quantity": 1}], restock=True)
    ask(ada, order_id, amount=100)
    headers = bearer(api_key(ada.app, "till", "orders:write"))
    for _ in range(2):
        cancelled = ada.api("POST", f"/orders/{order_id}/cancel", {}, headers=headers).json
        assert (cancelled["status"], cancelled["payment"]["status"]) == ("cancelled", "refunded")
        assert cancelled["payment"]["refunded"]["amount"] == 2500
        assert [refund["amount"]["amount"] for refund in cancelled["refunds"]] == [1250, 100, 1150]
        assert ada.left == 10, "what had come back came back again"


def test_cancellation_keeps_its_refund_while_the_provider_is_down(ada: Buyer) -> None:
    order_id = paid_order(ada)
    ada.server.faults.answers = [500]
    headers = bearer(api_key(ada.app, "till", "orders:write"))
    cancelled = ada.api("POST", f"/orders/{order_id}/cancel", {}, headers=headers).json
    assert (cancelled["status"], [refund["status"] for refund in cancelled["refunds"]]) == ("cancelled", ["pending"])
    continue_refunds(ada)
    assert ada.payment(order_id)["status"] == "refunded"


def test_refund_is_mailed_once_with_its_amount(ada: Buyer) -> None:
    order_id = paid_order(ada)
    for _ in range(2):
        ask(ada, order_id, idempotency="once", amount=300)
    mailed = [mail for mail in mails(ada.app, "till") if mail.kind == MailKind.ORDER_REFUNDED]
    assert [(mail.order_id, mail.data["amount"]) for mail in mailed] == [(order_id, 300)]


def test_staff_refund_in_the_back_office(ada: Buyer) -> None:
    order_id = paid_order(ada)
    clerk = signed_in(ada.app, "till", Role.CLERK)
    page, path = clerk.get(f"/admin/orders/{order_id}").text, f"/admin/orders/{order_id}/refunds"
    assert "Up to €25.00 can be refunded." in page
    assert "refusal" not in page
    sent = {"refund_id": "a" * 22, "quantity_tea": "1", "refund_restock": "true", "refund_reason": "Broken"}
    for _ in range(2):
        assert clerk.post(path, sent).status_code == 303
    assert (ada.server.account.money, ada.left) == (1250, 9)
    page = clerk.get(f"/admin/orders/{order_id}").text
    for text in ("Refunded: €12.50", "Credit note CN-", "Broken", "back in stock", "Up to €12.50 can be refunded."):
        assert text in page
    assert "Broken" in ada.get(f"/orders/{order_id}").text
    for wrong, message in (
        ({"quantity_tea": "2"}, "At most 1 of tea can be refunded."),
        ({"quantity_tea": "one"}, "Please enter whole numbers."),
        ({"refund_amount": "x"}, "Please enter an amount."),
        ({"refund_amount": "12,51"}, "This is more than what was paid"),
        ({}, "Please choose what to refund."),
    ):
        refused = clerk.post(path, {"refund_id": "b" * 22, **wrong})
        assert refused.status_code == 422
        assert message in refused.text
    assert clerk.post(path, {"refund_amount": "12,50"}).status_code == 303
    page = clerk.get(f"/admin/orders/{order_id}").text
    assert "can be refunded." not in page
