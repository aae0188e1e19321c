"""A change of a product whose rows are locked: it sets values, keeps the product's sums, and collects the events."""

from collections.abc import Mapping, Sequence
from typing import Any

from storefront.catalog.models import Product, ProductStatus, Variant, VariantStatus
from storefront.catalog.prior_prices import Repricing
from storefront.catalog.stock import variant_of
from storefront.catalog.text import build_search_document
from storefront.catalog.variant_schema import MAX_STOCK
from storefront.catalog.variants import iter_option_values
from storefront.clock import now
from storefront.errors import FieldError, Invalid
from storefront.events.actions import Change
from storefront.events.models import HIDDEN, EventType
from storefront.i18n.gettext import _
from storefront.tenants.settings import TenantSettings

TEXTS = (
    *("name", "name_translations", "description", "description_translations", "category", "tags"),
    *("options", "options_translations"),
)
"""Columns whose words are searched."""
DETAILS = (*TEXTS, "image")


class ProductEdit:
    """`variants` are all of the product's, in their order."""

    def __init__(self, tenant: TenantSettings, product: Product, variants: Sequence[Variant]) -> None:
        self.tenant, self.product, self.variants = tenant, product, variants
        self.events: list[Change] = []
        self.repricings: list[Repricing] = []
        self._before: dict[str, Any] = {}
        self._after: dict[str, Any] = {}

    @property
    def is_on_sale(self) -> bool:
        return self.product.status == ProductStatus.ACTIVE

    @property
    def sold_variants(self) -> list[Variant]:
        """The variants that are sold, or would be if the product were on sale."""
        return [one for one in self.variants if one.status == VariantStatus.ACTIVE or one.archived_with_product]

    @property
    def has_new_texts(self) -> bool:
        return not self._after.keys().isdisjoint(TEXTS)

    def set_details(self, values: Mapping[str, Any]) -> None:
        """Set texts and the picture, and rebuild what is searched."""
        for name, value in values.items():
            self._set(name, value)
        if self.has_new_texts:
            self.product.search_name, self.product.search_text = search_document(self.tenant, self.product)

    def _set(self, name: str, value: Any) -> None:
        stored = getattr(self.product, name)
        if stored != value:
            self._before[name], self._after[name] = stored, value
            setattr(self.product, name, value)

    def set_price(self, price: int) -> None:
        """Set the price of a product: of each variant that costs what the product does. Raises `Invalid` if another
        variant were cheaper then."""
        sold, shown = self.sold_variants, self.product.price
        others = [one.price for one in sold if one.price != shown]
        if others and min(others) < price:
            message = _("Some variants of this product would be cheaper. Change the prices of its variants.")
            raise Invalid(FieldError("price", message))
        for one in sold:
            if one.price == shown:
                self.set_variant_price(one, price)

    def set_variant_price(self, variant: Variant, price: int) -> None:
        if variant.price != price:
            before, after = {"price": variant.price}, {"price": price}
            self.repricings.append(Repricing(self.product.id, variant.id, variant.price, price))
            variant.price = price
            self._record(EventType.PRICE_CHANGED, after | self._named(variant), before, after)

    def set_stock(self, variant: Variant, stock: int, reason: str = "") -> None:
        """Set a variant's stock. Raises `Invalid` below zero and above the maximum."""
        if stock < 0:
            message = _("Only %(stock)s are in stock, so the stock would fall below zero.", stock=variant.stock)
            raise Invalid(FieldError("stock_change", message))
        if stock > MAX_STOCK:
            raise Invalid(FieldError("stock", _("The stock can't be more than %(most)s.", most=f"{MAX_STOCK:,}")))
        if variant.stock != stock:
            before, after = {"stock": variant.stock}, {"stock": stock}
            variant.stock = stock
            hidden = {} if variant.status == VariantStatus.ACTIVE else {HIDDEN: True}
            why = {"reason": reason} if reason else {}
            self._record(EventType.STOCK_CHANGED, after | self._named(variant) | hidden | why, before, after | why)

    def set_status(self, status: ProductStatus) -> None:
        """Put the product on sale or take it off, with its variants, so that open pages show what can be bought."""
        if status == self.product.status:
            return
        sold = self.sold_variants
        self._set("status", status.value)
        for one in sold:
            one.status = VariantStatus.ACTIVE.value if self.is_on_sale else VariantStatus.ARCHIVED.value
            one.archived_with_product = not self.is_on_sale
            self._show_stock(one)

    def set_variant_status(self, variant: Variant, status: VariantStatus) -> None:
        """Raises `Invalid` for the last variant that is sold."""
        is_sold = variant in self.sold_variants
        if is_sold == (status == VariantStatus.ACTIVE):
            return
        if is_sold and len(self.sold_variants) == 1:
            message = _("A product needs at least one variant. Archive the product instead.")
            raise Invalid(FieldError("status", message))
        active = status == VariantStatus.ACTIVE and self.is_on_sale
        variant.status = VariantStatus.ACTIVE.value if active else VariantStatus.ARCHIVED.value
        variant.archived_with_product = status == VariantStatus.ACTIVE and not active
        self._show_stock(variant)
        before, after = {"status": ("archived", "active")[is_sold]}, {"status": status.value}
        self._record(EventType.PRODUCT_CHANGED, self._named(variant), before, after)

    def set_variant_details(self, variant: Variant, values: Mapping[str, Any]) -> None:
        """Set a variant's picture, SKU and GTIN."""
        new = {name: value for name, value in values.items() if getattr(variant, name) != value}
        if new:
            before = {name: getattr(variant, name) for name in new}
            for name, value in new.items():
                setattr(variant, name, value)
            self._record(EventType.PRODUCT_CHANGED, self._named(variant), before, new)

    def _show_stock(self, variant: Variant) -> None:
        """Have open pages show how many can be bought now. The stock itself hasn't changed."""
        stock = variant.stock if variant.status == VariantStatus.ACTIVE else 0
        self.events.append(Change(EventType.STOCK_CHANGED, self.product.id, {"stock": stock} | self._named(variant)))

    def _named(self, variant: Variant) -> dict[str, Any]:
        return variant_of(self.product.id, variant.id)

    def _record(self, type: EventType, data: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
        hidden = {} if self.is_on_sale else {HIDDEN: True}
        self.events.append(Change(type, self.product.id, data | hidden, before, after))

    def finish(self) -> list[Change]:
        """Bring the product's price and stock in line with its variants. Return the events."""
        if self._after:
            was_on_sale = self._before.get("status") == ProductStatus.ACTIVE
            hidden = {} if self.is_on_sale or was_on_sale else {HIDDEN: True}
            self.events.append(
                Change(EventType.PRODUCT_CHANGED, self.product.id, hidden, dict(self._before), dict(self._after))
            )
        if self.events:
            moment = now()
            sold = self.sold_variants
            self.product.price = min((one.price for one in sold), default=self.product.price)
            self.product.stock = sum(one.stock for one in sold if one.status == VariantStatus.ACTIVE)
            self.product.updated_at = moment
        return self.events


def search_document(tenant: TenantSettings, product: Product) -> tuple[str, str]:
    """Return what is searched of a product: see `build_search_document`."""
    own = [product.category, *product.tags]
    labels = own + [other for label in own for other in tenant.taxonomy_translations.get(label, {}).values()]
    labels += iter_option_values(product.options, product.options_translations)
    names = (product.name, *(product.name_translations or {}).values())
    descriptions = (product.description, *(product.description_translations or {}).values())
    return build_search_document(names, descriptions, labels)
