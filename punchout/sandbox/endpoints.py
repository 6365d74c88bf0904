"""The two cXML endpoints a buyer's server calls: set-up and orders."""

import hmac
import secrets
import sqlite3
import time
from decimal import Decimal

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from punchout.sandbox import documents, settings
from punchout.sandbox.context import sandbox
from punchout.sandbox.faults import faulty
from punchout.sandbox.incoming import (
    Envelope,
    Order,
    Refused,
    Setup,
    open_envelope,
    read_order,
    read_setup,
)

blueprint = Blueprint("cxml", __name__, url_prefix="/cxml")


@blueprint.post("/setup")
@faulty("setup")
def setup() -> ResponseReturnValue:
    """Answer a PunchOutSetupRequest with a one-time start page."""
    try:
        key = _open_session(read_setup(_authenticated()))
    except Refused as refused:
        return _answer(documents.status(refused.code, refused.text))
    return _answer(documents.setup_response(f"{sandbox().config.public_url}/start?key={key}"))


@blueprint.post("/orders")
@faulty("order")
def orders() -> ResponseReturnValue:
    """Take an OrderRequest. 200 means received: a rejection comes later, as a message."""
    with sandbox().store.read() as connection:
        values = settings.load(connection)
    if not _basic_matches(values["order_username"], values["order_password"]):
        return Response("Unauthorized", 401, {"WWW-Authenticate": 'Basic realm="orders"'})
    try:
        order = read_order(_authenticated())
    except Refused as refused:
        return _answer(documents.status(refused.code, refused.text))
    record(order)
    sandbox().worker.wake()
    return _answer(documents.status(200, "OK"))


def record(order: Order) -> None:
    """Keep the order, with the codes it will be rejected for, and plan its fulfilment."""
    with sandbox().store.write() as connection:
        values = settings.load(connection)
        if values["deduplicate_orders"]:
            known = connection.execute(
                "UPDATE purchase_order SET attempts = attempts + 1 WHERE payload_id = ?",
                (order.envelope.payload_id,),
            )
            if known.rowcount:
                return
        now = time.time()
        codes = _rejection_codes(connection, order)
        row_id = connection.execute(
            "INSERT INTO purchase_order (payload_id, order_number, received_at, email,"
            " buyer_identity, total, test_mode, body, hash, ship_to, rejection, fulfil_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                order.envelope.payload_id,
                order.order_number,
                now,
                order.email,
                order.envelope.buyer_identity,
                str(order.total),
                order.envelope.test_mode,
                order.envelope.body,
                order.envelope.hash,
                order.ship_to,
                " ".join(codes),
                now + values["auto_fulfil_delay"] if values["auto_fulfil"] else None,
            ),
        ).lastrowid
        connection.executemany(
            "INSERT INTO purchase_order_line VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    row_id,
                    line.line_number,
                    line.auxiliary_id,
                    line.asin,
                    str(line.quantity),
                    str(line.unit_price),
                )
                for line in order.lines
            ],
        )


def _rejection_codes(connection: sqlite3.Connection, order: Order) -> list[str]:
    """Return why the supplier will refuse the order: the whole cart as it was, or nothing."""
    if order.kind != "new":
        return ["001-001"]
    handed = [
        connection.execute(
            "SELECT * FROM handed_line WHERE auxiliary_id = ?", (line.auxiliary_id,)
        ).fetchone()
        for line in order.lines
    ]
    carts = {row["cart"] if row else None for row in handed}
    if None in carts or len(carts) != 1:
        return ["001-012"]
    if any(row["asin"] != line.asin for row, line in zip(handed, order.lines, strict=True)):
        return ["001-012"]
    ordered = {line.auxiliary_id: line.quantity for line in order.lines}
    whole = connection.execute("SELECT * FROM handed_line WHERE cart = ?", (carts.pop(),))
    if {row["auxiliary_id"]: Decimal(row["quantity"]) for row in whole} != ordered:
        return ["018-007"]
    return []


def _open_session(setup: Setup) -> str:
    key = secrets.token_urlsafe(24)
    with sandbox().store.write() as connection:
        connection.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?) ON CONFLICT (email) DO UPDATE"
            " SET name = excluded.name, business_unit = excluded.business_unit",
            (setup.email, setup.name, setup.business_unit, time.time()),
        )
        connection.execute(
            "INSERT INTO shopping_session (start_key, created_at, email, buyer_identity,"
            " buyer_cookie, return_url, ship_to, test_mode) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                time.time(),
                setup.email,
                setup.envelope.buyer_identity,
                setup.buyer_cookie,
                setup.return_url,
                setup.ship_to,
                setup.envelope.test_mode,
            ),
        )
    return key


def _authenticated() -> Envelope:
    config = sandbox().config
    return open_envelope(request.get_data(), identity=config.identity, secret=config.secret)


def _basic_matches(username: str, password: str) -> bool:
    if not username:
        return True
    given = request.authorization
    if given is None or given.type != "basic":
        return False
    pair = f"{given.username}:{given.password}"
    return hmac.compare_digest(pair.encode(), f"{username}:{password}".encode())


def _answer(body: bytes) -> Response:
    return Response(body, content_type="text/xml; charset=UTF-8")
