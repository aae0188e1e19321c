"""People with roles, signed in, and API keys."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from flask import Flask
from sqlalchemy import select

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.events.models import ArchivedEvent
from storefront.orders.fulfilment import add_note
from storefront.orders.models import Order, SalesDay
from storefront.orders.payment_choice import PaymentChoice, payment_row
from storefront.orders.payment_models import Payment
from storefront.payments.models import PaymentSettings, PaymentWebhook
from storefront.staff.keys import create_key
from storefront.staff.members import add_person, join_shop, require_second_factor
from storefront.staff.passwords import hash_password
from storefront.staff.permissions import Permission, Role
from storefront.staff.queries import find_person
from tests.conftest import Person

PASSWORD = "a long enough password"


@cache
def password_hash() -> str:
    """Made once, because it takes its time."""
    return hash_password(PASSWORD)


def hire(app: Flask, shop: str, role: Role, email: str | None = None) -> str:
    """Make a person with PASSWORD a member of a shop, and return their id."""
    email = email or f"{role}@{shop}.example"
    with app.app_context():
        known = password_hash()
        with write():
            person = find_person(email) or add_person(email, role.title(), known)
            join_shop(shop, person, role)
            return person.id


@dataclass
class Staff(Person):
    """A person of the staff, with their browser."""

    id: str
    email: str

    def sign_in(self, password: str = PASSWORD) -> int:
        return self.post("/admin/sign-in", {"email": self.email, "password": password}).status_code

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("staff", path=f"{self.root}/admin")
        return found.value if found else ""


def newcomer(app: Flask, shop: str, role: Role, email: str | None = None) -> Staff:
    """A new person of this role, who hasn't signed in yet."""
    email = email or f"{role}@{shop}.example"
    return Staff(app.test_client(), shop, hire(app, shop, role, email), email)


def signed_in(app: Flask, shop: str, role: Role, email: str | None = None) -> Staff:
    """A new person of this role, signed in."""
    person = newcomer(app, shop, role, email)
    assert person.sign_in() == 303
    return person


def api_key(app: Flask, shop: str, *scopes: str, days: int | None = None) -> str:
    with app.app_context(), tenant_context(shop):
        made = create_key("tests", [Permission(scope) for scope in scopes], days)
        assert made is not None
        return made.text


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def payment_of(order: Order) -> dict[str, Any]:
    row = {"id": order.id, "currency": order.currency, "total": order.total, "cart_id": order.cart_id}
    return payment_row(PaymentChoice(), "bank_transfer", row | {"number": order.number}, now())


def furnish_staff(app: Flask, shop: str) -> None:
    """Give a shop that has an order something in each of the staff's tables."""
    signed_in(app, shop, Role.OWNER)
    api_key(app, shop, "orders:read")
    with app.app_context(), tenant_context(shop):
        require_second_factor(True)
        add_note(db.session.scalars(select(Order.id)).first(), "Call before delivery.")
        with write():
            insert_rows(ArchivedEvent, [{"id": 0, "type": "price.changed", "subject": "x", "data": {}}])
            insert_rows(PaymentSettings, [{"bank_account": "IE29"}])
            insert_rows(PaymentWebhook, [{"id": "evt_1", "type": "x", "received_at": now()}])
            insert_rows(Payment, [payment_of(db.session.scalars(select(Order)).first())])
            insert_rows(SalesDay, [{"timezone": "UTC", "day": date(2026, 1, 1), "orders": 1, "revenue": 100}])
