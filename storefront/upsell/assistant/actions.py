"""Asking the model about a cart: at most once for the same, within the budget, and never in anybody's way."""

import json
import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from threading import BoundedSemaphore, Lock
from typing import Any

from flask import Flask, current_app

from storefront.clock import now
from storefront.config import Settings
from storefront.database import acting_for, release, write
from storefront.ids import new_token
from storefront.operators.metrics import count_call
from storefront.tenants.guard import add_rows
from storefront.tenants.models import Tenant, UpsellWishes
from storefront.upsell.assistant import prompt
from storefront.upsell.assistant.budget import may_ask
from storefront.upsell.assistant.client import BUSY, RESTING, Answer, Model
from storefront.upsell.assistant.models import (
    FAILED_FOR,
    UpsellCall,
    claim,
    count_usage,
    is_asked_for,
    is_being_asked,
    kept_answer,
    settle,
    take_back,
    used_today,
)
from storefront.upsell.llm.moderation.output_guard import ValidatedAnswer as Checked
from storefront.upsell.llm.moderation.output_guard import validate_answer as check_answer
from storefront.upsell.rules import Candidate, Chosen, Goods, shortlist
from storefront.upsell.turns import turn_left_to_others, turn_to_think

WAITING = 4
"""Requests of a process that wait for the model at a time; others are answered at once, so that a slow model can't use
up the threads."""
LOOK_AGAIN = 0.05
"""Seconds between two looks for an answer that another process waits for."""
FAILED, NOT_READY, NOTHING, OVER_BUDGET = "failed", "not ready", "nothing usable", "over budget"
log = logging.getLogger("storefront.upsell")


@dataclass(frozen=True)
class Question:
    """What a model is asked: which of the best of these candidates go with the cart, in this language. `value` is the
    cart's subtotal in minor units. What it takes to ask is made ready only if it is asked."""

    model: str
    cart_id: str
    cart: Sequence[Goods]
    ranked: Sequence[Candidate]
    wishes: UpsellWishes
    language: str
    value: int

    @cached_property
    def candidates(self) -> list[Candidate]:
        return shortlist(self.ranked, self.wishes)

    @cached_property
    def messages(self) -> list[dict[str, str]]:
        return prompt.messages(self.cart, self.candidates, self.language)

    @cached_property
    def prompt(self) -> str:
        return "\n\n".join(message["content"] for message in self.messages)

    @cached_property
    def key(self) -> str:
        """The same for the same cart, candidates, texts, language, model and prompt, whatever their order."""
        candidates = sorted(repr(candidate.goods) for candidate in self.candidates)
        return self._hash(sorted(map(repr, self.cart)), candidates)

    @cached_property
    def same_cart(self) -> str:
        return self._hash(sorted(goods.id for goods in self.cart), [])

    def _hash(self, cart: list[str], candidates: list[str]) -> str:
        asked = [self.model, prompt.VERSION, self.language, cart, candidates]
        return sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True)
