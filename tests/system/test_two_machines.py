"""Two servers with their own data folders and ports on one PostgreSQL, as on two machines."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from openopen8.core.models import Hold
from tests.fakes.upstream import whole
from tests.server.processes import Server, command, until
from tests.system.installation import Heard, Installation, calling
from tests.system.test_crash import endless


@contextmanager
def machines(installation: Installation, workers: int = 2) -> Iterator[tuple[Server, Server]]:
    folders = [installation.folder / name for name in ("one", "two")]
    with (
        installation.serve(workers, DATA_DIR=str(folders[0])) as one,
        installation.serve(workers, DATA_DIR=str(folders[1])) as two,
    ):
        assert one.address != two.address
        yield one, two


async def ask(server: Server, value: str, times: int = 1) -> list[Heard]:
    async with calling(server.address, value) as caller:
        return list(await asyncio.gather(*(caller.chat() for _ in range(times))))


async def test_a_change_at_one_counts_at_the_other_and_a_limit_holds_for_both_together(
    postgres_installation: Installation,
) -> None:
    installation = postgres_installation
    installation.fake.script(whole())
    id, value = installation.token(name="shared")
    _, limited = installation.token(rate_limit=60)
    with machines(installation) as (one, two):
        for server, other in ((one, two), (two, one)):
            assert [heard.status for heard in await ask(server, value, 4)] == [200] * 4
            assert command(other, "token", "disable", str(id)).returncode == 0
            assert {heard.code for heard in await ask(server, value, 4)} == {"token_disabled"}
            assert command(other, "token", "enable", str(id)).returncode == 0
        before = len(installation.fake.chats)
        heard = [h for part in await asyncio.gather(ask(one, limited, 60), ask(two, limited, 60)) for h in part]
    assert sorted(h.status for h in heard) == [200] * 60 + [429] * 60
    assert len(installation.fake.chats) - before == 60
    installation.world.audit()


async def test_what_a_killed_one_held_is_settled_by_the_other(postgres_installation: Installation) -> None:
    installation = postgres_installation
    installation.fake.script(endless)
    _, value = installation.token()
    with machines(installation) as (one, two):
        async with calling(one.address, value) as caller, calling(two.address, value) as other:
            cut = [asyncio.create_task(caller.chat(stream=True)) for _ in range(10)]
            going_on = asyncio.create_task(other.chat(stream=True))
            await asyncio.to_thread(until, lambda: progressed(installation) == 11)
            one.end(signal.SIGKILL)
            heard = await asyncio.gather(*cut)
            await asyncio.to_thread(until, lambda: len(installation.world.all(Hold)) == 1, lambda: two.text)
            assert not going_on.done()
            going_on.cancel()
        await asyncio.to_thread(until, lambda: not installation.world.all(Hold))
        log = {entry.request_id: entry for entry in installation.world.log()}
        for cut_off in heard:
            entry = log[cut_off.request_id]
            assert entry.error.startswith("interrupted") and entry.output_tokens > 0
        assert len(log) == 11
        installation.world.audit()


def progressed(installation: Installation) -> int:
    return sum(hold.progress is not None for hold in installation.world.all(Hold))
