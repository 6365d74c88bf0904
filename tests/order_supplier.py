"""A supplier that answers orders as a test says: a real HTTP server, and its answers."""

import html
import http.server
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


class Supplier:
    """A real HTTP server. ``received`` holds (headers, body) of every order; a context manager.

    ``script`` answers the first, second … order; the last one answers all that follow.
    """

    def __init__(self, *script: Answer, certificate: tuple[Path, Path] | None = None) -> None:
        received = self.received = []

        class Orders(Handler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((dict(self.headers), body))
                script[min(len(received), len(script)) - 1](self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Orders)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.server.handle_error = lambda *_args: None  # the client hung up: that is the test
            scheme = "https"
        self.url = f"{scheme}://localhost:{self.server.server_port}/orders"

    def __enter__(self) -> "Supplier":
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def bodies(self) -> list[bytes]:
        """What every order carried, as it travelled."""
        return [body for _headers, body in self.received]


def says(body: str, status: int = 200, **headers: str) -> Answer:
    """An HTTP answer with that body."""

    def answer(handler: Handler) -> None:
        data = body.encode()
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def status(code: int, text: str = "OK", message: str = "") -> str:
    """A cXML Response."""
    return (
        '<?xml version="1.0"?><cXML payloadID="a@shop" timestamp="2026-04-01T00:00:00Z"><Response>'
        f'<Status code="{code}" text="{html.escape(text)}">{html.escape(message)}</Status>'
        "</Response></cXML>"
    )


def answers(code: int, text: str = "OK", message: str = "", http_status: int = 200) -> Answer:
    """A cXML answer over HTTP."""
    return says(status(code, text, message), http_status)


def hangs_up(handler: Handler) -> None:
    """The request was read; not a byte comes back."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def breaks_off(handler: Handler) -> None:
    """Half of a good answer, then the line is dead."""
    whole = status(200).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(whole)))
    handler.end_headers()
    handler.wfile.write(whole[: len(whole) // 2])


def without_length(handler: Handler) -> None:
    """A whole answer that ends where the connection does, as old servers answer."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(status(200).encode())


def is_silent(handler: Handler) -> None:
    """Nothing for longer than anybody waits."""
    time.sleep(8)


def drips(handler: Handler) -> None:
    """A byte now and then defeats every read time-out; without a length, the end looks regular."""
    handler.send_response(200)
    handler.end_headers()
    _drip(handler, status(200).encode() + b" " * 500)


def drips_headers(handler: Handler) -> None:
    """The same before the body began."""
    _drip(handler, b"HTTP/1.0 200 OK\r\nX-Long: " + b"x" * 700)


def _drip(handler: Handler, data: bytes) -> None:
    try:
        for start in range(0, len(data), 8):
            handler.wfile.write(data[start : start + 8])
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        return


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def takes_its_time(handler: Handler) -> None:
    """So that whoever would send too, does so meanwhile."""
    time.sleep(0.3)
    answers(200)(handler)
