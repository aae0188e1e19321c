"""What staff does with products: create and change them and their variants. Pages, the API and commands call these.

The rows of a product are locked in the order in which orders take stock (see `stock`): its variants, then itself."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.datastructures import ETags

from storefront.catalog.import_schema import ProductEntry
from storefront.catalog.models import Product, ProductStatus, Variant, VariantStatus
from storefront.catalog.prior_prices import store_prior_prices
from storefront.catalog.product_edit import DETAILS, ProductEdit
from storefront.catalog.product_input import shop_entry
from storefront.catalog.product_rows import product_row
from storefront.catalog.queries import product_etag
from storefront.catalog.refusals import EditConflict, ProductChanged
from storefront.catalog.staff_queries import variant_status
from storefront.catalog.variant_importer import ARCHIVED_WITH_PRODUCT, variant_rows
from storefront.clock import now
from storefront.db.base import db, table_of
from storefront.db.engine import engines
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write, write_connection
from storefront.errors import FieldError, Invalid, NotFound
from storefront.events.actions import Change, record_events
from storefront.events.models import HIDDEN, EventType
from storefront.i18n.gettext import _
from storefront.ids import is_id, new_id
from storefront.signals import product_edited
from storefront.state import current_state
from storefront.tenants.settings import TenantSettings

VARIANT_DETAILS = ("image", "sku", "gtin")
CREATED_FIELDS = ("name", "description", "category", "price", "tags", "image", "status", "stock")
"""What the event of a new product has of it."""


def create_product(tenant: TenantSettings, entry: ProductEntry, status: ProductStatus = ProductStatus.ACTIVE) -> None:
    """Add a product that was checked by `product_input`. Raises `Invalid` if the shop has one of its ids already."""
    shop = shop_entry(tenant, entry)
    is_on_sale = status == ProductStatus.ACTIVE
    variants = [row | ({} if is_on_sale else ARCHIVED_WITH_PRODUCT) for row in variant_rows(shop, entry)]
    stock = sum(row["stock"] for row in variants) if is_on_sale else 0
    row = product_row(shop, entry, variants) | {"stock": stock, "status": status.value}
    moment = now()
    try:
        with write():
            refuse_used_ids({entry.id, *(one["id"] for one in variants)}, entry.id)
            insert_rows(Product, [row | {"position": new_id(), "updated_at": moment}])
            insert_rows(Variant, [one | {"updated_at": moment} for one in variants])
            after = {name: row[name] for name in CREATED_FIELDS}
            hidden = {} if is_on_sale else {HIDDEN: True}
            record_events([Change(EventType.PRODUCT_CREATED, entry.id, hidden, None, after)])
    except IntegrityError:  # somebody else took an id meanwhile
        raise Invalid(used_id_error(entry.id, entry.id)) from None
    announce(entry.id, new_texts=True)


def refuse_used_ids(ids: Collection[str], product_id: str) -> None:
    for column in (Product.id, Variant.id):
        used: InstrumentedAttribute[str] = column
        if found := db.session.scalars(select(used).where(used.in_(ids)).limit(1)).first():
            raise Invalid(used_id_error(found, product_id))


def used_id_error(id: str, product_id: str) -> FieldError:
    field = "id" if id == product_id else "variants"
    return FieldError(field, _("This shop already has a product or variant with the id %(id)s.", id=id))


def announce(product_id: str, new_texts: bool) -> None:
    """Have the pages that follow count categories again, and whoever follows products know."""
    current_state().category_counts.pop(current_tenant_id(), None)
    product_edited.send(product_id=product_id, new_texts=new_texts)


@contextmanager
def editing(tenant: TenantSettings, product_id: str, if_match: ETags | None = None) -> Iterator[ProductEdit]:
    """Lock a product with its variants, and store what is changed of it, with its events.

    Raises `NotFound`, and `ProductChanged` if it has none of the ETags `if_match`."""
    with write():
        edit = ProductEdit(tenant, *locked_product(product_id))
        if if_match is not None and not if_match.contains(product_etag(edit.product.updated_at)):
            raise ProductChanged
        yield edit
        events = edit.finish()
        db.session.flush()
        store_prior_prices(write_connection(), current_tenant_id(), edit.repricings)
        record_events(events)
    if events:
        announce(product_id, new_texts=edit.has_new_texts)


def locked_product(product_id: str) -> tuple[Product, list[Variant]]:
    """Return the product and all of its variants, in their order. Raises `NotFound`."""
    of_product = select(Variant).where(Variant.product_id == product_id).with_for_update()
    if is_id(product_id):
        by_id = engines().dialect.by_code_point(table_of(Variant).c.id)
        variants = db.session.scalars(of_product.order_by(by_id)).all()
        product = db.session.scalars(select(Product).where(Product.id == product_id).with_for_update()).one_or_none()
        if product is not None:
            return product, sorted(variants, key=lambda one: (one.position, one.id))
    raise NotFound(_("We couldn't find this product."))


def change_product(
    tenant: TenantSettings,
    product_id: str,
    changes: Mapping[str, Any],
    if_match: ETags | None = None,
    base: Mapping[str, Any] | None = None,
) -> None:
    """Change the fields that `changes` names: the columns of `DETAILS`, `price`, `stock` or `stock_change` with a
    `reason`, and `status`.

    `base` has the values from which an editor started. Raises `EditConflict` if one that is changed isn't that any
    more; also `NotFound`, `ProductChanged` and `Invalid`."""
    with editing(tenant, product_id, if_match) as edit:
        row: Product | Variant = edit.product if "stock" not in changes else only_variant(edit)
        if theirs := conflicts(row, changes, base or {}):
            raise EditConflict(theirs)
        if "status" in changes:
            edit.set_status(ProductStatus(changes["status"]))
        edit.set_details({name: changes[name] for name in DETAILS if name in changes})
        if "price" in changes:
            edit.set_price(changes["price"])
        if (of := stock_of(changes)) is not None:
            edit.set_stock(only_variant(edit), of(only_variant(edit).stock), changes.get("reason", ""))


def conflicts(row: Any, changes: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return what others have stored meanwhile in the fields that are changed here."""
    return {
        name: stored
        for name, was in base.items()
        if name in changes and (stored := current_value(row, name)) not in (was, changes[name])
    }


