"""The outbox as tests see it."""

from typing import Any

from flask import Flask, g
from sqlalchemy import select, update

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.mail.delivery import deliver_due
from storefront.mail.models import OutboxMail
from storefront.mail.transports import Transport
from storefront.tenants.registry import registry


def mails(app: Flask, shop: str = "north") -> list[OutboxMail]:
    """Return the mails of a shop, the oldest first."""
    with app.app_context(), tenant_context(shop):
        return list(db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def deliver(app: Flask, transport: Transport, shop: str = "north") -> float | None:
    """Send what is due, as the worker does."""
    return deliver_due(app, shop, transport, lambda: True)


def change_mails(app: Flask, shop: str = "north", **values: Any) -> None:
    with app.app_context(), tenant_context(shop), write():
        db.session.execute(update(OutboxMail).values(**values))


class InShop:
    """A context with the shop's settings."""

    def __init__(self, app: Flask, shop: str = "north") -> None:
        self.app = app
        self.shop = shop

    def __enter__(self) -> None:
        self.outer = self.app.app_context()
        self.outer.push()
        self.inner = tenant_context(self.shop)
        self.inner.__enter__()
        g.tenant = registry().find(self.shop)

    def __exit__(self, *fault: Any) -> None:
        self.inner.__exit__(*fault)
        self.outer.pop()
