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


def product(id: str, price: str = "1.00", stock: int = 1000, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": id.title(), "price": price, "stock": stock, **more}


def tenant(id: str, *products: dict[str, Any], currency: str = "EUR", **more: Any) -> dict[str, Any]:
    return {"id": id, "name": id.title(), "currency": currency, "products": list(products), **more}


def written(*tenants: dict[str, Any]) -> bytes:
    return json.dumps({"tenants": list(tenants)}).encode()


def put_up(app: Flask, *tenants: dict[str, Any], refresh: bool = False) -> ImportSummary:
    """Load these shops and products besides what is there."""
    with app.app_context():
        return import_catalog(written(*tenants), refresh)


def place_order(person: Person, **items: int) -> str:
    """The id of an order of these products, placed by the API."""
    placed = person.checkout(person.cart(**items))
    assert placed.status_code == 201, placed.text
    return str(placed.json["id"])


def cancel(app: Flask, order_id: str, tenant_id: str = "north") -> None:
    with app.app_context(), tenant_context(tenant_id):
        cancel_order(order_id)


def find_product(product_id: str) -> Product:
    """The row of the current tenant's product, to be changed."""
    found: Product | None = db.session.get(Product, (current_tenant_id(), product_id))
    assert found, f"no product {product_id!r} in this shop"
    return found


def change_product(app: Flask, tenant_id: str, product_id: str, **values: Any) -> None:
    """As staff does it, but without staff."""
    with app.app_context(), tenant_context(tenant_id), write():
        own = db.session.get(Variant, (tenant_id, product_id))
        for name in ("price", "stock"):
            if own and name in values:
                setattr(own, name, values[name])
        db.session.flush()  # locks the variant before the product, as orders do
        found = find_product(product_id)
        for name, value in values.items():
            setattr(found, name, value)
