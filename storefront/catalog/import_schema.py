"""The schema of `catalog.json`, validated completely before anything is stored."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from storefront import money
from storefront.catalog.field_types import (
    DEFAULT_LANGUAGE_KEY,
    Colour,
    Image,
    Label,
    Name,
    ProductId,
    StrictModel,
    TenantId,
    Text,
    Translated,
    validate_daily_budget,
)
from storefront.catalog.json_file import CatalogError, describe_location, parse_json
from storefront.catalog.selling_schema import (
    ContactSetting,
    Country,
    PaymentMethods,
    PromotionSetting,
    ShippingSetting,
    TaxClass,
    TaxSetting,
    Weight,
    selling_errors,
)
from storefront.catalog.variant_schema import (
    MAX_OPTIONS,
    OptionEntry,
    Stock,
    VariantEntry,
    option_texts,
    variant_errors,
)
from storefront.i18n.negotiation import LANGUAGES
from storefront.tenants.legal import LegalPage
from storefront.tenants.timezones import check_timezone
from storefront.web.validation_messages import error_message


class Hero(StrictModel):
    title: Annotated[dict[str, Annotated[Text, Field(max_length=120)]], *Translated]
    text: Annotated[dict[str, Annotated[Text, Field(max_length=300)]], *Translated] = {DEFAULT_LANGUAGE_KEY: ""}
    images: Annotated[list[Image], Field(max_length=3)] = []


class Theme(BaseModel):
    """A theme may have keys that this version doesn't know; they are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    accent: Colour | None = None
    second: Colour | None = None
    hue: Annotated[float, Field(ge=0, le=360, strict=False)] | None = None
    chroma: Annotated[float, Field(ge=0, le=0.2, strict=False)] | None = None
    face: Literal["fraunces", "bricolage", "figtree"] = "figtree"
    emblem: Image = ""
    hero: Hero | None = None


class PinSetting(StrictModel):
    """`with` is a product in the cart, `suggest` the one to suggest with it, `why` the optional explanation."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    with_id: Annotated[ProductId, Field(alias="with")]
    suggest: ProductId
    why: Annotated[Text, Field(max_length=160)] = ""


class UpsellSetting(StrictModel):
    one_per_category: bool = True
    bar_categories_in_cart: bool = False
    pins: Annotated[list[PinSetting], Field(max_length=1000)] = []
    exclude: Annotated[list[ProductId], Field(max_length=10_000)] = []
    budget: Annotated[str, AfterValidator(validate_daily_budget)] | None = None
    budget_cart_above: str | None = None


class GoesWithSetting(StrictModel):
    """A product that complements the one with this entry, and the shop's optional explanation."""

    id: ProductId
    why: Annotated[dict[str, Annotated[Label, Field(max_length=160)]], *Translated] = {DEFAULT_LANGUAGE_KEY: ""}


NameTexts = Annotated[dict[str, Name], *Translated]
DescriptionTexts = Annotated[dict[str, Annotated[Text, Field(max_length=4000)]], *Translated]
Category = Annotated[Label, Field(max_length=80)]
Tags = Annotated[list[Annotated[Label, Field(min_length=1, max_length=60)]], Field(max_length=30)]


class ProductEntry(StrictModel):
    id: ProductId
    name: NameTexts
    description: DescriptionTexts = {DEFAULT_LANGUAGE_KEY: ""}
    category: Category = ""
    price: str
    stock: Stock | None = None
    """None for a product with variants only."""
    options: Annotated[list[OptionEntry], Field(max_length=MAX_OPTIONS)] = []
    variants: list[VariantEntry] = []
    """Those that are sold, at most `MAX_VARIANTS`, and archived ones."""
    tags: Tags = []
    image: Image = ""
    goes_with: Annotated[list[GoesWithSetting], Field(max_length=8)] = []
    """The best first."""
    tax_class: TaxClass | None = None
    weight: Weight | None = None
    """In grams."""
    status: Literal["active", "draft", "archived"] = "active"
    """Of a new product; that of an existing one stays."""


