"""Faults on purpose: switched on by control, for the next N calls or until taken away."""

import errno
import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, make_response
from flask.typing import ResponseReturnValue

from punchout.sandbox import documents
from punchout.sandbox.context import sandbox

HTTP_ENDPOINTS = ("setup", "order", "history", "token")
_TRANSPORT = (
    "slow",  # seconds=N, drip=true: byte by byte instead of all at the end
    "drop_before_read",
    "drop_after_read",  # the request is fully processed, then nothing is answered
    "http_500",  # processed=true: the request is fully processed first
    "cxml_500",  # likewise
    "cxml_560",  # likewise
    "unauthorized",  # http=true: HTTP 401 instead of a cXML status
    "garbage",  # likewise processed=true
)
KINDS: dict[str, tuple[str, ...]] = {
    "setup": _TRANSPORT,
    "order": (*_TRANSPORT, "reject"),  # reject: status=4xx
    "history": _TRANSPORT,
    "token": _TRANSPORT,
    "fulfilment": (
        "reject",  # code="018-007": 200 first, a rejecting confirmation later
        "partial",  # mode="backorder" (default) or "drop"
        "price_change",  # percent=N or yen=N on the unit price, line=N only; shipping=N yen more
        "duplicate",  # every inbound message twice
        "reorder",  # the ship notice before the confirmation
    ),
}
_LONGEST_SECONDS = 120.0


class FaultError(ValueError):
    """The fault is unknown, or not one this endpoint can have."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One armed fault and its options."""

    kind: str
    options: dict[str, Any]


def arm(
    connection: sqlite3.Connection,
    *,
    endpoint: str,
    kind: str,
    times: int | None = None,
    options: dict[str, Any] | None = None,
) -> int:
    """Arm a fault for the next `times` calls (None: always); return its id."""
    if kind not in KINDS.get(endpoint, ()):
        raise FaultError(f"no such fault: {endpoint}/{kind}")
    if times is not None and (type(times) is not int or times < 1):
        raise FaultError("times: expected a positive number, or nothing for always")
    cursor = connection.execute(
        "INSERT INTO fault (endpoint, kind, remaining, options) VALUES (?, ?, ?, ?)",
        (endpoint, kind, times, json.dumps(options or {})),
    )
    return int(cursor.lastrowid or 0)


def armed(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return what is armed, oldest first."""
    return [
        {
            "id": row["id"],
            "endpoint": row["endpoint"],
            "kind": row["kind"],
            "remaining": row["remaining"],
            **json.loads(row["options"]),
        }
        for row in connection.execute("SELECT * FROM fault ORDER BY id")
    ]


def take(connection: sqlite3.Connection, endpoint: str) -> Fault | None:
    """Use up one call of the oldest fault armed for `endpoint`."""
    row = connection.execute(
        "SELECT * FROM fault WHERE endpoint = ? ORDER BY id LIMIT 1", (endpoint,)
    ).fetchone()
    if row is None:
        return None
    _use_up(connection, row)
    return Fault(row["kind"], json.loads(row["options"]))


def take_all(connection: sqlite3.Connection, endpoint: str) -> dict[str, dict[str, Any]]:
    """Use up one call of every kind of fault armed for `endpoint`: kind -> options."""
    taken: dict[str, dict[str, Any]] = {}
    rows = connection.execute(
        "SELECT * FROM fault WHERE endpoint = ? ORDER BY id", (endpoint,)
    ).fetchall()
    for row in rows:
        if row["kind"] not in taken:
            _use_up(connection, row)
            taken[row["kind"]] = json.loads(row["options"])
    return taken


def _use_up(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    if row["remaining"] is None:
        return
    if row["remaining"] <= 1:
        connection.execute("DELETE FROM fault WHERE id = ?", (row["id"],))
    else:
        connection.execute("UPDATE fault SET remaining = remaining - 1 WHERE id = ?", (row["id"],))


class Dropped(Response):
    """Answers nothing: the connection is closed under the client."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Close the server's socket where the server shows it, and stop the request."""
        connection = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError(errno.ECONNRESET, "dropped on purpose")


View = Callable[..., ResponseReturnValue]


def faulty(endpoint: str) -> Callable[[View], View]:
    """Count the calls of a view and let the faults armed for `endpoint` happen to it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            with sandbox().store.write() as connection:
                count(connection, endpoint)
                fault = take(connection, endpoint)
            if fault is None:
                return view(*args, **kwargs)
            return _suffer(fault, endpoint, lambda: view(*args, **kwargs))

        return wrapped

    return decorate


def count(connection: sqlite3.Connection, kind: str) -> None:
    """Count one request of this kind."""
    connection.execute(
        "INSERT INTO request_count (kind, count) VALUES (?, 1)"
        " ON CONFLICT (kind) DO UPDATE SET count = count + 1",
        (kind,),
    )


def _suffer(
    fault: Fault, endpoint: str, view: Callable[[], ResponseReturnValue]
) -> ResponseReturnValue:
    if fault.kind == "drop_before_read":
        return Dropped()
    if fault.kind == "drop_after_read":
        view()
        return Dropped()
    if fault.kind == "slow":
        return _slowly(view(), fault.options)
    if fault.options.get("processed"):
        view()
    if fault.kind == "garbage":
        page = "<html><body>ただいま混み合っています".encode("shift_jis") + b"\xff\x00<cXML"
        return Response(page, content_type="text/html; charset=UTF-8")
    if fault.kind == "http_500":
        return Response("<h1>Internal Server Error</h1>", 500, content_type="text/html")
    return _refusal(fault, endpoint)


def _refusal(fault: Fault, endpoint: str) -> Response:
    code, text = {
        "cxml_500": (500, "Internal Server Error"),
        "cxml_560": (560, "Temporary Server Error"),
        "unauthorized": (401, "Unauthorized"),
        "reject": (int(fault.options.get("status", 406)), "Not Acceptable"),
    }[fault.kind]
    if endpoint in ("setup", "order") and not fault.options.get("http"):
        return Response(documents.status(code, text), content_type="text/xml; charset=UTF-8")
    body = json.dumps({"errors": [{"code": text, "message": text}]})
    return Response(body, 503 if code == 560 else code, content_type="application/json")


def _slowly(answer: ResponseReturnValue, options: dict[str, Any]) -> Response:
    seconds = min(float(options.get("seconds", 5)), _LONGEST_SECONDS)
    response = make_response(answer)
    if not options.get("drip"):
        time.sleep(seconds)
        return response
    body = response.get_data()

    def drip() -> Iterator[bytes]:
        for position in range(len(body)):
            time.sleep(seconds / max(len(body), 1))
            yield body[position : position + 1]

    response.response = drip()
    return response
