"""What staff sends about products, checked as a catalogue file is. Prices are in minor units."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema

from storefront import money
from storefront.catalog.field_types import Image, ProductId, split_by_language
from storefront.catalog.filters import format_decimal
from storefront.catalog.import_schema import (
    Category,
    DescriptionTexts,
    NameTexts,
    ProductEntry,
    Tags,
    TenantEntry,
    duplicates,
    language_errors,
)
from storefront.catalog.models import ProductStatus, VariantStatus
from storefront.catalog.variant_schema import (
    MAX_OPTIONS,
    MAX_STOCK,
    MAX_VARIANTS,
    Gtin,
    OptionEntry,
    OptionText,
    Sku,
    Stock,
    variant_errors,
)
from storefront.errors import FieldError, Invalid
from storefront.tenants.settings import TenantSettings
from storefront.web.openapi import RequestModel, field_error

MAX_REASON_LENGTH = 200
TEXT_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}],
    "description": 'in the shop\'s language, or by language: {"en": "Tea", "de": "Tee"}',
}
ByLanguage = WithJsonSchema(TEXT_SCHEMA, mode="validation")
Price = Annotated[int, Field(ge=0, le=money.MAX_AMOUNT, description="in minor units")]
StockChange = Annotated[int, Field(ge=-MAX_STOCK, le=MAX_STOCK, description="is added to the stock")]
Reason = Annotated[str, Field(max_length=MAX_REASON_LENGTH, description="of the change of stock")]


NewId = Annotated[ProductId, WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"})]
NewImage = Annotated[Image, WithJsonSchema({"type": "string", "pattern": r"^([A-Za-z0-9][A-Za-z0-9._-]{0,120})?$"})]


RESERVED_ID = "new"
"""`/admin/products/new` is the page of a new product, so a product of this id would have no page in the back office."""


def not_reserved(id: str) -> str:
    if id == RESERVED_ID:
        raise ValueError(f"{id!r} is reserved, choose another id")
    return id


class NewVariant(RequestModel):
    id: NewId
    options: Annotated[list[OptionText], Field(description="a value of each of the product's options")]
    stock: Stock
    price: Price | None = None
    image: NewImage = ""
    sku: Sku = ""
    gtin: Gtin | None = None


class NewProduct(RequestModel):
    """`stock` is that of a product without options; each variant of one with options has its own."""

    id: Annotated[NewId, AfterValidator(not_reserved)]
    name: Annotated[NameTexts, ByLanguage]
    price: Price
    stock: Stock | None = None
    description: Annotated[DescriptionTexts, ByLanguage] = {"": ""}
    category: Category = ""
    tags: Tags = []
    image: NewImage = ""
    status: Annotated[ProductStatus, Field(strict=False)] = ProductStatus.ACTIVE
    options: Annotated[list[OptionEntry], Field(max_length=MAX_OPTIONS)] = []
    variants: Annotated[list[NewVariant], Field(max_length=MAX_VARIANTS)] = []


VARIANT_STATUS = "archived: no longer sold. Only a product can be a draft, with all of its variants"
UNCHANGED: Any = Field(default_factory=lambda: None)
"""The default of a field that may be left out, but can't be null: a default isn't validated, and a default factory
isn't part of the schema."""


class ProductChanges(RequestModel):
    """What is left out stays as it is; no field can be null."""

    name: Annotated[NameTexts, ByLanguage] = UNCHANGED
    description: Annotated[DescriptionTexts, ByLanguage] = UNCHANGED
    category: Category = UNCHANGED
    tags: Tags = UNCHANGED
    image: NewImage = UNCHANGED
    price: Price = UNCHANGED
    stock: Stock = UNCHANGED
    stock_change: StockChange = UNCHANGED
    reason: Reason = UNCHANGED
    status: Annotated[ProductStatus, Field(strict=False)] = UNCHANGED


class VariantChanges(RequestModel):
    """What is left out stays as it is; no field can be null."""

    price: Price = UNCHANGED
    stock: Stock = UNCHANGED
    stock_change: StockChange = UNCHANGED
    reason: Reason = UNCHANGED
    image: NewImage = UNCHANGED
    status: Annotated[VariantStatus, Field(strict=False, description=VARIANT_STATUS)] = UNCHANGED


class VariantInput(RequestModel):
    """A row of the grid of variants."""

    price: Price
    stock: Stock
    sku: Sku
    gtin: Gtin | None
    status: Annotated[VariantStatus, Field(strict=False)]


class OptionsInput(RequestModel):
    options: Annotated[list[OptionEntry], Field(max_length=MAX_OPTIONS)]


def shop_entry(tenant: TenantSettings, *products: ProductEntry) -> TenantEntry:
    """Return the shop as in a catalogue file that has these products only."""
    return TenantEntry.model_construct(
        id=tenant.id,
        name=tenant.name,
        currency=tenant.currency,
        locale=tenant.locale,
        labels=tenant.taxonomy_translations,
        products=list(products),
    )


def product_entry(tenant: TenantSettings, sent: NewProduct) -> ProductEntry:
    """Return the new product as in a catalogue file. Raises `Invalid` for what a file is refused for."""
    values = sent.model_dump(exclude={"status"}, by_alias=True)
    for priced in (values, *values["variants"]):
        if priced["price"] is not None:
            priced["price"] = format_decimal(priced["price"], tenant.currency)
    try:
        entry = ProductEntry.model_validate(values)
    except ValidationError as fault:
        raise Invalid(*map(field_error, fault.errors())) from None
    if faults := entry_errors(tenant, entry):
        raise Invalid(*faults)
    return entry


def entry_errors(tenant: TenantSettings, entry: ProductEntry) -> list[FieldError]:
    """Return the errors that span several fields."""
    shop = shop_entry(tenant, entry)
    where = f"product {entry.id!r}, "
    faults = [*language_errors(shop), *variant_errors(shop)]
    found = [location_error(fault.removeprefix(where)) for fault in faults if fault.startswith(where)]
    return found + [FieldError("tags", fault) for fault in duplicates("tag", entry.tags, "")]


def location_error(fault: str) -> FieldError:
    """Return the error of a location such as "variant 'tee-s', options: is missing"."""
    first = fault.partition(":")[0].partition(",")[0].split(" ")[0]
    return FieldError({"variant": "variants"}.get(first, first), fault)


def stored_changes(tenant: TenantSettings, sent: ProductChanges | VariantChanges) -> dict[str, Any]:
    """Return what is sent as `actions.change_product` takes it. A text without languages leaves its translations."""
    changes = sent.model_dump(exclude_unset=True)
    for name in ("name", "description"):
        if isinstance(getattr(sent, name, None), dict):
            changes |= stored_texts(tenant, name, getattr(sent, name))
    return changes


def stored_texts(tenant: TenantSettings, name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a text by language. Raises `Invalid` for an unknown language, and without the shop's."""
    own, others = split_by_language(dict(texts), tenant.default_language)
    filled = ProductEntry.model_validate({"id": "x", "name": "x", "price": "0"}).model_copy(update={name: dict(texts)})
    if faults := [*language_errors(shop_entry(tenant, filled))]:
        raise Invalid(*(FieldError(name, fault.partition(": ")[2]) for fault in faults))
    return {name: own} if set(texts) <= {""} else {name: own, f"{name}_translations": others or None}


def checked(model: type[RequestModel], values: Mapping[str, Any]) -> Any:
    """Return the validated model of a form's values. Raises `Invalid`, with a message at each field."""
    try:
        return model.model_validate(values)
    except ValidationError as fault:
        raise Invalid(*(field_error(one) for one in fault.errors(include_url=False, include_input=False))) from None
