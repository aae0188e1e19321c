"""What staff decides about suggestions, product by product: complements, pins and exclusions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from storefront.catalog.import_schema import UpsellSetting, contradicting_rules
from storefront.catalog.models import Product
from storefront.catalog.staff_queries import find_product
from storefront.config_values import daily_budget
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write, write_connection
from storefront.errors import FieldError, Invalid
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.i18n.display_text import strip_invisible
from storefront.i18n.gettext import _
from storefront.tenants.models import NOT_ITS_KEY, Tenant
from storefront.tenants.registry import registry
from storefront.tenants.settings import TenantSettings
from storefront.upsell.recommender.models import Complement, ComplementSource
from storefront.upsell.recommender.shop_complements import replace_complements, stored_complements

MAX_COMPLEMENTS = 8
MAX_WHY_LENGTH = 160


class Suggested(NamedTuple):
    """Another product, and why it goes with this one, in the shop's language; `why` may be empty."""

    product_id: str
    why: str = ""


def shop_complements(product_id: str) -> list[Complement]:
    """Return what the shop says that completes a product, the best first."""
    query = select(Complement).where(Complement.product_id == product_id, Complement.source == ComplementSource.SHOP)
    return list(db.session.scalars(query.order_by(Complement.position)))


def pins_of(tenant: TenantSettings, product_id: str) -> list[Suggested]:
    return [Suggested(pin.suggest, pin.why) for pin in tenant.upsell.pins if pin.with_id == product_id]


def set_complements(tenant: TenantSettings, product_id: str, wanted: Sequence[Suggested]) -> None:
    """Replace the shop's complements of a product. A reason that stays keeps its translations.

    Raises `NotFound` and `Invalid`."""
    find_product(product_id)
    check_suggested(product_id, wanted, "goes_with")
    with write():
        connection = write_connection()
        stored, generated = stored_complements(connection, tenant.id, [product_id])
        before = stored.get(product_id, [])
        known = {(row["complement_product_id"], row["explanation"]): row["explanation_translations"] for row in before}
        rows: list[dict[str, Any]] = [
            {
                "product_id": product_id,
                "complement_product_id": other.product_id,
                "category": "",
                "explanation": other.why,
                "explanation_translations": known.get((other.product_id, other.why)),
                "source": ComplementSource.SHOP.value,
                "position": position,
            }
            for position, other in enumerate(wanted)
        ]
        if rows == before:
            return
        replace_complements(connection, tenant.id, {product_id: rows}, generated)
        record_events([change_of(product_id, "goes_with", described(before), described(rows))])


