"""Country, contact, tax, shipping, payment and promotions of a shop in `catalog.json`, and the checks that span several
of their fields."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, ConfigDict, Field, model_validator

from storefront import money
from storefront.catalog.field_types import (
    DiscountPercent,
    Name,
    OneLine,
    Percent,
    PromoCode,
    StrictModel,
    Text,
    Translated,
    matching,
    validate_iso_date,
)
from storefront.tenants.countries import check_country

if TYPE_CHECKING:
    from storefront.catalog.import_schema import TenantEntry

MAX_WEIGHT = 10_000_000
"""Of a product, in grams."""
MAX_DAYS = 365
MAX_LEGAL_TEXT = 50_000
"""Characters of a legal text in one language."""
MAX_USES = 1_000_000_000

Country = Annotated[str, AfterValidator(check_country)]
Day = Annotated[str, AfterValidator(validate_iso_date)]
Weight = Annotated[int, Field(ge=0, le=MAX_WEIGHT)]
TaxClass = Annotated[
    str, matching(r"[a-z0-9][a-z0-9_-]{0,39}", "is not a tax class: 1 to 40 lowercase letters, digits, - and _")
]
MethodId = Annotated[
    str,
    matching(r"[a-z0-9][a-z0-9_-]{0,39}", "is not a shipping method's id: 1 to 40 lowercase letters, digits, - and _"),
]
LegalText = Annotated[dict[str, Annotated[Text, Field(max_length=MAX_LEGAL_TEXT)]], *Translated]
Uses = Annotated[int, Field(ge=1, le=MAX_USES)]


def check_email(value: str) -> str:
    """Raises `ValueError`."""
    try:
        return validate_email(value, check_deliverability=False, test_environment=True, allow_smtputf8=False).normalized
    except EmailNotValidError:
        raise ValueError(f"{value[:80]!r} is not an email address such as hello@example.com") from None


class ContactSetting(StrictModel):
    """What mails, documents and legal pages say about the shop."""

    email: Annotated[str, Field(max_length=254), AfterValidator(check_email)] | None = None
    phone: Annotated[OneLine, Field(max_length=40)] | None = None
    address: Annotated[Text, Field(max_length=500)] | None = None
    company: Annotated[OneLine, Field(max_length=200)] | None = None
    """The name of the business, if it isn't the shop's."""
    vat_id: Annotated[OneLine, Field(max_length=40)] | None = None
    """Or another tax number, where the law allows it on invoices."""
    imprint: LegalText | None = None
    terms: LegalText | None = None
    privacy: LegalText | None = None
    withdrawal: LegalText | None = None


class TaxRatesSetting(StrictModel):
    rate: Percent
    classes: Annotated[dict[TaxClass, Percent], Field(max_length=20)] = {}


class TaxSetting(TaxRatesSetting):
    included: bool = False
    countries: Annotated[dict[Country, TaxRatesSetting], Field(max_length=250)] = {}


class PriceStepSetting(StrictModel):
    """The price from a weight in grams, or from an amount of goods, on."""

    from_weight: Weight | None = None
    from_subtotal: str | None = None
    price: str

    @model_validator(mode="after")
    def one_bound(self) -> Self:
        if (self.from_weight is None) == (self.from_subtotal is None):
            raise ValueError("needs either from_weight or from_subtotal")
        return self


class ShippingSetting(StrictModel):
    id: MethodId
    name: Annotated[dict[str, Name], *Translated]
    price: str
    free_from: str | None = None
    steps: Annotated[list[PriceStepSetting], Field(max_length=50)] = []
    max_weight: Weight | None = None
    countries: Annotated[list[Country], Field(min_length=1, max_length=250)] = []
    """Left out: all countries."""
    days: Annotated[list[Annotated[int, Field(ge=0, le=MAX_DAYS)]], Field(min_length=2, max_length=2)] | None = None
    pickup: bool | None = None
    """None: whether the id is "pickup"."""
    default: bool = False


class PromotionSetting(StrictModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    code: PromoCode
    percent: DiscountPercent | None = None
    amount: str | None = None
    free_shipping: bool = False
    starts: Annotated[Day | None, Field(alias="from")] = None
    until: Day | None = None
    min_subtotal: str | None = None
    limit: Uses | None = None
    per_customer: Uses | None = None
    automatic: bool = False


PaymentMethods = Annotated[list[Literal["on_delivery", "bank_transfer", "stripe"]], Field(max_length=3)]


def selling_errors(tenant: "TenantEntry") -> Iterator[str]:
    """Yield errors that span several fields, each with its location in the shop."""
    yield from repeated("shipping", "method", (method.id for method in tenant.shipping))
    yield from repeated("payment", "method", tenant.payment)
    for method in tenant.shipping:
        yield from (f"shipping method {method.id!r}, {fault}" for fault in method_errors(method, tenant.currency))
    if sum(method.default for method in tenant.shipping) > 1:
        yield "shipping: only one method can be the default"
    for offer in tenant.promotions:
        yield from (f"promotion {offer.code!r}, {fault}" for fault in promotion_errors(offer, tenant.currency))
    yield from tax_errors(tenant)


def repeated(field: str, kind: str, ids: Iterable[str]) -> Iterator[str]:
    return (f"{field}, {kind} {id!r}: is given {times} times" for id, times in Counter(ids).items() if times > 1)


def amount_errors(currency: str, **amounts: str | None) -> Iterator[str]:
    """Yield an error for each amount that isn't one of this currency."""
    for field, text in amounts.items():
        try:
            money.parse("0" if text is None else text, currency)
        except ValueError as fault:
            yield f"{field}: {fault}"


