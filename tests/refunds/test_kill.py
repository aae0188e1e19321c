"""kill -9 at each step between "refund requested" and "refunded": money, stock, credit notes and mails agree once the
shop is up again, and nothing is paid back twice."""

import pytest

from storefront.mail.kinds import MailKind
from tests.mail.outbox import mails
from tests.payments.conftest import Buyer
from tests.payments.killed import BODIES
from tests.payments.test_by_hand import events
from tests.payments.test_kill import work_later
from tests.refunds.test_refunds import paid_order
from tests.staff.factories import api_key, bearer

ACTIONS = "storefront.refunds.actions"
STRIPE = "storefront.payments.stripe_provider:StripeProvider"
WHILE_REFUNDING = {
    "the refund is about to be committed": ("after", f"{ACTIONS}:add_refund"),
    "the refund is committed, Stripe isn't asked": ("before", f"{STRIPE}.refund"),
    "Stripe has paid back, which isn't recorded": ("after", f"{STRIPE}.refund"),
    "the credit note is about to be committed": ("after", f"{ACTIONS}:finish_refund"),
    "the credit note is committed, nobody is answered": ("after", f"{ACTIONS}:apply_answer"),
}
WHILE_CONTINUING = {
    "Stripe isn't asked": ("before", f"{STRIPE}.refund"),
    "Stripe has paid back, which isn't recorded": ("after", f"{STRIPE}.refund"),
    "the credit note is about to be committed": ("after", f"{ACTIONS}:finish_refund"),
    "the credit note is committed": ("after", f"{ACTIONS}:apply_answer"),
}
WHILE_CANCELLING = {
    "the cancellation is about to be committed": ("after", "storefront.refunds.subscribers:refund_rest"),
    "the cancellation is committed, Stripe isn't asked": ("before", f"{STRIPE}.refund"),
    "Stripe has paid back, which isn't recorded": ("after", f"{STRIPE}.refund"),
    "the credit note is about to be committed": ("after", f"{ACTIONS}:finish_refund"),
    "the credit note is committed": ("after", f"{ACTIONS}:apply_answer"),
}


def headers_of(buyer: Buyer, scope: str) -> dict[str, str]:
    return bearer(api_key(buyer.app, "till", scope))


def key_in(headers: dict[str, str]) -> str:
    return headers["Authorization"].removeprefix("Bearer ")


def is_refunded_once(buyer: Buyer, order_id: str, amount: int, left: int) -> bool:
    """Whether this amount was paid back, exactly once: money, stock, credit note, events and mails agree."""
    order = buyer.find(order_id)
    mailed = [mail.data["amount"] for mail in mails(buyer.app, "till") if mail.kind == MailKind.ORDER_REFUNDED]
    return (
        [(one["status"], one["amount"]["amount"], one["number"][-5:]) for one in order["refunds"]]
        == [("succeeded", amount, "-0001")]
        and order["payment"]["refunded"]["amount"] == amount
        and [one["amount"] for one in buyer.server.account.refunds.values()] == [amount]
        and buyer.server.account.money == order["total"]["amount"] - amount
        and events(buyer.app, order_id).count("order.refunded") == 1
        and mailed == [amount]
        and buyer.left == left
    )


@pytest.mark.parametrize("step", WHILE_REFUNDING)
def test_killed_while_refunding_and_asked_again(ada: Buyer, die, step: str) -> None:
    order_id = paid_order(ada)
    headers = headers_of(ada, "refunds:write")
    die(*WHILE_REFUNDING[step], "refunds", f"{order_id} {key_in(headers)}")
    headers |= {"Idempotency-Key": "one"}
    assert ada.api("POST", f"/orders/{order_id}/refunds", BODIES["refunds"], headers=headers).status_code == 201
    assert is_refunded_once(ada, order_id, 1250, left=9)


@pytest.mark.parametrize("step", list(WHILE_REFUNDING)[1:])
def test_killed_while_refunding_and_nobody_asks_again(ada: Buyer, die, step: str) -> None:
    order_id = paid_order(ada)
    die(*WHILE_REFUNDING[step], "refunds", f"{order_id} {key_in(headers_of(ada, 'refunds:write'))}")
    work_later(ada, 3)
    assert is_refunded_once(ada, order_id, 1250, left=9)


def test_killed_before_the_refund_is_committed_and_nobody_asks_again(ada: Buyer, die) -> None:
    order_id = paid_order(ada)
    die("after", f"{ACTIONS}:add_refund", "refunds", f"{order_id} {key_in(headers_of(ada, 'refunds:write'))}")
    work_later(ada, 3)
    assert (ada.find(order_id)["refunds"], ada.server.account.money, ada.left) == ([], 2500, 8)


@pytest.mark.parametrize("step", WHILE_CONTINUING)
def test_killed_again_while_the_job_continues(ada: Buyer, die, step: str) -> None:
    order_id = paid_order(ada)
    die("before", f"{STRIPE}.refund", "refunds", f"{order_id} {key_in(headers_of(ada, 'refunds:write'))}")
    die(*WHILE_CONTINUING[step], "work", "", 2)
    work_later(ada, 5)
    assert is_refunded_once(ada, order_id, 1250, left=9)


@pytest.mark.parametrize("step", WHILE_CANCELLING)
def test_killed_while_cancelling_a_paid_order(ada: Buyer, die, step: str) -> None:
    order_id = paid_order(ada)
    headers = headers_of(ada, "orders:write")
    die(*WHILE_CANCELLING[step], "cancel", f"{order_id} {key_in(headers)}")
    assert ada.api("POST", f"/orders/{order_id}/cancel", {}, headers=headers).json["status"] == "cancelled"
    work_later(ada, 3)
    assert is_refunded_once(ada, order_id, 2500, left=10)
