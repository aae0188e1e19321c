"""Selects suggestions from the candidates by the merchandising rules: each pin first, exclusions, one per category."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from storefront.tenants.settings import MerchandisingRules
from storefront.upsell.types import NO_EXPLANATIONS, Candidate, SuggestionDraft

MAX_SUGGESTIONS = 3
MAX_LLM_CANDIDATES = 12
MAX_LLM_CANDIDATES_PER_CATEGORY = 2


def select_top(ranked: Iterable[Candidate], rules: MerchandisingRules) -> list[SuggestionDraft]:
    """The best three that the merchandising rules allow together, with their own explanations."""
    return _select(ranked, rules)


def merge_llm_choice(
    chosen: Sequence[SuggestionDraft], ranked: Sequence[Candidate], rules: MerchandisingRules
) -> list[SuggestionDraft]:
    """The pinned candidates, then the model's choice in its order and with its explanations, as far as the
    merchandising rules allow; the next best candidates replace what they don't allow."""
    known = {candidate.product.id: candidate for candidate in ranked}
    explanations = {draft.product_id: draft.explanation for draft in chosen if draft.product_id in known}
    if not explanations:
        return []
    pinned = [candidate for candidate in ranked if candidate.pinned]
    named = [known[product_id] for product_id in explanations if not known[product_id].pinned]
    others = [candidate for candidate in ranked if not candidate.pinned and candidate.product.id not in explanations]
    return _select((*pinned, *named, *others), rules, explanations, min(MAX_SUGGESTIONS, len(pinned) + len(named)))


def _select(
    candidates: Iterable[Candidate],
    rules: MerchandisingRules,
    explanations: Mapping[str, str] = NO_EXPLANATIONS,
    limit: int = MAX_SUGGESTIONS,
) -> list[SuggestionDraft]:
    found = islice(diversify_by_category(candidates, 1, rules, explanations), limit)
    return [SuggestionDraft(candidate.product.id, explanation) for candidate, explanation in found]


def llm_candidates(ranked: Iterable[Candidate], rules: MerchandisingRules) -> list[Candidate]:
    """The candidates that the model may choose from: the best, with a limit per category."""
    return [
        candidate
        for candidate, _ in islice(
            diversify_by_category(ranked, MAX_LLM_CANDIDATES_PER_CATEGORY, rules), MAX_LLM_CANDIDATES
        )
    ]


def diversify_by_category(
    candidates: Iterable[Candidate],
    max_per_category: int,
    rules: MerchandisingRules,
    explanations: Mapping[str, str] = NO_EXPLANATIONS,
) -> Iterator[tuple[Candidate, str]]:
    """The candidates with their explanations, from `explanations` by id or their own: the first `max_per_category`
    of each category, or all if the shop allows it. Candidates without an explanation are left out."""
    seen: Counter[str] = Counter()
    for candidate in candidates:
        category = candidate.product.category
        if category and rules.one_per_category and seen[category] == max_per_category:
            continue
        if explanation := explanations.get(candidate.product.id) or candidate.explanation:
            seen[category] += 1
            yield candidate, explanation
