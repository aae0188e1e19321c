"""Servers that call themselves compatible with OpenAI's and take less: the shop finds out what, once, and uses them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from storefront.upsell.llm.circuit_breaker import CircuitBreaker
from storefront.upsell.llm.client import LlmClient
from tests.conftest import Person, Prepared, settings_for
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, PATIENCE, calls
from tests.upsell.model_server import Behaviour, Exchange, ModelServer, Picky


@pytest.fixture
def database_url(prepared: Prepared, tmp_path: Path) -> str:
    """Servers are the same to both databases."""
    return prepared.sqlite(tmp_path)


def says(message: str, **more: object) -> Callable[[str], object]:
    """An error as OpenAI's server words it; `{}` stands for what is refused."""
    return lambda refused: {"error": {"message": message.format(refused), "type": "invalid_request_error", **more}}


def forbids(refused: str) -> object:
    """Mistral's."""
    loc = {"type": "extra_forbidden", "loc": ["body", refused], "msg": "Extra inputs are not permitted", "input": 600}
    return {"object": "error", "message": {"detail": [loc]}, "type": "invalid_request_error", "code": None}


def forbids_in_text(refused: str) -> object:
    """vLLM's, before 0.6.4."""
    said = f"[{{'type': 'extra_forbidden', 'loc': ('body', '{refused}'), 'msg': 'Extra inputs are not permitted'}}]"
    return {"object": "error", "message": said, "type": "BadRequestError", "param": None, "code": 400}


NO_SCHEMA, NO_FORMAT = ("json_object", None), (None,)
OLD_LIMIT, NO_LIMIT = ("max_tokens", None), (None,)
SERVERS: dict[str, tuple[Picky, int]] = {
    "Mistral": (Picky(422, forbids, limits=OLD_LIMIT), 2),
    "vLLM 0.5": (Picky(400, forbids_in_text, limits=OLD_LIMIT), 2),
    "DeepSeek": (Picky(400, says("This response_format type is unavailable now"), formats=NO_SCHEMA), 2),
    "DeepSeek, with 422": (
        Picky(422, says("Failed to deserialize: response_format.type `{}` is unavailable now"), formats=NO_SCHEMA),
        2,
    ),
    "llama.cpp of 2024": (
        Picky(500, says('response_format type must be one of "text" or "json_object", but got: {}'), formats=NO_SCHEMA),
        2,
    ),
    "LM Studio without grammars": (
        Picky(400, lambda _: {"error": "'response_format.type' must be 'text'"}, formats=NO_FORMAT),
        3,
    ),
    "Gemma on vLLM": (Picky(400, says("System role not supported"), system_message=False), 2),
    "Gemma at Google": (
        Picky(400, says("Developer instruction is not enabled for models/gemma-3"), system_message=False),
        2,
    ),
    "Azure, an old version": (
        Picky(400, says("Unrecognized request argument supplied: {}"), formats=NO_FORMAT, limits=OLD_LIMIT),
        4,
    ),
    "names nothing": (Picky(400, says("Bad request"), formats=NO_FORMAT, limits=OLD_LIMIT), 4),
    "sends no JSON": (Picky(400, lambda _: None, formats=NO_SCHEMA), 2),
    "takes nothing": (
        Picky(400, says("{} role, mode or parameter is not supported"), NO_FORMAT, NO_LIMIT, system_message=False),
        6,
    ),
}


def ask(app: Flask, cart: dict[str, int]) -> str:
    person = Person(app.test_client(), "north")
    return str(person.api("GET", f"/carts/{person.cart(**cart)}/upsell").json["source"])


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_is_asked_for_what_it_takes_and_that_is_remembered(
    asking: Callable[..., Flask], model: ModelServer, name: str
) -> None:
    model.behave, tries = SERVERS[name]
    app = asking()
    assert [ask(app, cart) for cart in CARTS[:3]] == ["llm"] * 3
    assert len(model.requests) == tries + 2, "found out at the first cart, and known at the next ones"
    assert [call.outcome for call in calls(app)] == ["ok"] * 3, "that is no call of its own"
    assert calls(app)[0].prompt in model.requests[0].prompt


