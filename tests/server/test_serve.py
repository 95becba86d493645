"""The processes of `openopen8 serve`, as the operating system sees them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.server.processes import environment, serving, until


def healthy(address: str) -> bool:
    try:
        return httpx.get(address + "/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_it_serves_says_where_and_ends_cleanly(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-build", "--workers", "2") as server:
        assert healthy(server.address)
        assert len(server.part("relay")) == 2
        status = httpx.get(server.address + "/api/status", trust_env=False).json()
        assert status["setup_needed"] is True
        assert server.text.rstrip().splitlines()[-1] == f"OpenOpen8 is ready: {server.address}"
        assert server.end() == 0
        assert server.family() == []
        assert "Traceback" not in server.text
        assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_killed_worker_comes_back_and_the_other_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-build", "--workers", "2") as server:
        assert healthy(server.address)
        killed, other = server.part("relay")
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(server.part("relay")) == 2, lambda: server.text)
        assert killed not in server.part("relay")
        assert other in server.part("relay")
        until(lambda: healthy(server.address), lambda: server.text)
        assert "relay-" in server.text
        assert "ended (signal 9); starting it again" in server.text


def test_nothing_is_left_running_when_the_server_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-build", "--workers", "2") as server:
        port = int(server.address.rpartition(":")[2])
        assert len(server.family()) == 3
        server.end(signal.SIGKILL)
        until(lambda: server.family() == [], lambda: server.text)
        with socket.create_server(("127.0.0.1", port)):
            pass  # the port is free


def test_sigint_ends_it_too(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-build") as server:
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
    with serving(tmp_path, "--no-build", "--host", "0.0.0.0") as server:
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
