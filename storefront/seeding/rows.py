"""The table rows of demo checkouts, with the values that real checkouts would have."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storefront.cart.models import CartStatus
from storefront.catalog.variants import chosen_options
from storefront.events.models import EventType
from storefront.ids import id_at, new_token
from storefront.orders.fulfilment_validation import Shipment
from storefront.orders.models import OrderStatus
from storefront.orders.pricing import line_columns, price_columns
from storefront.orders.search_keys import search_key_rows
from storefront.orders.validation import new_order_number
from storefront.pricing.calculator import calculate_price
from storefront.pricing.price import PriceLine
from storefront.seeding.baskets import SeedProduct, SeedVariant
from storefront.seeding.history import HOLDOUT, Checkout, Line
from storefront.tenants.settings import TenantSettings
from storefront.upsell.experiment.assignment import Arm, allocation
from storefront.upsell.types import Decision, SuggestionSource

Row = dict[str, Any]
ALLOCATION = allocation(HOLDOUT, False)


@dataclass
class HistoryRows:
    """Rows by table, without the tenant; `events` lack their ids and are in no order."""

    carts: list[Row] = field(default_factory=list)
    cart_lines: list[Row] = field(default_factory=list)
    exposures: list[Row] = field(default_factory=list)
    impressions: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    order_search_keys: list[Row] = field(default_factory=list)
    order_lines: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)


def history_rows(
    tenant: TenantSettings, products: Mapping[str, SeedProduct], checkouts: Iterable[Checkout]
) -> HistoryRows:
    """Ids of carts, orders and impressions are random, because an order's id gives access to it."""
    rows = HistoryRows()
    for checkout in checkouts:
        cart_id = new_token()
        add_cart(rows, products, checkout, cart_id)
        add_impression(rows, checkout, cart_id)
        if checkout.ordered_at:
            add_order(rows, tenant, products, checkout, cart_id, checkout.ordered_at)
    return rows


def add_cart(rows: HistoryRows, products: Mapping[str, SeedProduct], checkout: Checkout, cart_id: str) -> None:
    rows.carts.append(
        {
            "id": cart_id,
            "shopper": checkout.customer.shopper,
            "status": CartStatus.ORDERED if checkout.ordered_at else CartStatus.OPEN,
            "promo_code": checkout.promo_code,
            "created_at": checkout.cart_created_at,
            "updated_at": checkout.ordered_at or checkout.started_at,
        }
    )
    first = id_at(checkout.cart_created_at)
    rows.cart_lines += [
        {
            "cart_id": cart_id,
            "product_id": line.product_id,
            "variant_id": products[line.product_id].variant_for(checkout.customer.email).id,
            "quantity": line.quantity,
            "from_upsell": line.from_upsell,
            "position": first + i,
        }
        for i, line in enumerate(checkout.lines)
    ]


def add_impression(rows: HistoryRows, checkout: Checkout, cart_id: str) -> None:
    both = {"cart_id": cart_id, "arm": checkout.arm, "created_at": checkout.started_at}
    shown = [{"product_id": one.product_id, "explanation": str(one.explanation)} for one in checkout.suggested]
    rows.exposures.append(both | {"shopper": checkout.customer.shopper, "allocation": ALLOCATION})
    rows.impressions.append(
        both
        | {
            "id": new_token(),
            "sort_id": id_at(checkout.started_at) + len(rows.impressions),
            "source": SuggestionSource.RULES if shown else None,
            "decision": Decision.CONTROL if checkout.arm == Arm.CONTROL else Decision.RULES,
            "call_id": None,
            "suggestions": shown,
        }
    )


def add_order(
    rows: HistoryRows,
    tenant: TenantSettings,
    products: Mapping[str, SeedProduct],
    checkout: Checkout,
    cart_id: str,
    moment: datetime,
) -> None:
    order_id, number = new_token(), new_order_number()
    bought = [(products[line.product_id].variant_for(checkout.customer.email), line) for line in checkout.lines]
    amounts = [PriceLine(variant.price, line.quantity, products[line.product_id].tax_class) for variant, line in bought]
    price = calculate_price(tenant, amounts, checkout.promo_code, moment)
    head = {"id": order_id, "number": number, "cart_id": cart_id, "created_at": moment, "status": checkout.status}
    head |= {"fulfilled_at": checkout.fulfilled_at, "cancelled_at": checkout.cancelled_at}
    buyer = {"shopper": checkout.customer.shopper, "email": checkout.customer.email, "name": checkout.customer.name}
    first, language = id_at(moment), checkout.customer.language
    rows.orders.append(
        head
        | buyer
        | price_columns(price)
        | {"currency": tenant.currency, "idempotency_key": None, "fingerprint": None, "position": first}
    )
    rows.order_search_keys += search_key_rows(first, buyer["email"], buyer["name"])
    rows.order_lines += [
        {
            "order_id": order_id,
            "position": first + i,
            **order_line(products[line.product_id], variant, line, tenant, language),
            **line_columns(paid),
        }
        for i, ((variant, line), paid) in enumerate(zip(bought, price.lines, strict=True))
    ]
    rows.events += order_events(order_id, checkout, {"number": number, "total": price.total})


def order_events(order_id: str, checkout: Checkout, placed: Row) -> Iterator[Row]:
    """Yield what happened to an order; `placed` is the data of the first event."""
    before, shipped = {"status": OrderStatus.PLACED}, {"status": OrderStatus.FULFILLED, **Shipment().members()}
    cancelled = {"status": OrderStatus.CANCELLED}
    happened: tuple[tuple[datetime | None, Row], ...] = (
        (checkout.ordered_at, {"type": EventType.ORDER_PLACED, "data": placed, "before": None, "after": None}),
        (checkout.fulfilled_at, {"type": EventType.ORDER_FULFILLED, "data": {}, "before": before, "after": shipped}),
        (checkout.cancelled_at, {"type": EventType.ORDER_CANCELLED, "data": {}, "before": before, "after": cancelled}),
    )
    for moment, event in happened:
        if moment:
            yield {"subject": order_id, "created_at": moment, **event}


def order_line(product: SeedProduct, variant: SeedVariant, line: Line, tenant: TenantSettings, language: str) -> Row:
    """Return the order line, with the product's name in the customer's language."""
    return {
        "product_id": product.id,
        "variant_id": variant.id,
        "options": chosen_options(
            product.options, product.options_translations, variant.values, (language, tenant.default_language)
        ),
        "name": product.names.get(language, product.name),
        "language": language if language in product.names else tenant.default_language,
        "image": variant.image,
        "from_upsell": line.from_upsell,
    }
