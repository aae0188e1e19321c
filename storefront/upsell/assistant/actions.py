"""Asking the model about a cart: at most once for the same, within the budget, and never in anybody's way."""

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

from flask import Flask, current_app

from storefront.clock import now
from storefront.config import Settings
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import release_reader, write
from storefront.ids import new_token
from storefront.observability.metrics import count_llm_call
from storefront.observability.redaction import redact
from storefront.tenants.settings import TenantSettings
from storefront.upsell.assistant import prompt
from storefront.upsell.assistant.budget import (
    OverBudget,
    Reservation,
    is_worth_more,
    may_ask,
    reserve,
    settle_use,
)
from storefront.upsell.assistant.client import BUSY, RESTING, STOPPED, Answer, Model, answer_of
from storefront.upsell.assistant.cost import Use, most_use, use_of
from storefront.upsell.assistant.models import (
    FAILED_FOR,
    UpsellCall,
    claim,
    is_asked_for,
    is_being_asked,
    kept_answer,
    settle,
    take_back,
    used_today,
)
from storefront.upsell.assistant.question import Question
from storefront.upsell.assistant.settlers import Settlers
from storefront.upsell.concurrency import recommender_slot, slot_released
from storefront.upsell.llm.moderation.output_guard import ValidatedAnswer, validate_answer
from storefront.upsell.types import SuggestionDraft

WAITING = 4
"""Requests of a process that wait for the model at a time; others are answered at once, so that a slow model can't use
up the threads."""
LOOK_AGAIN = 0.05
"""Seconds between two looks for an answer that another process waits for."""
SETTLE_SECONDS = 1.0
"""How long the end of a process waits for calls to be written down."""
FAILED, NOT_READY, NOTHING, OVER_BUDGET = "failed", "not ready", "nothing usable", "over budget"
log = logging.getLogger("storefront.upsell")


@dataclass(frozen=True)
class Advice:
    """What came of a question: the model's choice when there is one that can be shown, else the reason why not; and
    whether it took more than a look at what was known."""

    outcome: str
    chosen: Sequence[SuggestionDraft] = ()
    call_id: str | None = None
    took_time: bool = False


