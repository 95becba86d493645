"""The processes of `openopen8 serve`, as the operating system sees them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from openopen8.server.compiler import compile_dashboard
from tests.server.processes import Server, environment, serving, until


@pytest.fixture(scope="module")
def compiled() -> None:
    """The dashboard of this checkout; quick when it is compiled already."""
    compile_dashboard(print)


def healthy(address: str) -> bool:
    try:
        return httpx.get(address + "/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_it_serves_says_where_and_ends_cleanly(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard", "--workers", "2") as server:
        assert healthy(server.address)
        assert len(server.part("relay")) == 2
        status = httpx.get(server.address + "/api/status", trust_env=False).json()
        assert status["setup_needed"] is True
        assert server.text.rstrip().splitlines()[-1] == f"OpenOpen8 is ready, without a dashboard: {server.address}"
        assert server.end() == 0
        assert server.family() == []
        assert "Traceback" not in server.text
        assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_without_a_dashboard_there_are_api_and_relay_alone(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard") as server:
        assert healthy(server.address)
        for path in ("/", "/tokens", "/login"):
            answer = httpx.get(server.address + path, trust_env=False)
            assert (answer.status_code, answer.text) == (404, "This server has no dashboard.")
        with pytest.raises(InvalidStatus) as refused, events(server.address):
            pass
        assert refused.value.response.status_code == 404
        assert server.part("dashboard") == []


def test_a_killed_worker_comes_back_and_the_other_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard", "--workers", "2") as server:
        assert healthy(server.address)
        killed, other = server.part("relay")
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(server.part("relay")) == 2, lambda: server.text)
        assert killed not in server.part("relay")
        assert other in server.part("relay")
        until(lambda: healthy(server.address), lambda: server.text)
        assert "relay-" in server.text
        assert "ended (signal 9); starting it again" in server.text


def test_a_burst_of_connections_is_shared_by_the_workers(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard", "--workers", "3") as server:
        port = int(server.address.rpartition(":")[2])
        with contextlib.ExitStack() as kept:
            for _ in range(48):
                kept.enter_context(socket.create_connection(("127.0.0.1", port)))
            until(lambda: sum(connections_of(server, port).values()) >= 48)
            shares = connections_of(server, port)
            # exact but for one that was taken while the counts were read, and the server's own
            assert all(14 <= share <= 19 for share in shares.values()), shares


def connections_of(server: Server, port: int) -> dict[int, int]:
    """How many callers each relay worker has."""
    found = {}
    for pid in server.part("relay"):
        connections = psutil.Process(pid).net_connections("tcp")
        found[pid] = sum(c.status == psutil.CONN_ESTABLISHED and c.laddr.port == port for c in connections)
    return found


def test_nothing_is_left_running_when_the_server_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard", "--workers", "2") as server:
        port = int(server.address.rpartition(":")[2])
        assert len(server.part("relay")) == 2
        server.end(signal.SIGKILL)
        until(lambda: server.family() == [], lambda: server.text)
        with socket.create_server(("127.0.0.1", port)):
            pass  # the port is free


def test_sigint_ends_it_too(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard") as server:
        assert healthy(server.address)
        assert server.end(signal.SIGINT) == 0
        assert server.family() == []


def test_a_port_in_use_is_one_plain_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "serve", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"openopen8: Port {port} on 127.0.0.1 is in use")
    assert len(done.stderr.splitlines()) == 1


def test_another_secret_key_is_one_plain_line(tmp_path: Path) -> None:
    assert run(tmp_path, "migrate").returncode == 0
    done = run(tmp_path, "serve", "--port", "0", SECRET_KEY="another secret key, long enough")
    assert done.returncode == 1
    assert done.stderr.startswith("openopen8: This database was made with another secret key.")
    assert "another secret key, long" not in done.stderr


def test_a_server_for_others_shows_a_set_up_code_in_its_terminal(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard", "--host", "0.0.0.0") as server:
        status = httpx.get(server.address + "/api/status", trust_env=False).json()
        assert (status["setup_needed"], status["code_needed"]) == (True, True)
        line = next(line for line in server.text.splitlines() if line.startswith("Set-up code"))
        account = {"username": "ann", "password": "a long password", "code": "WRONG-CODE"}
        here = {"origin": server.address}
        assert post(server.address, account, here).status_code == 403
        answer = post(server.address, account | {"code": line.rpartition(": ")[2]}, here)
        assert answer.status_code < 300, answer.text


def test_the_env_file_of_the_folder_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATA_DIR=elsewhere\nWORKERS=2\n")
    variables = environment(tmp_path)
    del variables["DATA_DIR"]
    done = subprocess.run(
        [sys.executable, "-m", "openopen8", "migrate"], cwd=tmp_path, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "elsewhere" / "openopen8.db").exists()


def post(address: str, account: dict[str, str], headers: dict[str, str]) -> httpx.Response:
    return httpx.post(address + "/api/setup", json=account, headers=headers, trust_env=False)


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "openopen8", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(folder, **more), capture_output=True, text=True, timeout=60
    )


def test_a_killed_dashboard_comes_back_and_the_relay_goes_on(tmp_path: Path, compiled: None) -> None:
    with serving(tmp_path) as server:
        with events(server.address) as tab:
            assert tab.recv().startswith("0{")  # type: ignore[arg-type]
            (killed,) = server.part("dashboard")
            os.kill(killed, signal.SIGKILL)
            assert healthy(server.address)
            with pytest.raises(ConnectionClosed) as closed:
                tab.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        # the next one waits in the queue until the new process takes it
        until(lambda: server.part("dashboard"), lambda: server.text)
        with events(server.address) as tab:
            assert tab.recv().startswith("0{")  # type: ignore[arg-type]
        assert server.part("dashboard") != [killed]
        assert server.end() == 0
        assert server.family() == []


def test_the_dashboard_ends_with_a_killed_server_and_leaves_nothing_behind(tmp_path: Path, compiled: None) -> None:
    (tmp_path / "tmp").mkdir()
    with serving(tmp_path, TMPDIR=str(tmp_path / "tmp")) as server:
        assert httpx.get(server.address + "/login", trust_env=False).status_code == 200
        assert len(server.part("dashboard")) == 1
        server.end(signal.SIGKILL)
        until(lambda: server.family() == [], lambda: server.text)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
        assert list((tmp_path / "tmp").glob("openopen8-*")) == []


def test_a_configuration_of_reflex_in_the_folder_is_not_run_and_nothing_is_written_there(
    tmp_path: Path, compiled: None
) -> None:
    (tmp_path / "rxconfig.py").write_text("open('was-run', 'w')")
    (tmp_path / "tmp").mkdir()
    with serving(tmp_path, "--no-build", TMPDIR=str(tmp_path / "tmp")) as server:
        with events(server.address) as tab:
            assert tab.recv().startswith("0{")  # type: ignore[arg-type]
            tab.send("40/_event,")
            assert tab.recv().startswith("40/_event")  # type: ignore[arg-type]
        assert server.end() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "rxconfig.py", "serve.log", "tmp"]


@contextmanager
def events(address: str) -> Iterator[ClientConnection]:
    target = address.replace("http:", "ws:") + "/_event/?EIO=4&transport=websocket&token=tab-1"
    with connect(target, origin=address, subprotocols=["0.10.1"], proxy=None) as tab:  # type: ignore[arg-type, list-item]
        yield tab


def test_a_request_in_flight_is_answered_before_the_server_ends(tmp_path: Path) -> None:
    body = b'{"username": "ann", "password": "a long password"}'
    with serving(tmp_path, "--no-build") as server:
        assert healthy(server.address)
        port = int(server.address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            head = f"POST /api/session HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: {server.address}\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body[:10])
            until(lambda: len(server.part("relay")) == 1)
            server.process.send_signal(signal.SIGTERM)
            until(lambda: "Stopping" in server.text, lambda: server.text)
            connection.sendall(body[10:])
            assert connection.recv(100).startswith(b"HTTP/1.1 401 ")
        assert server.process.wait(30) == 0
