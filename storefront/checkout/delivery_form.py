"""The delivery on the checkout page: the methods for a country, and the fields that its addresses have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storefront.cart.offers import ShippingOffer, shipping_offers
from storefront.cart.queries import CartSnapshot
from storefront.i18n.gettext import N_, _
from storefront.pricing.price import Destination
from storefront.shipping.address import MAX_LINE_LENGTH, MAX_POSTAL_CODE_LENGTH
from storefront.shipping.address_formats import AddressFormat, address_format, countries_of, country_name
from storefront.shipping.delivery import invalid_vat_id_message, other_country_message, too_heavy_message
from storefront.shipping.vat import is_reverse_charged, normalize_vat_id
from storefront.tenants.countries import EU
from storefront.tenants.settings import TenantSettings
from storefront.tenants.shipping_methods import ShippingMethod, default_method

AUTOFILL = {
    "line1": "shipping address-line1",
    "line2": "shipping address-line2",
    "postal_code": "shipping postal-code",
    "city": "shipping address-level2",
    "region": "shipping address-level1",
}
"""The tokens by which browsers fill in the fields."""
REGION_LABELS = {
    "state": N_("State"),
    "province": N_("Province"),
    "prefecture": N_("Prefecture"),
    "county": N_("County"),
}
OTHER_REGION = N_("Region")


@dataclass(frozen=True)
class AddressInput:
    """A field of the form. `choices` are (value, label), if there is a list."""

    name: str
    label: str
    autofill: str
    required: bool
    max_length: int
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DeliveryForm:
    """`countries` are (code, name), sorted by name. `country` is empty if the shop delivers nowhere."""

    offers: list[ShippingOffer]
    method: ShippingMethod | None
    """None if the shopper has to choose one."""
    preselected: str
    """The id of the method, if the shopper didn't choose it: with another country, it may be another."""
    note: str
    """Why it isn't the method that the shopper chose; empty if it is."""
    country: str
    countries: list[tuple[str, str]]
    reverse_charge: bool
    asks_vat_id: bool
    vat_fault: str
    """What is wrong with the VAT ID that was typed; empty if nothing is."""

    @classmethod
    def of(cls, tenant: TenantSettings, cart: CartSnapshot, typed: Mapping[str, str]) -> "DeliveryForm | None":
        """Return the form with what was typed, or else with the cart's choice; None for a shop without shipping."""
        if not tenant.shipping:
            return None
        codes = countries_of(tenant.shipping)
        country = first_of((typed.get("country"), cart.country, tenant.country, *sorted(codes)), codes)
        vat_id = normalize_vat_id(typed.get("vat_id", ""))
        is_reverse = is_reverse_charged(vat_id, country, tenant.country)
        offers = shipping_offers(tenant, cart, country or None, is_reverse)
        offered = [offer.method for offer in offers]
        chosen = tenant.shipping_method(chosen_method(typed) or cart.shipping_method)
        method = preselect(offered, chosen or default_method(tenant.shipping))
        return cls(
            offers=offers,
            method=method,
            preselected="" if method is None or chosen else method.id,
            note="" if chosen is None or chosen in offered else refusal_of(chosen, country),
            country=country,
            countries=sorted(((code, country_name(code)) for code in codes), key=lambda one: one[1]),
            reverse_charge=is_reverse and not (method and method.pickup),
            asks_vat_id=bool(tenant.tax) and tenant.is_in_eu and bool(codes & EU - {tenant.country}),
            vat_fault=invalid_vat_id_message() if typed.get("vat_id", "").strip() and vat_id is None else "",
        )

    @property
    def destination(self) -> Destination:
        is_sent = not (self.method and self.method.pickup)
        return Destination(self.country or None if is_sent else None, self.method, self.reverse_charge)

    @property
    def may_be_picked_up(self) -> bool:
        """Then no field of the address is required by the browser."""
        return any(offer.method.pickup for offer in self.offers)

    @property
    def fields(self) -> list[AddressInput]:
        """The fields of the country's addresses, in its order."""
        return address_inputs(address_format(self.country)) if self.country else []

    @property
    def order(self) -> tuple[str, ...]:
        """The names of all fields, as they follow each other on the page."""
        return ("shipping", "country", *(field.name for field in self.fields), "vat_id")


def preselect(offered: Sequence[ShippingMethod], wanted: ShippingMethod | None) -> ShippingMethod | None:
    """Return the method that is wanted, or else the first one that is a delivery or a pick-up as that is: nobody who
    wants a delivery shall be left with a pick-up."""
    if wanted in offered:
        return wanted
    return next((method for method in offered if wanted is None or method.pickup == wanted.pickup), None)


def refusal_of(method: ShippingMethod, country: str) -> str:
    return too_heavy_message(method) if method.delivers_to(country) else other_country_message(method)


def chosen_method(form: Mapping[str, str]) -> str | None:
    """Return the id of the shipping method that the shopper chose; None if it is still the one that the page chose."""
    method = form.get("shipping")
    return method if method != form.get("preselected_shipping") else None


def first_of(wanted: tuple[str | None, ...], known: Mapping[str, object] | frozenset[str]) -> str:
    """Return the first that is known; empty if none is."""
    return next((one for one in wanted if one and one in known), "")


def address_inputs(rules: AddressFormat) -> list[AddressInput]:
    labels = {
        "line1": _("Street and house number"),
        "line2": _("Apartment, company (optional)"),
        "postal_code": _("Postal code"),
        "city": _("Town or city"),
        "region": _(REGION_LABELS.get(rules.region_type, OTHER_REGION)),
    }
    return [
        AddressInput(
            name,
            labels[name],
            AUTOFILL[name],
            name in rules.required,
            MAX_POSTAL_CODE_LENGTH if name == "postal_code" else MAX_LINE_LENGTH,
            rules.regions if name == "region" else (),
        )
        for name in rules.fields
    ]
