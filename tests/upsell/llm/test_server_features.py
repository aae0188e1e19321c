"""What a server takes is remembered for an hour, and then found out again."""

import pytest

from storefront.upsell.llm.server_features import NO_GUESS_SECONDS, REMEMBERED_SECONDS, Features, KnownFeatures
from tests.upsell.llm.conftest import Clock

ALL = Features()
NO_SCHEMA = Features("json_object")


@pytest.fixture
def features(clock: Clock) -> KnownFeatures:
    return KnownFeatures(clock)


def test_what_a_server_names_is_left_out_from_then_on(features: KnownFeatures, clock: Clock) -> None:
    """Even when the call comes to nothing, as by its deadline."""
    assert features.known == ALL
    assert features.after_refusal(ALL, 400, "json_schema is not supported") == NO_SCHEMA
    assert features.known == NO_SCHEMA
    clock.time += REMEMBERED_SECONDS - 1
    assert features.known == NO_SCHEMA
    clock.time += 1
    assert features.known == ALL, "the server may be able to do it now"


def test_a_guess_counts_only_when_it_works(features: KnownFeatures, clock: Clock) -> None:
    less = features.after_refusal(ALL, 400, "Bad request")
    assert less == NO_SCHEMA
    assert features.known == ALL
    features.works(less)
    assert features.known == NO_SCHEMA
    assert features.after_refusal(less, 400, "Bad request") is None, "it worked, so something else is wrong"
    clock.time += REMEMBERED_SECONDS
    assert features.known == ALL


def test_guesses_that_led_nowhere_are_not_repeated_for_a_while(features: KnownFeatures, clock: Clock) -> None:
    def guesses() -> int:
        tried: Features | None = features.known
        number = 0
        while tried := features.after_refusal(tried, 400, "Bad request"):
            number += 1
        return number

    assert [guesses() for _ in range(3)] == [4, 0, 0]
    clock.time += NO_GUESS_SECONDS
    assert guesses() == 4


def test_a_name_counts_while_nothing_is_guessed(features: KnownFeatures) -> None:
    tried: Features | None = ALL
    while tried := features.after_refusal(tried, 400, "Bad request"):
        pass
    assert features.after_refusal(ALL, 400, "max_completion_tokens: extra_forbidden") == Features(
        token_limit="max_tokens"
    )


def test_a_request_without_a_system_message_says_the_same() -> None:
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
