"""Changes of products in the JSON API, for keys with the scope `catalog:write`."""

from typing import Annotated

from flask import request, url_for
from pydantic import Field
from werkzeug.datastructures import ETags

from storefront.catalog import actions
from storefront.catalog.api import Product, Variant, etag_header
from storefront.catalog.models import ProductStatus, VariantStatus
from storefront.catalog.product_input import NewProduct, ProductChanges, VariantChanges, product_entry, stored_changes
from storefront.catalog.queries import ProductView
from storefront.catalog.staff_queries import find_product, list_variants, total_stock, variant_status
from storefront.catalog.variants import localize_options, variant_view
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.web.openapi import api_blueprint, responses, spec

api = api_blueprint("catalog_staff_api", __name__)

Answer = tuple["StaffProduct", int, dict[str, str]]


class StaffVariant(Variant):
    """A variant, also one that isn't sold."""

    status: Annotated[str, Field(json_schema_extra={"enum": [*VariantStatus]})]


class StaffProduct(Product):
    """A product in the shop's language, whether it is on sale or not, with all of its variants."""

    status: Annotated[str, Field(json_schema_extra={"enum": [*ProductStatus]})]
    variants: list[StaffVariant]  # type: ignore[assignment]


def product_response(product_id: str, status: int = 200) -> Answer:
    product, variants = find_product(product_id), list_variants(product_id)
    options = localize_options(product.options, None, ())
    views = [variant_view(options, product.image, one, one.status != VariantStatus.ACTIVE) for one in variants]
    shown = ProductView(
        id=product.id,
        name=product.name,
        description=product.description,
        category=product.category,
        price=product.price,
        stock=total_stock(product, variants),
        tags=product.tags,
        image=product.image,
        position=product.position,
        options=options,
        loaded_variants=tuple(views),
    )
    body = StaffProduct.model_construct(**dict(Product.of(shown)), status=product.status)
    body.variants = [
        StaffVariant.model_construct(
            **(dict(Variant.of(view)) | {"available": view.available and not view.is_archived}),
            status=variant_status(row).value,
        )
        for view, row in zip(views, variants, strict=True)
    ]
    return body, status, etag_header(product.updated_at)


def if_match() -> ETags | None:
    """The ETags of which the client read the product; None if it doesn't say. An empty header names none."""
    return request.if_match if "If-Match" in request.headers else None


@api.post("/products")
@requires(Permission.CATALOG_WRITE)
@spec.validate(resp=responses(201, StaffProduct, 400, 401, 403, 415, 422), tags=["staff"])
def create_product(json: NewProduct) -> Answer:
    """Add a product, with its options and variants if it has any."""
    tenant = current_tenant()
    actions.create_product(tenant, product_entry(tenant, json), json.status)
    body, status, headers = product_response(json.id, 201)
    return body, status, headers | {"Location": url_for("catalog_api.get_product", product_id=json.id)}


@api.patch("/products/<product_id>")
@requires(Permission.CATALOG_WRITE)
@spec.validate(resp=responses(200, StaffProduct, 400, 401, 403, 404, 412, 415, 422), tags=["staff"])
def change_product(product_id: str, json: ProductChanges) -> Answer:
    """Change the fields that are sent. With `If-Match`, only if the product still has that ETag."""
    tenant = current_tenant()
    actions.change_product(tenant, product_id, stored_changes(tenant, json), if_match())
    return product_response(product_id)


@api.patch("/products/<product_id>/variants/<variant_id>")
@requires(Permission.CATALOG_WRITE)
@spec.validate(resp=responses(200, StaffProduct, 400, 401, 403, 404, 412, 415, 422), tags=["staff"])
def change_variant(product_id: str, variant_id: str, json: VariantChanges) -> Answer:
    """Change a variant. `If-Match` takes the ETag of its product."""
    tenant = current_tenant()
    actions.change_variant(tenant, product_id, variant_id, stored_changes(tenant, json), if_match())
    return product_response(product_id)
