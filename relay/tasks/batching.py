"""In whose words a batch is: OpenAI's, Claude's or Gemini's. One record for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openopen8.core.models import Task
from openopen8.core.services.tasks import News
from relay.tasks import gemini_batches, message_batches, papers
from relay.tasks.vendor import Answered, Errand


def _no_output(task: Task, answer: Answered) -> Errand | None:
    return None


def _no_files(task: Task, answer: Answered, now: int) -> list[Task]:
    return []


def _nothing_inline(answer: Answered) -> list[Answered]:
    return []


@dataclass(frozen=True, slots=True)
class Batching:
    """Pure functions between a batch and its provider."""

    endpoint: str
    """Where it was made, as the log shows it."""
    look: Callable[[Task], Errand]
    news: Callable[[Answered], News]
    cancel: Callable[[Task], Errand]
    output: Callable[[Task, Answered], Errand | None] = _no_output
    """Fetches the results, one answer a line; from the task and what the provider says of it."""
    inline: Callable[[Answered], list[Answered]] = _nothing_inline
    """Answers that stand in the batch itself."""
    files: Callable[[Task, Answered, int], list[Task]] = _no_files
    """What an ended one has made, from task, batch and time."""
    told: Callable[[Task], Answered] | None = None
    """What is said of one that was cancelled; None: the batch as it is now, which its provider has told."""
    deleted: Callable[[Task], Answered] | None = None
    live: Callable[[Task, Answered], Answered] | None = None
    """The ended batch with the results that its provider shows in it."""


BATCHINGS = {
    "batch": Batching(
        "/v1/batches", papers.look, papers.news, papers.cancel,
        output=papers.output, files=papers.results,
    ),
    "message_batch": Batching(
        "/v1/messages/batches", message_batches.look, message_batches.news,
        message_batches.cancel,
        output=message_batches.output, deleted=message_batches.deleted,
    ),
    "gemini_batch": Batching(
        "/v1beta/models/{model}:batchGenerateContent", gemini_batches.look, gemini_batches.news,
        gemini_batches.cancel,
        inline=gemini_batches.inline, told=gemini_batches.nothing, deleted=gemini_batches.nothing,
        live=gemini_batches.shown,
    ),
}  # fmt: skip
"""By the kind of task."""
