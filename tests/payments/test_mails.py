"""Which mails the buyer of an order with a payment gets, and what they say of it."""

import re
from datetime import timedelta

import pytest
import time_machine

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.mail.rendering import RenderedMail, render_mail
from storefront.orders.fulfilment import cancel_order
from storefront.payments.settings import save_bank_account
from tests.concurrency import at_once
from tests.mail.outbox import InShop, mails
from tests.payments.conftest import Buyer
from tests.payments.stripe_account import SLOW
from tests.payments.test_by_hand import mark

ACCOUNT = "Till Ltd\nIE29 AIBK 9311 5212 3456 78"


def mailed(ada: Buyer, order_id: str) -> list[str]:
    """The kinds of the mails about an order, the oldest first."""
    found = [mail for mail in mails(ada.app, "till") if mail.order_id == order_id]
    assert {mail.recipient for mail in found} <= {"ada@example.com"}
    return [mail.kind for mail in found]


def cancel(ada: Buyer, order_id: str) -> None:
    with ada.app.app_context(), tenant_context("till"):
        cancel_order(order_id)


def test_online_order_is_mailed_once_it_is_paid(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    assert mailed(ada, order_id) == []
    ada.pay(order_id)
    ada.deliver(ada.server.account.events[0])
    at_once([ada.work, ada.work, lambda: ada.come_back(order_id)])
    assert mailed(ada, order_id) == ["order_paid"]


@pytest.mark.parametrize(
    ("host", "root"), [("localhost:8000", "http://localhost:8000/t/till"), ("made-up.example", None)]
)
def test_first_mail_of_a_payment_that_a_job_finds_leads_to_the_shop_as_the_buyer_came_to_it(
    ada: Buyer, host: str, root: str | None
) -> None:
    body = {"email": "ada@example.com", "name": "Ada", "payment": "stripe"}
    order = ada.api("POST", f"/carts/{ada.cart(tea=1)}/checkout", body, headers={"Host": host}).json
    ada.pay(order["id"])
    ada.deliver(ada.server.account.events[0])
    ada.work()
    (mail,) = mails(ada.app, "till")
    assert mail.data["root"] == root
    assert (f"{root}/orders/{order['id']}" in confirmation(ada).text) is (root is not None)


@pytest.mark.parametrize("method", ["bank_transfer", "on_delivery"])
def test_order_marked_as_paid_is_mailed_once(ada: Buyer, method: str) -> None:
    order_id = ada.order(method)["id"]
    assert mailed(ada, order_id) == ["order_placed"]
    for _again in range(2):
        assert mark(ada, order_id).status_code == 200
    assert mailed(ada, order_id) == ["order_placed", "order_paid"]


def test_online_order_that_expires_is_not_mailed(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    with time_machine.travel(now() + timedelta(minutes=31)):
        ada.work()
    assert ada.find(order_id)["status"] == "cancelled"
    assert mailed(ada, order_id) == []


def test_order_that_staff_cancel_is_mailed_unless_nobody_has_paid_online(ada: Buyer) -> None:
    unpaid, slow, paid, transfer = (ada.order(how, 1)["id"] for how in ("stripe", "stripe", "stripe", "bank_transfer"))
    ada.pay(slow, SLOW)
    ada.pay(paid)
    for order_id in (slow, paid):
        ada.come_back(order_id)
    for order_id in (unpaid, slow, paid, transfer):
        cancel(ada, order_id)
        assert ada.find(order_id)["status"] == "cancelled"
    assert mailed(ada, unpaid) == []
    assert mailed(ada, slow) == ["order_cancelled"]
    assert mailed(ada, paid) == ["order_paid", "order_cancelled", "order_refunded"]
    assert mailed(ada, transfer) == ["order_placed", "order_cancelled"]


def test_buyer_hears_of_a_slow_payment_that_failed(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id, SLOW)
    ada.come_back(order_id)
    assert mailed(ada, order_id) == []
    ada.server.account.finish(ada.session_of(order_id), succeeds=False)
    ada.deliver(ada.server.account.events[-1])
    ada.work()
    assert mailed(ada, order_id) == ["order_cancelled"]


def confirmation(ada: Buyer) -> RenderedMail:
    with InShop(ada.app, "till"):
        return render_mail(mails(ada.app, "till")[0])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_mail_of_a_transfer_has_account_reference_and_date_until_it_is_paid(ada: Buyer) -> None:
    with ada.app.app_context(), tenant_context("till"):
        save_bank_account(ACCOUNT, 10)
    order = ada.order("bank_transfer")
    asked = confirmation(ada)
    wanted = re.compile(rf"€25\.00 by \w+ \w+, [\d:]+.* and give this reference: {order['number']}")
    for text in (asked.text, asked.html):
        assert wanted.search(text), asked.text
    assert "Bank account: Till Ltd, IE29 AIBK 9311 5212 3456 78" in asked.text
    assert "Till Ltd<br>IE29 AIBK 9311 5212 3456 78" in asked.html
    assert mark(ada, order["id"]).status_code == 200
    paid = confirmation(ada)
    assert "IE29" not in paid.text + paid.html
    assert "reference" not in paid.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_mail_of_a_payment_on_delivery_asks_for_no_transfer(ada: Buyer) -> None:
    with ada.app.app_context(), tenant_context("till"):
        save_bank_account(ACCOUNT, 10)
    ada.order("on_delivery")
    assert "IE29" not in confirmation(ada).text
