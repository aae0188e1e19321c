"""The ids of variants that staff add: none is that of a deleted variant, whose prices its history has."""

from flask import Flask

from storefront.catalog import option_actions
from storefront.catalog.models import Variant
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.tenants.registry import registry
from tests.factories import import_tenants, tenant


def test_id_of_a_deleted_variant_is_not_used_again(app: Flask) -> None:
    options = [{"name": "Size", "values": ["S", "M", "L", "XL"]}]
    small = {"id": "tee-s", "options": ["S"], "stock": 3}
    tee = {"id": "tee", "name": "Tee", "price": "8.00", "options": options, "variants": [small]}
    import_tenants(app, tenant("west", tee))
    with app.app_context(), tenant_context("west"):
        shop = registry().all()["west"]

        def ids() -> list[str]:
            return [one.id for one in db.session.query(Variant).filter_by(product_id="tee").order_by(Variant.position)]

        option_actions.add_variants(shop, "tee", [["M"], ["L"]], None, 5)
        assert ids() == ["tee-s", "tee-1", "tee-2"]
        option_actions.remove_variants(shop, "tee", ["tee-2"], lambda *_: ())
        option_actions.add_variants(shop, "tee", [["XL"]], None, 5)
        assert ids() == ["tee-s", "tee-1", "tee-3"]
