"""Channels of Ollama's own API: chat in lines of JSON, options that OpenAI's form has no place for, embeddings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay import probe
from relay.channels.ollama import placed
from relay.formats import FORMATS
from relay.formats.format import Garbage
from relay.formats.ollama_chat import FORMAT
from relay.formats.ollama_chat.usage import parse_usage
from relay.framing import Frame, FramingError
from relay.jsonlines import JsonLines
from relay.neutral import Event, StreamError, fold
from tests.fakes.upstream import Exchange, Script, status
from tests.fakes.vendors import ANSWER
from tests.fakes.vendors.ollama import CHAT, EMBED, line, ollama, ollama_models, said
from tests.fakes.vendors.play import THOUGHT
from tests.relay.callers import CALLERS
from tests.relay.endpoints.clients import claude_client, openai_client
from tests.relay.house import Build, House
from tests.relay.socketed import served

PICTURE = "iVBORw0KGgo="
GO: Any = [{"role": "user", "content": "Go."}]

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def built(build: Build, model: str = CHAT, **channel: Any) -> House:
    house = await build(channel={"type": "ollama-native", "model_mapping": {"m": model}, **channel})
    house.fake.script(ollama())
    return house


def streaming(first: bytes, *later: bytes) -> Script:
    """A stream whose later pieces come when the test lets them."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin({"content-type": "application/x-ndjson"})
        await exchange.chunk(first)
        for piece in later:
            await exchange.gate()
            if piece:
                await exchange.chunk(piece)
        await exchange.end()

    return script


@both
@pytest.mark.parametrize("caller", list(CALLERS))
async def test_official_clients_of_every_format_play_a_tools_loop(build: Build, caller: str, stream: bool) -> None:
    house = await built(build)
    async with served(house) as address:
        text, tokens = await CALLERS[caller](address, house.key, stream, True)
    assert text == ANSWER and tokens == (1000, 500) and len(house.fake.chats) == 2
    assert [sent.json["think"] for sent in house.fake.chats] == ["low", "low"]
    assert house.fake.chats[1].json["messages"][1]["thinking"] == THOUGHT
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500]
    house.settled()


@both
async def test_the_channel_sets_the_context_and_callers_keep_their_own_options(build: Build, stream: bool) -> None:
    override = {"options": {"num_ctx": 32768, "temperature": 0}, "keep_alive": "10m"}
    house = await built(build, parameter_override=override)
    reply = await house.caller.chat(stream=stream, max_tokens=9, temperature=1.5, seed=0)
    assert reply.status == 200 and house.entry().credits == 12_500
    sent = house.fake.chats[0].json
    assert sent["options"] == {"num_predict": 9, "temperature": 0, "seed": 0, "num_ctx": 32768}
    assert (sent["keep_alive"], sent["stream"]) == ("10m", stream)
    await house.caller.chat()
    assert house.fake.chats[1].json["options"] == override["options"]


@both
async def test_claudes_client_gets_thoughts_and_sends_pictures(build: Build, stream: bool) -> None:
    house = await built(build)
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    asked: Any = {
        "model": "m",
        "max_tokens": 2048,
        "system": "Be brief.",
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [{"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": "?"}]}],
    }
    client = claude_client(house)
    if stream:
        async with client.messages.stream(**asked) as events:
            answer: Any = await events.get_final_message()
    else:
        answer = await client.messages.create(**asked)
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].thinking == THOUGHT and answer.stop_reason == "end_turn"
    assert house.fake.chats[0].json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "?", "images": [PICTURE]},
    ]


