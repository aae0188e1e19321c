"""Baskets of demo customers: a product, and complements of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from storefront.catalog.variants import OptionsJson

MORE_ITEMS = (0.34, 0.36, 0.2, 0.1)
"""Weights of 0, 1, 2 and 3 other products bought with the first."""
COMPLEMENT_SHARE = 0.8
"""Share of them that complement a product in the basket; the others are random."""
QUANTITIES = (0.84, 0.13, 0.03)
"""Weights of the quantities 1, 2 and 3 of an inexpensive product."""


@dataclass(frozen=True)
class SeedVariant:
    """A variant as it is bought. `price` is in minor units, `values` are those of the product's options."""

    id: str
    price: int
    stock: int
    image: str = ""
    values: Sequence[str] = ()


@dataclass(frozen=True)
class SeedProduct:
    """A product as it is bought. `price`, the lowest of its variants, is in minor units, `names` are those in other
    languages than the shop's own; `complements` are products' ids, the best first."""

    id: str
    price: int
    stock: int
    name: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    complements: tuple[str, ...] = ()
    options: OptionsJson = None
    options_translations: OptionsJson = None
    tax_class: str | None = None
    variants: tuple[SeedVariant, ...] = ()
    """Empty for a product without options."""

    @property
    def sold_variants(self) -> tuple[SeedVariant, ...]:
        return self.variants or (SeedVariant(self.id, self.price, self.stock, self.image),)

    def variant_for(self, email: str) -> SeedVariant:
        """Return the variant that this customer buys: always the same, like a size. More stock makes it more likely."""
        variants = self.sold_variants
        if len(variants) == 1:
            return variants[0]
        rng = Random(f"{email} {self.id}")  # noqa: S311 - not used for secrets
        return rng.choices(variants, [variant.stock + 1 for variant in variants])[0]


class Baskets:
    """Draws baskets from a shop's products, of which there must be one at least."""

    def __init__(self, products: Sequence[SeedProduct], rng: Random) -> None:
        self.rng, self.products = rng, {product.id: product for product in products}
        self.ids = list(self.products)
        self.popularity = [self._popularity(product) for product in products]
        self.usual_price = sorted(product.price for product in products)[len(products) // 2]

    def _popularity(self, product: SeedProduct) -> float:
        """Weights of the products: a few sell much better than others; expensive and sold-out ones sell less."""
        liked = self.rng.lognormvariate(0, 0.6) / math.pow(max(product.price, 1), 0.4)
        return liked if product.stock else liked * 0.3

    def draw(self) -> dict[str, int]:
        """Quantities by product id."""
        basket = [self._any()]
        for _ in range(self.rng.choices(range(len(MORE_ITEMS)), MORE_ITEMS)[0]):
            found = self._complement(basket) if self.rng.random() < COMPLEMENT_SHARE else None
            found = found or self._any()
            if found not in basket:
                basket.append(found)
        return {id: self.quantity(id) for id in basket}

    def quantity(self, product_id: str) -> int:
        if self.products[product_id].price > self.usual_price:
            return 1
        return self.rng.choices((1, 2, 3), QUANTITIES)[0]

    def _any(self) -> str:
        return self.rng.choices(self.ids, self.popularity)[0]

    def _complement(self, basket: Sequence[str]) -> str | None:
        """A complement of a product of the basket; the first in the shop's list is the most likely one."""
        named = self.products[self.rng.choice(basket)].complements
        left = [id for id in named if id in self.products and id not in basket]
        return self.rng.choices(left, [1 / (rank + 1) for rank in range(len(left))])[0] if left else None
