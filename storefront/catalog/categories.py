"""A shop's categories: their numbers of products, cached, and the search for one by its name."""

import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from storefront.catalog.queries import get_categories
from storefront.catalog.search import ProductQuery, count_products
from storefront.catalog.text import search_terms
from storefront.state import current_state
from storefront.tenants.context import current_tenant

MAX_CATEGORY_CHIPS = 20
"""Categories shown on every list, in catalogue order; the page of categories has all of them."""
CATEGORY_COUNTS_TTL_SECONDS = 5.0
"""Maximum age of the category counts: counting takes longer than the rest of a page."""


class CategoryCount(NamedTuple):
    name: str
    product_count: int


@dataclass(frozen=True)
class CategoryCounts:
    """The number of products in the shop and per category."""

    categories: tuple[CategoryCount, ...]
    total: int

    @cached_property
    def by_name(self) -> dict[str, CategoryCount]:
        return {category.name: category for category in self.categories}

    def chips(self, chosen: str) -> tuple[CategoryCount, ...]:
        """Return the categories that a list shows: the first ones, and the chosen one."""
        first = self.categories[:MAX_CATEGORY_CHIPS]
        found = self.by_name.get(chosen)
        return first if found is None or found in first else (*first, found)


def cached_category_counts() -> CategoryCounts:
    known = current_state().category_counts
    tenant_id = current_tenant().id
    counted_at, counts = known.get(tenant_id, (0.0, None))
    if counts is None or time.monotonic() - counted_at > CATEGORY_COUNTS_TTL_SECONDS:
        counts = CategoryCounts(tuple(CategoryCount(*row) for row in get_categories()), count_products(ProductQuery()))
        known[tenant_id] = (time.monotonic(), counts)
    return counts


def matches_prefix(category: str, terms: list[str]) -> bool:
    """Whether each term is the beginning of a word of the category's name."""
    words = category_words(category)
    return bool(terms) and all(any(word.startswith(term) for word in words) for term in terms)


@lru_cache(maxsize=20_000)
def category_words(category: str) -> tuple[str, ...]:
    """Return the search terms of a category's name; cached, because thousands are compared for each typed letter."""
    return tuple(search_terms(category))
