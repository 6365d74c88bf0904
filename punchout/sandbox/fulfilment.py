"""What the supplier does with an order: allocate, confirm, ship, refund.

Every function works inside the caller's transaction and only queues messages; sending them is
the worker's business.
"""

import json
import secrets
import sqlite3
import time
from contextlib import suppress

from punchout.sandbox import documents, settings
from punchout.sandbox.allocation import (
    FulfilmentError,
    allocate,
    digits,
    order_lines,
    purchase_order,
)
from punchout.sandbox.documents import ConfirmedLine, Reference
from punchout.sandbox.pricing import Priced

CARRIERS = ("ヤマト運輸", "佐川急便", "日本郵便")


def fulfil(connection: sqlite3.Connection, purchase_order_id: int) -> None:
    """Confirm the order and ship what was accepted, in the order the armed faults ask for."""
    delay = settings.load(connection)["ship_delay"]
    effects = allocate(connection, purchase_order_id)
    first, second = (delay, 0.0) if "reorder" in effects else (0.0, delay)
    with suppress(FulfilmentError):  # confirmed by hand before: shipping is what is left to do
        confirm(connection, purchase_order_id, after=first)
    if purchase_order(connection, purchase_order_id)["state"] == "allocated":
        ship(connection, purchase_order_id, after=second)


def confirm(connection: sqlite3.Connection, purchase_order_id: int, *, after: float = 0.0) -> None:
    """Queue the confirmations not sent so far, or the rejection.

    Once everything is confirmed, another call accepts what was back-ordered and queues an
    `update`; raises FulfilmentError when there is nothing of that kind either.
    """
    effects = allocate(connection, purchase_order_id)
    order = purchase_order(connection, purchase_order_id)
    if order["state"] == "rejected":
        if _queued(connection, purchase_order_id):
            raise FulfilmentError("already rejected")
        lines = {
            row["line_number"]: row["quantity"]
            for row in order_lines(connection, purchase_order_id)
        }
        _queue_rejection(connection, order, order["rejection"].split(), lines, after)
        return
    open_orders = connection.execute(
        "SELECT order_id FROM supplier_order WHERE purchase_order_id = ?"
        " AND confirmed_at IS NULL ORDER BY placed_at, order_id",
        (purchase_order_id,),
    ).fetchall()
    update = not open_orders
    if update:
        open_orders = _release_backorders(connection, purchase_order_id)
    if not open_orders:
        raise FulfilmentError("everything is confirmed already")
    for row in open_orders:
        _queue_confirmation(connection, order, row["order_id"], update=update, after=after)
    if not update and effects.get("partial", {}).get("mode") == "drop":
        _queue_dropped_groups(connection, order, after)


def ship(connection: sqlite3.Connection, purchase_order_id: int, *, after: float = 0.0) -> None:
    """Ship what is accepted and still here, one shipment per supplier order; queue the notices."""
    allocate(connection, purchase_order_id)
    order = purchase_order(connection, purchase_order_id)
    shipped = False
    for row in connection.execute(
        "SELECT order_id FROM supplier_order WHERE purchase_order_id = ? ORDER BY order_id",
        (purchase_order_id,),
    ).fetchall():
        shipped = _ship_one(connection, order, row["order_id"], after) or shipped
    if not shipped:
        raise FulfilmentError("there is nothing to ship")


def refund(
    connection: sqlite3.Connection,
    purchase_order_id: int,
    *,
    line_number: int,
    quantity: int,
    reason: str,
) -> str:
    """Give back the price of `quantity` shipped units of a line; return the transaction id.

    Carriage is not given back. Refunds show in the reports only: no message goes out.
    """
    row = connection.execute(
        "SELECT line.*, MIN(movement.shipment_id) AS shipment_id,"
        " SUM(movement.quantity) AS left_here"
        " FROM supplier_line AS line JOIN movement USING (item_id)"
        " JOIN supplier_order USING (order_id)"
        " WHERE purchase_order_id = ? AND line_number = ? GROUP BY item_id",
        (purchase_order_id, line_number),
    ).fetchone()
    if row is None or not 0 < quantity <= row["left_here"]:
        raise FulfilmentError("not that many units of this line were shipped")
    priced = Priced(row["unit_price"], quantity, row["rate"])
    return _move(connection, row["shipment_id"], row["item_id"], priced, sign=-1, reason=reason)


def _release_backorders(
    connection: sqlite3.Connection, purchase_order_id: int
) -> list[sqlite3.Row]:
    rows = connection.execute(
        "SELECT DISTINCT order_id FROM supplier_line JOIN supplier_order USING (order_id)"
        " WHERE purchase_order_id = ? AND backordered > 0 ORDER BY order_id",
        (purchase_order_id,),
    ).fetchall()
    connection.executemany(
        "UPDATE supplier_line SET accepted = accepted + backordered, backordered = 0"
        " WHERE order_id = ?",
        [(row["order_id"],) for row in rows],
    )
    return rows


def _queue_confirmation(
    connection: sqlite3.Connection,
    order: sqlite3.Row,
    order_id: str,
    *,
    update: bool,
    after: float,
) -> None:
    rows = _supplier_lines(connection, order_id)
    connection.execute(
        "UPDATE supplier_order SET confirmed_at = ? WHERE order_id = ?", (time.time(), order_id)
    )
    if all(row["rejected"] == row["ordered"] for row in rows):
        return  # nothing of it was taken: that is a rejection, not a confirmation
    payload_id = documents.new_payload_id()
    body = documents.confirmation(
        _reference(order),
        confirm_id=order_id,
        lines=[_confirmed(row) for row in rows],
        payload_id=payload_id,
        update=update,
    )
    _queue(connection, order, "confirmation", payload_id, body, after)


