"""What a type of channel is: which wire formats it speaks, and where and how it is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from relay.channels.auth import Auth, bearer
from relay.channels.bridge import Bridge
from relay.channels.dialect import Dialect
from relay.channels.quirks import Quirks
from relay.signing.sign import Sign

_VERSION = re.compile(r"/v\d+[a-z0-9]*$")


def address(base_url: str, path: str, version: str = "/v1") -> str:
    """The URL of ``path``; a base URL without a version gets ``version``, as people enter it both ways."""
    base = base_url.rstrip("/")
    base = base.removesuffix(path)
    return base + path if base.endswith(version) or _VERSION.search(base) else base + version + path


def beside(base_url: str, path: str, version: str = "/v1") -> str:
    """The URL of ``path`` where the vendor's API begins: beside ``version``, not below it."""
    base = base_url.rstrip("/")
    if base.endswith(version):
        return base.removesuffix(version) + path
    if not _VERSION.search(base):
        return base + path
    place = urlsplit(base)  # another version than the usual: only the host is sure
    return f"{place.scheme}://{place.netloc}{path}"


@dataclass(frozen=True, slots=True)
class ChannelType:
    """One row of the catalogue. ``format`` names the wire format, ``paths`` says where an endpoint lives.

    A path may hold ``{model}`` and ``{verb}``, Gemini's word for whole or streamed.
    """

    name: str
    label: str
    format: str = "openai_chat"
    base_url: str = ""
    """Suggested in the form."""
    key_needed: bool = False
    paths: dict[str, str] = field(default_factory=lambda: {"chat": "/chat/completions"})
    also: dict[str, str] = field(default_factory=dict)
    """Further wire formats and their paths, for callers who speak them; all others meet ``format``.

    A path that begins with ``//`` stands beside the version: ``//anthropic/v1/messages``.
    """
    models_path: str = "/models"
    models_at: tuple[str, str] = ("data", "id")
    """Where the list of models stands in its answer, and the name in each entry."""
    auth: Auth = bearer
    version: str = "/v1"
    """Added to a base URL that has none; the empty one fits every base URL."""
    quirks: tuple[Quirks, ...] = ()
    """How the vendor departs from ``format``."""
    page: str = ""
    """Where the vendor says so."""
    place: Callable[[str, str, str], str] = address
    """From base URL, path and version to the URL."""
    dialect: Callable[[str], Dialect] | None = None
    """How a model is spoken to, where ``format`` and ``paths`` do not hold for all of them."""
    located: Callable[[str, str], str] | None = None
    """From URL and key to the URL: keys that say where, too. Raises Failure."""
    bridges: dict[str, Bridge] = field(default_factory=dict)
    """By endpoint, where the vendor has a form of its own."""
    sign: Sign | None = None
    """For vendors whom a key in a header does not satisfy."""

    def chat(self, caller: str) -> tuple[str, str]:
        """The wire format for callers who speak ``caller``, and its path."""
        path = self.also.get(caller)
        return (self.format, self.paths["chat"]) if path is None else (caller, path)

    def url(self, base_url: str, path: str, key: str) -> str:
        """Where ``path`` lives. People also copy the address of the chat endpoint, as vendors' pages show it.

        Raises Failure for a key that should say where and does not.
        """
        base_url = base_url.rstrip("/").removesuffix(self.paths.get("chat", ""))
        if path.startswith("//"):
            return beside(base_url, path[1:], self.version)
        url = self.place(base_url, path, self.version)
        return url if self.located is None else self.located(url, key)


def filled(path: str, model: str, stream: bool) -> str:
    """A path that names the model. Vendors' prefix ``models/`` stands in the path already."""
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return path.replace("{verb}", verb).replace("{model}", quote(model.removeprefix("models/"), safe="@"))