def method_errors(method: ShippingSetting, currency: str) -> Iterator[str]:
    yield from amount_errors(currency, price=method.price, free_from=method.free_from)
    yield from repeated("countries", "country", method.countries)
    if method.days and method.days[0] > method.days[1]:
        yield "days: the first must not be greater than the second"
    faults = [
        f"steps, entry number {number}, {fault}"
        for number, step in enumerate(method.steps, 1)
        for fault in amount_errors(currency, price=step.price, from_subtotal=step.from_subtotal)
    ]
    yield from faults
    if not faults:
        yield from step_errors(method, currency)


def step_errors(method: ShippingSetting, currency: str) -> Iterator[str]:
    """Steps are by weight or by subtotal, and grow."""
    weights = [step.from_weight for step in method.steps if step.from_weight is not None]
    amounts = [money.parse(step.from_subtotal, currency) for step in method.steps if step.from_subtotal is not None]
    if weights and amounts:
        yield "steps: all must be by from_weight, or all by from_subtotal"
    for bounds in (weights, amounts):
        if any(earlier >= later for earlier, later in pairwise(bounds)):
            yield "steps: each must begin at more than the one before"


def promotion_errors(offer: PromotionSetting, currency: str) -> Iterator[str]:
    if (offer.percent is not None) + (offer.amount is not None) + offer.free_shipping != 1:
        yield "percent: a promotion has either percent, amount or free_shipping"
    if offer.amount is not None and not offer.amount.strip("0."):
        yield "amount: must be more than 0"
    yield from amount_errors(currency, amount=offer.amount, min_subtotal=offer.min_subtotal)
    if offer.starts and offer.until and date.fromisoformat(offer.starts) > date.fromisoformat(offer.until):
        yield f"until: {offer.until} is before {offer.starts}, the first day"


def tax_errors(tenant: "TenantEntry") -> Iterator[str]:
    """Yield errors for classes of products and countries that the shop's tax doesn't have."""
    known = set(tenant.tax.classes) if tenant.tax else set()
    for country, rates in (tenant.tax.countries if tenant.tax else {}).items():
        for name in sorted(set(rates.classes) - known):
            yield f"tax, countries, {country}, classes: {name!r} is not one of the shop's tax classes"
    for product in tenant.products:
        if product.tax_class is not None and product.tax_class not in known:
            yield f"product {product.id!r}, tax_class: {product.tax_class!r} is not one of the shop's tax classes"
