"""The settings of the shop: country, time zone and contact, as forms without JavaScript."""

import pytest
from flask import Flask

from storefront.db.tenant_context import tenant_context
from storefront.staff.permissions import Role
from storefront.tenants.registry import registry
from storefront.tenants.settings import TenantSettings
from tests.admin.settings_forms import events_of, opened, texts
from tests.staff.factories import Staff, signed_in

PAGE = "/admin/settings/shop"


@pytest.fixture
def manager(app: Flask) -> Staff:
    return signed_in(app, "north", Role.MANAGER)


def shop(app: Flask) -> TenantSettings:
    with app.app_context():
        found = registry().find("north")
    assert found is not None
    return found


def test_the_settings_are_found_from_the_navigation(manager: Staff) -> None:
    assert 'href="/t/north/admin/settings"' in manager.get("/admin/").text
    page = manager.get("/admin/settings").text
    assert 'href="/t/north/admin/settings/shop"' in page
    assert "Email isn't set up yet." in page


def test_country_time_zone_and_contact_are_stored_and_recorded(app: Flask, manager: Staff) -> None:
    sent = {"country": "IE", "timezone": "Europe/Dublin", "email": "hello@north.example", "address": "1 Quay\r\nGalway"}
    answer = manager.post(PAGE, opened(manager, PAGE, "shop") | sent)
    assert answer.headers["Location"] == "/t/north/admin/settings/shop"
    assert (shop(app).country, shop(app).timezone.key) == ("IE", "Europe/Dublin")
    assert shop(app).contact == {"email": "hello@north.example", "address": "1 Quay\nGalway"}
    event = events_of(app)[-1]
    assert (event.subject, event.actor_name) == ("shop", "Manager")
    assert event.after["country"] == "IE"
    assert event.before == {}
    log = signed_in(app, "north", Role.OWNER).get("/admin/audit").text
    assert "Settings changed" in log
    assert "Shop and contact" in log


def test_a_form_that_changes_nothing_records_nothing(app: Flask, manager: Staff) -> None:
    before = len(events_of(app))
    assert manager.post(PAGE, opened(manager, PAGE, "shop")).status_code == 303
    assert len(events_of(app)) == before


def test_what_is_wrong_is_said_at_the_field_and_the_rest_stays(app: Flask, manager: Staff) -> None:
    sent = {"email": "ask us", "phone": "+353 1", "country": "IE"}
    answer = manager.post(PAGE, opened(manager, PAGE, "shop") | sent)
    assert answer.status_code == 422
    assert texts(answer.text, "email_error") == ["Please enter a valid email address, for example name@example.com."]
    assert 'value="ask us"' in answer.text
    assert 'value="+353 1"' in answer.text
    assert '<option value="IE" selected>' in answer.text
    assert shop(app).country is None
    for field, value in {"country": "XX", "timezone": "Europe/Nowhere", "phone": "1" * 41, "address": "\x01"}.items():
        wrong = manager.post(PAGE, opened(manager, PAGE, "shop") | {field: value})
        assert wrong.status_code == 422, field
        assert texts(wrong.text, f"{field}_error"), field


def test_a_field_that_somebody_else_changed_meanwhile_is_compared(app: Flask, manager: Staff) -> None:
    other = signed_in(app, "north", Role.OWNER)
    mine = opened(manager, PAGE, "shop")
    other.post(PAGE, opened(other, PAGE, "shop") | {"phone": "+353 2", "country": "DE"})
    answer = manager.post(PAGE, mine | {"phone": "+353 1"})
    assert answer.status_code == 409
    assert "Meanwhile somebody else changed this to “+353 2”." in answer.text
    assert 'value="+353 1"' in answer.text
    assert shop(app).contact["phone"] == "+353 2"
    again = opened(manager, PAGE, "shop", answer.text) | {"phone": "+353 1"}
    assert manager.post(PAGE, again).status_code == 303
    assert (shop(app).contact["phone"], shop(app).country) == ("+353 1", "DE"), "what I didn't change stays"


def test_a_viewer_and_a_clerk_may_not_open_the_settings(app: Flask) -> None:
    for role in (Role.VIEWER, Role.CLERK):
        person = signed_in(app, "north", role)
        assert person.get(PAGE).status_code == 403
        assert person.post(PAGE, {"country": "IE"}).status_code == 403
        assert 'href="/t/north/admin/settings"' not in person.get("/admin/").text


def test_another_process_sees_a_change(app: Flask, manager: Staff) -> None:
    """The snapshot of a process is at most a second old; here it is read again as after that second."""
    manager.post(PAGE, opened(manager, PAGE, "shop") | {"country": "FR"})
    with app.app_context(), tenant_context("north"):
        registry().invalidate()
        found = registry().find("north")
    assert found is not None
    assert found.country == "FR"
