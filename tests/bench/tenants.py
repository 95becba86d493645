"""Who lives in a benchmark's database: users, their tokens, channels to the mock, prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import func, insert
from sqlmodel import select

from openopen8.core.config import Settings
from openopen8.core.migrate import migrate
from openopen8.core.models import Token, TokenCounter, User
from openopen8.core.rules.roles import Actor
from openopen8.core.security.secrets import TOKEN_PREFIX, hint_of, new_value
from openopen8.core.services import sessions
from openopen8.core.tools import Tools, open_tools
from relay.channels import CATALOG
from relay.formats import FORMATS
from tests.world import World

SECRET = "a secret key of benchmarks, long enough"
"""The same as of the databases that are filled for it."""
MODELS = ("bench", "paced", "slow", "idle", "endless")
BALANCE = 9_000_000_000_000
INPUT, OUTPUT = 5, 15
"""Credits a token of the prompt and of the answer."""
AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Tenants:
    """How many of each; the default is what the table's rows are measured with."""

    users: int = 100
    tokens: int = 1_000
    channels: int = 1
    """Of each wire format, all to the same mock."""
    rate_limit: int | None = None
    """Of each token: requests a minute."""


USUAL = Tenants()


def model_for(model: str, format: str) -> str:
    """A model's name at the channels of a format: they are told apart by it. The mock looks at its beginning."""
    return model if format == "openai_chat" else f"{model}@{format}"


def upstream_formats() -> dict[str, str]:
    """Wire formats that channels speak, each with a type of channel that needs nothing but an address."""
    found: dict[str, str] = {}
    for row in sorted(CATALOG, key=lambda row: row.key_needed):
        if row.format in FORMATS:
            found.setdefault(row.format, row.name)
    return found


def move_in(folder: Path, database: str, mock: str, who: Tenants) -> tuple[str, tuple[str, ...]]:
    """Make the database; its URL and the tokens' values."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret.key").write_text(SECRET)
    settings = _settings(folder, database)
    tools = open_tools(settings)
    try:
        migrate(tools)
        world = World(tools)
        _open_channels(world, mock, who)
        users = [world.user(f"tenant-{number}", BALANCE) for number in range(who.users)]
        return settings.database, tuple(_make_tokens(tools, users, who))
    finally:
        tools.close()


def _settings(folder: Path, database: str) -> Settings:
    values = {"data_dir": folder.resolve(), "database_url": database, "secret_key": SecretStr(SECRET)}
    return Settings(_env_file=None, **values)  # type: ignore[call-arg,arg-type]


def _open_channels(world: World, mock: str, who: Tenants) -> None:
    for format, type in upstream_formats().items():
        models = tuple(model_for(model, format) for model in MODELS)
        for number in range(who.channels):
            world.channel(mock, models, name=f"{type}-{number}", type=type)
        for model in models:
            world.price(model, str(INPUT), str(OUTPUT))


def log_in(folder: Path, database: str, count: int, busy: bool) -> list[str]:
    """Sessions' cookies of ``count`` users: of those whose tokens ask (``busy``), or of others."""
    tools = open_tools(_settings(folder, database))
    try:
        with tools.db.read() as session:
            found = session.exec(select(User).where(User.role == "user").limit(count)).all()
        users = [Actor(user.id or 0, user.name, user.role) for user in found]
        if not busy:
            users = [World(tools).user(f"onlooker-{number}") for number in range(count)]
        with tools.db.write() as session:
            return [sessions.start(tools, session, user, "bench") for user in users]
    finally:
        tools.close()


def _make_tokens(tools: Tools, users: list[Actor], who: Tenants) -> Iterator[str]:
    with tools.db.read() as session:
        begin = 1 + (session.exec(select(func.max(Token.id))).one() or 0)
    end = begin + who.tokens
    for first in range(begin, end, AT_ONCE):
        ids = range(first, min(first + AT_ONCE, end))
        values = [new_value(TOKEN_PREFIX) for _ in ids]
        rows = [
            _token(tools, id, users[id % len(users)], value, who.rate_limit)
            for id, value in zip(ids, values, strict=True)
        ]
        with tools.db.write() as session:
            session.execute(insert(Token), rows)
            session.execute(insert(TokenCounter), [TokenCounter(token_id=id).model_dump() for id in ids])
        yield from values


def _token(tools: Tools, id: int, owner: Actor, value: str, rate_limit: int | None) -> dict[str, object]:
    return Token(
        id=id,
        user_id=owner.user_id,
        name=f"token-{id}",
        key_hash=tools.keyring.hash(value),
        hint=hint_of(value),
        rate_limit=rate_limit,
        created_at=tools.now(),
    ).model_dump()
