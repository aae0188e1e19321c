"""Complements: which products and categories complete a product, as the shop or a model wrote, read for a cart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storefront.db.tenancy import execute
from storefront.i18n.content import localize
from storefront.i18n.locale import shopper_languages
from storefront.upsell.recommender.cooccurrence import top_category
from storefront.upsell.recommender.models import ComplementSource
from storefront.upsell.recommender.queries import SELECT_COMPLEMENTS
from storefront.upsell.types import Evidence


@dataclass
class ProductComplements:
    """The complements of a product with their explanations: products by their indexes, the best first, categories by
    their names and indexes. `by_shop` has the shop's own explanations by product id, in the shopper's language."""

    products: dict[int, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    groups: list[int] = field(default_factory=list)
    by_shop: dict[str, str] = field(default_factory=dict)

    def generated_why(self, number: int, category: str) -> str:
        names = (category, top_category(category))
        return self.products.get(number) or next(
            (self.categories[name] for name in names if name in self.categories), ""
        )

    def evidence(
        self, mine: str, order_count: int, number: int, product_id: str, category: str, use_generated: bool = True
    ) -> Evidence:
        """The evidence for suggesting the product with this index, id and category beside `mine`, the product with
        these complements. A model's explanation counts only with `use_generated`, and never for one of the shop's own
        pairs."""
        by_shop = product_id in self.by_shop
        generated = self.generated_why(number, category) if use_generated and not by_shop else ""
        why = self.by_shop.get(product_id) or generated
        return Evidence(mine, order_count, why, number in self.products, by_shop)


NO_COMPLEMENTS = ProductComplements()
NO_COMPLEMENTS_BY_PRODUCT: Mapping[str, ProductComplements] = {}


def complements_for(rows: Sequence[Any]) -> Mapping[str, ProductComplements]:
    """The complements of the products of these rows, by their ids. Queries the database only if there are any."""
    ids = [row.product_id for row in rows if row.has_complements]
    return read_complements(ids) if ids else NO_COMPLEMENTS_BY_PRODUCT


def read_complements(product_ids: Sequence[str]) -> dict[str, ProductComplements]:
    found = {product_id: ProductComplements() for product_id in product_ids}
    languages = shopper_languages()
    for row in execute(SELECT_COMPLEMENTS, {"ids": product_ids}):
        prepared, why = found[row.product_id], row.explanation
        if row.source == ComplementSource.SHOP:
            why = localize(why, row.explanation_translations, languages) if why else ""
            prepared.by_shop[row.complement_product_id] = why
        if row.other_index is not None:
            prepared.products[row.other_index] = why
        elif row.category:
            prepared.categories[row.category] = why
            prepared.groups += [row.category_index] if row.category_index is not None else []
    return found
