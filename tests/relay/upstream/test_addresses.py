"""Which address is called: looked up once for each connection, judged, and the very one that was judged. (P8)"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from relay.upstream import FastUpstream, HttpxUpstream
from relay.upstream.dialer import first
from relay.upstream.guard import by_turns
from tests.conftest import settings_for
from tests.fakes.raw import RawServer, always
from tests.relay.upstream.asking import ask, failing
from tests.relay.upstream.conftest import Open

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
METADATA = "169.254.169.254"
Looks = list[str]


def names(*answers: Sequence[str]) -> tuple[Callable[[str, int], object], Looks]:
    """A resolver that gives these answers by turns, the last one from then on; and the names it was asked for."""
    looks: Looks = []

    async def resolve(host: str, port: int) -> list[str]:
        looks.append(host)
        return list(answers[min(len(looks), len(answers)) - 1])

    return resolve, looks


FORBIDDEN = [
    [METADATA], ["0.0.0.0"], ["fe80::1"], ["fe80::1%lo"], ["::ffff:169.254.169.254"], ["64:ff9b::a9fe:a9fe"],
    [METADATA, "fd00:ec2::254"], ["not an address"], [],
]  # fmt: skip


@pytest.mark.parametrize("found", FORBIDDEN, ids=[",".join(row) or "nothing" for row in FORBIDDEN])
async def test_a_name_that_leads_to_forbidden_addresses_is_not_called(open: Open, found: list[str]) -> None:
    resolve, looks = names(found)
    failure = await failing(open(resolve=resolve), "http://innocent.test")
    assert failure.kind == "unreachable" and "innocent" not in failure.message and looks == ["innocent.test"]


async def test_private_addresses_are_called_only_where_that_is_allowed(open: Open) -> None:
    resolve, _ = names(["127.0.0.1"])
    async with RawServer(always(FINE)) as server:
        url = f"http://innocent.test:{server.port}"
        assert (await failing(open(resolve=resolve, allow_private_upstreams=False), url)).kind == "unreachable"
        assert server.made == 0
        assert await ask(open(resolve=resolve), url) == (200, b"ok")


async def test_only_the_allowed_ones_of_a_mixed_list_are_called(open: Open) -> None:
    resolve, _ = names([METADATA, "fe80::1", "127.0.0.1", "0.0.0.0"])
    async with RawServer(always(FINE)) as server:
        assert await ask(open(resolve=resolve), f"http://innocent.test:{server.port}") == (200, b"ok")


async def test_a_name_that_changes_between_two_looks_gains_nothing(open: Open) -> None:
    """The address that was judged is the one that is called: there is one look for each connection."""
    resolve, looks = names(["127.0.0.1"], [METADATA])
    upstream = open(resolve=resolve)
    async with RawServer(always(FINE.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))) as server:
        url = f"http://innocent.test:{server.port}"
        assert await ask(upstream, url) == (200, b"ok")
        assert looks == ["innocent.test"]
        assert (await failing(upstream, url)).kind == "unreachable"
        assert len(looks) == 2 and server.made == 1


async def test_a_new_address_counts_for_the_next_connection(open: Open) -> None:
    resolve, looks = names(["127.0.0.1"], ["127.0.0.2"])
    upstream = open(resolve=resolve)
    async with RawServer(always(FINE.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))) as server:
        url = f"http://moving.test:{server.port}"
        assert await ask(upstream, url) == (200, b"ok")
        assert (await failing(upstream, url)).kind == "unreachable"
        assert len(looks) == 2


async def test_many_who_connect_at_once_share_a_look(open_fast: Callable[..., FastUpstream]) -> None:
    looks, go = [], asyncio.Event()

    async def resolve(host: str, port: int) -> list[str]:
        looks.append(host)
        await go.wait()
        return ["127.0.0.1"]

    upstream = open_fast(resolve=resolve)
    async with RawServer(always(FINE)) as server:
        asked = [asyncio.ensure_future(ask(upstream, f"http://busy.test:{server.port}")) for _ in range(20)]
        while not looks:
            await asyncio.sleep(0)
        asked[0].cancel()
        await asyncio.gather(asked[0], return_exceptions=True)
        go.set()
        assert await asyncio.gather(*asked[1:]) == [(200, b"ok")] * 19
        assert looks == ["busy.test"]


@pytest.mark.parametrize("kind", [FastUpstream, HttpxUpstream])
async def test_a_resolver_that_fails_is_a_failure(kind: type[FastUpstream], tmp_path: object) -> None:
    for error in (OSError("no such name"), UnicodeError("label too long")):

        async def resolve(host: str, port: int, error: Exception = error) -> list[str]:
            raise error

        upstream = kind(settings_for(tmp_path), resolve=resolve)  # type: ignore[arg-type]
        assert (await failing(upstream, "http://unknown.test")).kind == "unreachable"
        await upstream.close()


async def test_the_second_address_is_called_when_the_first_refuses(open: Open) -> None:
    resolve, _ = names(["127.0.0.9", "127.0.0.1"])
    async with RawServer(always(FINE)) as server:
        assert await ask(open(resolve=resolve), f"http://two.test:{server.port}") == (200, b"ok")


def test_families_are_called_by_turns_beginning_with_the_first() -> None:
    assert by_turns(["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"]) == ["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]
    assert by_turns(["1.1.1.1", "2.2.2.2", "::1"]) == ["1.1.1.1", "::1", "2.2.2.2"]
    assert by_turns(["1.1.1.1"]) == ["1.1.1.1"]


class Attempts:
    """Attempts that go as they are told: ``fine``, ``refused``, ``hangs``."""

    def __init__(self, **fates: str) -> None:
        self.fates = fates
        self.begun: list[str] = []
        self.given_up: list[str] = []
        self.cut_ones: list[str] = []

    async def __call__(self, name: str) -> Made:
        self.begun.append(name)
        try:
            if self.fates[name] == "hangs":
                await asyncio.sleep(3600)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.given_up.append(name)
            raise
        if self.fates[name] == "refused":
            raise ConnectionRefusedError
        return Made(name, self)


class Made:
    def __init__(self, name: str, attempts: Attempts) -> None:
        self.name = name
        self.attempts = attempts

    def cut(self) -> None:
        self.attempts.cut_ones.append(self.name)


async def test_a_first_address_that_answers_is_the_only_one_called() -> None:
    attempts = Attempts(a="fine", b="fine")
    assert (await first("ab", attempts)).name == "a" and attempts.begun == ["a"]


async def test_a_refusal_lets_the_next_one_begin_at_once() -> None:
    attempts = Attempts(a="refused", b="refused", c="fine")
    assert (await first("abc", attempts, head_start=3600)).name == "c"


async def test_one_that_hangs_is_overtaken_and_given_up() -> None:
    attempts = Attempts(a="hangs", b="hangs", c="fine")
    assert (await first("abc", attempts, head_start=0.01)).name == "c"
    await asyncio.sleep(0)
    assert set(attempts.given_up) == {"a", "b"}


async def test_two_that_answer_at_the_same_moment_leave_one() -> None:
    attempts = Attempts(a="fine", b="fine", c="fine")
    found = await first("abc", attempts, head_start=0)
    for _ in range(3):
        await asyncio.sleep(0)
    assert sorted([found.name, *attempts.cut_ones, *attempts.given_up]) == sorted(attempts.begun)


async def test_when_none_answers_the_last_error_is_told() -> None:
    for names_of in ("a", "ab"):
        with pytest.raises(ConnectionRefusedError):
            await first(names_of, Attempts(a="refused", b="refused"))


async def test_giving_up_gives_up_all_attempts() -> None:
    attempts = Attempts(a="hangs", b="hangs")
    task = asyncio.ensure_future(first("ab", attempts, head_start=0.001))
    while len(attempts.begun) < 2:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert attempts.given_up == ["a", "b"] or set(attempts.given_up) == {"a", "b"}
