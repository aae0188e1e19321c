"""The features that a server supports are cached for an hour and then detected again."""

import pytest

from storefront.upsell.llm.server_features import CACHE_SECONDS, NO_GUESS_SECONDS, Features, KnownFeatures
from tests.upsell.llm.conftest import Clock

ALL = Features()
NO_SCHEMA = Features("json_object")


@pytest.fixture
def features(clock: Clock) -> KnownFeatures:
    return KnownFeatures(clock)


def test_a_feature_named_in_a_refusal_is_disabled(features: KnownFeatures, clock: Clock) -> None:
    """Also when the call then fails, for example by its timeout."""
    assert features.known == ALL
    assert features.after_refusal(ALL, 400, "json_schema is not supported") == NO_SCHEMA
    assert features.known == NO_SCHEMA
    clock.time += CACHE_SECONDS - 1
    assert features.known == NO_SCHEMA
    clock.time += 1
    assert features.known == ALL, "the server may support it by now"


def test_a_guessed_restriction_is_cached_only_after_a_success(features: KnownFeatures, clock: Clock) -> None:
    reduced = features.after_refusal(ALL, 400, "Bad request")
    assert reduced == NO_SCHEMA
    assert features.known == ALL
    features.works(reduced)
    assert features.known == NO_SCHEMA
    assert features.after_refusal(reduced, 400, "Bad request") is None, (
        "these features worked, so the cause is another one"
    )
    clock.time += CACHE_SECONDS
    assert features.known == ALL


def test_failed_guesses_are_not_repeated_for_a_while(features: KnownFeatures, clock: Clock) -> None:
    def count_guesses() -> int:
        tried: Features | None = features.known
        count = 0
        while tried := features.after_refusal(tried, 400, "Bad request"):
            count += 1
        return count

    assert [count_guesses() for _ in range(3)] == [4, 0, 0]
    clock.time += NO_GUESS_SECONDS
    assert count_guesses() == 4


def test_a_named_feature_is_disabled_while_guessing_is_paused(features: KnownFeatures) -> None:
    tried: Features | None = ALL
    while tried := features.after_refusal(tried, 400, "Bad request"):
        pass
    assert features.after_refusal(ALL, 400, "max_completion_tokens: extra_forbidden") == Features(
        token_limit="max_tokens"
    )


def test_without_system_messages_the_user_message_has_both_texts() -> None:
    messages = [{"role": "system", "content": "Do."}, {"role": "user", "content": "This."}]
    plain = Features(None, None, system_message=False)
    assert plain.request(messages, {"type": "json_schema"}, 9) == {
        "messages": [{"role": "user", "content": "Do.\n\nThis."}]
    }
    assert Features("json_object", "max_tokens").request(messages, {"type": "json_schema"}, 9) == {
        "messages": messages,
        "response_format": {"type": "json_object"},
        "max_tokens": 9,
    }
