"""A gateway in use, for pictures and for tests of what the dashboard shows: rows as the relay would have left them."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import Any

from openopen8.core.clock import DAY, HOUR, MINUTE
from openopen8.core.models import Channel, ChannelKey, LogEntry, Token, TokenCounter
from openopen8.core.rules.quota import current_period
from openopen8.core.rules.roles import Actor
from openopen8.core.security.passwords import hash_password
from openopen8.core.tools import Tools
from tests.world import World

PASSWORD = "correct horse battery"
OWNER = "mira"
MODELS = {"gpt-4o": ("1.25", "5"), "gpt-4o-mini": ("0.075", "0.3"), "llama-3.3-70b": ("0.29", "0.395")}


def owner(world: World) -> Actor:
    """The root account, with start credits and nothing else."""
    return world.user(OWNER, 50_000_000, role="root", password_hash=hash_password(PASSWORD))


def furnish(tools: Tools) -> Actor:
    """Users, channels in every state, prices, tokens and a month of requests; returns the owner."""
    world = World(tools)
    root = owner(world)
    ann = world.user("ann", 2_000_000, password_hash=hash_password(PASSWORD))
    world.group("batch", "0.5", selectable=True)
    _channels(world)
    _prices(world)
    tokens = [
        world.token(root, name="production")[0],
        world.token(root, name="data-pipeline", quota=100_000, quota_period="monthly")[0],
        world.token(root, name="contractor", quota=20_000, expires_at=tools.now() + 5 * DAY)[0],
        world.token(root, name="old-laptop", enabled=False)[0],
        world.token(ann, name="notebook")[0],
    ]
    _month(world, root, tokens[:3])
    _month(world, ann, tokens[4:])
    _latest(world, root, tokens)
    return root


def _channels(world: World) -> None:
    now = world.tools.now()
    tested = {"at": now - 6 * MINUTE, "ok": True, "latency_ms": 812, "first_token_ms": 240, "answer": "Hello there."}
    world.channel(
        "https://api.openai.com/v1", ("gpt-4o", "gpt-4o-mini"), ("sk-proj-abcdefghijkl", "sk-proj-mnopqrstuvwx"),
        name="OpenAI main", type="openai", priority=10, last_test=tested,
    )  # fmt: skip
    world.channel("http://127.0.0.1:9500", ("llama-3.3-70b",), name="Local llama", weight=3, last_test=tested)
    resting = world.channel("https://eu.example.com/v1", ("gpt-4o", "llama-3.3-70b"), name="EU mirror", priority=5)
    until = now + 25 * MINUTE
    world.change(Channel, resting, rest_until=until, rest_reason="429 from provider: too many requests")
    off = world.channel("https://cheap.example.com", ("mixtral-8x22b",), name="Cheap tokens")
    failed = {"at": now - 2 * HOUR, "ok": False, "latency_ms": 95, "error": "401 from provider: invalid key"}
    reason = "No key is left: 401 from provider: invalid key"
    world.change(Channel, off, enabled=False, disabled_reason=reason, last_test=failed)
    for key in world.all(ChannelKey):
        if key.channel_id == off:
            world.change(ChannelKey, key.id, enabled=False, disabled_reason="401 from provider: invalid key")
    world.channel("https://new.example.com", ("whisper-x", "gpt-4o"), name="Spare", enabled=False)
    world.channel("https://vision.example.com/v1", ("qwen2-vl-72b",), name="Vision")


def _prices(world: World) -> None:
    now = world.tools.now()
    for model, (asked, told) in MODELS.items():
        world.price(model, asked, told, valid_from=now - 90 * DAY)
    world.price("gpt-4o", "1", "4", valid_from=now + 20 * DAY)
    world.price("image-small", "0", "0", per_call=Decimal(20_000), valid_from=now - 9 * DAY)


def _month(world: World, user: Actor, tokens: list[int]) -> None:
    """Thirty days of use."""
    dice, now = random.Random(user.user_id), world.tools.now()
    for day in range(30):
        for token in tokens:
            for model in MODELS:
                asked = dice.randrange(2, 60)
                world.used(
                    user, (now - day * DAY) // HOUR * HOUR, token_id=token, model=model, requests=asked,
                    errors=asked // 17, input_tokens=asked * 820, output_tokens=asked * 310,
                    credits=asked * dice.randrange(300, 2600),
                )  # fmt: skip


def _latest(world: World, root: Actor, tokens: list[int]) -> None:
    """Log entries of every kind, the newest seconds old."""
    dice, now = random.Random(8), world.tools.now()
    rows: list[dict[str, Any]] = []
    for minutes in range(70, 0, -1):
        rows.append(_request(dice, now - minutes * 47_000, root, tokens, len(rows)))
    rows += [
        {"kind": "login", "error": "mira logged in.", "address": "192.0.2.14"},
        {"kind": "admin", "error": "mira created channel 'Vision'.", "address": "192.0.2.14"},
        {"kind": "credit", "credits": -5_000_000, "error": "+5,000,000 credits: invoice 2031"},
        _refusal(tokens[2], 401, "token_quota_exhausted", "Token sk-Qw3r…u1Op has used up its quota.", 3),
        _refusal(tokens[1], 429, "rate_limit_exceeded", "Rate limit exceeded. Please try again later.", 0),
        _refusal(tokens[0], 503, "no_available_channel", "No channel serves model 'gpt-5' in group 'default'.", 0),
        {
            "kind": "correction",
            "credits": -1_250,
            "token_id": tokens[0],
            "model": "gpt-4o",
            "error": "refund: cut answer",
        },
    ]
    rows += [_request(dice, now - seconds * 1000, root, tokens, 100 + seconds) for seconds in (41, 22, 9)]
    with world.tools.db.write() as session:
        for row in rows:
            session.add(LogEntry(**{"time": now - 60_000, "user_id": root.user_id, **row}))
            session.flush()
        for place, token in enumerate(tokens):
            counter = session.get(TokenCounter, token)
            assert counter is not None
            counter.used = counter.used_total = (1_284_200, 84_310, 20_000, 7_020, 12_500)[place]
            counter.last_used_at = now - place * HOUR - 9_000
            kept = session.get(Token, token)
            assert kept is not None
            counter.period_start = current_period(kept.quota_period, 0, now)


def _request(dice: random.Random, time: int, root: Actor, tokens: list[int], number: int) -> dict[str, Any]:
    model = dice.choice(list(MODELS))
    asked, cached, told = dice.randrange(200, 4_000), dice.choice((0, 0, 512)), dice.randrange(20, 900)
    ratios = MODELS[model]
    cost = math.ceil((asked + cached) * Decimal(ratios[0]) + told * Decimal(ratios[1]))
    lines = [
        {"bucket": "input", "count": asked, "ratio": ratios[0]},
        {"bucket": "output", "count": told, "ratio": ratios[1]},
    ]
    if cached:
        lines.insert(1, {"bucket": "cache_read", "count": cached, "ratio": ratios[0]})
    first, latency = dice.randrange(180, 900), dice.randrange(1_000, 9_000)
    left = number % 23 == 22
    return {
        "time": time, "request_id": f"req_{number:04d}{dice.randrange(16**12):012x}", "user_id": root.user_id,
        "token_id": tokens[number % 3], "group_id": 1, "channel_id": 1 + number % 2, "model": model,
        "upstream_model": model,
        "endpoint": "/v1/chat/completions", "stream": number % 3 > 0, "input_tokens": asked + cached,
        "output_tokens": told, "cached_tokens": cached, "credits": cost, "status": 499 if left else 200,
        "error": "client_closed_request: The caller left before the answer had ended." if left else "",
        "receipt": {"lines": lines, "group_ratio": "1", "price_id": 1, "credits": cost, "notes": []},
        "latency_ms": latency, "first_token_ms": first if number % 3 else None, "retries": int(number % 11 == 0),
        "address": "203.0.113.7",
    }  # fmt: skip


def _refusal(token: int, status: int, code: str, message: str, suppressed: int) -> dict[str, Any]:
    return {
        "request_id": f"req_{status}{code[:6]}0f3a91c2", "token_id": token, "group_id": 1, "model": "gpt-4o",
        "endpoint": "/v1/chat/completions", "status": status, "error": f"{code}: {message}", "suppressed": suppressed,
        "address": "203.0.113.7",
    }  # fmt: skip
