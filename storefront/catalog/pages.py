"""HTML views of the catalogue: product list, search, autocomplete, categories, product."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.catalog import spelling
from storefront.catalog.categories import (
    CategoryCount,
    CategoryCounts,
    cached_category_counts,
    category_words,
    matches_prefix,
)
from storefront.catalog.choices import has_option_parameters, read_choice
from storefront.catalog.filters import SORTS, Filters, format_decimal, read_filters
from storefront.catalog.option_filters import Facet, cached_facets
from storefront.catalog.queries import ProductCard, get_product_view
from storefront.catalog.search import ProductQuery, SearchResult, count_products, related_products, search_products
from storefront.catalog.text import search_terms
from storefront.i18n.gettext import N_
from storefront.i18n.unicode_text import cut, single_line
from storefront.tenants.context import current_tenant
from storefront.web.fragment_cache import cached_page, share_page
from storefront.web.htmx import html_response, render_html, render_page, replace_url, requested_partial
from storefront.web.rate_limits import SEARCH_LIMIT, limit_search, limiter

pages = Blueprint("catalog", __name__)

PAGE_SIZE = 24
MAX_QUERY_LENGTH, MAX_CATEGORY_LENGTH = 200, 80
TYPEAHEAD_PRODUCT_LIMIT, TYPEAHEAD_CATEGORY_LIMIT = 6, 3
CATEGORIES_PER_PAGE = 100


@dataclass(frozen=True)
class ListPage:
    """The data of a product list. `categories` are the displayed ones of `all_categories`. `original_query` is what was
    typed if its spelling was corrected; `ignored` has messages about invalid filters."""

    products: list[ProductCard]
    query: ProductQuery
    original_query: str
    ignored: tuple[str, ...]
    categories: tuple[CategoryCount, ...]
    all_categories: int
    number: int
    has_next: bool
    total: int
    facets: tuple[Facet, ...]

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @cached_property
    def is_filtered(self) -> bool:
        return self.query != ProductQuery(self.query.q, self.query.category)

    @property
    def is_home(self) -> bool:
        """Whether this is the shop's front page: no search, no filter, page 1."""
        return self.number == 1 and self.query == ProductQuery()

    @property
    def is_indexable(self) -> bool:
        """Whether search engines may index it: a non-empty list without search and filters."""
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
        """Minimum and maximum price as typed."""
        currency, low, high = self.currency, self.query.min_price, self.query.max_price
        return "" if low is None else format_decimal(low, currency), "" if high is None else format_decimal(
            high, currency
        )

    def url_with(self, **changes: object) -> str:
        """Return the URL of the first page of this list with changed parameters."""
        low, high = self.prices
        chosen: dict[str, Any] = {
            "q": self.query.q,
            "category": self.query.category,
            "min_price": low,
            "max_price": high,
        }
        chosen |= {"in_stock": "1" if self.query.in_stock else None, "sort": self.query.sort}
        chosen |= {"option": [str(one) for one in self.query.options], **changes}
        return url_for("catalog.index", **{name: value or None for name, value in chosen.items()})


@pages.get("/")
def index() -> Response:
    """Product list. The plain front page has no rate limit, because counting would cost a third of the page."""
    return counted_list_page() if request.query_string else list_page()


def list_page() -> Response:
    """Render a page of the matching products, best first."""
    parameters = request.args.to_dict()
    filters = read_filters(parameters, current_tenant().currency, request.args.getlist("option"))
    typed, number = read_query(parameters, filters), page_number(parameters.get("page", ""))
    query, found = search_with_correction(
        typed, PAGE_SIZE + 1, (number - 1) * PAGE_SIZE, forgive="exact" not in parameters
    )
    original_query = typed.q if typed.q != query.q else ""
    counts = cached_category_counts()
    total = total_matches(query, number, found, counts)
    chips = (counts.chips(query.category), len(counts.categories))
    facets = cached_facets()
    cache_key = (
        query,
        original_query,
        filters.ignored,
        chips,
        number,
        total,
        facets.digest,
        found.rows,
        requested_partial(),
    )

    def render() -> str:
        has_next = len(found.cards) > PAGE_SIZE
        page = ListPage(
            products=found.cards[:PAGE_SIZE],
            query=query,
            original_query=original_query,
            ignored=filters.ignored,
            categories=chips[0],
            all_categories=chips[1],
            number=number,
            has_next=has_next,
            total=total if number > 1 or has_next else len(found.cards),
            facets=facets.of(query.category, query.options)
            if query.options or not query.q or found.has_options
            else (),
        )
        return render_html("catalog/list.html", page=page)

    return html_response(cached_page(cache_key, render))


