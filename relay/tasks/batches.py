"""Follows a batch: how far it is, and when it has ended, what it has used."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from openopen8.core.models import Task
from openopen8.core.rules.pricing import UNPRICED, Price, price_at
from openopen8.core.services import tasks
from openopen8.core.services.snapshot import load_snapshot
from openopen8.core.tools import Tools
from relay.formats.vendor import message_of
from relay.tasks import results
from relay.tasks.batching import BATCHINGS
from relay.tasks.errands import answered
from relay.tasks.paperwork import entry_of
from relay.tasks.place import Place, place_of
from relay.tasks.vendor import Errand
from relay.upstream import Failure, Upstream


async def follow(tools: Tools, upstream: Upstream, task: Task) -> None:
    """One look. Raises Failure, or Problem for a channel that is there no more."""
    place = await place_of(tools, task)
    of = BATCHINGS[task.kind]
    status, fields = await answered(upstream, place.sent(of.look(task)))
    if not 200 <= status < 300:
        raise Failure("status", message_of(fields) or "The provider gave no reason.", status)
    news = of.news(fields)
    if news.state not in tasks.ENDED:
        if tools.now() >= task.expires_at:
            raise Failure("other", "The batch does not end.")
        await asyncio.to_thread(tasks.heard, tools, task.id, news, tools.now())
        return
    found = await _read(place, upstream, task, of.output(task, fields))
    for answer in of.inline(fields):
        found.add(answer)
    now = tools.now()
    details = {"answers": found.answered, **({"without_usage": found.uncounted} if found.uncounted else {})}
    entry = entry_of(task, of.endpoint, found.total(), now, details)
    await asyncio.to_thread(tasks.finished, tools, task.id, news, entry, found.receipt(), of.files(task, fields, now))


async def _read(place: Place, upstream: Upstream, task: Task, output: Errand | None) -> results.Results:
    """What the results come to; nothing where there are none."""
    price, ratio = await asyncio.to_thread(_price, place.tools, task), Decimal(task.request.get("ratio", "1"))
    url = str(task.request.get("url"))
    if output is None:
        return results.Results(url, price, ratio, asyncio.get_running_loop().create_future())
    answer = await upstream.send(place.sent(output))
    try:
        if answer.status != 200:
            raise Failure("status", "The provider does not give the results.", answer.status)
        return await results.read(answer, url, price, ratio)
    finally:
        answer.close()


def _price(tools: Tools, task: Task) -> Price:
    """The row that held when the batch was made; the one that holds now where that is gone."""
    rows = load_snapshot(tools).prices.get(task.model, ())
    made = next((row for row in rows if row.id == task.request.get("price")), None)
    return made or price_at(rows, tools.now()) or UNPRICED
