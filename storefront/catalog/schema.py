"""The shape of `catalog.json`, checked as a whole before anything of it is stored."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from storefront import money
from storefront.catalog.field_types import (
    OWN,
    Colour,
    Image,
    Label,
    Name,
    Percent,
    ProductId,
    PromoCode,
    TenantId,
    Text,
    Translated,
    iso_date,
    limits_of_a_day,
)
from storefront.catalog.json_file import BadCatalog, parse, place
from storefront.languages.rules import LANGUAGES
from storefront.tenants.timezones import check_timezone
from storefront.validation_messages import error_message


def in_own_language(texts: dict[str, str], own: str) -> tuple[str, dict[str, str]]:
    """What is said in the shop's own language, and by language what is said in others."""
    others = {language: text for language, text in texts.items() if language not in (OWN, own)}
    return texts.get(OWN) or texts.get(own, ""), others


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Hero(Strict):
    title: Annotated[dict[str, Annotated[Text, Field(max_length=120)]], *Translated]
    text: Annotated[dict[str, Annotated[Text, Field(max_length=300)]], *Translated] = {OWN: ""}
    images: Annotated[list[Image], Field(max_length=3)] = []


class Theme(BaseModel):
    """A look is open-ended: what this version doesn't know is left alone."""

    model_config = ConfigDict(extra="ignore", strict=True)

    accent: Colour | None = None
    second: Colour | None = None
    hue: Annotated[float, Field(ge=0, le=360, strict=False)] | None = None
    chroma: Annotated[float, Field(ge=0, le=0.2, strict=False)] | None = None
    face: Literal["fraunces", "bricolage", "figtree"] = "figtree"
    emblem: Image = ""
    hero: Hero | None = None


class TaxSetting(Strict):
    rate: Percent
    included: bool = False


class PromotionSetting(Strict):
    code: PromoCode
    percent: Percent
    until: Annotated[str, AfterValidator(iso_date)] | None = None


class PinSetting(Strict):
    """`with` is a product in the cart, `suggest` the one to offer with it, `why` the words for it if given."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    with_id: Annotated[ProductId, Field(alias="with")]
    suggest: ProductId
    why: Annotated[Text, Field(max_length=160)] = ""


class UpsellSetting(Strict):
    one_per_category: bool = True
    bar_categories_in_cart: bool = False
    pins: Annotated[list[PinSetting], Field(max_length=1000)] = []
    exclude: Annotated[list[ProductId], Field(max_length=10_000)] = []
    budget: Annotated[str, AfterValidator(limits_of_a_day)] | None = None
    budget_cart_above: str | None = None


class ProductEntry(Strict):
    id: ProductId
    name: Annotated[dict[str, Name], *Translated]
    description: Annotated[dict[str, Annotated[Text, Field(max_length=4000)]], *Translated] = {OWN: ""}
    category: Annotated[Label, Field(max_length=80)] = ""
    price: str
    stock: Annotated[int, Field(ge=0, le=1_000_000_000)]
    tags: Annotated[list[Annotated[Label, Field(min_length=1, max_length=60)]], Field(max_length=30)] = []
    image: Image = ""


class TenantEntry(Strict):
    id: TenantId
    name: Name
    currency: Annotated[str, AfterValidator(money.check_currency)]
    locale: str = "en"
    timezone: Annotated[str, AfterValidator(check_timezone)] | None = None
    theme: Theme = Theme()
    tax: TaxSetting | None = None
    promotions: Annotated[list[PromotionSetting], Field(max_length=100)] = []
    upsell: UpsellSetting | None = None
    labels: dict[str, dict[str, Annotated[Label, Field(min_length=1, max_length=80)]]] = {}
    """What categories and tags are called in other languages."""
    products: list[ProductEntry]

    @field_validator("locale")
    @classmethod
    def known_locale(cls, value: str) -> str:
        money.read_locale(value)
        return value

    @property
    def language(self) -> str:
        """The one in which plain texts are."""
        return money.read_locale(self.locale).language


class CatalogFile(Strict):
    tenants: Annotated[list[TenantEntry], Field(min_length=1)]


def read_catalog(content: bytes) -> CatalogFile:
    """The catalogue in the file's bytes; raises `BadCatalog` with the first faults, by tenant, product, field."""
    raw, faults = parse(content)
    if not faults:
        try:
            catalog = CatalogFile.model_validate(raw)
        except ValidationError as found:
            faults = [fault_in_words(raw, error) for error in found.errors(include_url=False)]
        else:
            faults = list(contradictions(catalog))
            if not faults:
                return catalog
    more = f"\n  … and {len(faults) - 20} more" if len(faults) > 20 else ""
    raise BadCatalog("\n  ".join(["is refused whole:", *faults[:20]]) + more)


