"""Making ready which products are alike by their texts: when a catalogue was loaded, before anybody asks."""

from collections.abc import Callable
from hashlib import sha256
from itertools import islice
from typing import Any

from storefront.catalog.text import tokenize
from storefront.db.tenancy import execute, insert_if_absent
from storefront.db.transactions import write
from storefront.upsell.engine.learning import number_products
from storefront.upsell.engine.models import SAVE_ALIKE, SAVE_TEXTS, STATE, STATE_LOCKED, TEXTS, Learned
from storefront.upsell.engine.rows import pack_alike
from storefront.upsell.engine.texts import closest

WRITTEN_AT_ONCE = 1000
"""Products that one transaction writes."""


def words_of(product: Any) -> list[str]:
    """What a product is compared by: its name, category and tags. A description says much besides what a thing is for,
    so it counts only where there are no tags."""
    return tokenize(" . ".join((product.name, product.category, *(product.tags or [product.description]))))


def compare_texts(progress: Callable[[int], object] = lambda _: None) -> bool:
    """Find for each product of the current tenant what is like it, unless its texts are those of the last time.

    Returns whether there was anything to do; `progress` is told of each lot of products.
    """
    with write():
        insert_if_absent(Learned, [{}])
        number_products()
    rows = execute(TEXTS).all()
    texts = [words_of(row) for row in rows]
    digest = sha256("\n".join(" ".join(words) for words in texts).encode()).hexdigest()
    if digest == execute(STATE).one().texts:
        return False
    with write():
        execute(SAVE_TEXTS, {"texts": ""})  # until it is done, so that what is interrupted is begun again
    found = zip((row.number for row in rows), closest(texts), strict=True)
    numbers = [row.number for row in rows]
    while lot := list(islice(found, WRITTEN_AT_ONCE)):
        changed = [
            {"the_number": number, "alike": pack_alike([(numbers[position], cosine) for position, cosine in alike])}
            for number, alike in lot
        ]
        with write():
            execute(STATE_LOCKED)
            execute(SAVE_ALIKE, changed)
        progress(len(lot))
    with write():
        execute(SAVE_TEXTS, {"texts": digest})
    return True
