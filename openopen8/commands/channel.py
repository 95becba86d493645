"""`openopen8 channel …`"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from openopen8.commands import secret
from openopen8.commands.answer import Answer, every, listed
from openopen8.commands.verb import noun, verb
from openopen8.core.errors import invalid
from openopen8.core.rules.outbound import shown_proxy
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.rules.routing import ENDPOINTS
from openopen8.core.services import channels
from openopen8.core.services.channel_fields import ChannelFields
from openopen8.core.services.forms import read
from openopen8.core.tools import Tools

_COLUMNS = {
    "name": "name",
    "type": "type",
    "address": "base_url",
    "models": "models",
    "groups": "groups",
    "priority": "priority",
    "weight": "weight",
    "status": "status",
    "reason": "reason",
}


def add_to(nouns: Any) -> None:
    verbs = noun(nouns, "channel", "upstream providers")
    create = verb(verbs, "create", "connect an upstream provider", _create)
    create.add_argument("name")
    create.add_argument("--type", default="openai-compatible", help=", ".join(ENDPOINTS))
    create.add_argument("--base-url", required=True, metavar="URL", help="with or without /v1")
    create.add_argument("--models", required=True, metavar="A,B", help="public names of the models that it serves")
    create.add_argument("--groups", metavar="A,B", help="groups that it serves (default)")
    create.add_argument("--priority", type=int, help="the highest is tried first")
    create.add_argument("--weight", type=int, help="share among channels of the same priority")
    create.add_argument("--proxy", default="", metavar="URL", help="http, https, socks5 or socks5h, without a password")
    create.add_argument("--http2", action="store_true", help="for a host that speaks HTTP/2 only")
    create.add_argument("--key-stdin", action="store_true", help="read the key, or one a line, from standard input")
    verb(verbs, "list", "list the channels", _list)
    test = verb(verbs, "test", "ask one of a channel's models a short question; exit code 1 when it fails", _test)
    test.add_argument("name")
    test.add_argument("--model", default="", help="one of its models")
    for name, help, work in (
        ("disable", "stop using a channel", _disable),
        ("enable", "use a channel again", _enable),
    ):
        verb(verbs, name, help, work).add_argument("name")


def _create(tools: Tools, given: argparse.Namespace) -> Answer:
    values: dict[str, Any] = {"name": given.name, "type": given.type, "base_url": given.base_url}
    values |= {"models": given.models, "keys": secret.keys(given.key_stdin)}
    values |= {"proxy": _plain(given.proxy), "http2": given.http2}
    if given.groups is not None:
        values["groups"] = [name.strip() for name in given.groups.split(",") if name.strip()]
    values |= {name: getattr(given, name) for name in ("priority", "weight") if getattr(given, name) is not None}
    channel = channels.create(tools, COMMAND_LINE, read(ChannelFields, values))
    return Answer(channel, f"Made channel {channel.name} for {', '.join(channel.models)}.")


def _plain(proxy: str) -> str:
    if shown_proxy(proxy) != proxy:  # arguments are seen by all who may list processes
        raise invalid(
            "A proxy's password has no place in a command: set it on the Channels page or by the API.", "proxy"
        )
    return proxy


def _list(tools: Tools, _given: argparse.Namespace) -> Answer:
    return listed(every(lambda page, size: channels.find(tools, COMMAND_LINE, page=page, page_size=size)), _COLUMNS)


def _test(tools: Tools, given: argparse.Namespace) -> Answer:
    from relay import probe  # here, so that other commands do not load the relay

    channel = channels.named(tools, COMMAND_LINE, given.name)
    result = asyncio.run(probe.test_channel(tools, channel.id, given.model))
    channels.record_test(tools, channel.id, result.as_dict())
    told = f"{result.model}: {result.answer!r} after {result.latency_ms:,} ms" if result.ok else result.error
    return Answer(result, f"{'ok' if result.ok else 'FAIL'}  {told}", code=0 if result.ok else 1)


def _disable(tools: Tools, given: argparse.Namespace) -> Answer:
    return _switch(tools, given, False)


def _enable(tools: Tools, given: argparse.Namespace) -> Answer:
    return _switch(tools, given, True)


def _switch(tools: Tools, given: argparse.Namespace, enabled: bool) -> Answer:
    channel = channels.named(tools, COMMAND_LINE, given.name)
    channels.set_enabled(tools, COMMAND_LINE, [channel.id], enabled)
    channel = channels.get(tools, COMMAND_LINE, channel.id)
    return Answer(channel, f"Channel {channel.name} is {channel.status}.")
