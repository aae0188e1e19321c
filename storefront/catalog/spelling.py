"""Spelling forgiven: the words that a shop uses, remembered for a while, and the nearest of them to a mistyped one.

Works on the words themselves, so it is the same on both databases and needs no extension of either.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event, Lock

from cachetools import TTLCache
from flask import Flask, current_app

from storefront.catalog.importer import catalog_loaded
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import release_reader
from storefront.seo.queries import iter_search_texts

VOCABULARY_TTL_SECONDS = 300.0
"""Seconds for which a shop's words are remembered."""
MAX_VOCABULARIES = 16
MAX_WORDS = 30_000
"""A shop's most frequent words that are remembered: about 4 MB."""
MAX_READS = 2
"""Catalogues that are read at a time in a process: each read takes up to 10 MB."""
MAX_WAIT_SECONDS = 0.25
"""Seconds that a search waits for another one's read of the same catalogue; then it does without a correction."""
MIN_WORD_LENGTH = 3
TWO_EDITS_MIN_LENGTH = 6
"""From this length on two slips are forgiven, below it one."""


class Vocabulary:
    """The words of a shop, and how often it uses each."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        counted: Counter[str] = Counter()
        for batch in texts:
            for text in batch:
                counted.update(text.split())
            if len(counted) > 4 * MAX_WORDS:
                counted = Counter(dict(counted.most_common(2 * MAX_WORDS)))
        may_be_meant = (
            (word, many) for word, many in counted.items() if len(word) >= MIN_WORD_LENGTH and word.isalpha()
        )
        self.frequencies = dict(Counter(dict(may_be_meant)).most_common(MAX_WORDS))
        self.words = list(self.frequencies)

    def correct_query(self, terms: Sequence[str]) -> str | None:
        """What was probably meant by these words, the last of which may be a beginning; None when that is no other."""
        meant = [self.nearest_word(term, term is terms[-1]) for term in terms]
        return None if meant == list(terms) else " ".join(meant)

    def nearest_word(self, term: str, beginning: bool) -> str:
        """The word with the fewest slips (letters wrong, missing, too many or swapped), then the most frequent one."""
        if len(term) < MIN_WORD_LENGTH or not term.isalpha() or term in self.frequencies:
            return term
        if beginning and any(word.startswith(term) for word in self.words):
            return term
        from rapidfuzz import process  # noqa: PLC0415 - 5 MB, and most shops' searches find something
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        slips = 2 if len(term) >= TWO_EDITS_MIN_LENGTH else 1
        near = process.extract(term, self.words, scorer=OSA.distance, score_cutoff=slips, limit=20)
        best = min(
            near, key=lambda found: (found[1], found[0][0] != term[0], -self.frequencies[found[0]]), default=None
        )
        return best[0] if best else term


@dataclass(eq=False)
class Read:
    """A read of a shop's catalogue that is under way; `found` is set when it is `done`, and stays None if it failed."""

    done: Event = field(default_factory=Event)
    found: Vocabulary | None = None


class VocabularyCache:
    """Those of the shops in which something was mistyped lately. One instance an app; safe to share between threads.

    A catalogue is read once, however many ask for it, and outside the lock, so that nobody in another shop waits.
    """

    def __init__(self, max_wait_seconds: float = MAX_WAIT_SECONDS) -> None:
        self.max_wait_seconds = max_wait_seconds
        self._kept: TTLCache[str, Vocabulary] = TTLCache(MAX_VOCABULARIES, VOCABULARY_TTL_SECONDS)
        self._reads: dict[str, Read] = {}
        self._places = BoundedSemaphore(MAX_READS)
        self._lock = Lock()

    def current(self) -> Vocabulary | None:
        """None when its words are still being read after `max_wait_seconds`, or as many others are read as may be."""
        tenant_id = current_tenant_id()
        with self._lock:
            found, other = self._kept.get(tenant_id), self._reads.get(tenant_id)
            mine = None
            if found is None and other is None and self._places.acquire(blocking=False):
                mine = self._reads[tenant_id] = Read()
        if mine:
            return self._read(tenant_id, mine)
        if found is None and other:
            release_reader()
            other.done.wait(self.max_wait_seconds)
            return other.found
        return found

    def _read(self, tenant_id: str, read: Read) -> Vocabulary:
        try:
            read.found = Vocabulary(iter_search_texts())
            return read.found
        finally:
            self._places.release()
            with self._lock:
                if self._reads.get(tenant_id) is read:  # else the catalogue has changed meanwhile
                    del self._reads[tenant_id]
                    if read.found:
                        self._kept[tenant_id] = read.found
            read.done.set()

    def forget(self, _sender: object = None, tenant_ids: Iterable[str] = ()) -> None:
        with self._lock:
            for tenant_id in tenant_ids:
                self._kept.pop(tenant_id, None)
                self._reads.pop(tenant_id, None)


def correct_spelling(terms: Sequence[str]) -> str | None:
    """What was probably meant by these words in this shop; None when that is no other, or not known at the moment."""
    vocabularies: VocabularyCache = current_app.extensions["storefront_vocabularies"]
    vocabulary = vocabularies.current() if terms else None
    return vocabulary.correct_query(terms) if vocabulary else None


def init_app(app: Flask) -> None:
    vocabularies = app.extensions["storefront_vocabularies"] = VocabularyCache()
    catalog_loaded.connect(vocabularies.forget)
