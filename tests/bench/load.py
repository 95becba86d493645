"""The load generator: one epoll loop over raw sockets, so that the servers wait for it as little as possible."""

from __future__ import annotations

import gc
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from tests.bench.reading import Reading

Request = tuple[bytes, bytes]
"""Head and body, as they go over the wire."""
Meter = Callable[[], float]
"""CPU seconds so far."""
READ = 65_536
"""Bytes at once; a buffer beyond 128 kB costs a system call to get and one to give back, four times the read itself."""
PATIENCE = 30.0
"""Seconds after the end for the answers that are under way."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask, of whom, how many at once and for how long."""

    port: int
    requests: Sequence[Request]
    """Sent in turn, from the first again after the last."""
    connections: int
    seconds: float
    warm_up: float = 0.3
    """Seconds before those that count; the connections begin spread over them."""
    rate: float = 0
    """Requests a second in all, by the clock, however slow the answers; 0 = each as soon as its connection is free."""
    count: int = 0
    """End after so many requests, if they come before the time."""
    size: int = 0
    """The least that the body of a whole answer has."""
    words: int = 0
    """So many are in each stream."""
    mark: bytes = b""
    """Stands in the end of each stream."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it; times in ms. ``cpu`` has microseconds an answer by meter, ``busy`` the share of a core."""

    answers: int
    """In the time that counts."""
    seconds: float
    p50: float
    p99: float
    first_p50: float
    """Until the first bytes of an answer."""
    first_p99: float
    total: int
    """Answers that came whole, before and after that time included."""
    cpu: Mapping[str, float] = field(default_factory=dict)
    busy: Mapping[str, float] = field(default_factory=dict)
    faults: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.answers / self.seconds if self.seconds else 0.0

    @property
    def failures(self) -> int:
        return sum(self.faults.values())


@dataclass(eq=False, slots=True)
class Caller:
    """One connection with at most one request under way."""

    socket: socket.socket
    reading: Reading
    began: float = 0
    first: float = 0
    unsent: bytes = b""


