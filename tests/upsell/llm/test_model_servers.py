"""Servers that support only a part of OpenAI's API: the client detects the supported features once and caches them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from storefront.circuit_breaker import CircuitBreaker
from storefront.upsell.llm.client import LlmClient
from tests.conftest import Person, Prepared, settings_for
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, GENEROUS_TIMEOUT_SECONDS, stored_calls
from tests.upsell.model_server import Behaviour, Exchange, LimitedServer, ModelServer


@pytest.fixture
def database_url(prepared: Prepared, tmp_path: Path) -> str:
    """SQLite only, because these tests don't depend on the database."""
    return prepared.sqlite(tmp_path)


def openai_error(message: str, **more: object) -> Callable[[str], object]:
    """Make an error in OpenAI's format; `{}` in the message stands for the name of what is refused."""
    return lambda refused: {"error": {"message": message.format(refused), "type": "invalid_request_error", **more}}


def mistral_error(refused: str) -> object:
    """Make an error in Mistral's format."""
    loc = {"type": "extra_forbidden", "loc": ["body", refused], "msg": "Extra inputs are not permitted", "input": 600}
    return {"object": "error", "message": {"detail": [loc]}, "type": "invalid_request_error", "code": None}


def old_vllm_error(refused: str) -> object:
    """Make an error as vLLM before 0.6.4."""
    message = f"[{{'type': 'extra_forbidden', 'loc': ('body', '{refused}'), 'msg': 'Extra inputs are not permitted'}}]"
    return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": 400}


NO_SCHEMA, NO_FORMAT = ("json_object", None), (None,)
OLD_LIMIT, NO_LIMIT = ("max_tokens", None), (None,)
SERVERS: dict[str, tuple[LimitedServer, int]] = {
    "Mistral": (LimitedServer(422, mistral_error, limits=OLD_LIMIT), 2),
    "vLLM 0.5": (LimitedServer(400, old_vllm_error, limits=OLD_LIMIT), 2),
    "DeepSeek": (
        LimitedServer(400, openai_error("This response_format type is unavailable now"), formats=NO_SCHEMA),
        2,
    ),
    "DeepSeek, with 422": (
        LimitedServer(
            422, openai_error("Failed to deserialize: response_format.type `{}` is unavailable now"), formats=NO_SCHEMA
        ),
        2,
    ),
    "llama.cpp of 2024": (
        LimitedServer(
            500,
            openai_error('response_format type must be one of "text" or "json_object", but got: {}'),
            formats=NO_SCHEMA,
        ),
        2,
    ),
    "LM Studio without grammars": (
        LimitedServer(400, lambda _: {"error": "'response_format.type' must be 'text'"}, formats=NO_FORMAT),
        3,
    ),
    "Gemma on vLLM": (LimitedServer(400, openai_error("System role not supported"), system_message=False), 2),
    "Gemma at Google": (
        LimitedServer(
            400, openai_error("Developer instruction is not enabled for models/gemma-3"), system_message=False
        ),
        2,
    ),
    "Azure, an old version": (
        LimitedServer(
            400, openai_error("Unrecognized request argument supplied: {}"), formats=NO_FORMAT, limits=OLD_LIMIT
        ),
        4,
    ),
    "error without a name": (LimitedServer(400, openai_error("Bad request"), formats=NO_FORMAT, limits=OLD_LIMIT), 4),
    "error null": (LimitedServer(400, lambda _: None, formats=NO_SCHEMA), 2),
    "supports no option": (
        LimitedServer(
            400, openai_error("{} role, mode or parameter is not supported"), NO_FORMAT, NO_LIMIT, system_message=False
        ),
        6,
    ),
}


def suggestion_source(app: Flask, cart: dict[str, int]) -> str:
    """Get suggestions for a new cart and return their source."""
    person = Person(app.test_client(), "north")
    return str(person.api("GET", f"/carts/{person.cart(**cart)}/upsell").json["source"])


@pytest.mark.parametrize("name", SERVERS)
def test_the_supported_features_are_detected_and_cached(
    make_llm_app: Callable[..., Flask], model: ModelServer, name: str
) -> None:
    model.behave, request_count = SERVERS[name]
    app = make_llm_app()
    assert [suggestion_source(app, cart) for cart in CARTS[:3]] == ["llm"] * 3
    assert len(model.requests) == request_count + 2, "detected at the first cart and cached for the next ones"
    assert [call.outcome for call in stored_calls(app)] == ["ok"] * 3, "detection stores no calls"
    assert stored_calls(app)[0].prompt in model.requests[0].prompt