def _queue_dropped_groups(connection: sqlite3.Connection, order: sqlite3.Row, after: float) -> None:
    rows = connection.execute(
        "SELECT line.line_number, line.ordered FROM supplier_line AS line"
        " JOIN supplier_order USING (order_id) WHERE purchase_order_id = ? AND NOT EXISTS"
        " (SELECT 1 FROM supplier_line AS other WHERE other.order_id = line.order_id"
        "  AND other.rejected < other.ordered) ORDER BY line_number",
        (order["id"],),
    ).fetchall()
    if rows:
        lines = {row["line_number"]: str(row["ordered"]) for row in rows}
        _queue_rejection(connection, order, ["015-005", "001-012"], lines, after)


def _queue_rejection(
    connection: sqlite3.Connection,
    order: sqlite3.Row,
    codes: list[str],
    lines: dict[int, str],
    after: float,
) -> None:
    payload_id = documents.new_payload_id()
    body = documents.rejection(_reference(order), codes=codes, lines=lines, payload_id=payload_id)
    _queue(connection, order, "rejection", payload_id, body, after)


def _ship_one(
    connection: sqlite3.Connection, order: sqlite3.Row, order_id: str, after: float
) -> bool:
    goods = [
        (row, row["accepted"] - row["shipped"])
        for row in _supplier_lines(connection, order_id)
        if row["accepted"] > row["shipped"]
    ]
    if not goods:
        return False
    shipment_id = f"S{digits(10)}"
    now = time.time()
    carrier = CARRIERS[int(order_id[-1]) % len(CARRIERS)]
    tracking = digits(12)
    connection.execute(
        "INSERT INTO shipment VALUES (?, ?, ?, ?, ?)",
        (shipment_id, order_id, now, carrier, tracking),
    )
    for row, quantity in goods:
        # Carriage and the rounding of the tax belong to the line: the last parcel takes the rest.
        whole = _confirmed(row).priced
        before = Priced(row["unit_price"], row["shipped"], row["rate"])
        _move(
            connection,
            shipment_id,
            row["item_id"],
            Priced(
                row["unit_price"], quantity, row["rate"], 0 if row["shipped"] else whole.shipping
            ),
            tax=whole.subtotal_tax - before.subtotal_tax,
        )
    payload_id = documents.new_payload_id()
    body = documents.ship_notice(
        _reference(order),
        shipment_id=shipment_id,
        shipped_at=now,
        carrier=carrier,
        tracking=tracking,
        items={row["line_number"]: quantity for row, quantity in goods},
        payload_id=payload_id,
    )
    _queue(connection, order, "ship_notice", payload_id, body, after)
    return True


def _move(
    connection: sqlite3.Connection,
    shipment_id: str,
    item_id: str,
    priced: Priced,
    *,
    sign: int = 1,
    tax: int | None = None,
    reason: str = "",
) -> str:
    transaction_id = secrets.token_hex(10)
    connection.execute(
        "INSERT INTO movement (transaction_id, shipment_id, item_id, at, quantity, subtotal, tax,"
        " shipping, shipping_tax, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            transaction_id,
            shipment_id,
            item_id,
            time.time(),
            sign * priced.quantity,
            sign * priced.subtotal,
            sign * (priced.subtotal_tax if tax is None else tax),
            sign * priced.shipping,
            sign * priced.shipping_tax,
            reason,
        ),
    )
    return transaction_id


def _queue(
    connection: sqlite3.Connection,
    order: sqlite3.Row,
    kind: str,
    payload_id: str,
    body: bytes,
    after: float,
) -> None:
    copies = 2 if "duplicate" in json.loads(order["effects"]) else 1
    connection.executemany(
        "INSERT INTO delivery (purchase_order_id, kind, payload_id, body, due_at)"
        " VALUES (?, ?, ?, ?, ?)",
        [(order["id"], kind, payload_id, body, time.time() + after)] * copies,
    )


def _queued(connection: sqlite3.Connection, purchase_order_id: int) -> bool:
    row = connection.execute(
        "SELECT 1 FROM delivery WHERE purchase_order_id = ? LIMIT 1", (purchase_order_id,)
    ).fetchone()
    return row is not None


def _supplier_lines(connection: sqlite3.Connection, order_id: str) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT supplier_line.*, COALESCE((SELECT SUM(quantity) FROM movement"
        " WHERE movement.item_id = supplier_line.item_id AND quantity > 0), 0) AS shipped"
        " FROM supplier_line WHERE order_id = ? ORDER BY line_number",
        (order_id,),
    ).fetchall()


def _confirmed(row: sqlite3.Row) -> ConfirmedLine:
    shipping = row["shipping"] if row["accepted"] else 0
    return ConfirmedLine(
        line_number=row["line_number"],
        ordered=row["ordered"],
        accepted=row["accepted"],
        backordered=row["backordered"],
        rejected=row["rejected"],
        priced=Priced(row["unit_price"], row["accepted"], row["rate"], shipping),
        price_changed=bool(row["price_changed"]),
    )


def _reference(order: sqlite3.Row) -> Reference:
    return Reference(
        buyer_identity=order["buyer_identity"],
        order_number=order["order_number"],
        payload_id=order["payload_id"],
        test_mode=bool(order["test_mode"]),
    )
