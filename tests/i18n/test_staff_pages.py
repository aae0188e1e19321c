"""Every text of the staff's pages is a message. All pages are found in the URL map, so that a new one is looked at."""

import re
from collections.abc import Iterator

import pytest
from babel import Locale
from flask import Flask
from werkzeug.test import TestResponse

from storefront.admin.settings_payment_pages import WEBHOOK_EVENTS
from storefront.admin.settings_shop_pages import time_zones
from storefront.db.tenant_context import tenant_context
from storefront.i18n.negotiation import LANGUAGES
from storefront.staff.permissions import SCOPES, Role
from storefront.staff.queries import find_person
from tests.conftest import Person
from tests.factories import cancel, place_order
from tests.i18n.pseudo_locale import unmarked, use_pseudo_locale
from tests.i18n.test_accessible_names import Controls
from tests.i18n.test_gettext import NOT_MESSAGES
from tests.staff.factories import Staff, api_key, signed_in

NOT_READ = ("admin.latest_event", "admin.print_order_pdf")
NOT_WORDS = re.compile(r"sf_\w+…?|\b[A-Z2-7 ]{20,}|\d{1,2} [A-Z][a-z]{2,3}|[A-Z]{2}\$[\d.,]+")
"""The beginning of an API key, the secret of a second factor, and what Babel formats: a date and an amount."""
OF_STRIPE = ("Stripe", "http://localhost/t/north/payments/stripe", *WEBHOOK_EVENTS)


def bare(text: str) -> str:
    """The text without what is left out as the name of a shop."""
    return re.sub(r"North|South|\W|_", "", text)


OF_BABEL = set(map(bare, Locale("en", "IE").territories.values()))
AREAS = {zone.partition("/")[0] for zone in time_zones()}


def is_of_babel(text: str) -> bool:
    """Whether the text is the name of a country or of a time zone."""
    return bare(text) in OF_BABEL or text.partition("/")[0] in AREAS


STAFF_BLUEPRINTS = ("admin.", "staff.", "setup.")


def furnished(app: Flask) -> tuple[Staff, dict[str, str]]:
    """An owner, and the ids of things that there are."""
    shopper = Person(app.test_client(), "north")
    placed, gone, sent = (place_order(shopper, beans=1, cup=1) for _ in range(3))
    cancel(app, gone)
    owner = signed_in(app, "north", Role.OWNER)
    owner.post(f"/admin/orders/{sent}/fulfil", {"carrier": "An Post", "tracking": "RR1IE"})
    owner.post(f"/admin/orders/{sent}/notes", {"note": "An Post"})
    api_key(app, "north", "orders:read")
    owner.post("/admin/settings/shipping/new", {"name": "An Post", "price": "4.90"})
    assert "Note added." in owner.get("/admin/").text, "said before the messages are marked"
    return owner, {"order_id": placed, "product_id": "beans", "person_id": owner.id, "gone": gone, "sent": sent}


def paths(app: Flask, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The path of every page of the staff's, below the shop's root, and its endpoint."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint.startswith(STAFF_BLUEPRINTS):
            built = rule.build({name: ids.get(name, "nosuch") for name in rule.arguments})
            if built and rule.endpoint not in NOT_READ:
                yield built[1], rule.endpoint


def visits(owner: Staff, app: Flask, ids: dict[str, str], **headers: str) -> Iterator[tuple[str, TestResponse]]:
    for path, _endpoint in paths(app, ids):
        yield path, owner.get(path, headers=headers)
    for path in (
        f"/admin/orders?open={ids['sent']}",
        "/admin/orders?q=xyzzy",
        f"/admin/orders/{ids['gone']}",
        f"/admin/orders/{ids['sent']}",
    ):
        yield path, owner.get(path, headers=headers)
    for path in (f"/admin/orders/{ids['gone']}/fulfil", f"/admin/orders/{ids['order_id']}/notes"):
        yield path, owner.post(path, headers=headers)


def data_of(app: Flask, owner: Staff, ids: dict[str, str]) -> list[str]:
    """What people and programs wrote, and isn't translated."""
    shopper = Person(app.test_client(), "north")
    numbers = [shopper.api("GET", f"/orders/{ids[name]}").json["number"] for name in ("order_id", "gone", "sent")]
    with app.app_context(), tenant_context("north"):
        person = find_person(owner.email)
    written = [
        owner.email,
        person.name,
        "ada@example.com",
        "Ada",
        "An Post",
        "RR1IE",
        "xyzzy",
        "tests",
        "an-post",
        "4.90",
    ]
    return [*NOT_MESSAGES, *numbers, *written, *SCOPES, *OF_STRIPE, "Werkzeug"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_text_is_a_message(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, ids = furnished(app)
    known = data_of(app, owner, ids)
    use_pseudo_locale(monkeypatch)
    faults = {}
    for path, answer in visits(owner, app, ids):
        assert answer.status_code in (200, 303, 404, 409, 422), path
        texts = unmarked(answer.text, known) if answer.status_code != 303 else []
        faults[path] = [text for text in texts if not is_of_babel(text) and re.search(r"\w", NOT_WORDS.sub("", text))]
    assert {path: texts for path, texts in faults.items() if texts} == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", LANGUAGES)
def test_accessible_names_contain_the_visible_text(app: Flask, language: str) -> None:
    owner, ids = furnished(app)
    for path, answer in visits(owner, app, ids, **{"Accept-Language": language}):
        assert answer.status_code < 500, path
        for control in Controls(answer.text).found:
            if control.label and any(map(str.isalnum, control.visible_text)):  # not only an arrow
                assert " ".join(control.visible_text.split()).casefold() in control.name.casefold(), (
                    f"{path}: {control}"
                )