@both
async def test_log_probabilities_are_openais(build: Build, stream: bool) -> None:
    house = await built(build)
    asked: Any = {"model": "m", "messages": GO, "logprobs": True, "top_logprobs": 1}
    client = openai_client(house)
    if stream:
        async with client.chat.completions.stream(**asked) as events:
            answer: Any = await events.get_final_completion()
    else:
        answer = await client.chat.completions.create(**asked)
    (found,) = answer.choices[0].logprobs.content
    assert (found.token, found.logprob, found.top_logprobs[0].token) == (ANSWER, -0.5, "Ho")


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_openais_client_gets_embeddings_in_its_form(build: Build, encoding: Any) -> None:
    house = await built(build, EMBED, parameter_override={"options": {"num_ctx": 8192}})
    client = openai_client(house)
    found = await client.embeddings.create(model="m", input=["a", "b"], dimensions=3, encoding_format=encoding)
    if encoding == "float":
        assert [vector.embedding for vector in found.data] == [[0.5, -0.25, 0.0], [0.5, -0.25, 1.0]]
    assert (found.model, found.usage.prompt_tokens) == ("m", 1000)
    assert house.fake.chats[0].json == {
        "model": EMBED, "input": ["a", "b"], "dimensions": 3, "truncate": False, "options": {"num_ctx": 8192},
    }  # fmt: skip
    assert house.entry().credits == 5_000
    house.settled()


@pytest.mark.parametrize("body", [{}, {"embeddings": 5}, {"embeddings": []}, {"error": "no"}])
async def test_an_answer_without_embeddings_costs_nothing(build: Build, body: Any) -> None:
    house = await built(build, EMBED)
    house.fake.script(status(200, body))
    assert (await house.caller.post("/v1/embeddings", {"model": "m", "input": "a"})).status == 502
    assert house.entry().credits == 0
    house.settled()


async def test_channels_are_tested_and_their_models_listed(build: Build) -> None:
    house = await built(build)
    for model, stream in ((CHAT, False), (CHAT, True), (EMBED, False)):
        assert (await probe.test_channel(house.tools, house.channel_id, model=model, stream=stream)).ok
    house.fake.script(ollama_models())
    assert await probe.list_models_of(house.tools, house.channel_id) == (EMBED, CHAT)
    paths = [request.path for request in house.fake.requests]
    assert paths == ["/api/chat", "/api/chat", "/api/embed", "/api/tags"]


def test_the_base_may_be_written_with_the_path_of_either_api() -> None:
    for base in ("http://h:11434", "http://h:11434/", "http://h:11434/api", "http://h:11434/v1"):
        assert placed(base, "/api/chat", "/v1") == "http://h:11434/api/chat"


@both
async def test_what_ollama_says_of_an_error_reaches_the_caller(build: Build, stream: bool) -> None:
    house = await built(build)
    house.fake.script(status(400, {"error": f'"{CHAT}" does not support thinking'}))
    reply = await house.caller.chat(stream=stream)
    assert reply.status == 400 and "does not support thinking" in reply.json["error"]["message"]
    house.fake.script(streaming(line(error="no memory")) if stream else status(200, {"error": "no memory"}))
    reply = await house.caller.chat(stream=stream)
    assert reply.status == 502 and "no memory" in repr(house.world.log())
    assert [entry.credits for entry in house.world.log()] == [0, 0]
    house.settled()


@pytest.mark.parametrize("then", [line(error="no memory"), said("lo!")[:-9], b""], ids=["error", "cut", "ended"])
async def test_a_stream_that_breaks_off_never_ends_as_if_it_were_whole(build: Build, then: bytes) -> None:
    house = await built(build)
    house.fake.script(streaming(said("Hel"), then))
    talk = house.caller.stream()
    await talk.until(b"Hel")
    house.fake.let()
    reply = await talk.end()
    assert reply.text == "Hel" and "error" in reply.events[-1]
    assert 0 < house.entry().credits < 12_500
    house.settled()


# -- the format ------------------------------------------------------------------------------------------------


def sent(**body: Any) -> tuple[dict[str, Any], set[str]]:
    """The body for Ollama of an OpenAI caller's request, and what it lost."""
    asked = {"model": CHAT, "messages": GO, **body}
    chat = FORMATS["openai_chat"]
    rendered = FORMAT.render_request(chat.parse_request(chat.glance(json.dumps(asked).encode(), None, None)))
    return json.loads(rendered.body), set(rendered.losses)


