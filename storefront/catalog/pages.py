"""The shelves and the product, for shoppers."""

import time
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, NamedTuple

from flask import Blueprint, Response, render_template, request, url_for

from storefront.catalog import spelling
from storefront.catalog.filters import SORTS, format_decimal, read_filters
from storefront.catalog.queries import ProductCard, ProductView, get_categories, get_product_view
from storefront.catalog.search import ProductQuery, SearchResult, count_products, search_products
from storefront.catalog.text import search_terms
from storefront.i18n.gettext import N_
from storefront.i18n.unicode_text import cut, single_line
from storefront.state import current_state
from storefront.tenants.context import current_tenant
from storefront.web.fragment_cache import cached_page, share_page
from storefront.web.htmx import html_response, render_html, render_page, requested_partial
from storefront.web.rate_limits import SEARCH_LIMIT, limit_search, limiter

pages = Blueprint("catalog", __name__)

PAGE_SIZE = 24
MAX_QUERY_LENGTH, MAX_CATEGORY_LENGTH = 200, 80
RELATED_LIMIT = 4
TYPEAHEAD_PRODUCT_LIMIT, TYPEAHEAD_CATEGORY_LIMIT = 6, 3
MAX_CATEGORY_CHIPS = 20
"""Categories that every list shows, in the catalogue's order; the page of categories has all of them."""
CATEGORIES_PER_PAGE = 100
CATEGORY_COUNTS_TTL_SECONDS = 5.0
"""Seconds for which the categories and their counts may be old; counting takes longer than all else of a page."""


class CategoryCount(NamedTuple):
    name: str
    product_count: int


@dataclass(frozen=True)
class CategoryCounts:
    """What the shop sells, by category."""

    categories: tuple[CategoryCount, ...]
    total: int

    @cached_property
    def by_name(self) -> dict[str, CategoryCount]:
        return {category.name: category for category in self.categories}

    def chips(self, chosen: str) -> tuple[CategoryCount, ...]:
        """The categories that a list shows: the first ones, and the chosen one."""
        first = self.categories[:MAX_CATEGORY_CHIPS]
        found = self.by_name.get(chosen)
        return first if found is None or found in first else (*first, found)


@dataclass(frozen=True)
class ListPage:
    """`categories` are those that are shown of `all_categories`. `asked` is what was typed when nothing has those words
    and others were looked for; `ignored` says which filters weren't understood."""

    products: list[ProductCard]
    query: ProductQuery
    original_query: str
    ignored: tuple[str, ...]
    categories: tuple[CategoryCount, ...]
    all_categories: int
    number: int
    has_next: bool
    total: int

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @cached_property
    def is_filtered(self) -> bool:
        return self.query != ProductQuery(self.query.q, self.query.category)

    @property
    def is_home(self) -> bool:
        """Whether this is the shop's front page, where nothing was asked for."""
        return self.number == 1 and self.query == ProductQuery()

    @property
    def is_indexable(self) -> bool:
        """Whether search engines may list it: shelves with something on them, and no narrowed views of them."""
        return bool(self.products) and not self.query.q and not self.is_filtered

    @property
    def clear_filters_url(self) -> str:
        return url_for("catalog.index", q=self.query.q or None, category=self.query.category or None)

    @property
    def sorts(self) -> dict[str, str]:
        return SORTS if not self.query.q else SORTS | {"": N_("Best match")}

    @property
    def currency(self) -> str:
        return current_tenant().currency

    @cached_property
    def prices(self) -> tuple[str, str]:
        """The lowest and the highest price as they are typed."""
        currency, low, high = self.currency, self.query.min_price, self.query.max_price
        return "" if low is None else format_decimal(low, currency), "" if high is None else format_decimal(
            high, currency
        )

    def url_with(self, **changes: object) -> str:
        """The address of this list with something else chosen, from its first page on."""
        low, high = self.prices
        chosen: dict[str, Any] = {
            "q": self.query.q,
            "category": self.query.category,
            "min_price": low,
            "max_price": high,
        }
        chosen |= {"in_stock": "1" if self.query.in_stock else None, "sort": self.query.sort, **changes}
        return url_for("catalog.index", **{name: value or None for name, value in chosen.items()})


@pages.get("/")
def index() -> Response:
    """The shelves. The front page as such isn't counted, which would cost a third of what it costs itself."""
    return counted_list_page() if request.query_string else list_page()


