"""Suggesting what goes with a cart. The only way in: nothing else knows how it is thought."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from cachetools import TTLCache
from flask import current_app

from storefront.cart.models import CartSeen
from storefront.catalog.models import Listed, in_stock, which_are_sold
from storefront.config import Settings
from storefront.database import db, release, write
from storefront.operators.metrics import count_upsell
from storefront.tenants.models import Tenant
from storefront.upsell.assistant import prompt
from storefront.upsell.assistant.client import Answer, Model
from storefront.upsell.assistant.rules import check_answer
from storefront.upsell.experiment.rules import CONTROL, MODEL, arm_of
from storefront.upsell.models import UpsellCall, alike, bought_together, find_goods, last_call, same_category
from storefront.upsell.rules import (
    CANDIDATES,
    MOST,
    Candidate,
    Chosen,
    Goods,
    choose,
    rank,
)

MOST_ASKED = 12
"""How many products of a cart are asked for what is like them."""
MOST_AT_ONCE = 4
"""The same when there is no time."""
NEIGHBOURS_KEPT = 20_000
NEIGHBOURS_FRESH_FOR = 300
"""Seconds for which a product's neighbours by its texts are remembered."""
log = logging.getLogger("storefront.upsell")


class Neighbours:
    """What a process remembers of products and those like them, by (tenant id, product id). One instance an app."""

    def __init__(self) -> None:
        self.kept: TTLCache[tuple[str, str], tuple[Goods, list[Goods]]] = TTLCache(
            NEIGHBOURS_KEPT, NEIGHBOURS_FRESH_FOR
        )
        self.lock = Lock()


@dataclass(frozen=True)
class Suggestion:
    product: Listed
    explanation: str


@dataclass(frozen=True)
class Upsell:
    """What is suggested for a cart. `source` says who chose: "llm" or "rules"; None when nobody did."""

    enabled: bool
    arm: str | None = None
    source: str | None = None
    suggestions: Sequence[Suggestion] = field(default_factory=tuple)
    call_id: str | None = None


def suggest(tenant: Tenant, cart: CartSeen) -> Upsell:
    """Suggest at most three products for the cart, with the model's help where there is one, and journal it.

    Waits for the model at most UPSELL_TIMEOUT, outside any transaction; whatever fails there, the rules answer.
    """
    product_ids = [line.product_id for line in cart.lines]
    if not tenant.upsell_enabled or not product_ids:
        return Upsell(enabled=tenant.upsell_enabled)
    cart_id, arm = cart.id, arm_for(tenant, cart.shopper)
    if arm == CONTROL:
        return Upsell(True, arm, call_id=journal(tenant, cart_id, arm, None, [], "control"))
    mine, candidates = gather(tenant, product_ids)
    chosen, source, outcome, messages, answer = choose(candidates), "rules", "rules", None, None
    if arm == MODEL and candidates:
        messages = prompt.messages(mine, candidates)
        release()  # no connection is held while the model thinks
        answer = model().ask(messages, prompt.response_format(candidates))
        outcome = answer.outcome
        if answer.outcome == "ok":
            checked = check_answer(answer.content, candidates)
            outcome = "ok" if not checked.dropped else "dropped " + ", ".join(sorted(checked.dropped))
            if checked.chosen:
                chosen, source = checked.chosen, "llm"
    suggestions = still_sold(chosen)
    call_id = journal(tenant, cart_id, arm, source, suggestions, outcome, messages, answer)
    return Upsell(True, arm, source if suggestions else None, suggestions, call_id)


def suggest_at_once(tenant: Tenant, cart_id: str, shopper: str, product_ids: Sequence[str]) -> Upsell:
    """What goes with a cart that was ordered: what was last shown for it if that can still be had, else the rules'
    choice. Never asks the model."""
    if not tenant.upsell_enabled:
        return Upsell(enabled=False)
    arm = arm_for(tenant, shopper)
    if arm == CONTROL:
        return Upsell(True, arm)
    if shown := last_call(cart_id):
        left = [Chosen(**entry) for entry in shown.suggestions if entry["product_id"] not in product_ids]
        if suggestions := still_sold(left):
            return Upsell(True, arm, shown.source, suggestions, shown.id)
    suggestions = still_sold(choose(gather(tenant, product_ids, at_once=True)[1]))
    return Upsell(True, arm, "rules" if suggestions else None, suggestions)


def arm_for(tenant: Tenant, shopper: str) -> str:
    settings: Settings = current_app.extensions["storefront_settings"]
    return arm_of(tenant.id, shopper, settings.upsell_holdout, settings.model_configured)


def model() -> Model:
    found: Model = current_app.extensions["storefront_model"]
    return found


def gather(tenant: Tenant, product_ids: Sequence[str], at_once: bool = False) -> tuple[list[Goods], list[Candidate]]:
    """The products of a cart, and the best candidates for it that are in stock, best first. `at_once` takes what is
    quick to find where nothing is remembered."""
    near = neighbours(tenant, product_ids[: MOST_AT_ONCE if at_once else MOST_ASKED], at_once)
    mine = [goods for goods, _ in near]
    others = {other.id: other for _, alike_it in near for other in alike_it}
    together = {(other, my_id): times for other, my_id, times in bought_together(product_ids)}
    if missing := {other for other, _ in together} - others.keys():
        others |= find_goods(missing)
    for product_id in product_ids:
        others.pop(product_id, None)
    ranked = rank(mine, list(others.values()), together)[: 2 * CANDIDATES]
    sold = which_are_sold([candidate.goods.id for candidate in ranked])
    return mine, [candidate for candidate in ranked if candidate.goods.id in sold][:CANDIDATES]


def neighbours(tenant: Tenant, product_ids: Sequence[str], at_once: bool) -> list[tuple[Goods, list[Goods]]]:
    """Each product with those like it by their texts, which seldom change: remembered for a while in each process."""
    known: Neighbours = current_app.extensions["storefront_neighbours"]
    with known.lock:
        found = {id: pair for id in product_ids if (pair := known.kept.get((tenant.id, id)))}
    missing = [product_id for product_id in product_ids if product_id not in found]
    for product_id, goods in find_goods(missing).items() if missing else ():
        if at_once and (some := list(same_category(goods).values())[: 3 * MOST]):
            found[product_id] = goods, some
            continue
        found[product_id] = goods, alike(goods)
        with known.lock:
            known.kept[tenant.id, product_id] = found[product_id]
    return [found[product_id] for product_id in product_ids]


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
    count_upsell(source, outcome)
    if answer is not None:
        log.info("upsell call", extra={"call_id": row.id, "tenant": tenant.id, "outcome": outcome, **asked})
    return row.id
