"""How vendors want a key to be shown: one function each, from the key to headers. Without a key nothing is sent."""

from __future__ import annotations

from collections.abc import Callable

Auth = Callable[[str], dict[str, str]]


def bearer(key: str) -> dict[str, str]:
    """OpenAI's way, and that of most others."""
    return {"authorization": f"Bearer {key}"} if key else {}


def claude(key: str) -> dict[str, str]:
    """Anthropic's. Source: https://docs.anthropic.com/en/api/versioning"""
    version = {"anthropic-version": "2023-06-01"}
    return {"x-api-key": key, **version} if key else version


def either(key: str) -> dict[str, str]:
    """OpenAI's way and Anthropic's at once, for vendors who speak both formats with one key."""
    return {**bearer(key), **claude(key)}


def google(key: str) -> dict[str, str]:
    """Gemini's; the key could stand in the address, too, but addresses end up in logs."""
    return {"x-goog-api-key": key} if key else {}


def azure(key: str) -> dict[str, str]:
    """Azure's."""
    return {"api-key": key} if key else {}