counted_list_page = limit_search(list_page)


def read_query(parameters: dict[str, str], filters: Filters) -> ProductQuery:
    """Return the search criteria in a list's parameters."""
    return ProductQuery(
        q=cut(single_line(parameters.get("q", "")), MAX_QUERY_LENGTH),
        category=cut(parameters.get("category", ""), MAX_CATEGORY_LENGTH),
        in_stock=filters.in_stock,
        min_price=filters.min_price,
        max_price=filters.max_price,
        sort=filters.sort,
        options=filters.options,
    )


def search_with_correction(
    query: ProductQuery, limit: int, offset: int = 0, forgive: bool = True
) -> tuple[ProductQuery, SearchResult]:
    """Search products; if there are none, search with corrected spelling (`forgive`). Return the query used and the
    result."""
    found = search_products(query, limit, offset)
    if not found and forgive and (corrected := corrected_query(query)):
        meant = replace(query, q=corrected)
        if others := search_products(meant, limit, offset):
            return meant, others
    return query, found


def corrected_query(query: ProductQuery) -> str | None:
    """Return the query with corrected spelling, or without symbols; None if that is the same query."""
    words = query.words
    return spelling.correct_spelling(words) or (" ".join(words) if words and len(words) < len(query.terms) else None)


def page_number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 6 else 1


def total_matches(query: ProductQuery, number: int, found: SearchResult, counts: CategoryCounts) -> int:
    """Return the number of matching products; counted in the database only if it isn't known already."""
    if query == ProductQuery(sort=query.sort):
        return counts.total
    return count_products(query) if number > 1 or len(found.cards) > PAGE_SIZE else len(found.cards)


@pages.get("/suggest")
@limiter.limit(SEARCH_LIMIT)
def autocomplete() -> Response:
    """Autocomplete: products and categories that match what was typed so far."""
    query = ProductQuery(q=cut(single_line(request.args.get("q", "")), MAX_QUERY_LENGTH), typeahead=True)
    label = current_tenant().label
    found = search_with_correction(query, TYPEAHEAD_PRODUCT_LIMIT)[1].cards if is_searchable_prefix(query.q) else []
    matching = (
        category
        for category in cached_category_counts().categories
        if matches_prefix(label(category.name), query.terms)
    )
    categories = list(islice(matching, TYPEAHEAD_CATEGORY_LIMIT))
    return html_response(render_template("catalog/_autocomplete.html", products=found, categories=categories))


def is_searchable_prefix(typed: str) -> bool:
    """Whether the text is long enough: one Latin letter matches too much; one character of another script may be a
    word."""
    return len(typed) > 1 or not typed.isascii()


@pages.get("/categories")
def list_categories() -> Response:
    """List all categories by name in the shopper's language, or those that match the search."""
    typed, number, label = request.args.get("q", "")[:80].strip(), request.args.get("page", ""), current_tenant().label
    terms = search_terms(typed)
    found = [one for one in cached_category_counts().categories if not typed or matches_prefix(label(one.name), terms)]
    found.sort(key=lambda one: (category_words(label(one.name)), one.name))
    start = (page_number(number) - 1) * CATEGORIES_PER_PAGE
    return render_page(
        "catalog/categories.html",
        asked=typed,
        categories=found[start : start + CATEGORIES_PER_PAGE],
        total=len(found),
        page=page_number(number),
        has_next=len(found) > start + CATEGORIES_PER_PAGE,
    )


@pages.get("/products/<product_id>")
def product(product_id: str) -> AnyResponse:
    """Show a product. `?variant=` chooses one of its variants; the values of options that a form sends lead there."""
    found = get_product_view(product_id)
    choice, partial = read_choice(found, request.args), requested_partial()
    if partial is None and has_option_parameters(found, request.args) and request.args.to_dict() != choice.query:
        return redirect(url_for("catalog.product", product_id=product_id, **choice.query), 303)
    share_page()
    related = [] if partial == "chosen_product" else related_products(found)
    response = render_page("catalog/product.html", product=found, choice=choice, related=related)
    if partial == "chosen_product":
        replace_url(response, url_for("catalog.product", product_id=product_id, **choice.query))
    return response
