"""The choice among a product's variants: one value of each option, as radio buttons on the product's page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from storefront.catalog.queries import ProductView
from storefront.catalog.variants import ProductOption, VariantView


class Availability(StrEnum):
    """Of a value together with the chosen values of the other options."""

    IN_STOCK = "in_stock"
    SOLD_OUT = "sold_out"
    NOT_SOLD = "not_sold"
    """There is no variant of this combination."""


@dataclass(frozen=True)
class ValueChoice:
    """A value of an option. `source_value`, in the shop's default language, is what a form sends."""

    value: str
    source_value: str
    is_chosen: bool
    availability: Availability
    image: str
    """Empty unless the variants' pictures differ by this option, as by colour."""


@dataclass(frozen=True)
class OptionChoice:
    """An option with those of its values that a variant has."""

    name: str
    parameter: str
    values: tuple[ValueChoice, ...]


@dataclass(frozen=True)
class VariantChoice:
    """What a shopper has chosen of a product. `source_values` has None for each option without a choice."""

    product: ProductView
    source_values: tuple[str | None, ...]

    @cached_property
    def matching(self) -> list[VariantView]:
        """The variants with all values chosen so far."""
        return [variant for variant in self.product.variants if matches(variant, self.source_values)]

    @property
    def variant(self) -> VariantView | None:
        """The chosen variant; None if a choice is missing, or if the combination isn't sold."""
        return self.matching[0] if self.matching and None not in self.source_values else None

    @property
    def shown(self) -> ProductView | VariantView:
        """What the page shows price and stock of."""
        return self.variant or self.product

    @property
    def is_not_sold(self) -> bool:
        return not self.matching

    @property
    def missing_options(self) -> list[str]:
        """The names of options without a choice."""
        chosen = zip(self.product.options, self.source_values, strict=True)
        return [option.name for option, value in chosen if value is None]

    @property
    def label(self) -> str:
        """The chosen values, such as "Red / S"."""
        chosen = zip(self.product.options, self.source_values, strict=True)
        return " / ".join(option.value(value) for option, value in chosen if value is not None)

    @property
    def price(self) -> int:
        """In minor units; of a combination that isn't sold the product's."""
        return min(variant.price for variant in self.matching or self.product.variants)

    @property
    def has_one_price(self) -> bool:
        return len({variant.price for variant in self.matching or self.product.variants}) == 1

    @property
    def low_stocks(self) -> dict[str, int]:
        """The stock of each variant of which few or none are left, by id: what an open page compares changes with."""
        return {
            variant.id: variant.stock for variant in self.product.variants if variant.sold_out or variant.is_low_stock
        }

    @property
    def image(self) -> str:
        """The picture of the variant that comes closest to the choice; an earlier option counts for more."""
        if not any(self.source_values):
            return self.product.image
        closest = max(
            self.product.variants,
            key=lambda variant: [
                value == chosen for value, chosen in zip(variant.source_options, self.source_values, strict=True)
            ],
        )
        return closest.image

    @property
    def query(self) -> dict[str, Any]:
        """The parameters of the page's URL: the variant, or the values chosen so far."""
        if self.variant and self.product.options:
            return {"variant": self.variant.id}
        return {parameter(i): value for i, value in enumerate(self.source_values) if value is not None}

    @property
    def options(self) -> tuple[OptionChoice, ...]:
        return tuple(self._option_choice(i, option) for i, option in enumerate(self.product.options))

    def _option_choice(self, i: int, option: ProductOption) -> OptionChoice:
        images = images_by_value(self.product.variants, i)
        sold = {variant.source_options[i] for variant in self.product.variants}
        values = (
            ValueChoice(
                value=value,
                source_value=source_value,
                is_chosen=source_value == self.source_values[i],
                availability=self._availability(i, source_value),
                image=images.get(source_value, ""),
            )
            for value, source_value in zip(option.values, option.source_values, strict=True)
            if source_value in sold
        )
        return OptionChoice(option.name, parameter(i), tuple(values))

    def _availability(self, i: int, value: str) -> Availability:
        in_stock = self._in_stock.get((i, value))
        if in_stock is None:
            return Availability.NOT_SOLD
        return Availability.IN_STOCK if in_stock else Availability.SOLD_OUT

    @cached_property
    def _in_stock(self) -> dict[tuple[int, str], bool]:
        """Whether there is stock of an option's value with the chosen values of the others, by the option's index and
        the value; no entry if the combination isn't sold. One pass, as a product may have 250 variants."""
        found: dict[tuple[int, str], bool] = {}
        for variant in self.product.variants:
            others = [i for i, value in enumerate(variant.source_options) if self.source_values[i] not in (None, value)]
            if len(others) > 1:
                continue
            for i in others or range(len(variant.source_options)):
                key = i, variant.source_options[i]
                found[key] = found.get(key, False) or variant.available
        return found


def read_choice(product: ProductView, parameters: Mapping[str, str]) -> VariantChoice:
    """Return the choice in a URL or form: values of options, else a variant's id. Unknown ones count as not chosen."""
    variant_id = parameters.get("variant") or parameters.get("variant_id")
    named = next((variant for variant in product.variants if variant.id == variant_id), None)
    if named and product.options and not has_option_parameters(product, parameters):
        return VariantChoice(product, named.source_options)
    sent = [parameters.get(parameter(i)) for i in range(len(product.options))]
    known = (
        value if value in option.source_values else None for option, value in zip(product.options, sent, strict=True)
    )
    return VariantChoice(product, tuple(known))


def has_option_parameters(product: ProductView, parameters: Mapping[str, str]) -> bool:
    return any(parameter(i) in parameters for i in range(len(product.options)))


def parameter(i: int) -> str:
    """Return the name of the form field of the option with this index."""
    return f"option{i + 1}"


def matches(variant: VariantView, source_values: Sequence[str | None]) -> bool:
    return all(wanted in (None, own) for own, wanted in zip(variant.source_options, source_values, strict=True))


def images_by_value(variants: Sequence[VariantView], i: int) -> dict[str, str]:
    """Return the picture of each value of the option with this index; empty if the pictures don't depend on it."""
    images: dict[str, set[str]] = {}
    for variant in variants:
        images.setdefault(variant.source_options[i], set()).add(variant.image)
    found = {value: next(iter(own)) for value, own in images.items() if len(own) == 1}
    return found if len(found) == len(images) and len(set(found.values())) > 1 and all(found.values()) else {}
