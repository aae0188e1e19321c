"""The tenant and setting tables."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from storefront.db.base import Model


class Tenant(Model):
    """A shop as it is stored. Read it through `storefront.tenants.registry`, which gives a `TenantSettings`."""

    __tablename__ = "tenant"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    locale: Mapped[str]
    timezone: Mapped[str | None]
    """None follows the locale."""
    theme: Mapped[dict[str, Any]] = mapped_column(JSON)
    tax: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    promotions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    upsell: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    taxonomy_translations: Mapped[dict[str, dict[str, str]] | None] = mapped_column(JSON)
    upsell_enabled: Mapped[bool | None]
    """Set by `flask upsell on|off --tenant`; None follows the switch for all shops. Nothing goes before
    UPSELL_ENABLED=false."""


class Setting(Model):
    """What an operator switched while the shop runs, for all shops and processes."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
