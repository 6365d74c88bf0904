"""The sandbox supplier under gunicorn: dropped connections, and messages that really go out."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from sandbox_buyer import CONTROL, IDENTITY, SECRET, Buyer, assert_valid

PEN, WATER = "B0MDR00101", "B0MDR00401"
OK = b'<cXML payloadID="1" timestamp="2026-11-23T10:00:00Z"><Response>%s</Response></cXML>'


class Receiver(ThreadingHTTPServer):
    """The buyer's endpoint: keeps what comes, fails the first `failures` messages."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[bytes] = []
        self.authorization: list[str | None] = []
        self.failures = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/cxml/secret-token"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.authorization.append(self.headers["Authorization"])
        if self.server.failures:
            self.server.failures -= 1
            self.send_error(502)
            return
        assert self.headers["Content-Type"].startswith("text/xml")
        self.server.received.append(body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(OK % b'<Status code="200" text="OK"/>')

    def log_message(self, *arguments: object) -> None:
        """Say nothing: the test tells what matters."""


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a sandbox of its own is served by gunicorn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("sandbox")
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "SANDBOX_STATE": str(folder / "state.sqlite3"),
        "SANDBOX_PUBLIC_URL": url,
        "SANDBOX_IDENTITY": IDENTITY,
        "SANDBOX_SECRET": SECRET,
        "SANDBOX_CONTROL_TOKEN": CONTROL["X-Control-Token"],
    }
    command = [sys.executable, "-m", "gunicorn", "punchout.sandbox.wsgi:application"]
    command += ["--bind", f"127.0.0.1:{port}", "--threads", "8", "--workers", "1"]
    command += ["--no-control-socket", "--graceful-timeout", "1"]
    log = folder / "gunicorn.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=Path(__file__).resolve().parents[1],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(lambda: answers(url), log.read_text)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The buyer's endpoint, listening."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def buyer(base_url: str) -> Iterator[Buyer]:
    """A buyer with a browser, on a sandbox that starts empty."""
    control(base_url, "POST", "reset")
    with requests.Session() as session:

        def post(path: str, data: Any, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
            response = session.post(
                base_url + path, data=data, headers=headers, timeout=10, allow_redirects=False
            )
            return response.status_code, response.content

        def get(path: str) -> tuple[int, bytes]:
            response = session.get(base_url + path, timeout=10, allow_redirects=False)
            return response.status_code, response.content

        yield Buyer(post, get)


def wait_for(condition: Callable[[], object], explain: Callable[[], object] = lambda: "") -> None:
    """Wait until something holds, 15 seconds at most."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"did not happen in 15 seconds: {explain()}")


def answers(url: str) -> bool:
    """Whether the sandbox is up."""
    with suppress(requests.ConnectionError):
        return requests.get(url, timeout=5).status_code == 403
    return False


def control(base_url: str, method: str, path: str, **content: Any) -> Any:
    """Call the control API and return its JSON."""
    response = requests.request(
        method, f"{base_url}/_control/{path}", json=content or None, headers=CONTROL, timeout=10
    )
    assert response.status_code < 300, response.text
    return response.json()


def orders(base_url: str) -> list[dict[str, Any]]:
    """Every order the sandbox accepted."""
    return list(control(base_url, "GET", "orders")["orders"])


@pytest.mark.parametrize(("kind", "recorded"), [("drop_before_read", 0), ("drop_after_read", 1)])
def test_dropped_connections(base_url: str, buyer: Buyer, kind: str, recorded: int) -> None:
    cart = buyer.shop((PEN, 1))
    control(base_url, "POST", "faults", endpoint="order", kind=kind, times=1)
    with pytest.raises(requests.ConnectionError):
        buyer.order(cart)
    assert len(orders(base_url)) == recorded
    assert buyer.order(cart).get("code") == "200"
    assert len(orders(base_url)) == recorded + 1


def test_slow_drip_outlasts_a_read_timeout(base_url: str) -> None:
    control(
        base_url, "POST", "faults", endpoint="setup", kind="slow", times=1, seconds=2, drip=True
    )
    started = time.monotonic()
    answer = requests.post(f"{base_url}/cxml/setup", data=b"junk", timeout=0.5)
    assert answer.status_code == 200
    assert time.monotonic() - started > 1.5


def test_messages_go_out_by_themselves(base_url: str, buyer: Buyer, receiver: Receiver) -> None:
    receiver.failures = 2
    control(
        base_url,
        "PUT",
        "settings",
        inbound_url=receiver.url,
        inbound_username="u",
        inbound_password="p",
        auto_fulfil_delay=0.1,
        ship_delay=1.5,
        delivery_backoff=0.1,
    )
    buyer.order(buyer.shop((PEN, 1), (WATER, 2)))
    wait_for(lambda: len(receiver.received) == 4, lambda: control(base_url, "GET", "deliveries"))
    kinds = [assert_valid(body, "Fulfill").find("Request")[0].tag for body in receiver.received]
    assert kinds == ["ConfirmationRequest"] * 2 + ["ShipNoticeRequest"] * 2
    assert set(receiver.authorization) == {"Basic dTpw"}
    assert not any(b"SharedSecret" in body for body in receiver.received)
    wait_for(
        lambda: (
            {each["state"] for each in control(base_url, "GET", "deliveries")["deliveries"]}
            == {"delivered"}
        )
    )
    attempts = [each["attempts"] for each in control(base_url, "GET", "deliveries")["deliveries"]]
    assert sum(attempts) == 6


def test_tries_are_bounded_and_wait_for_an_address(
    base_url: str, buyer: Buyer, receiver: Receiver
) -> None:
    control(base_url, "PUT", "settings", auto_fulfil_delay=0, ship_delay=0)
    buyer.order(buyer.shop((PEN, 1)))
    wait_for(lambda: len(control(base_url, "GET", "deliveries")["deliveries"]) == 2)
    receiver.failures = 1000
    control(
        base_url,
        "PUT",
        "settings",
        inbound_url=receiver.url,
        delivery_attempts=3,
        delivery_backoff=0.01,
    )
    wait_for(
        lambda: (
            [
                (each["state"], each["attempts"])
                for each in control(base_url, "GET", "deliveries")["deliveries"]
            ]
            == [("failed", 3)] * 2
        )
    )
    assert receiver.received == []


def test_orders_at_the_same_time_are_all_counted(base_url: str, buyer: Buyer) -> None:
    control(base_url, "PUT", "settings", auto_fulfil=False)
    cart = buyer.shop((PEN, 1))
    codes: list[str | None] = []

    def send(number: int) -> None:
        def post(path: str, data: Any, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
            response = requests.post(base_url + path, data=data, headers=headers, timeout=20)
            return response.status_code, response.content

        other = Buyer(post, lambda path: (0, b""))
        codes.append(other.order(cart, payload_id=f"parallel-{number}").get("code"))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["200"] * 16
    assert len({order["payload_id"] for order in orders(base_url)}) == 16
    assert control(base_url, "GET", "requests")["order"] == 16


def test_usage_names_what_is_missing() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "punchout.sandbox"],
        env={"PATH": os.environ["PATH"]},
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 2
    assert "SANDBOX_SECRET" in finished.stderr
