"""Suggesting what goes with a cart. The only way in: nothing else knows how it is thought."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flask import current_app

from storefront.cart.models import Cart
from storefront.catalog.models import Product
from storefront.catalog.rules import fold
from storefront.config import Settings
from storefront.database import db, write
from storefront.tenants.models import Tenant
from storefront.upsell import prompt
from storefront.upsell.client import Answer, Model
from storefront.upsell.models import UpsellCall, bought_together, in_stock, last_call, related_by_words
from storefront.upsell.rules import (
    CANDIDATES,
    CONTROL,
    MODEL,
    RULES,
    Candidate,
    Chosen,
    Goods,
    arm_of,
    check_answer,
    choose,
    rank,
)

MOST_WORDS = 40
"""How many of the cart's words are looked up for related products."""
log = logging.getLogger("storefront.upsell")


@dataclass(frozen=True)
class Suggestion:
    product: Product
    explanation: str


@dataclass(frozen=True)
class Upsell:
    """What is suggested for a cart. `source` says who chose: "llm" or "rules"; None when nobody did."""

    enabled: bool
    arm: str | None = None
    source: str | None = None
    suggestions: Sequence[Suggestion] = field(default_factory=tuple)
    call_id: str | None = None


def suggest(tenant: Tenant, cart: Cart) -> Upsell:
    """Suggest at most three products for the cart, with the model's help where there is one, and journal it.

    Waits for the model at most UPSELL_TIMEOUT, outside any transaction; whatever fails there, the rules answer.
    """
    if not tenant.upsell_enabled or not cart.lines:
        return Upsell(enabled=tenant.upsell_enabled)
    arm = arm_for(tenant, cart)
    if arm == CONTROL:
        return Upsell(True, arm, call_id=journal(tenant, cart.id, arm, None, [], "control"))
    goods, candidates = gather(cart)
    chosen, source, outcome, answer = choose(candidates), "rules", "rules", None
    cart_id, messages = cart.id, None
    if arm == MODEL and candidates:
        shortlist = candidates[:CANDIDATES]
        messages = prompt.messages(goods, shortlist)
        db.session.rollback()  # no connection is held while the model thinks
        answer = model().ask(messages, prompt.response_format(shortlist))
        outcome = answer.outcome
        if answer.outcome == "ok":
            checked = check_answer(answer.content, shortlist)
            outcome = "ok" if not checked.dropped else "dropped " + ", ".join(sorted(checked.dropped))
            if checked.chosen:
                chosen, source = checked.chosen, "llm"
    suggestions = still_sold(chosen)
    call_id = journal(tenant, cart_id, arm, source, suggestions, outcome, messages, answer)
    return Upsell(True, arm, source if suggestions else None, suggestions, call_id)


def suggest_at_once(tenant: Tenant, cart: Cart) -> Upsell:
    """What goes with a cart that was ordered: what was last shown for it if that can still be had, else the rules'
    choice. Never asks the model."""
    if not tenant.upsell_enabled or not cart.lines:
        return Upsell(enabled=tenant.upsell_enabled)
    arm = arm_for(tenant, cart)
    if arm == CONTROL:
        return Upsell(True, arm)
    shown = last_call(cart.id)
    bought = cart.product_ids
    if shown and shown.suggestions:
        left = [Chosen(**entry) for entry in shown.suggestions if entry["product_id"] not in bought]
        if suggestions := still_sold(left):
            return Upsell(True, arm, shown.source, suggestions, shown.id)
    suggestions = still_sold(choose(gather(cart)[1]))
    return Upsell(True, arm, "rules" if suggestions else None, suggestions)


def arm_for(tenant: Tenant, cart: Cart) -> str:
    settings: Settings = current_app.extensions["storefront_settings"]
    return arm_of(tenant.id, cart.shopper, settings.upsell_holdout, settings.model_configured)


def model() -> Model:
    found: Model = current_app.extensions["storefront_model"]
    return found


def gather(cart: Cart) -> tuple[list[Goods], list[Candidate]]:
    """The cart and every candidate for it, best first."""
    mine = [goods_of(line.product) for line in cart.lines]
    ids = [goods.id for goods in mine]
    together = {(other, my_id): times for other, my_id, times in bought_together(ids)}
    words = Counter(word for goods in mine for word in fold(" ".join((goods.name, *goods.tags))) if len(word) > 2)
    related = related_by_words([word for word, _ in words.most_common(MOST_WORDS)], [g.category for g in mine], ids)
    others = {product.id: product for product in related}
    missing = {other for other, _ in together} - others.keys()
    if missing:
        others |= in_stock(sorted(missing))
    return mine, rank(mine, [goods_of(product) for product in others.values()], together)


def goods_of(product: Product) -> Goods:
    return Goods(product.id, product.name, product.description, product.category, tuple(product.tags))


def still_sold(chosen: Sequence[Chosen]) -> list[Suggestion]:
    """Those of the choice that are in stock now: the model may have thought for seconds."""
    products = in_stock([one.product_id for one in chosen]) if chosen else {}
    return [Suggestion(products[one.product_id], one.explanation) for one in chosen if one.product_id in products]


def journal(
    tenant: Tenant,
    cart_id: str,
    arm: str,
    source: str | None,
    suggestions: Sequence[Suggestion],
    outcome: str,
    messages: list[dict[str, str]] | None = None,
    answer: Answer | None = None,
) -> str:
    """Write down what was shown, as a row, and as a JSON line when the model was asked. Returns the call's id."""
    shown = [Chosen(suggestion.product.id, suggestion.explanation) for suggestion in suggestions]
    asked: dict[str, Any] = {}
    if answer is not None:
        asked = {
            "model": model().name,
            "prompt": "\n\n".join(message["content"] for message in messages or []),
            "response": answer.response.replace("\0", "�"),
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "latency_ms": answer.latency_ms,
        }
    row = UpsellCall(
        cart_id=cart_id, arm=arm, source=source, outcome=outcome, suggestions=[asdict(one) for one in shown], **asked
    )
    with write():
        db.session.add(row)
    if answer is not None:
        log.info("upsell call", extra={"call_id": row.id, "tenant": tenant.id, "outcome": outcome, **asked})
    return row.id
