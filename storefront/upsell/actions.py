"""Upsell actions: suggest products for a cart, prefetch suggestions, record impressions. Other packages use only
these."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from storefront.cart.queries import CartSnapshot, find_cart
from storefront.catalog.queries import ProductView, get_products_in_stock, with_variants
from storefront.catalog.variants import VariantView
from storefront.clock import now
from storefront.config import Settings
from storefront.i18n.locale import override_locale
from storefront.ids import new_id, new_token
from storefront.observability.metrics import count_impression
from storefront.state import current_state
from storefront.tenants.settings import TenantSettings
from storefront.timings import timings
from storefront.upsell.concurrency import recommender_slot
from storefront.upsell.experiment.assignment import Arm, allocation, arm_of
from storefront.upsell.impressions import PendingImpression, last_impression, record
from storefront.upsell.llm.rerank_request import RerankRequest
from storefront.upsell.llm.service import RerankResult, llm_reranker
from storefront.upsell.recommender.candidates import CandidateSet, find_candidates, find_candidates_by_id
from storefront.upsell.recommender.product_text import product_text_of_view
from storefront.upsell.recommender.reasons import Reason, Reasons
from storefront.upsell.selection import merge_llm_choice, select_top
from storefront.upsell.types import Decision, ProductText, SuggestionDraft, SuggestionSource

log = logging.getLogger("storefront.upsell")


@dataclass(frozen=True)
class Suggestion:
    product: ProductView
    explanation: str

    @property
    def variant(self) -> VariantView:
        """The first variant in stock, which is offered."""
        return next(variant for variant in self.product.variants if variant.available)


@dataclass(frozen=True)
class UpsellResult:
    """The suggestions for a cart. `source` is None without suggestions."""

    enabled: bool
    arm: Arm | None = None
    source: SuggestionSource | None = None
    suggestions: Sequence[Suggestion] = field(default_factory=tuple)
    call_id: str | None = None


def suggest(tenant: TenantSettings, cart: CartSnapshot, language: str, by_person: bool = False) -> UpsellResult:
    """Suggest at most three products for the cart in this language, and record the impression.

    The model's choice is taken when it is ready or comes in time, otherwise the rules'. An API client waits for the
    model for UPSELL_TIMEOUT, a shopper (`by_person`) for `Timings.panel_llm_wait`.
    """
    if not tenant.upsell_enabled or not cart.lines:
        return UpsellResult(enabled=tenant.upsell_enabled)
    arm = arm_for(tenant, cart.shopper)
    if arm == Arm.CONTROL:
        return record_impression(cart, arm, [], RerankResult(Decision.CONTROL), by_person)
    with override_locale(language):
        return build_suggestions(tenant, cart, arm, language, by_person)


def build_suggestions(
    tenant: TenantSettings, cart: CartSnapshot, arm: Arm, language: str, by_person: bool
) -> UpsellResult:
    with recommender_slot():
        candidate_set = find_candidates(tenant, cart_product_texts(cart))
        chosen = select_top(candidate_set.candidates, tenant.upsell)
    llm_result = RerankResult(Decision.RULES)
    if arm == Arm.MODEL and chosen:
        wait = timings().panel_llm_wait if by_person else settings().upsell_timeout
        llm_result = llm_reranker().rerank(tenant, rerank_request(tenant, cart, candidate_set, language), wait)
        chosen = merge_llm_choice(llm_result.chosen, candidate_set.candidates, tenant.upsell) or chosen
    offers = None if llm_result.took_time else candidate_set.offers(draft.product_id for draft in chosen)
    suggestions = filter_sellable(chosen, offers)
    return record_impression(cart, arm, suggestions, llm_result, by_person, candidate_set.reasons)


def suggest_after_order(
    tenant: TenantSettings, cart_id: str, shopper: str, product_ids: Sequence[str], language: str
) -> UpsellResult:
    """`suggest_without_llm` for an order that was placed: every error is logged and leads to no suggestions."""
    try:
        with override_locale(language):
            return suggest_without_llm(tenant, cart_id, shopper, product_ids)
    except Exception:
        log.exception("no suggestions beside an order")
        return UpsellResult(enabled=tenant.upsell_enabled)


def suggest_without_llm(tenant: TenantSettings, cart_id: str, shopper: str, product_ids: Sequence[str]) -> UpsellResult:
    """Suggest products for a cart that was ordered: those of its last impression that can still be bought, else the
    rules' choice. Never asks the model."""
    if not tenant.upsell_enabled:
        return UpsellResult(enabled=False)
    arm = arm_for(tenant, shopper)
    if arm == Arm.CONTROL:
        return UpsellResult(True, arm)
    if last := last_impression(cart_id):
        remaining = [SuggestionDraft(**entry) for entry in last.suggestions if entry["product_id"] not in product_ids]
        if suggestions := filter_sellable(remaining):
            return UpsellResult(True, arm, last.source, suggestions, last.id)
    candidate_set = find_candidates_by_id(tenant, product_ids)
    chosen = select_top(candidate_set.candidates, tenant.upsell)
    suggestions = filter_sellable(chosen, candidate_set.offers(draft.product_id for draft in chosen))
    return UpsellResult(True, arm, SuggestionSource.RULES if suggestions else None, suggestions)


