"""Filters of a product list by the value of an option, such as the colour red, and the facets of a list: the options
that its products have, with their values."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from sqlalchemy import ColumnElement, String, and_, bindparam, cast, func, or_, select

from storefront.catalog.models import Product, VariantStatus
from storefront.catalog.variant_schema import MAX_OPTION_TEXT_LENGTH, MAX_OPTIONS
from storefront.catalog.variants import variants
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.i18n.content import localize
from storefront.i18n.locale import shopper_languages
from storefront.state import current_state
from storefront.tenants.context import current_tenant

FILTER_PATTERN = f"^(%[0-9A-Fa-f]{{2}}|[^:\\x00]){{1,{MAX_OPTION_TEXT_LENGTH}}}:[^\\x00]{{1,{MAX_OPTION_TEXT_LENGTH}}}$"
"""Each text that this matches is a filter. An escaped character of the name counts as one."""
MAX_FACETS, MAX_FACET_VALUES = 6, 100
"""Options that a list can be filtered by, and the values that each offers."""
MAX_OPTION_SETS = 500
"""Different sets of options and values per shop of which the facets are made. The most frequent ones count."""
FACETS_TTL_SECONDS = 60.0
"""Maximum age of the facets. A filter in a URL works for a value that they lack."""


class OptionFilter(NamedTuple):
    """A product has a variant with this value of this option, both in the shop's default language."""

    name: str
    value: str

    def __str__(self) -> str:
        """Return the filter as it is in a URL, "Colour:Red"; a colon in the name is escaped."""
        return f"{self.name.replace('%', '%25').replace(':', '%3A')}:{self.value}"


class FacetValue(NamedTuple):
    filter: OptionFilter
    translations: Mapping[str, str]

    @property
    def label(self) -> str:
        return localize(self.filter.value, self.translations, shopper_languages())


class Facet(NamedTuple):
    """An option of several products, with the values of all of them."""

    name: str
    translations: Mapping[str, str]
    values: tuple[FacetValue, ...]

    @property
    def label(self) -> str:
        return localize(self.name, self.translations, shopper_languages())


@dataclass(frozen=True)
class OptionFacets:
    """The facets of the shop's categories; "" is the key of the whole shop."""

    by_category: Mapping[str, tuple[Facet, ...]]
    digest: int
    """Changes with the content; a part of the key under which a page is cached."""

    def of(self, category: str, chosen: Iterable[OptionFilter] = ()) -> tuple[Facet, ...]:
        """Return a list's facets. The chosen values are always among them, so that the filter can be removed."""
        found = {facet.name: facet for facet in self.by_category.get(category, ())}
        for one in chosen:
            facet = found.get(one.name, Facet(one.name, {}, ()))
            if all(value.filter != one for value in facet.values):
                found[one.name] = facet._replace(values=(*facet.values, FacetValue(one, {})))
        return tuple(found.values())


class OptionSet(NamedTuple):
    """The options of at least one product, and their translations, as JSON."""

    category: str
    options: str
    translations: str | None


products = table_of(Product)
OPTION_SET = (
    products.c.category,
    cast(products.c.options, String).label("options"),
    cast(products.c.options_translations, String).label("translations"),
)
SELECT_OPTION_SETS = tenant_scoped(
    select(*OPTION_SET)
    .where(products.c.options.is_not(None))
    .group_by(*OPTION_SET)
    .order_by(func.count().desc(), func.min(products.c.position))
    .limit(MAX_OPTION_SETS)
)


def read_option_filters(texts: Iterable[str]) -> tuple[tuple[OptionFilter, ...], list[str]]:
    """Parse the `option` parameters of a URL, such as "Colour:Red", the last one for each option. Return also those
    that can't be a filter; empty ones, which a form sends for options without a choice, are neither."""
    found: dict[str, OptionFilter] = {}
    wrong = []
    for text in filter(None, texts):
        before, _colon, after = text.partition(":")
        # PostgreSQL takes no text with this character, and no option has it.
        name, value = (part.replace("\0", "\ufffd") for part in (unquote(before), after))
        fits = all(0 < len(part) <= MAX_OPTION_TEXT_LENGTH for part in (name, value))
        if not fits or (name not in found and len(found) == MAX_OPTIONS):
            wrong.append(text)
        else:
            found[name] = OptionFilter(name, value)
    return tuple(found.values()), wrong


