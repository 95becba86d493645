"""What a first call can be made of: one of the caller's tokens and a model that it may use."""

from __future__ import annotations

from dataclasses import dataclass

from openopen8.core.rules.roles import Actor
from openopen8.core.services import models, options, tokens
from openopen8.core.tools import Tools


@dataclass(frozen=True)
class Sample:
    """``hint`` of the newest enabled token, ``""`` without one; ``base`` is empty where the browser knows it."""

    hint: str = ""
    model: str = "gpt-4o"
    base: str = ""


def sample(tools: Tools, actor: Actor) -> Sample:
    """The caller's own newest token and first model."""
    found = tokens.find(tools, actor, status="enabled", page_size=1, user_id=actor.user_id).items
    token = found[0] if found else None
    usable = models.usable_models(tools, actor, token.group if token else None)
    allowed = token.allowed_models if token else ()
    names = [x.name for x in usable if not allowed or x.name in allowed]
    base = options.public(tools).public_url.rstrip("/")
    return Sample(token.hint if token else "", names[0] if names else Sample.model, base)