def test_options_have_ollamas_names() -> None:
    body, losses = sent(
        max_tokens=9, temperature=1.5, top_p=0.5, top_k=5, min_p=0.1, stop=["x"], seed=1, presence_penalty=-1,
        frequency_penalty=1, user="u", logit_bias={"1": 1}, parallel_tool_calls=False, strange=1,
    )  # fmt: skip
    options = {
        "num_predict": 9, "temperature": 1.5, "top_p": 0.5, "top_k": 5, "min_p": 0.1, "stop": ["x"], "seed": 1,
        "presence_penalty": -1, "frequency_penalty": 1,
    }  # fmt: skip
    assert body == {"model": CHAT, "messages": GO, "stream": False, "options": options}
    assert losses == {"user", "logit_bias", "strange"}


@pytest.mark.parametrize(
    ("choice", "names", "lost"),
    [("auto", ["f", "g"], set()), ("none", None, set()), ("required", ["f", "g"], {"tool_choice"}),
     ({"type": "function", "function": {"name": "g"}}, ["g"], {"tool_choice"})],
)  # fmt: skip
def test_that_a_tool_must_be_called_can_not_be_said_and_is_told(choice: Any, names: Any, lost: set[str]) -> None:
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("f", "g")]
    body, losses = sent(tools=tools, tool_choice=choice)
    assert ([tool["function"]["name"] for tool in body["tools"]] if "tools" in body else None) == names
    assert losses == lost


@pytest.mark.parametrize(
    ("effort", "think"),
    [("none", False), ("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("xhigh", "high")],
)
def test_an_effort_is_a_level_of_thinking(effort: str, think: Any) -> None:
    assert sent(reasoning_effort=effort)[0]["think"] == think


def test_structured_answers_are_asked_for_by_their_schema() -> None:
    schema = {"type": "object", "properties": {}}
    shape = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema, "description": "d"}}
    assert sent(response_format={"type": "json_object"})[0]["format"] == "json"
    body, losses = sent(response_format=shape)
    assert body["format"] == schema and losses == {"response_format.description"}


@pytest.mark.parametrize(
    "part",
    [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
     {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}}],
)  # fmt: skip
def test_pictures_by_address_and_files_are_refused(part: Any) -> None:
    with pytest.raises(Problem, match="not carried"):
        sent(messages=[{"role": "user", "content": [part]}])


def test_a_turn_is_one_text_with_its_pictures_and_results_name_their_tool() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
    shown: Any = [{"type": "text", "text": "ok"}, picture]
    note = {"type": "text", "media_type": "text/plain", "data": "Words."}
    asked = {
        "model": CHAT,
        "max_tokens": 9,
        "messages": [
            {"role": "user", "content": [{"type": "document", "source": note, "title": "T"}, picture]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                    {"type": "redacted_thinking", "data": "x"},
                    {"type": "text", "text": "I "},
                    {"type": "text", "text": "look."},
                    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": shown, "is_error": True},
                    {"type": "text", "text": "Go on.", "cache_control": {"type": "ephemeral"}},
                ],
            },
        ],
    }
    claude = FORMATS["anthropic"]
    rendered = FORMAT.render_request(claude.parse_request(claude.glance(json.dumps(asked).encode(), None, None)))
    call = {"id": "toolu_1", "function": {"name": "f", "arguments": {"a": 1}}}
    assert json.loads(rendered.body)["messages"] == [
        {"role": "user", "content": "T\n\nWords.", "images": [PICTURE]},
        {"role": "assistant", "content": "I look.", "thinking": "Hm.", "tool_calls": [call]},
        {"role": "tool", "content": "ok", "images": [PICTURE], "tool_name": "f", "tool_call_id": "toolu_1"},
        {"role": "user", "content": "Go on."},
    ]
    assert set(rendered.losses) == {"document", "signature", "thinking", "is_error", "cache_control"}


