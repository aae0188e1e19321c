"""A row of calls for which nobody waits: several at a time, within the day's budget, each written down at once."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from storefront.config import Budget
from storefront.database import current_tenant_id, release, write
from storefront.ids import new_token
from storefront.tenants.guard import add_rows
from storefront.upsell.assistant.breaker import FAILURES
from storefront.upsell.assistant.budget import may_ask
from storefront.upsell.assistant.client import Answer, Model, estimated
from storefront.upsell.assistant.models import UpsellCall, count_usage, used_today

USUAL_ANSWER = 300
"""Tokens of an answer, for an estimate."""
log = logging.getLogger("storefront.upsell")


class Task(Protocol):
    """A question of a row, and what is done with its answer."""

    @property
    def messages(self) -> list[dict[str, str]]: ...

    @property
    def response_format(self) -> dict[str, Any]: ...

    def check(self, content: object) -> tuple[list[dict[str, str]], dict[str, int]]:
        """What is kept of an answer for the journal, and what was dropped."""

    def save(self) -> None:
        """Write down what was kept, in a running `write()`."""


@dataclass
class Batch:
    """Asks a row of questions for the current tenant, several at a time, each written down as soon as it is answered.

    `stopped` says why it ended before the row did. `name` stands in the journal where else the cart does.
    """

    model: Model
    name: str
    version: str
    language: str
    budget: Budget | None = None
    progress: Callable[[int], object] = lambda _: None
    stopped: str | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    _failed: int = 0
    _asked: dict["Future[Answer]", Task] = field(default_factory=dict)

    def run(self, tasks: Iterable[Task]) -> None:
        """Ask until the row, the budget or the patience with failures is at its end, or somebody presses Ctrl-C. What
        is under way then, and may have to be paid, is waited for."""
        try:
            for task in tasks:
                while len(self._asked) >= self.model.settings.upsell_in_flight:
                    self._settle_next()
                if self._must_stop():
                    break
                while self.model.is_busy:  # the call that was settled is about to make room
                    time.sleep(0.002)
                self._asked[self.model.ask(task.messages, task.response_format)] = task
        except KeyboardInterrupt:
            self.stopped = "it was interrupted"
        while self._asked:
            self._settle_next()
        self.stopped = self.stopped or self._fault()

    def _fault(self) -> str | None:
        if self._failed >= FAILURES or self.model.breaker.open:
            return f"the model failed {self._failed} times in a row"
        return None

    def _must_stop(self) -> bool:
        self.stopped = self._fault()
        if self.budget and not self.stopped:
            waiting = sum(estimated(text_of(task)) + USUAL_ANSWER for task in self._asked.values())
            tokens, cost = used_today()
            rates = self.model.settings.upsell_prices.get(self.model.name)
            used = tokens + waiting, cost + int(rates.prompt * waiting if rates else 0)
            if not may_ask(
                self.budget, self.model.priced, used, 1, 0
            ):  # whatever is asked ahead is worth it up to the hard limit
                self.stopped = "the day's budget is used up"
        return self.stopped is not None

    def _settle_next(self) -> None:
        """Wait for one of the answers and write it down."""
        release()
        answered = next(iter(wait(self._asked, return_when=FIRST_COMPLETED).done))
        answer, task = answered.result(), self._asked[answered]
        if answer.was_sent:
            self._write_down(task, answer)
        del self._asked[answered]
        self.outcomes[answer.outcome] += 1
        self._failed = 0 if answer.outcome == "ok" else self._failed + 1
        self.progress(1)

    def _write_down(self, task: Task, answer: Answer) -> None:
        kept, dropped = task.check(answer.content) if answer.outcome == "ok" else ([], {})
        call = self._row(task, answer) | {"dropped": dropped, "suggestions": kept}
        with write():
            if answer.outcome == "ok":
                task.save()
            add_rows(UpsellCall, [call])
            count_usage(call["prompt_tokens"] + call["completion_tokens"], call["cost"] or 0)
        self.dropped.update(dropped)
        purpose = call.pop("cart_id")  # a row's name, where the other calls have a cart's id, which no log line holds
        log.info(
            "upsell call", extra={"call_id": call.pop("id"), "tenant": current_tenant_id(), "purpose": purpose, **call}
        )

    def _row(self, task: Task, answer: Answer) -> dict[str, Any]:
        prompt_tokens, completion_tokens, cost = self.model.cost(answer, text_of(task))
        return {
            "id": new_token(),
            "cart_id": self.name,
            "model": self.model.name,
            "prompt_version": self.version,
            "language": self.language,
            "prompt": text_of(task),
            "response": answer.response.replace("\0", "�"),
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "cost": cost,
            "latency_ms": answer.latency_ms,
            "outcome": answer.outcome,
        }


def text_of(task: Task) -> str:
    return "\n\n".join(message["content"] for message in task.messages)


def foreseen(model: Model, prompts: Sequence[str], calls: int) -> tuple[int, int | None]:
    """The tokens of so many calls with prompts such as these, estimated by length, and what they cost in millionths of
    UPSELL_CURRENCY; None for a model without a price."""
    prompt_tokens = sum(map(estimated, prompts)) * calls // max(len(prompts), 1)
    answer = Answer("ok", prompt_tokens=prompt_tokens, completion_tokens=USUAL_ANSWER * calls)
    _, completion_tokens, cost = model.cost(answer, "")
    return prompt_tokens + completion_tokens, cost