class Assistant:
    """The model, and what this process waits for from it. One instance an app."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.model = Model(settings)
        self.patient = BoundedSemaphore(WAITING)
        self._lock = Lock()
        self._asked: dict[tuple[str, str], Future[Answer]] = {}
        self._settlers = Settlers()

    def close(self) -> None:
        """Hang up, and write down what the calls under way came to, in two seconds at most."""
        self.model.close()
        if lost := self._settlers.close(SETTLE_SECONDS):
            log.error("%d calls of the model could not be written down before the shop ended", lost)
        with self._lock:
            left = list(self._asked.values())
        for waiting in left:
            set_result(waiting, Answer(STOPPED))

    @property
    def longest_call(self) -> timedelta:
        """After which a question that nobody settled is anybody's again."""
        return timedelta(seconds=self.settings.upsell_timeout + 2)

    def advise(self, tenant: TenantSettings, question: Question, patience: float = 0) -> Advice:
        """The model's choice, if it has made one for this cart; else it is asked, and waited for at most `patience`
        seconds. No connection to the database is held meanwhile."""
        if found := self._kept(question):
            return found
        refused, asked = self._ask(tenant, question)
        if refused:
            return Advice(refused)
        if not patience or not self.patient.acquire(blocking=False):
            return Advice(NOT_READY, took_time=True)
        release_reader()
        try:
            with slot_released():
                self._wait(question, asked, time.monotonic() + patience)
        finally:
            self.patient.release()
        return replace(self._kept(question) or Advice(NOT_READY), took_time=True)

    @property
    def is_willing(self) -> bool:
        """Whether it is worth while to ask at this moment."""
        return not (self.model.breaker.open or self.model.is_busy)

    def is_asked_for(self, cart_id: str) -> bool:
        return is_asked_for(cart_id, self.longest_call)

    def _kept(self, question: Question) -> Advice | None:
        row = kept_answer(question.same_cart, lambda: question.key)
        if row is None:
            return None
        if row.suggestions is None:
            return Advice(FAILED, call_id=row.call_id) if row.answered_at > now() - FAILED_FOR else None
        known = {candidate.product.id for candidate in question.candidates}
        chosen = [SuggestionDraft(**one) for one in row.suggestions if one["product_id"] in known]
        return Advice("ok" if chosen else NOTHING, chosen, row.call_id)

    def _ask(self, tenant: TenantSettings, question: Question) -> tuple[str | None, "Future[Answer] | None"]:
        """Have the question asked unless it is being asked: (why it can't be asked, what to wait for in this
        process)."""
        if self._asked:
            key = tenant.id, question.key
            with self._lock:
                asked = self._asked.get(key)
            if asked:
                return None, asked
        if self.model.breaker.open:
            return RESTING, None
        if self.model.is_busy:
            return BUSY, None
        try:
            mine, reservation = self._claim(tenant, question)
        except OverBudget:
            return OVER_BUDGET, None
        return None, self._begin(tenant.id, question, reservation) if mine else None

    def _claim(self, tenant: TenantSettings, question: Question) -> tuple[bool, Reservation | None]:
        """Whether this process shall ask, and what was reserved for it; raises `OverBudget`."""
        key_of_this = question.key  # made before the transaction, which orders wait for
        budget, above = tenant.upsell.budget or self.settings.upsell_budget, tenant.upsell.budget_cart_above
        use = Use(0, 0, None)
        if budget:
            use = most_use(self.model, question.prompt, question.response_format)
            priced, needed = self.model.rates is not None, (use.tokens, use.cost or 0)
            if not may_ask(budget, priced, used_today(), question.value, above, needed):
                raise OverBudget  # most often; which it really is, `reserve` says
        with write():
            if not claim(key_of_this, question.same_cart, question.cart_id, self.longest_call):
                return False, None
            return True, reserve(budget, use, is_worth_more(question.value, above)) if budget else None

    def _begin(self, tenant_id: str, question: Question, reservation: Reservation | None) -> "Future[Answer]":
        done: Future[Answer] = Future()
        with self._lock:
            self._asked[tenant_id, question.key] = done
        answered = self.model.ask(question.messages, question.response_format)
        settle_it = partial(self._settle, tenant_id, question, reservation, answered, done)
        answered.add_done_callback(lambda _: self._settlers.submit(settle_it))
        return done

    def _settle(
        self,
        tenant_id: str,
        question: Question,
        reservation: Reservation | None,
        answered: "Future[Answer]",
        done: "Future[Answer]",
    ) -> None:
        """Write down what a call came to, and tell who waits."""
        answer = answer_of(answered)
        try:
            with self.app.app_context(), tenant_context(tenant_id), recommender_slot():
                self._write_down(tenant_id, question, answer, reservation)
        except Exception:
            log.exception("a call of the model could not be written down")
        finally:
            with self._lock:
                self._asked.pop((tenant_id, question.key), None)
            set_result(done, answer)

    def _write_down(self, tenant_id: str, question: Question, answer: Answer, reservation: Reservation | None) -> None:
        checked = ValidatedAnswer([])
        if answer.outcome == "ok":
            checked = validate_answer(answer.content, question.candidates, question.cart)
        kept = [asdict(one) for one in checked.chosen]
        count_llm_call(answer.outcome, checked.rejections)
        use = use_of(answer, question.prompt, self.model.rates)
        call = self._journal_row(question, answer, checked, use)
        with write():
            if answer.was_sent and answer.outcome != STOPPED:
                settle(question.key, kept if answer.outcome == "ok" else None, call["id"])
            else:
                take_back(question.key)  # whoever looks at this cart next asks again
            settle_use(reservation, use if answer.was_sent else None)
            if not answer.was_sent:
                return
            insert_rows(UpsellCall, [call])
        call.pop("cart_id")  # who has it has the cart
        log.info("upsell call", extra={"call_id": call.pop("id"), "tenant": tenant_id, **call})

    def _journal_row(self, question: Question, answer: Answer, checked: ValidatedAnswer, use: Use) -> dict[str, Any]:
        return {
            "id": new_token(),
            "cart_id": question.cart_id,
            "model": self.model.name,
            "prompt_version": prompt.VERSION,
            "language": question.language,
            "prompt": redact(question.prompt),
            "response": answer.response.replace("\0", "�"),
            **use._asdict(),
            "latency_ms": answer.latency_ms,
            "outcome": answer.outcome,
            "dropped": checked.rejections,
            "suggestions": [asdict(one) for one in checked.chosen],
        }

    def _wait(self, question: Question, asked: "Future[Answer] | None", until: float) -> None:
        """Wait for the answer: of this process, or of the one that has claimed the question."""
        if asked is not None:
            with suppress(FutureTimeout):
                asked.result(max(0, until - time.monotonic()))
            return
        while (
            not self.model.is_closed
            and time.monotonic() < until
            and (self.is_asked_for(question.cart_id) or is_being_asked(question.key, self.longest_call))
        ):
            release_reader()
            time.sleep(LOOK_AGAIN)


def set_result(future: "Future[Answer]", answer: Answer) -> None:
    """Unless it has one already, because the process is about to end."""
    with suppress(InvalidStateError):
        future.set_result(answer)


def assistant() -> Assistant:
    found: Assistant = current_app.extensions["storefront_assistant"]
    return found
