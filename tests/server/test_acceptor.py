"""Several workers on one listening socket: who gets a connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from openopen8.server.acceptor import Acceptor
from openopen8.server.seats import SEATS, Seat, Seats

BURST = 48


class Worker:
    """An acceptor that keeps its connections open; all share one loop here, as they share one socket."""

    def __init__(self, listener: socket.socket, seats: Seats) -> None:
        self.open: set[asyncio.BaseTransport] = set()
        self.seat = Seat(seats.fileno(), seats.take())
        self.acceptor = Acceptor(listener.dup(), lambda: _Held(self), lambda: len(self.open), self.seat)
        self.acceptor.open()


class _Held(asyncio.Protocol):
    def __init__(self, worker: Worker) -> None:
        self._open = worker.open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._open.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self._transport)


@pytest.fixture
async def listener() -> AsyncIterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


async def dial(listener: socket.socket, times: int) -> list[socket.socket]:
    """So many connections at once; they wait in the queue until somebody takes them."""
    return [socket.create_connection(listener.getsockname()) for _ in range(times)]


async def until(condition: object) -> None:
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("many", [2, 3])
async def test_a_burst_is_shared_evenly(listener: socket.socket, many: int) -> None:
    seats = Seats()
    workers = [Worker(listener, seats) for _ in range(many)]
    callers = await dial(listener, BURST)
    await until(lambda: sum(len(worker.open) for worker in workers) == BURST)
    assert all(abs(len(worker.open) - BURST // many) <= 2 for worker in workers)
    end(workers, callers)


async def test_a_new_worker_gets_connections_until_it_has_as_many_as_the_others(listener: socket.socket) -> None:
    seats = Seats()
    first = Worker(listener, seats)
    callers = await dial(listener, 10)
    await until(lambda: len(first.open) == 10)
    second = Worker(listener, seats)
    callers += await dial(listener, 10)
    await until(lambda: len(first.open) + len(second.open) == 20)
    assert 8 <= len(second.open) <= 10
    end([first, second], callers)


async def test_a_worker_that_hangs_keeps_nobody_waiting(listener: socket.socket) -> None:
    seats = Seats()
    Seat(seats.fileno(), seats.take()).have(0)  # takes none, whatever waits
    worker = Worker(listener, seats)
    callers = await dial(listener, BURST)
    await until(lambda: len(worker.open) == BURST)
    end([worker], callers)


async def test_a_worker_that_leaves_or_dies_is_not_waited_for(listener: socket.socket) -> None:
    seats = Seats()
    dead = seats.take()
    Seat(seats.fileno(), dead).have(0)
    worker, other = Worker(listener, seats), Worker(listener, seats)
    assert worker.seat.fewest_of_others() == 0
    seats.give_back(dead)
    other.seat.have(3)
    assert worker.seat.fewest_of_others() == 3
    other.acceptor.close()
    other.acceptor.tell()
    assert worker.seat.fewest_of_others() > BURST
    end([worker], [])


async def test_what_waits_when_a_worker_leaves_is_for_the_others(listener: socket.socket) -> None:
    seats = Seats()
    first, second = Worker(listener, seats), Worker(listener, seats)
    callers = await dial(listener, BURST)
    await until(lambda: len(first.open) > 5)
    first.acceptor.close()
    had = first.acceptor.count
    callers += await dial(listener, BURST)
    await until(lambda: len(first.open) + len(second.open) == 2 * BURST)
    assert len(first.open) <= had
    end([second], callers)


def test_there_are_seats_for_all_workers_twice_over() -> None:
    seats = Seats()
    assert len({seats.take() for _ in range(2 * 64)}) == 128
    assert SEATS >= 128


def end(workers: list[Worker], callers: list[socket.socket]) -> None:
    for worker in workers:
        worker.acceptor.close()
        for transport in worker.open:
            transport.close()
    for caller in callers:
        caller.close()
