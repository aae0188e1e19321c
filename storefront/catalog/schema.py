"""The shape of `catalog.json`, checked as a whole before anything of it is stored."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    field_validator,
)

from storefront import money
from storefront.config import daily_budget
from storefront.languages.rules import LANGUAGES
from storefront.tenants.timezones import check_timezone

TENANT_ID = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""A DNS label, because a tenant may be a subdomain."""
PRODUCT_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
IMAGE = r"^([A-Za-z0-9][A-Za-z0-9._-]{0,120})?$"
COLOUR = r"^#[0-9a-fA-F]{6}$"


class BadCatalog(ValueError):
    """A catalogue that can't be loaded; the message names tenant, product and field of each fault."""


def plain_text(value: str) -> str:
    """Refuses control characters and half characters, which no database column and no page should carry."""
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError("contains a control character")
    return value.strip()


def percent(value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", value):
        raise ValueError(f"{value!r} is not a percentage such as 20 or 8.875")
    if Decimal(value) > 100:
        raise ValueError(f"{value!r} is more than 100 %")
    return value


def limits_of_a_day(value: str) -> str:
    daily_budget(value)
    return value


def iso_date(value: str) -> str:
    date.fromisoformat(value)
    return value


def by_language(value: object) -> object:
    """A plain text is said in the shop's own language, which stands for itself as the empty code."""
    if isinstance(value, str):
        return {OWN: value}
    if isinstance(value, dict) and value and OWN not in value:
        return value
    raise ValueError('should be a text, or texts by language such as {"en": "Tea", "de": "Tee"}')


def plain_again(texts: dict[str, str]) -> str | dict[str, str]:
    return texts.get(OWN, texts)


def in_own_language(texts: dict[str, str], own: str) -> tuple[str, dict[str, str]]:
    """What is said in the shop's own language, and by language what is said in others."""
    others = {language: text for language, text in texts.items() if language not in (OWN, own)}
    return texts.get(OWN) or texts.get(own, ""), others


OWN = ""
Text = Annotated[str, AfterValidator(plain_text)]
Name = Annotated[str, AfterValidator(plain_text), Field(min_length=1, max_length=200)]
Translated = (BeforeValidator(by_language), PlainSerializer(plain_again))
Percent = Annotated[str, AfterValidator(percent)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Hero(Strict):
    title: Annotated[dict[str, Annotated[Text, Field(max_length=120)]], *Translated]
    text: Annotated[dict[str, Annotated[Text, Field(max_length=300)]], *Translated] = {OWN: ""}
    images: Annotated[list[Annotated[str, StringConstraints(pattern=IMAGE)]], Field(max_length=3)] = []


class Theme(BaseModel):
    """A look is open-ended: what this version doesn't know is left alone."""

    model_config = ConfigDict(extra="ignore", strict=True)

    accent: Annotated[str, StringConstraints(pattern=COLOUR)] | None = None
    second: Annotated[str, StringConstraints(pattern=COLOUR)] | None = None
    hue: Annotated[float, Field(ge=0, le=360, strict=False)] | None = None
    chroma: Annotated[float, Field(ge=0, le=0.2, strict=False)] | None = None
    face: Literal["fraunces", "bricolage", "figtree"] = "figtree"
    emblem: Annotated[str, StringConstraints(pattern=IMAGE)] = ""
    hero: Hero | None = None


class TaxSetting(Strict):
    rate: Percent
    included: bool = False


class PromotionSetting(Strict):
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    percent: Percent
    until: Annotated[str, AfterValidator(iso_date)] | None = None


class PinSetting(Strict):
    """`with` is a product in the cart, `suggest` the one to offer with it, `why` the words for it if given."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    with_id: Annotated[str, StringConstraints(pattern=PRODUCT_ID), Field(alias="with")]
    suggest: Annotated[str, StringConstraints(pattern=PRODUCT_ID)]
    why: Annotated[Text, Field(max_length=160)] = ""


class UpsellSetting(Strict):
    one_per_category: bool = True
    bar_categories_in_cart: bool = False
    pins: Annotated[list[PinSetting], Field(max_length=1000)] = []
    exclude: Annotated[list[Annotated[str, StringConstraints(pattern=PRODUCT_ID)]], Field(max_length=10_000)] = []
    budget: Annotated[str, AfterValidator(limits_of_a_day)] | None = None
    budget_cart_above: str | None = None


class ProductEntry(Strict):
    id: Annotated[str, StringConstraints(pattern=PRODUCT_ID)]
    name: Annotated[dict[str, Name], *Translated]
    description: Annotated[dict[str, Annotated[Text, Field(max_length=4000)]], *Translated] = {OWN: ""}
    category: Annotated[Text, Field(max_length=80)] = ""
    price: str
    stock: Annotated[int, Field(ge=0, le=1_000_000_000)]
    tags: Annotated[list[Annotated[Text, Field(min_length=1, max_length=60)]], Field(max_length=30)] = []
    image: Annotated[str, StringConstraints(pattern=IMAGE)] = ""


class TenantEntry(Strict):
    id: Annotated[str, StringConstraints(pattern=TENANT_ID)]
    name: Name
    currency: Annotated[str, AfterValidator(money.check_currency)]
    locale: str = "en"
    timezone: Annotated[str, AfterValidator(check_timezone)] | None = None
    theme: Theme = Theme()
    tax: TaxSetting | None = None
    promotions: Annotated[list[PromotionSetting], Field(max_length=100)] = []
    upsell: UpsellSetting | None = None
    labels: dict[str, dict[str, Annotated[Text, Field(min_length=1, max_length=80)]]] = {}
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
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise BadCatalog(f"the file is not JSON: {fault}") from None
    try:
        catalog = CatalogFile.model_validate(raw)
    except ValidationError as found:
        faults = [f"{place(raw, error['loc'])}: {error['msg']}" for error in found.errors(include_url=False)]
    else:
        faults = list(contradictions(catalog))
        if not faults:
            return catalog
    more = f"\n  … and {len(faults) - 20} more" if len(faults) > 20 else ""
    raise BadCatalog("\n  ".join(["the catalogue is refused whole:", *faults[:20]]) + more)


def contradictions(catalog: CatalogFile) -> Iterator[str]:
    """What no single field shows: ids and codes given twice, prices that the currency doesn't have."""
    yield from twice("tenant", (tenant.id for tenant in catalog.tenants))
    for tenant in catalog.tenants:
        where = f"tenant {tenant.id!r}"
        yield from (f"{where}, {fault}" for fault in twice("product", (product.id for product in tenant.products)))
        codes = (offer.code.upper() for offer in tenant.promotions)
        yield from (f"{where}, {fault}" for fault in twice("promotion", codes))
        yield from (f"{where}, {fault}" for fault in unknown_in(tenant))
        yield from (f"{where}, {fault}" for fault in wrong_languages(tenant))
        for product in tenant.products:
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
    for field, said in texts:
        for language in said.keys() - known:
            yield f"{field}: {language!r} is none of the languages that pages are in: {', '.join(LANGUAGES)}"
        if said.keys().isdisjoint((OWN, tenant.language)):
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


def twice(kind: str, ids: Iterable[str]) -> Iterator[str]:
    return (f"{kind} {id!r}, id: is there {times} times" for id, times in Counter(ids).items() if times > 1)


def place(raw: Any, location: tuple[int | str, ...]) -> str:
    """Where in the file: ('tenants', 0, 'products', 3, 'stock') gives "tenant 'aurora', product 'mug', stock"."""
    words: list[str] = []
    for step, following in zip_longest(location, location[1:]):
        if isinstance(step, str):
            if step and not (step in ("tenants", "products", "promotions") and isinstance(following, int)):
                words.append(step)
            raw = raw.get(step) if isinstance(raw, dict) else None
        else:
            raw = raw[step] if isinstance(raw, list) else None
            kind = {0: "tenant", 1: "product"}.get(len(words), "entry")
            name = raw.get("id") or raw.get("code") if isinstance(raw, dict) else None
            words.append(f"{kind} {name!r}" if isinstance(name, str) else f"{kind} number {step + 1}")
    return ", ".join(words) or "the file"
