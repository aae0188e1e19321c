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
    """The texts by which a product is compared with others."""

    id: str
    name: str
    description: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()

    @cached_property
    def tag_set(self) -> dict[str, str]:
        """The tags by their folded words."""
        return {" ".join(tokenize(tag)): tag for tag in self.tags}

    @cached_property
    def name_words(self) -> set[str]:
        """The words of the name, without units and sizes as in "2 L". Japanese has no spaces, so its words are runs of
        at least two katakana or kanji."""
        return {word for word in tokenize(self.name) if len(word) > 2} | {*JAPANESE_RUNS.findall(self.name)}


@dataclass(frozen=True)
class Candidate:
    """A product that could go with the cart. The explanation may be a function, because most candidates are never
    shown. `pinned` means that the shop chose it."""

    product: ProductText
    explanation_source: str | Callable[[], str]
    pinned: bool = False

    @cached_property
    def explanation(self) -> str:
        """One sentence that explains the suggestion. A candidate without one isn't suggested."""
        return self.explanation_source if isinstance(self.explanation_source, str) else self.explanation_source()


@dataclass(frozen=True)
class SuggestionDraft:
    product_id: str
    explanation: str


@dataclass(frozen=True)
class Evidence:
    """A relation of a candidate to a product of the cart: the number of shared orders, the complement's explanation if
    there is one, whether it is a complement, and whether the shop itself named it."""

    product_id: str
    order_count: int = 0
    why: str = ""
    prepared: bool = False
    by_shop: bool = False
