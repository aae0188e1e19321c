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
    """The model's choice if there is one that can be shown, else the reason why not. `took_time` says that it is more
    than a cached response."""

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
            left = list(self._pending.values())
        for waiting in left:
            set_result(waiting, LlmResponse(LlmOutcome.SHUTTING_DOWN))

    @property
    def max_call_duration(self) -> timedelta:
        """Age after which a claim that wasn't settled is void."""
        return timedelta(seconds=self.settings.upsell_timeout + 2)

    def rerank(self, tenant: TenantSettings, question: RerankRequest, patience: float = 0) -> RerankResult:
        """The model's choice for this cart if it is cached; else the request is sent, and its response is waited for at
        most `patience` seconds. No connection to the database is held meanwhile."""
        if found := self._cached_result(question):
            return found
        refused, asked = self._request(tenant, question)
        if refused:
            return RerankResult(refused)
        if not patience or not self._wait_slots.acquire(blocking=False):
            return RerankResult(Decision.PENDING, took_time=True)
        release_reader()
        try:
            self._wait(question, asked, time.monotonic() + patience)
        finally:
            self._wait_slots.release()
        return replace(self._cached_result(question) or RerankResult(Decision.PENDING), took_time=True)

    @property
    def is_available(self) -> bool:
        """Whether a call could be made at this moment."""
        return not (self.model.breaker.open or self.model.is_busy)

    def is_asked_for(self, cart_id: str) -> bool:
        return is_pending_for_cart(cart_id, self.max_call_duration)

    def _cached_result(self, question: RerankRequest) -> RerankResult | None:
        row = cached_response(question.cart_hash, lambda: question.key)
        if row is None:
            return None
        if row.suggestions is None:
            return (
                RerankResult(Decision.FAILED, call_id=row.call_id) if row.responded_at > now() - FAILURE_TTL else None
            )
        known = {candidate.product.id for candidate in question.candidates}
        chosen = [SuggestionDraft(**one) for one in row.suggestions if one["product_id"] in known]
        return RerankResult(Decision.OK if chosen else Decision.ALL_REJECTED, chosen, row.call_id)

    def _request(
        self, tenant: TenantSettings, question: RerankRequest
    ) -> tuple[Decision | None, "Future[LlmResponse] | None"]:
        """Send the request unless it is pending. Returns (the reason why it can't be sent, the future to wait for if it
        is pending in this process)."""
        if self._pending:
            key = tenant.id, question.key
            with self._lock:
                asked = self._pending.get(key)
            if asked:
                return None, asked
        if self.model.breaker.open:
            return Decision.CIRCUIT_OPEN, None
        if self.model.is_busy:
            return Decision.CONCURRENCY_LIMITED, None
        try:
            mine, reservation = self._claim(tenant, question)
        except OverBudget:
            return Decision.OVER_BUDGET, None
        return None, self._start_call(tenant.id, question, reservation) if mine else None

    def _claim(self, tenant: TenantSettings, question: RerankRequest) -> tuple[bool, Reservation | None]:
        """Whether this process shall send the request, and what was reserved for it. Raises `OverBudget`."""
        key_of_this = question.key  # computed before the transaction, for which orders wait
        budget, above = tenant.upsell.budget or self.settings.upsell_budget, tenant.upsell.budget_cart_above
        use = Use(0, 0, None)
        if budget:
            use = max_use(self.model, question.prompt, question.response_format)
            priced, needed = self.model.rates is not None, (use.tokens, use.cost_micros or 0)
            if not may_ask(budget, priced, used_today(), question.value, above, needed):
                raise OverBudget  # usually; `reserve` decides
        with write():
            if not claim(key_of_this, question.cart_hash, question.cart_id, self.max_call_duration):
                return False, None
            return True, reserve(budget, use, is_worth_more(question.value, above)) if budget else None

    def _start_call(
        self, tenant_id: str, question: RerankRequest, reservation: Reservation | None
    ) -> "Future[LlmResponse]":
        done: Future[LlmResponse] = Future()
        with self._lock:
            self._pending[tenant_id, question.key] = done
        answered = self.model.complete(question.messages, question.response_format)
        settle_it = partial(self._finish_call, tenant_id, question, reservation, answered, done)
        answered.add_done_callback(lambda _: self._finishers.submit(settle_it))
        return done

    def _finish_call(
        self,
        tenant_id: str,
        question: RerankRequest,
        reservation: Reservation | None,
        answered: "Future[LlmResponse]",
        done: "Future[LlmResponse]",
    ) -> None:
        """Record a call's result, and wake the threads that wait for it."""
        answer = answer_of(answered)
        try:
            with self.app.app_context(), tenant_context(tenant_id):
                self._record_call(tenant_id, question, answer, reservation)
        except Exception:
            log.exception("a call of the model could not be written down")
        finally:
            with self._lock:
                self._pending.pop((tenant_id, question.key), None)
            set_result(done, answer)

    def _record_call(
        self, tenant_id: str, question: RerankRequest, answer: LlmResponse, reservation: Reservation | None
    ) -> None:
        checked = ValidatedAnswer([])
        if answer.outcome == LlmOutcome.OK:
            with recommender_slot():
                checked = validate_answer(answer.content, question.candidates, question.cart)
        kept = [asdict(one) for one in checked.chosen]
        count_llm_call(answer.outcome, checked.rejections)
        use = actual_use(answer, question.prompt, self.model.rates)
        call = self._call_row(question, answer, checked, use)
        with write():
            if answer.was_billable and answer.outcome != LlmOutcome.SHUTTING_DOWN:
                store_response(question.key, kept if answer.outcome == LlmOutcome.OK else None, call["id"])
            else:
                release_claim(question.key)  # the next request for this cart asks again
            settle_use(reservation, use if answer.was_billable else None)
            if not answer.was_billable:
                return
            insert_rows(LlmCall, [call])
        call.pop("cart_id")  # the id opens the cart
        log.info("upsell call", extra={"call_id": call.pop("id"), "tenant": tenant_id, **call})

    def _call_row(
        self, question: RerankRequest, answer: LlmResponse, checked: ValidatedAnswer, use: Use
    ) -> dict[str, Any]:
        return {
            "id": new_token(),
            "purpose": CallPurpose.RERANK,
            "cart_id": question.cart_id,
            "model": self.model.name,
            "prompt_version": rerank_prompt.PROMPT_VERSION,
            "language": question.language,
            "prompt": redact(question.prompt),
            "response": answer.response.replace("\0", "�"),
            **use._asdict(),
            "latency_ms": answer.latency_ms,
            "outcome": answer.outcome,
            "rejections": checked.rejections,
            "suggestions": [asdict(one) for one in checked.chosen],
        }

    def _wait(self, question: RerankRequest, asked: "Future[LlmResponse] | None", until: float) -> None:
        """Wait for the response: of this process, or of the one that has claimed the request."""
        if asked is not None:
            with suppress(FutureTimeout):
                asked.result(max(0, until - time.monotonic()))
            return
        while (
            not self.model.is_closed
            and time.monotonic() < until
            and (self.is_asked_for(question.cart_id) or is_pending(question.key, self.max_call_duration))
        ):
            release_reader()
            time.sleep(POLL_SECONDS)


def set_result(future: "Future[LlmResponse]", answer: LlmResponse) -> None:
    """Set the result unless there is one, because the process is about to end."""
    with suppress(InvalidStateError):
        future.set_result(answer)


def llm_reranker() -> LlmReranker:
    return current_state().llm_reranker
