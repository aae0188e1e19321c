"""Generation of complements: the model names, once per product, which products and categories complete it."""

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
"""Products that a model may choose from."""
MAX_SIMILAR, MAX_BESTSELLERS = 12, 8
"""Of them, the products with similar texts and the bestsellers."""
MAX_CATEGORY_CHOICES = 120
"""Categories that a model may choose from."""
BATCH_SIZE, PAGE_SIZE = 25, 1000
SAMPLE_SIZE = 20
"""Products by which the cost is estimated."""


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


def content_digest(product: ProductText, language: str) -> str:
    """A digest of the product's texts and the language."""
    texts = [language, product.name, product.description, product.category, product.tags]
    return sha256(json.dumps(texts).encode()).hexdigest()[:16]


def products_to_generate(language: str) -> list[int]:
    """The numbers of the products without complements of their current texts, bestsellers first."""
    with write():
        insert_if_absent(TrainingState, [{}])
        assign_item_indexes()
    found: list[tuple[int, int]] = []
    last, count = -1, 0
    while rows := execute(SELECT_PRODUCTS_TO_GENERATE, {"item_index": last, "limit": PAGE_SIZE}).all():
        last, count = rows[-1].item_index, count + len(rows)
        found += [
            (-row.order_count, row.item_index)
            for row in rows
            if row.complements_digest != content_digest(product_text_from_row(row), language)
        ]
    return [number for _, number in sorted(found)] if count > 1 else []


class ComplementTasks:
    """The tasks for products of the current tenant."""

    def __init__(self, language: str) -> None:
        self.language, self.stats = language, current_stats()
        numbers = {name: number for name, number in execute(SELECT_CATEGORY_INDEXES) if number in self.stats.best_of}
        lines = self.stats.catalog_stats.category_lines
        names = sorted(numbers, key=lambda name: (-lines.get(numbers[name], 0), name))
        self.category_numbers = [numbers[name] for name in names]
        self.labels = complement_prompt.category_labels(names[:MAX_CATEGORY_CHOICES])

    def about(self, numbers: Sequence[int]) -> Iterator[ComplementTask]:
        for start in range(0, len(numbers), BATCH_SIZE):
            batch = numbers[start : start + BATCH_SIZE]
            rows = {row.item_index: row for row in execute(SELECT_PRODUCT_TEXTS_BY_INDEX, {"indexes": batch}).all()}
            possible = {number: self.possible(number, rows[number].similar_items) for number in batch if number in rows}
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

    def possible(self, number: int, packed_similar_items: bytes) -> list[int]:
        """The choices for a product: similar products, bestsellers, and the best of each category, beginning with a
        different category for each product."""
        stats, similar = self.stats, unpack_similar_items(bytes(packed_similar_items))
        offset = number % max(len(self.category_numbers), 1)
        best = [
            stats.best_of.get(category, [])
            for category in (*self.category_numbers[offset:], *self.category_numbers[:offset])
        ]
        found = chain(
            nlargest(MAX_SIMILAR, similar, key=lambda other: (similar[other], -other)),
            stats.best[:MAX_BESTSELLERS],
            (other for rank in range(2) for numbers in best for other in numbers[rank : rank + 1]),
        )
        return [other for other in dict.fromkeys(found) if other != number][:MAX_PRODUCT_CHOICES]


def estimate_cost(model: LlmClient, tenant: TenantSettings, numbers: Sequence[int]) -> tuple[int, int | None]:
    """About how many tokens and how much money these products will take, judged by some of them."""
    sample = numbers[:: max(len(numbers) // SAMPLE_SIZE, 1)][:SAMPLE_SIZE]
    prompts = [prompt_text(task) for task in ComplementTasks(tenant.default_language).about(sample)]
    return estimate_batch_cost(model, prompts, len(numbers))


def offline_client(settings: Settings) -> LlmClient:
    """The configured model, with the limits of offline calls."""
    return LlmClient(settings, complement_prompt.TIMEOUT_SECONDS, complement_prompt.MAX_COMPLETION_TOKENS)


def generate_complements(
    model: LlmClient, tenant: TenantSettings, numbers: Sequence[int], progress: Callable[[int], object]
) -> Batch:
    """Request and store the complements of these products, in concurrent calls of one product each."""
    budget = tenant.upsell.budget or model.settings.upsell_budget
    batch = Batch(model, CallPurpose.COMPLEMENTS, complement_prompt.VERSION, tenant.default_language, budget, progress)
    batch.run(ComplementTasks(tenant.default_language).about(numbers))
    return batch