class TenantEntry(StrictModel):
    id: TenantId
    name: Name
    currency: Annotated[str, AfterValidator(money.check_currency)]
    locale: str = "en"
    timezone: Annotated[str, AfterValidator(check_timezone)] | None = None
    theme: Theme = Theme()
    tax: TaxSetting | None = None
    promotions: Annotated[list[PromotionSetting], Field(max_length=100)] = []
    country: Country | None = None
    contact: ContactSetting | None = None
    shipping: Annotated[list[ShippingSetting], Field(max_length=50)] = []
    payment: PaymentMethods = []
    upsell: UpsellSetting | None = None
    labels: dict[str, dict[str, Annotated[Label, Field(min_length=1, max_length=80)]]] = {}
    """Translations of categories and tags: {label: {language: translation}}."""
    category_order: Annotated[list[Category], Field(max_length=5000)] | None = None
    """Categories as staff has ordered them. None: the order stays, or is that of the products."""
    upsell_enabled: bool | None = None
    """Whether suggestions are on in this shop. None: it stays, or is as for all shops."""
    products: list[ProductEntry]

    @field_validator("locale")
    @classmethod
    def known_locale(cls, value: str) -> str:
        money.parse_locale(value)
        return value

    @property
    def language(self) -> str:
        """The default language, in which plain strings are."""
        return money.parse_locale(self.locale).language


class CatalogFile(StrictModel):
    tenants: Annotated[list[TenantEntry], Field(min_length=1)]
    orders: list[Any] = []
    """Of `tenant export`, which has them beside the catalogue; they aren't imported."""


def parse_catalog(content: bytes) -> CatalogFile:
    """Parse and validate the file. Raises `CatalogError` with the first errors, by tenant, product and field."""
    raw, faults = parse_json(content)
    if not faults:
        try:
            catalog = CatalogFile.model_validate(raw)
        except ValidationError as found:
            faults = [describe_error(raw, error) for error in found.errors(include_url=False)]
        else:
            faults = list(cross_field_errors(catalog))
            if not faults:
                return catalog
    more = f"\n  … and {len(faults) - 20} more" if len(faults) > 20 else ""
    raise CatalogError("\n  ".join(["was rejected and nothing was imported:", *faults[:20]]) + more)


def describe_error(raw: object, fault: ErrorDetails) -> str:
    """Return the location in the file and the error message."""
    where = describe_location(raw, fault["loc"])
    if fault["type"] == "value_error":
        return f"{where}: {error_message(fault, where)}"
    return error_message(fault, where)


def cross_field_errors(catalog: CatalogFile) -> Iterator[str]:
    """Yield errors that span several fields: repeated ids and codes, prices with too many decimals for the currency."""
    yield from duplicates("tenant", (tenant.id for tenant in catalog.tenants))
    for tenant in catalog.tenants:
        where = f"tenant {tenant.id!r}"
        yield from (f"{where}, {fault}" for fault in duplicates("product", (product.id for product in tenant.products)))
        codes = (offer.code.upper() for offer in tenant.promotions)
        yield from (f"{where}, {fault}" for fault in duplicates("promotion", codes, "code"))
        yield from (f"{where}, {fault}" for fault in duplicates("payment", tenant.payment, ""))
        yield from (f"{where}, {fault}" for fault in unknown_references(tenant))
        yield from (f"{where}, {fault}" for fault in contradicting_rules(tenant.upsell or UpsellSetting()))
        yield from (f"{where}, {fault}" for fault in goes_with_errors(tenant))
        yield from (f"{where}, {fault}" for fault in language_errors(tenant))
        yield from (f"{where}, {fault}" for fault in variant_errors(tenant))
        yield from (f"{where}, {fault}" for fault in selling_errors(tenant))
        for product in tenant.products:
            yield from (f"{where}, product {product.id!r}, {fault}" for fault in duplicates("tag", product.tags, ""))
            try:
                money.parse(product.price, tenant.currency)
            except ValueError as fault:
                yield f"{where}, product {product.id!r}, price: {fault}"


