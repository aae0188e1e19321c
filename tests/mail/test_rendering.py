"""What mails say and how they look."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from storefront.db.transactions import write
from storefront.i18n.negotiation import LANGUAGES
from storefront.mail.actions import queue_mail
from storefront.mail.kinds import KIND_NAMES, WITH_SECRET_LINK, MailKind
from storefront.mail.queries import load_mail
from storefront.mail.rendering import RenderedMail, render_mail
from storefront.mail.sealed_links import unseal
from storefront.orders.fulfilment import fulfil_order
from storefront.orders.fulfilment_validation import Shipment
from storefront.tenants.colours import dark_colours, hex_of, light_colours
from tests.conftest import Person
from tests.factories import import_tenants, place_order, product, tenant
from tests.mail.fakes import RecordingTransport
from tests.mail.outbox import InShop, deliver, mails

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases

DATA: dict[MailKind, dict[str, Any]] = {
    MailKind.ORDER_REFUNDED: {"amount": 1250},
    MailKind.WITHDRAWAL_RECEIVED: {"received_at": datetime(2026, 11, 30, 9, 5, tzinfo=UTC).isoformat()},
    MailKind.INVITATION: {"inviter": "Ada <script>"},
}
SECRET_PATH = "/admin/invitations/secret-token"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(PUBLIC_URL="https://shops.example", MAIL_URL="smtp://localhost:1", MAIL_FROM="a@shops.example")


def rendered(app: Flask, kind: MailKind, language: str, order_id: str, with_secrets: bool = True) -> RenderedMail:
    with InShop(app):
        with write():
            secret = SECRET_PATH if kind in WITH_SECRET_LINK else ""
            mail_id = queue_mail(kind, "ada@example.com", language, order_id, DATA.get(kind), secret)
        return render_mail(load_mail(mail_id), with_secrets)


@ON_SQLITE
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_in_every_language(app: Flask, shopper: Person, kind: MailKind, language: str) -> None:
    order_id = place_order(shopper, beans=2, cup=1)
    mail = rendered(app, kind, language, order_id)
    english = rendered(app, kind, "en", order_id)
    assert mail.subject
    assert "\n" not in mail.subject
    assert f'<html lang="{language}">' in mail.html
    assert "<script>" not in mail.html
    assert "{{" not in mail.text + mail.html
    if language != "en":
        assert mail.subject != english.subject
        assert mail.text != english.text
    number = shopper.api("GET", f"/orders/{order_id}").json["number"]
    link = {
        MailKind.TEST: "https://shops.example/t/north/",
        **dict.fromkeys(WITH_SECRET_LINK, f"https://shops.example/t/north{SECRET_PATH}"),
    }.get(kind, f"https://shops.example/t/north/orders/{order_id}")
    for text in (mail.text, mail.html):
        assert link in text
        assert (number in text) == ((kind in DATA and kind != MailKind.INVITATION) or kind.startswith("order_"))


@ON_SQLITE
def test_the_lines_and_amounts_are_those_of_the_order(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=2, cup=1)
    order = shopper.api("GET", f"/orders/{order_id}").json
    mail = rendered(app, MailKind.ORDER_PLACED, "en", order_id)
    for text in (mail.text, mail.html):
        for step in ("subtotal", "tax", "total"):
            assert f"{order[step]['amount'] / 100:,.2f}" in text, step
        for line in order["items"]:
            assert line["name"] in text
            assert f"{line['line_total']['amount'] / 100:,.2f}" in text


@ON_SQLITE
@pytest.mark.parametrize(
    ("offer", "label"),
    [
        ({"code": "SHIPFREE", "free_shipping": True}, "Shipping (Standard) SHIPFREE: Free"),
        ({"code": "FIVE", "amount": "5.00"}, "Discount FIVE: −€5.00"),
    ],
)
def test_code_is_named_where_it_counts(app: Flask, offer: dict[str, Any], label: str) -> None:
    sent = {"id": "standard", "name": "Standard", "price": "4.90", "pickup": True, "default": True}
    import_tenants(app, tenant("west", product("mug", "10.00", 1000), shipping=[sent], promotions=[offer]))
    shop = Person(app.test_client(), "west")
    cart = shop.cart(mug=1)
    shop.api("PUT", f"/carts/{cart}/promo", {"code": offer["code"]})
    assert shop.checkout(cart).status_code == 201
    with InShop(app, "west"):
        mail = render_mail(mails(app, "west")[0])
    assert mail.text.count(offer["code"]) == 1
    assert label in mail.text


@ON_SQLITE
def test_tracking_is_in_the_mail_of_a_shipped_order(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    with InShop(app):
        fulfil_order(order_id, Shipment("An Post", "RR1IE"))
        mail = render_mail(load_mail(mails(app)[-1].id))
    assert "An Post" in mail.text
    assert "RR1IE" in mail.html


@ON_SQLITE
def test_styles_are_in_the_elements_and_dark_ones_stay(app: Flask, shopper: Person) -> None:
    html = rendered(app, MailKind.ORDER_PLACED, "en", place_order(shopper, beans=1)).html
    assert "@media (prefers-color-scheme: dark)" in html
    assert '<meta name="color-scheme" content="light dark"' in html
    [button] = re.findall(r'<a class="button"[^>]*>', html)
    assert "background-color: #" in button
    assert "src=" not in html, "nothing is loaded"


@ON_SQLITE
def test_a_secret_link_is_stored_encrypted_shown_to_nobody_and_removed_when_sent(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    assert "secret-token" in rendered(app, MailKind.INVITATION, "en", order_id).text
    preview = rendered(app, MailKind.INVITATION, "en", order_id, with_secrets=False)
    assert "secret-token" not in preview.text + preview.html
    waiting = mails(app)[-1]
    assert "secret-token" not in str(waiting.data)
    with app.app_context():
        assert unseal(waiting.data["sealed_link"]) == SECRET_PATH
    transport = RecordingTransport()
    deliver(app, transport)
    assert any("secret-token" in mail.text for mail in transport.sent)
    assert all("sealed_link" not in mail.data for mail in mails(app))


@ON_SQLITE
def test_a_mail_of_an_unknown_address_has_no_link(make_app: Callable[..., Flask], shopper: Person) -> None:
    app = make_app()
    order_id = place_order(shopper, beans=1)
    with InShop(app):
        mail = load_mail(mails(app)[0].id)
        mail.data = {"root": None}
        text = render_mail(mail)
    assert order_id not in text.text + text.html


def test_colours_are_those_of_the_shop_and_can_be_read() -> None:
    assert hex_of(1, 0, 0) == "#ffffff"
    assert hex_of(0, 0, 0) == "#000000"
    assert hex_of(0.628, 0.2577, 29.23) == "#ff0000"
    for accent in ("#7a3e1d", "#00ff00", "#0000ff", "#ffff00", "#808080"):
        for colours in (light_colours({"accent": accent}), dark_colours({"accent": accent})):
            assert contrast(colours.accent, colours.on_accent) >= 4.5
            assert contrast(colours.accent, colours.card) >= 4.5
            assert contrast(colours.soft, colours.card) >= 4.5


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_kind_has_a_name() -> None:
    assert set(KIND_NAMES) == set(MailKind)
