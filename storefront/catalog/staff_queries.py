"""Reads of products for staff: also of those that aren't on sale."""

from sqlalchemy import select

from storefront.catalog.models import Product, ProductStatus, Variant, VariantStatus
from storefront.db.base import db
from storefront.db.tenant_context import current_tenant_id
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.ids import is_id


def find_product(product_id: str) -> Product:
    """Return the product's row. Raises `NotFound`."""
    found = db.session.get(Product, (current_tenant_id(), product_id)) if is_id(product_id) else None
    if found is None:
        raise NotFound(_("We couldn't find this product."))
    return found


def list_variants(product_id: str) -> list[Variant]:
    """Return all variants of a product, in their order."""
    query = select(Variant).where(Variant.product_id == product_id).order_by(Variant.position, Variant.id)
    return list(db.session.scalars(query))


def variant_status(variant: Variant) -> VariantStatus:
    """Return the variant's own status, whatever that of its product is."""
    return VariantStatus.ACTIVE if variant.archived_with_product else VariantStatus(variant.status)


def is_sold(variant: Variant) -> bool:
    return variant_status(variant) == VariantStatus.ACTIVE


def total_stock(product: Product, variants: list[Variant]) -> int:
    """Return the stock of the variants that are sold, or would be if the product were on sale."""
    if product.status == ProductStatus.ACTIVE:
        return product.stock
    return sum(one.stock for one in variants if is_sold(one))
