"""Products in the JSON API."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from storefront.catalog import models
from storefront.catalog.queries import ProductView, get_product_view
from storefront.catalog.search import ProductQuery, fetch_rows_after, product_views_from_json
from storefront.state import current_state
from storefront.tenants.context import current_tenant
from storefront.web.fragment_cache import cached
from storefront.web.openapi import (
    Cursor,
    Money,
    PreserializedModel,
    ResponseModel,
    api_blueprint,
    decode_cursor,
    encode_cursor,
    parse_flag,
    parse_integer,
    responses,
    spec,
)
from storefront.web.rate_limits import limit_search

api = api_blueprint("catalog_api", __name__)


class Product(ResponseModel):
    id: str
    name: str
    description: str
    category: str
    image_url: str
    price: Money
    stock: int
    tags: list[str]

    @classmethod
    def of(cls, product: models.Product | ProductView) -> "Product":
        assets = current_state().static_files
        return cls.model_construct(
            id=product.id,
            name=product.name,
            description=product.description,
            category=product.category,
            image_url=assets.stable_image_url(product.image),
            price=shop_money(product.price),
            stock=product.stock,
            tags=product.tags,
        )


class ProductList(ResponseModel):
    items: list[Product]
    next_cursor: str | None


class CachedProductList(PreserializedModel, ProductList):
    """A product list that is already serialised, as it is cached."""


class ProductListQuery(BaseModel):
    q: Annotated[
        str,
        Field(
            max_length=200, description="search terms, all of which must match; the last one also matches as a prefix"
        ),
    ] = ""
    category: Annotated[str, Field(max_length=80)] = ""
    in_stock: Annotated[bool, BeforeValidator(parse_flag)] = False
    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(parse_integer)] = 20
    cursor: Cursor = ""


def shop_money(minor: int) -> Money:
    """Return an amount in minor units as money in the shop's currency."""
    return Money.model_construct(amount=minor, currency=current_tenant().currency)


@api.get("/products")
@limit_search
@spec.validate(resp=responses(200, ProductList, 404, 422), tags=["catalogue"])
def list_products(query: ProductListQuery) -> ProductList:
    """List products in catalogue order, which stays stable when products are added."""
    criteria = ProductQuery(query.q, query.category, query.in_stock)
    rows = fetch_rows_after(criteria, decode_cursor(query.cursor, -1), query.limit + 1)
    body = cached(("products", query.limit, rows), lambda: product_list(rows, query.limit).model_dump_json())
    return CachedProductList.from_json(body)


def product_list(rows: str, limit: int) -> ProductList:
    """Return the first `limit` products of these rows (JSON), and a cursor if there are more."""
    found = product_views_from_json(rows)
    page = found[:limit]
    return ProductList.model_construct(
        items=[Product.of(product) for product in page],
        next_cursor=encode_cursor(page[-1].position) if len(found) > limit else None,
    )


@api.get("/products/<product_id>")
@spec.validate(resp=responses(200, Product, 404), tags=["catalogue"])
def get_product(product_id: str) -> Product:
    """Get a product."""
    return Product.of(get_product_view(product_id))
