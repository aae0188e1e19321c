"""A question to the model about a cart, and the keys under which its response is cached."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from storefront.tenants.settings import MerchandisingRules
from storefront.upsell.llm import rerank_prompt
from storefront.upsell.selection import llm_candidates
from storefront.upsell.types import Candidate, ProductText


@dataclass(frozen=True)
class RerankRequest:
    """Asks which of the best candidates go with the cart, in this language. `value` is the cart's subtotal in minor
    units. Prompt and keys are computed only if they are needed."""

    model: str
    cart_id: str
    cart: Sequence[ProductText]
    ranked: Sequence[Candidate]
    rules: MerchandisingRules
    language: str
    value: int

    @cached_property
    def candidates(self) -> list[Candidate]:
        return llm_candidates(self.ranked, self.rules)

    @cached_property
    def messages(self) -> list[dict[str, str]]:
        return rerank_prompt.messages(self.cart, self.candidates, self.language)

    @cached_property
    def response_format(self) -> dict[str, Any]:
        return rerank_prompt.response_format(self.candidates)

    @cached_property
    def prompt(self) -> str:
        return "\n\n".join(message["content"] for message in self.messages)

    @cached_property
    def key(self) -> str:
        """Equal for equal cart, candidates, texts, language, model and prompt, in any order."""
        candidates = sorted(repr(candidate.product) for candidate in self.candidates)
        return self._hash(sorted(map(repr, self.cart)), candidates)

    @cached_property
    def cart_hash(self) -> str:
        return self._hash(sorted(goods.id for goods in self.cart), [])

    def _hash(self, cart: list[str], candidates: list[str]) -> str:
        asked = [self.model, rerank_prompt.PROMPT_VERSION, self.language, cart, candidates]
        return sha256(json.dumps(asked).encode()).hexdigest()
