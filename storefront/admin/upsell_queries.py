"""Reads for the back office's pages of suggestions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from storefront.cart.models import CartLine
from storefront.db.base import db
from storefront.upsell.llm.models import LlmCall
from storefront.upsell.llm.outcomes import LlmOutcome
from storefront.upsell.models import UpsellImpression
from storefront.upsell.recommender.models import Complement

PAGE_SIZE = 50
MAX_SCANNED = 500
"""Rows that a page of a filtered log reads: prompts are long."""
MAX_NEW_ROWS = 99
"""Of those that came after a page was opened, so many are counted."""
OK, FAILED, REJECTED = "ok", "failed", "rejected"
NOTHING = "nothing"


@dataclass(frozen=True)
class CallFilter:
    """`shown` is "ok", "failed", "rejected" (something of the answer was not shown), or empty for all; `q` is searched
    in prompts and answers."""

    q: str = ""
    shown: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.shown)

    def matches(self, call: LlmCall) -> bool:
        found = {OK: call.outcome == LlmOutcome.OK, FAILED: call.outcome != LlmOutcome.OK, REJECTED: call.rejections}
        typed = self.q.casefold()
        in_text = typed in f"{call.id}\n{call.prompt}\n{call.response}".casefold() if typed else True
        return in_text and bool(found.get(self.shown, True))


@dataclass(frozen=True)
class ImpressionFilter:
    """`shown` is a `SuggestionSource`, "nothing" (to measure what suggestions earn), or empty for all; `q` is searched
    in explanations and ids, and `products` are the ids of products whose names it finds."""

    q: str = ""
    shown: str = ""
    products: frozenset[str] = frozenset()

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.shown)

    def matches(self, impression: UpsellImpression) -> bool:
        if self.shown and self.shown != (impression.source or NOTHING):
            return False
        typed, found = self.q.casefold(), impression.suggestions
        if not typed or any(one["product_id"] in self.products for one in found):
            return True
        texts = (f"{one['product_id']}\n{one['explanation']}" for one in found)
        return typed in "\n".join((impression.id, *texts)).casefold()


@dataclass(frozen=True)
class Page:
    """Rows, the newest first, and where the next pages begin, as `sort_id`; None if there are none."""

    rows: Sequence[Any]
    newer: int | None
    older: int | None
    is_cut: bool = False
    """The page ended because it had read `MAX_SCANNED` rows."""


Log = type[LlmCall] | type[UpsellImpression]
"""A table of rows that are only added."""
LogFilter = CallFilter | ImpressionFilter


def latest_row(log: Log) -> int:
    """Return the `sort_id` of the latest row; 0 if there is none."""
    return db.session.scalar(select(log.sort_id).order_by(log.sort_id.desc()).limit(1)) or 0


def count_new_rows(log: Log, wanted: LogFilter, after: int) -> int:
    """Return how many rows that match came after this one, among the first `MAX_NEW_ROWS` and one that came."""
    if not wanted.is_narrowed:
        newer = select(log.sort_id).where(log.sort_id > after).limit(MAX_NEW_ROWS + 1)
        return len(db.session.scalars(newer).all())
    rows: Any = db.session.scalars(select(log).where(log.sort_id > after).order_by(log.sort_id).limit(MAX_NEW_ROWS + 1))
    return sum(wanted.matches(row) for row in rows)


def list_rows(log: Log, wanted: LogFilter, after: int | None = None, before: int | None = None) -> Page:
    """Read rows in the direction of reading, and return the first that match."""
    most = MAX_SCANNED if wanted.is_narrowed else PAGE_SIZE
    key: Any = log.sort_id
    query: Any = select(log)
    if after is not None:
        query = query.where(key > after).order_by(key)
    else:
        query = (query.where(key < before) if before is not None else query).order_by(key.desc())
    read = db.session.scalars(query.limit(most + 1)).all()
    found = [row for row in read[:most] if wanted.matches(row)]
    rows = found[:PAGE_SIZE]
    is_cut = len(found) <= PAGE_SIZE and len(read) > most > PAGE_SIZE
    last = (rows if len(found) > PAGE_SIZE else read[:most])[-1:]
    further = last[0].sort_id if last and (len(found) > PAGE_SIZE or len(read) > most) else None
    if after is not None:
        return Page(rows[::-1], further, after + 1, is_cut)
    return Page(rows, before - 1 if before is not None else None, further, is_cut)


def find_call(id: str) -> LlmCall | None:
    return db.session.scalar(select(LlmCall).where(LlmCall.id == id))


def find_impression(id: str) -> UpsellImpression | None:
    return db.session.scalar(select(UpsellImpression).where(UpsellImpression.id == id))


def products_in_cart(cart_id: str) -> list[str]:
    """Return the ids of the products that are in a cart now, in their order."""
    query = select(CartLine.product_id).where(CartLine.cart_id == cart_id).order_by(CartLine.position)
    return list(dict.fromkeys(db.session.scalars(query)))


def complements_between(product_ids: Sequence[str], suggested: Sequence[str]) -> Sequence[Complement]:
    """Return what says, today, that these products are completed by those."""
    query = select(Complement).where(
        Complement.product_id.in_(product_ids), Complement.complement_product_id.in_(suggested)
    )
    return db.session.scalars(query.order_by(Complement.position)).all()
