"""Products in the JSON API."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from storefront.catalog.option_filters import FILTER_PATTERN, read_option_filters
from storefront.catalog.queries import ProductView, add_variants, get_product_view, product_etag
from storefront.catalog.search import ProductQuery, fetch_rows_after, fetch_variants_of, product_views_from_json
from storefront.catalog.variant_schema import MAX_OPTIONS
from storefront.catalog.variants import VariantView, variant_rows_from_json
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


class ProductOption(ResponseModel):
    name: str
    values: list[str]


class Variant(ResponseModel):
    id: str
    options: Annotated[list[str], Field(description="a value of each of the product's options, in their order")]
    price: Money
    stock: int
    image_url: str
    available: Annotated[bool, Field(description="whether it is in stock now")]

    @classmethod
    def of(cls, variant: VariantView) -> "Variant":
        return cls.model_construct(
            id=variant.id,
            options=list(variant.options),
            price=shop_money(variant.price),
            stock=variant.stock,
            image_url=current_state().static_files.stable_image_url(variant.image),
            available=variant.available,
        )


class Product(ResponseModel):
    id: str
    name: str
    description: str
    category: str
    image_url: str
    price: Annotated[Money, Field(description="the lowest of the variants")]
    stock: Annotated[int, Field(description="the sum of the variants")]
    tags: list[str]
    options: Annotated[list[ProductOption], Field(description="empty for a product without options")]
    variants: Annotated[
        list[Variant], Field(description="at least one; that of a product without options has the product's id")
    ]

    @classmethod
    def of(cls, product: ProductView) -> "Product":
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
            options=[
                ProductOption.model_construct(name=option.name, values=list(option.values))
                for option in product.options
            ],
            variants=[Variant.of(variant) for variant in product.variants],
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
    option: Annotated[
        list[Annotated[str, Field(pattern=FILTER_PATTERN)]],
        Field(
            max_length=MAX_OPTIONS,
            description="an option and its value in the shop's default language, such as `Colour:Red`; a variant must "
            "have all of them, and be in stock if that is asked for. A colon in the name is written as `%3A`, and a "
            "percent sign as `%25`",
        ),
    ] = []
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
    options, _ = read_option_filters(query.option)
    criteria = ProductQuery(query.q, query.category, query.in_stock, options=options)
    rows = fetch_rows_after(criteria, decode_cursor(query.cursor, -1), query.limit + 1)
    variants = fetch_variants_of(rows)
    body = cached(
        ("products", query.limit, rows, variants), lambda: product_list(rows, variants, query.limit).model_dump_json()
    )
    return CachedProductList.from_json(body)


def product_list(rows: str, variants: str, limit: int) -> ProductList:
    """Return the first `limit` products of these rows (JSON), and a cursor if there are more."""
    found = add_variants(product_views_from_json(rows), variant_rows_from_json(variants))
    page = found[:limit]
    return ProductList.model_construct(
        items=[Product.of(product) for product in page],
        next_cursor=encode_cursor(page[-1].position) if len(found) > limit else None,
    )


@api.get("/products/<product_id>")
@spec.validate(resp=responses(200, Product, 404), tags=["catalogue"])
def get_product(product_id: str) -> tuple[Product, int, dict[str, str]]:
    """Get a product. Its ETag changes with each change, also of the stock."""
    found = get_product_view(product_id)
    return Product.of(found), 200, etag_header(found.updated_at)


def etag_header(updated_at: datetime | None) -> dict[str, str]:
    return {"ETag": f'"{product_etag(updated_at)}"'} if updated_at else {}