class Run:
    """One load while it runs."""

    def __init__(self, load: Load, meters: Mapping[str, Meter]) -> None:
        self._load = load
        self._meters = {**meters, "load": time.process_time}
        self._requests: Iterator[Request] = cycle(load.requests)
        self._left = load.count or 1 << 60
        self._epoll = select.epoll()
        self._callers: dict[int, Caller] = {}
        self._free: deque[Caller] = deque()
        self._queue: deque[float] = deque()
        """Requests that were due while no connection was free, by the time at which they were."""
        self._times: list[float] = []
        self._firsts: list[float] = []
        self._faults: Counter[str] = Counter()
        self._marks: list[tuple[float, int, dict[str, float]]] = []

    def run(self) -> Figures:
        load = self._load
        start = time.perf_counter()
        begin, end = start + load.warm_up, start + load.warm_up + load.seconds
        opening = _spread(start, load.warm_up, load.connections)
        due = start
        pause = 1 / load.rate if load.rate else 0
        now = start
        while now < end and (self._left > 0 or len(self._free) < len(self._callers)):
            while opening and opening[0] <= now:
                opening.popleft()
                self._next(self._connect(), now)
            while pause and due <= now:
                self._due(due)
                due += pause
            if not self._marks and now >= begin:
                self._mark(now)
            soonest = min(opening[0] if opening else end, due if pause else end, end)
            self._handle(self._events(soonest - now if opening or pause else 0.05))
            now = time.perf_counter()
        self._mark(now)
        self._drain()
        return self._figures()

    def _events(self, wait: float) -> list[tuple[int, int]]:
        if self._load.rate:  # epoll waits in whole milliseconds
            select.select([self._epoll.fileno()], (), (), max(0.0, wait))
            return self._epoll.poll(0)
        return self._epoll.poll(max(0.0, wait))

    def _handle(self, events: list[tuple[int, int]]) -> None:
        callers = self._callers
        for number, event in events:
            caller = callers.get(number)
            if caller is None:
                continue
            if event & select.EPOLLOUT:
                self._send(caller, caller.unsent)
                continue
            try:
                data = caller.socket.recv(READ)
            except OSError:
                data = b""
            now = time.perf_counter()
            if not data:
                self._lost(caller, now)
                continue
            self._heard(caller, data, now)

    def _heard(self, caller: Caller, data: bytes, now: float) -> None:
        if not caller.first:
            caller.first = now
        if caller.reading.feed(data):
            self._answered(caller, now)

    def _answered(self, caller: Caller, now: float) -> None:
        reading = caller.reading
        if reading.fault:
            self._faults[reading.fault] += 1
        else:
            self._times.append(now - caller.began)
            self._firsts.append(caller.first - caller.began)
        self._next(caller, now)

    def _next(self, caller: Caller, now: float) -> None:
        """Ask again, or wait for the next request that is due."""
        caller.began = 0
        if self._load.rate:
            if not self._queue:
                self._free.append(caller)
                return
            now = self._queue.popleft()
        self._ask(caller, now)

    def _due(self, due: float) -> None:
        if self._free:
            self._ask(self._free.popleft(), due)
        elif self._callers:
            self._queue.append(due)

    def _ask(self, caller: Caller, began: float) -> None:
        if self._left <= 0:
            self._free.append(caller)
            return
        self._left -= 1
        caller.began, caller.first = began, 0
        caller.reading.reset()
        head, body = next(self._requests)
        self._send(caller, head + body)

    def _send(self, caller: Caller, data: bytes) -> None:
        try:
            sent = caller.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # reading from it will say so
        if sent < len(data) or caller.unsent:
            caller.unsent = data[sent:]
            out = select.EPOLLOUT if caller.unsent else 0
            self._epoll.modify(caller.socket, select.EPOLLIN | out)

    def _connect(self) -> Caller:
        connection = socket.create_connection(("127.0.0.1", self._load.port))
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        caller = Caller(connection, Reading(self._load.size, self._load.words, self._load.mark))
        self._callers[connection.fileno()] = caller
        self._epoll.register(connection, select.EPOLLIN)
        return caller

    def _lost(self, caller: Caller, now: float) -> None:
        if caller.began:
            self._faults["lost"] += 1
        else:
            self._free.remove(caller)
        self._close(caller)
        self._next(self._connect(), now)

    def _close(self, caller: Caller) -> None:
        number = caller.socket.fileno()
        self._epoll.unregister(number)
        del self._callers[number]
        caller.socket.close()

    def _mark(self, now: float) -> None:
        self._marks.append((now, len(self._times), {name: meter() for name, meter in self._meters.items()}))

    def _drain(self) -> None:
        """Answers that are under way count no more, but are read to their end, so that nothing is cut."""
        self._left = 0
        self._queue.clear()
        latest = time.perf_counter() + PATIENCE
        while any(caller.began for caller in self._callers.values()) and time.perf_counter() < latest:
            self._handle(self._epoll.poll(0.05))
        self._faults["unanswered"] += sum(bool(caller.began) for caller in self._callers.values())
        for caller in list(self._callers.values()):
            self._close(caller)
        self._epoll.close()

    def _figures(self) -> Figures:
        began, before, spent = self._marks[0]
        ended, after, total = self._marks[-1]
        seconds, answers = ended - began, after - before
        spent = {name: total[name] - spent[name] for name in total}
        times, firsts = sorted(self._times[before:after]), sorted(self._firsts[before:after])
        return Figures(
            answers,
            seconds,
            at(times, 0.5),
            at(times, 0.99),
            at(firsts, 0.5),
            at(firsts, 0.99),
            len(self._times),
            {name: value / max(answers, 1) * 1e6 for name, value in spent.items()},
            {name: value / seconds if seconds else 0.0 for name, value in spent.items()},
            {name: count for name, count in self._faults.items() if count},
        )


def run_load(load: Load, meters: Mapping[str, Meter] | None = None) -> Figures:
    """Run ``load``; ``meters`` are read where the time that counts begins and where it ends."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return Run(load, meters or {}).run()
    finally:
        if collecting:
            gc.enable()


def at(ordered: Sequence[float], share: float) -> float:
    """A quantile in ms, of times in seconds."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


def _spread(start: float, seconds: float, count: int) -> deque[float]:
    return deque(start + seconds * 0.8 * number / count for number in range(count))


def post(path: str, body: bytes, headers: Mapping[str, str]) -> Request:
    """One POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode(), body
