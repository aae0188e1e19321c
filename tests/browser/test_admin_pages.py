"""Every page of the back office, as the URL map has them, and states of lists: accessible, and without an error in the
console."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select
from werkzeug.routing import Rule

from storefront import Settings, create_app
from storefront.clock import now
from storefront.config import ROOT
from storefront.db.base import db
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.documents.actions import issue_invoice
from storefront.events.queries import last_event_id
from storefront.mail.models import OutboxMail
from storefront.staff.access import PUBLIC, access_of
from storefront.staff.account import create_password_link
from storefront.staff.keys import create_key
from storefront.staff.members import invite
from storefront.staff.models import Person
from storefront.staff.permissions import Permission, Role
from storefront.tenants.registry import registry
from storefront.upsell.llm.models import LlmCall
from storefront.upsell.models import UpsellImpression
from tests.admin.test_upsell import CALL
from tests.browser.page_session import ESPRESSO, Shop, Visit
from tests.browser.test_back_office import place_order
from tests.browser.test_pages import AXE, assert_accessible
from tests.conftest import PATIENT_DATABASE, dispose
from tests.staff.factories import PASSWORD, hire

PHONES = (320, 390)
"""Widths at which fingers press: the back office is denser on larger windows."""
NO_PAGES = {
    *("admin.latest_event", "admin.latest_mail", "admin.new_calls", "admin.new_impressions", "admin.product_choices"),
    *("admin.mail_html", "admin.invoice_pdf", "admin.credit_note_pdf", "admin.print_order_pdf"),
    "admin.credit_note",
    "staff.forgotten",
}
"""Endpoints that answer with a part of a page, a PDF or the text of a mail, or that need a server for mail; and the
credit note, which is the same page as the invoice."""
BEA = "bea@aurora.example"
WITH_OPTIONS = "noon-filter-250g"
STATES = (
    "/admin/orders?open={order_id}",
    "/admin/orders?q=xyzzy",
    "/admin/products?q=zzzz",
    "/admin/products?status=low",
    f"/admin/products/{ESPRESSO}",
    "/admin/people?state=invited",
    "/admin/people?q=zzzz",
    "/admin/keys?state=revoked",
    "/admin/upsell/calls?q=zzzz",
    "/admin/upsell/impressions?q=zzzz",
    "/admin/audit?open={event_id}",
)


@dataclass(frozen=True)
class BackOffice:
    """An app on the data of the running server, and what its pages are about: values of URLs by their names, and by
    the endpoint where a name has several meanings."""

    app: Flask
    values: dict[str, str]
    tokens: dict[str, str]

    def path(self, rule: Rule) -> str:
        """A `KeyError` here says that a new page needs a value for its URL."""
        given = {name: self.tokens[rule.endpoint] if name == "token" else self.values[name] for name in rule.arguments}
        return str(self.app.url_map.bind("localhost").build(rule.endpoint, given))

    def paths(self, public: bool) -> list[str]:
        """The paths of all pages under `/admin`: those for everybody, or those for staff."""
        rules = [rule for rule in self.app.url_map.iter_rules() if rule.rule.startswith("/admin")]
        rules = [rule for rule in rules if "GET" in (rule.methods or ()) and rule.endpoint not in NO_PAGES]
        return [self.path(rule) for rule in rules if (access_of(self.app, rule) == PUBLIC) == public]


@pytest.fixture(scope="module")
def app(office: Shop, office_folder: Path) -> Iterator[Flask]:
    given = {"DATA_DIR": str(office_folder / "data"), "CATALOG": str(ROOT / "catalog.json"), "UPSELL_ENABLED": "true"}
    app = create_app(Settings.from_environ({**os.environ, **given, "DATABASE_URL": ""}), PATIENT_DATABASE)
    yield app
    dispose(app)


@pytest.fixture(scope="module")
def back_office(app: Flask, office: Shop) -> BackOffice:
    order = place_order(office)
    bea = hire(app, "aurora", Role.CLERK, BEA)
    with app.app_context(), tenant_context("aurora"):
        suggestions = [{"product_id": WITH_OPTIONS, "explanation": "Goes well with it."}]
        shown = {"id": "shown", "cart_id": "cart", "arm": "model", "source": "llm", "decision": "ok", "call_id": "call"}
        with write():
            called = {"id": "call", "prompt": "Choose.", "response": "Espresso.", "outcome": "ok", "rejections": {}}
            insert_rows(LlmCall, [CALL | called | {"suggestions": suggestions}])
            insert_rows(UpsellImpression, [shown | {"suggestions": suggestions}])
            db.session.get_one(Person, bea).totp_confirmed_at = now()
        issue_invoice(registry().all()["aurora"], order["id"])
        create_key("Till", [Permission.ORDERS_READ])
        values = {"order_id": order["id"], "product_id": WITH_OPTIONS, "call_id": "call", "impression_id": "shown"}
        invitation, reset = (
            invite("carl@aurora.example", Role.VIEWER),
            create_password_link(db.session.get_one(Person, bea)),
        )
        values["event_id"] = str(last_event_id())
        values |= {"method_id": "standard", "code": "SUMMER10"}
        values["mail_id"] = str(db.session.scalars(select(OutboxMail.id)).first())
    return BackOffice(app, values, {"staff.invitation": invitation, "staff.password": reset})


def check(visit: Visit, paths: list[str]) -> None:
    for path in paths:
        visit.go(path)
        visit.expect_at(re.escape(path))
        expect(visit.see("main h1")).to_have_count(1)
        try:
            assert_accessible(visit, PHONES)
        except AssertionError as fault:
            raise AssertionError(f"{path}: {fault}") from None
        assert visit.faults == [], path


def test_every_page_for_staff_is_accessible_and_without_errors(
    staff: Callable[..., Visit], back_office: BackOffice
) -> None:
    ada = staff(width=390, script=str(AXE))
    check(ada, back_office.paths(public=False))
    check(ada, [state.format(**back_office.values) for state in STATES])


def test_every_page_before_the_sign_in_is_accessible_and_without_errors(
    visit: Callable[..., Visit], back_office: BackOffice, office: Shop
) -> None:
    """As somebody who has entered the password and not yet the code of the second factor."""
    guest = visit(office, width=390, script=str(AXE))
    sent = guest.context.request.post(office.at("/admin/sign-in"), form={"email": BEA, "password": PASSWORD})
    assert sent.url.endswith("/admin/sign-in/code")
    check(guest, back_office.paths(public=True))


def test_open_lists_show_what_others_add(staff: Callable[..., Visit], app: Flask, back_office: BackOffice) -> None:
    """A person appears by herself; a log of many rows says how many have come."""
    ada = staff()
    ada.go("/admin/people")
    hire(app, "aurora", Role.VIEWER, "eve@aurora.example")
    expect(ada.see("#list")).to_contain_text("eve@aurora.example")
    ada.go("/admin/upsell/impressions")
    row = {
        "cart_id": "cart",
        "arm": "rules",
        "source": "rules",
        "decision": "rules",
        "call_id": None,
        "suggestions": [],
    }
    with app.app_context(), tenant_context("aurora"), write():
        insert_rows(UpsellImpression, [row | {"id": f"new-{number}"} for number in range(2)])
    expect(ada.see("#new_rows")).to_contain_text("2 new entries: show")
    expect(ada.see("#announcer")).to_have_text("There are new entries.")
    expect(ada.see("#impression_new-1")).to_have_count(0)
    ada.see("#show_new_rows").click()
    expect(ada.see("#impression_new-1")).to_have_count(1)
    expect(ada.see("#new_rows")).to_be_empty()
