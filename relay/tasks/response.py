"""A video that was asked for through the Responses API, in that API's words: whole, or as events.

Source: https://platform.openai.com/docs/api-reference/responses/object, …/responses-streaming
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.models import Task
from relay.formats.format import Asked
from relay.formats.openai_responses.building import Message, Wire
from relay.formats.openai_responses.envelope import error_event, response_id, response_object
from relay.formats.openai_responses.output import item_id, message_item, text_part

_STATES = {"new": "queued", "running": "in_progress", "succeeded": "completed"}
"""Our word → the API's, where they differ."""
_HEAD = response_id("video_")


def task_id(response: str) -> str:
    """The id of the task that an answer is about; empty for an answer that is about none."""
    return response.removeprefix(response_id("")) if response.startswith(_HEAD) else ""


def response(task: Task) -> dict[str, Any]:
    """The answer as it stands: one message, once there is a video to tell of."""
    told = task.request.get("response") or {}
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in told.items()}
    asked = Asked(task.model, task.created_at // 1000, task.id, fields=fields)
    ended = task.ended_at // 1000 if task.ended_at and task.state == "succeeded" else None
    # codes of the video API are none of this one
    error = {"code": "server_error", "message": task.error} if task.state == "failed" else None
    status = _STATES.get(task.state, task.state)
    return response_object(asked, status, _output(task), None, error=error, completed_at=ended)


def _text(task: Task) -> str:
    return f"The video {task.id} is ready: /v1/videos/{task.id}/content"


def _output(task: Task) -> list[dict[str, Any]]:
    if task.state != "succeeded":
        return []
    return [message_item(item_id("msg", task.id, 0), [text_part(_text(task), (), (), {})])]


class Events:
    """The answer's stream."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._wire = Wire(task.id)

    def begun(self) -> bytes:
        """The first events."""
        shown = response(self._task)
        out = self._wire.send("response.created", response=shown)
        return out + self._wire.send("response.in_progress", response={**shown, "status": "in_progress"})

    def ended(self, task: Task) -> bytes:
        """The last ones."""
        if task.state != "succeeded":
            return self._wire.send("response.failed", response=response(task))
        message = Message(self._wire)
        out = message.text(_text(task)) + message.close()
        return out + self._wire.send("response.completed", response=response(task))

    def late(self, problem: Problem) -> bytes:
        """Nobody waits any longer, though the video goes on."""
        return self._wire.send("error", **{k: v for k, v in error_event(problem).items() if k != "type"})