def test_a_server_that_takes_all_is_asked_for_all(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking()
    assert [ask(app, cart) for cart in CARTS[:2]] == ["llm"] * 2
    (first, second) = model.requests
    assert first.response_format == second.response_format == "json_schema"
    assert first.token_limit == second.token_limit == "max_completion_tokens"
    assert first.has_system_message


def test_a_model_that_takes_the_newer_limit_only_is_asked_for_that(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    """OpenAI's current models; what they say names both."""
    said = says("Unsupported parameter: '{}' is not supported with this model. Use 'max_completion_tokens' instead.")
    model.behave = Picky(400, said, limits=("max_completion_tokens",))
    assert ask(asking(), CARTS[0]) == "llm"
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, says("This model's maximum context length is 512 tokens. However, your messages resulted in 900.")),
        (400, says("the request exceeds the available context size, try increasing it", code="exceed_context_size")),
        (
            400,
            says("The response was filtered due to Azure OpenAI's content management policy.", code="content_filter"),
        ),
        (401, says("Incorrect API key provided")),
        (404, says("The model `m` does not exist")),
        (429, says("Rate limit reached for max_completion_tokens")),
        (503, says("Loading model")),
    ],
)
def test_what_is_refused_for_another_reason_is_not_asked_again(
    asking: Callable[..., Flask], model: ModelServer, status: int, error: Callable[[str], object]
) -> None:
    model.behave = server.refuses(status, error(""))
    app = asking()
    assert ask(app, CARTS[0]) == "rules"
    assert len(model.requests) == 1
    assert calls(app)[0].outcome == f"http_{status}"
    model.behave = server.good
    assert ask(app, CARTS[1]) == "llm"
    assert model.requests[-1].response_format == "json_schema"


