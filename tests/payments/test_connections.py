"""No transaction is open while Stripe is asked: on PostgreSQL it would be idle for as long as Stripe takes."""

from collections.abc import Callable
from typing import Any

import pytest

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.orders.models import Order
from storefront.payments.settlement import settle_payment
from tests.conftest import connect
from tests.payments.conftest import Buyer
from tests.refunds.test_refunds import ask, paid_order

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def idle(ada: Buyer, database_url: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each call of Stripe: how many transactions are idle meanwhile."""
    found, answer = [], ada.server.answer

    def watch(*call: Any) -> Any:
        with connect(database_url) as session:
            ours = "datname = current_database() AND state LIKE 'idle in transaction%'"
            found.append(session.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {ours}").fetchone()[0])
        return answer(*call)

    monkeypatch.setattr(ada.server, "answer", watch)
    return found


def settle(ada: Buyer, order_id: str) -> None:
    """As a job or a page of staff does it that has read something by the session."""
    with ada.app.app_context(), tenant_context("till"):
        order = db.session.get(Order, ("till", order_id))
        settle_payment(order_id)
        assert order.id == order_id


STEPS: dict[str, Callable[[Buyer, str], Any]] = {
    "come back": lambda ada, order_id: ada.come_back(order_id),
    "give up": lambda ada, order_id: ada.post(f"/orders/{order_id}/payment/cancel"),
    "job": settle,
}


@pytest.mark.parametrize("step", STEPS)
def test_no_transaction_is_open_while_a_payment_is_settled(ada: Buyer, idle: list[int], step: str) -> None:
    ada.place()
    (session,) = ada.server.account.sessions.values()
    assert idle == [0]
    STEPS[step](ada, session["client_reference_id"])
    assert sum(idle) == 0
    assert len(idle) > 1


def test_no_transaction_is_open_while_a_refund_is_asked_for(ada: Buyer, idle: list[int]) -> None:
    order_id = paid_order(ada)
    assert ask(ada, order_id, amount=100).status_code == 201
    assert sum(idle) == 0
    assert ada.server.account.refunds
