"""A shop's shipping methods: where they deliver to, and what they cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from storefront import money
from storefront.i18n.content import localize

PICKUP = "pickup"
"""A method with this id is for pick-up unless its settings say otherwise."""


@dataclass(frozen=True)
class PriceStep:
    """The `price` from a weight in grams, or from an amount of goods in minor units, on."""

    price: int
    from_weight: int | None = None
    from_subtotal: int | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any], currency: str) -> Self:
        bound = stored.get("from_subtotal")
        from_subtotal = None if bound is None else money.parse(bound, currency)
        return cls(money.parse(stored["price"], currency), stored.get("from_weight"), from_subtotal)

    def is_reached(self, goods: int, weight: int) -> bool:
        if self.from_weight is not None:
            return weight >= self.from_weight
        return self.from_subtotal is not None and goods >= self.from_subtotal


@dataclass(frozen=True)
class ShippingMethod:
    """Amounts are in minor units, weights in grams. Without `countries` it delivers to all; `days` are the fewest and
    the most until delivery. For a pick-up no address is needed."""

    id: str
    name: str
    names: tuple[tuple[str, str], ...]
    price: int
    free_from: int | None = None
    steps: tuple[PriceStep, ...] = ()
    max_weight: int | None = None
    countries: tuple[str, ...] = ()
    days: tuple[int, int] | None = None
    pickup: bool = False
    default: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any], currency: str, language: str) -> Self:
        def amount(value: str | None) -> int | None:
            return None if value is None else money.parse(value, currency)

        given = stored["name"]
        names = given if isinstance(given, dict) else {language: given}
        pickup = stored.get("pickup")
        days = stored.get("days")
        return cls(
            id=stored["id"],
            name=names[language],
            names=tuple(names.items()),
            price=money.parse(stored["price"], currency),
            free_from=amount(stored.get("free_from")),
            steps=tuple(PriceStep.of(step, currency) for step in stored.get("steps") or ()),
            max_weight=stored.get("max_weight"),
            countries=tuple(stored.get("countries") or ()),
            days=(days[0], days[1]) if days else None,
            pickup=stored["id"] == PICKUP if pickup is None else pickup,
            default=bool(stored.get("default")),
        )

    def localized_name(self, languages: tuple[str, ...] | None = None) -> str:
        """Return the name in the first of the languages that it has, by default the shopper's."""
        return localize(self.name, dict(self.names), languages)

    def delivers_to(self, country: str | None) -> bool:
        return self.pickup or not self.countries or country in self.countries

    def carries(self, weight: int) -> bool:
        return self.max_weight is None or weight <= self.max_weight

    def price_of(self, goods: int, weight: int) -> int:
        """Return the price for goods of this amount, discount taken off, and this weight: that of the highest step that
        is reached."""
        if self.free_from is not None and goods >= self.free_from:
            return 0
        reached = [step.price for step in self.steps if step.is_reached(goods, weight)]
        return reached[-1] if reached else self.price


def default_method(methods: Sequence[ShippingMethod]) -> ShippingMethod | None:
    """Return the method of an order that names none; None if one must be chosen."""
    return next((method for method in methods if method.default), None)
