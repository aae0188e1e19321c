"""A tenant's settings as an immutable snapshot: tax, promotions, theme, and merchandising rules (pins, exclusions)."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from storefront import money
from storefront.config_values import Budget, daily_budget
from storefront.i18n.content import localize
from storefront.i18n.formatting import format_percent
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language, shopper_languages
from storefront.i18n.negotiation import default_language
from storefront.i18n.unicode_text import plain_code
from storefront.tenants import theme
from storefront.tenants.countries import is_in_eu
from storefront.tenants.legal import LegalPage
from storefront.tenants.models import Tenant
from storefront.tenants.promotions import Promotion
from storefront.tenants.shipping_methods import ShippingMethod
from storefront.tenants.tax import Tax
from storefront.tenants.timezones import UTC, timezone_of


@dataclass(frozen=True)
class Pin:
    """A merchandising rule: with product `with_id` in the cart, suggest product `suggest` first. `why` may be empty."""

    with_id: str
    suggest: str
    why: str


@dataclass(frozen=True)
class MerchandisingRules:
    """The shop's rules for its suggestions. `budget_cart_above` is in minor units: carts of higher value use the model
    even past the soft limit of the daily budget."""

    one_per_category: bool = True
    bar_categories_in_cart: bool = False
    pins: tuple[Pin, ...] = ()
    exclude: frozenset[str] = frozenset()
    budget: Budget | None = None
    budget_cart_above: int | None = None

    @classmethod
    def of(cls, stored: dict[str, Any] | None, currency: str) -> "MerchandisingRules":
        stored = stored or {}
        above = stored.get("budget_cart_above")
        return cls(
            one_per_category=stored.get("one_per_category", True),
            bar_categories_in_cart=stored.get("bar_categories_in_cart", False),
            pins=tuple(Pin(pin["with"], pin["suggest"], pin.get("why", "")) for pin in stored.get("pins", ())),
            exclude=frozenset(stored.get("exclude", ())),
            budget=daily_budget(stored["budget"]) if stored.get("budget") else None,
            budget_cart_above=money.parse(above, currency) if above else None,
        )


@dataclass(frozen=True)
class TenantSettings:
    """A shop's settings, at most a second old (see `Registry`)."""

    id: str
    name: str
    currency: str
    locale: str
    theme: dict[str, Any] = field(hash=False)
    tax: Tax | None
    promotions: tuple[Promotion, ...]
    upsell_enabled: bool
    upsell: MerchandisingRules = MerchandisingRules()
    taxonomy_translations: dict[str, dict[str, str]] = field(default_factory=dict, hash=False)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo(UTC))
    category_order: tuple[str, ...] = ()
    country: str | None = None
    """Where the shop is; None if it doesn't say."""
    contact: dict[str, str] = field(default_factory=dict, hash=False)
    """`email`, `phone`, `address`, `company` and `vat_id`, those that are given."""
    legal_pages: tuple[LegalPage, ...] = ()
    """Those that have a text."""
    shipping: tuple[ShippingMethod, ...] = ()
    payment: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Tenant, upsell_enabled: bool) -> "TenantSettings":
        return cls(
            id=row.id,
            name=row.name,
            currency=row.currency,
            locale=row.locale,
            theme=row.theme,
            tax=Tax.of(row.tax) if row.tax else None,
            promotions=tuple(Promotion.of(offer, row.currency) for offer in row.promotions),
            upsell=MerchandisingRules.of(row.upsell, row.currency),
            taxonomy_translations=row.taxonomy_translations or {},
            timezone=timezone_of(row.timezone, row.locale),
            upsell_enabled=upsell_enabled,
            category_order=tuple(row.category_order or ()),
            country=row.country,
            contact={name: text for name, text in (row.contact or {}).items() if text},
            legal_pages=tuple(page for page in LegalPage if page in (row.legal_pages or ())),
            shipping=tuple(
                ShippingMethod.of(method, row.currency, money.parse_locale(row.locale).language)
                for method in row.shipping or ()
            ),
            payment=tuple(row.payment or ()),
        )

    @cached_property
    def version(self) -> int:
        """A hash that changes when any setting changes; part of cache keys."""
        return hash(repr(self))

    def promotion(self, code: str) -> Promotion | None:
        """Return the promotion of a typed or pasted code; it may have expired. None if there is none."""
        wanted = plain_code(code).upper()
        return next((offer for offer in self.promotions if offer.code == wanted), None)

    @property
    def seller_name(self) -> str:
        """The name of the business, which may be another than that of the shop."""
        return self.contact.get("company") or self.name

    @property
    def can_issue_invoices(self) -> bool:
        """Whether the shop has the address that an invoice must name."""
        return "address" in self.contact

    @property
    def is_in_eu(self) -> bool:
        return is_in_eu(self.country)

    def shipping_method(self, method_id: str | None) -> ShippingMethod | None:
        return next((method for method in self.shipping if method.id == method_id), None)

    def money(self, amount: int) -> str:
        return money.format_money(amount, self.currency, self.locale)

    @property
    def default_language(self) -> str:
        """The language of the shop when the client asks for no other."""
        return default_language(self.locale)

    @property
    def hero(self) -> dict[str, Any] | None:
        """The text and images above the product list, in the shopper's language where translated."""
        hero: dict[str, Any] | None = self.theme.get("hero")
        return hero and hero | {name: self.localize(hero.get(name, "")) for name in ("title", "text")}

    def label(self, name: str) -> str:
        """Return the name of a category or tag in the shopper's language, or in the default language."""
        return localize(name, self.taxonomy_translations.get(name))

    def default_label(self, name: str) -> str:
        """Return the name of a category or tag in the shop's default language."""
        return self.taxonomy_translations.get(name, {}).get(self.default_language, name)

    def has_translation(self, name: str) -> bool:
        """Whether a category or tag has a name in the shopper's language."""
        return shopper_language() in (self.default_language, *self.taxonomy_translations.get(name, ()))

    def localize(self, text: str | dict[str, str]) -> str:
        """Return a text of the catalogue (a string, or strings by language) in the shopper's language."""
        texts = {} if isinstance(text, str) else text
        own = text if isinstance(text, str) else text.get(money.parse_locale(self.locale).language, "")
        return localize(own, texts, shopper_languages(self.locale))

    @property
    def logo(self) -> str | None:
        emblem: str | None = self.theme.get("emblem")
        return emblem

    @property
    def display_font(self) -> str:
        return theme.display_font(self.theme)

    @property
    def tax_note(self) -> str:
        if self.tax is None:
            return ""
        if self.tax.classes:
            return _("Prices include tax") if self.tax.included else _("Prices exclude tax")
        rate = format_percent(self.tax.rate)
        if self.tax.included:
            return _("Prices include %(rate)s tax", rate=rate)
        return _("Prices exclude %(rate)s tax", rate=rate)

    @property
    def price_note(self) -> str:
        """What stands beside prices: in the EU, buyers must know of tax and shipping before they order."""
        costs_extra = any(method.price or method.steps for method in self.shipping)
        if not self.tax_note or not costs_extra:
            return self.tax_note
        return _("%(tax)s, plus shipping", tax=self.tax_note)

    @cached_property
    def css_variables(self) -> str:
        """The CSS custom properties of the shop's theme."""
        return theme.css_variables(self.theme)

    @cached_property
    def theme_css(self) -> Markup:
        return Markup(":root{" + self.css_variables + "}")  # noqa: S704 - consists of numbers and known font names only