def test_a_server_that_supports_everything_gets_all_options(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_llm_app()
    assert [suggestion_source(app, cart) for cart in CARTS[:2]] == ["llm"] * 2
    (first, second) = model.requests
    assert first.response_format == second.response_format == "json_schema"
    assert first.token_limit == second.token_limit == "max_completion_tokens"
    assert first.has_system_message


def test_a_model_with_the_newer_token_limit_only_needs_one_request(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    """OpenAI's current models; their error message contains both names."""
    error = openai_error(
        "Unsupported parameter: '{}' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    model.behave = LimitedServer(400, error, limits=("max_completion_tokens",))
    assert suggestion_source(make_llm_app(), CARTS[0]) == "llm"
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            400,
            openai_error("This model's maximum context length is 512 tokens. However, your messages resulted in 900."),
        ),
        (
            400,
            openai_error(
                "the request exceeds the available context size, try increasing it", code="exceed_context_size"
            ),
        ),
        (
            400,
            openai_error(
                "The response was filtered due to Azure OpenAI's content management policy.", code="content_filter"
            ),
        ),
        (401, openai_error("Incorrect API key provided")),
        (404, openai_error("The model `m` does not exist")),
        (429, openai_error("Rate limit reached for max_completion_tokens")),
        (503, openai_error("Loading model")),
    ],
)
def test_an_error_with_another_cause_is_not_retried(
    make_llm_app: Callable[..., Flask], model: ModelServer, status: int, error: Callable[[str], object]
) -> None:
    model.behave = server.refuses(status, error(""))
    app = make_llm_app()
    assert suggestion_source(app, CARTS[0]) == "rules"
    assert len(model.requests) == 1
    assert stored_calls(app)[0].outcome == f"http_{status}"
    model.behave = server.good
    assert suggestion_source(app, CARTS[1]) == "llm"
    assert model.requests[-1].response_format == "json_schema"


