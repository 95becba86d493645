"""What models behind Converse differ in, by their names.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html,
…/prompt-caching.html (cache points), https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
"""

from __future__ import annotations

from typing import Any

from relay.neutral import Effort

OWN = "bedrock"
"""The vendor's name in state, and the format's in blocks."""


def caches(model: str) -> bool:
    """True where turns and instructions may have marks for the cache; other models refuse a request with one."""
    return "nova" in model or caches_tools(model)


def caches_tools(model: str) -> bool:
    """True where tools may have marks, too, and marks say how long they hold."""
    return "claude" in model


def tells_errors(model: str) -> bool:
    """True where a result of a tool may say that it is an error."""
    return "nova" in model or "claude" in model


def effort_fields(model: str, effort: Effort) -> dict[str, Any] | None:
    """A model's own fields for how much it is to think; None for models that have none."""
    near = "low" if effort in ("minimal", "low") else "medium" if effort == "medium" else "high"
    if "openai.gpt" in model:
        return {"reasoning_effort": "low" if effort == "none" else near}
    if "nova-2" in model:
        if effort == "none":
            return {"reasoningConfig": {"type": "disabled"}}
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": near}}
    return {} if effort == "none" else None