def current_value(row: Product | Variant, name: str) -> Any:
    return variant_status(row).value if isinstance(row, Variant) and name == "status" else getattr(row, name)


def stock_of(changes: Mapping[str, Any]) -> Callable[[int], int] | None:
    """Return how the stock changes; None if it doesn't. Raises `Invalid` if both ways are given."""
    if "stock" in changes and "stock_change" in changes:
        raise Invalid(FieldError("stock_change", _("Send either the stock or its change, not both.")))
    if "stock" in changes:
        return lambda _: int(changes["stock"])
    return (lambda stock: stock + int(changes["stock_change"])) if "stock_change" in changes else None


def only_variant(edit: ProductEdit) -> Variant:
    """Return the variant of a product without options. Raises `Invalid` for one with options."""
    if edit.product.options:
        message = _(
            "This product comes in several variants. Change their stock one by one, at %(path)s.",
            path=f"/products/{edit.product.id}/variants/{{variant_id}}",
        )
        raise Invalid(FieldError("stock", message))
    return edit.variants[0]


def change_variant(
    tenant: TenantSettings, product_id: str, variant_id: str, changes: Mapping[str, Any], if_match: ETags | None = None
) -> None:
    """Change a variant's `price`, `stock` or `stock_change` with a `reason`, `image`, `sku`, `gtin` and `status`.

    What is raised: see `change_product`."""
    with editing(tenant, product_id, if_match) as edit:
        apply_to_variant(edit, find_variant(edit, variant_id), changes)


def change_variants(
    tenant: TenantSettings, product_id: str, changes: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> None:
    """Change several variants: by id, what is changed and the values that an editor started from.

    Raises what `change_product` does; the fields of `Invalid` and `EditConflict` end with the variant's id."""
    theirs: dict[str, Any] = {}
    with editing(tenant, product_id) as edit:
        for variant_id, (values, base) in changes.items():
            variant = find_variant(edit, variant_id)
            found = conflicts(variant, values, base)
            theirs |= {f"{name}_{variant_id}": value for name, value in found.items()}
            if not theirs:
                try:
                    apply_to_variant(edit, variant, values)
                except Invalid as fault:
                    named = (FieldError(f"{one.field}_{variant_id}", one.message) for one in fault.field_errors)
                    raise Invalid(*named) from None
        if theirs:
            raise EditConflict(theirs)


def find_variant(edit: ProductEdit, variant_id: str) -> Variant:
    variant = next((one for one in edit.variants if one.id == variant_id), None)
    if variant is None:
        raise NotFound(_("We couldn't find this variant."))
    return variant


def apply_to_variant(edit: ProductEdit, variant: Variant, changes: Mapping[str, Any]) -> None:
    if "status" in changes:
        if not edit.product.options:
            message = _("This is the product's only variant. Change the status of the product.")
            raise Invalid(FieldError("status", message))
        edit.set_variant_status(variant, VariantStatus(changes["status"]))
    edit.set_variant_details(variant, {name: changes[name] for name in VARIANT_DETAILS if name in changes})
    if "price" in changes:
        edit.set_variant_price(variant, changes["price"])
    if (of := stock_of(changes)) is not None:
        edit.set_stock(variant, of(variant.stock), changes.get("reason", ""))
