"""Channels of Cohere and Jina: chat, embeddings and rerank in forms of their own, behind those that callers know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openopen8.core.errors import Problem
from openopen8.core.models import Channel
from openopen8.core.rules.pricing import Counts
from relay import probe
from relay.channels import cohere as channel
from relay.formats import FORMATS
from relay.formats.cohere_chat import FORMAT
from relay.formats.cohere_chat.usage import parse_usage
from relay.formats.format import Garbage
from relay.framing import SSE
from relay.neutral import Citation, Event, StreamError, Text, fold
from relay.volley import Came
from tests.fakes.upstream import status
from tests.fakes.vendors import ANSWER
from tests.fakes.vendors.cohere import CHAT, CITATION, EMBED, RERANK, cohere, cohere_models, jina
from tests.fakes.vendors.play import named_events
from tests.relay.callers import CALLERS
from tests.relay.endpoints.clients import claude_client, openai_client
from tests.relay.house import Build, House
from tests.relay.socketed import served

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def built(build: Build, model: str, kind: str = "cohere") -> House:
    house = await build(channel={"type": kind, "model_mapping": {"m": model}})
    house.fake.script(cohere() if kind == "cohere" else jina())
    return house


@both
@pytest.mark.parametrize("caller", list(CALLERS))
async def test_official_clients_of_every_format_play_a_tools_loop(build: Build, caller: str, stream: bool) -> None:
    house = await built(build, CHAT)
    async with served(house) as address:
        text, tokens = await CALLERS[caller](address, house.key, stream, True)
    assert text == ANSWER and tokens == (1000, 500) and len(house.fake.chats) == 2
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500]
    house.settled()


@both
async def test_documents_are_cited_in_the_callers_own_form(build: Build, stream: bool) -> None:
    house = await built(build, CHAT)
    source = {"type": "text", "media_type": "text/plain", "data": "Hello is a word."}
    document = {"type": "document", "source": source, "title": "T", "citations": {"enabled": True}}
    asked: Any = {
        "model": "m",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": [document, {"type": "text", "text": "?"}]}],
    }
    client = claude_client(house)
    if stream:
        async with client.messages.stream(**asked) as events:
            answer: Any = await events.get_final_message()
    else:
        answer = await client.messages.create(**asked)
    assert "".join(block.text for block in answer.content) == ANSWER
    sent = house.fake.chats[0].json
    assert sent["documents"] == [{"id": "doc_0", "data": {"text": "Hello is a word.", "title": "T"}}]
    house.settled()


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_openais_client_gets_embeddings_in_its_form(build: Build, encoding: Any) -> None:
    house = await built(build, EMBED)
    client = openai_client(house)
    found = await client.embeddings.create(
        model="m", input=["a", "b"], dimensions=3, encoding_format=encoding, user="u"
    )
    if encoding == "float":
        assert [vector.embedding for vector in found.data] == [[0.5, -0.25, 0.0], [0.5, -0.25, 1.0]]
    assert (found.model, found.usage.prompt_tokens) == ("m", 1000)
    packed = await client.embeddings.create(model="m", input="a")  # the client asks for base64, and unpacks it
    assert packed.data[0].embedding == [0.5, -0.25, 0.0]
    sent = house.fake.chats[0].json
    assert (sent["texts"], sent["output_dimension"], sent["input_type"]) == (["a", "b"], 3, "search_document")
    assert house.world.log()[0].credits == 5_000
    house.settled()


async def test_what_texts_are_embedded_for_can_be_said_and_tokens_can_not_be_embedded(build: Build) -> None:
    house = await built(build, EMBED)
    reply = await house.caller.post(
        "/v1/embeddings", {"model": "m", "input": "a", "input_type": "search_query", "user": "u"}
    )
    assert reply.status == 200 and reply.headers["x-openopen8-loss"] == "user"
    assert house.fake.chats[0].json["input_type"] == "search_query"
    reply = await house.caller.post("/v1/embeddings", {"model": "m", "input": [1, 2]})
    assert reply.status == 400 and len(house.fake.chats) == 1


@pytest.mark.parametrize("body", [{}, {"embeddings": {}}, {"embeddings": {"float": 5}}, {"embeddings": {"float": []}}])
async def test_an_answer_without_embeddings_costs_nothing(build: Build, body: Any) -> None:
    house = await built(build, EMBED)
    house.fake.script(status(200, body))
    assert (await house.caller.post("/v1/embeddings", {"model": "m", "input": "a"})).status == 502
    assert house.entry().credits == 0
    house.settled()


async def test_jina_gets_openais_embeddings_under_its_own_names(build: Build) -> None:
    house = await built(build, "jina-embeddings-v3", "jina")
    asked = {"model": "m", "input": "a", "encoding_format": "float", "user": "u", "task": "text-matching"}
    reply = await house.caller.post("/v1/embeddings", asked)
    assert reply.status == 200 and reply.json["data"][0]["embedding"] == [0.5, -0.25]
    assert reply.json["model"] == "m" and reply.headers["x-openopen8-loss"] == "user"
    assert house.fake.chats[0].json == {
        "model": "jina-embeddings-v3",
        "input": "a",
        "embedding_type": "float",
        "task": "text-matching",
    }
    assert house.entry().credits == 5_000


@pytest.mark.parametrize(("kind", "model"), [("cohere", RERANK), ("jina", "jina-reranker-v2")])
async def test_documents_are_ranked(build: Build, kind: str, model: str) -> None:
    house = await built(build, model, kind)
    asked = {"model": "m", "query": "q", "documents": ["longest", "short"], "top_n": 1, "return_documents": True}
    reply = await house.caller.post("/v1/rerank", asked)
    assert reply.status == 200
    assert reply.json["results"] == [{"index": 0, "relevance_score": 0.9, "document": {"text": "longest"}}]
    house.settled()


def test_rerank_takes_documents_of_every_shape_and_shows_them_again() -> None:
    documents = ["a", {"text": "b"}, {"title": "T", "year": 2020}]
    asked = {"model": "m", "query": "q", "documents": documents, "return_documents": True, "rank_fields": ["title"]}
    bridged = channel.rerank(json.dumps(asked).encode())
    sent = json.loads(bridged.bodies[0])
    assert sent == {"model": "m", "query": "q", "documents": ["a", "b", "title: T\nyear: 2020"]}
    assert bridged.losses == ("rank_fields",)
    ranked = b'{"results":[{"index":2},{"index":9},{"index":"x"}],"meta":{"a":1}}'
    shown = json.loads(bridged.joined([Came({}, ranked)]))
    assert shown["results"][0]["document"] == {"text": "title: T\nyear: 2020"} and shown["meta"] == {"a": 1}
    assert bridged.joined([Came({}, b"garbage")]) == b"garbage"
    with pytest.raises(Problem, match="not carried"):
        channel.rerank(json.dumps({**asked, "documents": [{"image": "x"}]}).encode())


async def test_channels_are_tested_with_what_their_models_are_for(build: Build) -> None:
    house = await built(build, CHAT)
    for stream in (False, True):
        found = await probe.test_channel(house.tools, house.channel_id, model=CHAT, stream=stream)
        assert found.ok and found.answer == ANSWER
    assert (await probe.test_channel(house.tools, house.channel_id, model=EMBED)).ok
    house.fake.lists = cohere_models()
    assert await probe.list_models_of(house.tools, house.channel_id) == (CHAT, EMBED)
    house.fake.script(jina())
    house.world.change(Channel, house.channel_id, type="jina")
    for model in ("jina-embeddings-v3", "jina-clip-v2", "any-name"):
        assert (await probe.test_channel(house.tools, house.channel_id, model=model)).ok
    paths = [request.path for request in house.fake.chats]
    assert paths == ["/v2/chat", "/v2/chat", "/v2/embed", *["/v1/embeddings"] * 3]


# -- the format ------------------------------------------------------------------------------------------------


def sent(**body: Any) -> tuple[dict[str, Any], set[str]]:
    """The body for Cohere of an OpenAI caller's request, and what it lost."""
    asked = {"model": CHAT, "messages": [{"role": "user", "content": "Go."}], **body}
    chat = FORMATS["openai_chat"]
    rendered = FORMAT.render_request(chat.parse_request(chat.glance(json.dumps(asked).encode(), None, None)))
    return json.loads(rendered.body), set(rendered.losses)


