"""The tenant and setting tables."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from storefront.db.base import Model


class Tenant(Model):
    """A shop, as stored. Read it through `storefront.tenants.registry`, which returns a `TenantSettings`."""

    __tablename__ = "tenant"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    locale: Mapped[str]
    timezone: Mapped[str | None]
    """None: the default of the locale."""
    theme: Mapped[dict[str, Any]] = mapped_column(JSON)
    tax: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    promotions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    upsell: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    taxonomy_translations: Mapped[dict[str, dict[str, str]] | None] = mapped_column(JSON)
    category_order: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Categories as staff has ordered them; others follow in catalogue order."""
    upsell_enabled: Mapped[bool | None]
    """Set by `flask upsell on|off --tenant`; None: the setting for all shops. UPSELL_ENABLED=false overrides it."""


class Setting(Model):
    """A setting for all shops and processes that is changed at run time."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