def read(stream: bytes, *cuts: int) -> list[Event]:
    reader, decoder, start = FORMAT.reader(), JsonLines(), 0
    frames: list[Frame] = []
    for at in (*cuts, len(stream)):
        frames += decoder.feed(stream[start:at])
        start = at
    return [event for frame in [*frames, *decoder.close()] for event in reader.feed(frame)] + reader.close()


def test_a_stream_folds_into_the_whole_wherever_it_is_cut() -> None:
    call = {"id": "call_1", "function": {"name": "f", "arguments": {"a": "é"}}}
    counts = {"prompt_eval_count": 10, "eval_count": 5}
    end = {"done": True, "done_reason": "stop", **counts}
    pieces = [said(thinking="H"), b"\n", said(thinking="m."), said("Hello"), said("!"), said(tool_calls=[call])]
    stream = b"".join(pieces) + line(message={"content": ""}, **end)
    message = {"role": "assistant", "content": "Hello!", "thinking": "Hm.", "tool_calls": [call]}
    answer = FORMAT.parse_response(line(message=message, **end))
    assert answer.stop == "tools" and answer.usage is not None and answer.usage.counts == Counts(10, 0, 5)
    for at in range(len(stream)):
        assert fold(read(stream, at)) == answer
    assert fold(read(stream.rstrip().replace(b"\n", b"\r\n"))) == answer


def test_a_line_has_a_limit_and_half_a_line_is_none() -> None:
    assert [frame.data for frame in JsonLines(9).feed(b'{"a": 1}\n\n{')] == [b'{"a": 1}']
    decoder = JsonLines(9)
    assert decoder.feed(b'{"a"') == [] and decoder.pending == 4 and decoder.close() == []
    with pytest.raises(FramingError):
        JsonLines(9).feed(b"1234567890")


@pytest.mark.parametrize(
    ("told", "counts"),
    [({"eval_count": 5}, None),
     ({"prompt_eval_count": "x", "eval_count": 5}, None),
     ({"prompt_eval_count": 7}, Counts(7, 0, 0)),
     ({"prompt_eval_count": 9, "prompt_eval_cached_count": 4, "eval_count": 5}, Counts(5, 4, 5)),
     ({"prompt_eval_count": 9, "prompt_eval_cached_count": 10, "eval_count": 5}, Counts(0, 9, 5))],
)  # fmt: skip
def test_what_is_cached_is_a_part_of_the_prompt_and_without_a_prompt_nothing_is_told(told: Any, counts: Any) -> None:
    usage = parse_usage(told)
    assert (usage and usage.counts) == counts
    assert usage is None or usage.inconsistent == (told.get("prompt_eval_cached_count") == 10)


@pytest.mark.parametrize(
    ("told", "reason"), [("stop", "stop"), ("length", "length"), ("load", "other"), (None, "stop"), (5, "stop")]
)
def test_why_an_answer_ended(told: Any, reason: str) -> None:
    whole = FORMAT.parse_response(line(message={"content": "a"}, done=True, done_reason=told))
    assert whole.stop == reason == fold(read(said("a") + line(done=True, done_reason=told))).stop


def test_bad_answers_are_garbage_and_bad_lines_break_nothing() -> None:
    for body in (b"", b"[]", b"{}", b'{"error":"x"}', b'{"message":5}'):
        with pytest.raises(Garbage):
            FORMAT.parse_response(body)
    assert read(b"garbage\n") == [StreamError("The provider sent a line that is not JSON.")]
    calls: list[Any] = [5, {}, {"function": 5}, {"function": {"name": 5}}, {"function": {"name": "f", "arguments": 5}}]
    wild: list[Any] = [
        None, 5, "x", [1], {}, {"message": 5}, {"message": {"content": [], "thinking": {}, "tool_calls": "x"}},
        {"message": {"tool_calls": calls}, "logprobs": 5}, {"done": "x"},
        {"done": True, "eval_count": [], "logprobs": {}},
    ]  # fmt: skip
    for value in wild:
        fold(read(json.dumps(value).encode() + b"\n"))
