"""Bodies that are too large for memory."""

from __future__ import annotations

from relay.spool import Edited, Spool
from relay.upstream import Body
from tests.fakes.raw import Peer, RawServer
from tests.relay.upstream.asking import ask, failing
from tests.relay.upstream.conftest import Open


class Keeping:
    """Keeps what it is sent."""

    body = b""

    async def __call__(self, peer: Peer) -> None:
        self.body = (await peer.request()).body
        await peer.answer()
        await peer.left()


def spooled(data: bytes) -> Spool:
    spool = Spool()
    spool.write(data)
    return spool


async def test_a_body_that_lies_on_disk_is_sent_whole_with_its_edit(open: Open) -> None:
    body: Body = Edited(spooled(b"a" * 3_000_000), 1_000_000, 2_000_000, b"b")
    script = Keeping()
    async with RawServer(script) as server:
        for _ in range(2):
            assert await ask(open(), server.url, body) == (200, b"ok")
            assert script.body == b"a" * 1_000_000 + b"b" + b"a" * 1_000_000


async def test_a_body_that_can_not_be_read_any_more_is_a_failure(open: Open) -> None:
    spool = spooled(b"a" * 3_000_000)
    spool.close()
    async with RawServer(Keeping()) as server:
        assert (await failing(open(), server.url, spool)).kind in ("other", "broken")