def test_options_have_coheres_names_and_ranges() -> None:
    body, losses = sent(
        max_tokens=9,
        temperature=1.5,
        top_p=0.5,
        stop=["x"],
        seed=1,
        presence_penalty=-1,
        user="u",
        n=1,
        logit_bias={"1": 1},
    )
    assert body == {
        "model": CHAT, "messages": [{"role": "user", "content": [{"type": "text", "text": "Go."}]}], "stream": False,
        "max_tokens": 9, "temperature": 1, "p": 0.5, "seed": 1, "presence_penalty": 0, "stop_sequences": ["x"],
    }  # fmt: skip
    assert losses == {"temperature", "presence_penalty", "user", "logit_bias"}


@pytest.mark.parametrize(
    ("choice", "told", "names"),
    [("auto", None, ["f", "g"]), ("none", "NONE", ["f", "g"]), ("required", "REQUIRED", ["f", "g"]),
     ({"type": "function", "function": {"name": "g"}}, "REQUIRED", ["g"])],
)  # fmt: skip
def test_a_named_tool_is_the_only_one_and_must_be_called(choice: Any, told: Any, names: list[str]) -> None:
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("f", "g")]
    body, losses = sent(tools=tools, tool_choice=choice)
    assert (
        body.get("tool_choice") == told and [tool["function"]["name"] for tool in body["tools"]] == names and not losses
    )


