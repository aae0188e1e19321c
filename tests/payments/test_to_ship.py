"""What is to be shipped: the same on the home page and in the list, without what waits for a payment or was withdrawn
from; and the sales without what waits for a payment."""

import re
from datetime import timedelta

import pytest
import time_machine

from storefront.clock import now
from storefront.db.base import db
from storefront.orders.sales import Sales
from storefront.orders.search import SELECT_ORDERS, TO_SHIP
from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.mail.outbox import InShop
from tests.payments.conftest import METHODS, Buyer
from tests.payments.stripe_account import SLOW
from tests.refunds.test_sales import sales_of_yesterday
from tests.staff.factories import Staff, signed_in


def withdraw(buyer: Person, order_id: str) -> None:
    assert buyer.post(f"/orders/{order_id}/withdraw", {"confirmed": "true"}).status_code == 303


def listed(clerk: Staff, query: str) -> list[str]:
    return re.findall(r'id="row_([^"]+)"', clerk.get(f"/admin/orders?{query}").text)


@pytest.fixture
def german(ada: Buyer) -> Buyer:
    """In a shop in the EU, whose buyers may withdraw."""
    import_tenants(ada.app, tenant("till", product("tea", "12.50", 10), payment=METHODS, country="DE"), refresh=True)
    return ada


def test_home_and_list_agree_on_what_is_to_be_shipped(german: Buyer) -> None:
    plain, withdrawn = (german.order("on_delivery", 1)["id"] for _ in range(2))
    online = german.order("stripe", 1)
    withdraw(german, withdrawn)
    clerk = signed_in(german.app, "till", Role.CLERK)
    home = clerk.get("/admin/").text
    assert "Orders to ship: 1" in home
    assert 'href="/t/till/admin/orders?status=to_ship"' in home
    for query in ("status=to_ship", "status=placed", "status=to_ship&q=tea", "status=to_ship&after=0"):
        assert listed(clerk, query) == [plain], query
    assert listed(clerk, "status=withdrawn&q=tea") == [withdrawn]
    assert len(listed(clerk, "")) == 3
    german.pay(online["id"])
    german.come_back(online["id"])
    assert "Orders to ship: 2" in clerk.get("/admin/").text
    assert listed(clerk, "status=to_ship") == [online["id"], plain]


def test_withdrawn_order_is_shipped_only_by_itself_and_with_a_note(german: Buyer) -> None:
    order_id = german.order("on_delivery", 1)["id"]
    clerk = signed_in(german.app, "till", Role.CLERK)
    withdraw(german, order_id)
    assert f'value="{order_id}"' not in clerk.get("/admin/orders").text, "it can be selected"
    clerk.post("/admin/orders/fulfil", {"order_id": [order_id]})
    assert german.find(order_id)["status"] == "placed"
    page = clerk.get(f"/admin/orders/{order_id}").text
    acts = page.partition('class="order-acts"')[2].partition("</section>")[0]
    assert "The customer withdrew from the contract." in acts
    assert "primary-button" not in acts
    assert "To ship" not in page.partition('class="order-head"')[2].partition("</header>")[0]
    assert clerk.post(f"/admin/orders/{order_id}/fulfil").status_code == 303
    assert german.find(order_id)["status"] == "fulfilled"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("oldest_first", [True, False])
def test_list_to_ship_is_read_in_the_order_of_an_index(ada: Buyer, oldest_first: bool) -> None:
    with InShop(ada.app, "till"):
        connection = db.session.connection()
        statement = SELECT_ORDERS[TO_SHIP, False, oldest_first]
        values = {name: 1 for name, value in statement.compile().params.items() if value is None}
        bound = statement.params(values).compile(connection, compile_kwargs={"render_postcompile": True})
        text = str(bound).replace("?", "1")
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all())
    assert "(tenant_id=? AND status=? AND position>? AND position<?)" in plan, plan
    assert "TEMP B-TREE" not in plan


def test_sales_are_without_orders_that_wait_for_an_online_payment(ada: Buyer) -> None:
    order_id = ada.order("stripe", 2)["id"]
    ada.order("bank_transfer", 1)
    ada.pay(order_id, SLOW)
    ada.come_back(order_id)
    with time_machine.travel(now() + timedelta(days=1)):
        assert sales_of_yesterday(ada) == Sales(1, 1250)
        ada.server.account.finish(ada.session_of(order_id), succeeds=True)
        ada.come_back(order_id)
        assert ada.payment(order_id)["status"] == "paid"
        assert sales_of_yesterday(ada) == Sales(2, 3750), "the sum of yesterday was kept"