def prefetch_suggestions(tenant: TenantSettings, cart_id: str, languages: tuple[str, ...]) -> bool:
    """Call the model for a cart that has just changed, so that its answer is ready at checkout. Returns whether to try
    again later, because a call for this cart is still pending."""
    if not tenant.upsell_enabled:
        return False
    with override_locale(languages[0], languages):
        cart = find_cart(cart_id)
        if cart is None or not cart.is_open or not cart.lines or arm_for(tenant, cart.shopper) != Arm.MODEL:
            return False
        if llm_reranker().has_pending_call(cart_id):
            return True
        with recommender_slot():
            candidate_set = find_candidates(tenant, cart_product_texts(cart))
            has_suggestions = any(candidate.explanation for candidate in candidate_set.candidates)
        if has_suggestions:
            llm_reranker().rerank(tenant, rerank_request(tenant, cart, candidate_set, languages[0]))
    return False


def cart_product_texts(cart: CartSnapshot) -> list[ProductText]:
    return [product_text_of_view(line.product) for line in cart.lines]


def rerank_request(
    tenant: TenantSettings, cart: CartSnapshot, candidate_set: CandidateSet, language: str
) -> RerankRequest:
    value = cart.price(tenant).subtotal
    model, rules = llm_reranker().model.name, tenant.upsell
    return RerankRequest(model, cart.id, candidate_set.cart, candidate_set.candidates, rules, language, value)


def settings() -> Settings:
    return current_state().settings


def reserves_panel_space(tenant: TenantSettings, cart: CartSnapshot) -> bool:
    """Whether the checkout page reserves space for suggestions. In the control arm none come, and the page would jump
    when the space closes."""
    return arm_for(tenant, cart.shopper) != Arm.CONTROL


def arm_for(tenant: TenantSettings, shopper: str) -> Arm:
    return arm_of(tenant.id, shopper, settings().upsell_holdout, settings().model_configured)


def filter_sellable(
    chosen: Sequence[SuggestionDraft], offers: Mapping[str, ProductView] | None = None
) -> list[Suggestion]:
    """The suggestions that can be sold, according to `offers` if they were just read, else to the database, because the
    model may have taken seconds."""
    if offers is None:
        found = get_products_in_stock([draft.product_id for draft in chosen]) if chosen else {}
        offers = {id: product for id, product in found.items() if product.price > 0}
    offered = with_variants([offers[one.product_id] for one in chosen if one.product_id in offers])
    sellable = {product.id: product for product in offered if any(variant.available for variant in product.variants)}
    return [
        Suggestion(sellable[draft.product_id], draft.explanation) for draft in chosen if draft.product_id in sellable
    ]


def record_impression(
    cart: CartSnapshot,
    arm: Arm,
    suggestions: Sequence[Suggestion],
    llm_result: RerankResult,
    by_person: bool,
    reasons: Reasons | None = None,
) -> UpsellResult:
    """Record an impression and its exposure, and return the result that names it."""
    chosen = {(draft.product_id, draft.explanation) for draft in llm_result.chosen}
    by_model = {one.product.id for one in suggestions if (one.product.id, one.explanation) in chosen}
    source = (SuggestionSource.LLM if by_model else SuggestionSource.RULES) if suggestions else None
    entries = [{"product_id": one.product.id, "explanation": one.explanation} for one in suggestions]
    impression_id = new_token()
    common = {"cart_id": cart.id, "arm": arm, "created_at": now()}
    displayed = {"id": impression_id, "sort_id": new_id(), "source": source, "suggestions": entries}
    displayed["reasons"] = reasons_for(suggestions, by_model, reasons) if reasons else None
    decision = {"decision": llm_result.decision, "call_id": llm_result.call_id}
    current_allocation = allocation(settings().upsell_holdout, settings().model_configured)
    record(
        PendingImpression(
            common | displayed | decision, common | {"shopper": cart.shopper, "allocation": current_allocation}
        ),
        later=by_person,
    )
    count_impression(source, llm_result.decision)
    return UpsellResult(True, arm, source, suggestions, impression_id)


def reasons_for(suggestions: Sequence[Suggestion], by_model: Collection[str], reasons: Reasons) -> dict[str, Reason]:
    """Return why each product is suggested, by its id."""
    return {
        id: reasons.reason(id) | ({"by_model": True} if id in by_model else {})
        for id in (suggestion.product.id for suggestion in suggestions)
    }