def test_thinking_schemas_and_pictures_go_along() -> None:
    schema = {"type": "object", "properties": {}}
    picture = {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}
    body, losses = sent(
        messages=[{"role": "user", "content": [picture]}],
        reasoning_effort="none",
        response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}},
    )
    assert body["thinking"] == {"type": "disabled"} and not losses
    assert body["response_format"] == {"type": "json_object", "json_schema": schema}
    assert body["messages"][0]["content"] == [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}]
    with pytest.raises(Problem, match="not carried"):
        sent(
            messages=[
                {
                    "role": "user",
                    "content": [{"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}}],
                }
            ]
        )


def read(*events: Any) -> list[Event]:
    reader, decoder = FORMAT.reader(), SSE()
    frames = [frame for piece in named_events(events) for frame in decoder.feed(piece)]
    return [event for frame in frames for event in reader.feed(frame)] + reader.close()


def said(kind: str, **message: Any) -> dict[str, Any]:
    return {"type": kind, "index": 0, "delta": {"message": message}}


def test_thoughts_words_and_citations_of_a_stream_fold_into_the_whole() -> None:
    usage = {"billed_units": {"input_tokens": 10, "output_tokens": 5}, "cached_tokens": 4}
    answer = fold(
        read(
            said("content-start", content={"type": "thinking", "thinking": ""}),
            said("content-delta", content={"thinking": "Hm."}),
            said("content-start", content={"type": "text", "text": ""}),
            said("content-delta", content={"text": "Hello!"}),
            said("citation-start", citations=CITATION),
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}},
        )
    )
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hello!"}]
    message = {"role": "assistant", "content": content, "citations": [{**CITATION, "content_index": 1}]}
    body = {"id": "", "message": message, "finish_reason": "COMPLETE", "usage": usage}
    assert answer == FORMAT.parse_response(json.dumps(body).encode())
    cited = Citation("", "T", "Hello is a word.", "", 0, start=0, end=5)
    assert answer.parts[1] == Text("Hello!", (cited,)) and answer.usage is not None
    assert answer.usage.counts == Counts(6, 4, 5)


def test_what_is_billed_is_counted_and_not_coheres_own_templates() -> None:
    tokens = {"input_tokens": 66, "output_tokens": 8}
    found = [
        parse_usage({"billed_units": {"input_tokens": 6, "output_tokens": 7}, "tokens": tokens}),
        parse_usage({"tokens": tokens}),
    ]
    assert [usage.counts for usage in found if usage] == [Counts(6, 0, 7), Counts(66, 0, 8)]
    billed = {"billed_units": {"input_tokens": 6, "output_tokens": 7}, "tokens": tokens}
    for cached, counts in ((32, Counts(6, 0, 7)), (64, Counts(2, 4, 7))):  # the template's come first
        usage = parse_usage({**billed, "cached_tokens": cached})
        assert usage is not None and (usage.counts, usage.inconsistent) == (counts, False)
    assert parse_usage({"billed_units": {"search_units": 1}}) is None and parse_usage([]) is None


def test_a_stream_that_cohere_breaks_off_is_an_error() -> None:
    end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "internal"}}
    assert read(end) == [StreamError("internal")]
    assert read({"type": "", "message": "too many requests"}) == [StreamError("too many requests")]
    for body in (b"", b"[]", b"{}", b'{"message":"x"}', b'{"message":{},"finish_reason":"ERROR"}'):
        with pytest.raises(Garbage):
            FORMAT.parse_response(body)


WILD: list[Any] = [
    None,
    5,
    "x",
    [1],
    {},
    {"delta": 5},
    {"delta": {"message": 5}},
    {"delta": {"message": {"content": [], "tool_calls": "x"}}},
    {"delta": {"message": {"tool_calls": {"function": {"name": 5, "arguments": 5}}, "citations": {"start": "x"}}}},
    {"delta": {"finish_reason": [], "usage": "x"}},
]
KINDS = (
    "message-start content-start content-delta tool-plan-delta tool-call-start tool-call-delta tool-call-end "
    "citation-start message-end unknown"
)


@pytest.mark.parametrize("kind", KINDS.split())
def test_no_event_whatever_its_shape_breaks_the_reader(kind: str) -> None:
    for value in WILD:
        decoder, reader = SSE(), FORMAT.reader()
        data = json.dumps({**value, "type": kind} if isinstance(value, dict) else value).encode()
        for frame in decoder.feed(b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"):
            fold(reader.feed(frame))
