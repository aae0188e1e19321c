"""Re-ranking of a cart's candidates by the language model: cached, within the budget, never blocking orders."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from threading import BoundedSemaphore, Lock
from typing import Any

from flask import Flask

from storefront.clock import now
from storefront.config import Settings
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import release_reader, write
from storefront.ids import new_token
from storefront.observability.metrics import count_llm_call
from storefront.observability.redaction import redact
from storefront.state import current_state
from storefront.tenants.settings import TenantSettings
from storefront.upsell.concurrency import recommender_slot
from storefront.upsell.llm import rerank_prompt
from storefront.upsell.llm.budget import OverBudget, Reservation, is_worth_more, may_ask, reserve, settle_use
from storefront.upsell.llm.client import LlmClient, LlmResponse, answer_of
from storefront.upsell.llm.cost import Use, actual_use, max_use
from storefront.upsell.llm.finishers import CallFinisher
from storefront.upsell.llm.models import CallPurpose, LlmCall
from storefront.upsell.llm.outcomes import LlmOutcome
from storefront.upsell.llm.rerank_answer import ValidatedAnswer, validate_answer
from storefront.upsell.llm.rerank_request import RerankRequest
from storefront.upsell.llm.response_cache import (
    FAILURE_TTL,
    cached_response,
    claim,
    is_pending,
    is_pending_for_cart,
    release_claim,
    store_response,
)
from storefront.upsell.llm.usage import used_today
from storefront.upsell.types import Decision, SuggestionDraft

MAX_WAITING_REQUESTS = 4
"""Requests of a process that may wait for the model at a time. Others are answered at once, so that a slow model can't
occupy all threads."""
POLL_SECONDS = 0.05
"""Seconds between two checks for a response that another process waits for."""
SETTLE_SECONDS = 1.0
"""Seconds that the end of a process waits for calls to be recorded."""
log = logging.getLogger("storefront.upsell")


@dataclass(frozen=True)
class RerankResult:
    """The model's choice if there is one that can be shown, else the reason why not. `took_time` is true if it is
    not a cached response."""

    decision: Decision
    chosen: Sequence[SuggestionDraft] = ()
    call_id: str | None = None
    took_time: bool = False


class LlmReranker:
    """The model, and the calls of this process that are pending. One instance per app."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.model = LlmClient(settings)
        self._wait_slots = BoundedSemaphore(MAX_WAITING_REQUESTS)
        self._lock = Lock()
        self._pending: dict[tuple[str, str], Future[LlmResponse]] = {}
        self._finishers = CallFinisher()

    def close(self) -> None:
        """Close the model's connections, and record the running calls, in two seconds at most."""
        self.model.close()
        if lost := self._finishers.close(SETTLE_SECONDS):
            log.error("%d calls of the model could not be written down before the shop ended", lost)
        with self._lock:
            pending = list(self._pending.values())
        for future in pending:
            set_result(future, LlmResponse(LlmOutcome.SHUTTING_DOWN))

    @property
    def max_call_duration(self) -> timedelta:
        """Age after which a claim that wasn't settled is void."""
        return timedelta(seconds=self.settings.upsell_timeout + 2)

    def rerank(self, tenant: TenantSettings, request: RerankRequest, wait_seconds: float = 0) -> RerankResult:
        """The model's choice for this cart if it is cached; else the request is sent, and its response is waited for at
        most `wait_seconds` seconds. No connection to the database is held meanwhile."""
        if found := self._cached_result(request):
            return found
        refusal, pending = self._request(tenant, request)
        if refusal:
            return RerankResult(refusal)
        if not wait_seconds or not self._wait_slots.acquire(blocking=False):
            return RerankResult(Decision.PENDING, took_time=True)
        release_reader()
        try:
            self._wait(request, pending, time.monotonic() + wait_seconds)
        finally:
            self._wait_slots.release()
        return replace(self._cached_result(request) or RerankResult(Decision.PENDING), took_time=True)

    @property
    def is_available(self) -> bool:
        """Whether a call could be made at this moment."""
        return not (self.model.breaker.open or self.model.is_busy)

    def has_pending_call(self, cart_id: str) -> bool:
        return is_pending_for_cart(cart_id, self.max_call_duration)

    def _cached_result(self, request: RerankRequest) -> RerankResult | None:
        row = cached_response(request.cart_hash, lambda: request.key)
        if row is None:
            return None
        if row.suggestions is None:
            return (
                RerankResult(Decision.FAILED, call_id=row.call_id) if row.responded_at > now() - FAILURE_TTL else None
            )
        known = {candidate.product.id for candidate in request.candidates}
        chosen = [SuggestionDraft(**one) for one in row.suggestions if one["product_id"] in known]
        return RerankResult(Decision.OK if chosen else Decision.ALL_REJECTED, chosen, row.call_id)

    def _request(
        self, tenant: TenantSettings, request: RerankRequest
    ) -> tuple[Decision | None, "Future[LlmResponse] | None"]:
        """Send the request unless it is pending. Returns (the reason why it can't be sent, the future to wait for if it
        is pending in this process)."""
        if self._pending:
            key = tenant.id, request.key
            with self._lock:
                pending = self._pending.get(key)
            if pending:
                return None, pending
        if self.model.breaker.open:
            return Decision.CIRCUIT_OPEN, None
        if self.model.is_busy:
            return Decision.CONCURRENCY_LIMITED, None
        try:
            is_claimed, reservation = self._claim(tenant, request)
        except OverBudget:
            return Decision.OVER_BUDGET, None
        return None, self._start_call(tenant.id, request, reservation) if is_claimed else None

    def _claim(self, tenant: TenantSettings, request: RerankRequest) -> tuple[bool, Reservation | None]:
        """Whether this process shall send the request, and what was reserved for it. Raises `OverBudget`."""
        key = request.key  # computed before the transaction, for which orders wait
        budget, above = tenant.upsell.budget or self.settings.upsell_budget, tenant.upsell.budget_cart_above
        use = Use(0, 0, None)
        if budget:
            use = max_use(self.model, request.prompt, request.response_format)
            priced, needed = self.model.rates is not None, (use.tokens, use.cost_micros or 0)
            if not may_ask(budget, priced, used_today(), request.value, above, needed):
                raise OverBudget  # usually; `reserve` decides
        with write():
            if not claim(key, request.cart_hash, request.cart_id, self.max_call_duration):
                return False, None
            return True, reserve(budget, use, is_worth_more(request.value, above)) if budget else None

    def _start_call(
        self, tenant_id: str, request: RerankRequest, reservation: Reservation | None
    ) -> "Future[LlmResponse]":
        done: Future[LlmResponse] = Future()
        with self._lock:
            self._pending[tenant_id, request.key] = done
        response = self.model.complete(request.messages, request.response_format)
        finish = partial(self._finish_call, tenant_id, request, reservation, response, done)
        response.add_done_callback(lambda _: self._finishers.submit(finish))
        return done

    def _finish_call(
        self,
        tenant_id: str,
        request: RerankRequest,
        reservation: Reservation | None,
        response: "Future[LlmResponse]",
        done: "Future[LlmResponse]",
    ) -> None:
        """Record a call's result, and wake the threads that wait for it."""
        answer = answer_of(response)
        try:
            with self.app.app_context(), tenant_context(tenant_id):
                self._record_call(tenant_id, request, answer, reservation)
        except Exception:
            log.exception("a call of the model could not be written down")
        finally:
            with self._lock:
                self._pending.pop((tenant_id, request.key), None)
            set_result(done, answer)

    def _record_call(
        self, tenant_id: str, request: RerankRequest, answer: LlmResponse, reservation: Reservation | None
    ) -> None:
        checked = ValidatedAnswer([])
        if answer.outcome == LlmOutcome.OK:
            with recommender_slot():
                checked = validate_answer(answer.content, request.candidates, request.cart)
        kept = [asdict(one) for one in checked.chosen]
        count_llm_call(answer.outcome, checked.rejections)
        use = actual_use(answer, request.prompt, self.model.rates)
        call = self._call_row(request, answer, checked, use)
        with write():
            if answer.was_billable and answer.outcome != LlmOutcome.SHUTTING_DOWN:
                store_response(request.key, kept if answer.outcome == LlmOutcome.OK else None, call["id"])
            else:
                release_claim(request.key)  # the next request for this cart asks again
            settle_use(reservation, use if answer.was_billable else None)
            if not answer.was_billable:
                return
            insert_rows(LlmCall, [call])
        call.pop("cart_id")  # the id opens the cart
        log.info("upsell call", extra={"call_id": call.pop("id"), "tenant": tenant_id, **call})

    def _call_row(
        self, request: RerankRequest, answer: LlmResponse, checked: ValidatedAnswer, use: Use
    ) -> dict[str, Any]:
        return {
            "id": new_token(),
            "purpose": CallPurpose.RERANK,
            "cart_id": request.cart_id,
            "model": self.model.name,
            "prompt_version": rerank_prompt.PROMPT_VERSION,
            "language": request.language,
            "prompt": redact(request.prompt),
            "response": answer.response.replace("\0", "�"),
            **use._asdict(),
            "latency_ms": answer.latency_ms,
            "outcome": answer.outcome,
            "rejections": checked.rejections,
            "suggestions": [asdict(one) for one in checked.chosen],
        }

    def _wait(self, request: RerankRequest, pending: "Future[LlmResponse] | None", until: float) -> None:
        """Wait for the response: of this process, or of the one that has claimed the request."""
        if pending is not None:
            with suppress(FutureTimeout):
                pending.result(max(0, until - time.monotonic()))
            return
        while (
            not self.model.is_closed
            and time.monotonic() < until
            and (self.has_pending_call(request.cart_id) or is_pending(request.key, self.max_call_duration))
        ):
            release_reader()
            time.sleep(POLL_SECONDS)


def set_result(future: "Future[LlmResponse]", answer: LlmResponse) -> None:
    """Set the result unless there is one, because the process is about to end."""
    with suppress(InvalidStateError):
        future.set_result(answer)


def llm_reranker() -> LlmReranker:
    return current_state().llm_reranker
