"""Spelling correction of searches ("did you mean"): finds the nearest word of the shop's vocabulary to a mistyped one.

Independent of the database, so results are equal on both and no extension is needed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event, Lock

from cachetools import TTLCache
from flask import Flask

from storefront.catalog.queries import iter_search_texts
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import release_reader
from storefront.signals import catalog_loaded
from storefront.state import current_state, state_of

VOCABULARY_TTL_SECONDS = 300.0
"""How long a shop's vocabulary is cached."""
MAX_VOCABULARIES = 16
MAX_WORDS = 30_000
"""The most frequent words of a shop that are cached: about 4 MB."""
MAX_READS = 2
"""Concurrent reads of catalogues in a process: each takes up to 10 MB."""
MAX_WAIT_SECONDS = 0.25
"""How long a search waits for another thread's read of the same catalogue before it skips the correction."""
MIN_WORD_LENGTH = 3
TWO_EDITS_MIN_LENGTH = 6
"""Words of this length or more may have two edits, shorter ones one."""


class Vocabulary:
    """The words of a shop with their frequencies."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        counts: Counter[str] = Counter()
        for batch in texts:
            for text in batch:
                counts.update(text.split())
            if len(counts) > 4 * MAX_WORDS:
                counts = Counter(dict(counts.most_common(2 * MAX_WORDS)))
        candidates = (
            (word, count) for word, count in counts.items() if len(word) >= MIN_WORD_LENGTH and word.isalpha()
        )
        self.frequencies = dict(Counter(dict(candidates)).most_common(MAX_WORDS))
        self.words = list(self.frequencies)

    def correct_query(self, terms: Sequence[str]) -> str | None:
        """Return the corrected query; None if nothing changes. The last term may be a prefix."""
        corrected = [self.nearest_word(term, term is terms[-1]) for term in terms]
        return None if corrected == list(terms) else " ".join(corrected)

    def nearest_word(self, term: str, is_prefix: bool) -> str:
        """Return the word with the smallest edit distance (optimal string alignment), the most frequent of several."""
        if len(term) < MIN_WORD_LENGTH or not term.isalpha() or term in self.frequencies:
            return term
        if is_prefix and any(word.startswith(term) for word in self.words):
            return term
        from rapidfuzz import process  # noqa: PLC0415 - takes 5 MB and is rarely needed
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        max_edits = 2 if len(term) >= TWO_EDITS_MIN_LENGTH else 1
        near = process.extract(term, self.words, scorer=OSA.distance, score_cutoff=max_edits, limit=20)
        best = min(
            near, key=lambda found: (found[1], found[0][0] != term[0], -self.frequencies[found[0]]), default=None
        )
        return best[0] if best else term


@dataclass(eq=False)
class Read:
    """A read of a shop's catalogue in progress. `found` is set before `done`; it stays None if the read failed."""

    done: Event = field(default_factory=Event)
    found: Vocabulary | None = None


class VocabularyCache:
    """The vocabularies of shops with recent misspelled searches. One instance per app; thread-safe.

    A catalogue is read by one thread, outside the lock, so that searches in other shops don't wait.
    """

    def __init__(self, max_wait_seconds: float = MAX_WAIT_SECONDS) -> None:
        self.max_wait_seconds = max_wait_seconds
        self._vocabularies: TTLCache[str, Vocabulary] = TTLCache(MAX_VOCABULARIES, VOCABULARY_TTL_SECONDS)
        self._reads: dict[str, Read] = {}
        self._read_slots = BoundedSemaphore(MAX_READS)
        self._lock = Lock()

    def current(self) -> Vocabulary | None:
        """Return the current tenant's vocabulary; None if another read of it is too slow or all read slots are
        taken."""
        tenant_id = current_tenant_id()
        with self._lock:
            found, other = self._vocabularies.get(tenant_id), self._reads.get(tenant_id)
            mine = None
            if found is None and other is None and self._read_slots.acquire(blocking=False):
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
            self._read_slots.release()
            with self._lock:
                if self._reads.get(tenant_id) is read:  # otherwise the catalogue has changed meanwhile
                    del self._reads[tenant_id]
                    if read.found:
                        self._vocabularies[tenant_id] = read.found
            read.done.set()

    def invalidate(self, _sender: object = None, tenant_ids: Iterable[str] = ()) -> None:
        with self._lock:
            for tenant_id in tenant_ids:
                self._vocabularies.pop(tenant_id, None)
                self._reads.pop(tenant_id, None)


def correct_spelling(terms: Sequence[str]) -> str | None:
    """Return the corrected query of these terms in the current shop; None if there is no correction or none is
    available."""
    vocabularies = current_state().vocabularies
    vocabulary = vocabularies.current() if terms else None
    return vocabulary.correct_query(terms) if vocabulary else None


def init_app(app: Flask) -> None:
    catalog_loaded.connect(state_of(app).vocabularies.invalidate)
