"""Command-line agents work with a provider of any format: a session of three rounds with tools."""

from __future__ import annotations

import pytest

from tests.fakes.vendors import ANSWER, MODELS, VENDORS, Play
from tests.relay.agents import AGENTS
from tests.relay.house import Build

ONE_WAY = True
OWN = {"Claude Code": "anthropic", "Codex": "openai-responses", "Gemini CLI": "gemini"}


@pytest.mark.parametrize("kind", list(VENDORS))
@pytest.mark.parametrize("agent", list(AGENTS))
async def test_an_agents_session_runs_to_its_end(build: Build, agent: str, kind: str) -> None:
    run, rounds, hears = AGENTS[agent]
    if kind == OWN[agent] == "openai-responses":  # passes as it is: the provider calls under the tools' own names
        rounds, hears = (rounds[0], rounds[0] * 2, rounds[0]), []
    house = await build(channel={"type": kind, "model_mapping": {"m": MODELS[kind]}})
    house.fake.script(VENDORS[kind](play=Play(tuple(tuple(calls) for calls in rounds))))
    called, words = await run(house.caller)
    assert called == (hears or [call for calls in rounds for call in calls]) and words == ANSWER
    chats = [entry for entry in house.world.log() if entry.credits]
    assert [entry.status for entry in chats] == [200] * 4
    house.settled()
