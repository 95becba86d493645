"""What the environment (or `.env`) says: where to listen, where the data is. `.env.example` explains each."""

from __future__ import annotations

import ipaddress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(BaseSettings):
    """The process's settings; a wrong value is a clear error at start."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = Field(3000, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64)
    dashboard: bool = True
    """Off: /v1 and /api alone, as on machines beside one that has the dashboard."""
    drain_timeout: float | None = Field(None, gt=0)
    """Seconds that a worker whose successor serves may take to end its requests; as request_timeout without it."""
    database_url: str = ""
    durability: Literal["full", "normal"] = "full"
    """full: each group of charges is on the disk before its answers end. normal: a power cut may take the last ones."""
    data_dir: Path = Path("data")
    secret_key: SecretStr | None = None
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    allow_private_upstreams: bool = True
    connect_timeout: float = Field(10, gt=0)
    """Seconds for a connection to an upstream."""
    streaming_timeout: float = Field(300, gt=0)
    """Seconds that an upstream may be silent between two chunks."""
    request_timeout: float = Field(1800, gt=0)
    """Seconds that a request may take in all."""
    body_timeout: float = Field(60, gt=0)
    """Seconds that a caller may pause in the middle of its body."""
    max_request_body_mb: float = Field(32, gt=0)
    max_requests_in_flight: int = Field(2000, ge=1)
    """Per worker; beyond it 503 `overloaded`."""
    max_bodies_mb: float = Field(512, gt=0)
    """Of all requests in flight together, per worker; beyond it 503 `overloaded`."""
    keep_alive_seconds: float = Field(15, gt=0)
    """A stream that has been silent for so long gets a comment."""
    hot_path: bool = True
    """Chat requests are answered at the HTTP protocol; off: through ASGI as everything else."""
    redis_url: str = Field("", repr=False)
    """Where dashboard processes share their view state; only they use it."""
    log_level: str = "info"

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        kind, _, place = value.partition("://")
        known = kind.partition("+")[0] in ("postgresql", "postgres", "sqlite")
        if value and not (known and place.strip("/") and ":memory:" not in place):
            raise ValueError("this must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("this must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        words = value.replace(",", " ").split()
        return tuple(ipaddress.ip_network(word, strict=False) for word in words)

    @property
    def max_body_bytes(self) -> int:
        return int(self.max_request_body_mb * 1024 * 1024)

    @property
    def max_bodies_bytes(self) -> int:
        return int(self.max_bodies_mb * 1024 * 1024)

    @cached_property
    def database(self) -> str:
        """The database's URL; SQLite in the data directory when none is given."""
        return self.database_url or f"sqlite:///{self.data_dir / 'openopen8.db'}"


def load_settings(**changes: Any) -> Settings:
    """Settings of this process; ``changes`` win over the environment."""
    return Settings(**changes)