class Advice:
    """What came of a question: the model's choice when there is one that can be shown, else the reason why not; and
    whether it took more than a look at what was known."""

    outcome: str
    chosen: Sequence[Chosen] = ()
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
        self._settlers = ThreadPoolExecutor(2, "upsell-settle")

    def close(self) -> None:
        """Hang up; what the calls under way came to is still written down."""
        self.model.close()
        self._settlers.shutdown()

    @property
    def longest_call(self) -> timedelta:
        """After which a question that nobody settled is anybody's again."""
        return timedelta(seconds=self.settings.upsell_timeout + 2)

    def advise(self, tenant: Tenant, question: Question, patience: float = 0) -> Advice:
        """The model's choice, if it has made one for this cart; else it is asked, and waited for at most `patience`
        seconds. No connection to the database is held meanwhile."""
        if found := self._kept(question):
            return found
        refused, asked = self._ask(tenant, question)
        if refused:
            return Advice(refused)
        if not patience or not self.patient.acquire(blocking=False):
            return Advice(NOT_READY, took_time=True)
        release()
        try:
            with turn_left_to_others():
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
        known = {candidate.goods.id for candidate in question.candidates}
        chosen = [Chosen(**one) for one in row.suggestions if one["product_id"] in known]
        return Advice("ok" if chosen else NOTHING, chosen, row.call_id)

    def _ask(self, tenant: Tenant, question: Question) -> tuple[str | None, "Future[Answer] | None"]:
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
        budget = tenant.upsell.budget or self.settings.upsell_budget
        if budget and not may_ask(
            budget, self.model.priced, used_today(), question.value, tenant.upsell.budget_cart_above
        ):
            return OVER_BUDGET, None
        key_of_this = question.key  # made before the transaction, which orders wait for
        with write():
            mine = claim(key_of_this, question.same_cart, question.cart_id, self.longest_call)
        return None, self._begin(tenant.id, question) if mine else None

    def _begin(self, tenant_id: str, question: Question) -> "Future[Answer]":
        done: Future[Answer] = Future()
        with self._lock:
            self._asked[tenant_id, question.key] = done
        answered = self.model.ask(question.messages, prompt.response_format(question.candidates))
        answered.add_done_callback(
            lambda answer: self._settlers.submit(self._settle, tenant_id, question, answer.result(), done)
        )
        return done

    def _settle(self, tenant_id: str, question: Question, answer: Answer, done: "Future[Answer]") -> None:
        """Write down what a call came to, and tell who waits."""
        try:
            with self.app.app_context(), acting_for(tenant_id), turn_to_think():
                self._write_down(tenant_id, question, answer)
        except Exception:
            log.exception("a call of the model could not be written down")
        finally:
            with self._lock:
                self._asked.pop((tenant_id, question.key), None)
            done.set_result(answer)

    def _write_down(self, tenant_id: str, question: Question, answer: Answer) -> None:
        checked = Checked([])
        if answer.outcome == "ok":
            checked = check_answer(answer.content, question.candidates, question.cart)
        kept = [asdict(one) for one in checked.chosen]
        count_call(answer.outcome, checked.dropped)
        call = self._journal_row(question, answer, checked)
        with write():
            if not answer.was_sent:
                take_back(question.key)
                return
            settle(question.key, kept if answer.outcome == "ok" else None, call["id"])
            add_rows(UpsellCall, [call])
            count_usage(call["prompt_tokens"] + call["completion_tokens"], call["cost"] or 0)
        call.pop("cart_id")  # who has it has the cart
        log.info("upsell call", extra={"call_id": call.pop("id"), "tenant": tenant_id, **call})

    def _journal_row(self, question: Question, answer: Answer, checked: Checked) -> dict[str, Any]:
        prompt_tokens, completion_tokens, cost = self.model.cost(answer, question.prompt)
        return {
            "id": new_token(),
            "cart_id": question.cart_id,
            "model": self.model.name,
            "prompt_version": prompt.VERSION,
            "language": question.language,
            "prompt": question.prompt,
            "response": answer.response.replace("\0", "�"),
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "cost": cost,
            "latency_ms": answer.latency_ms,
            "outcome": answer.outcome,
            "dropped": checked.dropped,
            "suggestions": [asdict(one) for one in checked.chosen],
        }

    def _wait(self, question: Question, asked: "Future[Answer] | None", until: float) -> None:
        """Wait for the answer: of this process, or of the one that has claimed the question."""
        if asked is not None:
            with suppress(FutureTimeout):
                asked.result(max(0, until - time.monotonic()))
            return
        while time.monotonic() < until and (
            self.is_asked_for(question.cart_id) or is_being_asked(question.key, self.longest_call)
        ):
            release()
            time.sleep(LOOK_AGAIN)


def assistant() -> Assistant:
    found: Assistant = current_app.extensions["storefront_assistant"]
    return found