def list_page() -> Response:
    """A page of the products that were asked for, the best first."""
    asked = request.args.to_dict()
    filters = read_filters(asked, current_tenant().currency)
    wish = ProductQuery(
        q=cut(single_line(asked.get("q", "")), MAX_QUERY_LENGTH),
        category=cut(asked.get("category", ""), MAX_CATEGORY_LENGTH),
        in_stock=filters.in_stock,
        min_price=filters.min_price,
        max_price=filters.max_price,
        sort=filters.sort,
    )
    number = page_number(asked.get("page", ""))
    typed = wish.q
    wish, found = search_with_correction(wish, PAGE_SIZE + 1, (number - 1) * PAGE_SIZE, forgive="exact" not in asked)
    asked_for = typed if typed != wish.q else ""
    shelf = cached_category_counts()
    many = total_matches(wish, number, found, shelf)
    chips = (shelf.chips(wish.category), len(shelf.categories))
    seen = (wish, asked_for, filters.ignored, chips, number, many, found.rows, requested_partial())

    def show_list() -> str:
        has_next = len(found.cards) > PAGE_SIZE
        page = ListPage(
            products=found.cards[:PAGE_SIZE],
            query=wish,
            original_query=asked_for,
            ignored=filters.ignored,
            categories=chips[0],
            all_categories=chips[1],
            number=number,
            has_next=has_next,
            total=many if number > 1 or has_next else len(found.cards),
        )
        return render_html("catalog/list.html", page=page)

    return html_response(cached_page(seen, show_list))


counted_list_page = limit_search(list_page)


def search_with_correction(
    wish: ProductQuery, limit: int, offset: int = 0, forgive: bool = True
) -> tuple[ProductQuery, SearchResult]:
    """What there is for the wish; when there is nothing, for what was probably meant by it, if there is something."""
    found = search_products(wish, limit, offset)
    if not found and forgive and (better := probably_meant(wish)):
        meant = replace(wish, q=better)
        if others := search_products(meant, limit, offset):
            return meant, others
    return wish, found


def probably_meant(wish: ProductQuery) -> str | None:
    """The words that a wish with nothing to show was probably meant to have; None when those are no others."""
    words = wish.words
    return spelling.correct_spelling(words) or (" ".join(words) if words and len(words) < len(wish.terms) else None)


def page_number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 6 else 1


def total_matches(wish: ProductQuery, number: int, found: SearchResult, shelf: CategoryCounts) -> int:
    """How many products there are for the wish; counted only when that isn't known already."""
    if wish == ProductQuery(sort=wish.sort):
        return shelf.total
    return count_products(wish) if number > 1 or len(found.cards) > PAGE_SIZE else len(found.cards)


def cached_category_counts() -> CategoryCounts:
    known = current_state().category_counts
    tenant_id = current_tenant().id
    counted_at, shelf = known.get(tenant_id, (0.0, None))
    if shelf is None or time.monotonic() - counted_at > CATEGORY_COUNTS_TTL_SECONDS:
        shelf = CategoryCounts(tuple(CategoryCount(*row) for row in get_categories()), count_products(ProductQuery()))
        known[tenant_id] = (time.monotonic(), shelf)
    return shelf


@pages.get("/suggest")
@limiter.limit(SEARCH_LIMIT)
def autocomplete() -> Response:
    """What somebody who types this may be looking for, as a list to choose from."""
    wish = ProductQuery(q=cut(single_line(request.args.get("q", "")), MAX_QUERY_LENGTH), typeahead=True)
    label = current_tenant().label
    found = search_with_correction(wish, TYPEAHEAD_PRODUCT_LIMIT)[1].cards if is_searchable_prefix(wish.q) else []
    matching = (shelf for shelf in cached_category_counts().categories if matches_prefix(label(shelf.name), wish.terms))
    shelves = list(islice(matching, TYPEAHEAD_CATEGORY_LIMIT))
    return html_response(render_template("catalog/_autocomplete.html", products=found, shelves=shelves))


def is_searchable_prefix(typed: str) -> bool:
    """One Latin letter begins too many words; one sign of another script may be a word."""
    return len(typed) > 1 or not typed.isascii()


def matches_prefix(category: str, terms: list[str]) -> bool:
    """Whether each of the words begins a word of the category's name."""
    words = category_words(category)
    return bool(terms) and all(any(word.startswith(term) for word in words) for term in terms)


@lru_cache(maxsize=20_000)
def category_words(category: str) -> tuple[str, ...]:
    """The folded words of a category's name; thousands of them are looked through at each letter that is typed."""
    return tuple(search_terms(category))


@pages.get("/categories")
def list_categories() -> Response:
    """All categories by name, in the shopper's language, or those with words that begin like these."""
    asked, number, label = request.args.get("q", "")[:80].strip(), request.args.get("page", ""), current_tenant().label
    terms = search_terms(asked)
    found = [one for one in cached_category_counts().categories if not asked or matches_prefix(label(one.name), terms)]
    found.sort(key=lambda one: (category_words(label(one.name)), one.name))
    start = (page_number(number) - 1) * CATEGORIES_PER_PAGE
    return render_page(
        "catalog/categories.html",
        asked=asked,
        categories=found[start : start + CATEGORIES_PER_PAGE],
        total=len(found),
        page=page_number(number),
        has_next=len(found) > start + CATEGORIES_PER_PAGE,
    )


@pages.get("/products/<product_id>")
def product(product_id: str) -> Response:
    found = get_product_view(product_id)
    share_page()
    return render_page("catalog/product.html", product=found, related=related_products(found))


def related_products(product: ProductView) -> list[ProductCard]:
    """Others of its category."""
    if not product.category:
        return []
    shelf = search_products(ProductQuery(category=product.category, in_stock=True), RELATED_LIMIT + 1)
    return [card for card in shelf.cards if card.id != product.id][:RELATED_LIMIT]
