"""What a model wrote down beforehand about which products and categories complete a product, read for a cart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storefront.db.tenancy import execute
from storefront.upsell.recommender.cooccurrence import top_category
from storefront.upsell.recommender.queries import SELECT_COMPLEMENTS


@dataclass
class ProductComplements:
    """What completes a product, and why: products by their numbers, groups by their names and their numbers."""

    products: dict[int, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    groups: list[int] = field(default_factory=list)

    def why(self, number: int, category: str) -> str:
        names = (category, top_category(category))
        return self.products.get(number) or next(
            (self.categories[name] for name in names if name in self.categories), ""
        )


NO_COMPLEMENTS = ProductComplements()
NO_COMPLEMENTS_BY_PRODUCT: Mapping[str, ProductComplements] = {}


def complements_for(rows: Sequence[Any]) -> Mapping[str, ProductComplements]:
    """What was prepared about the products of these rows, by their ids; asks the database only if anything was."""
    ids = [row.product_id for row in rows if row.complements_digest]
    return read_complements(ids) if ids else NO_COMPLEMENTS_BY_PRODUCT


def read_complements(product_ids: Sequence[str]) -> dict[str, ProductComplements]:
    found = {product_id: ProductComplements() for product_id in product_ids}
    for row in execute(SELECT_COMPLEMENTS, {"ids": product_ids}):
        prepared = found[row.product_id]
        if row.other_index is not None:
            prepared.products[row.other_index] = row.explanation
        elif row.category:
            prepared.categories[row.category] = row.explanation
            prepared.groups += [row.category_index] if row.category_index is not None else []
    return found
