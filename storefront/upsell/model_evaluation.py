"""The model's part of the backtest: its choice for past carts, requested as at checkout."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from storefront.db.tenancy import execute
from storefront.tenants.settings import TenantSettings
from storefront.upsell.explanations import explain_pinned, with_explanations
from storefront.upsell.llm import rerank_prompt
from storefront.upsell.llm.batch import Batch
from storefront.upsell.llm.client import LlmClient
from storefront.upsell.llm.models import CallPurpose
from storefront.upsell.llm.rerank_answer import validate_answer
from storefront.upsell.recommender.evaluation.backtest import SHOWN, Backtest, BacktestCase, Metrics
from storefront.upsell.recommender.product_text import read_product_texts
from storefront.upsell.recommender.queries import SELECT_PRODUCT_TEXTS
from storefront.upsell.selection import merge_llm_choice
from storefront.upsell.types import Candidate, ProductText, SuggestionDraft

MODEL = "model"


@dataclass(frozen=True)
class LlmBacktestTask:
    """A cart of the backtest, with the request that checkout would send for it."""

    case: BacktestCase
    cart: Sequence[ProductText]
    candidates: Sequence[Candidate]
    language: str
    chosen: list[SuggestionDraft] = field(default_factory=list)

    @classmethod
    def about(cls, case: BacktestCase, ids: Mapping[int, str], language: str) -> "LlmBacktestTask":
        wanted = [ids[number] for number in case.cart] + [candidate.product.id for candidate in case.found]
        known = read_product_texts(execute(SELECT_PRODUCT_TEXTS, {"ids": wanted}).all())
        cart = [known[ids[number]] for number in case.cart]
        products = [known[candidate.product.id] for candidate in case.found]
        pinned = {candidate.product.id for candidate in case.found if candidate.pinned}
        candidates = [
            Candidate(one.product, explain_pinned(cart[0].name), pinned=True) if one.product.id in pinned else one
            for one in with_explanations(cart, products, case.evidence, case.orders)
        ]
        return cls(case, cart, candidates, language)

    @cached_property
    def messages(self) -> list[dict[str, str]]:
        return rerank_prompt.messages(self.cart, self.candidates, self.language)

    @property
    def response_format(self) -> dict[str, Any]:
        return rerank_prompt.response_format(self.candidates)

    def check(self, content: object) -> tuple[list[dict[str, str]], dict[str, int]]:
        checked = validate_answer(content, self.candidates, self.cart)
        self.chosen.extend(checked.chosen)
        return [vars(one) for one in checked.chosen], checked.rejections

    def save(self) -> None:
        """Only the call log keeps it."""


def backtest_tasks(replay: Backtest, language: str) -> list[LlmBacktestTask]:
    """The tasks for the model."""
    return [LlmBacktestTask.about(case, replay.history.ids, language) for case in replay.cases]


def ask_model(
    model: LlmClient,
    tenant: TenantSettings,
    replay: Backtest,
    tasks: Sequence[LlmBacktestTask],
    progress: Callable[[int], object],
) -> tuple[Batch, dict[str, Metrics]]:
    """The figures of the model on these carts, and of the rules on the same ones. Without an answer the rules' choice
    counts, as at checkout."""
    budget = tenant.upsell.budget or model.settings.upsell_budget
    version, language = rerank_prompt.PROMPT_VERSION, tenant.default_language
    batch = Batch(model, CallPurpose.EVALUATION, version, language, budget, progress)
    batch.run(tasks)
    scores = {SHOWN: Metrics(), MODEL: Metrics()}
    for task in tasks:
        chosen = merge_llm_choice(task.chosen, task.candidates, tenant.upsell)
        found = [replay.numbers[draft.product_id] for draft in chosen] or task.case.shown
        scores[SHOWN].count(task.case.shown, task.case.target)
        scores[MODEL].count(found, task.case.target)
    return batch, scores
