"""Complaints of other gateways' users about tokens, shown not to hold here, with two workers on one database."""

from __future__ import annotations

import asyncio

import httpx

from openopen8.core.models import TokenCounter, User
from tests.fakes.upstream import whole
from tests.seed.conftest import Site
from tests.system.installation import CHAT

COST = 1000 * 5 + 500 * 15


def test_l2_an_exhausted_token_is_refused_every_time_on_every_worker(site: Site) -> None:
    _, value = site.add(quota=COST)
    assert site.codes(value, 1) == {"ok"}
    assert site.codes(value, 100) == {"token_quota_exhausted"}


def test_l3_the_number_that_admits_and_the_number_on_show_are_one(site: Site) -> None:
    id, value = site.add(quota=3 * COST)
    for served in (1, 2, 3):
        assert site.codes(value, 1) == {"ok"}
        shown = site.token(id)
        assert (shown["used"], shown["remaining"]) == (served * COST, (3 - served) * COST)
    assert site.codes(value) == {"token_quota_exhausted"}
    wrong = site.log(id)[-1]["request_id"]
    site.admin("POST", f"/logs/{wrong}/correction", 201, credits=COST, reason="charged by mistake")
    assert site.token(id)["remaining"] == COST
    assert site.codes(value, 1) == {"ok"}


def test_l4_a_raised_quota_and_a_new_period_count_for_the_next_request(site: Site) -> None:
    id, value = site.add(quota=1)
    site.call(value)
    for step in range(2, 6):
        assert site.codes(value, 2) == {"token_quota_exhausted"}
        site.api("PATCH", f"/tokens/{id}", quota=step * COST)
        while site.token(id)["remaining"] > 0:
            assert site.codes(value, 1) == {"ok"}
    site.api("PATCH", f"/tokens/{id}", quota_period="daily")
    assert site.token(id)["used"] == 0
    assert site.codes(value, 1) == {"ok"}
    assert site.installation.world.one(TokenCounter, id).used_total == 6 * COST


def test_l5_what_is_switched_off_is_off_for_the_next_request_on_every_worker(site: Site) -> None:
    world = site.installation.world
    group = world.group("leaving")
    world.channel(site.installation.fake.url, groups=[group])
    user = world.user("leaver", role="user", group_id=group)
    _, value = world.token(user)
    assert site.codes(value) == {"ok"}
    site.admin("PATCH", f"/users/{user.user_id}", enabled=False)
    assert site.codes(value) == {"user_disabled"}
    site.admin("PATCH", f"/users/{user.user_id}", enabled=True)
    assert site.codes(value) == {"ok"}
    world.change(User, user.user_id, group_id=1)
    site.admin("DELETE", f"/groups/{group}", 204)
    _, other = world.token(user, group_id=group)
    assert site.codes(other) == {"group_not_allowed"}
    site.admin("DELETE", f"/users/{user.user_id}", 204)
    assert site.codes(value) == {"invalid_api_key"}


async def test_l6_under_load_no_request_that_starts_after_a_change_uses_the_old_rules(site: Site) -> None:
    id, value = site.add()
    headers = {"authorization": f"Bearer {value}"}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    limits = httpx.Limits(max_connections=40)
    async with httpx.AsyncClient(base_url=site.address, headers=headers, limits=limits, trust_env=False) as client:
        changed: list[bool] = []
        wrong: list[int] = []

        async def keep_asking() -> None:
            while len(changed) < 2:
                after = bool(changed)
                answer = await client.post(CHAT, json=body)
                if after and answer.status_code != 403:
                    wrong.append(answer.status_code)

        askers = [asyncio.create_task(keep_asking()) for _ in range(20)]
        await asyncio.sleep(0.5)
        await asyncio.to_thread(site.api, "PATCH", f"/tokens/{id}", allowed_models=["other"])
        changed.append(True)
        await asyncio.sleep(0.5)
        changed.append(True)
        await asyncio.gather(*askers)
    assert wrong == []


def test_l7_a_token_works_in_the_request_right_after_its_creation(site: Site) -> None:
    for _ in range(10):
        _, value = site.add()
        assert site.codes(value, 1) == {"ok"}


def test_n17_a_disabled_token_is_not_written_back_as_enabled_by_requests_in_flight(site: Site) -> None:
    fake = site.installation.fake
    fake.script(whole(gated=True))
    id, value = site.add()
    seen = len(fake.chats)

    async def story() -> None:
        running = [asyncio.create_task(asyncio.to_thread(site.call, value)) for _ in range(4)]
        while len(fake.chats) < seen + 4:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(site.api, "PATCH", f"/tokens/{id}", enabled=False)
        fake.let(4)
        assert [answer.status_code for answer in await asyncio.gather(*running)] == [200] * 4

    asyncio.run(story())
    assert site.token(id)["status"] == "disabled"
    assert site.codes(value) == {"token_disabled"}
