"""Background calls of the model for a series of tasks: several at a time, within the day's budget, each recorded at
once."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from storefront.circuit_breaker import FAILURE_THRESHOLD
from storefront.config_values import Budget
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import release_reader, write
from storefront.ids import new_token
from storefront.observability.redaction import redact
from storefront.upsell.llm.budget import OverBudget, Reservation, reserve, settle_use
from storefront.upsell.llm.client import LlmClient, LlmResponse, answer_of
from storefront.upsell.llm.cost import Use, actual_use, estimate_tokens, max_use, priced
from storefront.upsell.llm.models import CallPurpose, LlmCall
from storefront.upsell.llm.outcomes import LlmOutcome

TYPICAL_COMPLETION_TOKENS = 300
"""Tokens of an answer, for an estimate."""
FINISH_SECONDS = 1.0
"""Seconds that running calls may take to end after Ctrl-C."""
log = logging.getLogger("storefront.upsell")


class Task(Protocol):
    """One request of a batch, and the handling of its answer."""

    @property
    def messages(self) -> list[dict[str, str]]: ...

    @property
    def response_format(self) -> dict[str, Any]: ...

    def check(self, content: object) -> tuple[list[dict[str, str]], dict[str, int]]:
        """The parts of an answer that are kept in the call log, and the number of rejected ones by cause."""

    def save(self) -> None:
        """Store the kept parts, in a running `write()`."""


@dataclass
class Batch:
    """Sends a series of requests for the current tenant, several at a time, and records each response at once.

    `stopped` is the reason why it ended early.
    """

    model: LlmClient
    purpose: CallPurpose
    version: str
    language: str
    budget: Budget | None = None
    progress: Callable[[int], object] = lambda _: None
    stopped: str | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    _failed: int = 0
    _pending: dict["Future[LlmResponse]", tuple[Task, Reservation | None]] = field(default_factory=dict)

    def run(self, tasks: Iterable[Task]) -> None:
        """Ask until the tasks or the budget are used up, the model fails too often, or Ctrl-C is pressed. Calls that
        are running then have `FINISH_SECONDS` to end; all are recorded, because they may have to be paid for."""
        try:
            for task in tasks:
                while len(self._pending) >= self.model.settings.upsell_in_flight:
                    self._finish_next()
                self.stopped = self._failure()
                if self.stopped:
                    break
                self._ask(task)
            while self._pending:
                self._finish_next()
        except OverBudget:
            self.stopped = "the day's budget is used up"
        except KeyboardInterrupt:
            self.stopped = "it was interrupted"
            wait(self._pending, FINISH_SECONDS)
            self.model.close()
            for future in [*self._pending]:
                self._settle(future)
        while self._pending:
            self._finish_next()
        self.stopped = self.stopped or self._failure()

    def _ask(self, task: Task) -> None:
        """Raises `OverBudget`."""
        reservation = self._reserve(self.budget, task) if self.budget else None
        while self.model.is_busy:  # a settled call is about to free its slot
            time.sleep(0.002)
        self._pending[self.model.complete(task.messages, task.response_format)] = task, reservation

    def _reserve(self, budget: Budget, task: Task) -> Reservation:
        """Reserve what the call can use, up to the hard limit: a batch is always worth it. When it exceeds the limit,
        running calls are waited for, which mostly use less than was reserved. Raises `OverBudget`."""
        if not (budget.in_tokens or self.model.rates):
            raise OverBudget
        use = max_use(self.model, prompt_text(task), task.response_format)
        while True:
            try:
                with write():
                    return reserve(budget, use, past_soft=True)
            except OverBudget:
                if not self._pending:
                    raise
                self._finish_next()

    def _failure(self) -> str | None:
        if self._failed >= FAILURE_THRESHOLD or self.model.breaker.open:
            return f"the model failed {self._failed} times in a row"
        return None

    def _finish_next(self) -> None:
        """Wait for one of the answers and record it."""
        release_reader()
        self._settle(next(iter(wait(self._pending, return_when=FIRST_COMPLETED).done)))

    def _settle(self, future: "Future[LlmResponse]") -> None:
        answer, (task, reservation) = answer_of(future), self._pending[future]
        if answer.was_billable:
            self._record_call(task, answer, reservation)
        elif reservation:
            with write():
                settle_use(reservation, None)
        del self._pending[future]
        self.outcomes[answer.outcome] += 1
        self._failed = 0 if answer.outcome == LlmOutcome.OK else self._failed + 1
        self.progress(1)

    def _record_call(self, task: Task, answer: LlmResponse, reservation: Reservation | None) -> None:
        kept, rejections = task.check(answer.content) if answer.outcome == LlmOutcome.OK else ([], {})
        use = actual_use(answer, prompt_text(task), self.model.rates)
        call = self._row(task, answer, use) | {"rejections": rejections, "suggestions": kept}
        with write():
            if answer.outcome == LlmOutcome.OK:
                task.save()
            insert_rows(LlmCall, [call])
            settle_use(reservation, use)
        self.rejections.update(rejections)
        log.info("upsell call", extra={"call_id": call.pop("id"), "tenant": current_tenant_id(), **call})

    def _row(self, task: Task, answer: LlmResponse, use: Use) -> dict[str, Any]:
        return {
            "id": new_token(),
            "purpose": self.purpose,
            "model": self.model.name,
            "prompt_version": self.version,
            "language": self.language,
            "prompt": redact(prompt_text(task)),
            "response": answer.response.replace("\0", "�"),
            **use._asdict(),
            "latency_ms": answer.latency_ms,
            "outcome": answer.outcome,
        }


def prompt_text(task: Task) -> str:
    return "\n\n".join(message["content"] for message in task.messages)


def estimate_batch_cost(model: LlmClient, prompts: Sequence[str], calls: int) -> tuple[int, int | None]:
    """The estimated tokens of `calls` calls with prompts such as these, and their cost in millionths of
    UPSELL_CURRENCY; None for a model without a price."""
    prompt_tokens = sum(map(estimate_tokens, prompts)) * calls // max(len(prompts), 1)
    use = priced(prompt_tokens, TYPICAL_COMPLETION_TOKENS * calls, model.rates)
    return use.tokens, use.cost_micros
