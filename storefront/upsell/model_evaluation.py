"""How the model would have done on a shop's own orders, asked about the carts of a replay as it is at checkout."""

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
    """A cart, as the model is asked about it at checkout."""

    asked: BacktestCase
    cart: Sequence[ProductText]
    candidates: Sequence[Candidate]
    language: str
    chosen: list[SuggestionDraft] = field(default_factory=list)

    @classmethod
    def about(cls, asked: BacktestCase, ids: Mapping[int, str], language: str) -> "LlmBacktestTask":
        wanted = [ids[one] for one in asked.cart] + [one.product.id for one in asked.found]
        known = read_product_texts(execute(SELECT_PRODUCT_TEXTS, {"ids": wanted}).all())
        cart = [known[ids[one]] for one in asked.cart]
        goods = [known[one.product.id] for one in asked.found]
        pinned = {one.product.id for one in asked.found if one.pinned}
        candidates = [
            Candidate(one.product, explain_pinned(cart[0].name), pinned=True) if one.product.id in pinned else one
            for one in with_explanations(cart, goods, asked.ties, asked.orders)
        ]
        return cls(asked, cart, candidates, language)

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


def choices(replay: Backtest, language: str) -> list[LlmBacktestTask]:
    """The questions for the model."""
    return [LlmBacktestTask.about(asked, replay.history.ids, language) for asked in replay.asked]


def ask_model(
    model: LlmClient,
    tenant: TenantSettings,
    replay: Backtest,
    questions: Sequence[LlmBacktestTask],
    progress: Callable[[int], object],
) -> tuple[Batch, dict[str, Metrics]]:
    """The figures of the model on these carts, and of the rules on the same ones. Without an answer the rules' choice
    counts, as at checkout."""
    budget = tenant.upsell.budget or model.settings.upsell_budget
    version, language = rerank_prompt.PROMPT_VERSION, tenant.default_language
    batch = Batch(model, CallPurpose.EVALUATION, version, language, budget, progress)
    batch.run(questions)
    scores = {SHOWN: Metrics(), MODEL: Metrics()}
    for one in questions:
        chosen = merge_llm_choice(one.chosen, one.candidates, tenant.upsell)
        found = [replay.numbers[choice.product_id] for choice in chosen] or one.asked.shown
        scores[SHOWN].count(one.asked.shown, one.asked.target)
        scores[MODEL].count(found, one.asked.target)
    return batch, scores
