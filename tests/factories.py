"""Factories for catalogues, and their import."""

import json
from typing import Any

from flask import Flask

from storefront.catalog.importer import ImportSummary, import_catalog
from storefront.catalog.models import Product, Variant
from storefront.catalog.queries import find_product
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write


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


def change_product(app: Flask, tenant_id: str, product_id: str, **values: Any) -> None:
    """As staff does it, but without staff."""
    with app.app_context(), tenant_context(tenant_id), write():
        own = db.session.get(Variant, (tenant_id, product_id))
        for name in ("price", "stock"):
            if own and name in values:
                setattr(own, name, values[name])
        db.session.flush()  # locks the variant before the product, as orders do
        found: Product = find_product(product_id)
        for name, value in values.items():
            setattr(found, name, value)