def test_detection_is_not_repeated_for_each_cart_when_everything_is_refused(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    model.behave = server.refuses(400, {"error": "no"})
    app = make_llm_app()
    assert suggestion_source(app, CARTS[0]) == "rules"
    detection_requests = len(model.requests)
    assert detection_requests == 5
    assert [suggestion_source(app, cart) for cart in CARTS[1:3]] == ["rules"] * 2
    assert len(model.requests) == detection_requests + 2
    assert len(stored_calls(app)) == 3


def test_a_feature_that_worked_is_not_disabled_by_a_guess(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_llm_app()
    assert suggestion_source(app, CARTS[0]) == "llm"
    model.behave = server.refuses(400, {"error": "no"})
    assert suggestion_source(app, CARTS[1]) == "rules"
    assert len(model.requests) == 2
    model.behave = server.good
    assert suggestion_source(app, CARTS[2]) == "llm"
    assert model.requests[-1].response_format == "json_schema"


@pytest.fixture
def client(model: ModelServer, tmp_path: Path) -> Iterator[LlmClient]:
    """A client without an app. Three seconds are enough for two requests on a busy machine."""
    llm_client = LlmClient(
        settings_for("sqlite:///:memory:", tmp_path, OPENAI_BASE_URL=model.address, UPSELL_TIMEOUT="3")
    )
    yield llm_client
    llm_client.close()


def complete(client: LlmClient) -> str:
    """Make a call and return its outcome."""
    return (
        client.complete([{"role": "user", "content": "?"}], {"type": "json_schema"})
        .result(GENEROUS_TIMEOUT_SECONDS * 6)
        .outcome
    )


def test_detection_does_not_open_the_circuit(client: LlmClient, model: ModelServer) -> None:
    """The server refuses the schema and then hangs; a timeout during detection is no failure of a supported request."""
    client.breaker = CircuitBreaker(failure_threshold=1)
    model.behave = LimitedServer(400, openai_error("{} is not supported"), formats=NO_SCHEMA, then=server.hangs)
    assert complete(client) == "timeout"
    assert [request.response_format for request in model.requests] == ["json_schema", "json_object"]
    assert not client.breaker.open
    assert complete(client) == "timeout"
    assert client.breaker.open, "a supported request failed"


def test_the_deadline_includes_detection(client: LlmClient, model: ModelServer) -> None:
    """Each refusal alone arrives within the deadline."""
    model.behave = server.slow(2, server.refuses(400, openai_error("response_format is not supported")("")))
    assert complete(client) == "timeout"
    assert len(model.requests) <= 2, "six would be needed"


SENTENCES = ("Here you are:\n", "\n\nLet me know if you {want} more!")
REASONING = 'The cart has {"suggestions": 1} so I should answer {"suggestions": []} or more.'
WRAPPERS: dict[str, Callable[[str], str]] = {
    "a code fence": lambda answer: f"```json\n{answer}\n```",
    "a code fence without a language": lambda answer: f"```\n{answer}\n```",
    "a sentence before and after": lambda answer: f"{SENTENCES[0]}{answer}{SENTENCES[1]}",
    "a sentence with braces before": lambda answer: f"In {{the}} format {{product_id}}: {answer}",
    "sentences and a code fence": lambda answer: f"{SENTENCES[0]}```json\n{answer}\n```{SENTENCES[1]}",
    "a BOM": lambda answer: f"\ufeff{answer}",
    "whitespace": lambda answer: f" \n\t{answer}\n",
    "reasoning": lambda answer: f"<think>\n{REASONING}\n</think>\n\n{answer}",
    "reasoning without its opening tag": lambda answer: f"{REASONING}\n</think>\n{answer}",
    "reasoning and a fence": lambda answer: f"<think>{REASONING}</think>```json\n{answer}\n```",
    "another object after it": lambda answer: f'{answer}\n{{"suggestions": []}}',
    "several lines": lambda answer: json.dumps(json.loads(answer), indent=2),
}


def answers_wrapped(wrap: Callable[[str], str], finish_reason: str = "stop") -> Behaviour:
    def behave(exchange: Exchange) -> None:
        suggestions = [{"product_id": exchange.request.known_ids[0], "explanation": "It goes with this cart."}]
        server.answers_with(wrap(json.dumps({"suggestions": suggestions})), finish_reason)(exchange)

    return behave


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_the_json_object_is_extracted_from(
    make_llm_app: Callable[..., Flask], model: ModelServer, wrap: Callable[[str], str]
) -> None:
    model.behave = answers_wrapped(wrap)
    app = make_llm_app()
    assert suggestion_source(app, CARTS[0]) == "llm"
    (call,) = stored_calls(app)
    assert (call.outcome, call.rejections, len(call.suggestions)) == ("ok", {}, 1)


def test_truncation_after_the_json_object_is_ignored(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    model.behave = answers_wrapped(lambda answer: f"{answer}\n\nI chose it because", "length")
    assert suggestion_source(make_llm_app(), CARTS[0]) == "llm"


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        ('<think>I would say {"suggestions": []}', "invalid_json"),
        ('{"suggestions": [{"product_id": "pot", "explanation": "It fits."}, {"product', "invalid_json"),
        ("```json\n{'suggestions': []}\n```", "invalid_json"),
        ("Nothing {at all} fits.", "invalid_json"),
        ('Sure: {"products": []}', "ok"),
    ],
)
def test_content_without_a_valid_object_is_rejected(
    make_llm_app: Callable[..., Flask], model: ModelServer, content: str, outcome: str
) -> None:
    model.behave = server.answers_with(content)
    app = make_llm_app()
    assert suggestion_source(app, CARTS[0]) == "rules"
    (call,) = stored_calls(app)
    assert (call.outcome, call.suggestions) == (outcome, [])


def test_an_answer_without_schema_is_validated(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    suggestions = [
        {"product_id": "of another shop", "explanation": "It goes with this cart."},
        {"product_id": "pot", "explanation": "Only 3 € at www.example.com!"},
    ]
    answer = f"Sure!\n```json\n{json.dumps({'suggestions': suggestions})}\n```"
    model.behave = LimitedServer(
        400, openai_error("{} is not supported"), formats=NO_FORMAT, then=server.answers_with(answer)
    )
    app = make_llm_app()
    suggestion_source(app, {"beans": 1})
    (call,) = stored_calls(app)
    assert call.rejections["unknown_product"] == 1
    assert [suggestion["product_id"] for suggestion in call.suggestions] == ["pot"]
    assert "example" not in json.dumps(call.suggestions)
