"""Why a product was suggested: the part of its score that weighs most. Computed for the few products that are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storefront.tenants.settings import Pin
from storefront.upsell.recommender.complements import NO_COMPLEMENTS, ProductComplements
from storefront.upsell.recommender.scoring import ScorePart, Scorer, Signal
from storefront.upsell.types import Candidate

Reason = dict[str, Any]
"""As stored with an impression: `signal`, a `Signal` or "pin"; `score`; `place` in the shop's own ranking, from 1;
`with`, a product in the cart; `orders` that have both; of a complement `by_shop`, and `why` in the shop's words."""
PIN = "pin"


@dataclass(frozen=True)
class Reasons:
    """What was known when the candidates were ranked. `numbers` are the candidates by id, `ids` the ids by number."""

    candidates: Sequence[Candidate]
    pins: Mapping[str, Pin]
    scorer: Scorer | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)
    ids: Sequence[str] = ()
    complements: Mapping[str, ProductComplements] = field(default_factory=dict)

    def reason(self, product_id: str) -> Reason:
        """Return the reason for a candidate."""
        if pin := self.pins.get(product_id):
            return {"signal": PIN, "with": pin.with_id}
        ranked = [one.product.id for one in self.candidates if not one.pinned]
        place = {"place": ranked.index(product_id) + 1} if product_id in ranked else {}
        if self.scorer is None or product_id not in self.numbers:
            return place
        parts = self.scorer.parts(self.numbers[product_id])
        score = sum(part.worth for part in parts)
        strongest = max(parts, key=lambda part: part.worth)
        return (
            {"signal": strongest.signal, "score": float(f"{score:.4g}")} | place | self._details(strongest, product_id)
        )

    def _details(self, part: ScorePart, product_id: str) -> Reason:
        if part.number is None:
            return {"orders": part.orders} if part.orders else {}
        with_id = self.ids[part.number]
        found: Reason = {"with": with_id}
        if part.orders:
            found["orders"] = part.orders
        if part.signal == Signal.COMPLEMENT:
            by_shop = self.complements.get(with_id, NO_COMPLEMENTS).by_shop
            found["by_shop"] = product_id in by_shop
            if why := by_shop.get(product_id):
                found["why"] = why
        return found