def fault_in_words(raw: object, fault: ErrorDetails) -> str:
    """Where in the file, and what is wrong there: our own check's words, or a sentence about the field."""
    where = place(raw, fault["loc"])
    if fault["type"] == "value_error":
        return f"{where}: {error_message(fault, where)}"
    return error_message(fault, where)


def contradictions(catalog: CatalogFile) -> Iterator[str]:
    """What no single field shows: ids and codes given twice, prices that the currency doesn't have."""
    yield from twice("tenant", (tenant.id for tenant in catalog.tenants))
    for tenant in catalog.tenants:
        where = f"tenant {tenant.id!r}"
        yield from (f"{where}, {fault}" for fault in twice("product", (product.id for product in tenant.products)))
        codes = (offer.code.upper() for offer in tenant.promotions)
        yield from (f"{where}, {fault}" for fault in twice("promotion", codes, "code"))
        yield from (f"{where}, {fault}" for fault in unknown_in(tenant))
        yield from (f"{where}, {fault}" for fault in contradicting_wishes(tenant.upsell or UpsellSetting()))
        yield from (f"{where}, {fault}" for fault in wrong_languages(tenant))
        for product in tenant.products:
            yield from (f"{where}, product {product.id!r}, {fault}" for fault in twice("tag", product.tags, ""))
            try:
                money.parse(product.price, tenant.currency)
            except ValueError as fault:
                yield f"{where}, product {product.id!r}, price: {fault}"


def wrong_languages(tenant: TenantEntry) -> Iterator[str]:
    """Texts in languages that no page speaks, and texts that the shop's own language lacks."""
    texts = [(f"product {one.id!r}, name", one.name) for one in tenant.products]
    texts += [(f"product {one.id!r}, description", one.description) for one in tenant.products]
    if tenant.theme.hero:
        texts += [("theme, hero, title", tenant.theme.hero.title), ("theme, hero, text", tenant.theme.hero.text)]
    texts += [(f"labels, {label!r}", {OWN: label} | others) for label, others in tenant.labels.items()]
    known = {OWN, tenant.language, *LANGUAGES}
    for field, words in texts:
        for language in words.keys() - known:
            yield f"{field}: {language!r} is none of the languages that pages are in: {', '.join(LANGUAGES)}"
        if words.keys().isdisjoint((OWN, tenant.language)):
            yield f"{field}: is missing in {tenant.language!r}, the language of the shop's locale {tenant.locale}"


def unknown_in(tenant: TenantEntry) -> Iterator[str]:
    """What the shop's wishes for its suggestions name and the file doesn't have, or the currency."""
    wishes = tenant.upsell or UpsellSetting()
    known = {product.id for product in tenant.products}
    named = [("pins", id) for pin in wishes.pins for id in (pin.with_id, pin.suggest)]
    named += [("exclude", id) for id in wishes.exclude]
    yield from (f"upsell, {field}: there is no product {id!r} in this shop" for field, id in named if id not in known)
    try:
        money.parse(wishes.budget_cart_above or "0", tenant.currency)
    except ValueError as fault:
        yield f"upsell, budget_cart_above: {fault}"


def contradicting_wishes(wishes: UpsellSetting) -> Iterator[str]:
    """What the shop wants of its suggestions and can't have both, or wants twice."""
    excluded = set(wishes.exclude)
    for pin in wishes.pins:
        if pin.with_id == pin.suggest:
            yield f"upsell, pins: {pin.suggest!r} is pinned to itself, and what is in a cart isn't suggested"
        if pin.suggest in excluded:
            yield f"upsell, pins: {pin.suggest!r} is pinned to {pin.with_id!r} and excluded; leave out one of the two"
    pairs = Counter((pin.with_id, pin.suggest) for pin in wishes.pins)
    for (with_id, suggest), times in pairs.items():
        if times > 1:
            yield f"upsell, pins: {suggest!r} is pinned to {with_id!r} {times} times"
    yield from (f"upsell, {fault}" for fault in twice("exclude", wishes.exclude, ""))


def twice(kind: str, ids: Iterable[str], field: str = "id") -> Iterator[str]:
    """What is said of the ids that are there more than once; `field` is theirs, if they stand in one."""
    where = f", {field}" if field else ""
    return (f"{kind} {id!r}{where}: is there {times} times" for id, times in Counter(ids).items() if times > 1)
