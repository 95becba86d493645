"""Files: those that batches are made of, and those that chats name by their ids.

Source: https://platform.openai.com/docs/api-reference/files
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openopen8.core.errors import invalid
from relay.endpoints.endpoint import Endpoint, passing, unread
from relay.endpoints.film import text
from relay.endpoints.paper import Override, Paper, glance_file, look_requests, taken
from relay.form import Form
from relay.formats.fields import model_name
from relay.tasks.vendor import Submission

if TYPE_CHECKING:
    from relay.upload import Upload

PURPOSES = ("user_data", "assistants", "vision")
"""What chats can name. Files of fine-tunings and evals mean nothing here: neither can be begun."""


class UserFile(Paper, frozen=True, gc=False):
    """A file for chats. ``model`` is empty where its caller named none: see ``relay/tasks/harbour.py``."""

    def submission(self, model: str, override: Override | None, upload: Upload | None) -> Submission:
        """As it came, but for the field that is the gateway's own."""
        assert upload is not None
        return Submission("/files", upload.without("model"), content_type=upload.content_type)


def look(form: Form) -> Paper:
    """Raises Problem 400."""
    fields = form.fields()
    purpose = text(fields, "purpose", needed=True)
    if purpose == "batch":
        return look_requests(form, fields)
    if purpose not in PURPOSES:
        raise invalid(f"purpose must be batch, {', '.join(PURPOSES[:-1])} or {PURPOSES[-1]}.", "purpose")
    form.check_file("file")
    named = text(fields, "model")
    return taken(UserFile, model_name(named) if named else "", fields, form=form)


FILES = Endpoint("files", "/files", passing("openai_files", glance_file, unread), task="file", free=True, form=look)
