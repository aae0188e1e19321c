"""The settings of legal texts, in several languages, as forms without JavaScript."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import encode_multipart

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.staff.permissions import Role
from storefront.tenants.models import Tenant
from tests.admin.settings_forms import events_of, opened, texts
from tests.staff.factories import Staff, signed_in

PAGE = "/admin/settings/legal"


@pytest.fixture
def manager(app: Flask) -> Staff:
    return signed_in(app, "north", Role.MANAGER)


def save(manager: Staff, sent: dict[str, str]) -> Any:
    boundary, body = encode_multipart(opened(manager, PAGE, "legal") | sent)
    content_type = f"multipart/form-data; boundary={boundary}"
    return manager.client.post(manager.root + PAGE, data=body, content_type=content_type)


def stored(app: Flask) -> tuple[Any, Any]:
    with app.app_context(), tenant_context("north"):
        row = db.session.get_one(Tenant, "north")
        return row.legal_texts, row.legal_pages


def test_texts_in_two_languages_appear_in_the_shop(app: Flask, manager: Staff) -> None:
    answer = save(manager, {"imprint": "North Ltd.\r\nQuay 1", "imprint_de": "North GmbH", "terms": "Pay first."})
    assert answer.headers["Location"] == "/t/north/admin/settings/legal"
    assert stored(app) == (
        {"imprint": {"en": "North Ltd.\nQuay 1", "de": "North GmbH"}, "terms": "Pay first."},
        ["imprint", "terms"],
    )
    event = events_of(app)[-1]
    assert (event.subject, event.before, event.after["terms"]) == ("legal", {}, "Pay first.")
    home = manager.client.get("/t/north/").text
    assert 'href="/t/north/legal/imprint"' in home
    assert 'href="/t/north/legal/privacy"' not in home
    assert "North GmbH" in manager.client.get("/t/north/legal/imprint", headers={"Accept-Language": "de"}).text
    assert opened(manager, PAGE, "legal")["imprint_de"] == "North GmbH"


def test_a_text_that_is_emptied_has_no_page_any_more(app: Flask, manager: Staff) -> None:
    save(manager, {"terms": "Pay first.", "terms_de": "Vorkasse."})
    assert save(manager, {"terms": "", "terms_de": ""}).status_code == 303
    assert stored(app) == (None, None)
    assert manager.client.get("/t/north/legal/terms").status_code == 404


def test_long_texts_are_stored(app: Flask, manager: Staff) -> None:
    long = ("Ціни з податком. " * 3000)[:50_000].strip()
    names = [name for name in opened(manager, PAGE, "legal") if not name.startswith(("was_", "csrf"))]
    assert len(names) == 20
    assert save(manager, dict.fromkeys(names, long)).status_code == 303
    assert stored(app)[0]["privacy"]["ja"] == long
    too_long = save(manager, {"terms": "x" * 50_001})
    assert too_long.status_code == 422
    assert texts(too_long.text, "terms_error") == ["Terms and conditions must be at most 50000 characters long."]


def test_a_text_is_needed_in_the_language_of_the_shop(app: Flask, manager: Staff) -> None:
    answer = save(manager, {"privacy_de": "Wir speichern nichts."})
    assert answer.status_code == 422
    assert texts(answer.text, "privacy_error") == ["Write this text in the shop's own language too: English."]
    assert "Wir speichern nichts." in answer.text
    assert stored(app) == (None, None)


def test_contact_and_legal_texts_leave_each_other_alone(app: Flask, manager: Staff) -> None:
    save(manager, {"imprint": "North Ltd."})
    shop = "/admin/settings/shop"
    manager.post(shop, opened(manager, shop, "shop") | {"company": "North Ltd.", "vat_id": "IE1234567T"})
    save(manager, {"imprint": "North Limited"})
    assert stored(app)[0] == {"imprint": "North Limited"}
    kept = opened(manager, shop, "shop")
    assert (kept["company"], kept["vat_id"]) == ("North Ltd.", "IE1234567T")
