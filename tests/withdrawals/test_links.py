"""Where buyers of a shop in the EU find the withdrawal function."""

from collections.abc import Callable

import pytest
from flask import Flask, g

from storefront.mail.kinds import MailKind
from storefront.mail.models import OutboxMail
from storefront.mail.rendering import render_mail
from storefront.orders.fulfilment import fulfil_order
from storefront.orders.fulfilment_validation import Shipment
from storefront.withdrawals.actions import withdraw
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.mail.outbox import InShop, mails

LABEL = "Withdraw from contract here"
LINK = '<a href="/t/till/withdraw">'
WITH_LINK = {MailKind.ORDER_PLACED, MailKind.ORDER_SHIPPED}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    app = make_app(PUBLIC_URL="https://shops.example", MAIL_URL="smtp://localhost:1", MAIL_FROM="a@shops.example")
    import_tenants(app, tenant("till", product("tea", "12.50", category="Tea"), country="DE", timezone="Europe/Berlin"))
    return app


def test_footer_of_every_page_of_the_shop_links_it(app: Flask) -> None:
    buyer = Person(app.test_client(), "till")
    order_id = buyer.checkout(buyer.cart(tea=1)).json["id"]
    buyer.post("/cart/items", {"product_id": "tea", "quantity": "1"})
    pages = ("/", "/?q=tea", "/categories", "/products/tea", "/cart", "/checkout", f"/orders/{order_id}", "/withdraw")
    for page in (*pages, "/withdraw/received", "/no-such-page", "/products/none", "/api/v1/docs"):
        text = buyer.get(page).text
        assert LINK in text.partition('<footer class="site-footer">')[2], page


def test_mails_about_a_contract_link_it_as_text_and_html(app: Flask) -> None:
    buyer = Person(app.test_client(), "till")
    order_id = buyer.checkout(buyer.cart(tea=1)).json["id"]
    link = f"https://shops.example/t/till/orders/{order_id}/withdraw"
    with InShop(app, "till"):
        fulfil_order(order_id, Shipment(None, None))
    buyer.post(f"/orders/{order_id}/withdraw", {"confirmed": "true"})
    written = mails(app, "till")
    assert {mail.kind for mail in written} == {*WITH_LINK, MailKind.WITHDRAWAL_RECEIVED}
    with InShop(app, "till"):
        for mail in written:
            rendered = render_mail(mail)
            for text in (rendered.text, rendered.html):
                assert (link in text, LABEL in text) == (mail.kind in WITH_LINK,) * 2, mail.kind


def test_mails_of_a_shop_outside_of_the_eu_do_not_link_it(app: Flask, shopper: Person) -> None:
    assert shopper.checkout(shopper.cart(beans=1)).status_code == 201
    with InShop(app):
        assert LABEL not in render_mail(mails(app)[0]).text


def receipt(app: Flask) -> OutboxMail:
    (found,) = [mail for mail in mails(app, "till") if mail.kind == MailKind.WITHDRAWAL_RECEIVED]
    return found


def test_receipt_has_date_time_zone_and_statement(app: Flask) -> None:
    buyer = Person(app.test_client(), "till")
    order = buyer.checkout(buyer.cart(tea=1)).json
    with InShop(app, "till"):
        received = withdraw(g.tenant, order["id"], "One tea only").astimezone(g.tenant.timezone)
        rendered = render_mail(receipt(app))
    offset = f"UTC+0{received.utcoffset().seconds // 3600}:00"
    for text in (rendered.text, rendered.html):
        for part in (order["number"], f"{received:%B}", str(received.day), str(received.year), offset, "One tea only"):
            assert part in text, part
        assert f"{received:%H:%M}" in text or f"{received:%I:%M}".lstrip("0") in text