def described(rows: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    return [{"id": row["complement_product_id"], "why": row["explanation"]} for row in rows]


def change_of(product_id: str, name: str, before: Any, after: Any) -> Change:
    return Change(EventType.MERCHANDISING_CHANGED, product_id, {}, {name: before}, {name: after})


def check_suggested(product_id: str, wanted: Sequence[Suggested], field: str) -> None:
    """Raises `Invalid`, with the number of the row at the end of the field's name."""
    ids = [other.product_id for other in wanted]
    known = set(db.session.scalars(select(Product.id).where(Product.id.in_(ids))))
    faults = []
    for number, other in enumerate(wanted):
        message = ""
        if other.product_id not in known:
            message = _("There is no product “%(typed)s” in this shop.", typed=other.product_id)
        elif other.product_id == product_id:
            message = _("A product can't go with itself.")
        elif other.product_id in ids[:number]:
            message = _("This product is in the list already.")
        elif len(other.why) > MAX_WHY_LENGTH:
            message = _("The reason can't be longer than %(most)s characters.", most=MAX_WHY_LENGTH)
        faults += [FieldError(f"{field}_{number}", message)] if message else []
    if len(wanted) > MAX_COMPLEMENTS:
        faults.append(FieldError(field, _("Choose at most %(most)s products.", most=MAX_COMPLEMENTS)))
    if faults:
        raise Invalid(*faults)


def set_rules(tenant: TenantSettings, product_id: str, excluded: bool, pins: Sequence[Suggested]) -> None:
    """Set whether a product is never suggested, and what is suggested first when it is in the cart.

    Raises `NotFound` and `Invalid`."""
    find_product(product_id)
    check_suggested(product_id, pins, "pins")
    with write():
        row = db.session.get_one(Tenant, tenant.id, with_for_update=NOT_ITS_KEY)
        stored = dict(row.upsell or {})
        before = own_rules(stored, product_id)
        new = with_rules(stored, product_id, excluded, pins)
        if next(contradicting_rules(UpsellSetting.model_validate(new)), None):
            message = _("A product that is never suggested can't be suggested first. Remove one of the two.")
            raise Invalid(FieldError("pins", message))
        row.upsell = new
        after = own_rules(new, product_id)
        if before != after:
            record_events([Change(EventType.MERCHANDISING_CHANGED, product_id, {}, before, after)])
    registry().invalidate()


def with_rules(stored: dict[str, Any], product_id: str, excluded: bool, pins: Sequence[Suggested]) -> dict[str, Any]:
    """Return the shop's rules with these for one product."""
    others = [pin for pin in stored.get("pins", []) if pin["with"] != product_id]
    own = [{"with": product_id, "suggest": other.product_id, "why": other.why} for other in pins]
    exclude = [id for id in stored.get("exclude", []) if id != product_id]
    return stored | {"pins": others + own, "exclude": exclude + ([product_id] if excluded else [])}


def own_rules(stored: dict[str, Any], product_id: str) -> dict[str, Any]:
    pins = [pin for pin in stored.get("pins", []) if pin["with"] == product_id]
    return {"excluded": product_id in stored.get("exclude", []), "pins": pins}


def plain_why(text: str) -> str:
    return strip_invisible(text).strip()


def set_enabled(tenant: TenantSettings, enabled: bool) -> None:
    """Turn the shop's suggestions on or off, in all processes within two seconds."""
    with write():
        row = db.session.get_one(Tenant, tenant.id, with_for_update=NOT_ITS_KEY)
        if row.upsell_enabled is enabled:
            return
        before, row.upsell_enabled = row.upsell_enabled, enabled
        change = ({"enabled": before}, {"enabled": enabled})
        record_events([Change(EventType.UPSELL_CHANGED, tenant.id, {"name": tenant.name}, *change)])
    registry().invalidate()


def record_switch(tenant_id: str, before: bool, enabled: bool) -> None:
    """Record that a command turned a shop's suggestions on or off, in a transaction of this shop: none can write rows
    of several shops."""
    if before != enabled:
        with tenant_context(tenant_id), write():
            row = db.session.get_one(Tenant, tenant_id)
            change = ({"enabled": before}, {"enabled": enabled})
            record_events([Change(EventType.UPSELL_CHANGED, tenant_id, {"name": row.name}, *change)])


def set_budget(tenant: TenantSettings, typed: str) -> None:
    """Set the model's daily budget of the shop, as in "1.50/2.00" or "200000/300000 tokens"; empty for that of all
    shops. Raises `Invalid`."""
    budget = " ".join(typed.split()) or None
    if budget:
        try:
            daily_budget(budget)
        except ValueError:
            message = _("Write two limits, as in 1.50/2.00 or 200000/300000 tokens. The second must not be lower.")
            raise Invalid(FieldError("budget", message)) from None
    with write():
        row = db.session.get_one(Tenant, tenant.id, with_for_update=NOT_ITS_KEY)
        stored = dict(row.upsell or {})
        before = stored.get("budget")
        if before == budget:
            return
        row.upsell = stored | {"budget": budget}
        change = ({"budget": before}, {"budget": budget})
        record_events([Change(EventType.UPSELL_CHANGED, tenant.id, {"name": tenant.name}, *change)])
    registry().invalidate()
