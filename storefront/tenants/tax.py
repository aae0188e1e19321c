"""A shop's tax rates: by class of product and by country."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self


@dataclass(frozen=True)
class TaxRates:
    """`rate` is the main rate in per cent, `classes` has the rates of other classes by name."""

    rate: Decimal
    classes: Mapping[str, Decimal] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        classes = stored.get("classes") or {}
        return cls(Decimal(stored["rate"]), {name: Decimal(rate) for name, rate in classes.items()})

    def rate_of(self, tax_class: str | None) -> Decimal:
        """Return the rate of a class; the main rate for a class that has none here."""
        return self.classes.get(tax_class, self.rate) if tax_class else self.rate


@dataclass(frozen=True)
class Tax:
    """`rate` is in per cent; `included` means that prices contain the tax. `countries` has the rates of destinations
    that have others than the shop's own."""

    rate: Decimal
    included: bool
    classes: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    countries: Mapping[str, TaxRates] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        own = TaxRates.of(stored)
        countries = stored.get("countries") or {}
        return cls(
            own.rate,
            bool(stored["included"]),
            own.classes,
            {country: TaxRates.of(rates) for country, rates in countries.items()},
        )

    def rates_in(self, country: str | None) -> TaxRates:
        """Return the rates of a destination; the shop's own without one, and for a country without rates of its own."""
        return self.countries.get(country or "") or TaxRates(self.rate, self.classes)
