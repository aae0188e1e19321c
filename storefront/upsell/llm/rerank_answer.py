"""What of the model's answer about a cart may be shown."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from storefront.i18n.display_text import strip_invisible
from storefront.upsell.llm.moderation.number_facts import numbers_of
from storefront.upsell.llm.moderation.output_guard import RejectionReason, rejection_reason
from storefront.upsell.llm.rerank_prompt import INSTRUCTIONS
from storefront.upsell.selection import MAX_SUGGESTIONS
from storefront.upsell.types import Candidate, ProductText, SuggestionDraft


@dataclass(frozen=True)
class ValidatedAnswer:
    """The kept part of a model's answer, and the number of rejected parts by reason."""

    chosen: list[SuggestionDraft]
    rejections: dict[str, int] = field(default_factory=dict)


def validate_answer(
    answer: object, candidates: Sequence[Candidate], cart: Sequence[ProductText] = ()
) -> ValidatedAnswer:
    """Keep known candidates, each once, at most three.

    A product whose explanation is rejected keeps its place with the shop's own sentence. An explanation may contain the
    numbers in the texts of its product and of the cart's products.
    """
    known = {candidate.product.id: candidate for candidate in candidates}
    entries = answer.get("suggestions") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return ValidatedAnswer([], {RejectionReason.SHAPE: 1})
    facts = numbers_of(cart)
    chosen: dict[str, str] = {}
    rejections: Counter[str] = Counter()
    for entry in entries:
        product_id, explanation = (
            (entry.get("product_id"), entry.get("explanation")) if isinstance(entry, dict) else (None, None)
        )
        if not isinstance(product_id, str) or product_id not in known:
            rejections[RejectionReason.UNKNOWN_PRODUCT] += 1
        elif product_id in chosen:
            rejections[RejectionReason.REPEAT] += 1
        elif len(chosen) == MAX_SUGGESTIONS:
            rejections[RejectionReason.TOO_MANY] += 1
        else:
            reason = rejection_reason(explanation, facts | numbers_of([known[product_id].product]), INSTRUCTIONS)
            rejections.update([reason] if reason else [])
            chosen[product_id] = strip_invisible(known[product_id].explanation if reason else str(explanation))
    return ValidatedAnswer([SuggestionDraft(id, sentence) for id, sentence in chosen.items()], dict(rejections))
