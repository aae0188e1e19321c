"""Types that are shared by selection, recommender and LLM."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from storefront.catalog.text import tokenize


class SuggestionSource(StrEnum):
    """Who chose what is suggested."""

    LLM = "llm"
    RULES = "rules"


class Decision(StrEnum):
    """Who was to choose what a cart is shown, or why the model's choice was not shown. Stored with each impression and
    counted in the metrics."""

    CONTROL = "control"
    RULES = "rules"
    OK = "ok"
    """The model chose."""
    FAILED = "failed"
    """The call for this cart failed a moment ago."""
    PENDING = "pending"
    ALL_REJECTED = "all_rejected"
    """Nothing of the model's answer could be shown."""
    OVER_BUDGET = "over_budget"
    CIRCUIT_OPEN = "circuit_open"
    CONCURRENCY_LIMITED = "concurrency_limited"


JAPANESE_RUNS = re.compile("[ァ-ヺー]{2,}|[一-鿿々]{2,}")
NO_EXPLANATIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class ProductText:
    """What is said of a product when it is compared with others."""

    id: str
    name: str
    description: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()

    @cached_property
    def tag_set(self) -> dict[str, str]:
        """Its tags, by their folded words."""
        return {" ".join(tokenize(tag)): tag for tag in self.tags}

    @cached_property
    def name_words(self) -> set[str]:
        """Those that say something: no units and sizes, as in "2 L". Japanese has no spaces, so there it is runs of
        katakana or of kanji; one sign of them says nothing."""
        return {word for word in tokenize(self.name) if len(word) > 2} | {*JAPANESE_RUNS.findall(self.name)}


@dataclass(frozen=True)
class Candidate:
    """A product that could go with the cart. `words` say why, or find it out when they are asked, because few are
    shown. `pinned` is the shop's own wish."""

    product: ProductText
    explanation_source: str | Callable[[], str]
    pinned: bool = False

    @cached_property
    def explanation(self) -> str:
        """The fact that speaks for it in one sentence; empty when there is none, and then it isn't suggested."""
        return self.explanation_source if isinstance(self.explanation_source, str) else self.explanation_source()


@dataclass(frozen=True)
class SuggestionDraft:
    product_id: str
    explanation: str


@dataclass(frozen=True)
class Evidence:
    """What ties a candidate to a product of the cart: so many shared orders, whether it was prepared as completing it,
    in which words if any, and whether the shop itself said so."""

    product_id: str
    order_count: int = 0
    why: str = ""
    prepared: bool = False
    by_shop: bool = False