def language_errors(tenant: TenantEntry) -> Iterator[str]:
    """Yield errors for texts in unsupported languages, and for texts without the shop's default language."""
    texts = [(f"product {one.id!r}, name", one.name) for one in tenant.products]
    texts += [(f"product {one.id!r}, description", one.description) for one in tenant.products]
    texts += [
        (f"product {one.id!r}, goes_with {other.id!r}, why", other.why)
        for one in tenant.products
        for other in one.goes_with
    ]
    texts += option_texts(tenant)
    if tenant.theme.hero:
        texts += [("theme, hero, title", tenant.theme.hero.title), ("theme, hero, text", tenant.theme.hero.text)]
    texts += [(f"shipping method {method.id!r}, name", method.name) for method in tenant.shipping]
    texts += [(f"contact, {page}", words) for page, words in legal_texts(tenant)]
    texts += [(f"labels, {label!r}", {DEFAULT_LANGUAGE_KEY: label} | others) for label, others in tenant.labels.items()]
    known = {DEFAULT_LANGUAGE_KEY, tenant.language, *LANGUAGES}
    for field, words in texts:
        for language in words.keys() - known:
            yield f"{field}: {language!r} is not a supported language: {', '.join(LANGUAGES)}"
        if words.keys().isdisjoint((DEFAULT_LANGUAGE_KEY, tenant.language)):
            yield f"{field}: is missing in {tenant.language!r}, the language of the shop's locale {tenant.locale}"


def legal_texts(tenant: TenantEntry) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the texts of each legal page, by language."""
    for page in LegalPage:
        if texts := getattr(tenant.contact, page, None):
            yield page, texts


def unknown_references(tenant: TenantEntry) -> Iterator[str]:
    """Yield errors for merchandising rules that name unknown products or an invalid amount."""
    rules = tenant.upsell or UpsellSetting()
    known = {product.id for product in tenant.products}
    named = [("pins", id) for pin in rules.pins for id in (pin.with_id, pin.suggest)]
    named += [("exclude", id) for id in rules.exclude]
    yield from (f"upsell, {field}: there is no product {id!r} in this shop" for field, id in named if id not in known)
    try:
        money.parse(rules.budget_cart_above or "0", tenant.currency)
    except ValueError as fault:
        yield f"upsell, budget_cart_above: {fault}"


def goes_with_errors(tenant: TenantEntry) -> Iterator[str]:
    """Products in `goes_with` that don't exist, are the product itself, or are named twice."""
    known = {product.id for product in tenant.products}
    for product in tenant.products:
        where = f"product {product.id!r}, goes_with"
        others = [other.id for other in product.goes_with]
        yield from (f"{where}: there is no product {id!r} in this shop" for id in others if id not in known)
        if product.id in others:
            yield f"{where}: {product.id!r} can't go with itself"
        yield from duplicates(where, others, "")


def contradicting_rules(rules: UpsellSetting) -> Iterator[str]:
    """Yield errors for contradicting or repeated merchandising rules."""
    excluded = set(rules.exclude)
    for pin in rules.pins:
        if pin.with_id == pin.suggest:
            yield f"upsell, pins: {pin.suggest!r} is pinned to itself; products in the cart are never suggested"
        if pin.suggest in excluded:
            yield f"upsell, pins: {pin.suggest!r} is pinned to {pin.with_id!r} and excluded; remove one of the two"
    pairs = Counter((pin.with_id, pin.suggest) for pin in rules.pins)
    for (with_id, suggest), times in pairs.items():
        if times > 1:
            yield f"upsell, pins: {suggest!r} is pinned to {with_id!r} {times} times"
    yield from (f"upsell, {fault}" for fault in duplicates("exclude", rules.exclude, ""))


def duplicates(kind: str, ids: Iterable[str], field: str = "id") -> Iterator[str]:
    """Yield an error for each repeated id; `field` is the name of the field with the id, if any."""
    where = f", {field}" if field else ""
    return (f"{kind} {id!r}{where}: is given {times} times" for id, times in Counter(ids).items() if times > 1)
