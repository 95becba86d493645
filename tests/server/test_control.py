"""How the command reaches the server, and how it knows that there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openopen8.core.errors import Problem
from openopen8.server.control import FILE, ask_to_reload, reachable
from openopen8.server.reloads import Outcome, Reloads

DONE = Outcome(True, "Reloaded.", workers=2, leaving=1)


class Server:
    """Reloads in two steps, when it is let."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.let = asyncio.Event()
        self.reloads = Reloads(self._once, lambda line: None)

    async def _once(self) -> Outcome:
        self.reloads.step("one")
        await self.let.wait()
        self.reloads.step("two")
        return DONE

    @asynccontextmanager
    async def running(self, data: Path) -> AsyncIterator[str]:
        async with reachable(data, self.folder, self.reloads) as hindrance:
            yield hindrance


def asking(data: Path, steps: list[str]) -> asyncio.Task[Outcome]:
    return asyncio.create_task(asyncio.to_thread(ask_to_reload, data, steps.append))


async def test_who_asks_hears_each_step_and_the_outcome(tmp_path: Path) -> None:
    server, steps = Server(tmp_path / "run"), list[str]()
    async with server.running(tmp_path / "data") as hindrance:
        assert hindrance == ""
        asked = asking(tmp_path / "data", steps)
        async with asyncio.timeout(10):
            while steps != ["one"]:
                await asyncio.sleep(0.01)
        server.let.set()
        assert await asked == DONE
    assert steps == ["one", "two", "Reloaded."]


async def test_a_file_that_was_left_behind_is_no_server(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="No server runs on"):
        await asking(tmp_path, [])
    (tmp_path / FILE).write_text('{"pid": 1, "control": "/tmp/nowhere"}')
    with pytest.raises(Problem, match="No server runs on"):
        await asking(tmp_path, [])


async def test_a_second_server_on_the_same_data_says_that_it_is_out_of_reach(tmp_path: Path) -> None:
    first, second = Server(tmp_path / "first"), Server(tmp_path / "second")
    first.let.set()
    async with first.running(tmp_path) as clear, second.running(tmp_path) as hindrance:
        assert (clear, hindrance) == ("", "another server runs on this DATA_DIR")
        assert await asking(tmp_path, []) == DONE
    async with second.running(tmp_path) as clear:
        assert clear == ""


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    async with Server(tmp_path / "run").running(tmp_path) as hindrance:
        assert hindrance == f"{tmp_path / FILE} can't be written: Is a directory"


async def test_a_server_that_ends_meanwhile_is_told(tmp_path: Path) -> None:
    server, steps = Server(tmp_path / "run"), list[str]()
    async with server.running(tmp_path):
        asked = asking(tmp_path, steps)
        async with asyncio.timeout(10):
            while not steps:
                await asyncio.sleep(0.01)
        await server.reloads.stop()
        with pytest.raises(Problem, match="ended before it had reloaded"):
            await asked


async def test_a_server_of_another_container_is_told(tmp_path: Path) -> None:
    server = Server(tmp_path / "run")
    async with server.running(tmp_path):
        (tmp_path / "run" / "control").unlink()
        with pytest.raises(Problem, match="out of reach"):
            await asking(tmp_path, [])