def test_a_server_that_refuses_everything_is_not_asked_five_times_for_each_cart(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    model.behave = server.refuses(400, {"error": "no"})
    app = asking()
    assert ask(app, CARTS[0]) == "rules"
    tries = len(model.requests)
    assert tries == 5
    assert [ask(app, cart) for cart in CARTS[1:3]] == ["rules"] * 2
    assert len(model.requests) == tries + 2
    assert len(calls(app)) == 3


def test_what_worked_before_is_not_left_out_on_suspicion(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking()
    assert ask(app, CARTS[0]) == "llm"
    model.behave = server.refuses(400, {"error": "no"})
    assert ask(app, CARTS[1]) == "rules"
    assert len(model.requests) == 2
    model.behave = server.good
    assert ask(app, CARTS[2]) == "llm"
    assert model.requests[-1].response_format == "json_schema"


@pytest.fixture
def asked(model: ModelServer, tmp_path: Path) -> Iterator[LlmClient]:
    """The model by itself; three seconds are enough for two requests on a busy machine, too."""
    made = LlmClient(settings_for("sqlite:///:memory:", tmp_path, OPENAI_BASE_URL=model.address, UPSELL_TIMEOUT="3"))
    yield made
    made.close()


def outcome(asked: LlmClient) -> str:
    return asked.complete([{"role": "user", "content": "?"}], {"type": "json_schema"}).result(PATIENCE * 6).outcome


def test_finding_out_opens_no_breaker(asked: LlmClient, model: ModelServer) -> None:
    """The server refuses the schema and then takes too long; by that it hasn't failed at what it can do."""
    asked.breaker = CircuitBreaker(failure_threshold=1)
    model.behave = Picky(400, says("{} is not supported"), formats=NO_SCHEMA, then=server.hangs)
    assert outcome(asked) == "timeout"
    assert [request.response_format for request in model.requests] == ["json_schema", "json_object"]
    assert not asked.breaker.open
    assert outcome(asked) == "timeout"
    assert asked.breaker.open, "this time it was asked for what it takes, and failed"


def test_the_whole_of_finding_out_is_within_the_deadline(asked: LlmClient, model: ModelServer) -> None:
    """Each of the refusals alone is in time."""
    model.behave = server.slow(2, server.refuses(400, says("response_format is not supported")("")))
    assert outcome(asked) == "timeout"
    assert len(model.requests) <= 2, "of six"


PROSE = ("Here you are:\n", "\n\nLet me know if you {want} more!")
THOUGHT = 'The cart has {"suggestions": 1} so I should answer {"suggestions": []} or more.'
AROUND: dict[str, Callable[[str], str]] = {
    "a code fence": lambda answer: f"```json\n{answer}\n```",
    "a code fence without a language": lambda answer: f"```\n{answer}\n```",
    "a sentence before and after": lambda answer: f"{PROSE[0]}{answer}{PROSE[1]}",
    "a sentence with braces before": lambda answer: f"In {{the}} format {{product_id}}: {answer}",
    "both": lambda answer: f"{PROSE[0]}```json\n{answer}\n```{PROSE[1]}",
    "a BOM": lambda answer: f"\ufeff{answer}",
    "blanks": lambda answer: f" \n\t{answer}\n",
    "reasoning": lambda answer: f"<think>\n{THOUGHT}\n</think>\n\n{answer}",
    "reasoning whose beginning is in the template": lambda answer: f"{THOUGHT}\n</think>\n{answer}",
    "reasoning and a fence": lambda answer: f"<think>{THOUGHT}</think>```json\n{answer}\n```",
    "another object after it": lambda answer: f'{answer}\n{{"suggestions": []}}',
    "several lines": lambda answer: json.dumps(json.loads(answer), indent=2),
}


def wrapped(around: Callable[[str], str], finish_reason: str = "stop") -> Behaviour:
    def behave(exchange: Exchange) -> None:
        said = [{"product_id": exchange.request.known_ids[0], "explanation": "It goes with this cart."}]
        server.says(around(json.dumps({"suggestions": said})), finish_reason)(exchange)

    return behave


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
def test_the_first_object_of_an_answer_is_read_with(
    asking: Callable[..., Flask], model: ModelServer, around: Callable[[str], str]
) -> None:
    model.behave = wrapped(around)
    app = asking()
    assert ask(app, CARTS[0]) == "llm"
    (call,) = calls(app)
    assert (call.outcome, call.rejections, len(call.suggestions)) == ("ok", {}, 1)


def test_a_sentence_that_is_cut_off_after_the_object_does_not_matter(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    model.behave = wrapped(lambda answer: f"{answer}\n\nI chose it because", "length")
    assert ask(asking(), CARTS[0]) == "llm"


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ('<think>I would say {"suggestions": []}', "invalid_json"),
        ('{"suggestions": [{"product_id": "pot", "explanation": "It fits."}, {"product', "invalid_json"),
        ("```json\n{'suggestions': []}\n```", "invalid_json"),
        ("Nothing {at all} fits.", "invalid_json"),
        ('Sure: {"products": []}', "ok"),
    ],
)
def test_what_is_no_answer_stays_none(
    asking: Callable[..., Flask], model: ModelServer, said: str, outcome: str
) -> None:
    model.behave = server.says(said)
    app = asking()
    assert ask(app, CARTS[0]) == "rules"
    (call,) = calls(app)
    assert (call.outcome, call.suggestions) == (outcome, [])


def test_an_unconstrained_answer_is_checked_like_any_other(asking: Callable[..., Flask], model: ModelServer) -> None:
    said = [
        {"product_id": "of another shop", "explanation": "It goes with this cart."},
        {"product_id": "pot", "explanation": "Only 3 € at www.example.com!"},
    ]
    answer = f"Sure!\n```json\n{json.dumps({'suggestions': said})}\n```"
    model.behave = Picky(400, says("{} is not supported"), formats=NO_FORMAT, then=server.says(answer))
    app = asking()
    ask(app, {"beans": 1})
    (call,) = calls(app)
    assert call.rejections["unknown_product"] == 1
    assert [one["product_id"] for one in call.suggestions] == ["pot"]
    assert "example" not in json.dumps(call.suggestions)
