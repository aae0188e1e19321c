"""Factories for catalogues, and their import."""

import json
from typing import Any

from flask import Flask

from storefront.catalog.importer import ImportSummary, import_catalog
from storefront.catalog.models import Product, Variant
from storefront.db.base import db
from storefront.db.tenant_context import current_tenant_id, tenant_context
from storefront.db.transactions import write
from storefront.orders.fulfilment import cancel_order
from tests.conftest import Person


def product(id: str, price: str = "1.00", stock: int = 1000, **fields: Any) -> dict[str, Any]:
    return {"id": id, "name": id.title(), "price": price, "stock": stock, **fields}


def tenant(id: str, *products: dict[str, Any], currency: str = "EUR", **fields: Any) -> dict[str, Any]:
    return {"id": id, "name": id.title(), "currency": currency, "products": list(products), **fields}


def written(*tenants: dict[str, Any]) -> bytes:
    return json.dumps({"tenants": list(tenants)}).encode()


def import_tenants(app: Flask, *tenants: dict[str, Any], refresh: bool = False) -> ImportSummary:
    """Import tenants and products in addition to the existing ones."""
    with app.app_context():
        return import_catalog(written(*tenants), refresh)


def place_order(person: Person, **items: int) -> str:
    """Place an order of these quantities by the API. Returns its id."""
    placed = person.checkout(person.cart(**items))
    assert placed.status_code == 201, placed.text
    return str(placed.json["id"])


def cancel(app: Flask, order_id: str, tenant_id: str = "north") -> None:
    with app.app_context(), tenant_context(tenant_id):
        cancel_order(order_id)


def find_product(product_id: str) -> Product:
    """Return the row of a product of the current tenant, to be modified."""
    found: Product | None = db.session.get(Product, (current_tenant_id(), product_id))
    assert found, f"no product {product_id!r} in this shop"
    return found


def change_product(app: Flask, tenant_id: str, product_id: str, **values: Any) -> None:
    """Set columns of a product."""
    with app.app_context(), tenant_context(tenant_id), write():
        own = db.session.get(Variant, (tenant_id, product_id))
        for name in ("price", "stock"):
            if own and name in values:
                setattr(own, name, values[name])
        db.session.flush()  # locks the variant before the product, as orders do
        found = find_product(product_id)
        for name, value in values.items():
            setattr(found, name, value)