def matches_options(filters: int, *others: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the product has a variant with the values of this number of filters, and for which `others` hold."""
    own = (variants.c.product_id == products.c.id) & (variants.c.status == VariantStatus.ACTIVE)
    chosen = (matches_option(number) for number in range(filters))
    # The index leads from the product to its variants; the other way around would be a search without one.
    found = tenant_scoped(select(variants.c.id).where(own, *chosen, *others).correlate(products))
    return and_(products.c.options.is_not(None), found.exists())


def matches_option(number: int) -> ColumnElement[bool]:
    """Whether the product's option with the filter's name, at any place, has the filter's value in the variant."""
    name, value = bindparam(f"option_{number}", type_=String()), bindparam(f"value_{number}", type_=String())
    return or_(
        *(
            (products.c.options[(place, "name")].as_string() == name) & (variants.c.options[place].as_string() == value)
            for place in range(MAX_OPTIONS)
        )
    )


def option_parameters(filters: Iterable[OptionFilter]) -> dict[str, str]:
    """Return the bind parameters of `matches_options`."""
    found: dict[str, str] = {}
    for number, (name, value) in enumerate(filters):
        found |= {f"option_{number}": name, f"value_{number}": value}
    return found


def cached_facets() -> OptionFacets:
    known = current_state().option_facets
    tenant_id = current_tenant().id
    cached = known.get(tenant_id)
    if cached and time.monotonic() - cached[0] <= FACETS_TTL_SECONDS:
        return cached[1]
    facets = build_facets([OptionSet._make(row) for row in execute(SELECT_OPTION_SETS)])
    known[tenant_id] = (time.monotonic(), facets)
    return facets


def build_facets(rows: Sequence[OptionSet]) -> OptionFacets:
    """Return the facets of these sets of options, in their order."""
    found: dict[str, dict[str, FacetBuilder]] = {}
    for row in rows:
        options, translations = json.loads(row.options), json.loads(row.translations or "null")
        for category in {"", row.category}:
            of_category = found.setdefault(category, {})
            for place, option in enumerate(options):
                builder = of_category.setdefault(option["name"], FacetBuilder(option["name"]))
                builder.add(option["values"], translations[place] if translations else {})
    by_category = {
        category: tuple(builder.facet() for builder in list(builders.values())[:MAX_FACETS])
        for category, builders in found.items()
    }
    return OptionFacets(by_category, hash(tuple(rows)))


class FacetBuilder:
    """Merges the values of an option of several products."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.translations: dict[str, str] = {}
        self.values: list[str] = []
        self.value_translations: dict[str, dict[str, str]] = {}

    def add(self, values: list[str], translations: Mapping[str, Any]) -> None:
        """Add new values after those that they follow in this product: S, M and then XS, S, L give XS, S, L, M. Of
        more than `MAX_FACET_VALUES` the first ones are kept: a list of all would take seconds to put in order."""
        self.translations = {**translations.get("name", {}), **self.translations}
        place = 0
        for value, others in zip(values, translations.get("values") or [{}] * len(values), strict=True):
            if value not in self.value_translations:
                if len(self.values) == MAX_FACET_VALUES:
                    continue
                self.values.insert(place, value)
            self.value_translations[value] = {**others, **self.value_translations.get(value, {})}
            place = self.values.index(value) + 1

    def facet(self) -> Facet:
        own = (FacetValue(OptionFilter(self.name, one), self.value_translations[one]) for one in self.values)
        return Facet(self.name, self.translations, tuple(own))
