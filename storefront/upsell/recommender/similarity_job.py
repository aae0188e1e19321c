"""Compares the texts of all products when a catalogue was loaded, so that no checkout waits for it."""

from collections.abc import Callable
from hashlib import sha256
from itertools import islice
from typing import Any

from storefront.catalog.text import tokenize
from storefront.db.tenancy import execute, insert_if_absent
from storefront.db.transactions import write
from storefront.upsell.recommender.cooccurrence import pack_similar_items
from storefront.upsell.recommender.models import TrainingState
from storefront.upsell.recommender.queries import (
    LOCK_TRAINING_STATE,
    SELECT_SIMILARITY_TEXTS,
    SELECT_TRAINING_STATE,
    UPDATE_SIMILAR_ITEMS,
    UPDATE_TEXT_DIGEST,
)
from storefront.upsell.recommender.text_similarity import nearest_neighbours
from storefront.upsell.recommender.training import assign_item_indexes

ROWS_PER_TRANSACTION = 1000
"""Products whose results are written in one transaction."""


def similarity_terms(product: Any) -> list[str]:
    """The words by which a product is compared: name, category and tags. A description counts only without tags,
    because it says much else."""
    return tokenize(" . ".join((product.name, product.category, *(product.tags or [product.description]))))


def rebuild_text_similarity(progress: Callable[[int], object] = lambda _: None) -> bool:
    """Find the similar products of each product of the current tenant, unless the texts are unchanged.

    Returns whether they were changed. `progress` is called with the size of each batch.
    """
    with write():
        insert_if_absent(TrainingState, [{}])
        assign_item_indexes()
    rows = execute(SELECT_SIMILARITY_TEXTS).all()
    texts = [similarity_terms(row) for row in rows]
    digest = sha256("\n".join(" ".join(words) for words in texts).encode()).hexdigest()
    if digest == execute(SELECT_TRAINING_STATE).one().text_digest:
        return False
    with write():
        execute(UPDATE_TEXT_DIGEST, {"text_digest": ""})  # until it is done, so that an interrupted job starts anew
    found = zip((row.item_index for row in rows), nearest_neighbours(texts), strict=True)
    numbers = [row.item_index for row in rows]
    while batch := list(islice(found, ROWS_PER_TRANSACTION)):
        changed = [
            {
                "the_index": number,
                "similar_items": pack_similar_items([(numbers[position], cosine) for position, cosine in alike]),
            }
            for number, alike in batch
        ]
        with write():
            execute(LOCK_TRAINING_STATE)
            execute(UPDATE_SIMILAR_ITEMS, changed)
        progress(len(batch))
    with write():
        execute(UPDATE_TEXT_DIGEST, {"text_digest": digest})
    return True
