"""Having the model write down, once for each product, which products and categories complete it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import nlargest
from itertools import chain
from typing import Any

from storefront.config import Settings
from storefront.db.tenancy import execute, insert_if_absent
from storefront.db.transactions import write
from storefront.tenants.settings import TenantSettings
from storefront.upsell.llm import complement_prompt
from storefront.upsell.llm.batch import Batch, estimate_batch_cost, prompt_text
from storefront.upsell.llm.client import LlmClient
from storefront.upsell.llm.complement_prompt import ComplementAnswer
from storefront.upsell.llm.models import CallPurpose
from storefront.upsell.recommender.cooccurrence import unpack_similar_items
from storefront.upsell.recommender.models import Complement, ComplementSource, TrainingState
from storefront.upsell.recommender.product_text import product_text_from_row
from storefront.upsell.recommender.queries import (
    DELETE_GENERATED_COMPLEMENTS,
    SELECT_CATEGORY_INDEXES,
    SELECT_PRODUCT_TEXTS_BY_INDEX,
    SELECT_PRODUCTS_TO_GENERATE,
    SET_COMPLEMENTS_DIGEST,
)
from storefront.upsell.recommender.stats_cache import current_stats
from storefront.upsell.recommender.training import assign_item_indexes
from storefront.upsell.types import ProductText

MAX_PRODUCT_CHOICES = 40
"""Products that a model may choose from, and how many of them are there for their texts and for their sales."""
ALIKE, BESTSELLERS = 12, 8
MAX_CATEGORY_CHOICES = 120
"""Categories that a model may choose from."""
LOT, READ_AT_ONCE = 25, 1000
SAMPLE = 20


@dataclass(frozen=True)
class ComplementTask:
    """One product, and what may complete it."""

    product: ProductText
    others: Sequence[ProductText]
    categories: Mapping[str, str]
    language: str
    kept: ComplementAnswer = field(default_factory=lambda: ComplementAnswer({}, {}, {}))

    @property
    def messages(self) -> list[dict[str, str]]:
        return complement_prompt.messages(self.product, self.others, self.categories, self.language)

    @property
    def response_format(self) -> dict[str, Any]:
        return complement_prompt.response_format(self.others, self.categories)

    def check(self, content: object) -> tuple[list[dict[str, str]], dict[str, int]]:
        found = complement_prompt.validate_complements(content, self.product, self.others, self.categories)
        self.kept.products.update(found.products)
        self.kept.categories.update(found.categories)
        return [{"product_id": id, "explanation": why} for id, why in found.products.items()], found.rejections

    def save(self) -> None:
        """Replace the generated complements of the product, and store the digest of the texts that they were made from.
        The shop's own pairs stay."""
        execute(DELETE_GENERATED_COMPLEMENTS, {"product": self.product.id})
        found = [(id, "", why) for id, why in self.kept.products.items()]
        found += [("", name, why) for name, why in self.kept.categories.items()]
        rows = [
            {
                "product_id": self.product.id,
                "complement_product_id": id,
                "category": category,
                "explanation": why,
                "source": ComplementSource.LLM.value,
                "position": position,
            }
            for position, (id, category, why) in enumerate(found)
        ]
        if rows:
            insert_if_absent(Complement, rows)
        digest = content_digest(self.product, self.language)
        execute(SET_COMPLEMENTS_DIGEST, {"product": self.product.id, "digest": digest})


def content_digest(goods: ProductText, language: str) -> str:
    """Another text for other texts of a product, and for another language."""
    texts = [language, goods.name, goods.description, goods.category, goods.tags]
    return sha256(json.dumps(texts).encode()).hexdigest()[:16]


def products_to_generate(language: str) -> list[int]:
    """The numbers of the products without a preparation of their present texts, what sells best first."""
    with write():
        insert_if_absent(TrainingState, [{}])
        assign_item_indexes()
    found: list[tuple[int, int]] = []
    last, many = -1, 0
    while rows := execute(SELECT_PRODUCTS_TO_GENERATE, {"item_index": last, "limit": READ_AT_ONCE}).all():
        last, many = rows[-1].item_index, many + len(rows)
        found += [
            (-row.order_count, row.item_index)
            for row in rows
            if row.complements_digest != content_digest(product_text_from_row(row), language)
        ]
    return [number for _, number in sorted(found)] if many > 1 else []


class ComplementTasks:
    """The questions about products of the current tenant."""

    def __init__(self, language: str) -> None:
        self.language, self.shelf = language, current_stats()
        numbers = {name: number for name, number in execute(SELECT_CATEGORY_INDEXES) if number in self.shelf.best_of}
        lines = self.shelf.catalog_stats.category_lines
        names = sorted(numbers, key=lambda name: (-lines.get(numbers[name], 0), name))
        self.kinds = [numbers[name] for name in names]
        self.labels = complement_prompt.category_labels(names[:MAX_CATEGORY_CHOICES])

    def about(self, numbers: Sequence[int]) -> Iterator[ComplementTask]:
        for start in range(0, len(numbers), LOT):
            lot = numbers[start : start + LOT]
            rows = {row.item_index: row for row in execute(SELECT_PRODUCT_TEXTS_BY_INDEX, {"indexes": lot}).all()}
            possible = {number: self.possible(number, rows[number].similar_items) for number in lot if number in rows}
            wanted = {number for numbers in possible.values() for number in numbers}
            known = {
                row.item_index: product_text_from_row(row)
                for row in execute(SELECT_PRODUCT_TEXTS_BY_INDEX, {"indexes": list(wanted)}).all()
            }
            for number, others in possible.items():
                yield ComplementTask(
                    product_text_from_row(rows[number]),
                    [known[n] for n in others if n in known],
                    self.labels,
                    self.language,
                )

    def possible(self, number: int, alike: bytes) -> list[int]:
        """What is like it, what sells best, and the best of each category in turn, beginning with another for each
        product."""
        shelf, near = self.shelf, unpack_similar_items(bytes(alike))
        turn = number % max(len(self.kinds), 1)
        best = [shelf.best_of.get(kind, []) for kind in (*self.kinds[turn:], *self.kinds[:turn])]
        found = chain(
            nlargest(ALIKE, near, key=lambda other: (near[other], -other)),
            shelf.best[:BESTSELLERS],
            (one for rank in range(2) for numbers in best for one in numbers[rank : rank + 1]),
        )
        return [other for other in dict.fromkeys(found) if other != number][:MAX_PRODUCT_CHOICES]


def estimate_cost(model: LlmClient, tenant: TenantSettings, numbers: Sequence[int]) -> tuple[int, int | None]:
    """About how many tokens and how much money these products will take, judged by some of them."""
    sample = numbers[:: max(len(numbers) // SAMPLE, 1)][:SAMPLE]
    prompts = [prompt_text(one) for one in ComplementTasks(tenant.default_language).about(sample)]
    return estimate_batch_cost(model, prompts, len(numbers))


def offline_client(settings: Settings) -> LlmClient:
    """The configured model, for calls that nobody waits for."""
    return LlmClient(settings, complement_prompt.TIMEOUT_SECONDS, complement_prompt.MAX_COMPLETION_TOKENS)


def generate_complements(
    model: LlmClient, tenant: TenantSettings, numbers: Sequence[int], progress: Callable[[int], object]
) -> Batch:
    """Ask about these products, one by one and several at a time, and keep what is found."""
    budget = tenant.upsell.budget or model.settings.upsell_budget
    batch = Batch(model, CallPurpose.COMPLEMENTS, complement_prompt.VERSION, tenant.default_language, budget, progress)
    batch.run(ComplementTasks(tenant.default_language).about(numbers))
    return batch
