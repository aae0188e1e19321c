"""Selects suggestions from the candidates by the merchandising rules: each pin first, exclusions, one per category."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from storefront.tenants.settings import MerchandisingRules
from storefront.upsell.types import NO_EXPLANATIONS, Candidate, SuggestionDraft

MAX_SUGGESTIONS = 3
MAX_LLM_CANDIDATES = 12
MAX_LLM_CANDIDATES_PER_CATEGORY = 2


def select_top(ranked: Iterable[Candidate], wishes: MerchandisingRules) -> list[SuggestionDraft]:
    """The best three that the merchandising rules allow together, with their own explanations."""
    return _select(ranked, wishes)


def merge_llm_choice(
    chosen: Sequence[SuggestionDraft], ranked: Sequence[Candidate], wishes: MerchandisingRules
) -> list[SuggestionDraft]:
    """The pinned candidates, then the model's choice in its order and with its explanations, as far as the
    merchandising rules allow; the next best candidates replace what they don't allow."""
    known = {candidate.product.id: candidate for candidate in ranked}
    words = {one.product_id: one.explanation for one in chosen if one.product_id in known}
    if not words:
        return []
    pinned = [candidate for candidate in ranked if candidate.pinned]
    named = [known[product_id] for product_id in words if not known[product_id].pinned]
    others = [one for one in ranked if not one.pinned and one.product.id not in words]
    return _select((*pinned, *named, *others), wishes, words, min(MAX_SUGGESTIONS, len(pinned) + len(named)))


def _select(
    candidates: Iterable[Candidate],
    wishes: MerchandisingRules,
    words: Mapping[str, str] = NO_EXPLANATIONS,
    most: int = MAX_SUGGESTIONS,
) -> list[SuggestionDraft]:
    found = islice(diversify_by_category(candidates, 1, wishes, words), most)
    return [SuggestionDraft(candidate.product.id, explanation) for candidate, explanation in found]


def llm_candidates(ranked: Iterable[Candidate], wishes: MerchandisingRules) -> list[Candidate]:
    """The candidates that the model may choose from: the best, with a limit per category."""
    return [
        candidate
        for candidate, _ in islice(
            diversify_by_category(ranked, MAX_LLM_CANDIDATES_PER_CATEGORY, wishes), MAX_LLM_CANDIDATES
        )
    ]


def diversify_by_category(
    candidates: Iterable[Candidate], most: int, wishes: MerchandisingRules, words: Mapping[str, str] = NO_EXPLANATIONS
) -> Iterator[tuple[Candidate, str]]:
    """The candidates with their explanations, from `words` by id or their own: the first `most` of each category, or
    all if the shop allows it. Candidates without an explanation are left out."""
    seen: Counter[str] = Counter()
    for candidate in candidates:
        category = candidate.product.category
        if category and wishes.one_per_category and seen[category] == most:
            continue
        if explanation := words.get(candidate.product.id) or candidate.explanation:
            seen[category] += 1
            yield candidate, explanation
