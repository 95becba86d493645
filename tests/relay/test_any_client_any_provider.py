"""Any client speaks to any provider: official SDKs of four formats, channels of four formats, whole and streamed.

(L19, N19, B10, P1)
"""

from __future__ import annotations

import re

import pytest

from tests.fakes.exchange import Script
from tests.fakes.vendors import ANSWER, LONG, MODELS, VENDORS, chat, claude, gemini, responses
from tests.relay.callers import CALLERS
from tests.relay.house import Build, House
from tests.relay.socketed import served


async def built(build: Build, kind: str) -> House:
    house = await build(channel={"type": kind, "model_mapping": {"m": MODELS[kind]}})
    house.fake.script(VENDORS[kind]())
    return house


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", list(VENDORS))
@pytest.mark.parametrize("caller", list(CALLERS))
async def test_every_client_gets_the_answer_of_every_provider(
    build: Build, caller: str, kind: str, stream: bool
) -> None:
    house = await built(build, kind)
    async with served(house) as address:
        text, tokens = await CALLERS[caller](address, house.key, stream, False)
    assert text == ANSWER and tokens == (1000, 500)
    entry = house.entry()
    assert (entry.input_tokens, entry.output_tokens, entry.credits) == (1000, 500, 12_500)
    assert entry.upstream_model == MODELS[kind] and entry.stream == stream
    house.settled()


PROVEN = re.compile(r"sig[0-9a-f]{24}|c2ln[A-Za-z0-9+/=]{32}")
"""What the providers sign, plain or in base64."""

SIGNERS: dict[str, tuple[str, Script]] = {
    "openai-compatible": ("openai-compatible", chat(play=LONG)),
    "openai-compatible of Google": ("openai-compatible", chat(play=LONG, signs=True)),
    "openai-responses": ("openai-responses", responses(play=LONG)),
    "anthropic": ("anthropic", claude(play=LONG)),
    "gemini": ("gemini", gemini(LONG)),
}
"""Channel type and provider, by name."""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", list(SIGNERS))
@pytest.mark.parametrize("caller", list(CALLERS))
async def test_a_long_loop_of_tools_brings_every_provider_its_ids_and_signatures_back(
    build: Build, caller: str, provider: str, stream: bool
) -> None:
    """Three turns with thoughts and calls, two of them at once; the providers refuse what is missing or altered."""
    kind, script = SIGNERS[provider]
    house = await built(build, kind)
    house.fake.script(script)
    async with served(house) as address:
        text, _ = await CALLERS[caller](address, house.key, stream, True)
    assert text == ANSWER and len(house.fake.chats) == 4
    if provider != "openai-compatible":  # the others sign
        assert [len(PROVEN.findall(sent.body.decode())) for sent in house.fake.chats] == [0, 1, 2, 3]
    assert [entry.status for entry in house.world.log()] == [200] * 4
    lost = {name for entry in house.world.log() for name in (entry.details or {}).get("losses", ())}
    assert lost <= {"reasoning.summary", "thinking"}  # how thoughts are told, and thoughts that nobody signed
    house.settled()
